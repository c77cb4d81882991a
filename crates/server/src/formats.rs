//! Formats of bodies, by `Content-Type` and `Accept`.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::problem::Problem;

/// A format that rows are read and told in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Json,
    Csv,
    Arrow,
    Parquet,
    /// A JSON object a line.
    Lines,
}

impl Format {
    pub(crate) const ALL: [Format; 5] = [Format::Json, Format::Csv, Format::Arrow, Format::Parquet, Format::Lines];
    /// What MLflow's server reads.
    pub(crate) const INVOKED: [Format; 3] = [Format::Json, Format::Csv, Format::Parquet];

    /// Its media type, and for text what it is written in: some clients take that of CSV for Latin-1.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            other => other.media_type(),
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv",
            Format::Arrow => "application/vnd.apache.arrow.stream",
            Format::Parquet => "application/vnd.apache.parquet",
            Format::Lines => "application/x-ndjson",
        }
    }

    /// What a body is said to be. No type is taken that a form could have, and none for granted: a page of another site
    /// can send such a body without asking.
    pub(crate) fn of_body(headers: &HeaderMap, known: &[Format]) -> Result<Format, Problem> {
        let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
        let kind = kinds.next();
        if kinds.next().is_some() {
            return Err(Problem::malformed("the request has two `Content-Type`, and a body is of one"));
        }
        // What most requests say.
        if kind.is_some_and(|kind| kind == "application/json") {
            return Ok(Format::Json);
        }
        let essence = kind.map(essence);
        let named = |format: &&Format| essence.as_deref() == Some(format.media_type());
        match (known.iter().find(named), kind) {
            (Some(format), Some(kind)) if is_utf8(kind) => Ok(*format),
            (Some(_), Some(kind)) => Err(Problem::unread_charset(kind.to_str().unwrap_or_default())),
            _ => {
                let known: Vec<&str> = known.iter().map(|format| format.media_type()).collect();
                Err(Problem::unread_type(essence.as_deref(), &known))
            }
        }
    }

    /// What the client would best be answered in: `default` if it is content with that.
    pub(crate) fn of_answer(headers: &HeaderMap, default: Format) -> Result<Format, Problem> {
        // What most requests say.
        let mut wanted = headers.get_all(header::ACCEPT).iter();
        let first = wanted.next();
        if wanted.next().is_none() && first.is_none_or(|value| value == "*/*" || value == default.media_type()) {
            return Ok(default);
        }
        let ranges: Vec<Range> = ranges(headers).collect();
        // A list of nothing says as little as none.
        if ranges.is_empty() {
            return Ok(default);
        }
        let mut best = (0.0, default);
        for format in std::iter::once(default).chain(Format::ALL) {
            let quality = quality(&ranges, format.media_type());
            if quality > best.0 {
                best = (quality, format);
            }
        }
        if best.0 > 0.0 { Ok(best.1) } else { Err(Problem::not_acceptable()) }
    }
}

/// A part of `Accept`: a type, perhaps with stars, and how welcome it is.
struct Range {
    name: String,
    quality: f64,
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        // What can't be read doesn't weigh more than what can.
        let quality = quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
        Some(Range { name, quality })
    }
}

/// How welcome a type is: the most specific range that has it decides (RFC 9110, 12.5.1).
fn quality(ranges: &[Range], kind: &str) -> f64 {
    let family = kind.split('/').next().unwrap_or_default();
    let named = |name: &str| ranges.iter().find(|range| range.name == name).map(|range| range.quality);
    named(kind).or_else(|| named(&format!("{family}/*"))).or_else(|| named("*/*")).unwrap_or(0.0)
}

/// How welcome a type is to a client that names it, or, `by_stars`, perhaps only a range that has it. 0 if it says nothing.
pub(crate) fn welcome(headers: &HeaderMap, kind: &str, by_stars: bool) -> f64 {
    let ranges = ranges(headers).filter(|range| by_stars || !range.name.contains('*'));
    quality(&ranges.collect::<Vec<_>>(), kind)
}

fn ranges(headers: &HeaderMap) -> impl Iterator<Item = Range> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(Range::parse)
}

/// The type alone, without parameters.
pub(crate) fn essence(kind: &HeaderValue) -> String {
    let kind = kind.to_str().unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether no other way to write text is named.
pub(crate) fn is_utf8(kind: &HeaderValue) -> bool {
    let mut parameters =
        kind.to_str().unwrap_or_default().split(';').skip(1).map(|part| part.trim().to_ascii_lowercase());
    parameters.all(|part| match part.strip_prefix("charset=") {
        Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"),
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        headers
    }

    #[test]
    fn a_body_is_what_it_says() {
        let check = |kind: &str, expected: Option<Format>| {
            let found = Format::of_body(&headers(header::CONTENT_TYPE, kind), &Format::ALL);
            assert_eq!(found.ok(), expected, "{kind}");
        };
        check("application/json", Some(Format::Json));
        check("Application/JSON ; charset=UTF-8", Some(Format::Json));
        check("text/csv; header=present", Some(Format::Csv));
        check("application/x-ndjson", Some(Format::Lines));
        check("application/vnd.apache.arrow.stream", Some(Format::Arrow));
        check("application/vnd.apache.parquet", Some(Format::Parquet));
        check("text/csv; charset=latin1", None);
        check("", None);
        check("text/plain", None);
        check("text/plain; application/json", None);
        check("application/json,text/plain", None);
        check("multipart/form-data", None);
        check("application/x-www-form-urlencoded", None);
        let mut two = headers(header::CONTENT_TYPE, "application/json");
        two.append(header::CONTENT_TYPE, "text/csv".parse().expect("a value"));
        assert_eq!(Format::of_body(&two, &Format::ALL).expect_err("one or the other").status(), 400);
    }

    #[test]
    fn an_answer_is_what_is_most_welcome() {
        let check = |accept: &str, expected: Option<Format>| {
            let found = Format::of_answer(&headers(header::ACCEPT, accept), Format::Json);
            assert_eq!(found.ok(), expected, "{accept}");
        };
        check("", Some(Format::Json));
        check(" , ", Some(Format::Json));
        assert_eq!(Format::of_answer(&HeaderMap::new(), Format::Csv).ok(), Some(Format::Csv));
        check("*/*", Some(Format::Json));
        check("text/csv", Some(Format::Csv));
        check("text/*", Some(Format::Csv));
        check("text/html, application/xhtml+xml, */*;q=0.8", Some(Format::Json));
        check("application/json;q=0.5, application/x-ndjson", Some(Format::Lines));
        check("*/*, application/json;q=0.1", Some(Format::Csv));
        check("application/*", Some(Format::Json));
        check("text/html", None);
        check("application/json;q=0", None);
        check("*/*;q=what", None);
        // A list may come in several fields (RFC 9110, 5.3).
        let mut two = headers(header::ACCEPT, "*/*");
        two.append(header::ACCEPT, HeaderValue::from_static("application/json;q=0.1"));
        assert_eq!(Format::of_answer(&two, Format::Json).ok(), Some(Format::Csv));
    }
}
