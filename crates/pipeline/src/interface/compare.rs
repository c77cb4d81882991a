//! Whether clients of one interface can go on with another: every change, and why it breaks them or doesn't.
//!
//! What a request may hold must not shrink, and what an answer may hold must not grow.

use evenstep_table::ColumnName;
use serde::Serialize;

use super::{Interface, answer, field};

/// Whether clients can go on, and every change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Comparison {
    /// Whether no change breaks a client.
    pub compatible: bool,
    /// Those that break clients first.
    pub changes: Vec<Change>,
}

/// What a change does to clients.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Some client that keeps to the old contract is refused, or can't read its answer.
    Breaking,
    /// All of them go on.
    Compatible,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Breaking => "breaking",
            Verdict::Compatible => "compatible",
        }
    }
}

/// One thing that is otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// What it does to clients.
    pub verdict: Verdict,
    /// What changed: `field Age`, `answer`, `serving`.
    pub place: String,
    /// The field, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<ColumnName>,
    /// What changed of it: a key of the contract, or `added`, `removed`.
    pub what: &'static str,
    /// How, and what that means for clients.
    pub why: String,
}

impl Change {
    /// The change in a line, without its verdict.
    pub fn line(&self) -> String {
        format!("{}: {}", self.place, self.why)
    }
}

/// Changes as they are found, of one place.
pub(super) struct Changes<'a> {
    pub(super) found: &'a mut Vec<Change>,
    pub(super) place: String,
    pub(super) field: Option<ColumnName>,
}

impl Changes<'_> {
    pub(super) fn add(&mut self, is_breaking: bool, what: &'static str, why: impl Into<String>) {
        let verdict = if is_breaking { Verdict::Breaking } else { Verdict::Compatible };
        let (place, field) = (self.place.clone(), self.field.clone());
        self.found.push(Change { verdict, place, field, what, why: why.into() });
    }
}

/// What clients of `old` meet in `new`.
pub fn compare(old: &Interface, new: &Interface) -> Comparison {
    let mut changes = Vec::new();
    field::compare(old, new, &mut changes);
    answer::compare(old, new, &mut changes);
    changes.sort_by_key(|change| change.verdict);
    Comparison { compatible: changes.iter().all(|change| change.verdict == Verdict::Compatible), changes }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Spec;

    const SPEC: &str = r#"
        [pipeline]
        name = "p"
        seed = 1
        [data]
        target = "y"
        id = "key"
        missing = ["", "NA"]
        [contract]
        key = { type = "integer" }
        y = { type = "category", values = ["no", "yes"] }
        age = { type = "integer", min = 0, max = 120, unit = "years" }
        city = { type = "category", values = ["Bern", "Rom"], absent = "null" }
        at = { type = "date" }
        [serving]
        latency = { p99 = "5 ms" }
    "#;

    fn interface(text: &str) -> Interface {
        let spec = Spec::parse_contract(Path::new("p.toml"), text.to_owned()).expect("a spec");
        super::super::declared::of(&spec).expect("it is complete")
    }

    fn told(comparison: Comparison) -> String {
        let lines = comparison.changes.iter().map(|change| format!("{}: {}", change.verdict.word(), change.line()));
        lines.collect::<Vec<_>>().join("; ")
    }

    /// What is said of the change of some text in the spec, there and back.
    fn check(old: &str, new: &str) -> String {
        assert!(SPEC.contains(old), "{old}");
        let (before, after) = (interface(SPEC), interface(&SPEC.replace(old, new)));
        format!("→ {}\n← {}", told(compare(&before, &after)), told(compare(&after, &before)))
    }

    #[test]
    fn nothing_is_said_of_what_is_the_same() {
        let one = interface(SPEC);
        assert_eq!(compare(&one, &one), Comparison { compatible: true, changes: Vec::new() });
    }

    #[test]
    fn fields_that_come_and_go() {
        insta::assert_snapshot!(check("at = {", "on = {"), @r"
        → breaking: field `at`: removed, and requests that have it are refused; breaking: field `on`: added, and requests without it are refused
        ← breaking: field `on`: removed, and requests that have it are refused; breaking: field `at`: added, and requests without it are refused
        ");
        insta::assert_snapshot!(check("at = { type = \"date\" }", ""), @r"
        → breaking: field `at`: removed, and requests that have it are refused
        ← breaking: field `at`: added, and requests without it are refused
        ");
        insta::assert_snapshot!(check("city = { type = \"category\", values = [\"Bern\", \"Rom\"], absent = \"null\" }", ""), @r"
        → breaking: field `city`: removed, and requests that have it are refused
        ← compatible: field `city`: added, and requests do without it
        ");
        insta::assert_snapshot!(check("absent = \"null\"", "absent = \"reject\""), @r"
        → breaking: field `city`: requests without it are refused now
        ← compatible: field `city`: requests do without it now
        ");
        insta::assert_snapshot!(check("id = \"key\"", ""), @r"
        → breaking: field `key`: requests without it are refused now; breaking: answer: rows are named by their number now, and by `key` before
        ← breaking: answer: rows are named by `key` now, and by their number before; compatible: field `key`: requests do without it now
        ");
    }

    #[test]
    fn what_a_field_may_hold() {
        insta::assert_snapshot!(check("age = { type = \"integer\"", "age = { type = \"number\""), @r"
        → compatible: field `age`: type integer is number now: what was one is the other too
        ← breaking: field `age`: type number is integer now: what was one may not be the other
        ");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"date\", format = \"%d.%m.%Y\" }"), @r"
        → breaking: field `at`: written in ISO 8601 before, as `%d.%m.%Y` now
        ← breaking: field `at`: written as `%d.%m.%Y` before, in ISO 8601 now
        ");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"datetime\", zone = \"UTC\" }"), @r"
        → breaking: field `at`: type date is datetime with an offset now: what was one may not be the other
        ← breaking: field `at`: type datetime with an offset is date now: what was one may not be the other
        ");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"date\", missing = \"reject\" }"), @r"
        → breaking: field `at`: a null is refused now
        ← compatible: field `at`: a null is taken now
        ");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"date\", invalid = \"null\" }"), @r"
        → compatible: field `at`: a cell of another type was refused, and now it is taken for a null
        ← breaking: field `at`: a cell of another type was taken for a null, and now it is refused
        ");
        insta::assert_snapshot!(check("max = 120", "max = 100"), @r"
        → compatible: field `age`: 0 to 120 before, 0 to 100 now: none is refused
        ← compatible: field `age`: 0 to 100 before, 0 to 120 now: none is refused
        ");
        insta::assert_snapshot!(check("max = 120", "max = 120, out_of_range = \"reject\""), @r"
        → breaking: field `age`: values outside of 0 to 120 were flagged, and are refused now
        ← compatible: field `age`: values outside of 0 to 120 were refused, and are flagged now
        ");
        insta::assert_snapshot!(check("values = [\"Bern\", \"Rom\"]", "values = [\"Bern\"]"), @r"
        → compatible: field `city`: other categories are flagged, none is refused
        ← compatible: field `city`: other categories are flagged, none is refused
        ");
        insta::assert_snapshot!(check("values = [\"Bern\", \"Rom\"]", "values = [\"Bern\"], unseen = \"reject\""), @r"
        → breaking: field `city`: categories that are not known are refused now
        ← compatible: field `city`: categories that are not known are taken now
        ");
        let reject = |rule: &str| interface(&SPEC.replace("type = \"category\", values = [\"Bern\", \"Rom\"]", rule));
        let listed = reject("type = \"category\", unseen = \"reject\", values = [\"Bern\"]");
        let unlisted = reject("type = \"category\", unseen = \"reject\"");
        let text = reject("type = \"text\"");
        let all = [
            ("text → listed", &text, &listed),
            ("listed → text", &listed, &text),
            ("text → unlisted", &text, &unlisted),
            ("listed → unlisted", &listed, &unlisted),
            ("unlisted → listed", &unlisted, &listed),
        ];
        let all = all.map(|(what, old, new)| format!("{what}: {}", told(compare(old, new))));
        insta::assert_snapshot!(all.join("\n"), @r"
        text → listed: breaking: field `city`: categories that are not known are refused now; compatible: field `city`: type text is category now: what was one is the other too
        listed → text: compatible: field `city`: type category is text now: what was one is the other too
        text → unlisted: breaking: field `city`: categories that are not known are refused now; compatible: field `city`: type text is category now: what was one is the other too
        listed → unlisted: breaking: field `city`: which categories are taken is no longer said
        unlisted → listed: compatible: field `city`: the contract says now which categories are taken
        ");
        insta::assert_snapshot!(check("unit = \"years\"", "unit = \"months\""), @r"
        → breaking: field `age`: in months now, and in years before: the same number means another thing
        ← breaking: field `age`: in years now, and in months before: the same number means another thing
        ");
        insta::assert_snapshot!(check(", \"NA\"]", "]"), @r"
        → breaking: missing values: `NA` no longer stands for one
        ← compatible: missing values: `NA` stands for one now
        ");
        let spec = SPEC
            .replace("absent = \"null\"", "missing = \"reject\"")
            .replace("max = 120", "max = 120, missing = \"reject\"");
        let with = |tokens: &str| interface(&spec.replace("\"\", \"NA\"", tokens));
        let all = ["\"NA\", \"-\"", "\"NA\", \"-9\""].map(|tokens| told(compare(&with("\"NA\""), &with(tokens))));
        insta::assert_snapshot!(all.join("\n"), @r"
        breaking: missing values: `-` stands for one now, and field `city` refuses it
        breaking: missing values: `-9` stands for one now, and field `age` refuses it
        ");
    }

    #[test]
    fn what_is_said_of_a_field() {
        let personal = "at = { type = \"date\", personal = true, available = \"store\" }";
        insta::assert_snapshot!(check("at = { type = \"date\" }", personal), @r"
        → compatible: field `at`: whoever asks has it from elsewhere now; what is sent stays; compatible: field `at`: the contract says now that it tells of people
        ← compatible: field `at`: whoever asks has it from elsewhere now; what is sent stays; compatible: field `at`: the contract no longer says that it tells of people
        ");
        let said = check("target = \"y\"", "target = \"age\"");
        assert_eq!(said.matches("field `y`: ").count(), 2, "once there and once back: {said}");
    }

    #[test]
    fn what_an_answer_may_hold() {
        insta::assert_snapshot!(check("values = [\"no\", \"yes\"]", "values = [\"no\", \"perhaps\", \"yes\"]"), @r"
        → breaking: answer: it is one of 3 classes now, and one of two classes before
        ← breaking: answer: it is one of two classes now, and one of 3 classes before
        ");
        insta::assert_snapshot!(check("y = { type = \"category\", values = [\"no\", \"yes\"] }", "y = { type = \"number\", unit = \"CHF\" }"), @r"
        → breaking: answer: it is a number now, and one of two classes before; compatible: answer: the contract says now that it is in CHF
        ← breaking: answer: it is one of two classes now, and a number before; compatible: answer: the contract no longer says that it is in CHF
        ");
        let spec = SPEC
            .replace("y = { type = \"category\", values = [\"no\", \"yes\"] }", "y = { type = \"number\", max = 9 }");
        let said =
            compare(&interface(&spec), &interface(&spec.replace("\"number\", max = 9", "\"integer\", max = 20")));
        let lines: Vec<String> = said.changes.iter().map(|change| change.line()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        answer: it learns from values of type integer now, and of type number before
        answer: it learns from values up to 20 now, and from values up to 9 before
        ");
        assert!(said.compatible);
        let key = "key = { type = \"integer\" }";
        insta::assert_snapshot!(check(&format!("id = \"key\"\n        missing = [\"\", \"NA\"]\n        [contract]\n        {key}"), "missing = [\"\", \"NA\"]\n        [contract]"), @r"
        → breaking: field `key`: removed, and requests that have it are refused; breaking: answer: rows are named by their number now, and by `key` before
        ← compatible: field `key`: added, and requests do without it
        ");
        insta::assert_snapshot!(check("name = \"p\"", "name = \"q\""), @r"
        → breaking: answer: the model is called `q` now, and its address `/v2/models/q` with it
        ← breaking: answer: the model is called `p` now, and its address `/v2/models/p` with it
        ");
    }

    #[test]
    fn how_requests_are_taken() {
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", "latency = { p99 = \"6 ms\" }"), @r"
        → breaking: serving: `p99` may be 6ms now, and 5ms before
        ← compatible: serving: `p99` may be 5ms now, and 6ms before
        ");
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", ""), @r"
        → breaking: serving: `p99` may be anything now, and 5ms before
        ← compatible: serving: `p99` is 5ms at most now
        ");
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", "latency = { p99 = \"5 ms\" }\nextra = \"ignore\""), @r"
        → compatible: serving: unknown fields are ignored now
        ← breaking: serving: unknown fields are refused now
        ");
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", "mode = \"batch\""), @r#"
        → breaking: serving: `mode` is "batch" now, and "both" before; breaking: serving: `p99` may be anything now, and 5ms before
        ← compatible: serving: `mode` is "both" now, and "batch" before; compatible: serving: `p99` is 5ms at most now
        "#);
    }
}
