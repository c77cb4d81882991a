//! `contract`: what clients may send and are answered, in their languages; and whether they can go on with another one.

use std::path::Path;
use std::process::ExitCode;

use evenstep_pipeline::interface::{Comparison, compare, told, unlisted};
use evenstep_pipeline::{Interface, PipelineError};
use evenstep_server::clients;
use evenstep_table::rule::{Absent, Available, Missing};
use evenstep_table::{Rule, Task, counted};
use serde::Serialize;
use serde_json::{Value, json};

use super::apart::{apart, called_as};
use super::kept::{Read, read};
use super::{Answer, write_files};
use crate::cli::{Contract, ContractDiff, ContractFormat, ContractVerb};
use crate::{Host, output};

pub(crate) fn contract(args: &Contract, host: &Host) -> Answer {
    if let Some(ContractVerb::Diff(args)) = &args.verb {
        return diff(args, host);
    }
    let subject = args.subject.as_deref().expect("it is required without a verb");
    let by_name = args.output.as_deref().map(format_of);
    let format = args.format.or(by_name).or(host.json.then_some(ContractFormat::Json));
    if let Some(path) = &args.output {
        apart([subject], [path.as_path()])?;
        called_as(path, "a contract", ending(format.unwrap_or(ContractFormat::Json)))?;
    }
    let read = read(subject, &args.overrides, host)?;
    let Some(format) = format else {
        tell(&read.interface);
        return Ok(ExitCode::SUCCESS);
    };
    let text = written(&read, format)?;
    match &args.output {
        Some(path) => {
            write_files(&host.files, &[(path.as_path(), text.as_bytes())])?;
            if host.json {
                output::json(&json!({ "contract": output::path(path) }));
            }
        }
        None => output::raw(text),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the file is to hold, as its name says.
fn format_of(path: &Path) -> ContractFormat {
    let of = [ContractFormat::Python, ContractFormat::Typescript, ContractFormat::Proto];
    of.into_iter().find(|of| path.extension().is_some_and(|found| found == ending(*of))).unwrap_or(ContractFormat::Json)
}

/// How such a file is called.
fn ending(format: ContractFormat) -> &'static str {
    match format {
        ContractFormat::Json | ContractFormat::Openapi | ContractFormat::JsonSchema => "json",
        ContractFormat::Proto => "proto",
        ContractFormat::Python => "py",
        ContractFormat::Typescript => "ts",
    }
}

fn written(read: &Read, format: ContractFormat) -> Result<String, PipelineError> {
    let Read { interface, bundle } = read;
    let pretty = |value: Value| serde_json::to_string_pretty(&value).expect("JSON is plain data") + "\n";
    Ok(match format {
        ContractFormat::Json => interface.document(),
        ContractFormat::Openapi => {
            let bundle = bundle.as_ref().map(|(version, digest)| (version.as_str(), digest.as_str()));
            pretty(clients::openapi(interface, bundle)?)
        }
        ContractFormat::JsonSchema => pretty(clients::json_schema(interface)?),
        ContractFormat::Proto => clients::proto(interface),
        ContractFormat::Python => clients::python(interface),
        ContractFormat::Typescript => clients::typescript(interface),
    })
}

/// The contract, for people.
fn tell(interface: &Interface) {
    let answer = match &interface.task {
        Task::Regression => "a number".to_owned(),
        Task::Ranking => "a score to rank by".to_owned(),
        task => format!("one of {}", task.classes().join(", ")),
    };
    let unit = interface.target_rule().unit.as_ref().map_or(String::new(), |unit| format!(" in {unit}"));
    output::line(&format!("{} predicts `{}`: {answer}{unit}\n", interface.name, interface.target));
    let mut rows = vec![["field", "type", "absent", "missing", "from", "rule"].map(str::to_owned).to_vec()];
    for (name, rule) in interface.fields() {
        let absent = match rule.absent {
            _ if !interface.inputs.contains(name) && !interface.requires(name) => "echoed",
            Absent::Reject => "refused",
            Absent::Null => "null",
        };
        let missing = if rule.missing == Missing::Reject { "refused" } else { "allowed" };
        let from = if rule.available == Available::Store { "store" } else { "request" };
        rows.push(
            [&name.to_string(), rule.kind.word(), absent, missing, from, &bounds(rule)].map(str::to_owned).to_vec(),
        );
    }
    output::table(&rows);
    let serving = serde_json::to_value(&interface.serving).expect("a section is plain data");
    output::line(&format!("\n  serving   {serving}"));
    output::line(&format!("  contract  {}", interface.digest()));
}

/// What values a field takes, in words.
fn bounds(rule: &Rule) -> String {
    let values = rule.values.as_ref().map(|values| match values.len() {
        0..=6 => values.join(" | "),
        many => counted(many, "value"),
    });
    let min = rule.min.as_ref().map(|min| format!("min {}", told(min)));
    let max = rule.max.as_ref().map(|max| format!("max {}", told(max)));
    let values = values.or_else(|| unlisted(rule).map(str::to_owned));
    let words = [min, max, values, rule.unit.clone(), rule.format.clone()];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[derive(Serialize)]
struct Told<'a> {
    old: &'a Path,
    new: &'a Path,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Whether clients of one contract can go on with another.
fn diff(args: &ContractDiff, host: &Host) -> Answer {
    let (old, new) = (read(&args.old, &[], host)?.interface, read(&args.new, &[], host)?.interface);
    let comparison = compare(&old, &new);
    if host.json {
        output::json(&Told { old: &args.old, new: &args.new, comparison: &comparison });
    } else {
        for change in &comparison.changes {
            output::line(&format!("  {:10}  {}", change.verdict.word(), change.line()));
        }
        let gap = if comparison.changes.is_empty() { "" } else { "\n" };
        output::line(&format!("{gap}  {}", verdict(&comparison)));
    }
    Ok(ExitCode::from(u8::from(!comparison.compatible)))
}

fn verdict(comparison: &Comparison) -> &'static str {
    match (comparison.compatible, comparison.changes.is_empty()) {
        (true, true) => "the contracts are the same",
        (true, false) => "compatible: clients go on as they are",
        (false, _) => "breaking: some clients are refused, or can't read their answers",
    }
}
