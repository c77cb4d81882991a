//! A model as tensors, and back, whoever wrote them.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenstep_table::{ColumnName, Kind, Schema, Task};
use serde_json::json;

use super::cuts::{LEVELS_MAX, Levels};
use super::grow::Child;
use super::objective::Link;
use super::predict::{Forest, Model};
use super::split::BinSet;
use super::tree::{COVER_MAX, Test, Tree, TreeSplit};
use crate::{ModelError, Stored, Tensor};

/// The tensors that a model is stored as.
const TENSORS: [&str; 15] = [
    "start",
    "splits",
    "feature",
    "threshold",
    "side",
    "left",
    "right",
    "gain",
    "levels_left",
    "value",
    "cover",
    "levels",
    "level_bin",
    "level_bytes",
    "level_text",
];
/// Marks a child that is a leaf.
const LEAF: u32 = 1 << 31;

// What a split's byte in `sides` says.
const NULL_LEFT: u8 = 1;
const CATEGORY: u8 = 2;

/// The model's numbers, split after split and leaf after leaf of every tree; then the levels of
/// the categories that are read, in the order of their features.
pub(crate) fn store(model: &Model) -> Stored {
    let splits = || model.trees.iter().flat_map(|tree| &tree.splits);
    let child = |child: Child| match child {
        Child::Split(split) => split,
        Child::Leaf(leaf) => leaf | LEAF,
    };
    let threshold = |split: &TreeSplit| match &split.test {
        Test::Number { threshold, .. } => *threshold,
        Test::Category(_) => 0.0,
    };
    let side = |split: &TreeSplit| match split.test {
        Test::Number { null_left, .. } => u8::from(null_left) * NULL_LEFT,
        Test::Category(_) => CATEGORY,
    };
    let sets = splits().filter_map(|split| match &split.test {
        Test::Category(set) => Some(&set.0),
        Test::Number { .. } => None,
    });
    let sets = sets.flatten().flat_map(|word| [*word as u32, (word >> 32) as u32]);
    let levels = || model.levels.iter().flatten();
    let named = || levels().flat_map(|levels| &levels.bins);
    let tensors: [_; TENSORS.len()] = [
        ("start", Tensor::F64(model.start.clone())),
        ("splits", Tensor::U32(model.trees.iter().map(|tree| tree.splits.len() as u32).collect())),
        ("feature", Tensor::U32(splits().map(|split| split.feature).collect())),
        ("threshold", Tensor::F64(splits().map(threshold).collect())),
        ("side", Tensor::U8(splits().map(side).collect())),
        ("left", Tensor::U32(splits().map(|split| child(split.children[0])).collect())),
        ("right", Tensor::U32(splits().map(|split| child(split.children[1])).collect())),
        ("gain", Tensor::F64(splits().map(|split| split.gain).collect())),
        ("levels_left", Tensor::U32(sets.collect())),
        ("value", Tensor::F64(model.trees.iter().flat_map(|tree| tree.leaves.iter().copied()).collect())),
        ("cover", Tensor::F64(model.trees.iter().flat_map(|tree| tree.covers.iter().copied()).collect())),
        ("levels", Tensor::U32(levels().map(|levels| levels.bins.len() as u32).collect())),
        ("level_bin", Tensor::U32(named().map(|(_, bin)| u32::from(*bin)).collect())),
        ("level_bytes", Tensor::U32(named().map(|(name, _)| name.len() as u32).collect())),
        ("level_text", Tensor::U8(named().flat_map(|(name, _)| name.bytes()).collect())),
    ];
    Stored {
        facts: json!({ "link": model.link }),
        tensors: tensors.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect(),
    }
}

/// Reads a tensor from its front; short ones are an error, and so is what is left over.
struct Front<'a, T> {
    name: &'static str,
    rest: std::slice::Iter<'a, T>,
}

impl<'a, T: Copy> Front<'a, T> {
    fn take(&mut self) -> Result<T, ModelError> {
        self.rest.next().copied().ok_or_else(|| bad(format!("`{}` is too short", self.name)))
    }

    fn many(&mut self, count: usize) -> Result<&'a [T], ModelError> {
        let (many, rest) =
            self.rest.as_slice().split_at_checked(count).ok_or_else(|| bad(format!("`{}` is too short", self.name)))?;
        self.rest = rest.iter();
        Ok(many)
    }

    fn end(&self) -> Result<(), ModelError> {
        if self.rest.len() == 0 { Ok(()) } else { Err(bad(format!("`{}` is too long", self.name))) }
    }
}

impl Front<'_, f64> {
    fn finite(&mut self) -> Result<f64, ModelError> {
        let x = self.take()?;
        // Written by us, a number is canonical too: never −0.
        if x.is_finite() && x.to_bits() != (-0.0_f64).to_bits() {
            Ok(x)
        } else {
            Err(bad(format!("`{}` holds {x:?}", self.name)))
        }
    }
}

fn bad(what: String) -> ModelError {
    ModelError::new(format!("the stored `boosted_trees` model is broken: {what}"))
}

macro_rules! front {
    ($stored:ident, $variant:ident, $name:literal) => {
        match $stored.tensors.get($name) {
            Some(Tensor::$variant(all)) => Front { name: $name, rest: all.iter() },
            Some(_) => return Err(bad(concat!("`", $name, "` is not ", stringify!($variant)).to_owned())),
            None => return Err(bad(concat!("there is no `", $name, "`").to_owned())),
        }
    };
}

/// The model that `store` wrote, or an error: nothing is taken on trust.
pub(crate) fn restore(features: &Schema, task: &Task, stored: &Stored) -> Result<Model, ModelError> {
    let link = match stored.facts.as_object() {
        Some(facts) if facts.len() == 1 => facts.get("link"),
        _ => None,
    };
    let link = link
        .and_then(|word| serde_json::from_value::<Link>(word.clone()).ok())
        .ok_or_else(|| bad("its facts are not its link alone".to_owned()))?;
    if !link.suits(task) {
        return Err(bad("its scores do not suit the task".to_owned()));
    }
    let width = if let Task::Multiclass { classes } = task { classes.len() } else { 1 };

    let mut start = front!(stored, F64, "start");
    let starts = (0..width).map(|_| start.finite()).collect::<Result<Vec<f64>, _>>()?;
    start.end()?;
    let mut sizes = front!(stored, U32, "splits");
    let sizes = sizes.many(sizes.rest.len())?;
    if sizes.len() % width != 0 {
        return Err(bad(format!("{} trees are no rounds of {width}", sizes.len())));
    }

    let feature = front!(stored, U32, "feature");
    let read: BTreeSet<usize> = feature.rest.as_slice().iter().map(|at| *at as usize).collect();
    let levels = LevelReader {
        count: front!(stored, U32, "levels"),
        bins: front!(stored, U32, "level_bin"),
        bytes: front!(stored, U32, "level_bytes"),
        text: front!(stored, U8, "level_text"),
    };
    let levels = levels.read(features, &read)?;
    let mut reader = Reader {
        features: features.iter().zip(&levels).collect(),
        feature,
        threshold: front!(stored, F64, "threshold"),
        side: front!(stored, U8, "side"),
        left: front!(stored, U32, "left"),
        right: front!(stored, U32, "right"),
        gain: front!(stored, F64, "gain"),
        sets: front!(stored, U32, "levels_left"),
        value: front!(stored, F64, "value"),
        cover: front!(stored, F64, "cover"),
    };
    let trees = sizes.iter().map(|splits| reader.tree(*splits as usize)).collect::<Result<Vec<Tree>, _>>()?;
    reader.end()?;
    if let Some(name) = stored.tensors.keys().find(|name| !TENSORS.contains(&name.as_str())) {
        return Err(bad(format!("nothing is called `{name}`")));
    }
    Ok(Model { link, start: starts, forest: Forest::new(&trees, &levels), trees, levels })
}

struct Reader<'a> {
    features: Vec<((&'a ColumnName, &'a Kind), &'a Option<Levels>)>,
    feature: Front<'a, u32>,
    threshold: Front<'a, f64>,
    side: Front<'a, u8>,
    left: Front<'a, u32>,
    right: Front<'a, u32>,
    gain: Front<'a, f64>,
    sets: Front<'a, u32>,
    value: Front<'a, f64>,
    cover: Front<'a, f64>,
}

impl Reader<'_> {
    fn tree(&mut self, count: usize) -> Result<Tree, ModelError> {
        // Checked before anything is allocated for it.
        if count > self.feature.rest.len() || count >= self.value.rest.len() {
            return Err(bad("a tree has more splits than are stored".to_owned()));
        }
        let mut parents = (vec![0_u8; count], vec![0_u8; count + 1]);
        let mut splits = Vec::with_capacity(count);
        for at in 0..count {
            splits.push(self.split(at, count, &mut parents)?);
        }
        // Each but the first split, and each leaf, has one parent; the only leaf of a tree has none.
        let leaf_parents = u8::from(count > 0);
        let one = parents.0.iter().skip(1).all(|parents| *parents == 1);
        if !one || parents.1.iter().any(|parents| *parents != leaf_parents) {
            return Err(bad("a node of a tree has no parent, or two".to_owned()));
        }
        let leaves = (0..=count).map(|_| self.value.finite()).collect::<Result<Vec<f64>, _>>()?;
        let covers = (0..=count).map(|_| self.cover.finite()).collect::<Result<Vec<f64>, _>>()?;
        if let Some(cover) = covers.iter().find(|cover| !(0.0..=COVER_MAX).contains(*cover)) {
            return Err(bad(format!("a leaf has cover {cover:?}")));
        }
        Ok(Tree { splits, leaves, covers })
    }

    fn split(
        &mut self,
        at: usize,
        count: usize,
        (splits, leaves): &mut (Vec<u8>, Vec<u8>),
    ) -> Result<TreeSplit, ModelError> {
        let feature = self.feature.take()?;
        let Some(((name, kind), levels)) = self.features.get(feature as usize) else {
            return Err(bad(format!("a split is on feature {feature}, but there are {}", self.features.len())));
        };
        let (threshold, gain) = (self.threshold.finite()?, self.gain.finite()?);
        let test = match (self.side.take()?, kind, levels) {
            (CATEGORY, Kind::Category, Some(levels)) if threshold == 0.0 => {
                let words: &[u32] = self.sets.many(2 * BinSet::up_to(levels.unseen()).0.len())?;
                let set = words.chunks_exact(2).map(|word| u64::from(word[0]) | u64::from(word[1]) << 32);
                let set = BinSet(set.collect());
                if !set.ends_at(levels.unseen()) {
                    return Err(bad(format!("a split sends levels of `{name}` left that there are not")));
                }
                Test::Category(set)
            }
            (side @ (0 | NULL_LEFT), Kind::Number | Kind::Integer | Kind::Boolean, _) => {
                Test::Number { threshold, null_left: side == NULL_LEFT }
            }
            _ => return Err(bad(format!("a split does not suit `{name}`, a {}", kind.word()))),
        };
        let mut child = |child: u32| {
            let (seen, place) = match child & LEAF {
                0 => (&mut *splits, child as usize),
                _ => (&mut *leaves, (child & !LEAF) as usize),
            };
            // A split that comes after its parent can't be part of a circle.
            let below = child & LEAF != 0 || place > at;
            let Some(parents) = seen.get_mut(place).filter(|_| below) else {
                return Err(bad(format!("split {at} of {count} leads to a node that can't be below it")));
            };
            *parents = parents.saturating_add(1);
            Ok(if child & LEAF == 0 { Child::Split(place as u32) } else { Child::Leaf(place as u32) })
        };
        let children = [child(self.left.take()?)?, child(self.right.take()?)?];
        if gain <= 0.0 {
            return Err(bad(format!("a split gains {gain:?}")));
        }
        Ok(TreeSplit { feature, test, children, gain })
    }

    fn end(&self) -> Result<(), ModelError> {
        self.feature.end()?;
        self.threshold.end()?;
        self.side.end()?;
        self.left.end()?;
        self.right.end()?;
        self.gain.end()?;
        self.sets.end()?;
        self.value.end()?;
        self.cover.end()
    }
}

struct LevelReader<'a> {
    count: Front<'a, u32>,
    bins: Front<'a, u32>,
    bytes: Front<'a, u32>,
    text: Front<'a, u8>,
}

impl LevelReader<'_> {
    /// The levels of the categories that are read, by the position of their features.
    fn read(mut self, features: &Schema, read: &BTreeSet<usize>) -> Result<Vec<Option<Levels>>, ModelError> {
        let mut all = Vec::with_capacity(features.len());
        for (position, (name, kind)) in features.iter().enumerate() {
            let is_read = *kind == Kind::Category && read.contains(&position);
            all.push(if is_read { Some(self.levels_of(name)?) } else { None });
        }
        self.count.end()?;
        self.bins.end()?;
        self.bytes.end()?;
        self.text.end()?;
        Ok(all)
    }

    fn levels_of(&mut self, name: &ColumnName) -> Result<Levels, ModelError> {
        let broken = |what: &str| bad(format!("the levels of `{name}` {what}"));
        let bins = self.count.take()? as usize;
        let bins = self.bins.many(bins)?;
        let mut levels: Vec<(Arc<str>, u16)> = Vec::with_capacity(bins.len());
        for bin in bins.iter().copied() {
            let length = self.bytes.take()? as usize;
            let level = std::str::from_utf8(self.text.many(length)?).map_err(|_| broken("are not UTF-8"))?;
            if levels.last().is_some_and(|(last, _)| **last >= *level) {
                return Err(broken("are not in order"));
            }
            let bin = u16::try_from(bin).ok().filter(|bin| usize::from(*bin) < LEVELS_MAX);
            levels.push((level.into(), bin.ok_or_else(|| broken("have too many bins"))?));
        }
        let count = levels.iter().map(|(_, bin)| usize::from(*bin) + 1).max();
        let count = count.ok_or_else(|| broken("are none"))?;
        Ok(Levels { bins: levels, count })
    }
}
