//! Traces for OpenTelemetry: a span a request, with one each for what its answer is made of, sent to a collector if the
//! environment names one (`OTEL_EXPORTER_OTLP_ENDPOINT`). No span holds what callers send.
//!
//! Spans are made of what was measured once the answer is made, handed to a queue that takes them or doesn't, and sent by a
//! thread of their own: no collector, however slow, keeps a request waiting.

mod lost;
mod send;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use prometheus_client::metrics::counter::Counter;

use crate::log::{Answered, Finished, Log};
use crate::traceparent::Parent;
use crate::wanted::is_wanted;
use lost::{Entrance, Exit, Way};
use send::Collector;

/// At the end of the server, so long may the last spans take to be sent.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// Whoever collects traces.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    way: Arc<Way>,
}

impl Telemetry {
    /// None, unless the environment says where traces go.
    ///
    /// # Errors
    /// What the environment says can't be read.
    pub(crate) fn of_environment(log: &Arc<Log>) -> Result<Option<Telemetry>, String> {
        if !is_wanted() {
            return Ok(None);
        }
        let client = Collector::new(Arc::clone(log))?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client).with_protocol(Protocol::HttpBinary);
        let exporter = exporter.build().map_err(|error| error.to_string())?;
        let way = Arc::new(Way::new(Arc::clone(log)));
        let queue = BatchSpanProcessor::builder(Exit { way: Arc::clone(&way), exporter }).build();
        let entrance = Entrance { way: Arc::clone(&way), queue };
        let provider = SdkTracerProvider::builder().with_span_processor(entrance).with_resource(resource()).build();
        let tracer = provider.tracer("evenstep");
        Ok(Some(Telemetry { provider, tracer, way }))
    }

    /// How many spans were lost.
    pub(crate) fn lost(&self) -> Counter {
        self.way.lost.clone()
    }

    /// Hands over the spans of a request that was answered; gives its trace.
    pub(crate) fn tell(&self, request: &Finished<'_>) -> String {
        #[expect(clippy::disallowed_methods, reason = "a span has a time; it enters no digest")]
        let now = (Instant::now(), SystemTime::now());
        let at = |instant: Instant| now.1 - now.0.saturating_duration_since(instant);
        let parent =
            request.parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(of(parent)));
        let name = format!("{} {}", request.method, request.route);
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_start_time(at(request.began));
        let mut span = builder.with_attributes(attributes(request)).start_with_context(&self.tracer, &parent);
        if request.status.is_some_and(|status| status.is_server_error()) {
            span.set_status(Status::error(""));
        }
        let trace = span.span_context().trace_id().to_string();
        if span.is_recording()
            && let Some(parts) = request.answered.and_then(|answered| answered.parts.as_ref())
        {
            let within = Context::new().with_remote_span_context(span.span_context().clone());
            for (name, began, ended) in parts.of_request(request.began) {
                let part = self.tracer.span_builder(name).with_start_time(at(began));
                let mut part = part.start_with_context(&self.tracer, &within);
                part.end_with_timestamp(at(ended));
            }
        }
        span.end_with_timestamp(now.1);
        trace
    }

    /// Sends what is left, for a while.
    pub(crate) fn flush(&self) {
        let ended = self.provider.shutdown_with_timeout(FLUSH_TIME);
        self.way.end(ended.err().map(|error| error.to_string()));
    }
}

/// What the environment says of this server, and what it leaves open.
fn resource() -> Resource {
    let begun = || Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let said = begun().build();
    let name = said.get(&Key::from_static_str("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return said;
    }
    begun().with_service_name("evenstep").build()
}

/// By the names of <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>, where there are any.
fn attributes(request: &Finished<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method),
        KeyValue::new("http.route", request.route.to_owned()),
    ];
    let status = request.status.map(|status| i64::from(status.as_u16()));
    attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
    if let Some(Answered { served, .. }) = request.answered {
        attributes.extend([
            KeyValue::new("evenstep.model", served.name().to_owned()),
            KeyValue::new("evenstep.version", served.version().to_owned()),
            KeyValue::new("evenstep.digest", served.predictor.digest.clone()),
            KeyValue::new("evenstep.rows", request.rows as i64),
        ]);
    }
    attributes
}

fn of(parent: Parent) -> SpanContext {
    SpanContext::new(
        TraceId::from(parent.trace),
        SpanId::from(parent.span),
        TraceFlags::new(parent.flags) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    )
}
