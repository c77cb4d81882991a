//! A zip in canonical layout: stored members, sorted by name, 64-byte aligned, zero times.
//! One list of members has one file of bytes; the reader takes no other.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// A file that is no canonical archive.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ArchiveError(String);

/// The archive's bytes.
pub(crate) fn pack(members: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .with_alignment(64);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = options.large_file(bytes.len() > u32::MAX as usize / 2);
        writer.start_file(name.as_str(), options).expect("a member's name is short and its own");
        writer.write_all(bytes).expect("memory takes what is written");
    }
    writer.finish().expect("memory takes what is written").into_inner()
}

/// The members of an archive that `pack` made, to the byte.
///
/// # Errors
/// A file that is cut short, isn't a zip, or isn't in canonical layout.
pub(crate) fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    // A reader of foreign bytes may panic: that is an answer too.
    let read = std::panic::catch_unwind(|| read_members(bytes))
        .unwrap_or_else(|_| Err(ArchiveError("the file is no archive that can be read".to_owned())))?;
    if pack(&read) != bytes {
        return Err(ArchiveError(
            "the archive is not in canonical layout: another program wrote or changed it".to_owned(),
        ));
    }
    Ok(read)
}

fn read_members(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let told = |error: zip::result::ZipError| {
        let cut = if bytes.starts_with(b"PK") {
            "it starts like a bundle, so it may be cut short"
        } else {
            "it is no bundle"
        };
        ArchiveError(format!("the file can't be read as a bundle ({error}): {cut}"))
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(told)?;
    let mut members = BTreeMap::new();
    let mut total = 0_u64;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(told)?;
        total = total.saturating_add(file.size());
        if file.compression() != CompressionMethod::Stored || total > bytes.len() as u64 {
            return Err(ArchiveError("a member is compressed or larger than its file".to_owned()));
        }
        let name = file.name().map_err(told)?.into_owned();
        let mut content = Vec::new();
        file.take(bytes.len() as u64)
            .read_to_end(&mut content)
            .map_err(|error| ArchiveError(format!("`{name}`: {error}")))?;
        members.insert(name, content);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> BTreeMap<String, Vec<u8>> {
        [("b.json".to_owned(), b"{}".to_vec()), ("a/long.bin".to_owned(), vec![7; 1000])].into()
    }

    #[test]
    fn members_go_in_and_come_out_and_every_start_is_aligned() {
        let bytes = pack(&sample());
        assert_eq!(unpack(&bytes), Ok(sample()));
        let at = bytes.windows(1000).position(|window| window == [7; 1000]).expect("the member is stored");
        assert_eq!(at % 64, 0);
    }

    #[test]
    fn every_truncation_and_every_changed_byte_outside_of_members_is_refused_or_shows() {
        let bytes = pack(&sample());
        for length in 0..bytes.len() {
            assert!(unpack(&bytes[..length]).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_ne!(unpack(&changed), Ok(sample()), "bit flipped at {at}");
        }
    }

    #[test]
    fn bytes_after_the_end_are_refused() {
        let mut bytes = pack(&sample());
        bytes.push(0);
        assert!(unpack(&bytes).is_err());
    }
}
