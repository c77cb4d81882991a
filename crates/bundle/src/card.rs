//! The model card: what a person should know before relying on the model.

use std::fmt::Write;

use evenstep_exact::number::print_number;
use evenstep_pipeline::Artifact;

/// The card, as Markdown.
pub(crate) fn of(artifact: &Artifact) -> String {
    let evaluation = &artifact.evaluation;
    let mut card = String::new();
    let mut line = |text: String| writeln!(card, "{text}").expect("a string takes what is written");
    line(format!("# {}\n", artifact.name));
    line(format!("Version {} · {}\n", artifact.version(), artifact.digest()));
    line(format!(
        "Predicts `{}`, by `{}` over {} features, from {} input columns.\n",
        artifact.data.target,
        artifact.model.name,
        artifact.features.len(),
        artifact.inputs.len()
    ));
    line(format!(
        "## Data\n\n{} rows were learned from, {} held out. Fingerprint `{}`.\n",
        evaluation.training_rows, evaluation.held_out_rows, artifact.fingerprint
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
        line(format!("- `{}` on {} columns", step.name, step.reads.len()));
    }
    card
}
