//! The foundation of the laws: reductions, draws, functions and hashes that give the same bits everywhere.

pub mod budget;
pub mod canonical;
mod compress;
pub mod draw;
pub mod frequency;
pub mod maths;
pub mod moments;
pub mod multiset;
pub mod number;
pub mod quantile;
pub mod reduce;
pub mod simd;
pub mod sort;
pub mod sum;
