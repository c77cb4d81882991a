//! The model card: what a person should know before relying on the model.

use std::fmt::Write;

use evenstep_exact::number::print_number;
use evenstep_pipeline::Artifact;
use evenstep_table::counted;

/// The card, as Markdown.
pub(crate) fn of(artifact: &Artifact) -> String {
    let evaluation = &artifact.evaluation;
    let mut card = String::new();
    let mut line = |text: String| writeln!(card, "{text}").expect("a string takes what is written");
    line(format!("# {}\n", artifact.name));
    line(format!("Version {} · {}\n", artifact.version(), artifact.digest()));
    line(format!(
        "Predicts `{}`, by `{}` over {}, from {}.\n",
        artifact.data.target,
        artifact.model.name,
        counted(artifact.features.len(), "feature"),
        counted(artifact.inputs.len(), "input column")
    ));
    line(format!(
        "## Data\n\nLearned from {}, {} held out. Fingerprint `{}`.\n",
        counted(evaluation.training_rows, "row"),
        evaluation.held_out_rows,
        artifact.fingerprint
    ));
    line("## How good it is, on rows that it has not seen\n".to_owned());
    line("| metric | value | 95% interval | baseline |\n|---|---|---|---|".to_owned());
    let number = |value: Option<f64>| value.map_or("–".to_owned(), print_number);
    for measured in &evaluation.metrics {
        let interval = measured
            .interval
            .map_or("–".to_owned(), |(low, high)| format!("{} to {}", print_number(low), print_number(high)));
        line(format!(
            "| {} | {} | {interval} | {} |",
            measured.metric,
            number(measured.value),
            number(measured.baseline)
        ));
    }
    line("\n## Steps\n".to_owned());
    for step in &artifact.steps {
        line(format!("- `{}` on {}", step.name, counted(step.reads.len(), "column")));
    }
    card
}
