//! The catalogue: one line a family.

use std::sync::Arc;

use evenstep_table::{Batch, ColumnName, Schema, Task};
use serde_json::Value;

use crate::{Aim, Contributions, Family, ModelError, ParseError, Predictions, Run, Stored, Trained, Training};

/// A family with its hyperparameters, as it stands in a spec, whatever its type.
pub trait AnyFamily: Send + Sync {
    /// What `use = "…"` calls it.
    fn name(&self) -> &'static str;
    /// See [`Family::VERSION`].
    fn version(&self) -> u32;
    /// The spec with every default written out.
    fn spec(&self) -> Value;
    /// See [`Family::aim`].
    fn aim(&self) -> Aim;
    /// See [`Family::check_hyperparameters`].
    fn check_hyperparameters(&self) -> Result<(), ModelError>;
    /// See [`Family::check`].
    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError>;
    /// See [`Family::fit`].
    fn fit(self: Arc<Self>, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Box<dyn AnyModel>>, ModelError>;
    /// See [`Family::restore`].
    fn restore(
        self: Arc<Self>,
        features: &Schema,
        task: &Task,
        stored: &Stored,
    ) -> Result<Box<dyn AnyModel>, ModelError>;
}

/// A fitted model, whatever its type.
pub trait AnyModel: Send + Sync {
    /// See [`Family::aim`].
    fn aim(&self) -> Aim {
        Aim::Mean
    }
    /// The features that it reads, in canonical order.
    fn features(&self) -> &[ColumnName];
    /// See [`Family::predict`].
    fn predict(&self, batch: &Batch) -> Predictions;
    /// See [`Family::explain`].
    fn explain(&self, batch: &Batch) -> Option<Contributions>;
    /// See [`Family::store`].
    fn store(&self) -> Stored;
}

struct Fitted<F: Family> {
    family: Arc<F>,
    features: Vec<ColumnName>,
    model: F::Model,
}

impl<F: Family> AnyModel for Fitted<F> {
    fn aim(&self) -> Aim {
        Family::aim(&*self.family)
    }

    fn features(&self) -> &[ColumnName] {
        &self.features
    }

    fn predict(&self, batch: &Batch) -> Predictions {
        self.family.predict(&self.model, &self.features, batch)
    }

    fn explain(&self, batch: &Batch) -> Option<Contributions> {
        self.family.explain(&self.model, &self.features, batch)
    }

    fn store(&self) -> Stored {
        self.family.store(&self.model)
    }
}

impl<F: Family> AnyFamily for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn version(&self) -> u32 {
        F::VERSION
    }

    fn spec(&self) -> Value {
        serde_json::to_value(self).expect("a spec is plain data")
    }

    fn aim(&self) -> Aim {
        Family::aim(self)
    }

    fn check_hyperparameters(&self) -> Result<(), ModelError> {
        Family::check_hyperparameters(self)
    }

    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        Family::check(self, task, features)
    }

    fn fit(self: Arc<Self>, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Box<dyn AnyModel>>, ModelError> {
        let Trained { model, importance, curve, notes } = Family::fit(&*self, data, run)?;
        let features = data.features.keys().cloned().collect();
        let model: Box<dyn AnyModel> = Box::new(Fitted { family: self, features, model });
        Ok(Trained { model, importance, curve, notes })
    }

    fn restore(
        self: Arc<Self>,
        features: &Schema,
        task: &Task,
        stored: &Stored,
    ) -> Result<Box<dyn AnyModel>, ModelError> {
        let model = Family::restore(&*self, features, task, stored)?;
        Ok(Box::new(Fitted { family: self, features: features.keys().cloned().collect(), model }))
    }
}

/// A line of the catalogue.
pub struct Entry {
    /// What `use = "…"` calls it.
    pub name: &'static str,
    /// See [`Family::VERSION`].
    pub version: u32,
    /// See [`Family::TAKES_NULL`].
    pub takes_null: bool,
    /// Reads its hyperparameters.
    pub parse: fn(Value) -> Result<Arc<dyn AnyFamily>, ParseError>,
    /// Its example.
    pub example: fn() -> Arc<dyn AnyFamily>,
    /// The JSON Schema of its hyperparameters.
    pub schema: fn() -> schemars::Schema,
    /// The page of its folder: the module's own doc comment.
    pub source: &'static str,
}

impl Entry {
    /// The line of family `F`.
    pub const fn of<F: Family>(source: &'static str) -> Entry {
        Entry {
            name: F::NAME,
            version: F::VERSION,
            takes_null: F::TAKES_NULL,
            parse: |written| Ok(Arc::new(ParseError::reading::<F>(F::NAME, written)?)),
            example: || Arc::new(F::example()),
            schema: || schemars::schema_for!(F),
            source,
        }
    }
}

/// Declares the folders of the families and lists them, in the order of the docs.
macro_rules! catalogue {
    ($($module:ident :: $family:ident,)+) => {
        $(mod $module; pub use $module::$family;)+

        /// Every family there is, in the order of the docs.
        pub static CATALOGUE: &[Entry] =
            &[$(Entry::of::<$family>(include_str!(concat!(stringify!($module), "/mod.rs")))),+];
    };
}
