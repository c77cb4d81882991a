//! What a report shows: plain data, which whoever trained fills in.
//!
//! Every list may be empty and every option absent: what isn't there isn't drawn. Floats that
//! aren't finite are skipped. All texts may come from strangers; `html` escapes them. In sentences
//! (notes, warnings, summaries, reasons) what stands between backticks is set as a name.

/// The kind of prediction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Task {
    /// A number.
    #[default]
    Regression,
    /// One of two classes; the second of `Page::classes` is the positive one.
    Binary,
    /// One of several classes.
    Multiclass,
    /// The order of the rows of each group.
    Ranking,
}

/// Everything that the report of one training shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Page {
    /// The pipeline's name.
    pub name: String,
    /// The version: the first 12 digits of the digest, or what a registry numbered.
    pub version: String,
    /// The digest of what determines the answers, `sha256:…`.
    pub digest: String,
    /// The fingerprint of the data, `fp1:…`.
    pub fingerprint: String,
    /// What is predicted: a number, or a class.
    pub task: Task,
    /// The target column's name.
    pub target: String,
    /// The target's unit, if the contract names one: `dollars`.
    pub unit: Option<String>,
    /// The classes in their order; empty in a regression.
    pub classes: Vec<String>,
    /// How many rows were learned from.
    pub rows_training: u64,
    /// How many rows were held out, and measured on.
    pub rows_held_out: u64,
    /// The column that says how much each row weighs, in learning and in metrics.
    pub weight: Option<String>,
    /// The seed of every draw.
    pub seed: u64,
    /// The metrics on the held-out rows; the first one makes the headline.
    pub metrics: Vec<MetricLine>,
    /// The level of the metrics' intervals, such as 0.95; absent if it isn't known.
    pub interval_level: Option<f64>,
    /// What the baseline always answers, as words after "a baseline that": `always predicts the
    /// training mean`. Absent, the task's usual one is named.
    pub baseline: Option<String>,
    /// The metrics over the folds of cross-validation.
    pub folds: Vec<FoldLine>,
    /// The metrics on parts of the held-out rows, by the values of columns.
    pub slices: Vec<SliceLine>,
    /// The columns' profiles over the training rows, the target's aside. Those whose features matter
    /// most are drawn first; among equals, and in the table, this order stays.
    pub columns: Vec<ColumnProfile>,
    /// The target's profile over the training rows; for classes, `top` holds all of them.
    pub target_profile: Option<ColumnProfile>,
    /// How much each feature matters, in any order.
    pub importance: Vec<Importance>,
    /// What is measured of each feature besides, those first that matter most.
    pub measures: Vec<Measures>,
    /// The metric that `Measures::loss` is of.
    pub loss_metric: Option<String>,
    /// What `importance` measures, as a sentence or two: `share of the gain of all splits`.
    pub importance_note: Option<String>,
    /// The loss after each round of training, in the order of the rounds.
    pub curve: Vec<CurvePoint>,
    /// The name of the curve's loss: `rmse`, `log_loss`.
    pub curve_metric: Option<String>,
    /// The round that was kept.
    pub best_round: Option<u64>,
    /// (false positive rate, true positive rate) of a binary task, from (0, 0) to (1, 1).
    pub roc: Vec<(f64, f64)>,
    /// The same of classes of a multiclass task, each against the others, by its name.
    pub roc_by_class: Vec<(String, Vec<(f64, f64)>)>,
    /// (recall, precision) of a binary task, recall ascending.
    pub precision_recall: Vec<(f64, f64)>,
    /// Predicted probability against observed frequency, ascending; of several classes that of the one that is called.
    pub calibration: Vec<CalibrationBin>,
    /// How predictions of a regression miss.
    pub residuals: Option<Residuals>,
    /// How often which class was taken for which: `confusion[actual][predicted]`, in the order
    /// of `classes`, counted on the held-out rows.
    pub confusion: Vec<Vec<u64>>,
    /// The pipeline's steps, in their order.
    pub steps: Vec<StepBox>,
    /// The model that follows them.
    pub model: ModelBox,
    /// How many columns the source has, whatever their role; 0 if it isn't known.
    pub source_columns: u64,
    /// How many features reach the model; 0 if it isn't known.
    pub features: u64,
    /// Remarks for the reader, a sentence each.
    pub notes: Vec<String>,
    /// What a reader must know before trusting the model, a sentence each.
    pub warnings: Vec<String>,
}

/// One metric on the held-out rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MetricLine {
    /// Its name in the catalogue: `rmse`, `roc_auc`.
    pub name: String,
    /// The model's value; absent when undefined.
    pub value: Option<f64>,
    /// The interval around the value.
    pub interval: Option<(f64, f64)>,
    /// The baseline's value.
    pub baseline: Option<f64>,
    /// The interval of how much better than the baseline's the value is, on the same rows: below 0 it is worse.
    pub better_by: Option<(f64, f64)>,
    /// Which direction is better.
    pub higher_is_better: bool,
    /// Why there is no value: `only one class was held out`.
    pub undefined: Option<String>,
}

/// One metric over the folds of cross-validation.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FoldLine {
    /// Its name in the catalogue.
    pub name: String,
    /// The mean over the folds.
    pub mean: Option<f64>,
    /// The standard deviation between the folds.
    pub sd: Option<f64>,
    /// One value a fold, in their order; absent where undefined.
    pub values: Vec<Option<f64>>,
}

/// The metrics on the held-out rows that have one value of a column.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SliceLine {
    /// The column.
    pub column: String,
    /// The value; absent where it is missing.
    pub value: Option<String>,
    /// How many rows have it.
    pub rows: u64,
    /// Each metric on them.
    pub metrics: Vec<MetricLine>,
}

/// What a column holds.
///
/// Numbers are the table's own: days since 1970-01-01 for a date, microseconds since midnight
/// for a time, microseconds since 1970-01-01 for a datetime. `kind` decides how they are printed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// The contract's word: `number`, `integer`, `boolean`, `category`, `text`, `date`, `time`, `datetime`.
    pub kind: String,
    /// Its role if it has one: `target`, `id`, `weight`, `group`, `time`, `recorded`.
    pub role: Option<String>,
    /// Its unit, if the contract names one.
    pub unit: Option<String>,
    /// How many rows were looked at, null or not.
    pub rows: u64,
    /// How many of them are null, cells that became null because they were invalid included.
    pub nulls: u64,
    /// How many of the nulls were invalid cells.
    pub invalid: u64,
    /// How many distinct values there are.
    pub distinct: Option<u64>,
    /// The smallest value.
    pub min: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// (level, value), ascending: (0.5, the median).
    pub quantiles: Vec<(f64, f64)>,
    /// Counts of the values, ascending, without gaps; widths may differ.
    pub histogram: Vec<Bin>,
    /// The most frequent values with their counts, in descending order.
    pub top: Vec<(String, u64)>,
}

/// How many values lie between two bounds.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Bin {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// How many values.
    pub count: u64,
}

/// How much one feature matters.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Importance {
    /// The feature's name.
    pub feature: String,
    /// Its share of the whole, in [0, 1].
    pub share: f64,
}

/// Several measures of how much one feature matters; absent where nothing is known.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measures {
    /// The feature's name.
    pub feature: String,
    /// Its share of the whole, in [0, 1].
    pub share: f64,
    /// How many splits are on it.
    pub splits: Option<u64>,
    /// Its share of the rows that splits part, in [0, 1].
    pub cover: Option<f64>,
    /// What a metric loses when its cells are dealt out anew: the mean.
    pub loss: Option<f64>,
    /// The least and the most that it loses.
    pub loss_bounds: Option<(f64, f64)>,
}

/// The loss after one round of training.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CurvePoint {
    /// The round, from 1.
    pub round: u64,
    /// The loss on the rows that were learned from.
    pub training: f64,
    /// The loss on the rows that decided when to stop.
    pub watched: Option<f64>,
}

/// What became of the rows with about the same predicted probability.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CalibrationBin {
    /// Their mean predicted probability.
    pub predicted: f64,
    /// How often the event happened.
    pub observed: f64,
    /// How many rows, or their weight.
    pub weight: f64,
}

/// How predictions of a regression miss, on the held-out rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Residuals {
    /// Predicted against actual.
    pub cloud: Cloud,
    /// Actual less predicted.
    pub histogram: Vec<Bin>,
}

/// Predicted against actual values.
#[derive(Clone, PartialEq, Debug)]
pub enum Cloud {
    /// (predicted, actual); for some 2,000 rows or fewer, chosen by their keys.
    Points(Vec<(f64, f64)>),
    /// Counts in equal cells, for more rows than points can show.
    Grid {
        /// The bounds of the predicted values.
        predicted: (f64, f64),
        /// The bounds of the actual values.
        actual: (f64, f64),
        /// `counts[i][j]`: i-th cell of the predicted values, j-th of the actual ones, both ascending.
        counts: Vec<Vec<u64>>,
    },
}

impl Default for Cloud {
    fn default() -> Cloud {
        Cloud::Points(Vec::new())
    }
}

/// One step of the pipeline.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StepBox {
    /// Its name in the catalogue.
    pub step: String,
    /// What it does here, in a sentence: `fills 259 nulls in 11 columns`.
    pub summary: String,
    /// The columns that it reads.
    pub reads: Vec<String>,
    /// The columns that it adds.
    pub adds: Vec<String>,
    /// The columns that it drops.
    pub drops: Vec<String>,
    /// The columns that are of another type after it.
    pub retypes: Vec<String>,
    /// The distributions that it changed, before and after; a few that are worth a look.
    pub changes: Vec<Change>,
}

/// A column's distribution before and after a step, over the training rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Change {
    /// The column.
    pub column: String,
    /// Its values before the step.
    pub before: Vec<Bin>,
    /// Its values after the step.
    pub after: Vec<Bin>,
}

/// The model, or one member of an ensemble.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ModelBox {
    /// Its name in the catalogue; empty if there is no model.
    pub model: String,
    /// What it is here, in a sentence: `213 trees of at most 31 leaves`.
    pub summary: String,
    /// Its parameters, defaults included, as (name, value).
    pub parameters: Vec<(String, String)>,
    /// The models that it combines.
    pub members: Vec<ModelBox>,
}
