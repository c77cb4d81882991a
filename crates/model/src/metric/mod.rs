//! Metrics: how good predictions are. One file a metric, and the list of them.
//!
//! Every sum is exact and rounded once, so the order of rows changes no bit. What can't be said of some
//! rows (a ratio to 0, a class that isn't there) is [`Undefined`], with the reason, never a silent 0.
//! To add a metric, write its file and name it in the list below.

mod bins;
mod classes;
pub mod curves;
mod interval;
mod peer_names;
pub(crate) mod queries;
mod ranking;
mod scored;
mod spread;
mod weights;

pub use interval::{Compared, LEVEL, REPLICATES, compare, interval, intervals};
pub use scored::Scored;

use std::fmt;

use evenstep_table::{Task, did_you_mean};

use crate::{Aim, ParseError};
use weights::Weights;

/// Why a metric has no value on some rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undefined(pub String);

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undefined {}

fn undefined<T>(reason: impl Into<String>) -> Result<T, Undefined> {
    Err(Undefined(reason.into()))
}

/// A metric of some predictions, as a function of how much each row counts: all that
/// doesn't depend on weights is done, so that it can be asked again for each resample.
type Prepared<'a> = Box<dyn Fn(Weights<'_>) -> Result<f64, Undefined> + Send + Sync + 'a>;

type Prepare = for<'a> fn(&'a Scored) -> Result<Prepared<'a>, Undefined>;

/// A way of judging predictions.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Its name, without the number after the `@`.
    stem: &'static str,
    /// Which direction is better.
    pub higher_is_better: bool,
    tasks: Tasks,
    how: How,
    /// The page of its file: the module's own doc comment.
    pub source: &'static str,
}

/// How a metric is computed.
#[derive(Clone, Copy)]
enum How {
    Plainly(Prepare),
    /// By the number after the `@` of its name.
    At(Parameter, f64, for<'a> fn(&'a Scored, f64) -> Result<Prepared<'a>, Undefined>),
}

/// What the number after the `@` of a metric's name is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Parameter {
    /// How many rows of a group.
    Rows,
    /// A percentage of the rows.
    Percent,
    /// How many times as much recall counts as precision.
    Beta,
}

impl Parameter {
    fn holds(self, number: f64) -> bool {
        match self {
            Parameter::Rows => number >= 1.0 && number.fract() == 0.0,
            Parameter::Percent => number > 0.0 && number <= 100.0,
            Parameter::Beta => (0.001..=1000.0).contains(&number),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Parameter::Rows => "a whole number of rows, 1 or more",
            Parameter::Percent => "a percentage of the rows, above 0 and not above 100",
            Parameter::Beta => "how many times as much recall counts as precision, from 0.001 to 1000",
        }
    }
}

/// The tasks that a metric judges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tasks {
    Regression,
    /// Two classes.
    Binary,
    /// Three classes or more.
    Multiclass,
    /// Two classes, or more.
    Classes,
    /// Groups of rows in an order.
    Ranking,
}

impl Tasks {
    fn hold(self, task: &Task) -> bool {
        match task {
            Task::Regression => self == Tasks::Regression,
            Task::Binary { .. } => matches!(self, Tasks::Binary | Tasks::Classes),
            Task::Multiclass { .. } => matches!(self, Tasks::Multiclass | Tasks::Classes),
            Task::Ranking => self == Tasks::Ranking,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Tasks::Regression => "numbers",
            Tasks::Binary => "two classes",
            Tasks::Multiclass => "three classes or more",
            Tasks::Classes => "classes",
            Tasks::Ranking => "rankings",
        }
    }
}

impl Metric {
    const fn lower_is_better(stem: &'static str, tasks: Tasks, prepare: Prepare) -> Metric {
        Metric { stem, higher_is_better: false, tasks, how: How::Plainly(prepare), source: "" }
    }

    const fn higher_is_better(stem: &'static str, tasks: Tasks, prepare: Prepare) -> Metric {
        Metric { stem, higher_is_better: true, tasks, how: How::Plainly(prepare), source: "" }
    }

    /// One with a number in its name, for which any other of its kind may stand. Higher is better.
    const fn at(
        stem: &'static str,
        tasks: Tasks,
        (parameter, number): (Parameter, f64),
        prepare: for<'a> fn(&'a Scored, f64) -> Result<Prepared<'a>, Undefined>,
    ) -> Metric {
        Metric { stem, higher_is_better: true, tasks, how: How::At(parameter, number, prepare), source: "" }
    }

    const fn with_source(self, source: &'static str) -> Metric {
        Metric { source, ..self }
    }

    /// What `metrics = […]` calls it: `rmse`, or `ndcg@10` with its number.
    pub fn name(&self) -> String {
        match self.how {
            How::Plainly(_) => self.stem.to_owned(),
            How::At(_, number, _) => format!("{}@{number}", self.stem),
        }
    }

    /// What the metric judges, in words.
    pub fn judges(&self) -> &'static str {
        self.tasks.words()
    }

    /// Says whether the metric judges such a task.
    ///
    /// # Errors
    /// It judges others, with those that judge this one.
    pub fn suits(&self, task: &Task) -> Result<(), ParseError> {
        if self.tasks.hold(task) {
            return Ok(());
        }
        let target = match task {
            Task::Regression => "a number".to_owned(),
            Task::Ranking => "a relevance, by which groups are ranked".to_owned(),
            _ => format!("one of {} classes", task.classes().len()),
        };
        let message = format!("`{}` judges {}, and the target is {target}", self.name(), self.judges());
        let usual: Vec<String> = usual(task, Aim::Mean).iter().map(|metric| format!("`{}`", metric.name())).collect();
        let mut help = format!("usual here: {}", usual.join(", "));
        if self.tasks == Tasks::Ranking {
            help += "; a ranking has `task = \"ranking\"` under `[data]`, and `group`";
        }
        Err(ParseError { path: Vec::new(), message, help: Some(help) })
    }

    /// The metric of these predictions.
    ///
    /// # Errors
    /// Rows of which it can't be said: none, some without a prediction, or what its page tells.
    pub fn value(&self, scored: &Scored) -> Result<f64, Undefined> {
        self.prepared(scored)?(scored.weights())
    }

    fn prepared<'a>(&self, scored: &'a Scored) -> Result<Prepared<'a>, Undefined> {
        if let Err(error) = self.suits(scored.task()) {
            return undefined(error.message);
        }
        scored.sound()?;
        let prepared = match self.how {
            How::Plainly(prepare) => prepare(scored)?,
            How::At(_, number, prepare) => prepare(scored, number)?,
        };
        Ok(Box::new(move |weights| match prepared(weights)? {
            value if value.is_finite() => Ok(value),
            _ => undefined("it is beyond the largest number"),
        }))
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name())
    }
}

/// Declares the files of the metrics and lists them, in the order of the docs.
macro_rules! metrics {
    ($($module:ident,)+) => {
        $(mod $module;)+

        /// Every metric there is, in the order of the docs; those with a number in their names with one of many.
        pub static METRICS: &[Metric] =
            &[$($module::METRIC.with_source(include_str!(concat!(stringify!($module), ".rs")))),+];
    };
}

metrics! {
    mae,
    mse,
    rmse,
    max_error,
    median_absolute_error,
    r2,
    explained_variance,
    d2_pinball,
    mape,
    smape,
    wape,
    msle,
    rmsle,
    pinball,
    poisson_deviance,
    gamma_deviance,
    tweedie_deviance,
    accuracy,
    balanced_accuracy,
    precision,
    precision_macro,
    precision_micro,
    precision_weighted,
    recall,
    recall_macro,
    recall_micro,
    recall_weighted,
    f1,
    f1_macro,
    f1_micro,
    f1_weighted,
    f_beta,
    f_beta_macro,
    f_beta_micro,
    f_beta_weighted,
    jaccard,
    jaccard_macro,
    jaccard_micro,
    jaccard_weighted,
    matthews,
    cohen_kappa,
    roc_auc,
    roc_auc_ovr_weighted,
    roc_auc_ovo,
    roc_auc_ovo_weighted,
    average_precision,
    pr_auc,
    ks,
    gini,
    lift,
    log_loss,
    brier,
    top_k_accuracy,
    ece,
    mce,
    calibration_slope,
    ndcg,
    ndcg_at,
    map,
    map_at,
    mrr,
    precision_at,
}

/// The metric of that name.
///
/// # Errors
/// There is none, with what may have been meant.
pub fn find(name: &str) -> Result<Metric, ParseError> {
    let (stem, number) = name.split_once('@').map_or((name, None), |(stem, number)| (stem, Some(number)));
    let of_stem = || METRICS.iter().filter(|metric| metric.stem == stem);
    let found = of_stem().find_map(|metric| match (metric.how, number) {
        (How::Plainly(_), None) => Some(*metric),
        (How::At(parameter, _, prepare), Some(number)) => {
            let number = number.parse().ok().filter(|number| parameter.holds(*number))?;
            Some(Metric { how: How::At(parameter, number, prepare), ..*metric })
        }
        _ => None,
    });
    if let Some(found) = found {
        return Ok(found);
    }
    let names = || METRICS.iter().map(Metric::name);
    let help = of_stem().find_map(|metric| match metric.how {
        How::Plainly(_) => None,
        How::At(parameter, ..) => Some(format!("after `{stem}@` stands {}: `{}`", parameter.words(), metric.name())),
    });
    let help = help.or_else(|| of_stem().next().map(|metric| format!("`{}` has no number", metric.name())));
    let help = help.or_else(|| peer_names::ours(stem, number).map(|ours| format!("it is called `{ours}` here")));
    let help = help.or_else(|| {
        let names: Vec<String> = names().collect();
        did_you_mean(name, names.iter().map(String::as_str))
    });
    let help = help.unwrap_or_else(|| format!("there are {}", names().collect::<Vec<_>>().join(", ")));
    Err(ParseError { path: Vec::new(), message: format!("unknown metric `{name}`"), help: Some(help) })
}

/// The metrics to show when none is asked for; the first one counts most: what the model is to make least, if that is another
/// than the task's usual ones.
pub fn usual(task: &Task, aim: Aim) -> Vec<Metric> {
    let names: &[&str] = match task {
        Task::Regression => &["rmse", "mae", "r2"],
        Task::Ranking => &["ndcg@10", "ndcg", "map", "mrr"],
        Task::Binary { .. } => &["roc_auc", "average_precision", "log_loss", "brier", "accuracy"],
        Task::Multiclass { .. } => &["log_loss", "accuracy", "balanced_accuracy", "f1"],
    };
    let first = aim.metric().filter(|_| *task == Task::Regression);
    first.iter().chain(names).map(|name| find(name).expect("usual metrics are in the catalogue")).collect()
}

/// The weighted mean over rows of a function of target and prediction.
///
/// A row of which `term` is NaN leaves the metric undefined: so many rows have `reason`.
fn mean<'a>(scored: &'a Scored, reason: &str, term: impl Fn(f64, &[f64]) -> f64) -> Result<Prepared<'a>, Undefined> {
    let terms = scored.terms(reason, term)?;
    Ok(Box::new(move |weights| {
        let mean = weights.sum(&terms).divided_by(&weights.total(terms.len()));
        mean.map_or_else(|| undefined("no row has a weight"), Ok)
    }))
}

/// Twice a row's share of a deviance, which rounding alone brings below 0.
fn deviance(half: f64) -> f64 {
    if half < 0.0 { 0.0 } else { 2.0 * half }
}

/// The root of such a mean.
fn root_mean<'a>(
    scored: &'a Scored,
    reason: &str,
    term: impl Fn(f64, &[f64]) -> f64,
) -> Result<Prepared<'a>, Undefined> {
    let mean = mean(scored, reason, term)?;
    Ok(Box::new(move |weights| mean(weights).map(f64::sqrt)))
}
