//! A predictor without a model: it reads rows by the contract as any other does, and makes its answers up, each a pure
//! function of the row's content.

use std::time::Duration;

use evenstep_exact::draw::{Draws, Seed};
use evenstep_model::{AnyModel, Contributions, Predictions, Stored};
use evenstep_table::identity::Identity;
use evenstep_table::rule::{Bound, Rule};
use evenstep_table::{Batch, ColumnName, Task};

use crate::artifact::version_of;
use crate::interface::Interface;
use crate::spec::Latency;
use crate::{PipelineError, Predictor};

/// What the digest of a mock begins with: nobody is to take its answers for those of a model.
pub const PREFIX: &str = "mock:";

/// What answers by the interface until a model does.
///
/// # Errors
/// An interface that names a column without a rule.
pub fn predictor(interface: &Interface) -> Result<Predictor, PipelineError> {
    let model = MadeUp {
        inputs: interface.inputs.clone(),
        task: interface.task.clone(),
        range: range(interface.target_rule()),
        draws: Draws::new(Seed(0), "mock"),
    };
    let digest = interface.digest();
    let mut predictor = Predictor::of_interface(interface, digest.replacen("sha256:", PREFIX, 1), Box::new(model))?;
    predictor.version = format!("mock-{}", version_of(&digest));
    Ok(predictor)
}

/// A model that knows only what answers look like.
struct MadeUp {
    inputs: Vec<ColumnName>,
    task: Task,
    range: (f64, f64),
    draws: Draws,
}

/// Where numbers are drawn from, if the contract doesn't say.
const USUAL: f64 = 100.0;

/// The contract's bounds of the target.
fn range(rule: &Rule) -> (f64, f64) {
    let number = |bound: &Option<Bound>| match bound {
        Some(Bound::Number(number)) => Some(*number),
        Some(Bound::Integer(integer)) => Some(*integer as f64),
        Some(Bound::Text(_)) | None => None,
    };
    match (number(&rule.min), number(&rule.max)) {
        (None, None) => (0.0, USUAL),
        (Some(min), None) => (min, min + USUAL),
        (None, Some(max)) => (max - USUAL, max),
        (Some(min), Some(max)) => (min, max),
    }
}

impl AnyModel for MadeUp {
    fn features(&self) -> &[ColumnName] {
        &self.inputs
    }

    fn predict(&self, batch: &Batch) -> Predictions {
        let keys =
            Identity::by_content(self.inputs.iter().cloned()).keys(batch).expect("content has a key, null or not");
        let width = match &self.task {
            Task::Multiclass { classes } => classes.len(),
            _ => 1,
        };
        let values = keys.iter().flat_map(|key| {
            let drawn = |n: usize| self.draws.uniform_at(&key.0, n as u32);
            let (low, high) = self.range;
            match &self.task {
                // Weighed, not added up: the difference of two bounds may be beyond any number.
                Task::Regression => vec![(low * (1.0 - drawn(0)) + high * drawn(0)).clamp(low, high)],
                Task::Ranking | Task::Binary { .. } => vec![drawn(0)],
                Task::Multiclass { classes } => {
                    let weights: Vec<f64> =
                        (0..classes.len()).map(|class| drawn(class) * drawn(class) + 1e-3).collect();
                    let all = weights.iter().fold(0.0, |all, weight| all + weight);
                    weights.iter().map(|weight| weight / all).collect()
                }
            }
        });
        Predictions { width, values: values.collect() }
    }

    fn explain(&self, _: &Batch) -> Option<Contributions> {
        None
    }

    fn store(&self) -> Stored {
        unreachable!("no bundle is made of a mock")
    }
}

/// How long a mock takes for an answer: drawn by what the request holds, around what the contract allows.
#[derive(Clone, Debug)]
pub struct Pace {
    draws: Draws,
    middle: f64,
    slow: f64,
}

impl Pace {
    /// Half of all answers take no longer than `p50`, or half of `p99`; 99 of a hundred no longer than `p99`, or twice
    /// `p50`; none longer than a tenth more. None if nothing is said.
    pub fn of(latency: &Latency) -> Option<Pace> {
        let seconds = |time: crate::spec::Time| time.duration().as_secs_f64();
        let (middle, slow) = match (latency.p50.map(seconds), latency.p99.map(seconds)) {
            (None, None) => return None,
            (Some(middle), None) => (middle, 2.0 * middle),
            (None, Some(slow)) => (slow / 2.0, slow),
            (Some(middle), Some(slow)) => (middle, slow),
        };
        Some(Pace { draws: Draws::new(Seed(0), "mock/latency"), middle, slow })
    }

    /// How long the answer to this request takes.
    pub fn time(&self, request: &[u8]) -> Duration {
        let key: [u8; 16] = blake3::hash(request).as_bytes()[..16].try_into().expect("a hash has 32 bytes");
        Duration::from_secs_f64(self.quantile(self.draws.uniform(&key)))
    }

    /// Straight up to the middle, then ever steeper.
    fn quantile(&self, u: f64) -> f64 {
        let (middle, slow) = (self.middle, self.slow);
        if u <= 0.5 {
            return middle * (0.5 + u);
        }
        if u <= 0.99 {
            let part = (u - 0.5) / 0.49;
            return middle + (slow - middle) * part * part * part;
        }
        slow * (1.0 + 10.0 * (u - 0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_take_what_the_contract_allows() {
        let latency: Latency = serde_json::from_str(r#"{"p50": "2 ms", "p99": "10 ms"}"#).expect("a budget");
        let pace = Pace::of(&latency).expect("it says something");
        let mut times: Vec<Duration> = (0..10_000_u32).map(|n| pace.time(&n.to_le_bytes())).collect();
        assert_eq!(pace.time(b"one"), pace.time(b"one"));
        times.sort_unstable();
        let is_near = |at: usize, ms: f64| (times[at].as_secs_f64() * 1e3 / ms - 1.0).abs() < 0.1;
        assert!(is_near(5000, 2.0) && is_near(9900, 10.0), "{:?} {:?}", times[5000], times[9900]);
        assert!(times[9999] <= Duration::from_micros(11_000) && times[0] >= Duration::from_micros(1000));
        assert!(Pace::of(&Latency::default()).is_none());
    }
}
