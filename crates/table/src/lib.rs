//! Tables: named, typed columns whose rows have an identity, and the contract that they keep.
//!
//! A table is a list of batches. Nothing here knows files or what is done with the columns.

mod batch;
pub mod build;
pub mod calendar;
pub mod cell;
pub mod check;
mod coder;
mod column;
pub mod contract;
pub mod date_format;
pub mod fingerprint;
pub mod formatted;
mod hash;
pub mod identity;
pub mod infer;
pub mod iso;
mod missing;
mod name;
mod number_format;
pub mod parse;
pub mod profile;
pub mod quality;
mod row;
pub mod rule;
pub mod shuffle;
pub mod strings;
mod suggest;
mod task;

pub use batch::{Batch, Labels, Schema};
pub use coder::Coder;
pub use column::{Clock, Coded, Column, Kind, NULL_BOOLEAN, NULL_CODE, NULL_DATE, NULL_INTEGER};
pub use contract::Contract;
pub use fingerprint::{Fingerprint, RowSum, fingerprint};
pub use identity::Identity;
pub use missing::MissingTokens;
pub use name::ColumnName;
pub use row::{RowId, RowKey};
pub use rule::{Rule, RuleSpec};
pub use strings::Strings;
pub use suggest::{closest, counted, did_you_mean, shortened, some_of};
pub use task::Task;
