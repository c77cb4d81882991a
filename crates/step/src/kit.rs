//! What steps are made of: the adaptors for those that treat each column alone, and what several of them learn.

mod bins;
mod cell;
mod each;
mod formula;
mod levels;
mod likelihood;
mod scale;
mod spread;
mod words;

pub use bins::{BinAs, Closed, Edges};
pub use cell::{Cell, Tally};
pub use each::{EachColumn, EachNumber, Place, fill_numbers, insert_new, map_numbers, replace};
pub use formula::Formula;
pub use levels::{Dictionary, Levels, WITH_LEVELS, count_levels, has_levels, levels, look_up};
pub use likelihood::{Family, Likelihood, Search};
pub use scale::Scale;
pub use spread::{SpreadRound, SpreadSeen, power_of_two_near};
pub use words::{Auto, AutoOr, BinCount, Folds, Fraction, NotNegative, OnDomain, Positive, default_true, is_share};
