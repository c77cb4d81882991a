//! The training report: one HTML file with its charts inside, the same bytes for the same training.
//!
//! `Page` is what a report shows, as plain data; `html` prints it. The file needs no network, no
//! script and no font of its own, reads on a phone and on paper, in light and dark. It holds no
//! time, host or path, and nothing in it is in the order of a hash map.
//!
//! The charts are our own few shapes (`svg`, `charts`), against our habit of taking a library.
//! How each of six chart crates places the ticks of a linear axis was read: kuva 0.6, charts-rs
//! 2.3, charton 0.9, fulgur-chart 0.13, plotters 0.3, poloto 19. All take the platform's `log` and
//! `powf`, whose last bits differ between hosts; near a power of ten that is another tick, and
//! another report. Here the order of magnitude is read from the exact decimal digits, and no
//! logarithm is taken at all.

mod card;
mod charts;
mod difference;
mod markup;
mod metric;
mod number;
mod page;
mod svg;
mod view;

use std::borrow::Cow;

use askama::Template;

pub use card::card_html;
pub use difference::{Difference, DifferenceCause, DifferenceStage, DifferenceState, difference_html};
pub use page::*;

/// The report as one HTML file.
pub fn html(page: &Page) -> String {
    view::Report::new(page).render().unwrap_or_else(|error| unreachable!("a string takes all that is written: {error}"))
}

/// How every page begins: before anything else, the policy under which nothing in it runs or is fetched.
const HEAD: &str = include_str!("../templates/head.html");

/// Whether a page begins as this engine's do.
pub fn is_of_this_engine(page: &str) -> bool {
    page.starts_with(HEAD)
}

/// A page that may be opened, of one that anybody may have made: what doesn't begin as this engine's do is put behind their policy.
pub fn harmless(page: &str) -> Cow<'_, str> {
    if is_of_this_engine(page) { page.into() } else { format!("{HEAD}{page}").into() }
}
