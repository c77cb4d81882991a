//! The foundation of the laws: reductions, draws, functions and hashes that give the same bits everywhere.

pub mod reduce;
