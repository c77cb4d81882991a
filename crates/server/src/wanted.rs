//! Whether the environment asks for traces.

/// Where traces go; that of one signal goes before that of all.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// As <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> has it: what is empty isn't said.
pub(crate) fn is_wanted() -> bool {
    let said = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_disabled = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    !is_disabled && ENDPOINTS.iter().any(said)
}
