//! How long a client waits: nothing is begun for one that has left, and it is told so.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use tokio::time::timeout;

use crate::dialect::Dialect;
use crate::problem::Problem;

const GRPC: HeaderName = HeaderName::from_static("grpc-timeout");
const OURS: HeaderName = HeaderName::from_static("evenstep-timeout-ms");
/// What Envoy, and the meshes that are made of it, tell of their own deadline.
const ENVOY: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
const DIGITS_MAX: usize = 8;

/// The time that a client waits, and the header that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Deadline {
    time: Duration,
    said_by: HeaderName,
}

impl Deadline {
    /// The time that is left, if it is said. Of two, the shorter.
    pub(crate) fn of(dialect: Dialect, headers: &HeaderMap) -> Result<Option<Deadline>, Problem> {
        let said = |name: HeaderName, read: fn(&str) -> Option<Duration>, form: &str| {
            let wrong = || Problem::malformed(format!("`{name}` is no time: {form}"));
            let times = headers.get_all(&name).iter().map(|said| said.to_str().ok().and_then(read).ok_or_else(wrong));
            let shortest = times.collect::<Result<Vec<_>, _>>()?.into_iter().min();
            Ok(shortest.map(|time| Deadline { time, said_by: name.clone() }))
        };
        if dialect == Dialect::Grpc {
            return said(GRPC, of_call, "1 to 8 digits, and `H`, `M`, `S`, `m`, `u` or `n`");
        }
        let milliseconds = "milliseconds, in 1 to 8 digits";
        let [ours, envoy] = [OURS, ENVOY].map(|name| said(name, of_milliseconds, milliseconds));
        Ok([ours?, envoy?].into_iter().flatten().min_by_key(|deadline| deadline.time))
    }

    /// What comes of work by then. Work that was handed to another thread is ended there, and nobody is told.
    pub(crate) async fn keep<T>(
        deadline: Result<Option<Deadline>, Problem>,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        match deadline? {
            None => work.await,
            Some(Deadline { time: Duration::ZERO, said_by }) => Err(Problem::past_deadline(&said_by)),
            Some(Deadline { time, said_by }) => {
                timeout(time, work).await.unwrap_or_else(|_| Err(Problem::past_deadline(&said_by)))
            }
        }
    }
}

/// A time as gRPC writes it (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
fn of_call(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = number(digits)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

fn of_milliseconds(text: &str) -> Option<Duration> {
    number(text).map(Duration::from_millis)
}

fn number(digits: &str) -> Option<u64> {
    let is_number = (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_time_of_a_call_has_a_unit() {
        let check = |text: &str, expected: Option<Duration>| assert_eq!(of_call(text), expected, "{text}");
        check("1H", Some(Duration::from_secs(3600)));
        check("2M", Some(Duration::from_secs(120)));
        check("3S", Some(Duration::from_secs(3)));
        check("4m", Some(Duration::from_millis(4)));
        check("5u", Some(Duration::from_micros(5)));
        check("0n", Some(Duration::ZERO));
        check("99999999H", Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in ["", "S", "5", "-1S", "+1S", "1.5S", "123456789m", "5 S", "5s", "1ö"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_request_has_the_shorter_time_of_two() {
        let of = |said: &[(HeaderName, &'static str)]| {
            let header = |(name, value): &(HeaderName, &'static str)| (name.clone(), HeaderValue::from_static(value));
            let deadline = Deadline::of(Dialect::Native, &said.iter().map(header).collect());
            deadline.map(|deadline| deadline.map(|deadline| (deadline.time.as_millis(), deadline.said_by)))
        };
        assert_eq!(of(&[]).ok(), Some(None));
        assert_eq!(of(&[(GRPC, "1m")]).ok(), Some(None), "it is no call");
        assert_eq!(of(&[(OURS, "50")]).ok(), Some(Some((50, OURS))));
        assert_eq!(of(&[(OURS, "50"), (ENVOY, "15000")]).ok(), Some(Some((50, OURS))));
        assert_eq!(of(&[(OURS, "50"), (ENVOY, "20")]).ok(), Some(Some((20, ENVOY))));
        assert_eq!(of(&[(OURS, "50"), (OURS, "40")]).ok(), Some(Some((40, OURS))));
        assert!(of(&[(OURS, "50"), (OURS, "soon")]).is_err());
        for wrong in ["", "-1", "1.5", "5s", "123456789", "soon"] {
            assert!(of(&[(OURS, wrong)]).is_err() && of(&[(OURS, "1"), (ENVOY, wrong)]).is_err(), "{wrong}");
        }
    }
}
