//! How long a caller waits: `grpc-timeout`, by which its other calls may be timed, too.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use tokio::time::timeout;

use crate::problem::Problem;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const DIGITS_MAX: usize = 8;

/// The time that is left, if it is said: 1 to 8 digits and a unit
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
pub(super) fn of(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some(said) = headers.get(TIMEOUT) else { return Ok(None) };
    let time = said.to_str().ok().and_then(parse);
    let wrong = || Problem::malformed("`grpc-timeout` is no time: 1 to 8 digits, and `H`, `M`, `S`, `m`, `u` or `n`");
    time.map(Some).ok_or_else(wrong)
}

/// What comes of it by then.
pub(super) async fn within<T>(
    time: Result<Option<Duration>, Problem>,
    work: impl Future<Output = T>,
) -> Result<T, Problem> {
    match time? {
        None => Ok(work.await),
        Some(time) => timeout(time, work).await.map_err(|_| Problem::past_deadline()),
    }
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        let check = |text: &str, expected: Option<Duration>| assert_eq!(parse(text), expected, "{text}");
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
}
