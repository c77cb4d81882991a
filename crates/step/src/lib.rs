//! Feature engineering: one file a step, and the catalogue that lists them.
//!
//! A step never sees a file, a clock or a thread. To add one, write its file and
//! name it in the catalogue below.

mod columns;
mod error;
mod site;
#[macro_use]
mod catalogue;
mod fitted;
pub mod kit;
#[cfg(test)]
mod laws;
mod peer_names;
pub mod sample;
#[cfg(test)]
mod testing;

pub use catalogue::{AnyStep, Entry};
pub use columns::Columns;
pub use error::{ParseError, StepError};
pub use fitted::{AnyFitted, written};
pub use kit::{EachColumn, EachNumber, Place};
pub use site::Site;

pub(crate) use columns::find;

use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Batch, ColumnName, Schema};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One kind of feature engineering: written in a spec, fitted in rounds, applied to any batch.
pub trait Step: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What `use = "…"` calls it.
    const NAME: &'static str;
    /// Rises when the same rows and spec would give other bits: `diff` then names the code of the step as what changed.
    const VERSION: u32 = 1;
    /// What is already known when the data is seen once more.
    type Round: Send + Sync;
    /// What a pass over rows gathers.
    type Partial: Partial;
    /// What is learned, and recorded in the artifact.
    type Params: Serialize + DeserializeOwned + Send + Sync;

    /// The columns that it reads, by name, in canonical order.
    ///
    /// # Errors
    /// A column that is not there or has a type that the step can't take.
    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError>;

    /// Opens the first round.
    ///
    /// # Errors
    /// What can be known to be wrong before any row is seen.
    fn start(&self, site: &Site) -> Result<Self::Round, StepError>;

    /// Adds some training rows to what was seen in this round.
    fn observe(&self, site: &Site, round: &Self::Round, seen: &mut Self::Partial, batch: &Batch);

    /// Closes a round.
    ///
    /// # Errors
    /// What the rows do not allow to learn, such as the mean of no value.
    fn next(
        &self,
        site: &Site,
        round: Self::Round,
        seen: Self::Partial,
    ) -> Result<Next<Self::Round, Self::Params>, StepError>;

    /// Transforms a batch: the same cells for one row as for a million. An empty
    /// batch shows which columns come out.
    ///
    /// # Errors
    /// A cell that the spec says to refuse.
    fn apply(&self, site: &Site, params: &Self::Params, batch: Batch) -> Result<Batch, StepError>;

    /// Transforms the training rows themselves, where that differs: out of fold.
    ///
    /// # Errors
    /// As `apply`.
    fn apply_training(&self, site: &Site, params: &Self::Params, batch: Batch) -> Result<Batch, StepError> {
        self.apply(site, params, batch)
    }

    /// Whether `apply_training` gives training rows other cells than `apply` would.
    fn has_training_form(&self) -> bool {
        false
    }

    /// Checks what was read from a file, whoever wrote it, so that `apply` can rely on it.
    ///
    /// # Errors
    /// Parameters that no fit would give.
    fn validate(&self, site: &Site, params: &Self::Params) -> Result<(), StepError> {
        let _ = (site, params);
        Ok(())
    }

    /// Whether the step only chooses among columns and looks at no cell. Such steps at the
    /// head of a pipeline say which columns live systems need not send.
    fn only_chooses_columns(&self) -> bool {
        false
    }

    /// Whether the step draws when it is applied, so that requests must carry the id.
    fn draws_when_applied(&self) -> bool {
        false
    }

    /// Whether the step learns from the target of a row, too.
    fn learns_from_target(&self) -> bool {
        false
    }

    /// A spec of this step, for the docs and the tests that walk the catalogue.
    fn example() -> Self;
}

/// For a step that only looks at the row at hand: there is nothing to learn, and nothing to record.
macro_rules! learns_nothing {
    () => {
        type Round = ();
        type Partial = ();
        type Params = ();

        fn start(&self, _: &crate::Site) -> Result<(), crate::StepError> {
            Ok(())
        }

        fn observe(&self, _: &crate::Site, (): &(), (): &mut (), _: &evenstep_table::Batch) {}

        fn next(
            &self,
            _: &crate::Site,
            (): (),
            (): (),
        ) -> Result<evenstep_exact::reduce::Next<(), ()>, crate::StepError> {
            Ok(evenstep_exact::reduce::Next::Done(()))
        }
    };
}

catalogue! {
    /// Missing values
    missing_indicator::MissingIndicator,
    impute_mean::ImputeMean,
    impute_median::ImputeMedian,
    impute_most_frequent::ImputeMostFrequent,
    impute_constant::ImputeConstant,
    impute_random_sample::ImputeRandomSample,
    impute_end_of_tail::ImputeEndOfTail,
    /// Categories
    rare_labels::RareLabels,
    ordinal::Ordinal,
    one_hot::OneHot,
    count_encode::CountEncode,
    target_encode::TargetEncode,
    /// Numbers
    log::Log,
    log_plus_constant::LogPlusConstant,
    power::Power,
    box_cox::BoxCox,
    yeo_johnson::YeoJohnson,
    discretize_width::DiscretizeWidth,
    discretize_frequency::DiscretizeFrequency,
    cap_outliers::CapOutliers,
    standard_scale::StandardScale,
    min_max_scale::MinMaxScale,
    robust_scale::RobustScale,
    cyclical::Cyclical,
    expression::Expression,
    /// Dates and times
    datetime_parts::DatetimeParts,
    datetime_difference::DatetimeDifference,
    /// Columns
    select_columns::SelectColumns,
    drop_columns::DropColumns,
    drop_constant::DropConstant,
    drop_correlated::DropCorrelated,
}

/// Reads a step by the name that the catalogue gives it, and its parameters.
///
/// # Errors
/// A name that is not in the catalogue, with the one that may have been meant, or a parameter that doesn't fit.
pub fn parse(name: &str, written: serde_json::Value) -> Result<Box<dyn AnyStep>, ParseError> {
    let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) else {
        let names = || CATALOGUE.iter().map(|entry| entry.name);
        let help = peer_names::answer(name).or_else(|| evenstep_table::did_you_mean(name, names()));
        let help = help.or_else(|| alike(name));
        let help = help.unwrap_or_else(|| format!("there are {}", names().collect::<Vec<_>>().join(", ")));
        let message = format!("unknown step `{name}`");
        return Err(ParseError { path: vec!["use".to_owned()], message, help: Some(help) });
    };
    (entry.parse)(written)
}

/// Steps whose names share most words with this one, be they spelt the British way.
fn alike(name: &str) -> Option<String> {
    // These tell no step from others.
    const COMMON: [&str; 4] = ["by", "columns", "of", "to"];
    let words = |name: &str| -> Vec<String> {
        let name = name.replace("ise", "ize");
        name.split('_').filter(|word| !COMMON.contains(word)).map(str::to_owned).collect()
    };
    let asked = words(name);
    let count = |entry: &&Entry| words(entry.name).iter().filter(|word| asked.contains(word)).count();
    let most = CATALOGUE.iter().map(|entry| count(&entry)).max().filter(|most| *most > 0)?;
    let alike = CATALOGUE.iter().filter(|entry| count(entry) == most);
    let names: Vec<String> = alike.map(|entry| format!("`{}`", entry.name)).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    Some(format!("there {verb} {}", names.join(", ")))
}
