//! Where an image goes.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::PushError;

/// A registry, a repository in it, and a tag: `registry.example.com/models/houses:1`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: String,
}

impl Reference {
    /// The registry's host, with its port if one was named.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The name of the image in the repository.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)
    }
}

impl FromStr for Reference {
    type Err = PushError;

    // Source: OCI distribution specification 1.1, "Pulling manifests", for repository and tag.
    fn from_str(text: &str) -> Result<Reference, PushError> {
        let wrong = |what: &str| PushError::Reference { text: text.to_owned(), what: what.to_owned() };
        if text.contains("://") {
            return Err(wrong("it is named without `https://`"));
        }
        if text.contains('@') {
            return Err(wrong("a digest can't be chosen: it follows from the image"));
        }
        let (registry, path) = text.split_once('/').ok_or_else(|| wrong("it names no registry"))?;
        if !(registry.contains(['.', ':']) || registry == "localhost") {
            return Err(wrong(&format!("`{registry}` is no host of a registry")));
        }
        if !is_host(registry) {
            return Err(wrong(&format!("`{registry}` is no host with a port or without")));
        }
        let (repository, tag) = path.split_once(':').ok_or_else(|| wrong("it names no tag"))?;
        if !repository.split('/').all(is_component) {
            return Err(wrong(&format!(
                "`{repository}` is no repository: lower-case letters and digits, parted by `.`, `_`, `-` or `/`"
            )));
        }
        if !is_tag(tag) {
            return Err(wrong(&format!("`{tag}` is no tag: up to 128 letters, digits, `_`, `.` and `-`")));
        }
        Ok(Reference { registry: registry.to_owned(), repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

/// A host name or address, IPv6 in brackets, with or without a port.
fn is_host(text: &str) -> bool {
    let bare = bare_host(text);
    let port = text.trim_start_matches(['[', ']']).strip_prefix(bare).map(|rest| rest.trim_start_matches(']'));
    let port = match port {
        Some("") => true,
        Some(port) => port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    };
    let named = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    port && (named || text.starts_with('[') && bare.parse::<IpAddr>().is_ok())
}

/// The host without brackets and port.
fn bare_host(text: &str) -> &str {
    match text.strip_prefix('[') {
        Some(text) => text.split(']').next().unwrap_or_default(),
        None => text.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host, with a port or without, is this one.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = bare_host(host);
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Letters and digits, parted by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.as_bytes().first().zip(text.as_bytes().last());
    ends.is_some_and(|(first, last)| is_word(*first) && is_word(*last))
        && text
            .split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_repository_and_tag_are_told_apart() {
        let check = |text: &str, registry: &str, repository: &str, tag: &str| {
            let read: Reference = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((read.registry(), read.repository(), read.tag()), (registry, repository, tag));
            assert_eq!(read.to_string(), text);
        };
        check("registry.example.com/models/houses:1", "registry.example.com", "models/houses", "1");
        check("localhost/a:b", "localhost", "a", "b");
        check("127.0.0.1:5000/a--b/c__d.e:V_1.0-rc", "127.0.0.1:5000", "a--b/c__d.e", "V_1.0-rc");
        check("[::1]:5000/a:b", "[::1]:5000", "a", "b");
    }

    #[test]
    fn what_is_no_reference_is_refused_with_the_part_that_is_wrong() {
        let check = |text: &str, part: &str| {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        };
        check("houses", "no registry");
        check("models/houses:1", "`models` is no host");
        check("example.com/houses", "no tag");
        check("example.com/Houses:1", "`Houses` is no repository");
        check("example.com/a/../b:1", "`a/../b` is no repository");
        check("example.com//a:1", "is no repository");
        check("example.com/-a:1", "is no repository");
        check("example.com/a:", "`` is no tag");
        check("example.com/a:.b", "`.b` is no tag");
        check("example.com:port/a:1", "`example.com:port` is no host");
        check("ex ample.com/a:1", "is no host");
        check("a.b?c/a:1", "is no host");
        check("[::g]:5/a:1", "is no host");
        check("https://example.com/a:1", "without `https://`");
        check("example.com/a@sha256:00", "digest can't be chosen");
    }

    #[test]
    fn only_this_host_is_loopback() {
        for here in ["localhost", "localhost:5000", "127.0.0.1", "127.8.0.1:1", "[::1]:5000"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in ["localhost.example.com", "127.0.0.1.example.com:80", "10.0.0.1", "[::2]:5000", ""] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
