//! A bundle that answers JSON by JSON.

use std::ffi::CString;
use std::path::Path;

use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{self, Refusal, Rows};
use serde_json::json;

/// A trained pipeline that answers, and what C is told of it.
pub(crate) struct Model {
    predictor: Predictor,
    pub(crate) name: CString,
    pub(crate) digest: CString,
    pub(crate) contract: CString,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Rows that can't be read, or break the contract: a problem in JSON.
    Refused(String),
    /// A bundle that can't be used, or an argument that none can be.
    Unusable(String),
    /// A bug of ours.
    Bug(String),
}

impl Model {
    pub(crate) fn read(path: &Path) -> Result<Model, Failure> {
        let bytes =
            evenstep_files::read_regular_that_begins(path, evenstep_bundle::BEGINNING, evenstep_bundle::BYTES_MAX)
                .map_err(|error| Failure::Unusable(format!("`{}` can't be read: {error}", path.display())))?;
        Model::open(&bytes)
    }

    pub(crate) fn open(bytes: &[u8]) -> Result<Model, Failure> {
        let opened = evenstep_bundle::open(bytes).map_err(|error| Failure::Unusable(error.to_string()))?;
        let predictor = opened.predictor().map_err(|error| Failure::Unusable(error.to_string()))?;
        let contract = serde_json::to_string(&predictor.contract).expect("a contract is plain data");
        let text = |text: &str| {
            CString::new(text).map_err(|_| Failure::Unusable("the pipeline's name has a zero byte".to_owned()))
        };
        Ok(Model {
            name: text(&predictor.name)?,
            digest: text(&predictor.digest)?,
            contract: text(&contract)?,
            predictor,
        })
    }

    /// The answer to rows in one of the formats that the header numbers, as the server gives it.
    pub(crate) fn predict(&self, format: i32, rows: &[u8]) -> Result<String, Failure> {
        let predictor = &self.predictor;
        let rows = match format {
            0 => Rows::of_contract(predictor, rows),
            1 => Rows::csv(predictor, rows),
            2 => Rows::arrow(rows),
            _ => return Err(Failure::Unusable(format!("there is no format {format}"))),
        };
        let rows = rows.map_err(refused)?;
        let answered = request::answer_rows(predictor, rows, None).map_err(refused)?;
        Ok(String::from_utf8(request::document(predictor, &answered.answers)).expect("JSON is UTF-8"))
    }
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Malformed(detail) | Refusal::TooLarge(detail) => {
            Failure::Refused(json!({ "detail": detail }).to_string())
        }
        Refusal::Contract { errors, count } => {
            let detail = "the rows break the contract";
            Failure::Refused(json!({ "detail": detail, "count": count, "errors": errors }).to_string())
        }
        Refusal::Bug(detail) => Failure::Bug(detail),
    }
}
