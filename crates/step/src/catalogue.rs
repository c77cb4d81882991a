//! The catalogue: one line a step gives its name, schema, suggestions, docs and law tests.

use evenstep_exact::budget::Budget;
use evenstep_exact::canonical::CanonicalText;
use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, ColumnName, Schema};
use serde_json::Value;

use crate::fitted::{AnyFitted, Fitted, fit};
use crate::{ParseError, Site, Step, StepError};

/// A step as it stands in a spec, whatever its type.
pub trait AnyStep: Send + Sync {
    /// What `use = "…"` calls it.
    fn name(&self) -> &'static str;
    /// The spec with every default written out.
    fn spec(&self) -> Value;
    /// See [`Step::reads`].
    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError>;
    /// See [`Step::only_chooses_columns`].
    fn only_chooses_columns(&self) -> bool;
    /// See [`Step::draws_when_applied`].
    fn draws_when_applied(&self) -> bool;
    /// See [`Step::learns_from_target`].
    fn learns_from_target(&self) -> bool;
    /// Learns from training rows, in as many passes as it takes.
    fn fit(self: Box<Self>, site: Site, batches: &[Batch], workers: &Workers) -> Result<Box<dyn AnyFitted>, StepError>;
    /// The step with parameters that an earlier fit learned, in no more memory than there is for them.
    fn load(
        self: Box<Self>,
        site: Site,
        params: &CanonicalText,
        budget: &Budget,
    ) -> Result<Box<dyn AnyFitted>, StepError>;
}

impl<S: Step> AnyStep for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn spec(&self) -> Value {
        serde_json::to_value(self).expect("a spec is plain data")
    }

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        Step::reads(self, schema)
    }

    fn only_chooses_columns(&self) -> bool {
        Step::only_chooses_columns(self)
    }

    fn draws_when_applied(&self) -> bool {
        Step::draws_when_applied(self)
    }

    fn learns_from_target(&self) -> bool {
        Step::learns_from_target(self)
    }

    fn fit(self: Box<Self>, site: Site, batches: &[Batch], workers: &Workers) -> Result<Box<dyn AnyFitted>, StepError> {
        let params = fit(&*self, &site, batches, workers)?;
        Ok(Box::new(Fitted { step: *self, site, params }))
    }

    fn load(
        self: Box<Self>,
        site: Site,
        params: &CanonicalText,
        budget: &Budget,
    ) -> Result<Box<dyn AnyFitted>, StepError> {
        let params = budget
            .read(params.as_str().as_bytes())
            .map_err(|error| StepError::new(format!("the parameters of `{}` don't read: {error}", site.name)))?;
        self.validate(&site, &params)?;
        Ok(Box::new(Fitted { step: *self, site, params }))
    }
}

/// A line of the catalogue.
pub struct Entry {
    /// What `use = "…"` calls it.
    pub name: &'static str,
    /// See [`Step::VERSION`].
    pub version: u32,
    /// The heading under which the docs list it.
    pub group: &'static str,
    /// Reads its parameters.
    pub parse: fn(Value) -> Result<Box<dyn AnyStep>, ParseError>,
    /// Its example.
    pub example: fn() -> Box<dyn AnyStep>,
    /// The JSON Schema of its parameters.
    pub schema: fn() -> schemars::Schema,
    /// The page of its file: the module's own doc comment.
    pub source: &'static str,
}

impl Entry {
    /// The line of step `S`.
    pub const fn of<S: Step>(group: &'static str, source: &'static str) -> Entry {
        Entry {
            name: S::NAME,
            version: S::VERSION,
            group,
            parse: |written| Ok(Box::new(ParseError::reading::<S>(written)?)),
            example: || Box::new(S::example()),
            schema: || schemars::schema_for!(S),
            source,
        }
    }

    /// The doc comment at the top of the step's file, as Markdown.
    pub fn page(&self) -> String {
        let lines = self.source.lines().take_while(|line| line.starts_with("//!"));
        lines.map(|line| line[3..].strip_prefix(' ').unwrap_or(&line[3..])).collect::<Vec<_>>().join("\n")
    }
}

/// Declares the modules of the steps and lists them, in the order of the docs.
macro_rules! catalogue {
    ($($(#[doc = $group:literal])? $module:ident :: $step:ident,)+) => {
        $(mod $module; pub use $module::$step;)+

        /// Every step there is, in the order of the docs.
        pub static CATALOGUE: &[Entry] = &{
            let mut group;
            [$({
                $(group = $group.trim_ascii();)?
                Entry::of::<$step>(group, include_str!(concat!(stringify!($module), ".rs")))
            }),+]
        };
    };
}
