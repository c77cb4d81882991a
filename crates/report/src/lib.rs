//! The training report: one HTML file with its charts inside, the same bytes for the same training.
//!
//! `Page` is what a report shows, as plain data; `html` prints it. The file needs no network, no
//! script and no font of its own, reads on a phone and on paper, in light and dark. It holds no
//! time, host or path, and nothing in it is in the order of a hash map.
//!
//! The charts are our own few shapes (`svg`, `charts`). Six chart crates were read in place of
//! them: kuva 0.6, charts-rs 2.3, charton 0.9, fulgur-chart 0.13, plotters 0.3, poloto 19. Each of
//! them places the ticks of even a linear axis by the platform's `log10` and `powf`, whose last
//! bits differ between hosts, and at a power of ten that is another tick: the second law forbids
//! it. Most of them also write colours as values, so that a dark mode would need each chart twice,
//! and none names and describes a chart for those who don't see it.

mod charts;
mod markup;
mod metric;
mod number;
mod page;
mod svg;
mod view;

use askama::Template;

pub use page::*;

/// The report as one HTML file.
pub fn html(page: &Page) -> String {
    view::Report::new(page).render().unwrap_or_else(|error| unreachable!("a string takes all that is written: {error}"))
}
