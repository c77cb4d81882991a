//! The program that an image runs, and whether it runs alone.

use crate::ImageError;

/// What an engine is built for, as images call it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// aarch64.
    Arm64,
}

impl Architecture {
    /// The word in an image's configuration.
    pub fn word(self) -> &'static str {
        match self {
            Architecture::Amd64 => "amd64",
            Architecture::Arm64 => "arm64",
        }
    }
}

/// A static program.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) bytes: Vec<u8>,
    /// What it is built for.
    pub architecture: Architecture,
}

/// The type of the program header that names a loader.
const PT_INTERP: u64 = 3;
/// The type of the one that says where the dynamic section is.
const PT_DYNAMIC: u64 = 2;
/// The entry of that section that names a library.
const DT_NEEDED: u64 = 1;

impl Engine {
    /// Looks whether a program can stand alone.
    ///
    /// # Errors
    /// A file that is no program, or one that asks for a loader.
    pub fn new(bytes: Vec<u8>) -> Result<Engine, ImageError> {
        use ImageError::NoProgram;
        // Source: System V ABI, "ELF-64 Object File Format", version 1.5.
        if bytes.get(..4) != Some(b"\x7fELF") {
            return Err(NoProgram("it doesn't begin like one"));
        }
        if bytes.get(4..6) != Some(&[2, 1]) {
            return Err(NoProgram("it isn't of 64 bits, least byte first"));
        }
        if !matches!(number(&bytes, 16, 2), Some(2 | 3)) {
            return Err(NoProgram("it can't be run"));
        }
        let architecture = match number(&bytes, 18, 2) {
            Some(62) => Architecture::Amd64,
            Some(183) => Architecture::Arm64,
            _ => return Err(NoProgram("it is for another processor")),
        };
        match loader(&bytes) {
            Some(None) => Ok(Engine { bytes, architecture }),
            Some(Some(loader)) => Err(ImageError::NotStatic(loader)),
            None => Err(NoProgram("it is cut short")),
        }
    }
}

/// The loader or the libraries that a program asks for; None if its headers are not all there.
fn loader(bytes: &[u8]) -> Option<Option<String>> {
    let (start, size, count) = (number(bytes, 32, 8)?, number(bytes, 54, 2)?, number(bytes, 56, 2)?);
    for header in 0..count {
        let at = start.checked_add(header * size)?;
        let kind = number(bytes, at, 4)?;
        if !matches!(kind, PT_INTERP | PT_DYNAMIC) {
            continue;
        }
        let (from, length) = (number(bytes, at.checked_add(8)?, 8)?, number(bytes, at.checked_add(32)?, 8)?);
        let part = bytes.get(usize::try_from(from).ok()?..usize::try_from(from.checked_add(length)?).ok()?)?;
        if kind == PT_INTERP {
            return Some(Some(String::from_utf8_lossy(part).trim_end_matches('\0').to_owned()));
        }
        if part.chunks_exact(16).any(|entry| number(entry, 0, 8) == Some(DT_NEEDED)) {
            return Some(Some("shared libraries".to_owned()));
        }
    }
    Some(None)
}

/// A number of so many bytes, the least first.
fn number(bytes: &[u8], at: u64, width: usize) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A program of headers alone, with a loader if one is named.
    pub(crate) fn program(machine: u16, loader: Option<&str>) -> Vec<u8> {
        match loader {
            Some(loader) => program_of(machine, PT_INTERP, loader.as_bytes()),
            None => program_of(machine, 1, &[]),
        }
    }

    /// A program of one header, of this type, and the part that it names.
    fn program_of(machine: u16, kind: u64, part: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[16] = 2;
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = kind as u8;
        bytes[64 + 8] = 120;
        bytes[64 + 32] = part.len() as u8;
        bytes.extend(part);
        bytes
    }

    #[test]
    fn a_static_program_is_taken_and_one_that_needs_a_loader_is_not() {
        assert_eq!(Engine::new(program(62, None)).expect("it is static").architecture, Architecture::Amd64);
        assert_eq!(Engine::new(program(183, None)).expect("it is static").architecture, Architecture::Arm64);
        let dynamic = Engine::new(program(62, Some("/lib64/ld-linux-x86-64.so.2\0"))).expect_err("it is dynamic");
        assert_eq!(dynamic, ImageError::NotStatic("/lib64/ld-linux-x86-64.so.2".to_owned()));
        let section = |tag: u8| [[tag, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], [0; 16]].concat();
        Engine::new(program_of(62, PT_DYNAMIC, &section(30))).expect("it asks for nothing");
        let library = Engine::new(program_of(62, PT_DYNAMIC, &section(DT_NEEDED as u8))).expect_err("it is a library");
        assert_eq!(library, ImageError::NotStatic("shared libraries".to_owned()));
    }

    #[test]
    fn whatever_is_cut_off_it_is_no_panic() {
        let whole = program(62, Some("/lib/ld.so"));
        for length in 0..whole.len() {
            assert!(Engine::new(whole[..length].to_owned()).is_err(), "cut at {length}");
        }
        let mut far = program(62, None);
        far[32..40].fill(0xff);
        assert!(Engine::new(far).is_err());
        for other in [b"MZ".as_slice(), b"#!/bin/sh\n", b""] {
            assert!(Engine::new(other.to_owned()).is_err());
        }
    }
}
