//! The rows of every node of a tree, which lie together: parting them writes each child's rows,
//! in their order, into another list.

use std::ops::Range;

use evenstep_exact::reduce::Workers;
use evenstep_exact::simd;

/// Fewer rows than this are parted, or marked, faster by one thread than shared.
const SMALL_ROWS: usize = 16_384;

/// Where a row stands that no leaf was grown from.
pub(super) const NO_LEAF: u16 = u16::MAX;

/// Two lists of rows, and a bit for each row that is being parted.
pub(super) struct Order {
    lists: [Vec<u32>; 2],
    bits: Vec<u64>,
}

/// Where the rows of a node lie.
#[derive(Clone, Default, Debug)]
pub(super) struct Place {
    list: usize,
    rows: Range<usize>,
}

impl Place {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Order {
    /// Has room for so many rows.
    pub(super) fn of(rows: usize) -> Order {
        Order { lists: [vec![0; rows], vec![0; rows]], bits: Vec::new() }
    }

    /// Starts with rows in ascending order.
    pub(super) fn start(&mut self, rows: impl Iterator<Item = u32>) -> Place {
        let count = self.lists[0].iter_mut().zip(rows).map(|(place, row)| *place = row).count();
        Place { list: 0, rows: 0..count }
    }

    /// The rows of a node, which ascend.
    pub(super) fn rows(&self, place: &Place) -> &[u32] {
        &self.lists[place.list][place.rows.clone()]
    }

    /// Parts the rows of a node into those that go left and the others: `mark` sets the bits of those
    /// that do, and counts them.
    pub(super) fn part(
        &mut self,
        workers: &Workers,
        place: &Place,
        mark: impl Fn(&[u32], &mut [u64]) -> usize + Send + Sync,
    ) -> [Place; 2] {
        let [first, second] = &mut self.lists;
        let (from, to) = if place.list == 0 { (first, second) } else { (second, first) };
        let (from, to) = (&from[place.rows.clone()], &mut to[place.rows.clone()]);
        let threads = if from.len() < SMALL_ROWS { 1 } else { workers.count() };
        let size = from.len().div_ceil(threads).next_multiple_of(64).max(64);
        self.bits.clear();
        self.bits.resize(from.len().div_ceil(64), 0);

        let parts = from.chunks(size).zip(self.bits.chunks_mut(size / 64)).collect();
        let counts = workers.map(parts, |(rows, bits)| mark(rows, bits));
        let count: usize = counts.iter().sum();
        let (mut left, mut right) = to.split_at_mut(count);
        let parts = from.chunks(size).zip(self.bits.chunks(size / 64)).zip(counts).map(|((rows, bits), count)| {
            let ones = left.split_off_mut(..count).expect("all that go left were counted");
            let zeros = right.split_off_mut(..rows.len() - count).expect("the others go right");
            (rows, bits, ones, zeros)
        });
        workers.map(parts.collect(), |(rows, bits, ones, zeros)| simd::part(rows, bits, ones, zeros));

        let (list, middle) = (1 - place.list, place.rows.start + count);
        [place.rows.start..middle, middle..place.rows.end].map(|rows| Place { list, rows })
    }

    /// Writes down which leaf each row came to.
    pub(super) fn write_leaves(&self, workers: &Workers, leaves: &[Place], leaf_of_row: &mut [u16]) {
        let threads = if leaf_of_row.len() < SMALL_ROWS { 1 } else { workers.count() };
        let size = leaf_of_row.len().div_ceil(threads).max(1);
        let write = |(at, part): (usize, &mut [u16])| {
            let (start, end) = ((at * size) as u32, (at * size + part.len()) as u32);
            for (leaf, place) in leaves.iter().enumerate() {
                let rows = self.rows(place);
                let rows = &rows[rows.partition_point(|row| *row < start)..rows.partition_point(|row| *row < end)];
                rows.iter().for_each(|row| part[(row - start) as usize] = leaf as u16);
            }
        };
        workers.map(leaf_of_row.chunks_mut(size).enumerate().collect(), write);
    }
}

/// Sets the bit of each row that goes left; counts them.
pub(super) fn mark(rows: &[u32], bits: &mut [u64], goes_left: impl Fn(u32) -> bool) -> usize {
    for (bits, rows) in bits.iter_mut().zip(rows.chunks(64)) {
        *bits = rows.iter().rev().fold(0, |bits, row| bits << 1 | u64::from(goes_left(*row)));
    }
    bits.iter().map(|bits| bits.count_ones() as usize).sum()
}
