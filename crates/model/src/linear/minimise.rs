//! The least value of a smooth convex function, by steps that learn its curvature.
//!
//! L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5) that starts from a given curvature
//! instead of a multiple of the identity, and so needs few rounds. Every sum runs in
//! the order of the coefficients, and every decision follows from bits that are the same
//! whatever the order of rows, so the path is too.

use super::dot;

/// How many steps are remembered.
const MEMORY: usize = 10;
/// How often a step is halved before the round is given up.
const HALVINGS: usize = 30;
/// Share of the promised decrease that a step must bring. Nocedal & Wright 2006, eq. 3.4.
const DECREASE: f64 = 1e-4;
/// No coefficient goes as far as this, so that no score overflows.
const FAR: f64 = 1e150;
/// A loss is known to about this share of itself.
const LOSS_KNOWN_TO: f64 = 1e-14;

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// Rounds at most.
    pub(crate) rounds: u32,
    /// Stop when the next step promises less than the square of this.
    pub(crate) tolerance: f64,
}

struct Point {
    at: Vec<f64>,
    loss: f64,
    slope: Vec<f64>,
}

/// A step, how the slope changed along it, and one over the product of the two.
struct Memory {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse: f64,
}

/// Walks down from `start`, and tells where that ended.
///
/// `told` is given the loss after each round; `evaluate` gives the loss and its slope; `solve` a slope divided by a curvature that
/// is at least the function's own, so that the very first step goes down.
pub(crate) fn minimise(
    start: Vec<f64>,
    rule: &Rule,
    mut evaluate: impl FnMut(&[f64]) -> (f64, Vec<f64>),
    solve: impl Fn(&[f64]) -> Vec<f64>,
    mut told: impl FnMut(f64),
) -> Vec<f64> {
    let mut at = |at: Vec<f64>| {
        let (loss, slope) = evaluate(&at);
        Point { at, loss, slope }
    };
    let mut here = at(start);
    let mut memory: Vec<Memory> = Vec::new();
    for _ in 0..rule.rounds {
        let mut direction = descent(&here.slope, &memory, &solve);
        let mut promise = dot(&here.slope, &direction);
        if promise > 0.0 {
            // What was remembered misleads.
            memory.clear();
            direction = descent(&here.slope, &memory, &solve);
            promise = dot(&here.slope, &direction);
        }
        if promise >= -(rule.tolerance * rule.tolerance) {
            return here.at;
        }
        let Some(next) = step(&here, &direction, promise, &mut at) else {
            // The loss is too coarse to show the way any further.
            return here.at;
        };
        remember(&mut memory, &here, &next);
        here = next;
        told(here.loss);
    }
    here.at
}

/// The direction in which to go: the slope, negated, divided by the curvature as far as it is known.
fn descent(slope: &[f64], memory: &[Memory], solve: &impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut direction: Vec<f64> = slope.iter().map(|x| -x).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for past in memory.iter().rev() {
        let share = past.inverse * dot(&past.step, &direction);
        add(&mut direction, -share, &past.change);
        shares.push(share);
    }
    let mut direction = solve(&direction);
    for (past, share) in memory.iter().zip(shares.into_iter().rev()) {
        let other = past.inverse * dot(&past.change, &direction);
        add(&mut direction, share - other, &past.step);
    }
    direction
}

/// The first of the steps 1, 1/2, 1/4, … that goes down enough.
fn step(here: &Point, direction: &[f64], promise: f64, at: &mut impl FnMut(Vec<f64>) -> Point) -> Option<Point> {
    let mut length = 1.0;
    for _ in 0..HALVINGS {
        let mut place = here.at.clone();
        add(&mut place, length, direction);
        if !place.iter().all(|x| x.abs() < FAR) {
            length *= 0.5;
            continue;
        }
        let there = at(place);
        if there.loss <= here.loss + DECREASE * length * promise {
            return Some(there);
        }
        // Near the end the loss's own rounding hides the decrease: then the slope decides.
        // Hager & Zhang 2005, SIAM J. Optim. 16(1), eq. 4.1.
        let level = there.loss <= here.loss + LOSS_KNOWN_TO * here.loss.abs();
        let ahead = dot(&there.slope, direction);
        if level && ahead.abs() <= 0.9 * promise.abs() {
            return Some(there);
        }
        length *= 0.5;
    }
    None
}

fn remember(memory: &mut Vec<Memory>, here: &Point, next: &Point) {
    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
    let (step, change) = (difference(&next.at, &here.at), difference(&next.slope, &here.slope));
    let product = dot(&step, &change);
    if product > 0.0 && (1.0 / product).is_finite() {
        if memory.len() == MEMORY {
            memory.remove(0);
        }
        memory.push(Memory { step, change, inverse: 1.0 / product });
    }
}

fn add(to: &mut [f64], times: f64, vector: &[f64]) {
    to.iter_mut().zip(vector).for_each(|(x, y)| *x += times * y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quartic_bowl_is_walked_down_from_far_away() {
        let evaluate = |x: &[f64]| {
            let (a, b) = (x[0] - 3.0, x[1] + 1.0);
            let loss = a * a * a * a / 4.0 + a * a / 2.0 + 50.0 * b * b;
            (loss, vec![a * a * a + a, 100.0 * b])
        };
        let rule = Rule { rounds: 100, tolerance: 1e-10 };
        let mut losses = Vec::new();
        let found = minimise(vec![-20.0, 70.0], &rule, evaluate, |slope| slope.to_vec(), |loss| losses.push(loss));
        assert!((found[0] - 3.0).abs() < 1e-9 && (found[1] + 1.0).abs() < 1e-9, "{found:?}");
        assert!(losses.is_sorted_by(|a, b| a >= b), "every round goes down");
    }
}
