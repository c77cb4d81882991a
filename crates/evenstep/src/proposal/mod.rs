//! A spec that trains as it is, proposed by what the data look like.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use evenstep_pipeline::init::{self, Seen, Words};
use evenstep_pipeline::{ErrorKind, PipelineError, Run, like_id};
use evenstep_source::{Reading, Source};
use evenstep_table::identity::{self, Identity};
use evenstep_table::infer::Evidence;
use evenstep_table::rule::Invalid;
use evenstep_table::{Batch, ColumnName, Kind, Rule, did_you_mean, some_of};

use self::ids::{LikeIds, like_ids, refuse_no_ids};

mod far;
mod formats;
mod growing;
mod ids;
mod target;

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
    look_and_propose(source, asked, run).map_err(|error| named(error, asked.data))
}

/// The error with the name of the data, if it doesn't tell it.
fn named(mut error: PipelineError, data: &str) -> PipelineError {
    if error.kind != ErrorKind::Input || error.data().is_some() {
        return error;
    }
    if !error.message.contains(&format!("`{data}`")) {
        error.message = format!("{data}: {}", error.message);
    }
    error.of_file(Path::new(data))
}

fn look_and_propose(source: &Source, asked: &Asked<'_>, run: &Run<'_>) -> Result<String, PipelineError> {
    let unread = source.unsupported();
    let find = |name: &str| {
        if let Some((column, what)) = unread.iter().find(|(column, _)| column.as_str() == name) {
            return Err(PipelineError::input(format!("the values of `{column}` are {what}, expected single values")));
        }
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
    let mut words = words(source, &inferred.columns, &missing)?;
    let tokens = init::missing(&inferred.columns, &words, &target);
    if !tokens.is_empty() {
        missing.extend(tokens.into_iter().filter(|token| !token.is_empty()));
        inferred = source.infer(&missing, run.workers, &told)?;
        words.values_mut().for_each(|words| words.leave_out(&missing));
    }
    refuse_no_ids(source, &inferred.columns, &id, &missing, run)?;
    let index = source.index();
    let LikeIds { found: mut like_ids, nearly: nearly_ids, unique } =
        like_ids(source, &inferred.columns, &words, &target, &missing, run)?;
    if id.is_empty() {
        // One that is called so is rather meant than one that only counts through, and either than an index without a name.
        let whole = || like_ids.iter().filter(|name| inferred.columns[*name].nulls == 0);
        let is_index = |name: &ColumnName| index.contains(name) || like_id::is_unnamed(name.as_str());
        let called = |of_index| whole().find(|name| like_id::is_called_so(name.as_str()) && is_index(name) == of_index);
        let counting = || whole().find(|name| !is_index(name));
        id.extend(called(false).or_else(counting).or_else(|| called(true)).cloned());
    }
    like_ids.retain(|name| !id.contains(name) && !index.contains(name));
    let index: Vec<ColumnName> = index.into_iter().filter(|name| *name != target && !id.contains(name)).collect();
    inferred.columns.retain(|name, _| !index.contains(name));
    let others = || inferred.columns.iter().filter(|(name, _)| !id.contains(name) && !like_ids.contains(name));
    let declared = others().filter_map(|(name, evidence)| {
        Some((name.clone(), init::declare(name, evidence, words.get(name), *name == target)?))
    });
    let mut declared = declared.collect();
    init::settle_signs(others(), &words, &mut declared);
    init::settle_points(others(), &mut declared);
    let days = others().filter(|(name, evidence)| **name != target && init::may_be_days(name, evidence));
    let days = days.map(|(name, _)| name.clone()).collect();
    let too_fine = formats::hold(source, &inferred.columns, &mut declared, &days, &missing, run)?;
    let evidence = &inferred.columns[&target];
    let kind = declared.get(&target).map(|declared| declared.kind).or(evidence.kind());
    let classes = target::classes(source, &target, kind, evidence, &missing, run)?;
    target::refuse(&target, kind, evidence, words.get(&target), &classes)?;
    target::refuse_too_large(source, &target, kind, &classes, &missing, run)?;
    let name: String = asked
        .name
        .trim_start_matches('.')
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' })
        .collect();
    // What may have thousands may be far from others for want of them.
    let is_plain = |name: &ColumnName, evidence: &Evidence| {
        declared.get(name).is_none_or(|declared| declared.format.is_none()) && evidence.maybe_thousands() == 0
    };
    let numbers = others().filter_map(|(name, evidence)| {
        let kind = declared.get(name).map(|declared| declared.kind).or(evidence.kind())?;
        (kind.is_quantity() && is_plain(name, evidence)).then(|| (name.clone(), kind))
    });
    let far = far::far(source, numbers.collect(), &inferred, &missing)?;
    let mut seen = Seen {
        source: asked.source,
        name: Some(name.trim_matches('-')).filter(|name| !name.is_empty()).unwrap_or("pipeline"),
        columns: &inferred.columns,
        rows: inferred.rows,
        target: &target,
        id: &id,
        like_ids: &like_ids,
        nearly_ids: &nearly_ids,
        unique: &unique,
        index: &index,
        declared: &declared,
        too_fine: &too_fine,
        words: &words,
        unread: &unread,
        lacked: &source.lacked(),
        different: None,
        missing: &missing,
        far: &far,
        classes: &classes,
    };
    let inputs = seen.inputs();
    if inputs.is_empty() {
        let ids = id.iter().chain(&like_ids).map(|name| format!("`{name}` tells rows apart, as an id does"));
        let unread = unread.iter().map(|(name, what)| format!("the values of `{name}` are {what}"));
        let named = some_of(ids.chain(unread), 5, "; ");
        let others = "besides the target there are ids, texts that no step reads, times finer than a microsecond, or columns that say nothing";
        let help = if named.is_empty() { others.to_owned() } else { format!("{named}; {others}") };
        return Err(PipelineError::input("no column is left to learn from").help(help));
    }
    if id.is_empty() {
        let rule = |name: &ColumnName| Some((name.clone(), seen.rule(name)?.into()));
        let rules = inputs.iter().filter_map(rule).collect();
        seen.different = Some(different(read_by(source, rules, &missing, run)?, inputs, run));
    }
    Ok(growing::propose_best(&seen, source, run))
}

/// The texts of the columns of strings.
fn words(
    source: &Source,
    columns: &BTreeMap<ColumnName, Evidence>,
    missing: &[String],
) -> Result<BTreeMap<ColumnName, Words>, PipelineError> {
    let strings = columns.iter().filter(|(_, seen)| matches!(seen.kind(), Some(Kind::Category | Kind::Text)));
    let mut words: BTreeMap<ColumnName, Words> = strings.map(|(name, _)| (name.clone(), Words::default())).collect();
    if words.is_empty() {
        return Ok(words);
    }
    let columns = words.keys().map(|name| (name.clone(), Rule::new(Kind::Text).into())).collect();
    let reading = Reading { missing: missing.to_vec(), columns, ..Reading::default() };
    for chunk in source.stream(&reading)? {
        let batch = chunk?.batch;
        words.iter_mut().for_each(|(name, words)| words.see(batch.column(name).coded().expect("it was read as text")));
    }
    Ok(words)
}

/// How many different rows there are.
fn different(mut batches: Vec<Batch>, inputs: Vec<ColumnName>, run: &Run<'_>) -> u64 {
    let identity = Identity::by_content(inputs);
    for batch in &mut batches {
        batch.keys = Arc::new(identity.keys(batch).expect("content has a key"));
    }
    let rows: usize = batches.iter().map(Batch::rows).sum();
    let again = identity::duplicates(&batches, run.workers).into_iter().map(|duplicate| duplicate.rows.len() - 1);
    (rows - again.sum::<usize>()) as u64
}

fn read(
    source: &Source,
    columns: &BTreeMap<ColumnName, Kind>,
    missing: &[String],
    run: &Run<'_>,
) -> Result<Vec<Batch>, PipelineError> {
    // The cells that don't fit are told of in the spec that is proposed.
    let rule = |kind| Rule { invalid: Invalid::Null, ..Rule::new(kind) };
    let rules = columns.iter().map(|(name, kind)| (name.clone(), rule(*kind).into()));
    read_by(source, rules.collect(), missing, run)
}

fn read_by(
    source: &Source,
    columns: BTreeMap<ColumnName, Arc<Rule>>,
    missing: &[String],
    run: &Run<'_>,
) -> Result<Vec<Batch>, PipelineError> {
    let reading = Reading { missing: missing.to_vec(), columns, ..Reading::default() };
    Ok(source.read(&reading, run.workers, &|_| ())?.batches)
}

fn names(columns: &[ColumnName]) -> String {
    some_of(columns.iter().map(ColumnName::as_str), 20, ", ")
}
