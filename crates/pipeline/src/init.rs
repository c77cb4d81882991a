//! Proposes a spec for data that nobody has described yet: commented, and it trains as it is.

use std::collections::BTreeMap;
use std::fmt::Write;

use evenstep_table::infer::{Evidence, Mostly};
use evenstep_table::{ColumnName, Kind, counted};

use crate::spec::TaskWord;

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
    /// What stands for a missing value.
    pub missing: &'a [String],
    /// The target's values in canonical order, if they are few.
    pub classes: &'a [String],
}

/// Columns by what the spec does with them.
#[derive(Default)]
struct Plan<'a> {
    like_ids: Vec<&'a ColumnName>,
    empty: Vec<&'a ColumnName>,
    constant: Vec<&'a ColumnName>,
    text: Vec<&'a ColumnName>,
    dates: Vec<&'a ColumnName>,
    datetimes: Vec<&'a ColumnName>,
    times: Vec<&'a ColumnName>,
    mostly: Vec<(&'a ColumnName, Mostly)>,
}

impl<'a> Plan<'a> {
    fn of(seen: &Seen<'a>) -> Plan<'a> {
        let mut plan = Plan::default();
        for (name, evidence) in seen.columns {
            if name == seen.target {
                plan.mostly.extend(target_mostly(evidence).map(|mostly| (name, mostly)));
                continue;
            }
            if seen.id.contains(name) {
                continue;
            }
            if seen.like_ids.contains(name) {
                plan.like_ids.push(name);
                continue;
            }
            let mut kind = evidence.kind();
            if let Some(mostly) = evidence.mostly() {
                kind = Some(mostly.kind);
                plan.mostly.push((name, mostly));
            }
            match kind {
                None => plan.empty.push(name),
                Some(_) if evidence.distinct() == Some(1) && evidence.nulls == 0 => plan.constant.push(name),
                Some(Kind::Text) => plan.text.push(name),
                Some(Kind::Date) => plan.dates.push(name),
                Some(Kind::Datetime(_)) => plan.datetimes.push(name),
                Some(Kind::Time) => plan.times.push(name),
                Some(_) => {}
            }
        }
        plan
    }
}

/// What a target is though some of its cells are not: numbers, if half of its cells are and they are too many to be classes.
fn target_mostly(evidence: &Evidence) -> Option<Mostly> {
    evidence.mostly().or_else(|| {
        let many = evidence.distinct().is_none_or(|distinct| distinct > 100);
        evidence.mostly_but(0.5).filter(|mostly| many && mostly.kind.is_numeric())
    })
}

/// The type that a target is learned as.
pub fn target_kind(evidence: &Evidence) -> Option<Kind> {
    target_mostly(evidence).map(|mostly| mostly.kind).or(evidence.kind())
}

/// The task that the target asks for, by its type and number of values.
pub fn task_of(kind: Kind, classes: Option<usize>) -> TaskWord {
    match (kind, classes) {
        (_, Some(2)) | (Kind::Boolean, _) => TaskWord::Binary,
        (Kind::Category | Kind::Text, _) => TaskWord::Multiclass,
        _ => TaskWord::Regression,
    }
}

/// The class that a person most likely asks about.
pub fn positive_of(classes: &[String]) -> Option<&String> {
    const WORDS: [&str; 9] = ["1", "true", "yes", "y", "t", "positive", "bad", "default", "churn"];
    let known = classes.iter().find(|class| WORDS.contains(&class.to_lowercase().as_str()));
    known.or(classes.last())
}

/// The spec's text.
pub fn propose(seen: &Seen<'_>) -> String {
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
        [id] => put(&format!("id = {}", quoted(id.as_str()))),
        ids => put(&format!("id = {}", list(ids.iter()))),
    }
    put(&format!("target = {}", quoted(seen.target.as_str())));
    let target = &seen.columns[seen.target];
    let classes = (!seen.classes.is_empty()).then_some(seen.classes.len());
    let task = task_of(target_kind(target).unwrap_or(Kind::Number), classes);
    let word = match task {
        TaskWord::Regression => "regression",
        TaskWord::Binary => "binary",
        TaskWord::Multiclass => "multiclass",
        TaskWord::Ranking => "ranking",
    };
    put(&format!("task = {}              # regression, binary, multiclass or ranking", quoted(word)));
    if task == TaskWord::Binary
        && let Some(positive) = positive_of(seen.classes)
    {
        put(&format!(
            "positive = {}                 # the class whose probability is told, of {}",
            quoted(positive),
            seen.classes.join(", ")
        ));
    }
    put("split = { test = 0.2, seed = 0 } # the rows held out, by identity");
    let missing: Vec<String> = seen.missing.iter().map(|token| quoted(token)).collect();
    put(&format!("missing = [{}]", missing.join(", ")));
    for (name, _) in seen.columns.iter().filter(|(_, evidence)| evidence.formatted().is_some()) {
        let words = "is text as it stands: its numbers have a comma, a currency or a percent sign";
        put(&format!("# `{name}` {words}"));
        put("# written as `1234.5` they are numbers");
    }
    if target.nulls > 0 {
        put(&format!("# without a target, and left out: {}", counted(target.nulls, "row")));
    }

    if !plan.mostly.is_empty() {
        put("\n[contract]                       # what live systems send; columns not listed are inferred and locked");
        for (name, mostly) in &plan.mostly {
            let examples: Vec<String> = mostly.examples.iter().take(3).map(|(value, _)| quoted(value)).collect();
            put(&format!(
                "# {} of another type than {}: {}",
                counted(mostly.others, "cell"),
                mostly.kind.word(),
                examples.join(", ")
            ));
            put(&format!("{} = {{ type = {}, invalid = \"null\" }}", key(name), quoted(mostly.kind.word())));
        }
    } else {
        put("\n# [contract]                     # what live systems send; columns not listed are inferred and locked");
        put("# column = { type = \"number\", missing = \"reject\", min = 0, unit = \"metre\" }");
    }

    let dropped = [
        ("another value in every row, as an id has", &plan.like_ids),
        ("without any value", &plan.empty),
        ("always the same", &plan.constant),
        ("free text, which no step reads yet", &plan.text),
    ];
    if dropped.iter().any(|(_, names)| !names.is_empty()) {
        put("\n[[step]]                         # these need not be sent by live systems");
        put("use = \"drop_columns\"");
        for (why, names) in dropped.iter().filter(|(_, names)| !names.is_empty()) {
            put(&format!("# {why}: {}", names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")));
        }
        let names: Vec<&ColumnName> = dropped.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        put(&format!("columns = {}", list(names.into_iter())));
    }
    let date_parts = r#"["year", "month", "day_of_month", "day_of_week", "day_of_year"]"#;
    let time_parts = r#"["hour", "minute"]"#;
    let datetime_parts = r#"["year", "month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute"]"#;
    for (names, parts) in [(&plan.dates, date_parts), (&plan.datetimes, datetime_parts), (&plan.times, time_parts)] {
        if !names.is_empty() {
            put("\n[[step]]");
            put("use = \"datetime_parts\"");
            put(&format!("columns = {}", list(names.iter().copied())));
            put(&format!("parts = {parts}"));
        }
    }
    put("\n# Missing values and categories need no step: the trees take them as they are.");
    put("\n[model]");
    put("use = \"boosted_trees\"");
    put(MODEL);
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

/// Hyperparameters that do well on most tables: of some dozen, those that were least often worse than
/// LightGBM's defaults on the 20 tables of `bench/unseen.py`.
const MODEL: &str = "trees = 220\nlearning_rate = 0.05\nleaves = 31\ncolumn_sample = 0.8\nl2 = 2";

fn quoted(text: &str) -> String {
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
