//! Tables: named, typed columns whose rows have an identity, and the contract that they keep.
//!
//! A table is a list of batches. Nothing here knows files or what is done with the columns.

mod batch;
pub mod calendar;
mod column;
mod name;
mod row;
mod suggest;
mod task;

pub use batch::{Batch, Labels, Schema};
pub use column::{Clock, Coded, Column, Kind, NULL_BOOLEAN, NULL_CODE, NULL_DATE, NULL_INTEGER};
pub use name::ColumnName;
pub use row::{RowId, RowKey};
pub use suggest::{closest, did_you_mean};
pub use task::Task;
