//! `POST /predict`: one row, or many, by the contract, in any of four formats.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{Answer, Rows, Table, document};
use evenstep_source::SourceError;
use evenstep_source::format::{Compression, Format as FileFormat};
use evenstep_source::write::Writer;
use evenstep_table::Column;

use crate::dialect::Dialect;
use crate::encoding::Encoding;
use crate::formats::Format;
use crate::models::Chosen;
use crate::problem::Problem;
use crate::work::{self, Asked, Said};
use crate::{Service, lines};

pub(crate) async fn predict(State(service): State<Arc<Service>>, chosen: Chosen, request: Request) -> Response {
    let Chosen(served) = chosen;
    let (head, body) = request.into_parts();
    let formats = Format::of_body(&head.headers, &Format::ALL).and_then(|from| {
        // Who sends line by line waits for answers line by line.
        let default = if from == Format::Lines { Format::Lines } else { Format::Json };
        let to = Format::of_answer(&head.headers, default)?;
        let is_compressed = || Encoding::said(&head.headers, &header::CONTENT_ENCODING);
        if (from, to) == (Format::Lines, Format::Lines)
            && let Some(encoding) = is_compressed()?
        {
            return Err(Problem::compressed_lines(encoding.name()));
        }
        Ok((from, to))
    });
    match formats {
        Err(problem) => {
            service.metrics.asked(Some(served.name()), problem.status());
            problem.into_response()
        }
        Ok((Format::Lines, Format::Lines)) => {
            let is_asked_first = head.headers.contains_key(header::EXPECT);
            lines::answer(service, served, body, is_asked_first).await
        }
        Ok((Format::Json, Format::Json)) => work::answer_json(Asked::new(service, served), &head.headers, body).await,
        Ok((from, to)) => {
            let work = move |asked: &Asked, bytes: &[u8]| answer(asked, bytes, from, to);
            work::answer(Asked::new(service, served), Dialect::Native, &head.headers, body, work).await
        }
    }
}

fn answer(asked: &Asked, bytes: &[u8], from: Format, to: Format) -> Result<Said, Problem> {
    let rows = match from {
        Format::Json => Rows::of_contract(&asked.served.predictor, bytes)?,
        Format::Csv => Rows::csv(&asked.served.predictor, bytes)?,
        Format::Arrow => Rows::arrow(bytes)?,
        Format::Parquet => Rows::parquet(bytes)?,
        Format::Lines => lines::all(&asked.served.predictor, bytes)?,
    };
    if to == Format::Json {
        return Ok(in_json(&asked.served.predictor, &asked.answers(rows)?));
    }
    let count = rows.len();
    let table = asked.table(rows)?;
    let bytes = written(&table, to).map_err(|error| Problem::bug(error.to_string()))?;
    Ok(Said::of(to.content_type(), bytes, count, table.flags.len()))
}

/// Rows in JSON, answered in JSON.
pub(crate) fn json(asked: &Asked, bytes: &[u8]) -> Result<Said, Problem> {
    answer(asked, bytes, Format::Json, Format::Json)
}

pub(crate) fn in_json(predictor: &Predictor, predictions: &[Answer<'_>]) -> Said {
    let flags = predictions.iter().map(|answer| answer.flags.len()).sum();
    Said::of(Format::Json.media_type(), document(predictor, predictions), predictions.len(), flags)
}

/// A table as `score` writes it.
pub(crate) fn written(table: &Table, to: Format) -> Result<Vec<u8>, SourceError> {
    let header = table.header.clone();
    let file = |format| Writer::new(format, Compression::None, Vec::new(), header.clone(), true);
    let mut writer = match to {
        Format::Csv => file(FileFormat::Csv)?,
        Format::Json | Format::Lines => file(FileFormat::JsonLines)?,
        Format::Arrow => Writer::arrow_stream(Vec::new(), header, true)?,
        Format::Parquet => file(FileFormat::Parquet)?,
    };
    let columns: Vec<&Column> = table.columns.iter().map(|column| &**column).collect();
    writer.write(&columns, &table.flags)?;
    writer.finish()
}
