//! `POST /invocations`: predictions in MLflow's shapes.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::{Rows, Table, cell};
use serde_json::{Map, Value, json};

use super::rows;
use crate::Service;
use crate::dialect::Dialect;
use crate::formats::Format;
use crate::models::Chosen;
use crate::problem::Problem;
use crate::work::{self, Asked, Said};

pub(super) async fn invocations(State(service): State<Arc<Service>>, chosen: Chosen, request: Request) -> Response {
    let Chosen(served) = chosen;
    let (head, body) = request.into_parts();
    match Format::of_body(&head.headers, &Format::INVOKED) {
        Ok(format) => {
            let work = move |asked: &Asked, bytes: &[u8]| answer(asked, bytes, format);
            work::answer(Asked::new(service, served), Dialect::Mlflow, &head.headers, body, work).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn answer(asked: &Asked, bytes: &[u8], format: Format) -> Result<Said, Problem> {
    let rows = match format {
        Format::Csv => Rows::csv(&asked.served.predictor, bytes)?,
        Format::Parquet => Rows::parquet(bytes)?,
        _ => rows::rows(bytes)?,
    };
    let count = rows.len();
    let table = asked.table(rows)?;
    let bytes = serde_json::to_vec(&json!({ "predictions": predictions(&table) })).expect("answers are plain data");
    Ok(Said::of("application/json", bytes, count, table.flags.len()))
}

/// Numbers as they are; classes as rows of a frame, with the probability of each.
fn predictions(table: &Table) -> Vec<Value> {
    let (header, columns) = (&table.header[table.ids..], &table.columns[table.ids..]);
    let rows = 0..columns[0].rows();
    if let [column] = columns {
        return rows.map(|row| cell(column, row)).collect();
    }
    let named =
        |row: usize| header.iter().zip(columns).map(move |((name, _), column)| (name.to_string(), cell(column, row)));
    rows.map(|row| Value::Object(named(row).collect::<Map<_, _>>())).collect()
}
