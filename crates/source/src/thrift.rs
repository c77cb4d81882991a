//! Structures of Apache Thrift's compact protocol, as far as they must be known before the library reads them.
//!
//! The library goes by the numbers of members alone: one of another kind than its number has would be read as what it isn't, and
//! what follows it at another place than here. So a known member has its kind, and numbers rise; what is unknown is skipped, as
//! the library skips it.
//! Source: Apache Thrift, `doc/specs/thrift-compact-protocol.md`.

/// The kinds of a structure's known members, by their numbers.
pub(crate) type Members = &'static [(u16, Shape)];

/// What a member is.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Flag,
    Byte,
    I32,
    I64,
    Binary,
    Of(Members),
}

/// Structures within structures that nobody knows.
const DEPTH_MAX: u32 = 8;

impl Shape {
    fn is(self, kind: u8) -> bool {
        match self {
            Shape::Flag => matches!(kind, 1 | 2),
            Shape::Byte => kind == 3,
            Shape::I32 => kind == 5,
            Shape::I64 => kind == 6,
            Shape::Binary => kind == 8,
            Shape::Of(_) => kind == 12,
        }
    }
}

/// Goes through a structure, and moves to its end. Each whole number among its own members is handed over with its number.
pub(crate) fn structure(bytes: &[u8], at: &mut usize, known: Members, mut each: impl FnMut(u16, i64)) -> Option<()> {
    let mut id = 0;
    while let Some(kind) = member(bytes, at, &mut id)? {
        match known.iter().find(|(number, _)| *number == id) {
            None => skip(bytes, at, kind, DEPTH_MAX)?,
            Some((_, shape)) if !shape.is(kind) => return None,
            Some((_, Shape::I32)) => each(id, i64::from(i32::try_from(zigzag(varint(bytes, at)?)).ok()?)),
            Some((_, Shape::I64)) => each(id, zigzag(varint(bytes, at)?)),
            Some((_, shape)) => value(bytes, at, *shape)?,
        }
    }
    Some(())
}

/// Goes through a list of structures, each as `structure`.
pub(crate) fn structures(bytes: &[u8], at: &mut usize, known: Members, mut each: impl FnMut(u16, i64)) -> Option<()> {
    let (kind, count) = list_head(bytes, at)?;
    if count > 0 && !Shape::Of(known).is(kind) {
        return None;
    }
    for _ in 0..count {
        structure(bytes, at, known, &mut each)?;
        each(END, 0);
    }
    Some(())
}

/// The number that tells the end of each structure of a list.
pub(crate) const END: u16 = 0;

/// The kind of the next member of a structure, and its number in `id`; `Some(None)` at the end.
pub(crate) fn member(bytes: &[u8], at: &mut usize, id: &mut u16) -> Option<Option<u8>> {
    let head = byte(bytes, at)?;
    let (step, kind) = (head >> 4, head & 15);
    if head & 15 == 0 {
        return Some(None);
    }
    let next = match step {
        0 => zigzag(varint(bytes, at)?),
        step => i64::from(*id) + i64::from(step),
    };
    let rises = next > i64::from(*id) && next <= i64::from(i16::MAX);
    *id = u16::try_from(next).ok().filter(|_| rises)?;
    Some(Some(kind))
}

fn value(bytes: &[u8], at: &mut usize, shape: Shape) -> Option<()> {
    match shape {
        // Flags are told by their kind.
        Shape::Flag => Some(()),
        Shape::Byte => byte(bytes, at).map(drop),
        Shape::I32 | Shape::I64 => varint(bytes, at).map(drop),
        Shape::Binary => binary(bytes, at),
        Shape::Of(known) => structure(bytes, at, known, |_, _| ()),
    }
}

/// What the elements of a list are, and how many it has.
fn list_head(bytes: &[u8], at: &mut usize) -> Option<(u8, usize)> {
    let head = byte(bytes, at)?;
    let count = if head >> 4 == 15 { varint(bytes, at)? } else { u64::from(head >> 4) };
    // No element is shorter than a byte.
    let count = usize::try_from(count).ok().filter(|count| *count <= bytes.len() - *at)?;
    Some((head & 15, count))
}

fn binary(bytes: &[u8], at: &mut usize) -> Option<()> {
    let length = usize::try_from(varint(bytes, at)?).ok()?;
    pass(bytes, at, length)
}

fn pass(bytes: &[u8], at: &mut usize, length: usize) -> Option<()> {
    *at = at.checked_add(length).filter(|end| *end <= bytes.len())?;
    Some(())
}

fn skip(bytes: &[u8], at: &mut usize, kind: u8, depth: u32) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match kind {
        1 | 2 => Some(()),
        3 => pass(bytes, at, 1),
        4..=6 => varint(bytes, at).map(drop),
        7 => pass(bytes, at, 8),
        8 => binary(bytes, at),
        9 | 10 => {
            let (kind, count) = list_head(bytes, at)?;
            for _ in 0..count {
                match kind {
                    1 | 2 => pass(bytes, at, 1)?,
                    kind => skip(bytes, at, kind, depth)?,
                }
            }
            Some(())
        }
        12 => {
            let mut id = 0;
            while let Some(kind) = member(bytes, at, &mut id)? {
                skip(bytes, at, kind, depth)?;
            }
            Some(())
        }
        _ => None,
    }
}

fn byte(bytes: &[u8], at: &mut usize) -> Option<u8> {
    let byte = *bytes.get(*at)?;
    *at += 1;
    Some(byte)
}

/// Seven bits a byte, the lowest first.
pub(crate) fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(bytes, at)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(bits: u64) -> i64 {
    (bits >> 1) as i64 ^ -((bits & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Members = &[(1, Shape::I32), (2, Shape::Of(&[(1, Shape::Flag)]))];

    fn read(bytes: &[u8]) -> Option<(Vec<(u16, i64)>, usize)> {
        let (mut numbers, mut at) = (Vec::new(), 0);
        structure(bytes, &mut at, KNOWN, |id, number| numbers.push((id, number)))?;
        Some((numbers, at))
    }

    #[test]
    fn members_have_their_kinds_and_rise() {
        // 1: −3; 2: {1: yes}; 3 and 6: unknown, ["a"] and 8 bytes; and what isn't of it any more.
        let whole = [0x15, 5, 0x1c, 0x11, 0, 0x19, 0x18, 1, b'a', 0x37, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(read(&whole), Some((vec![(1, -3)], whole.len() - 1)));
        for end in 0..whole.len() - 1 {
            assert_eq!(read(&whole[..end]), None, "{end}");
        }
        // The number as it is, not as a step: 32,767 is one of an extension, 65,537 would be 1 to who has 16 bits.
        assert!(read(&[0x08, 0xfe, 0xff, 3, 1, 7, 0]).is_some());
        assert_eq!(read(&[0x05, 0x82, 0x80, 8, 2, 0]), None);
        assert_eq!(read(&[0x15, 2, 0x05, 2, 2, 0]), None, "the same number twice");
        assert_eq!(read(&[0x16, 2, 0]), None, "another kind");
        assert_eq!(read(&[0x15, 0xfe, 0xff, 0xff, 0xff, 0xff, 1, 0]), None, "more than 32 bits");
        assert_eq!(read(&[0x39, 0xf8, 0xff, 0xff, 0xff, 0x7f, 0]), None, "a list of millions");
        assert_eq!(read(&[0x7c; 100]), None, "structures within structures");
    }
}
