//! The training report: one HTML file with its charts inside, the same bytes for the same training.

mod page;

pub use page::*;

/// The report as one HTML file.
pub fn html(page: &Page) -> String {
    let _ = page;
    String::new()
}
