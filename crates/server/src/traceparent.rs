//! Of which trace a request is part, as its client says in `traceparent` (<https://www.w3.org/TR/trace-context/>).

use axum::http::{HeaderMap, HeaderName};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The span that asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parent {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    /// Whether whoever began the trace keeps it; 1 bit of 8, the others have no meaning yet.
    pub(crate) flags: u8,
}

impl Parent {
    /// None if nothing is said, or nothing that can be read: then a trace begins here.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Parent> {
        let mut said = headers.get_all(TRACEPARENT).iter();
        let (text, None) = (said.next()?.to_str().ok()?, said.next()) else { return None };
        let mut parts = text.split('-');
        let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let version = hex(version, 2)?;
        // A later version may say more.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let parent = Parent { trace: hex(trace, 32)?, span: hex(span, 16)? as u64, flags: hex(flags, 2)? as u8 };
        (parent.trace != 0 && parent.span != 0).then_some(parent)
    }

    /// The trace, as it is written.
    pub(crate) fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// A number of so many digits, none of them a capital.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == digits && text.bytes().all(plain)).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(texts: &[&str]) -> Option<Parent> {
        let value = |text: &&str| (TRACEPARENT, text.parse().expect("a value"));
        let mut headers = HeaderMap::new();
        for (name, value) in texts.iter().map(value) {
            headers.append(name, value);
        }
        Parent::of(&headers)
    }

    #[test]
    fn a_trace_is_taken_over_from_who_says_it_rightly() {
        let expected = Parent { trace: 0x0af7651916cd43dd8448eb211c80319c, span: 0xb7ad6b7169203331, flags: 1 };
        let right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(parent(&[right]), Some(expected));
        assert_eq!(expected.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        // A version to come, which says more.
        assert!(parent(&["cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"]).is_some());
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        ] {
            assert_eq!(parent(&[wrong]), None, "{wrong}");
        }
        assert_eq!(parent(&[right, right]), None, "two parents");
        assert_eq!(parent(&[]), None);
    }
}
