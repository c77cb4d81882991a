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

    /// What is said of the change of some text in the spec, there and back.
    fn check(old: &str, new: &str) -> String {
        assert!(SPEC.contains(old), "{old}");
        let (before, after) = (interface(SPEC), interface(&SPEC.replace(old, new)));
        let told = |comparison: Comparison| {
            let lines = comparison.changes.iter().map(|change| format!("{}: {}", change.verdict.word(), change.line()));
            lines.collect::<Vec<_>>().join("; ")
        };
        format!("→ {}\n← {}", told(compare(&before, &after)), told(compare(&after, &before)))
    }

    #[test]
    fn nothing_is_said_of_what_is_the_same() {
        let one = interface(SPEC);
        assert_eq!(compare(&one, &one), Comparison { compatible: true, changes: Vec::new() });
    }

    #[test]
    fn fields_that_come_and_go() {
        insta::assert_snapshot!(check("at = {", "on = {"), @"");
        insta::assert_snapshot!(check("at = { type = \"date\" }", ""), @"");
        insta::assert_snapshot!(check("city = { type = \"category\", values = [\"Bern\", \"Rom\"], absent = \"null\" }", ""), @"");
        insta::assert_snapshot!(check("absent = \"null\"", "absent = \"reject\""), @"");
        insta::assert_snapshot!(check("id = \"key\"", ""), @"");
    }

    #[test]
    fn what_a_field_may_hold() {
        insta::assert_snapshot!(check("age = { type = \"integer\"", "age = { type = \"number\""), @"");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"date\", format = \"%d.%m.%Y\" }"), @"");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"datetime\", zone = \"UTC\" }"), @"");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"date\", missing = \"reject\" }"), @"");
        insta::assert_snapshot!(check("at = { type = \"date\" }", "at = { type = \"date\", invalid = \"null\" }"), @"");
        insta::assert_snapshot!(check("max = 120", "max = 100"), @"");
        insta::assert_snapshot!(check("max = 120", "max = 120, out_of_range = \"reject\""), @"");
        insta::assert_snapshot!(check("values = [\"Bern\", \"Rom\"]", "values = [\"Bern\"]"), @"");
        insta::assert_snapshot!(check("values = [\"Bern\", \"Rom\"]", "values = [\"Bern\"], unseen = \"reject\""), @"");
        insta::assert_snapshot!(check("unit = \"years\"", "unit = \"months\""), @"");
        insta::assert_snapshot!(check(", \"NA\"]", "]"), @"");
    }

    #[test]
    fn what_an_answer_may_hold() {
        insta::assert_snapshot!(check("values = [\"no\", \"yes\"]", "values = [\"no\", \"perhaps\", \"yes\"]"), @"");
        insta::assert_snapshot!(check("y = { type = \"category\", values = [\"no\", \"yes\"] }", "y = { type = \"number\", unit = \"CHF\" }"), @"");
        insta::assert_snapshot!(check("name = \"p\"", "name = \"q\""), @"");
    }

    #[test]
    fn how_requests_are_taken() {
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", "latency = { p99 = \"6 ms\" }"), @"");
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", ""), @"");
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", "latency = { p99 = \"5 ms\" }\nextra = \"ignore\""), @"");
        insta::assert_snapshot!(check("latency = { p99 = \"5 ms\" }", "mode = \"batch\""), @"");
    }
}
