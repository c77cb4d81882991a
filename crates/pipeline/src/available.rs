//! What live systems can deliver: no model learns from a column that they can't.

use evenstep_table::rule::Available;
use evenstep_table::{ColumnName, Contract, Schema};

use crate::PipelineError;
use crate::init::key;
use crate::prepare::names;
use crate::spec::Spec;

/// Refuses an input that the contract says nobody has when a prediction is made.
///
/// # Errors
/// It names the column, the steps that it would reach the model through, and what to do.
pub(crate) fn refuse_unavailable(spec: &Spec, contract: &Contract, inputs: &[ColumnName]) -> Result<(), PipelineError> {
    let Some(name) = inputs.iter().find(|name| contract.columns[*name].available == Available::No) else {
        return Ok(());
    };
    let schema = inputs.iter().map(|name| (name.clone(), contract.columns[name].kind)).collect();
    let (read, chosen): (Vec<Reader>, Vec<Reader>) =
        readers(spec, &schema, name).into_iter().partition(|reader| !reader.only_chooses);
    let told = |readers: &[Reader]| readers.iter().map(|reader| reader.told.as_str()).collect::<Vec<_>>().join(", ");
    let why = match (read.as_slice(), chosen.as_slice()) {
        ([], []) => "the model would learn from it as it is".to_owned(),
        ([], chosen) => {
            format!("{} leaves it out only after other steps, so that requests have to bring it", told(chosen))
        }
        (read, _) => format!("the model would learn from it, through {}", told(read)),
    };
    let what = format!("{}, and {why}", said_of(name));
    let help = format!(
        "drop it before any other step: use = \"drop_columns\", columns = [\"{name}\"]; or say where it comes from: \
         {} = {{ available = \"request\" }}",
        key(name)
    );
    Err(spec.text.point(
        PipelineError::input(what).help(help),
        &["contract", name.as_str(), "available"],
        "not available",
    ))
}

/// How the refusal of a column begins.
fn said_of(name: &ColumnName) -> String {
    format!("column `{name}` is not available when predicting")
}

/// Whether an error is the refusal of this column.
pub fn is_unavailable(name: &ColumnName, error: &PipelineError) -> bool {
    error.message.starts_with(&said_of(name))
}

/// A step that reads a column.
struct Reader {
    /// Its number and name.
    told: String,
    only_chooses: bool,
}

/// The steps that read the column itself.
fn readers(spec: &Spec, inputs: &Schema, column: &ColumnName) -> Vec<Reader> {
    let steps = spec.steps.iter().enumerate().skip(spec.choosing_steps());
    let reads = steps.filter(|(_, step)| {
        // A step that reads columns of earlier steps can't be asked before these are fitted.
        step.reads(inputs).map_or_else(|_| names(&step.spec(), column), |read| read.contains(column))
    });
    reads
        .map(|(index, step)| Reader {
            told: format!("step {} `{}`", index + 1, step.name()),
            only_chooses: step.only_chooses_columns(),
        })
        .collect()
}
