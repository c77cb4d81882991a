//! Room for the words of a matrix.

use std::ops::Range;

use memmap2::MmapMut;

/// Words in a cache line.
pub(super) const LINE_WORDS: usize = 8;

/// Bytes in a large page.
const LARGE_PAGE: usize = 2 << 20;

/// From so many bytes on large pages are asked for.
const MANY: usize = 4 * LARGE_PAGE;

/// Words that begin where a cache line does. Rows of a small node lie apart in them, and a processor knows where some thousand
/// pages are: many words are kept in large ones, if the system has them.
#[derive(Debug)]
pub(super) struct Words {
    room: Room,
    used: Range<usize>,
}

#[derive(Debug)]
enum Room {
    Taken(Vec<u64>),
    Mapped(MmapMut),
}

impl Words {
    /// So many zeros.
    pub(super) fn zeros(count: usize) -> Words {
        let (room, start) = in_large_pages(count).unwrap_or_else(|| {
            let words = vec![0; count + LINE_WORDS];
            let start = words.as_ptr().align_offset(8 * LINE_WORDS).min(LINE_WORDS);
            (Room::Taken(words), start)
        });
        Words { room, used: start..start + count }
    }

    #[inline]
    pub(super) fn all(&self) -> &[u64] {
        let words = match &self.room {
            Room::Taken(words) => words,
            Room::Mapped(bytes) => bytemuck::cast_slice(bytes),
        };
        &words[self.used.clone()]
    }

    pub(super) fn all_mut(&mut self) -> &mut [u64] {
        let words = match &mut self.room {
            Room::Taken(words) => words,
            Room::Mapped(bytes) => bytemuck::cast_slice_mut(bytes),
        };
        &mut words[self.used.clone()]
    }
}

/// Room that begins with a large page, and the word where it does; none where it isn't worth it, or not to be had.
fn in_large_pages(count: usize) -> Option<(Room, usize)> {
    let bytes = 8 * count;
    let mapped = (bytes >= MANY).then(|| MmapMut::map_anon(bytes + LARGE_PAGE).ok()).flatten()?;
    // A system without large pages refuses, and gives small ones.
    #[cfg(target_os = "linux")]
    let _ = mapped.advise(memmap2::Advice::HugePage);
    let start = mapped.as_ptr().align_offset(LARGE_PAGE).min(LARGE_PAGE) / 8;
    Some((Room::Mapped(mapped), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_words_are_zeros_where_a_cache_line_begins() {
        for count in [0, 1, 1000, MANY / 8, MANY / 8 + 3] {
            let mut words = Words::zeros(count);
            assert_eq!(words.all().as_ptr().align_offset(8 * LINE_WORDS), 0, "{count} words");
            assert_eq!(words.all().len(), count);
            assert!(words.all().iter().all(|word| *word == 0));
            words.all_mut().fill(u64::MAX);
            assert!(words.all().iter().all(|word| *word == u64::MAX));
            assert_eq!(matches!(words.room, Room::Mapped(_)), count >= MANY / 8);
        }
    }
}
