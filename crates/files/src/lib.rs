//! The file-system seam: write aside, sync, rename, sync the folder.
//!
//! Whatever Evenstep writes becomes visible whole or not at all: [`Output`] writes beside its
//! target and takes its place with [`Output::commit`]. After a crash, a power cut or a full disk
//! the target has its old bytes or its new ones, never a third.
//!
//! [`commit_all`] does this for several files. All of them are written and synced before the first
//! is renamed, so what can fail halfway has failed before anything shows; if a rename fails, those before it are undone. There is
//! no rename of several files at once: a crash between two renames leaves some files new and the others old, each whole. Files that belong together must therefore name each other by digest, as a lock
//! names its bundle; a reader who finds that they don't agree knows that the last write was cut
//! short, and that writing again is all it takes.
//!
//! Who changes what a file says, or writes files that belong together, waits for a [`Turn`], so that of several processes
//! none loses what another wrote.
//!
//! What is read whole is a regular file ([`read_regular`]): anything else may never end.

mod beside;
mod disk;
mod error;
mod faulty;
mod output;
mod regular;
mod turn;

pub use beside::{SIGNATURES, beside};
pub use disk::{Access, Disk, File, Files};
pub use error::{FileError, help};
pub use faulty::{Fault, Faulty, Lasting, Operation};
pub use output::{Output, abandon, commit_all, read, write, write_for};
pub use regular::{
    begins_with, must_end, read_regular, read_regular_text, read_regular_that_begins, read_short_text, read_text_up_to,
};
pub use turn::Turn;
