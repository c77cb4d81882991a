//! Large buffers that are read here and there: on large pages, where the system has them, so that
//! finding a page doesn't take longer than reading from it.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// A large page on x86-64, and on aarch64 with small pages of 4 KB.
const LARGE: usize = 2 << 20;

/// A fixed number of items, zero at first.
#[derive(Debug)]
pub struct Pages<T> {
    bytes: Bytes,
    _items: PhantomData<T>,
}

#[derive(Debug)]
enum Bytes {
    /// Words, so that any item is aligned.
    Few(Vec<u64>, usize),
    Mapped {
        map: MmapMut,
        start: usize,
        length: usize,
    },
}

impl<T: Pod> Pages<T> {
    /// So many zeros.
    pub fn zeros(items: usize) -> Pages<T> {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };
        let length = items * size_of::<T>();
        let bytes = mapped(length).unwrap_or_else(|| Bytes::Few(vec![0; length.div_ceil(8)], length));
        Pages { bytes, _items: PhantomData }
    }
}

/// A map that begins with a large page; None if it would hardly fill one, or the system has none.
fn mapped(length: usize) -> Option<Bytes> {
    if length < LARGE {
        return None;
    }
    let map = MmapMut::map_anon(length.checked_add(LARGE)?).ok()?;
    let start = map.as_ptr().align_offset(LARGE);
    // Without large pages all is as well, only slower.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(Bytes::Mapped { map, start, length })
}

impl<T: Pod> Default for Pages<T> {
    fn default() -> Pages<T> {
        Pages::zeros(0)
    }
}

impl<T: Pod> Deref for Pages<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        let bytes = match &self.bytes {
            Bytes::Few(words, length) => &bytemuck::cast_slice(words)[..*length],
            Bytes::Mapped { map, start, length } => &map[*start..*start + *length],
        };
        bytemuck::cast_slice(bytes)
    }
}

impl<T: Pod> DerefMut for Pages<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes = match &mut self.bytes {
            Bytes::Few(words, length) => &mut bytemuck::cast_slice_mut(words)[..*length],
            Bytes::Mapped { map, start, length } => &mut map[*start..*start + *length],
        };
        bytemuck::cast_slice_mut(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_items_are_zeros_that_can_be_written() {
        for items in [0, 1, 3, 100_000, 2_000_001] {
            let mut pages = Pages::<u16>::zeros(items);
            assert_eq!((pages.len(), pages.iter().all(|x| *x == 0)), (items, true));
            if let Some(last) = pages.last_mut() {
                *last = 7;
            }
            assert_eq!(pages.iter().map(|x| usize::from(*x)).sum::<usize>(), if items > 0 { 7 } else { 0 });
        }
    }
}
