//! The training rows as one list of pieces, and folds over state that each piece owns.

use std::ops::Range;
use std::sync::Mutex;

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::Batch;

/// A piece has at most so many rows: its state stays in the second-level cache.
pub(super) const PIECE_ROWS: usize = 16_384;

/// Fewer rows than this are not worth a second thread.
const SMALL_ROWS: usize = 20_000;

/// What a row is to a fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Role {
    /// It has no weight and is as if it were not there.
    Absent,
    /// It is learned from.
    Learned,
    /// Early stopping watches it.
    Watched,
}

/// Consecutive rows of one batch.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Which batch.
    pub(super) batch: usize,
    /// Which of its rows.
    pub(super) rows: Range<usize>,
}

/// Cuts batches into pieces, in their order.
pub(super) fn pieces(batches: &[Batch]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (batch, rows) in batches.iter().map(Batch::rows).enumerate() {
        for start in (0..rows).step_by(PIECE_ROWS) {
            pieces.push(Piece { batch, rows: start..(start + PIECE_ROWS).min(rows) });
        }
    }
    pieces
}

/// Cuts a slice of one entry a row into one part for each piece.
pub(super) fn split<'a, T>(pieces: &[Piece], mut entries: &'a mut [T]) -> Vec<&'a mut [T]> {
    pieces
        .iter()
        .map(|piece| {
            let (part, rest) = std::mem::take(&mut entries).split_at_mut(piece.rows.len());
            entries = rest;
            part
        })
        .collect()
}

/// The same, of entries that are only read.
pub(super) fn split_ref<'a, T>(pieces: &[Piece], mut entries: &'a [T]) -> Vec<&'a [T]> {
    pieces
        .iter()
        .map(|piece| {
            let (part, rest) = entries.split_at(piece.rows.len());
            entries = rest;
            part
        })
        .collect()
}

/// Folds over pieces, each with the state that it alone owns. Few rows stay on one thread.
pub(super) fn fold<S: Send, P: Partial>(
    workers: &Workers,
    pieces: &[Piece],
    states: impl IntoIterator<Item = S>,
    observe: impl Fn(&Piece, &mut S, &mut P) + Sync,
) -> P {
    let states: Vec<Mutex<S>> = states.into_iter().map(Mutex::new).collect();
    assert_eq!(states.len(), pieces.len(), "each piece has its state");
    let one = |at: usize, partial: &mut P| {
        let mut state = states[at].lock().expect("a task that panicked ends the fit");
        observe(&pieces[at], &mut state, partial);
    };
    if pieces.iter().map(|piece| piece.rows.len()).sum::<usize>() <= SMALL_ROWS {
        return workers.fold(1, |_, partial| (0..pieces.len()).for_each(|at| one(at, partial)));
    }
    workers.fold(pieces.len(), one)
}

/// Does something to each piece's state, where nothing is to be merged.
pub(super) fn each<S: Send>(
    workers: &Workers,
    pieces: &[Piece],
    states: impl IntoIterator<Item = S>,
    act: impl Fn(&Piece, S) + Sync + Send,
) {
    let owned: Vec<(&Piece, S)> = pieces.iter().zip(states).collect();
    assert_eq!(owned.len(), pieces.len(), "each piece has its state");
    if pieces.iter().map(|piece| piece.rows.len()).sum::<usize>() <= SMALL_ROWS {
        return owned.into_iter().for_each(|(piece, state)| act(piece, state));
    }
    workers.map(owned, |(piece, state)| act(piece, state));
}
