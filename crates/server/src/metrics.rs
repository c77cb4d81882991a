//! `GET /metrics`: what was asked and answered, for Prometheus.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::{Lost, NoNumbers};
use evenstep_table::ColumnName;
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::Service;
use crate::exposition::Exposition;
use crate::models;
use crate::parts::{Parts, STAGES};
use crate::problem::Problem;

/// Empty is the model of a request that was refused before its model was found.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByStatus {
    status: u16,
    model: String,
}

/// There are as many as there are models, whose names are the operator's and not the callers'.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByModel {
    model: String,
}

/// What answers, so that a change of anything else that is told can be laid at its door.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByArtifact {
    model: String,
    version: String,
    digest: String,
    /// Whether it answers where no version is named.
    default: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByStep {
    model: String,
    step: String,
    column: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByColumn {
    model: String,
    column: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByRule {
    model: String,
    rule: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByStage {
    stage: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<ByStatus, Counter>,
    rows: Family<ByModel, Counter>,
    flags: Family<ByModel, Counter>,
    no_numbers: Family<ByStep, Counter>,
    missing: Family<ByColumn, Counter>,
    rounded: Family<ByColumn, Counter>,
    ignored: Family<ByModel, Counter>,
    refused: Family<ByRule, Counter>,
    seconds: Histogram,
    stages: Vec<(&'static str, Histogram)>,
    connections: Gauge,
    connections_refused: Counter,
    answers_broken_off: Counter,
    budget_seconds: Family<ByModel, Gauge<f64, AtomicU64>>,
    over_budget: Family<ByModel, Counter>,
    certificate_expiry: Gauge,
    config_successful: Gauge,
}

/// What is counted of a model, at hand.
pub(crate) struct OfModel {
    pub(crate) rows: Counter,
    pub(crate) flags: Counter,
    over_budget: Option<OverBudget>,
    missing: BTreeMap<ColumnName, Missing>,
}

/// The missing cells of a column, counted from the first on.
struct Missing {
    of: ByColumn,
    all: Family<ByColumn, Counter>,
    counter: OnceLock<Counter>,
}

/// What the contract allows an answer, and how many took longer.
struct OverBudget {
    budget: Duration,
    requests: Counter,
}

/// A connection that is counted until it is dropped.
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Those of connections that are encrypted, if they are, of a file that says what to serve, if one is watched, and of spans
    /// that are lost, if there are any to send.
    pub(crate) fn new(is_encrypted: bool, is_watched: bool, spans_lost: Option<Counter>) -> Metrics {
        let mut registry = Registry::with_prefix("evenstep");
        let requests = Family::default();
        let rows = Family::default();
        let flags = Family::default();
        let no_numbers = Family::default();
        let (missing, refused) = (Family::default(), Family::default());
        let (rounded, ignored) = (Family::default(), Family::default());
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(1e-5, 2.0, 20));
        let seconds = histogram();
        registry.register(
            "requests",
            "Requests for predictions and requests refused before a route was asked, by HTTP status and model",
            requests.clone(),
        );
        registry.register("rows", "Rows predicted, by model", rows.clone());
        registry.register("flags", "Cells that were flagged by the contract, by model", flags.clone());
        registry.register(
            "no_numbers",
            "Results of steps that were no finite number, and so null, by model, step and column",
            no_numbers.clone(),
        );
        registry.register(
            "missing_cells",
            "Inputs that rows which were answered lack, or have as null, by model and column",
            missing.clone(),
        );
        registry.register(
            "rounded_cells",
            "Whole numbers of answered rows that no float is, so that the nearest was taken, by model and column",
            rounded.clone(),
        );
        registry.register(
            "ignored_cells",
            "Cells of answered rows that the contract doesn't know and its model ignores, by model",
            ignored.clone(),
        );
        registry.register(
            "refused_cells",
            "Cells for which requests were refused, by model and the rule that they break",
            refused.clone(),
        );
        registry.register("request_seconds", "Seconds to answer a request for predictions", seconds.clone());
        let stages = Family::<ByStage, Histogram, _>::new_with_constructor(histogram);
        registry.register("stage_seconds", "Seconds that an answer spends in each of its stages", stages.clone());
        let stages = STAGES.map(|stage| (stage, stages.get_or_create(&ByStage { stage }).clone())).to_vec();
        let connections = Gauge::default();
        let connections_refused = Counter::default();
        registry.register("connections", "Connections that are open", connections.clone());
        registry.register(
            "connections_refused",
            "Connections that were closed at once, for there were too many",
            connections_refused.clone(),
        );
        let answers_broken_off = Counter::default();
        registry.register(
            "answers_broken_off",
            "Answers that were broken off, for they were read slowly and others needed their room",
            answers_broken_off.clone(),
        );
        let budget_seconds = Family::default();
        registry.register(
            "budget_seconds",
            "Seconds within which 99 of a hundred requests are to be answered, by the contract of the model",
            budget_seconds.clone(),
        );
        let over_budget = Family::default();
        registry.register(
            "over_budget",
            "Requests for predictions that took longer than the contract allows, by model",
            over_budget.clone(),
        );
        let certificate_expiry = Gauge::default();
        if is_encrypted {
            registry.register(
                "certificate_expiry_seconds",
                "When the certificate that is shown ends, or one that vouches for it, in seconds since 1970",
                certificate_expiry.clone(),
            );
        }
        let config_successful = Gauge::default();
        config_successful.set(1);
        if is_watched {
            registry.register(
                "config_last_reload_successful",
                "Whether the file that says what to serve was taken when it was last read",
                config_successful.clone(),
            );
        }
        if let Some(spans_lost) = spans_lost {
            registry.register(
                "spans_lost",
                "Spans of requests that no collector has, for too many waited or it took none",
                spans_lost,
            );
        }
        Metrics {
            registry,
            requests,
            rows,
            flags,
            no_numbers,
            missing,
            rounded,
            ignored,
            refused,
            seconds,
            stages,
            connections,
            connections_refused,
            answers_broken_off,
            budget_seconds,
            over_budget,
            certificate_expiry,
            config_successful,
        }
    }

    pub(crate) fn certificate_ends(&self, at: Timestamp) {
        self.certificate_expiry.set(at.as_second());
    }

    pub(crate) fn config_read(&self, is_taken: bool) {
        self.config_successful.set(is_taken.into());
    }

    pub(crate) fn connection_opened(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    pub(crate) fn answer_broken_off(&self) {
        self.answers_broken_off.inc();
    }

    pub(crate) fn no_numbers(&self, model: &str, lost: &NoNumbers) {
        for Lost { step, name, column, cells } in lost.iter() {
            let site = ByStep { model: model.to_owned(), step: format!("{step} {name}"), column: column.to_string() };
            self.no_numbers.get_or_create(&site).inc_by(cells);
        }
    }

    /// Whole numbers of a column for which the nearest float was taken.
    pub(crate) fn rounded(&self, model: &str, column: &ColumnName, cells: u64) {
        let of = ByColumn { model: model.to_owned(), column: column.to_string() };
        self.rounded.get_or_create(&of).inc_by(cells);
    }

    /// Cells that nobody knows.
    pub(crate) fn ignored(&self, model: &str, cells: u64) {
        if cells > 0 {
            self.ignored.get_or_create(&ByModel { model: model.to_owned() }).inc_by(cells);
        }
    }

    /// Cells for which rows are refused; of a request with many, those that are told.
    pub(crate) fn refused(&self, model: &str, problem: &Problem) {
        for error in problem.errors() {
            let of = ByRule { model: model.to_owned(), rule: error.rule.word() };
            self.refused.get_or_create(&of).inc();
        }
    }

    /// How long the stages took of an answer to a request that came at `came`.
    pub(crate) fn parts(&self, parts: &Parts, came: Instant) {
        for (name, began, ended) in parts.of_request(came) {
            if let Some((_, seconds)) = self.stages.iter().find(|(stage, _)| *stage == name) {
                seconds.observe((ended - began).as_secs_f64());
            }
        }
    }

    /// What is counted of a model with these inputs; `budget` is how long 99 of a hundred of its answers may take, if its
    /// contract says so.
    pub(crate) fn of_model(&self, name: &str, inputs: &[ColumnName], budget: Option<Duration>) -> OfModel {
        let model = ByModel { model: name.to_owned() };
        let counter = |family: &Family<ByModel, Counter>| family.get_or_create(&model).clone();
        let over_budget = budget.map(|budget| {
            self.budget_seconds.get_or_create(&model).set(budget.as_secs_f64());
            OverBudget { budget, requests: counter(&self.over_budget) }
        });
        let missing = |column: &ColumnName| {
            let of = ByColumn { model: name.to_owned(), column: column.to_string() };
            (column.clone(), Missing { of, all: self.missing.clone(), counter: OnceLock::new() })
        };
        let missing = inputs.iter().map(missing).collect();
        OfModel { rows: counter(&self.rows), flags: counter(&self.flags), over_budget, missing }
    }

    /// A request that was worked on or refused; of a model, if that was found.
    pub(crate) fn asked(&self, model: Option<&str>, status: StatusCode) {
        let model = model.unwrap_or_default().to_owned();
        self.requests.get_or_create(&ByStatus { status: status.as_u16(), model }).inc();
    }

    /// The same of one that was worked on.
    pub(crate) fn answered(&self, model: Option<&str>, status: StatusCode, took: Duration) {
        self.asked(model, status);
        self.seconds.observe(took.as_secs_f64());
    }
}

impl OfModel {
    /// Counts cells that a column lacks.
    pub(crate) fn missing(&self, column: &ColumnName, cells: u64) {
        if let Some(Missing { of, all, counter }) = self.missing.get(column) {
            counter.get_or_init(|| all.get_or_create(of).clone()).inc_by(cells);
        }
    }

    /// Counts a request, if it took longer than it may.
    pub(crate) fn took(&self, took: Duration) {
        if let Some(OverBudget { budget, requests }) = &self.over_budget
            && took > *budget
        {
            requests.inc();
        }
    }
}

pub(crate) async fn metrics(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let mut text = String::new();
    let told = encode_registry(&mut text, &served(&service.models.now()));
    told.and_then(|()| encode_registry(&mut text, &service.metrics.registry))
        .and_then(|()| encode_eof(&mut text))
        .expect("a string takes what is written");
    let exposition = Exposition::of_answer(&headers);
    let kind = [(header::CONTENT_TYPE, exposition.media_type()), (header::VARY, "accept")];
    (kind, exposition.of(text)).into_response()
}

/// What is served at this moment.
fn served(state: &models::State) -> Registry {
    let mut registry = Registry::with_prefix("evenstep");
    let artifacts: Family<ByArtifact, Gauge> = Family::default();
    registry.register("model_info", "What is served: 1 for each version of each model", artifacts.clone());
    for (served, is_default) in state.all_with_default() {
        let of = ByArtifact {
            model: served.name().to_owned(),
            version: served.version().to_owned(),
            digest: served.predictor.digest.clone(),
            default: if is_default { "true" } else { "false" },
        };
        artifacts.get_or_create(&of).set(1);
    }
    registry
}
