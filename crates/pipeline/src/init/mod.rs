//! Proposes a spec for data that nobody has described yet: commented, and it trains as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use evenstep_table::formatted::is_signed;
use evenstep_table::infer::{Evidence, Reads, reads};
use evenstep_table::{ColumnName, Kind, Rule, counted};

pub(crate) use self::declared::may_be_classes;
pub use self::declared::{Declared, declare, may_be_days};
pub use self::growth::Growth;
pub use self::missing::missing;
use self::plan::Plan;
pub(crate) use self::remarks::dates_in_two_ways;
pub use self::thousands::{settle_points, settle_signs};
pub use self::words::Words;
pub(crate) use self::words::shown;
use crate::spec::TaskWord;

mod declared;
mod growth;
mod missing;
mod plan;
mod remarks;
mod thousands;
mod words;

/// What is known of the data when a spec is proposed.
pub struct Seen<'a> {
    /// The source, as the spec is to name it.
    pub source: &'a str,
    /// The pipeline's name.
    pub name: &'a str,
    /// Every column but those that are all missing.
    pub columns: &'a BTreeMap<ColumnName, Evidence>,
    /// Rows in all.
    pub rows: u64,
    /// What is to be predicted.
    pub target: &'a ColumnName,
    /// The id, declared or found.
    pub id: &'a [ColumnName],
    /// Other columns that tell rows apart and say no more of them.
    pub like_ids: &'a [ColumnName],
    /// Columns that are called like an id and tell nearly all rows apart.
    pub nearly_ids: &'a [ColumnName],
    /// Columns that have another whole number in every row, and may be ids or measures.
    pub unique: &'a [ColumnName],
    /// Columns that are an index without a name, and neither id nor target.
    pub index: &'a [ColumnName],
    /// What the contract is to say of columns.
    pub declared: &'a BTreeMap<ColumnName, Declared>,
    /// Times finer than a microsecond.
    pub too_fine: &'a [ColumnName],
    /// The texts of columns of strings.
    pub words: &'a BTreeMap<ColumnName, Words>,
    /// Columns of a type that is not read, and what they are.
    pub unread: &'a BTreeMap<ColumnName, String>,
    /// Columns that some rows lack.
    pub lacked: &'a BTreeSet<ColumnName>,
    /// How many different rows there are by their inputs, if no id tells them apart.
    pub different: Option<u64>,
    /// What stands for a missing value.
    pub missing: &'a [String],
    /// Numbers that stand far from all others of their column, and how many rows have each.
    pub far: &'a BTreeMap<ColumnName, Vec<(f64, u64)>>,
    /// The target's values, if they are few, and how many rows have each.
    pub classes: &'a BTreeMap<String, u64>,
}

impl Seen<'_> {
    /// The type that a column is read as; None if it has no value.
    pub fn kind(&self, name: &ColumnName) -> Option<Kind> {
        self.declared.get(name).map(|declared| declared.kind).or(self.columns[name].kind())
    }

    /// The rule that a column is read by; None if it has no value.
    pub fn rule(&self, name: &ColumnName) -> Option<Rule> {
        self.declared.get(name).map(Declared::rule).or_else(|| self.columns[name].kind().map(Rule::new))
    }

    /// Whether a column's dates are months.
    fn is_of_months(&self, name: &ColumnName) -> bool {
        self.declared.get(name).is_some_and(Declared::is_of_months)
    }

    /// Whether half of a column's texts or more are numbers, some of them with signs or as people write them.
    fn are_signed(&self, name: &ColumnName) -> bool {
        let evidence = &self.columns[name];
        let texts = self.words.get(name).into_iter().flat_map(Words::iter);
        let written: u64 = texts.filter(|(text, _)| is_written(text)).map(|(_, count)| count).sum();
        written > 0 && (written + evidence.numbers()) * 2 >= evidence.values()
    }

    /// The task that the target asks for.
    pub fn task(&self) -> TaskWord {
        let classes = (!self.classes.is_empty()).then_some(self.classes.len());
        task_of(self.kind(self.target).unwrap_or(Kind::Number), classes)
    }

    /// How many values the target has; of very many, as many as there are rows.
    fn target_values(&self) -> u64 {
        let counted = || self.columns[self.target].distinct().map_or(self.rows, |distinct| distinct as u64);
        if self.classes.is_empty() { counted() } else { self.classes.len() as u64 }
    }

    /// The columns that are learned from.
    pub fn inputs(&self) -> Vec<ColumnName> {
        let plan = Plan::of(self);
        let dropped: Vec<&ColumnName> = plan.dropped().into_iter().flat_map(|(_, names)| names).copied().collect();
        let is_input = |name: &&ColumnName| *name != self.target && !self.id.contains(name) && !dropped.contains(name);
        self.columns.keys().filter(is_input).cloned().collect()
    }
}

/// Whether a text is a number with signs, or as people write it.
fn is_written(text: &str) -> bool {
    reads(text) == Reads::Formatted || is_signed(text)
}

/// The task that the target asks for, by its type and number of values.
pub fn task_of(kind: Kind, classes: Option<usize>) -> TaskWord {
    match (kind, classes) {
        (_, Some(2)) | (Kind::Boolean, _) => TaskWord::Binary,
        (Kind::Category | Kind::Text, _) => TaskWord::Multiclass,
        _ => TaskWord::Regression,
    }
}

/// The class that is meant if a spec names none: one by a word that says so, else the last.
pub fn positive_of(classes: &[String]) -> Option<&String> {
    classes.iter().find(|class| is_asked_about(class)).or(classes.last())
}

/// The class that a person most likely asks about: one by a word that says so, else the rarer, of two as rare the last.
fn asked_about(classes: &BTreeMap<String, u64>) -> Option<&String> {
    let rarer = || classes.iter().rev().min_by_key(|(_, rows)| **rows).map(|(class, _)| class);
    // Beside other words, such as 1 beside 2, these say nothing.
    let says = |class: &&String| {
        let opposite: &[&str] = match class.to_lowercase().as_str() {
            "1" => &["0", "-1"],
            "y" => &["n"],
            "t" => &["f"],
            _ => return is_asked_about(class),
        };
        classes.keys().any(|other| opposite.contains(&other.to_lowercase().as_str()))
    };
    classes.keys().find(says).or_else(rarer)
}

fn is_asked_about(class: &str) -> bool {
    ["1", "true", "yes", "y", "t", "positive", "bad", "default", "churn"].contains(&class.to_lowercase().as_str())
}

/// The spec's text, with trees that are grown so, and with what is to be said of that.
pub fn propose(seen: &Seen<'_>, growth: &Growth, remark: Option<&str>) -> String {
    let plan = Plan::of(seen);
    let mut text = String::new();
    let mut put = |line: &str| writeln!(text, "{line}").expect("a string takes what is written");
    put(&format!(
        "# Proposed by `evenstep init` from {} and {}. Everything here is yours to change:",
        counted(seen.rows, "row"),
        counted(seen.columns.len(), "column")
    ));
    put("# `evenstep check` says what it means, `evenstep train` fits it.\n");
    put("[pipeline]");
    put(&format!("name = {}", quoted(seen.name)));
    put("seed = 0                         # every draw derives from it\n");

    put("[data]");
    match seen.source {
        "" => put("# source = \"…\"                  # a file, or a glob of many; these rows were handed over"),
        source => put(&format!("source = {}", quoted(source))),
    }
    match seen.id {
        [] => put(
            "# id = \"…\"                      # a column that tells rows apart for good; without one, equal rows are one",
        ),
        [id] => {
            put(&format!("# `{}` tells rows apart; it is no feature", one_line(id.as_str())));
            put(&format!("id = {}", quoted(id.as_str())));
        }
        ids => {
            put("# these tell rows apart together; they are no features");
            put(&format!("id = {}", list(ids.iter())));
        }
    }
    if let Some(different) = seen.different.filter(|different| *different < seen.rows) {
        put(&format!(
            "# of {} there are {different} different ones by their inputs: equal rows stay on one side of",
            counted(seen.rows, "row")
        ));
        put("# every split; a column that numbers the rows, named as `id`, would tell them apart");
    }
    put(&format!("target = {}", quoted(seen.target.as_str())));
    let target = &seen.columns[seen.target];
    let task = seen.task();
    let word = match task {
        TaskWord::Regression => "regression",
        TaskWord::Binary => "binary",
        TaskWord::Multiclass => "multiclass",
        TaskWord::Ranking => "ranking",
    };
    put(&format!("task = {}              # regression, binary, multiclass or ranking", quoted(word)));
    if task == TaskWord::Binary
        && let Some(positive) = asked_about(seen.classes)
    {
        let classes: Vec<String> =
            seen.classes.iter().map(|(class, rows)| format!("{class} ({})", counted(*rows, "row"))).collect();
        put(&format!(
            "positive = {}                 # the class whose probability is told, of {}",
            quoted(positive),
            one_line(&classes.join(", "))
        ));
    }
    put("split = { test = 0.2, seed = 0 } # the rows held out, by identity");
    let missing: Vec<String> = seen.missing.iter().map(|token| quoted(token)).collect();
    put(&format!("missing = [{}]", missing.join(", ")));
    for remark in remarks::of(seen) {
        put(&format!("# {}", one_line(&remark)));
    }
    if target.nulls > 0 {
        put(&format!("# without a target, and left out: {}", counted(target.nulls, "row")));
    }

    if seen.declared.is_empty() {
        put("\n# [contract]                     # what live systems send; columns not listed are inferred and locked");
        put("# column = { type = \"number\", missing = \"reject\", min = 0, unit = \"metre\" }");
    } else {
        put("\n[contract]                       # what live systems send; columns not listed are inferred and locked");
        let mut before = Vec::new();
        for (name, declared) in seen.declared {
            let comments = declared.comments();
            // Several columns in a row may have one reason.
            if comments != before {
                comments.iter().for_each(|comment| put(&format!("# {}", one_line(comment))));
            }
            put(&declared.line(name));
            before = comments;
        }
    }

    let dropped = plan.dropped();
    if dropped.iter().any(|(_, names)| !names.is_empty()) {
        put("\n[[step]]                         # these need not be sent by live systems");
        put("use = \"drop_columns\"");
        for (why, names) in dropped.iter().filter(|(_, names)| !names.is_empty()) {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            put(&format!("# {why}: {}", one_line(&names.join(", "))));
        }
        let names: Vec<&ColumnName> = dropped.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        put(&format!("columns = {}", list(names.into_iter())));
    }
    for (parts, names) in &plan.parted {
        put("\n[[step]]");
        put("use = \"datetime_parts\"");
        put(&format!("columns = {}", list(names.iter().copied())));
        put(&format!("parts = [{}]", parts.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(", ")));
    }
    if task == TaskWord::Multiclass && !plan.sparse.is_empty() {
        put("\n[[step]]                         # their values have too few rows each for trees of several classes");
        put("use = \"target_encode\"");
        put(&format!("columns = {}", list(plan.sparse.iter().copied())));
    }
    put("\n# Missing values and categories need no step: the trees take them as they are.");
    put("\n[model]");
    put("use = \"boosted_trees\"");
    remark.iter().for_each(|remark| put(&format!("# {remark}")));
    put(&growth.to_string());
    put("\n[report]");
    let metrics = match task {
        TaskWord::Regression => r#"["rmse", "mae", "r2"]"#,
        TaskWord::Binary => r#"["roc_auc", "average_precision", "log_loss", "brier", "accuracy"]"#,
        TaskWord::Multiclass => r#"["log_loss", "accuracy", "balanced_accuracy"]"#,
        TaskWord::Ranking => r#"["ndcg@10", "ndcg", "map", "mrr"]"#,
    };
    put(&format!("metrics = {metrics}"));
    text
}

/// What stands in a comment ends no line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text as a string of TOML, in one line: a key can't have more.
fn quoted(text: &str) -> String {
    if text.contains(char::is_control) {
        // Escaped as in JSON, of which only DEL is bare.
        return serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f");
    }
    toml::Value::from(text).to_string()
}

fn list<'a>(names: impl Iterator<Item = &'a ColumnName>) -> String {
    let names: Vec<String> = names.map(|name| quoted(name.as_str())).collect();
    if names.len() <= 8 {
        return format!("[{}]", names.join(", "));
    }
    format!("[\n  {},\n]", names.join(",\n  "))
}

/// The name as a key of TOML.
pub(crate) fn key(name: &ColumnName) -> String {
    let bare = name.as_str().chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.as_str().to_owned() } else { quoted(name.as_str()) }
}
