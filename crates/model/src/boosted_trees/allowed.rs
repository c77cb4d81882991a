//! Which features a node may be split on.

use evenstep_exact::canonical::Hasher;
use evenstep_exact::draw::Draws;

use super::BoostedTrees;
use super::matrix::Matrix;
use super::quantise::mix;

/// Sets of features that may stand in one branch; none if all may.
pub(super) struct Interactions(Vec<Vec<bool>>);

/// Which of the sets allow all splits above a node.
pub(super) type Together = Vec<usize>;

impl Interactions {
    /// The sets that a spec names, by feature of the matrix; those that it names nowhere are one more set.
    pub(super) fn of(spec: &BoostedTrees, matrix: &Matrix) -> Interactions {
        let of = |named: &dyn Fn(&str) -> bool| matrix.features.iter().map(|one| named(one.name.as_str())).collect();
        let mut sets: Vec<Vec<bool>> =
            spec.interactions.iter().map(|set| of(&|name| set.iter().any(|one| one == name))).collect();
        if !sets.is_empty() {
            sets.push(of(&|name| !spec.interactions.iter().flatten().any(|one| one == name)));
        }
        Interactions(sets)
    }

    /// What a root may use.
    pub(super) fn all(&self) -> Together {
        (0..self.0.len()).collect()
    }

    /// What the children of a node may use that is split on a feature.
    pub(super) fn below(&self, together: &Together, feature: usize) -> Together {
        together.iter().copied().filter(|set| self.0[*set][feature]).collect()
    }

    fn allow(&self, together: &Together, feature: usize) -> bool {
        self.0.is_empty() || together.iter().any(|set| self.0[*set][feature])
    }
}

/// What a tree's nodes may use.
pub(super) struct Allowed<'a> {
    interactions: &'a Interactions,
    /// Of the tree as a whole, by feature.
    pub(super) tree: Vec<bool>,
    by_level: Drawn<'a>,
    by_node: Drawn<'a>,
}

/// A share of the features, drawn by their names.
struct Drawn<'a> {
    share: f64,
    /// By feature, for this tree.
    draws: Vec<u64>,
    matrix: &'a Matrix,
}

/// So many are a share of a number of them: rounded up, and 1 at least.
pub(super) fn count_of(share: f64, of: usize) -> usize {
    // A share that was made of a count gives that count, though the product may be a bit above it.
    let count = share * of as f64 * (1.0 - 4.0 * f64::EPSILON);
    (count.ceil() as usize).clamp(1, of.max(1))
}

/// Keeps a share of the allowed features: those with the lowest draws, which are the same for all features of a column.
pub(super) fn keep(share: f64, matrix: &Matrix, allowed: &mut [bool], draw: impl Fn(usize) -> u64) {
    let drawn = |at: usize| (draw(at), matrix.features[at].key, at);
    let mut places: Vec<(u64, u128, usize)> = (0..allowed.len()).filter(|at| allowed[*at]).map(drawn).collect();
    places.sort_unstable();
    let columns: Vec<&[(u64, u128, usize)]> = places.chunk_by(|a, b| a.1 == b.1).collect();
    columns.iter().skip(count_of(share, columns.len())).copied().flatten().for_each(|(_, _, at)| allowed[*at] = false);
}

impl<'a> Drawn<'a> {
    fn new(share: f64, draws: &Draws, purpose: &str, tree: (u32, usize), matrix: &'a Matrix) -> Drawn<'a> {
        let draws = draws.within(purpose);
        let (round, class) = tree;
        let of = |key: u128| draws.pair(&(key ^ (class as u128) << 64).to_le_bytes(), round)[0];
        let draws = if share < 1.0 { matrix.features.iter().map(|one| of(one.key)).collect() } else { Vec::new() };
        Drawn { share, draws, matrix }
    }

    /// Keeps those of the allowed features that have the lowest draws.
    fn keep(&self, allowed: &mut [bool], place: u64) {
        if self.share >= 1.0 {
            return;
        }
        keep(self.share, self.matrix, allowed, |at| self.draw(at, place));
    }

    fn draw(&self, at: usize, place: u64) -> u64 {
        mix(place as u32, self.draws[at] ^ (place >> 32))
    }
}

impl<'a> Allowed<'a> {
    /// For one tree.
    pub(super) fn of(
        spec: &BoostedTrees,
        interactions: &'a Interactions,
        tree: Vec<bool>,
        draws: &Draws,
        number: (u32, usize),
        matrix: &'a Matrix,
    ) -> Allowed<'a> {
        let share = |share: f64, purpose: &str| Drawn::new(share, draws, purpose, number, matrix);
        Allowed {
            interactions,
            tree,
            by_level: share(spec.column_sample_by_level, "column_sample_by_level"),
            by_node: share(spec.column_sample_by_node, "column_sample_by_node"),
        }
    }

    /// What the nodes of a depth may use below some splits, by feature.
    fn of_level(&self, together: &Together, depth: usize) -> Vec<bool> {
        let mut allowed: Vec<bool> =
            (0..self.tree.len()).map(|at| self.tree[at] && self.interactions.allow(together, at)).collect();
        self.by_level.keep(&mut allowed, depth as u64);
        allowed
    }

    /// What a node may use, by feature.
    pub(super) fn features(&self, together: &Together, depth: usize, path: u64) -> Vec<bool> {
        let mut allowed = self.of_level(together, depth);
        self.by_node.keep(&mut allowed, path);
        allowed
    }

    /// The features that the tree allows a node, in the order in which they are drawn for it, and how many of the first it may use.
    pub(super) fn in_turn(&self, together: &Together, depth: usize, path: u64) -> (Vec<usize>, usize) {
        let allowed = self.of_level(together, depth);
        let mut features: Vec<usize> = (0..allowed.len()).filter(|at| allowed[*at]).collect();
        let first = match self.by_node.share >= 1.0 {
            true => features.len(),
            false => count_of(self.by_node.share, features.len()),
        };
        if first < features.len() {
            features.sort_by_cached_key(|at| (self.by_node.draw(*at, path), self.by_node.matrix.features[*at].key));
        }
        (features, first)
    }

    /// How many features a node may use at most.
    pub(super) fn most(&self) -> usize {
        let all = self.tree.iter().filter(|may| **may).count() as f64;
        ((self.by_level.share * all).ceil() * self.by_node.share).ceil() as usize
    }

    /// What may be split together in a root.
    pub(super) fn root(&self) -> Together {
        self.interactions.all()
    }

    /// What may be split together below a split.
    pub(super) fn below(&self, together: &Together, feature: usize) -> Together {
        self.interactions.below(together, feature)
    }
}

/// The key of a feature's draws.
pub(super) fn key_of(name: &str) -> u128 {
    u128::from_le_bytes(Hasher::new("evenstep column name").str(name).finish16())
}
