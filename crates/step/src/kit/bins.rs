//! Bins between edges.

use evenstep_table::{Column, NULL_INTEGER};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::levels;

/// Which end of a bin belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// The upper end: (a, b].
    #[default]
    Right,
    /// The lower end: [a, b).
    Left,
}

/// What a bin is called.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BinAs {
    /// By its number, the lowest bin being 0.
    #[default]
    Integer,
    /// By its number as a category, for steps that take categories.
    Category,
}

/// The edges between bins, ascending; the first and the last bin have no outer edge.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Edges(Vec<f64>);

impl Edges {
    /// Edges from any list; equal ones are one.
    pub fn new(mut edges: Vec<f64>) -> Edges {
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        Edges(edges)
    }

    /// Whether a fit could have found them.
    pub fn are_sound(&self) -> bool {
        self.0.iter().all(|edge| edge.is_finite()) && self.0.is_sorted_by(|a, b| a < b)
    }

    /// The bin of each cell; null stays null.
    pub fn map(&self, cells: &[f64], closed: Closed, bin_as: BinAs) -> Column {
        let bin = |x: &f64| match closed {
            Closed::Right => self.0.partition_point(|edge| edge < x),
            Closed::Left => self.0.partition_point(|edge| edge <= x),
        };
        let cell = |x: &f64| if x.is_nan() { NULL_INTEGER } else { bin(x) as i64 };
        let bins = Column::Integer(cells.iter().map(cell).collect());
        match bin_as {
            BinAs::Integer => bins,
            BinAs::Category => Column::Category(levels(&bins).into_owned()),
        }
    }
}
