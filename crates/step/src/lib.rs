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

pub use catalogue::{AnyStep, Entry};
pub use columns::Columns;
pub use error::{ParseError, StepError};
pub use fitted::AnyFitted;
pub use site::Site;

use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Batch, ColumnName, Schema};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One kind of feature engineering: written in a spec, fitted in rounds, applied to any batch.
pub trait Step: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What `use = "…"` calls it.
    const NAME: &'static str;
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
    fn next(&self, site: &Site, round: Self::Round, seen: Self::Partial)
    -> Result<Next<Self::Round, Self::Params>, StepError>;

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

    /// A spec of this step, for the docs and the tests that walk the catalogue.
    fn example() -> Self;
}

catalogue! {
    /// Missing values
    missing_indicator::MissingIndicator,
}
