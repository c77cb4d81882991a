//! A zip in canonical layout: stored members, sorted by name, 64-byte aligned, zero times.
//! One list of members has one file of bytes; the reader takes no other.
//!
//! `docs/src/reference/artifact.md` describes the layout for those who write a reader of their own.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// How every bundle begins, and so every zip.
pub const BEGINNING: &[u8] = b"PK\x03\x04";
/// So many bytes a bundle has at most: their number is written in 32 bits.
pub const BYTES_MAX: u64 = u32::MAX as u64;

/// Where a member's bytes may begin: at multiples of this.
const ALIGNMENT: usize = 64;
/// Bytes of a local header before the name, and of an entry of the directory.
const HEADER: usize = 30;
const ENTRY: usize = 46;
const END: usize = 22;
/// What an extra field of a local header is called that only fills space (APPNOTE 4.6.7 leaves the numbers to their users).
const PADDING: u16 = 0xa11e;
/// 1 January 1980, the first day that a zip can name.
const DATE: u16 = 0x21;
/// The version of the zip format that an archive of stored members needs: 1.0.
const VERSION: u16 = 10;
/// A file that its owner may write and all may read.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// A file that is no canonical archive.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ArchiveError(String);

/// A member as the directory tells of it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    /// The CRC-32 that the file claims for it.
    pub(crate) crc: u32,
    /// Where its header begins.
    header: usize,
    /// Where its bytes begin.
    start: usize,
    size: usize,
}

/// A member whose header is as it was written.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    /// The CRC-32 that the file claims for it.
    pub(crate) crc: u32,
}

/// The archive's bytes.
///
/// # Errors
/// Members that take 4 GiB or more, or more of them than a directory counts.
pub(crate) fn pack(members: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, ArchiveError> {
    let room = |(name, bytes): (&String, &Vec<u8>)| bytes.len() + 2 * name.len() + HEADER + ENTRY + 2 * ALIGNMENT;
    let size = members.iter().map(room).sum::<usize>() + END;
    if u32::try_from(size).is_err() || u16::try_from(members.len()).is_err() {
        return Err(ArchiveError(format!(
            "the bundle would take {size} bytes, and a bundle can't take 4 GiB: a smaller model is needed"
        )));
    }
    let mut file = Vec::with_capacity(size);
    let mut directory = Vec::new();
    for (name, bytes) in members {
        let crc = crc32fast::hash(bytes);
        directory.extend(entry(name, bytes.len(), crc, file.len()));
        file.extend(header(name, bytes.len(), crc, file.len()));
        file.extend_from_slice(bytes);
    }
    let end = end(members.len(), directory.len(), file.len());
    file.extend(directory);
    file.extend(end);
    Ok(file)
}

/// The members of an archive that `pack` made: every byte outside of them has been compared with what `pack` writes,
/// those of the members have not been looked at.
///
/// # Errors
/// A file that is cut short, isn't a zip, or isn't in canonical layout; the error names the part.
pub(crate) fn unpack(file: &[u8]) -> Result<Vec<Entry<'_>>, ArchiveError> {
    if !file.starts_with(BEGINNING) {
        return Err(ArchiveError(
            "it doesn't begin like a bundle: it is none, or its first header was changed".to_owned(),
        ));
    }
    let directory = Directory::at_the_end_of(file.len(), &file[file.len().saturating_sub(END)..])?;
    let places = directory.places(&file[directory.start..][..directory.length])?;
    let mut entries = Vec::with_capacity(places.len());
    for place in places {
        let bytes = place.member(&file[place.header..place.start + place.size])?;
        entries.push(Entry { name: place.name, bytes, crc: place.crc });
    }
    Ok(entries)
}

/// One member of an archive, found by its directory and read alone: so much of the file is checked, and no more. None if
/// there is no such member.
///
/// # Errors
/// As `unpack`, of the parts that are read; and what reading them says.
pub(crate) fn read_one(file: &mut (impl Read + Seek), name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
    let unreadable = |error: io::Error| ArchiveError(format!("it can't be read: {error}"));
    let length = file.seek(SeekFrom::End(0)).map_err(unreadable)? as usize;
    let mut part = |start: usize, length: usize| {
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(start as u64))?;
        file.read_exact(&mut bytes).map(|()| bytes)
    };
    let end = part(length.saturating_sub(END), END.min(length)).map_err(unreadable)?;
    let directory = Directory::at_the_end_of(length, &end)?;
    let bytes = part(directory.start, directory.length).map_err(unreadable)?;
    let places = directory.places(&bytes)?;
    let Some(place) = places.iter().find(|place| place.name == name) else { return Ok(None) };
    let member = part(place.header, place.start + place.size - place.header).map_err(unreadable)?;
    let member = place.member(&member)?;
    if crc32fast::hash(member) != place.crc {
        return Err(ArchiveError(format!("member `{name}` is not as it was written: the bundle was changed")));
    }
    Ok(Some(member.to_owned()))
}

/// What the end record says.
struct Directory {
    count: usize,
    length: usize,
    /// Where it begins, which is where the last member ends.
    start: usize,
}

impl Directory {
    /// From the last bytes of a file.
    fn at_the_end_of(file: usize, found: &[u8]) -> Result<Directory, ArchiveError> {
        let cut = || {
            ArchiveError(
                "the end record is not at the end of the file: the file was cut short, or changed there".to_owned(),
            )
        };
        if found.len() != END {
            return Err(cut());
        }
        let (count, length, start) = (u16_at(found, 10).into(), u32_at(found, 12) as usize, u32_at(found, 16) as usize);
        if start + length + END != file || found != end(count, length, start) {
            return Err(cut());
        }
        Ok(Directory { count, length, start })
    }

    /// The members, which lie one after the other, each within the file.
    fn places<'a>(&self, bytes: &'a [u8]) -> Result<Vec<Place<'a>>, ArchiveError> {
        // Checked before anything is allocated for it.
        if self.count * ENTRY > bytes.len() {
            return Err(other_layout("the end record counts more members than there are"));
        }
        let mut places: Vec<Place<'_>> = Vec::with_capacity(self.count);
        let (mut rest, mut at) = (bytes, 0);
        for number in 1..=self.count {
            let place = read_entry(&mut rest, number, at)?;
            at = place.start + place.size;
            if at > self.start {
                return Err(other_layout(&format!("member `{}` is larger than its file", place.name)));
            }
            if places.last().is_some_and(|last| last.name >= place.name) {
                return Err(other_layout(&format!("member `{}` is not in the order of names", place.name)));
            }
            places.push(place);
        }
        if !rest.is_empty() {
            return Err(other_layout("the last entry of the directory is not as it was written"));
        }
        if at != self.start {
            return Err(other_layout("the entries of the directory don't reach from the first member to the last"));
        }
        Ok(places)
    }
}

impl Place<'_> {
    /// The member's bytes, from those that begin with its header.
    fn member<'b>(&self, found: &'b [u8]) -> Result<&'b [u8], ArchiveError> {
        let (header_found, bytes) = found.split_at(self.start - self.header);
        if header_found != header(self.name, self.size, self.crc, self.header) {
            return Err(other_layout(&format!("the header of `{}` is not as it was written", self.name)));
        }
        Ok(bytes)
    }
}

/// Takes an entry from what is left of the directory; its member's header has to begin at `at`.
fn read_entry<'a>(rest: &mut &'a [u8], number: usize, at: usize) -> Result<Place<'a>, ArchiveError> {
    let broken = || other_layout(&format!("entry {number} of the directory is not as it was written"));
    let fixed = rest.get(..ENTRY).ok_or_else(broken)?;
    let (crc, size, used) = (u32_at(fixed, 16), u32_at(fixed, 24) as usize, ENTRY + usize::from(u16_at(fixed, 28)));
    let name = rest.get(ENTRY..used).and_then(|name| std::str::from_utf8(name).ok()).ok_or_else(broken)?;
    if !is_plain(name) {
        return Err(other_layout(&format!("a member is called `{}`", shown(name))));
    }
    if rest[..used] != entry(name, size, crc, at) {
        return Err(other_layout(&format!("the directory's entry of `{name}` is not as it was written")));
    }
    *rest = &rest[used..];
    Ok(Place { name, crc, header: at, start: at + header(name, size, crc, at).len(), size })
}

/// Whether a name can be unpacked anywhere without harm.
fn is_plain(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let known = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    name.split('/').all(plain) && name.chars().all(known)
}

/// A name that may hold anything, for a message.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_default).collect()
}

fn other_layout(what: &str) -> ArchiveError {
    ArchiveError(format!("{what}: the bundle was changed, or another program packed it"))
}

/// The local header of a member whose header begins at `at`; it ends where the member can begin.
fn header(name: &str, size: usize, crc: u32, at: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + name.len() + 2 * ALIGNMENT);
    bytes.extend(BEGINNING);
    push(&mut bytes, &[VERSION, 0, 0, 0, DATE]);
    push32(&mut bytes, &[crc, size as u32, size as u32]);
    let padding = padding(at + HEADER + name.len());
    push(&mut bytes, &[name.len() as u16, padding as u16]);
    bytes.extend(name.bytes());
    if padding > 0 {
        push(&mut bytes, &[PADDING, padding as u16 - 4, ALIGNMENT as u16]);
        bytes.resize(HEADER + name.len() + padding, 0);
    }
    bytes
}

/// How much a header that would end there is to be filled up; a field that fills takes 6 bytes itself.
fn padding(end: usize) -> usize {
    match end.next_multiple_of(ALIGNMENT) - end {
        0 => 0,
        short @ 1..6 => short + ALIGNMENT,
        padding => padding,
    }
}

/// The directory's entry of a member whose header begins at `at`.
fn entry(name: &str, size: usize, crc: u32, at: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ENTRY + name.len());
    bytes.extend(b"PK\x01\x02");
    // Made on Unix, which is 3.
    push(&mut bytes, &[3 << 8 | VERSION, VERSION, 0, 0, 0, DATE]);
    push32(&mut bytes, &[crc, size as u32, size as u32]);
    push(&mut bytes, &[name.len() as u16, 0, 0, 0, 0]);
    push32(&mut bytes, &[ATTRIBUTES, at as u32]);
    bytes.extend(name.bytes());
    bytes
}

/// The end record of a directory.
fn end(count: usize, length: usize, start: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(END);
    bytes.extend(b"PK\x05\x06");
    push(&mut bytes, &[0, 0, count as u16, count as u16]);
    push32(&mut bytes, &[length as u32, start as u32]);
    push(&mut bytes, &[0]);
    bytes
}

fn push(bytes: &mut Vec<u8>, words: &[u16]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn push32(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn sample() -> BTreeMap<String, Vec<u8>> {
        [("b.json".to_owned(), b"{}".to_vec()), ("a/long.bin".to_owned(), vec![7; 1000])].into()
    }

    fn owned(file: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
        let entries = unpack(file)?;
        Ok(entries.iter().map(|entry| (entry.name.to_owned(), entry.bytes.to_vec())).collect())
    }

    #[test]
    fn members_go_in_and_come_out_and_every_start_is_aligned() {
        let bytes = pack(&sample()).expect("it is small");
        assert_eq!(owned(&bytes), Ok(sample()));
        let at = bytes.windows(1000).position(|window| window == [7; 1000]).expect("the member is stored");
        assert_eq!(at % ALIGNMENT, 0);
    }

    proptest! {
        /// A zip library, which knows nothing of us, finds the same members, at aligned places.
        #[test]
        fn any_zip_reader_reads_it(members in prop::collection::btree_map("[a-z.]{1,70}", prop::collection::vec(any::<u8>(), 0..200), 1..6)) {
            prop_assume!(members.keys().all(|name| is_plain(name)));
            let bytes = pack(&members).expect("it is small");
            prop_assert_eq!(owned(&bytes), Ok(members.clone()));
            let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).expect("it is a zip");
            prop_assert_eq!(archive.len(), members.len());
            for (name, expected) in &members {
                let mut file = archive.by_name(name).expect("it is listed");
                prop_assert_eq!(file.data_start().expect("it is stored") % 64, 0);
                let mut found = Vec::new();
                file.read_to_end(&mut found).expect("its CRC is right");
                prop_assert_eq!(&found, expected);
            }
        }
    }

    #[test]
    fn every_truncation_and_every_changed_byte_outside_of_members_is_refused() {
        let bytes = pack(&sample()).expect("it is small");
        for length in 0..bytes.len() {
            assert!(unpack(&bytes[..length]).is_err(), "cut at {length}");
        }
        let members: Vec<usize> = unpack(&bytes)
            .expect("it is whole")
            .iter()
            .flat_map(|entry| {
                let start = entry.bytes.as_ptr() as usize - bytes.as_ptr() as usize;
                start..start + entry.bytes.len()
            })
            .collect();
        for at in (0..bytes.len()).filter(|at| !members.contains(at)) {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(unpack(&changed).is_err(), "bit {bit} flipped at {at}");
            }
        }
    }

    #[test]
    fn one_member_is_read_alone() {
        let bytes = pack(&sample()).expect("it is small");
        let read = |name| read_one(&mut Cursor::new(&bytes), name);
        assert_eq!(read("b.json"), Ok(Some(b"{}".to_vec())));
        assert_eq!(read("c.json"), Ok(None));
        for length in 0..bytes.len() {
            assert!(read_one(&mut Cursor::new(&bytes[..length]), "b.json").is_err(), "cut at {length}");
        }
    }

    #[test]
    fn bytes_after_the_end_and_between_are_refused() {
        let mut bytes = pack(&sample()).expect("it is small");
        bytes.push(0);
        assert!(unpack(&bytes).is_err());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["../a", "/a", "a//b", "a\\b", "a:b", ".", "", "ä", "a\0"] {
            let bytes = pack(&[(name.to_owned(), vec![1])].into()).expect("it is small");
            assert!(unpack(&bytes).is_err(), "{name}");
        }
    }
}
