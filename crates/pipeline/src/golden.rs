//! Golden rows: made up from the contract and its edges, never from people's data. Wherever the
//! artifact is loaded they are scored again, and a host that gives other bits refuses to serve.

use evenstep_exact::budget::Budget;
use evenstep_exact::canonical::CanonicalText;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_table::check::SeenColumns;
use evenstep_table::profile::Profile;
use evenstep_table::{Clock, ColumnName, Kind, Rule, Strings, some_of};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::artifact::Artifact;
use crate::error::ErrorKind;
use crate::{PipelineError, Predictor, request};

/// So many numbers of a row are told.
const BITS_TOLD: usize = 4;
/// So many rows are made up.
const ROWS: u32 = 32;

/// A made-up row, and the bits of what it scores.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GoldenRow {
    /// The row, as a request would have it.
    pub row: CanonicalText,
    /// A list: the bits of each number of its prediction, in hex.
    pub bits: CanonicalText,
}

/// Makes up rows and scores them.
///
/// # Errors
/// What no row could be scored for.
pub(crate) fn make(predictor: &Predictor, artifact: &Artifact) -> Result<Vec<GoldenRow>, PipelineError> {
    let draws = Draws::new(Seed(artifact.seed), "golden");
    let rows = (0..ROWS).map(|n| {
        let fields = predictor.contract.columns.iter().filter(|(name, _)| predictor.inputs.binary_search(name).is_ok());
        fields
            .filter_map(|(name, rule)| {
                let options = options(name, rule, &artifact.profile, &artifact.seen);
                let mut key = [0; 16];
                key[..4].copy_from_slice(&n.to_le_bytes());
                draws.within(name.as_str()).choose(&key, &options).map(|value| (name.to_string(), value.clone()))
            })
            .collect::<Map<String, Value>>()
    });
    let mut golden = Vec::new();
    for row in rows {
        // A row that the contract refuses, for lack of an allowed value, or a step that takes no such value, proves nothing.
        match bits(predictor, &row) {
            Ok(Some(bits)) => {
                golden.push(GoldenRow { row: CanonicalText::of(&row), bits: CanonicalText::of(&bits) });
            }
            Ok(None) => {}
            Err(error) if error.kind == ErrorKind::Input => {}
            Err(error) => return Err(error),
        }
    }
    Ok(golden)
}

/// Scores the golden rows again, each read in no more memory than there is for it.
///
/// # Errors
/// Any bit that differs from what training saw.
pub(crate) fn replay(predictor: &Predictor, golden: &[GoldenRow], budget: &Budget) -> Result<(), PipelineError> {
    for (n, expected) in golden.iter().enumerate() {
        let broken = |error: serde_json::Error| PipelineError::input(format!("golden row {n}: {error}"));
        // One row is gone before the next one is read.
        let of_one = Budget::of(budget.left());
        let bits = bits(predictor, &of_one.read(expected.row.as_str().as_bytes()).map_err(broken)?)?;
        if bits.as_ref().map(CanonicalText::of).as_ref() != Some(&expected.bits) {
            let told = |bits: &[String]| some_of(bits.iter().map(String::as_str), BITS_TOLD, " ");
            let found = bits.map_or("a refusal".to_owned(), |bits| told(&bits));
            let scored: Vec<String> = of_one.read(expected.bits.as_str().as_bytes()).map_err(broken)?;
            return Err(PipelineError::no(format!(
                "golden row {n} scores {found} here, and scored {} in training",
                told(&scored)
            ))
            .help("this host doesn't give research's answers, so nothing is served".to_owned()));
        }
    }
    Ok(())
}

/// The bits of a row's prediction; None if the contract refuses the row.
fn bits(predictor: &Predictor, row: &Map<String, Value>) -> Result<Option<Vec<String>>, PipelineError> {
    let Some(predictions) = request::predict_row(predictor, row)? else { return Ok(None) };
    Ok(Some(predictions.row(0).iter().map(|x| format!("{:016x}", x.to_bits())).collect()))
}

/// Values that are worth trying: ordinary ones, extremes, null, and what training never saw.
fn options(name: &ColumnName, rule: &Rule, profile: &Profile, seen: &SeenColumns) -> Vec<Value> {
    let column = profile.columns.get(name).filter(|_| !rule.personal);
    let quantiles = || column.map(|column| column.quantiles.as_slice()).unwrap_or_default().iter().copied();
    let days = [0, 19_722, -1];
    let micros = [0_i64, 1_704_067_200_123_456, -1];
    let mut options: Vec<Value> = match rule.kind {
        Kind::Number => [0.0, 1.5, -3.25, 1e9, -1e9, 1e-9].into_iter().chain(quantiles()).map(|x| json!(x)).collect(),
        Kind::Integer => {
            // Beyond that, a row in canonical JSON would hold texts.
            const EXACT: f64 = (1_u64 << 53) as f64;
            let ordinary = quantiles().filter(|x| x.abs() <= EXACT).map(|x| x.round() as i64);
            [0, 1, -7, 1_000_000_007].into_iter().chain(ordinary).map(|n| json!(n)).collect()
        }
        Kind::Boolean => vec![json!(true), json!(false)],
        Kind::Category | Kind::Text => {
            let known = seen.get(name).filter(|_| !rule.personal).and_then(|seen| seen.categories.as_ref());
            let known = known.into_iter().flat_map(Strings::iter).take(20).map(|value| json!(value));
            known.chain([json!("never seen"), json!("naïve ✓")]).collect()
        }
        Kind::Date if rule.format.is_none() => {
            days.map(|day| json!(evenstep_table::calendar::print_date(day))).to_vec()
        }
        Kind::Time if rule.format.is_none() => {
            vec![json!("00:00:00"), json!("13:45:59.123456")]
        }
        Kind::Datetime(clock) if rule.format.is_none() => {
            let clock = if clock == Clock::Instant { Clock::Instant } else { Clock::Civil };
            micros.map(|at| json!(evenstep_table::calendar::print_datetime(clock, at))).to_vec()
        }
        Kind::Date | Kind::Time | Kind::Datetime(_) => Vec::new(),
    };
    if let Some(values) = &rule.values {
        options.extend(values.iter().map(|value| json!(value)));
    }
    options.push(Value::Null);
    options
}
