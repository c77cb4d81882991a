//! How many fields a message has, before anything is made of them.

/// The fields of a message, not counting those within them; None if it is no message, or has groups, which no version 3 has.
pub(crate) fn count(mut message: &[u8]) -> Option<usize> {
    let mut fields = 0;
    while !message.is_empty() {
        message = after_field(message)?;
        fields += 1;
    }
    Some(fields)
}

/// What follows the first field (<https://protobuf.dev/programming-guides/encoding>).
fn after_field(bytes: &[u8]) -> Option<&[u8]> {
    let (key, rest) = varint(bytes)?;
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| rest),
        1 => rest.get(8..),
        2 => {
            let (length, rest) = varint(rest)?;
            rest.get(usize::try_from(length).ok()?..)
        }
        5 => rest.get(4..),
        _ => None,
    }
}

/// A number in groups of seven bits, the lowest first, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const BYTES_MAX: usize = 10;
    let end = bytes.iter().take(BYTES_MAX).position(|byte| *byte < 0x80)?;
    let (number, rest) = bytes.split_at(end + 1);
    Some((number.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_and_what_is_none_is_refused() {
        let check = |message: &[u8], expected: Option<usize>| assert_eq!(count(message), expected, "{message:?}");
        check(&[], Some(0));
        check(&[0x08, 1], Some(1));
        // Numbers of two bytes, texts, four and eight bytes.
        check(&[0x08, 0x96, 1, 0x12, 2, 7, 7, 0x1d, 0, 0, 0, 0, 0x19, 0, 0, 0, 0, 0, 0, 0, 0], Some(4));
        check(&[0x2a, 0, 0x2a, 0, 0x2a, 0], Some(3));
        check(&[0x12, 3, 7, 7], None);
        check(&[0x08], None);
        check(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], None);
        check(&[0x80; 20], None);
        // A group, and its end.
        check(&[0x0b, 0x0c], None);
    }
}
