//! Curves and tables for a report: few enough points to draw, each of them exact.

use evenstep_table::Task;
use serde::Serialize;

use super::bins::bins;
use super::ranking::Tally;
use super::weights::ratio;
use super::{Scored, Undefined, undefined};

/// Points of a curve, at most: of more, so many at equal steps, the first and the last among them.
pub const POINTS: usize = 200;
/// Rows that are shown one by one, at most.
pub const CLOUD: usize = 2000;
/// Bins of a histogram, and cells a side of a grid.
const BINS: usize = 40;
/// Bins of predictions, with about as many rows each.
const BANDS: usize = 20;

/// Probabilities of about the same size, beside how often they came true.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct CalibrationBin {
    /// The mean probability.
    pub predicted: f64,
    /// How often it came true.
    pub observed: f64,
    /// The sum of weights.
    pub weight: f64,
}

/// How predictions of a regression miss.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Residuals {
    /// Predicted against actual.
    pub cloud: Cloud,
    /// Rows by actual less predicted.
    pub histogram: Vec<Bin>,
    /// Actual less predicted over the range of predictions, ascending.
    pub bands: Vec<Band>,
}

/// Predicted against actual values.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub enum Cloud {
    /// (predicted, actual) of each row, in ascending order.
    Points(Vec<(f64, f64)>),
    /// Rows in equal cells, for more rows than points can show.
    Grid {
        /// The bounds of the predicted values.
        predicted: (f64, f64),
        /// The bounds of the actual values.
        actual: (f64, f64),
        /// `counts[i][j]`: the i-th cell of the predicted values, the j-th of the actual ones.
        counts: Vec<Vec<u64>>,
    },
}

/// How many rows lie between two bounds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Bin {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// How many rows.
    pub count: u64,
}

/// Rows with about the same prediction, and quartiles of actual less predicted among them.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Band {
    /// The smallest prediction.
    pub low: f64,
    /// The largest prediction.
    pub high: f64,
    /// How many rows.
    pub count: u64,
    /// The lower quartile, the median and the upper quartile of actual less predicted.
    pub quartiles: [f64; 3],
}

/// The ROC curve of a class against the others; of two classes always the positive one's: (false positive rate, true
/// positive rate), from (0, 0) to (1, 1).
///
/// # Errors
/// Rows of which it can't be drawn: of one class only, or without prediction.
pub fn roc(scored: &Scored, class: usize) -> Result<Vec<(f64, f64)>, Undefined> {
    let (tallies, total) = tallies(scored, class)?;
    let point = |tally: Tally| (ratio(tally.negative, total.negative), ratio(tally.positive, total.positive));
    Ok(thin(&tallies).map(point).collect())
}

/// The precision-recall curve of a class against the others; of two classes always the positive one's: (recall, precision), recall
/// ascending, from (0, 1).
///
/// # Errors
/// As for `roc`.
pub fn precision_recall(scored: &Scored, class: usize) -> Result<Vec<(f64, f64)>, Undefined> {
    let (tallies, total) = tallies(scored, class)?;
    let point = |tally: Tally| match tally.positive + tally.negative {
        0 => (0.0, 1.0),
        above => (ratio(tally.positive, total.positive), ratio(tally.positive, above)),
    };
    Ok(thin(&tallies).map(point).collect())
}

/// The ten bins of `ece` that are not empty, ascending.
///
/// # Errors
/// A regression, or rows without prediction.
pub fn calibration(scored: &Scored) -> Result<Vec<CalibrationBin>, Undefined> {
    of_classes(scored)?;
    let bin = |bin: super::bins::Bin| {
        Some(CalibrationBin {
            predicted: bin.predicted.divided_by(&bin.weight)?,
            observed: bin.observed.divided_by(&bin.weight)?,
            weight: bin.weight.value(),
        })
    };
    Ok(bins(scored).into_iter().filter_map(bin).collect())
}

/// How many rows of which class were taken for which: `confusion[actual][predicted]`.
///
/// # Errors
/// As for `calibration`.
pub fn confusion(scored: &Scored) -> Result<Vec<Vec<u64>>, Undefined> {
    of_classes(scored)?;
    let side = scored.task().classes().len();
    let mut counts = vec![vec![0; side]; side];
    for row in 0..scored.rows() {
        counts[scored.class(row)][scored.predicted_class(row)] += 1;
    }
    Ok(counts)
}

/// How predictions of a regression miss. Rows count alike, whatever they weigh.
///
/// # Errors
/// Classes, or rows without prediction.
pub fn residuals(scored: &Scored) -> Result<Residuals, Undefined> {
    scored.sound()?;
    if !scored.task().classes().is_empty() {
        return undefined("classes have no residuals");
    }
    let mut points: Vec<(f64, f64)> =
        (0..scored.rows()).map(|row| (scored.prediction(row)[0], scored.target(row))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let errors: Vec<f64> = points.iter().map(|(predicted, actual)| actual - predicted).collect();
    if errors.iter().any(|error| error.is_infinite()) {
        return undefined("an error is beyond the largest number");
    }
    let cut = Cut::of(&errors);
    let mut histogram: Vec<Bin> =
        (0..cut.bins()).map(|bin| Bin { low: cut.bound(bin), high: cut.bound(bin + 1), count: 0 }).collect();
    errors.iter().for_each(|error| histogram[cut.bin(*error)].count += 1);
    let bands = bands(&points, &errors);
    Ok(Residuals { cloud: cloud(points), histogram, bands })
}

fn cloud(points: Vec<(f64, f64)>) -> Cloud {
    if points.len() <= CLOUD {
        return Cloud::Points(points);
    }
    let (predicted, actual): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (x, y) = (Cut::of(&predicted), Cut::of(&actual));
    let mut counts = vec![vec![0; y.bins()]; x.bins()];
    points.iter().for_each(|point| counts[x.bin(point.0)][y.bin(point.1)] += 1);
    Cloud::Grid { predicted: (x.low, x.high), actual: (y.low, y.high), counts }
}

/// Runs of rows in the order of predictions; equal predictions stay together.
fn bands(points: &[(f64, f64)], errors: &[f64]) -> Vec<Band> {
    let (rows, mut bands, mut from) = (points.len(), Vec::new(), 0);
    for band in 1..=BANDS {
        let mut to = rows * band / BANDS;
        while to > 0 && to < rows && points[to].0 == points[to - 1].0 {
            to += 1;
        }
        if to <= from {
            continue;
        }
        let mut within = errors[from..to].to_vec();
        within.sort_by(f64::total_cmp);
        // Type 7: linear between neighbours at (n − 1)·p.
        let at = |quarters: usize| {
            let (index, rest) = ((within.len() - 1) * quarters / 4, (within.len() - 1) * quarters % 4);
            let above = within[(index + 1).min(within.len() - 1)];
            within[index] + (above - within[index]) * (rest as f64 / 4.0)
        };
        let count = (to - from) as u64;
        bands.push(Band { low: points[from].0, high: points[to - 1].0, count, quartiles: [at(1), at(2), at(3)] });
        from = to;
    }
    bands
}

/// Equal cells between the smallest and the largest of some numbers; one cell if they are equal.
struct Cut {
    low: f64,
    high: f64,
}

impl Cut {
    fn of(numbers: &[f64]) -> Cut {
        let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        Cut { low, high }
    }

    fn bins(&self) -> usize {
        if self.low < self.high { BINS } else { 1 }
    }

    /// The lower bound of a bin. Halves first, since the width may be beyond the largest number.
    fn bound(&self, bin: usize) -> f64 {
        let share = bin as f64 / self.bins() as f64;
        if share == 1.0 { self.high } else { self.low + 2.0 * ((self.high / 2.0 - self.low / 2.0) * share) }
    }

    /// The last bin whose lower bound is not above.
    fn bin(&self, x: f64) -> usize {
        let share = (x / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        let mut bin = (share * BINS as f64).clamp(0.0, self.bins() as f64 - 1.0) as usize;
        while bin + 1 < self.bins() && x >= self.bound(bin + 1) {
            bin += 1;
        }
        while bin > 0 && x < self.bound(bin) {
            bin -= 1;
        }
        bin
    }
}

fn of_classes(scored: &Scored) -> Result<(), Undefined> {
    if scored.task().classes().is_empty() {
        return undefined("a number has no classes");
    }
    scored.sound()
}

/// What lies above each distinct score, from nothing to all, and all.
fn tallies(scored: &Scored, class: usize) -> Result<(Vec<Tally>, Tally), Undefined> {
    of_classes(scored)?;
    let (column, class) = if let Task::Binary { .. } = scored.task() { (0, 1) } else { (class, class) };
    let mut above = Tally::default();
    let mut tallies = vec![above];
    for (_, tally) in scored.ranking(column).runs(scored.weights()) {
        above.add(tally);
        tallies.push(above);
    }
    match (above.positive, above.negative) {
        (0, _) => undefined(format!("no row is `{}`", scored.task().classes()[class])),
        (_, 0) => undefined(format!("every row is `{}`", scored.task().classes()[class])),
        _ => Ok((tallies, above)),
    }
}

/// At most [`POINTS`] of them.
fn thin(tallies: &[Tally]) -> impl Iterator<Item = Tally> {
    let points = tallies.len().min(POINTS);
    (0..points).map(move |point| tallies[point * (tallies.len() - 1) / (points - 1).max(1)])
}
