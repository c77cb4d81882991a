//! `init`: looks at data and proposes a spec that trains as it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use evenstep_pipeline::init::{Seen, propose};
use evenstep_pipeline::{PipelineError, Run, like_id};
use evenstep_source::{Reading, Source};
use evenstep_table::infer::Evidence;
use evenstep_table::{Batch, ColumnName, Kind, Rule, did_you_mean};
use serde_json::json;

use super::{Answer, write_files};
use crate::cli::Init;
use crate::{Host, output};

pub(crate) fn init(args: &Init, host: &Host) -> Answer {
    if args.out.exists() && !args.force {
        let message = format!("`{}` is already there", args.out.display());
        return Err(
            PipelineError::input(message).help("`--force` writes over it, `--out FILE` writes elsewhere".to_owned())
        );
    }
    let text = host.run(0, |run| look(args, run))?;
    write_files(host, &[(&args.out, text.as_bytes())])?;
    if host.json {
        output::json(&json!({ "spec": args.out }));
    } else {
        output::line(&format!("wrote {}: read it, change it, then", args.out.display()));
        output::line(&format!("  evenstep check {0}\n  evenstep train {0}", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn look(args: &Init, run: &Run<'_>) -> Result<String, PipelineError> {
    let source = Source::open(&args.data, Path::new("."))?;
    let find = |name: &String| {
        source.column_names().iter().find(|column| column.as_str() == name).cloned().ok_or_else(|| {
            PipelineError::input(format!("`{}` has no column `{name}`", args.data))
                .help(did_you_mean(name, source.column_names().iter().map(ColumnName::as_str)))
                .help_else(|| format!("its columns are {}", names(source.column_names())))
        })
    };
    let target = find(&args.target)?;
    let mut id = args.id.iter().map(find).collect::<Result<Vec<_>, _>>()?;

    run.progress.stage("look at types", Some(source.bytes()));
    let told = |bytes: u64| run.progress.done(bytes, "");
    let mut missing = vec![String::new()];
    let mut inferred = source.infer(&missing, run.workers, &told)?;
    let tokens = tokens(&inferred.columns);
    if !tokens.is_empty() {
        missing.extend(tokens);
        inferred = source.infer(&missing, run.workers, &told)?;
    }
    let Some(kind) = inferred.columns[&target].kind() else {
        return Err(PipelineError::input(format!("the target `{target}` has no value in any row")));
    };
    if matches!(kind, Kind::Date | Kind::Time | Kind::Datetime(_)) {
        let said = format!("the target `{target}` is of type {}: predicted are numbers and classes", kind.word());
        let help = "let the data say how long it takes, say in days: a number".to_owned();
        return Err(PipelineError::input(said).help(help));
    }
    let mut like_ids = like_ids(&source, &inferred.columns, &target, &missing, run)?;
    if id.is_empty() {
        // One that is called so is rather meant than one that only counts through.
        let whole = || like_ids.iter().filter(|name| inferred.columns[*name].nulls == 0);
        id.extend(whole().find(|name| like_id::is_called_so(name.as_str())).or_else(|| whole().next()).cloned());
    }
    like_ids.retain(|name| !id.contains(name));
    let classes = classes(&source, &inferred.columns[&target], &target, &missing, run)?;
    let name = Path::new(&args.data).file_stem().and_then(|stem| stem.to_str()).unwrap_or("pipeline");
    let name: String =
        name.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect();
    let source = relative(&args.data, &args.out);
    Ok(propose(&Seen {
        source: &source,
        name: name.trim_matches('-'),
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
    let (Some(kind), Some(..=FEW)) = (evidence.kind(), evidence.distinct()) else { return Ok(Vec::new()) };
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
    let rules = columns.iter().map(|(name, kind)| (name.clone(), Rule::new(*kind)));
    let reading = Reading { missing: missing.to_vec(), columns: rules.collect(), ..Reading::default() };
    Ok(source.read(&reading, run.workers, &|_| ())?.batches)
}

/// The source as the spec is to name it: relative to the spec's folder where that is possible.
fn relative(data: &str, out: &Path) -> String {
    let folder = out.parent().filter(|folder| *folder != Path::new(""));
    let (Some(folder), false) = (folder, Path::new(data).is_absolute()) else { return data.to_owned() };
    if let Ok(inside) = Path::new(data).strip_prefix(folder) {
        return inside.display().to_string();
    }
    std::env::current_dir().map_or_else(|_| data.to_owned(), |here| here.join(data).display().to_string())
}

fn names(columns: &[ColumnName]) -> String {
    let shown: Vec<&str> = columns.iter().take(20).map(ColumnName::as_str).collect();
    let rest = columns.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{}, and {rest} more", shown.join(", ")) }
}
