//! Spans on their way to a collector: as many wait as there is room for. Others are lost, as are those that no collector takes;
//! both are counted, and told once in a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter as Export, SpanProcessor};
use prometheus_client::metrics::counter::Counter;
use serde_json::json;

use crate::limits::LOST_EVERY;
use crate::log::Log;
use crate::seldom::Seldom;

/// How many may wait; the queue behind has the same.
const WAITING_MAX: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
const WAITING_MAX_UNSAID: usize = 2048;

/// How many wait, how many are being sent, and how many are lost.
#[derive(Debug)]
pub(super) struct Way {
    waiting: AtomicUsize,
    sending: AtomicUsize,
    waiting_max: usize,
    pub(super) lost: Counter,
    untold: AtomicU64,
    seldom: Seldom,
    log: Arc<Log>,
}

impl Way {
    pub(super) fn new(log: Arc<Log>) -> Way {
        let waiting_max =
            std::env::var(WAITING_MAX).ok().and_then(|max| max.parse().ok()).unwrap_or(WAITING_MAX_UNSAID);
        let (waiting, sending, untold) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
        Way { waiting, sending, waiting_max, lost: Counter::default(), untold, seldom: Seldom::new(LOST_EVERY), log }
    }

    /// Whether there is room for one more.
    fn enter(&self) -> bool {
        let more = |waiting| (waiting < self.waiting_max).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn lose(&self, spans: usize) {
        self.lost.inc_by(spans as u64);
        self.untold.fetch_add(spans as u64, Ordering::Relaxed);
        if self.seldom.happens().is_some() {
            self.tell(None);
        }
    }

    /// Tells what was lost since it was told last.
    fn tell(&self, because: Option<String>) {
        let spans = self.untold.swap(0, Ordering::Relaxed);
        if spans > 0 || because.is_some() {
            let because = because.map(|because| ("because", json!(because)));
            let members: Vec<_> = std::iter::once(("spans", json!(spans))).chain(because).collect();
            self.log.event("traces_lost", &members);
        }
    }

    /// Tells the last of it; those that wait or are being sent are lost, too, if there is a reason that they weren't sent.
    pub(super) fn end(&self, because: Option<String>) {
        if because.is_some() {
            let left = self.waiting.load(Ordering::Relaxed) + self.sending.load(Ordering::Relaxed);
            self.untold.fetch_add(left as u64, Ordering::Relaxed);
        }
        self.tell(because);
    }
}

/// Hands spans on as long as there is room for them.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) way: Arc<Way>,
    pub(super) queue: BatchSpanProcessor,
}

impl SpanProcessor for Entrance {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.queue.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.way.enter() { self.queue.on_end(span) } else { self.way.lose(1) }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}

/// Sends spans, and counts those that aren't taken.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) way: Arc<Way>,
    pub(super) exporter: SpanExporter,
}

impl Export for Exit {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.way.sending.fetch_add(spans, Ordering::Relaxed);
        self.way.waiting.fetch_sub(spans, Ordering::Relaxed);
        let sent = self.exporter.export(batch).await;
        self.way.sending.fetch_sub(spans, Ordering::Relaxed);
        sent.inspect_err(|_| self.way.lose(spans))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
