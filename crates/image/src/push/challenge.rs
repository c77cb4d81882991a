//! How a registry wants to be shown who asks.

/// What a registry says when it doesn't know who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Challenge {
    /// By name and password with each request.
    Basic,
    /// By a token, which is fetched elsewhere.
    Bearer {
        /// Where.
        realm: String,
        /// For whom.
        service: Option<String>,
        /// To do what.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header; None if it asks for something else.
    // Source: RFC 9110, 11.6.1; RFC 6750, 3.
    pub(super) fn read(header: &str) -> Option<Challenge> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let of = |name: &str| {
            parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Challenge::Bearer { realm: of("realm")?, service: of("service"), scope: of("scope") })
    }
}

/// `key="value"` or `key=value`, parted by commas.
fn parameters(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((key, rest)) = text.split_once('=') {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => rest.split_once(',').map_or((rest.to_owned(), ""), |(value, after)| (value.to_owned(), after)),
        };
        found.push((key.trim_matches([' ', ',']).to_owned(), value.trim().to_owned()));
        text = after;
    }
    found
}

/// A value up to its closing quote, and what comes after it.
fn quoted_value(text: &str) -> (String, &str) {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            _ => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_whatever_its_commas() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        };
        let check = |header: &str, read: Option<Challenge>| assert_eq!(Challenge::read(header), read, "{header}");
        check("Basic realm=\"registry\"", Some(Challenge::Basic));
        check("basic", Some(Challenge::Basic));
        check(
            "Bearer realm=\"https://auth.example.com/token\",service=\"r\",scope=\"repository:a/b:pull,push\"",
            Some(bearer("https://auth.example.com/token", Some("r"), Some("repository:a/b:pull,push"))),
        );
        check("bearer Realm=x , service=\"a\\\"b\"", Some(bearer("x", Some("a\"b"), None)));
        check("Bearer realm=\"open", Some(bearer("open", None, None)));
        check("Bearer service=\"r\"", None);
        check("Negotiate", None);
        check("", None);
    }
}
