//! `ModelInfer`: tensors in, tensors out, as bytes or in lists of their types.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_grpc::inference::infer_parameter::ParameterChoice;
use evenstep_grpc::inference::model_infer_request::InferInputTensor;
use evenstep_grpc::inference::model_infer_response::InferOutputTensor;
use evenstep_grpc::inference::{InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse};
use evenstep_grpc::{framed, message};
use evenstep_pipeline::request::{self, Refusal, Rows};
use evenstep_table::Column;
use serde_json::{Map, Value};

use super::super::output::{self, Asked, NULL_MASK, Wanted};
use super::super::tensor::{self, Head, Tensor};
use super::{contents, served};
use crate::problem::Problem;
use crate::status::GRPC;
use crate::work::{self, Said};

pub(super) fn answer(call: &work::Asked, body: &[u8]) -> Result<Said, Problem> {
    let asked: ModelInferRequest = message(body)?;
    // Which model is meant stands in the message.
    let served = served(&call.service, &asked.model_name, &asked.model_version)?;
    let said = answer_by(&call.with(Arc::clone(&served)), asked);
    match said {
        Ok(said) => Ok(Said { by: Some(served), ..said }),
        Err(problem) => Err(problem.by(served)),
    }
}

fn answer_by(call: &work::Asked, asked: ModelInferRequest) -> Result<Said, Problem> {
    let predictor = &call.served.predictor;
    // Who sends bytes can read them; who sends lists may be a person.
    let raw = !asked.raw_input_contents.is_empty();
    let outputs = asked.outputs.into_iter();
    let outputs = outputs.map(|output| Asked { name: output.name, parameters: parameters(output.parameters) });
    let header = request::answer_header(predictor);
    let outputs = output::wanted(outputs.collect(), &header, &parameters(asked.parameters))?;
    let rows = columns(asked.inputs, &asked.raw_input_contents)?;
    let count = rows.len();
    let table = call.table(rows)?;

    let columns = &table.columns[table.ids..];
    let told = ModelInferResponse {
        model_name: predictor.name.clone(),
        model_version: predictor.version.clone(),
        id: asked.id,
        parameters: BTreeMap::new(),
        outputs: outputs.iter().map(|output| told(output, columns, raw)).collect(),
        raw_output_contents: outputs.iter().filter(|_| raw).map(|it| output::bytes(it.column(columns))).collect(),
    };
    Ok(Said::of(GRPC, framed(&told), count, table.flags.len()))
}

/// The rows of a body that is a `ModelInferRequest` in its frame.
///
/// # Errors
/// A body that is none, or tensors that aren't columns.
pub(crate) fn rows(body: &[u8]) -> Result<Rows<'static>, Refusal> {
    let asked: ModelInferRequest = message(body).map_err(|error| malformed(error.to_string()))?;
    columns(asked.inputs, &asked.raw_input_contents)
}

/// The columns of a request's tensors; bytes, if it has any, are those of all of them, in their order.
fn columns(inputs: Vec<InferInputTensor>, raw: &[Vec<u8>]) -> Result<Rows<'static>, Refusal> {
    if !raw.is_empty() && raw.len() != inputs.len() {
        let (inputs, raw) = (inputs.len(), raw.len());
        return Err(malformed(format!("there are {inputs} inputs, and `raw_input_contents` has {raw}")));
    }
    let mut raw = raw.iter();
    let tensors = inputs.into_iter().map(|input| tensor(input, raw.next())).collect::<Result<_, _>>()?;
    Rows::columns(tensor::columns(tensors)?)
}

fn tensor(input: InferInputTensor, raw: Option<&Vec<u8>>) -> Result<Tensor, Refusal> {
    if input.name.is_empty() {
        return Err(malformed("an input has no `name`".to_owned()));
    }
    let shape = input.shape.iter().map(|length| usize::try_from(*length).ok()).collect();
    let head = Head::new(input.name, &input.datatype, shape, parameters(input.parameters))?;
    let contents = input.contents.unwrap_or_default();
    match raw {
        None => {
            let cells = contents::read(&head, contents);
            head.with(cells.map(|cells| (cells, None)))
        }
        Some(_) if contents != InferTensorContents::default() => {
            Err(head.wrong("it has `contents`, and there are `raw_input_contents` besides"))
        }
        Some(bytes) => head.of_bytes(bytes),
    }
}

/// A tensor of an answer, without its elements if they stand in bytes.
fn told(output: &Wanted, columns: &[Arc<Column>], raw: bool) -> InferOutputTensor {
    let column = output.column(columns);
    let text = |text| InferParameter { parameter_choice: Some(ParameterChoice::StringParam(text)) };
    InferOutputTensor {
        name: output.name.to_string(),
        datatype: output.datatype.name().to_owned(),
        shape: vec![column.rows() as i64],
        parameters: output::null_mask(column).map(|mask| (NULL_MASK.to_owned(), text(mask))).into_iter().collect(),
        contents: (!raw).then(|| contents::of(column)),
    }
}

/// Parameters, as JSON has them.
fn parameters(parameters: BTreeMap<String, InferParameter>) -> Map<String, Value> {
    let value = |parameter: InferParameter| match parameter.parameter_choice {
        None => Value::Null,
        Some(ParameterChoice::BoolParam(yes)) => yes.into(),
        Some(ParameterChoice::Int64Param(number)) => number.into(),
        Some(ParameterChoice::StringParam(text)) => text.into(),
        Some(ParameterChoice::DoubleParam(number)) => number.into(),
        Some(ParameterChoice::Uint64Param(number)) => number.into(),
    };
    parameters.into_iter().map(|(name, parameter)| (name, value(parameter))).collect()
}

fn malformed(what: String) -> Refusal {
    Refusal::Malformed(what)
}
