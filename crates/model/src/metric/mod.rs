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
    /// What `metrics = […]` calls it.
    pub name: &'static str,
    /// Which direction is better.
    pub higher_is_better: bool,
    tasks: Tasks,
    prepare: Prepare,
    /// The page of its file: the module's own doc comment.
    pub source: &'static str,
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
    const fn lower_is_better(name: &'static str, tasks: Tasks, prepare: Prepare) -> Metric {
        Metric { name, higher_is_better: false, tasks, prepare, source: "" }
    }

    const fn higher_is_better(name: &'static str, tasks: Tasks, prepare: Prepare) -> Metric {
        Metric { name, higher_is_better: true, tasks, prepare, source: "" }
    }

    const fn with_source(self, source: &'static str) -> Metric {
        Metric { source, ..self }
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
        let message = format!("`{}` judges {}, and the target is {target}", self.name, self.judges());
        let usual: Vec<String> = usual(task, Aim::Mean).iter().map(|metric| format!("`{}`", metric.name)).collect();
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
        let prepared = (self.prepare)(scored)?;
        Ok(Box::new(move |weights| match prepared(weights)? {
            value if value.is_finite() => Ok(value),
            _ => undefined("it is beyond the largest number"),
        }))
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)
    }
}

/// Declares the files of the metrics and lists them, in the order of the docs.
macro_rules! metrics {
    ($($module:ident,)+) => {
        $(mod $module;)+

        /// Every metric there is, in the order of the docs.
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
    recall,
    f1,
    jaccard,
    matthews,
    cohen_kappa,
    roc_auc,
    average_precision,
    pr_auc,
    ks,
    gini,
    log_loss,
    brier,
    top_k_accuracy,
    ece,
    mce,
    ndcg,
    ndcg_at_10,
    map,
    mrr,
}

/// The metric of that name.
///
/// # Errors
/// There is none, with what may have been meant.
pub fn find(name: &str) -> Result<&'static Metric, ParseError> {
    if let Some(metric) = METRICS.iter().find(|metric| metric.name == name) {
        return Ok(metric);
    }
    let names = || METRICS.iter().map(|metric| metric.name);
    let help = peer_names::ours(name).map(|ours| format!("it is called `{ours}` here"));
    let help = help.or_else(|| did_you_mean(name, names()));
    let help = help.unwrap_or_else(|| format!("there are {}", names().collect::<Vec<_>>().join(", ")));
    Err(ParseError { path: Vec::new(), message: format!("unknown metric `{name}`"), help: Some(help) })
}

/// The metrics to show when none is asked for; the first one counts most: what the model is to make least, if that is another
/// than the task's usual ones.
pub fn usual(task: &Task, aim: Aim) -> Vec<&'static Metric> {
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

/// The root of such a mean.
fn root_mean<'a>(
    scored: &'a Scored,
    reason: &str,
    term: impl Fn(f64, &[f64]) -> f64,
) -> Result<Prepared<'a>, Undefined> {
    let mean = mean(scored, reason, term)?;
    Ok(Box::new(move |weights| mean(weights).map(f64::sqrt)))
}
