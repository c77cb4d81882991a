//! Averaged trees of several classes: each round grows one tree, whose leaves tell the share of every class. It is kept as
//! a tree for each class, all of the same splits.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Partial;
use serde::{Deserialize, Serialize};

use super::allowed::{Allowed, Interactions};
use super::classes::Classes;
use super::fixed_point::FixedPoint;
use super::grow::Grower;
use super::growing::Growing;
use super::histogram::{Builder, Shape};
use super::matrix::Matrix;
use super::order::Place;
use super::quantise::{Hessians, Largest, Packing, nearest, power_of_two_above};
use super::split::Bounds;
use super::tree::Tree;

/// Weights that count nothing are rounded to so many bits where splits are searched.
const WEIGHT_BITS: u32 = 24;

/// An exact sum of weights.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Weight(i128);

impl Partial for Weight {
    fn merge(&mut self, other: Weight) {
        self.0 += other.0;
    }
}

/// The weight of each class in a leaf.
type ClassesOfLeaf = BTreeMap<u16, Weight>;

impl Growing<'_> {
    /// Grows one tree for all classes.
    pub(super) fn grow_for_all(&mut self, matrix: &Matrix, interactions: &Interactions, round: u32) -> Vec<Tree> {
        let targets = self.data.batches.iter().flat_map(|batch| &batch.training().target);
        let of_row: Vec<u16> = targets.map(|target| *target as u16).collect();
        let unit = self.weigh_in_units();
        let rows = self.choose_rows(round);
        let columns = self.choose_columns(matrix, round);
        let allowed = Allowed::of(self.spec, interactions, columns, &self.draws, (round, 0), matrix);
        // Of gradients that there are none of.
        let packing = Packing::new(Largest { gradient: 1.0, hessian: 1.0, error: 0.0 }, Hessians::One);
        let criterion = self.spec.criterion(&packing, 0.0);
        let shape = Shape::new(matrix, true);
        let workers = self.run.workers;
        let grower = Grower {
            workers,
            matrix,
            shape: &shape,
            builder: Builder::new(workers, matrix, &shape, &allowed.tree, packing, &self.packed, &self.room),
            classes: Some(Classes::new(workers, matrix, &criterion, (self.width, &of_row), (&self.packed, unit))),
            criterion: &criterion,
            allowed: &allowed,
            bounds: Bounds::around_zero(None),
            draw: self.draw_of_cuts(round, 0),
            limits: self.limits(),
        };
        let (mut grown, leaves) = grower.grow(&mut self.order, rows);

        let classes = self.classes_of_leaves(&leaves, &of_row);
        let totals: Vec<i128> = classes.iter().map(|classes| classes.values().map(|weight| weight.0).sum()).collect();
        grown.settle(matrix, &totals);
        let point = self.point();
        let covers = totals.iter().map(|total| point.value(*total)).collect();
        let share = |class: usize, leaf: usize| {
            let of_class = classes[leaf].get(&(class as u16)).map_or(0, |weight| weight.0);
            let start = self.scores[class].first().copied().unwrap_or(0.0);
            if totals[leaf] == 0 {
                // Of a tree for which no row was drawn.
                return start;
            }
            let l2 = if grown.leaves[leaf].regularised { self.spec.categories.l2 } else { 0.0 };
            if l2 == 0.0 {
                return of_class as f64 / totals[leaf] as f64;
            }
            (point.value(of_class) + l2 * start) / (point.value(totals[leaf]) + l2)
        };
        let shares = |class: usize| (0..leaves.len()).map(|leaf| share(class, leaf)).collect();
        let first = Tree::new(&grown, shares(0), covers, matrix);
        let others = (1..self.width).map(|class| Tree { leaves: shares(class), ..first.clone() });
        std::iter::once(first.clone()).chain(others).collect()
    }

    /// Writes the weight of each row as a whole number of units, and tells the unit. Rows that are counted are in units of one.
    fn weigh_in_units(&mut self) -> f64 {
        if self.weights.is_empty() {
            self.packed.fill(1);
            return 1.0;
        }
        let unit = match self.hessians() {
            Hessians::Counts => 1.0,
            _ => power_of_two_above(self.weight_max) / f64::from(1_u32 << WEIGHT_BITS),
        };
        for (units, weight) in self.packed.iter_mut().zip(&self.weights) {
            *units = if *weight > 0.0 { nearest(weight / unit).0.max(1) as u32 } else { 0 };
        }
        unit
    }

    fn point(&self) -> FixedPoint {
        FixedPoint::below(if self.weights.is_empty() { 1.0 } else { self.weight_max })
    }

    /// The weights of the classes in every leaf, as they were before rounding.
    fn classes_of_leaves(&self, leaves: &[Place], of_row: &[u16]) -> Vec<ClassesOfLeaf> {
        let point = self.point();
        self.run.workers.fold(leaves.len(), |leaf, sums: &mut Vec<ClassesOfLeaf>| {
            sums.resize_with(leaves.len(), ClassesOfLeaf::new);
            for row in self.order.rows(&leaves[leaf]) {
                let row = *row as usize;
                let weight = self.weights.get(row).copied().unwrap_or(1.0);
                sums[leaf].entry(of_row[row]).or_default().0 += point.exact(weight);
            }
        })
    }
}
