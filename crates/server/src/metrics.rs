//! `GET /metrics`: what was asked and answered, for Prometheus.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::{Lost, NoNumbers};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::Service;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByStatus {
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ByStep {
    step: String,
    column: String,
}

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<ByStatus, Counter>,
    rows: Counter,
    flags: Counter,
    no_numbers: Family<ByStep, Counter>,
    seconds: Histogram,
    connections: Gauge,
    connections_refused: Counter,
    over_budget: Option<OverBudget>,
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
    /// Counters at zero; `budget` is how long 99 of a hundred answers may take, if the contract says so.
    pub(crate) fn new(budget: Option<Duration>) -> Metrics {
        let mut registry = Registry::with_prefix("evenstep");
        let requests = Family::default();
        let rows = Counter::default();
        let flags = Counter::default();
        let no_numbers = Family::default();
        let seconds = Histogram::new(exponential_buckets(1e-5, 2.0, 20));
        registry.register(
            "requests",
            "Requests for predictions and requests refused before a route was asked, by HTTP status",
            requests.clone(),
        );
        registry.register("rows", "Rows predicted", rows.clone());
        registry.register("flags", "Cells that were flagged by the contract", flags.clone());
        registry.register(
            "no_numbers",
            "Results of steps that were no finite number, and so null, by step and column",
            no_numbers.clone(),
        );
        registry.register("request_seconds", "Seconds to answer a request for predictions", seconds.clone());
        let connections = Gauge::default();
        let connections_refused = Counter::default();
        registry.register("connections", "Connections that are open", connections.clone());
        registry.register(
            "connections_refused",
            "Connections that were closed at once, for there were too many",
            connections_refused.clone(),
        );
        let over_budget = budget.map(|budget| {
            let allowed = Gauge::<f64, AtomicU64>::default();
            allowed.set(budget.as_secs_f64());
            let told = "Seconds within which 99 of a hundred requests are to be answered, by the contract";
            registry.register("budget_seconds", told, allowed);
            let requests = Counter::default();
            registry.register("over_budget", "Requests for predictions that took longer", requests.clone());
            OverBudget { budget, requests }
        });
        Metrics { registry, requests, rows, flags, no_numbers, seconds, connections, connections_refused, over_budget }
    }

    pub(crate) fn connection_opened(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A request that was answered before it reached its route.
    pub(crate) fn refused(&self, status: StatusCode) {
        self.requests.get_or_create(&ByStatus { status: status.as_u16() }).inc();
    }

    pub(crate) fn no_numbers(&self, lost: &NoNumbers) {
        for Lost { step, name, column, cells } in lost.iter() {
            let site = ByStep { step: format!("{step} {name}"), column: column.to_string() };
            self.no_numbers.get_or_create(&site).inc_by(cells);
        }
    }

    pub(crate) fn answered(&self, status: StatusCode, rows: usize, flags: usize, took: Duration) {
        self.requests.get_or_create(&ByStatus { status: status.as_u16() }).inc();
        self.rows.inc_by(rows as u64);
        self.flags.inc_by(flags as u64);
        self.seconds.observe(took.as_secs_f64());
        if let Some(OverBudget { budget, requests }) = &self.over_budget
            && took > *budget
        {
            requests.inc();
        }
    }
}

pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Response {
    let mut text = String::new();
    encode(&mut text, &service.metrics.registry).expect("a string takes what is written");
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
