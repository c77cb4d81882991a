//! A spec that trains as it is, proposed by what the data look like.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_pipeline::init::{Seen, propose as spec_of, target_kind};
use evenstep_pipeline::{PipelineError, Run, like_id};
use evenstep_source::{Reading, Source};
use evenstep_table::identity::{self, Identity};
use evenstep_table::infer::Evidence;
use evenstep_table::rule::Invalid;
use evenstep_table::{Batch, ColumnName, Kind, Rule, counted, did_you_mean};

/// What a person says of the data.
pub struct Asked<'a> {
    /// What messages call the data: as a rule, their path.
    pub data: &'a str,
    /// What the spec is to call them; empty if they aren't read from anywhere.
    pub source: &'a str,
    /// What the pipeline is to be called.
    pub name: &'a str,
    /// The column to predict.
    pub target: &'a str,
    /// The columns that tell rows apart.
    pub id: &'a [String],
}

/// Looks at the data, and proposes the text of a spec.
///
/// # Errors
/// Data that can't be read, a column that isn't there, a target that can't be learned.
pub fn propose(source: &Source, asked: &Asked<'_>, run: &Run<'_>) -> Result<String, PipelineError> {
    let find = |name: &str| {
        source.column_names().iter().find(|column| column.as_str() == name).cloned().ok_or_else(|| {
            PipelineError::input(format!("`{}` has no column `{name}`", asked.data))
                .help(did_you_mean(name, source.column_names().iter().map(ColumnName::as_str)))
                .help_else(|| format!("its columns are {}", names(source.column_names())))
        })
    };
    let target = find(asked.target)?;
    let mut id = asked.id.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    if id.contains(&target) {
        return Err(PipelineError::input(format!("`{target}` is the target: what is yet to be predicted is no id")));
    }
    if let Some(twice) = id.iter().enumerate().find_map(|(at, name)| id[..at].contains(name).then_some(name)) {
        return Err(PipelineError::input(format!("`{twice}` is named twice as an id")));
    }

    run.progress.stage("look at types", Some(source.bytes()));
    let told = |bytes: u64| run.progress.done(bytes, "");
    let mut missing = vec![String::new()];
    let mut inferred = source.infer(&missing, run.workers, &told)?;
    let tokens = tokens(&inferred.columns);
    if !tokens.is_empty() {
        missing.extend(tokens);
        inferred = source.infer(&missing, run.workers, &told)?;
    }
    let evidence = &inferred.columns[&target];
    let Some(kind) = target_kind(evidence) else {
        return Err(PipelineError::input(format!("the target `{target}` has no value in any row")));
    };
    if evidence.distinct() == Some(1) {
        let said = format!("the target `{target}` has the same value in all rows: there is nothing to learn");
        return Err(PipelineError::input(said));
    }
    if matches!(kind, Kind::Date | Kind::Time | Kind::Datetime(_)) {
        let said = format!("the target `{target}` is of type {}: predicted are numbers and classes", kind.word());
        let help = "let the data say how long it takes, say in days: a number".to_owned();
        return Err(PipelineError::input(said).help(help));
    }
    refuse_no_ids(source, &inferred.columns, &id, &missing, run)?;
    let mut like_ids = like_ids(source, &inferred.columns, &target, &missing, run)?;
    if id.is_empty() {
        // One that is called so is rather meant than one that only counts through.
        let whole = || like_ids.iter().filter(|name| inferred.columns[*name].nulls == 0);
        id.extend(whole().find(|name| like_id::is_called_so(name.as_str())).or_else(|| whole().next()).cloned());
    }
    like_ids.retain(|name| !id.contains(name));
    let is_input = |(name, evidence): (&ColumnName, &Evidence)| {
        let is_read = evidence.mostly().is_some() || !matches!(evidence.kind(), None | Some(Kind::Text));
        is_read && *name != target && !id.contains(name) && !like_ids.contains(name)
    };
    if !inferred.columns.iter().any(is_input) {
        return Err(PipelineError::input("no column is left to learn from").help(
            "besides the target there are ids, texts that no step reads, and columns without values".to_owned(),
        ));
    }
    let classes = classes(source, evidence, &target, &missing, run)?;
    if classes.len() == 1 {
        let said = format!(
            "the target `{target}` is `{}` wherever it is of type {}: there is nothing to learn",
            classes[0],
            kind.word()
        );
        return Err(PipelineError::input(said));
    }
    if evidence.formatted().is_some() && classes.is_empty() {
        let said =
            format!("the target `{target}` has numbers with a comma, a currency or a percent sign, which are text");
        return Err(PipelineError::input(said).help("write them as `1234.5`".to_owned()));
    }
    let name: String = asked
        .name
        .trim_start_matches('.')
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' })
        .collect();
    Ok(spec_of(&Seen {
        source: asked.source,
        name: Some(name.trim_matches('-')).filter(|name| !name.is_empty()).unwrap_or("pipeline"),
        columns: &inferred.columns,
        rows: inferred.rows,
        target: &target,
        id: &id,
        like_ids: &like_ids,
        missing: &missing,
        classes: &classes,
    }))
}

/// What stands for a missing value in columns that would be numbers or dates without it, and
/// the usual words for "not available" anywhere.
fn tokens(columns: &BTreeMap<ColumnName, Evidence>) -> Vec<String> {
    const ALWAYS: [&str; 10] = ["NA", "N/A", "#N/A", "<NA>", "NULL", "null", "NaN", "nan", "n/a", "?"];
    let mut tokens: Vec<String> = Vec::new();
    for evidence in columns.values() {
        let odd = |token: &String| {
            evidence.mostly().is_some_and(|mostly| mostly.examples.iter().any(|(text, _)| text == token))
        };
        for token in evidence.likely_missing().keys() {
            if (ALWAYS.contains(&token.as_str()) || odd(token)) && !tokens.contains(token) {
                tokens.push(token.clone());
            }
        }
    }
    tokens.sort();
    tokens
}

/// Columns that a person calls an id are never missing, and tell all rows apart.
fn refuse_no_ids(
    source: &Source,
    columns: &BTreeMap<ColumnName, Evidence>,
    id: &[ColumnName],
    missing: &[String],
    run: &Run<'_>,
) -> Result<(), PipelineError> {
    if id.is_empty() {
        return Ok(());
    }
    if let Some(name) = id.iter().find(|name| columns[*name].nulls > 0) {
        return Err(PipelineError::input(format!(
            "`{name}` is no id: it is missing in {}",
            counted(columns[name].nulls as usize, "row")
        )));
    }
    let kinds = id.iter().filter_map(|name| Some((name.clone(), columns[name].kind()?))).collect();
    let mut batches = read(source, &kinds, missing, run)?;
    let identity = Identity::by_id(id.iter().cloned());
    for batch in &mut batches {
        let keys = identity.keys(batch);
        batch.keys = Arc::new(keys.map_err(|_| PipelineError::input("an id has values that are no numbers"))?);
    }
    let duplicates = identity::duplicates(&batches, run.workers);
    let Some(first) = duplicates.first() else { return Ok(()) };
    let at = first.rows[0];
    let cells = id.iter().map(|name| batches[at.batch as usize].column(name).text(at.row as usize).unwrap_or_default());
    let said = format!(
        "`{}` is no id: {} stand in several rows, the first of them `{}`",
        id.iter().map(ColumnName::as_str).collect::<Vec<_>>().join("`, `"),
        counted(duplicates.len(), "value"),
        cells.collect::<Vec<_>>().join(", ")
    );
    Err(PipelineError::input(said).help("name a column, or several, that tell every row apart; or none".to_owned()))
}

/// Columns that tell rows apart and say no more of them.
fn like_ids(
    source: &Source,
    columns: &BTreeMap<ColumnName, Evidence>,
    target: &ColumnName,
    missing: &[String],
    run: &Run<'_>,
) -> Result<Vec<ColumnName>, PipelineError> {
    let may_be_one = |(name, evidence): (&ColumnName, &Evidence)| {
        let kind = evidence.kind().filter(|kind| name != target && like_id::can_be(*kind))?;
        let unique = evidence.distinct().is_none_or(|distinct| distinct as u64 == evidence.values());
        (unique && (kind == Kind::Integer || like_id::is_called_so(name.as_str()))).then(|| (name.clone(), kind))
    };
    let candidates: BTreeMap<ColumnName, Kind> = columns.iter().filter_map(may_be_one).collect();
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let batches = read(source, &candidates, missing, run)?;
    Ok(candidates.into_keys().filter(|name| like_id::is_like(name, &batches, run.workers)).collect())
}

/// The target's values in canonical order, if they are few.
fn classes(
    source: &Source,
    evidence: &Evidence,
    target: &ColumnName,
    missing: &[String],
    run: &Run<'_>,
) -> Result<Vec<String>, PipelineError> {
    const FEW: usize = 100;
    let (Some(kind), Some(..=FEW)) = (target_kind(evidence), evidence.distinct()) else { return Ok(Vec::new()) };
    let mut values = std::collections::BTreeSet::new();
    for batch in read(source, &[(target.clone(), kind)].into(), missing, run)? {
        let column = batch.column(target);
        values.extend((0..batch.rows()).filter_map(|row| column.text(row)));
    }
    Ok(values.into_iter().collect())
}

fn read(
    source: &Source,
    columns: &BTreeMap<ColumnName, Kind>,
    missing: &[String],
    run: &Run<'_>,
) -> Result<Vec<Batch>, PipelineError> {
    // The cells that don't fit are told of in the spec that is proposed.
    let rule = |kind| Rule { invalid: Invalid::Null, ..Rule::new(kind) };
    let rules = columns.iter().map(|(name, kind)| (name.clone(), rule(*kind)));
    let reading = Reading { missing: missing.to_vec(), columns: rules.collect(), ..Reading::default() };
    Ok(source.read(&reading, run.workers, &|_| ())?.batches)
}

fn names(columns: &[ColumnName]) -> String {
    let shown: Vec<&str> = columns.iter().take(20).map(ColumnName::as_str).collect();
    let rest = columns.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{}, and {rest} more", shown.join(", ")) }
}
