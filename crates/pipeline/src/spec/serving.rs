//! `[serving]`: how requests are taken, and how long their answers may take.

use std::fmt;
use std::time::Duration;

use evenstep_source::Extra;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[serving]`: how requests are taken.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServingSection {
    /// What happens to fields of a request that the contract doesn't know.
    #[serde(default)]
    pub extra: Extra,
    /// Who is answered: requests, files, or both.
    #[serde(default, skip_serializing_if = "Mode::is_both")]
    pub mode: Mode,
    /// How long an answer may take.
    #[serde(default, skip_serializing_if = "Latency::is_empty")]
    pub latency: Latency,
}

/// Who is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Requests and files.
    #[default]
    Both,
    /// Requests, one row or some at a time.
    Online,
    /// Files; nothing is served.
    Batch,
}

impl Mode {
    fn is_both(&self) -> bool {
        *self == Mode::Both
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Both => "both",
            Mode::Online => "online",
            Mode::Batch => "batch",
        }
    }
}

/// How long answers may take: half of them, and all but one in a hundred.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Half of all answers take no longer, such as `"1 ms"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Time>,
    /// Of a hundred answers, 99 take no longer, such as `"5 ms"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<Time>,
}

impl Latency {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Latency::default()
    }
}

/// A length of time, written as `"5 ms"`; from a microsecond to an hour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, JsonSchema)]
#[schemars(with = "String")]
pub struct Time(Duration);

const LEAST: Duration = Duration::from_micros(1);
const MOST: Duration = Duration::from_secs(3600);
const EXPECTED: &str = "a length of time such as \"5 ms\"";

impl Time {
    /// Reads a length of time.
    ///
    /// # Errors
    /// A text that is none, or one beyond a microsecond and an hour.
    pub fn parse(text: &str) -> Result<Time, String> {
        let parsed = text.parse::<SignedDuration>().ok().and_then(|parsed| Duration::try_from(parsed).ok());
        match parsed {
            Some(time) if (LEAST..=MOST).contains(&time) => Ok(Time(time)),
            Some(_) => Err(format!("{EXPECTED}, from a microsecond to an hour, not `{text}`")),
            None => Err(format!("{EXPECTED}, not `{text}`")),
        }
    }

    /// The time.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl std::str::FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        Time::parse(text).map_err(|what| format!("expected {what}"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SignedDuration::try_from(self.0).expect("an hour is not too long");
        write!(f, "{time:#}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).map_err(E::custom)
            }
        }
        from.deserialize_str(Text)
    }
}

/// What is wrong with a section: the keys under `[serving]` that are, what, and what to do.
pub(crate) type Wrong = (&'static [&'static str], String, &'static str);

impl ServingSection {
    /// What doesn't fit together.
    pub(crate) fn wrong(&self) -> Option<Wrong> {
        if self.mode == Mode::Batch && !self.latency.is_empty() {
            let what = "`latency` is that of requests, and `mode` is \"batch\": there are none".to_owned();
            return Some((&["latency"], what, "leave out `latency`, or write `mode = \"both\"`"));
        }
        if let (Some(p50), Some(p99)) = (self.latency.p50, self.latency.p99)
            && p50 > p99
        {
            let what = format!("`p50` is {p50}, above `p99`, which is {p99}");
            return Some((&["latency", "p50"], what, "half of the answers are no slower than 99 of a hundred"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Spec;

    /// What is said of a section, or how it is written out.
    fn check(section: &str) -> String {
        let text = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"a.csv\"\ntarget = \"y\"\n[model]\nuse = \"dummy\"\n[serving]\n";
        match Spec::parse(Path::new("p.toml"), format!("{text}{section}")) {
            Ok(spec) => spec.resolved()["serving"].to_string(),
            Err(error) => [Some(error.message), error.help].into_iter().flatten().collect::<Vec<_>>().join(" | "),
        }
    }

    #[test]
    fn what_is_said_of_serving_is_written_out_and_nothing_else() {
        insta::assert_snapshot!(check(""), @r#"{"extra":"reject"}"#);
        insta::assert_snapshot!(check("mode = \"both\"\nlatency = {}"), @r#"{"extra":"reject"}"#);
        insta::assert_snapshot!(
            check("extra = \"ignore\"\nmode = \"online\"\nlatency = { p50 = \"1 ms\", p99 = \"5000 µs\" }"),
            @r#"{"extra":"ignore","mode":"online","latency":{"p50":"1ms","p99":"5ms"}}"#
        );
        insta::assert_snapshot!(check("latency = { p99 = \"1.5ms\" }"), @r#"{"extra":"reject","latency":{"p99":"1ms 500µs"}}"#);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_suggestion() {
        insta::assert_snapshot!(check("extra = \"refuse\""), @"`extra` can't be `refuse` | known here: reject, ignore");
        insta::assert_snapshot!(check("mode = \"onlin\""), @"`mode` can't be `onlin` | did you mean `online`?");
        insta::assert_snapshot!(check("latency = \"5 ms\""), @"`latency` is a text, but a table is expected");
        insta::assert_snapshot!(check("latency = { p95 = \"5 ms\" }"), @"unknown key `p95` | did you mean `p99`?");
        insta::assert_snapshot!(check("latency = { p99 = 5 }"), @r#"`p99` is 5, but a length of time such as "5 ms" is expected"#);
        insta::assert_snapshot!(check("latency = { p99 = \"fast\" }"), @r#"`p99` takes a length of time such as "5 ms", not `fast`"#);
        insta::assert_snapshot!(check("latency = { p99 = \"0 ms\" }"), @r#"`p99` takes a length of time such as "5 ms", from a microsecond to an hour, not `0 ms`"#);
        insta::assert_snapshot!(check("latency = { p99 = \"-5 ms\" }"), @r#"`p99` takes a length of time such as "5 ms", not `-5 ms`"#);
        insta::assert_snapshot!(check("latency = { p50 = \"6 ms\", p99 = \"5 ms\" }"), @"`p50` is 6ms, above `p99`, which is 5ms | half of the answers are no slower than 99 of a hundred");
        insta::assert_snapshot!(check("mode = \"batch\"\nlatency = { p99 = \"5 ms\" }"), @r#"`latency` is that of requests, and `mode` is "batch": there are none | leave out `latency`, or write `mode = "both"`"#);
    }
}
