//! The two texts that metrics are told in: Prometheus' own, which every reader takes, and OpenMetrics.

use axum::http::HeaderMap;

use crate::formats::welcome;

/// A text format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exposition {
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/>
    Classic,
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
    OpenMetrics,
}

impl Exposition {
    /// OpenMetrics, if `Accept` names it and likes nothing better: a reader that doesn't know it is told by stars.
    pub(crate) fn of_answer(headers: &HeaderMap) -> Exposition {
        let open = welcome(headers, "application/openmetrics-text", false);
        let classic = welcome(headers, "text/plain", true);
        if open > 0.0 && open >= classic { Exposition::OpenMetrics } else { Exposition::Classic }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Exposition::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The same metrics as OpenMetrics tells them.
    pub(crate) fn of(self, open_metrics: String) -> String {
        match self {
            Exposition::Classic => classic(&open_metrics),
            Exposition::OpenMetrics => open_metrics,
        }
    }
}

/// In OpenMetrics help and type are of a counter's family, `requests`; here of its samples, `requests_total`. There is no end.
fn classic(open_metrics: &str) -> String {
    let types_counter = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
    let mut text = String::with_capacity(open_metrics.len() + 256);
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let is_help = line.starts_with("# HELP ");
        let of_counter =
            if is_help { lines.peek().is_some_and(|next| types_counter(next)) } else { types_counter(line) };
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", "EOF"] => continue,
            ["#", keyword, name, rest] if of_counter => text.extend(["# ", keyword, " ", name, "_total ", rest]),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn open_metrics_is_told_to_those_who_ask_for_it() {
        let check = |accept: &str, expected: Exposition| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().expect("a value"))]);
            assert_eq!(Exposition::of_answer(&headers), expected, "{accept}");
        };
        // What Prometheus 2 and 3 say.
        check(
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Exposition::OpenMetrics,
        );
        check("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Exposition::Classic);
        check("text/plain, application/openmetrics-text;q=0.5", Exposition::Classic);
        check("application/openmetrics-text", Exposition::OpenMetrics);
        check("application/openmetrics-text;q=0", Exposition::Classic);
        check("*/*", Exposition::Classic);
        check("text/html", Exposition::Classic);
        assert_eq!(Exposition::of_answer(&HeaderMap::new()), Exposition::Classic);
    }

    #[test]
    fn a_counter_is_called_in_the_classic_text_what_its_samples_are() {
        let open = "# HELP a Some.\n# TYPE a counter\na_total{x=\"# TYPE b counter\"} 1\n# HELP c A counter\n# TYPE c gauge\nc 2\n# EOF\n";
        let expected = "# HELP a_total Some.\n# TYPE a_total counter\na_total{x=\"# TYPE b counter\"} 1\n# HELP c A counter\n# TYPE c gauge\nc 2\n";
        assert_eq!(Exposition::Classic.of(open.to_owned()), expected);
        assert_eq!(Exposition::OpenMetrics.of(open.to_owned()), open);
    }
}
