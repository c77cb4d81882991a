//! Where rows come from: files of text and binary formats, read to typed tables.
//!
//! Training sees all rows to infer types, and then reads them by type. Text files it reads once, where their first rows
//! show the types of all ([`Source::infer_keeping`]); other files twice.
//! ```no_run
//! use std::collections::BTreeMap;
//! use std::path::Path;
//!
//! use evenstep_exact::reduce::Workers;
//! use evenstep_source::{Reading, Source};
//! use evenstep_table::{Contract, Identity, RuleSpec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let workers = Workers::threads(0);
//! let source = Source::open("data/*.csv", Path::new("."))?;
//! let missing = vec![String::new(), "NA".to_owned()];
//! let inferred = source.infer(&missing, &workers, &|_bytes| ())?;
//! let declared = BTreeMap::<_, RuleSpec>::new(); // `[contract]`
//! let contract = Contract::resolve(&declared, &inferred.columns, None)?;
//!
//! let reading = Reading { missing, columns: contract.columns, ..Reading::default() };
//! let mut read = source.read(&reading, &workers, &|_bytes| ())?;
//! let identity = Identity::by_content(reading.columns.keys().cloned());
//! for batch in &mut read.batches {
//!     batch.keys = identity.keys(batch).map_err(|_| "an id is null")?.into();
//! }
//! # Ok(()) }
//! ```
//! Scoring reads it once, as a [`Stream`] of chunks with flags. Every format goes through the
//! same [`evenstep_table::build::ColumnBuilder`] and [`evenstep_table::check::Checker`], so equal
//! values give equal columns wherever they come from.

mod arrow_cells;
mod arrow_file;
mod blocks;
mod body;
mod buffers;
mod cells;
mod chunk;
mod csv;
mod error;
mod fields;
mod find;
pub mod format;
mod guard;
mod json;
mod kept;
mod known;
mod layout;
mod parquet_claims;
mod parquet_file;
mod parquet_pages;
mod parquet_schema;
mod queue;
mod reading;
mod row;
mod source;
mod stamp;
mod stream;
mod thrift;
mod too_large;
mod typing;
pub mod write;

pub use body::Body;
pub use cells::{Cells, NamedCells};
pub use chunk::{Chunk, Flag, Origin};
pub use error::{SourceError, SourceErrorKind};
pub use find::near;
pub use kept::Kept;
pub use known::{Known, LeftOut};
pub use reading::{Mode, Reading};
pub use row::{DirectRows, Extra, FLAGS_MAX, RowError, RowTyper, TypedRows, Unusual};
pub use source::{Inferred, Read, Source};
pub use stream::Stream;
pub use too_large::{too_large, too_large_in};
