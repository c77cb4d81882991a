//! A sketch of the rows at a stage: from two of them, the rows that differ, by their own ids.
//!
//! An invertible Bloom lookup table: every row is added to four cells of a table of fixed size. The
//! difference of two tables holds only what the sets don't share, and peels: a cell with one
//! element gives it away, which empties three others.
//! A rateless table would list as many symbols as a difference needs, but needs somebody to
//! ask for more; a file is written once, and a row would touch 14 cells of it.
// Goodrich & Mitzenmacher 2011, "Invertible Bloom lookup tables"; Eppstein et al. 2011, "What's the difference?".

use evenstep_exact::canonical::Hasher;
use evenstep_exact::reduce::Partial;
use evenstep_exact::simd::widest;
use evenstep_table::{Column, RowKey};
use serde::{Deserialize, Serialize};

use super::hash::{fold, words};

/// Each row is in one cell of each of so many parts.
const PARTS: usize = 4;
/// Cells of a part. 1,536 cells in all peel some 1,100 elements, of which a changed row has two. By three parts of 512 it took
/// less to add one, but among a thousand two fell into the same three cells once in 300 times.
const PART: usize = 384;
const CELLS: usize = PARTS * PART;
/// What a cell takes in a file.
const CELL_BYTES: usize = 8 * WORDS;
const WORDS: usize = 4;
/// A part may be folded until so many times fewer cells are left, half of them each time.
pub(crate) const SHRUNK_MOST: usize = 8;

/// How many times smaller than it is gathered a sketch may be stored, the largest first.
pub(crate) fn shrinks() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |shrunk| Some(2 * shrunk)).take_while(|shrunk| *shrunk <= SHRUNK_MOST)
}

/// The length in a file of a sketch that was shrunk so many times.
pub(crate) const fn bytes_of(shrunk: usize) -> usize {
    CELLS / shrunk * CELL_BYTES
}

/// An element that one side has up to so many times more often is still recovered.
const COPIES: u32 = 4;

/// An id of so many bytes is kept as it is.
const ID_BYTES: usize = 16;
const HASHED: u32 = 0xff;
const KEY: u32 = 0xfe;

/// What a row is called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowName {
    bytes: [u8; ID_BYTES],
    length: u32,
}

impl RowName {
    /// The declared id, as text.
    #[inline]
    pub fn of_id(id: &[u8]) -> RowName {
        match id.len() {
            0..=ID_BYTES => RowName { bytes: padded(id), length: id.len() as u32 },
            _ => RowName::hashed(id),
        }
    }

    fn hashed(id: &[u8]) -> RowName {
        RowName { bytes: Hasher::new("evenstep trace id").bytes(id).finish16(), length: HASHED }
    }

    /// The name with the id's hash in the place of the id.
    pub fn hidden(&self) -> RowName {
        self.bytes.get(..self.length as usize).map_or(*self, RowName::hashed)
    }

    /// The key of a row without a declared id.
    pub fn of_key(key: &RowKey) -> RowName {
        RowName { bytes: key.0, length: KEY }
    }

    /// The id itself; None for one that is longer than 16 bytes, and for a key.
    pub fn id(&self) -> Option<String> {
        let bytes = self.bytes.get(..self.length as usize)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// The key; None for a declared id.
    pub fn key(&self) -> Option<RowKey> {
        (self.length == KEY).then_some(RowKey(self.bytes))
    }

    /// The 16 bytes in hex: of a key, or of a longer id's hash.
    pub fn hex(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The bytes, and zeros after them. A copy of eight or four bytes is one instruction, and one of some is a call.
#[inline]
fn padded(id: &[u8]) -> [u8; ID_BYTES] {
    let mut bytes = [0; ID_BYTES];
    let mut copy_ends = |size: usize| {
        let last = id.len() - size;
        bytes[..size].copy_from_slice(&id[..size]);
        bytes[last..last + size].copy_from_slice(&id[last..]);
    };
    match id.len() {
        8.. => copy_ends(8),
        4.. => copy_ends(4),
        _ => bytes.iter_mut().zip(id).for_each(|(byte, of_id)| *byte = *of_id),
    }
    bytes
}

/// The id of each row of a batch, as text: its columns' cells, with a unit separator between them.
pub(crate) fn id_text(columns: &[&Column], row: usize, text: &mut Vec<u8>) {
    text.clear();
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            text.push(0x1f);
        }
        match column {
            Column::Integer(cells) if !column.is_null(row) => {
                text.extend_from_slice(itoa::Buffer::new().format(cells[row]).as_bytes());
            }
            Column::Category(coded) | Column::Text(coded) => {
                text.extend_from_slice(coded.get(row).unwrap_or_default().as_bytes());
            }
            column => text.extend_from_slice(column.text(row).unwrap_or_default().as_bytes()),
        }
    }
}

/// A row as the sketch knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Element {
    /// What it is called.
    pub name: RowName,
    /// The hash of its cells.
    pub content: u64,
}

impl Element {
    fn words(&self) -> [u64; 2] {
        words(&RowKey(self.name.bytes))
    }

    /// The cells that it is in, where a part has so many, and what vouches for it there.
    #[inline(always)]
    fn place(&self, part_cells: usize) -> ([usize; PARTS], u32) {
        let [a, b] = self.words();
        let mixed =
            fold(a ^ self.content ^ 0x8bb8_4b93_962e_acc9, b ^ u64::from(self.length()) ^ 0x2d35_8dcc_aa6c_78a5);
        let mixed = fold(mixed ^ 0x4b33_a62e_d433_d4a3, self.content ^ a.rotate_left(17) ^ 0x4d5a_2da5_1de1_aa47);
        let check = fold(mixed ^ b, 0xa076_1d64_78bd_642f) as u32;
        // A part that is folded has its cells where they fall onto one another.
        let at = |part: usize| {
            let at = (mixed >> (16 * part)) as u16 as usize % PART;
            // A division by what isn't known beforehand takes longer than all else here.
            if part_cells == PART { at } else { at % part_cells }
        };
        (std::array::from_fn(|part| part * part_cells + at(part)), check)
    }

    fn length(&self) -> u32 {
        self.name.length
    }
}

/// Sums over the elements of a cell: of the name's two words, of the content, and of what there is besides.
///
/// Of the last word the lowest 32 bits are of checks, 8 are of the lengths of names, and the rest counts elements. One may be
/// carried into the next, which sums that are taken apart again undo.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct Cell([u64; WORDS]);

impl Cell {
    /// So many copies of an element; fewer than none, if it was taken away.
    #[inline(always)]
    fn of(element: &Element, check: u32, copies: i64) -> Cell {
        let [a, b] = element.words();
        let last = 1 << 40 | u64::from(element.length()) << 32 | u64::from(check);
        Cell([a, b, element.content, last].map(|word| word.wrapping_mul(copies as u64)))
    }

    #[inline(always)]
    fn add(&mut self, other: &Cell) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word = word.wrapping_add(other));
    }

    fn negated(&self) -> Cell {
        Cell(self.0.map(u64::wrapping_neg))
    }

    fn is_empty(&self) -> bool {
        *self == Cell::default()
    }

    /// The one element of which the cell holds so many copies, if that is what it holds.
    fn element(&self, copies: u32, at: usize, part_cells: usize) -> Option<Element> {
        let (halvings, odd) = (copies.trailing_zeros(), copies >> copies.trailing_zeros());
        let inverse = odd_inverse(u64::from(odd));
        // Of a word that was doubled the highest bit is lost: each is tried, but of the last word, where it is none.
        let lost = 1_u64 << halvings;
        let [id0, id1, content, last] = self.0.map(|word| word.wrapping_mul(inverse));
        if [id0, id1, content, last].iter().any(|word| word % lost != 0) || last >> halvings >> 40 != 1 {
            return None;
        }
        let (length, check) = ((last >> halvings >> 32) as u8, (last >> halvings) as u32);
        let whole = |word: u64, high: u64| (word >> halvings) | (high.checked_shl(64 - halvings).unwrap_or(0));
        (0..lost * lost * lost).find_map(|choice| {
            let id = [whole(id0, choice % lost), whole(id1, choice / lost % lost)];
            let mut bytes = [0; ID_BYTES];
            bytes[..8].copy_from_slice(&id[0].to_le_bytes());
            bytes[8..].copy_from_slice(&id[1].to_le_bytes());
            let name = RowName { bytes, length: length.into() };
            let element = Element { name, content: whole(content, choice / lost / lost) };
            let (cells, of_element) = element.place(part_cells);
            (cells.contains(&at) && check == of_element).then_some(element)
        })
    }
}

/// The inverse of an odd number among words.
fn odd_inverse(odd: u64) -> u64 {
    // Newton: each round doubles the bits that are right, from 3.
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// Some rows, in a table of fixed size.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Sketch {
    /// Empty as long as no row was added.
    cells: Vec<Cell>,
}

/// What two sketches come to.
#[derive(Clone, PartialEq, Debug)]
pub enum Reconciled {
    /// The elements of either side alone, each as often as that side has it more.
    All {
        /// Only in the first.
        first: Vec<Element>,
        /// Only in the second.
        second: Vec<Element>,
    },
    /// More than the sketch recovers.
    Many,
}

impl Sketch {
    /// Adds rows.
    pub(crate) fn add(&mut self, elements: impl Iterator<Item = Element>) {
        self.cells.resize(CELLS, Cell::default());
        let cells: &mut [Cell; CELLS] = self.cells.first_chunk_mut().expect("all cells are there");
        widest!(for element in elements {
            let (places, check) = element.place(PART);
            let cell = Cell::of(&element, check, 1);
            places.iter().for_each(|at| cells[*at].add(&cell));
        });
    }

    fn add_times(&mut self, element: &Element, copies: i64) {
        let (places, check) = element.place(self.cells.len() / PARTS);
        let cell = Cell::of(element, check, copies);
        places.iter().for_each(|at| self.cells[*at].add(&cell));
    }

    /// Its cells, so many in each part: a part is folded until it has no more.
    fn folded(&self, part_cells: usize) -> Vec<Cell> {
        let mut folded = vec![Cell::default(); PARTS * part_cells];
        let parts = self.cells.chunks(self.cells.len().max(1).div_ceil(PARTS));
        for (folded, part) in folded.chunks_mut(part_cells).zip(parts) {
            part.iter().enumerate().for_each(|(at, cell)| folded[at % part_cells].add(cell));
        }
        folded
    }

    /// The rows that one has and the other has not.
    pub fn reconcile(&self, other: &Sketch) -> Reconciled {
        let part_of = |sketch: &Sketch| if sketch.cells.is_empty() { PART } else { sketch.cells.len() / PARTS };
        let part_cells = part_of(self).min(part_of(other));
        let mut rest = Sketch { cells: self.folded(part_cells) };
        rest.cells.iter_mut().zip(other.folded(part_cells)).for_each(|(cell, theirs)| cell.add(&theirs.negated()));
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut queue: Vec<usize> = (0..rest.cells.len()).collect();
        while let Some(at) = queue.pop() {
            let cell = rest.cells[at];
            let found = (1..=COPIES).find_map(|copies| {
                let mine = cell.element(copies, at, part_cells).map(|element| (element, copies, true));
                mine.or_else(|| cell.negated().element(copies, at, part_cells).map(|element| (element, copies, false)))
            });
            let Some((element, copies, is_mine)) = found else { continue };
            let copies = i64::from(copies);
            rest.add_times(&element, if is_mine { -copies } else { copies });
            queue.extend(element.place(part_cells).0);
            let side = if is_mine { &mut first } else { &mut second };
            side.extend(std::iter::repeat_n(element, copies as usize));
            // Bytes that nobody's rows came to could be peeled for ever.
            if first.len() + second.len() > COPIES as usize * rest.cells.len() {
                return Reconciled::Many;
            }
        }
        if !rest.cells.iter().all(Cell::is_empty) {
            return Reconciled::Many;
        }
        first.sort_unstable();
        second.sort_unstable();
        Reconciled::All { first, second }
    }

    /// The stable byte form, shrunk so many times.
    pub(crate) fn to_bytes(&self, shrunk: usize) -> Vec<u8> {
        self.folded(PART / shrunk).iter().flat_map(|cell| cell.0).flat_map(u64::to_le_bytes).collect()
    }

    /// The sketch of these bytes; None if they are of another length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Sketch> {
        shrinks().find(|shrunk| bytes_of(*shrunk) == bytes.len())?;
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let words: Vec<u64> = bytes.as_chunks().0.iter().map(word).collect();
        Some(Sketch { cells: words.as_chunks().0.iter().map(|words| Cell(*words)).collect() })
    }
}

impl Partial for Sketch {
    fn merge(&mut self, other: Sketch) {
        if self.cells.is_empty() {
            *self = other;
            return;
        }
        self.cells.iter_mut().zip(&other.cells).for_each(|(mine, theirs)| mine.add(theirs));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(n: u64) -> Element {
        Element {
            name: RowName::of_id(n.to_string().as_bytes()),
            content: fold(n ^ 0x1234_5678_9abc_def1, 0x9e37_79b9_7f4a_7c15),
        }
    }

    fn sketch(elements: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        sketch.add(elements.into_iter().map(element));
        sketch
    }

    fn all(elements: impl IntoIterator<Item = u64>) -> Vec<Element> {
        let mut all: Vec<Element> = elements.into_iter().map(element).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_thousand_elements_are_recovered_from_any_start_and_ten_thousand_are_many() {
        for round in 0..200 {
            let from = round * 1_000_003;
            let (mine, theirs) = (sketch(from..from + 700), sketch(from + 500..from + 1_200));
            let expected = Reconciled::All { first: all(from..from + 500), second: all(from + 700..from + 1_200) };
            assert_eq!(mine.reconcile(&theirs), expected, "from {from}");
            let (none, thousand) = (Sketch::default(), sketch(from..from + 1_000));
            assert_eq!(none.reconcile(&thousand), Reconciled::All { first: vec![], second: all(from..from + 1_000) });
        }
        assert_eq!(sketch(0..10_000).reconcile(&sketch(10_000..10_005)), Reconciled::Many);
    }

    #[test]
    fn a_sketch_that_was_shrunk_recovers_fewer_and_is_compared_with_any() {
        let stored = |sketch: &Sketch, shrunk| Sketch::from_bytes(&sketch.to_bytes(shrunk)).expect("its length");
        let (mine, theirs) = (sketch(0..10_000), sketch(50..10_050));
        let expected = Reconciled::All { first: all(0..50), second: all(10_000..10_050) };
        for (shrunk, others) in shrinks().flat_map(|shrunk| shrinks().map(move |others| (shrunk, others))) {
            assert_eq!(stored(&mine, shrunk).reconcile(&stored(&theirs, others)), expected, "{shrunk} and {others}");
            assert_eq!(stored(&mine, shrunk).reconcile(&Sketch::default()), Reconciled::Many);
        }
    }

    #[test]
    fn copies_are_recovered_up_to_four() {
        for copies in 1..=4 {
            let mine = sketch((0..100).flat_map(|n| std::iter::repeat_n(n, copies)));
            let expected = all((0..100).flat_map(|n| std::iter::repeat_n(n, copies)));
            assert_eq!(mine.reconcile(&Sketch::default()), Reconciled::All { first: expected, second: vec![] });
        }
        assert_eq!(sketch(std::iter::repeat_n(3, 5)).reconcile(&Sketch::default()), Reconciled::Many);
    }

    #[test]
    fn an_id_is_kept_or_hashed_by_its_length() {
        assert_eq!(RowName::of_id(b"0123456789abcdef").id().as_deref(), Some("0123456789abcdef"));
        assert_eq!(RowName::of_id("Zoë".as_bytes()).id().as_deref(), Some("Zoë"));
        assert_eq!(RowName::of_id(b"0123456789abcdefg").id(), None);
        assert_ne!(RowName::of_id(b"0123456789abcdefg"), RowName::of_id(b"0123456789abcdefh"));
        assert_eq!(RowName::of_key(&RowKey([7; 16])).key(), Some(RowKey([7; 16])));
        let hidden = |id: &[u8]| RowName::of_id(id).hidden();
        assert!(hidden(b"Zoe").id().is_none() && hidden(b"Zoe") != hidden(b"Zoo"));
        assert_eq!(hidden(b"0123456789abcdefg"), RowName::of_id(b"0123456789abcdefg"));
        assert_eq!(RowName::of_key(&RowKey([7; 16])).hidden(), RowName::of_key(&RowKey([7; 16])));
    }

    proptest! {
        #[test]
        fn merging_is_blind_to_order_and_grouping(rows in prop::collection::vec(0..50_u64, 0..60), cut in 0..60_usize) {
            let cut = cut.min(rows.len());
            let whole = sketch(rows.iter().copied());
            let (left, right) = (sketch(rows[..cut].iter().copied()), sketch(rows[cut..].iter().copied()));
            let merged = |mut a: Sketch, b: Sketch| { a.merge(b); a };
            prop_assert_eq!(&merged(left.clone(), right.clone()), &whole);
            prop_assert_eq!(&merged(right, left), &whole);
            prop_assert_eq!(Sketch::from_bytes(&whole.to_bytes(1)).expect("its length").to_bytes(1), whole.to_bytes(1));
        }

        #[test]
        fn any_bytes_reconcile_to_something(seed in any::<u64>()) {
            let bytes: Vec<u8> = (0..bytes_of(1) as u64).map(|at| fold(seed ^ at, 0x9e37_79b9_7f4a_7c15) as u8).collect();
            let foreign = Sketch::from_bytes(&bytes).expect("its length");
            prop_assert_eq!(foreign.reconcile(&sketch(0..10)), Reconciled::Many);
        }
    }
}
