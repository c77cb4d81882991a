//! A model as tensors, and back, whoever wrote them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use evenstep_table::{ColumnName, Kind, Schema, Task};
use serde_json::json;

use super::bin_set::BinSet;
use super::cuts::{LEVELS_MAX, Levels};
use super::objective::Link;
use super::packed::{CATEGORY, LEAF, NULL_LEFT, Packed};
use super::predict::{Forest, Model};
use super::sets::{Sets, are_worth, own_words};
use super::tree::COVER_MAX;
use crate::{ModelError, Stored, Tensor};

/// The tensors that a model is stored as, without that of the ends of sets.
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
/// Where each set ends in `levels_left`. Without it every split has a set of its own.
const SET_ENDS: &str = "set_ends";

/// The model's numbers, split after split and leaf after leaf of every tree; then the levels of
/// the categories that are read, in the order of their features.
///
/// If splits share sets, the threshold of each that is on a category is the number of its set, by the order in which they
/// come up; else it is 0.
pub(crate) fn store(model: &Model) -> Stored {
    let trees = &model.trees;
    let levels = || model.levels.iter().flatten();
    let named = || levels().flat_map(Levels::iter);
    let tensors: [_; TENSORS.len()] = [
        ("start", Tensor::F64(Arc::new(model.start.clone()))),
        ("splits", Tensor::U32(Arc::clone(&trees.splits))),
        ("feature", Tensor::U32(Arc::clone(&trees.feature))),
        ("threshold", Tensor::F64(Arc::clone(&trees.threshold))),
        ("side", Tensor::U8(Arc::clone(&trees.side))),
        ("left", Tensor::U32(Arc::clone(&trees.left))),
        ("right", Tensor::U32(Arc::clone(&trees.right))),
        ("gain", Tensor::F64(Arc::clone(&trees.gain))),
        ("levels_left", Tensor::U32(Arc::clone(&trees.sets.words))),
        ("value", Tensor::F64(Arc::clone(&trees.value))),
        ("cover", Tensor::F64(Arc::clone(&trees.cover))),
        ("levels", Tensor::U32(Arc::new(levels().map(|levels| levels.len() as u32).collect()))),
        ("level_bin", Tensor::U32(Arc::new(named().map(|(_, bin)| u32::from(bin)).collect()))),
        ("level_bytes", Tensor::U32(Arc::new(named().map(|(name, _)| name.len() as u32).collect()))),
        ("level_text", Tensor::U8(Arc::new(named().flat_map(|(name, _)| name.bytes()).collect()))),
    ];
    let mut tensors: BTreeMap<String, Tensor> =
        tensors.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
    if !trees.sets.ends.is_empty() {
        tensors.insert(SET_ENDS.to_owned(), Tensor::U32(Arc::clone(&trees.sets.ends)));
    }
    Stored { facts: json!({ "link": model.link }), tensors }
}

/// Reads a tensor from its front; short ones are an error, and so is what is left over.
#[derive(Default)]
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

macro_rules! stored {
    ($stored:ident, $variant:ident, $name:literal) => {
        match $stored.tensors.get($name) {
            Some(Tensor::$variant(all)) => all,
            Some(_) => return Err(bad(concat!("`", $name, "` is not ", stringify!($variant)).to_owned())),
            None => return Err(bad(concat!("there is no `", $name, "`").to_owned())),
        }
    };
}

fn front<'a, T>(name: &'static str, all: &'a [T]) -> Front<'a, T> {
    Front { name, rest: all.iter() }
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

    let start = stored!(stored, F64, "start");
    let mut front_of_start = front("start", start);
    (0..width).try_for_each(|_| front_of_start.finite().map(drop))?;
    front_of_start.end()?;
    let set_ends = match stored.tensors.get(SET_ENDS) {
        Some(_) => Some(stored!(stored, U32, "set_ends")),
        None => None,
    };
    let trees = Packed {
        splits: Arc::clone(stored!(stored, U32, "splits")),
        feature: Arc::clone(stored!(stored, U32, "feature")),
        threshold: Arc::clone(stored!(stored, F64, "threshold")),
        side: Arc::clone(stored!(stored, U8, "side")),
        left: Arc::clone(stored!(stored, U32, "left")),
        right: Arc::clone(stored!(stored, U32, "right")),
        gain: Arc::clone(stored!(stored, F64, "gain")),
        sets: Sets {
            words: Arc::clone(stored!(stored, U32, "levels_left")),
            ends: set_ends.map(Arc::clone).unwrap_or_default(),
        },
        value: Arc::clone(stored!(stored, F64, "value")),
        cover: Arc::clone(stored!(stored, F64, "cover")),
    };
    if !trees.len().is_multiple_of(width) {
        return Err(bad(format!("{} trees are no rounds of {width}", trees.len())));
    }

    let read: BTreeSet<usize> = trees.feature.iter().map(|at| *at as usize).collect();
    let levels = LevelReader {
        count: front("levels", stored!(stored, U32, "levels")),
        bins: front("level_bin", stored!(stored, U32, "level_bin")),
        bytes: front("level_bytes", stored!(stored, U32, "level_bytes")),
        text: front("level_text", stored!(stored, U8, "level_text")),
    };
    let levels = levels.read(features, &read)?;
    let mut reader = Reader {
        features: features.iter().zip(&levels).collect(),
        feature: front("feature", &trees.feature),
        threshold: front("threshold", &trees.threshold),
        side: front("side", &trees.side),
        left: front("left", &trees.left),
        right: front("right", &trees.right),
        gain: front("gain", &trees.gain),
        sets: SetReader {
            words: front("levels_left", &trees.sets.words),
            ends: set_ends.map(|ends| front(SET_ENDS, ends)),
            ..SetReader::default()
        },
        value: front("value", &trees.value),
        cover: front("cover", &trees.cover),
    };
    trees.splits.iter().try_for_each(|splits| reader.tree(*splits as usize))?;
    reader.end()?;
    if let Some(name) = stored.tensors.keys().find(|name| !TENSORS.contains(&name.as_str()) && *name != SET_ENDS) {
        return Err(bad(format!("nothing is called `{name}`")));
    }
    // What it remembers to check by would take room beside the forest.
    drop(reader);
    let forest = Forest::new(&trees, &levels);
    Ok(Model { link, start: start.to_vec(), trees, levels, forest })
}

/// Reads every number of the trees once, and looks whether trees can be walked by it.
struct Reader<'a> {
    features: Vec<((&'a ColumnName, &'a Kind), &'a Option<Levels>)>,
    feature: Front<'a, u32>,
    threshold: Front<'a, f64>,
    side: Front<'a, u8>,
    left: Front<'a, u32>,
    right: Front<'a, u32>,
    gain: Front<'a, f64>,
    sets: SetReader<'a>,
    value: Front<'a, f64>,
    cover: Front<'a, f64>,
}

impl Reader<'_> {
    fn tree(&mut self, count: usize) -> Result<(), ModelError> {
        // Checked before anything is allocated for it.
        if count > self.feature.rest.len() || count >= self.value.rest.len() {
            return Err(bad("a tree has more splits than are stored".to_owned()));
        }
        let mut parents = (vec![0_u8; count], vec![0_u8; count + 1]);
        (0..count).try_for_each(|at| self.split(at, count, &mut parents))?;
        // Each but the first split, and each leaf, has one parent; the only leaf of a tree has none.
        let leaf_parents = u8::from(count > 0);
        let one = parents.0.iter().skip(1).all(|parents| *parents == 1);
        if !one || parents.1.iter().any(|parents| *parents != leaf_parents) {
            return Err(bad("a node of a tree has no parent, or two".to_owned()));
        }
        for _ in 0..=count {
            self.value.finite()?;
            let cover = self.cover.finite()?;
            if !(0.0..=COVER_MAX).contains(&cover) {
                return Err(bad(format!("a leaf has cover {cover:?}")));
            }
        }
        Ok(())
    }

    fn split(&mut self, at: usize, count: usize, (splits, leaves): &mut (Vec<u8>, Vec<u8>)) -> Result<(), ModelError> {
        let feature = self.feature.take()?;
        let Some(((name, kind), levels)) = self.features.get(feature as usize) else {
            return Err(bad(format!("a split is on feature {feature}, but there are {}", self.features.len())));
        };
        let (threshold, gain) = (self.threshold.finite()?, self.gain.finite()?);
        match (self.side.take()?, kind, levels) {
            (CATEGORY, Kind::Category, Some(levels)) => self.sets.set((name, feature), levels.unseen(), threshold)?,
            (0 | NULL_LEFT, Kind::Number | Kind::Integer | Kind::Boolean, _) => (),
            _ => return Err(bad(format!("a split does not suit `{name}`, a {}", kind.word()))),
        }
        for child in [self.left.take()?, self.right.take()?] {
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
        }
        if gain <= 0.0 {
            return Err(bad(format!("a split gains {gain:?}")));
        }
        Ok(())
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

/// Reads the sets of splits.
#[derive(Default)]
struct SetReader<'a> {
    words: Front<'a, u32>,
    /// Where each ends, if splits share them, and where the last one did that was read.
    ends: Option<Front<'a, u32>>,
    end: usize,
    /// The features of those that are shared; none is there twice.
    features: Vec<u32>,
    known: HashSet<(u32, &'a [u32])>,
    /// How many words it would take if each split had its own.
    of_splits: usize,
}

impl<'a> SetReader<'a> {
    /// The set of a split, by its number.
    fn set(&mut self, (name, feature): (&ColumnName, u32), last: u16, number: f64) -> Result<(), ModelError> {
        self.of_splits += own_words(last);
        let next = self.features.len();
        let length = match &mut self.ends {
            None if number == 0.0 => own_words(last),
            Some(_) if number == f64::from(number as u32) && (number as usize) < next => {
                return match self.features[number as usize] == feature {
                    true => Ok(()),
                    false => Err(bad(format!("a split of `{name}` has a set of another column"))),
                };
            }
            Some(ends) if number == next as f64 => {
                let (begin, end) = (self.end, ends.take()? as usize);
                self.end = end;
                end.checked_sub(begin).ok_or_else(|| bad(format!("`{SET_ENDS}` falls")))?
            }
            _ => return Err(bad(format!("a split of `{name}` has no set {number:?}"))),
        };
        let words = self.words.many(length)?;
        let set = BinSet::restored(words, last);
        let set = set.ok_or_else(|| bad(format!("a split sends levels of `{name}` left that there are not")))?;
        if self.ends.is_some() {
            if !set.is_shortest(last) || !self.known.insert((feature, words)) {
                return Err(bad(format!("a set of levels of `{name}` is longer than it need be, or there twice")));
            }
            self.features.push(feature);
        }
        Ok(())
    }

    fn end(&self) -> Result<(), ModelError> {
        self.words.end()?;
        let Some(ends) = &self.ends else { return Ok(()) };
        ends.end()?;
        if are_worth(self.end, self.features.len(), self.of_splits) {
            return Ok(());
        }
        Err(bad(format!("`{SET_ENDS}` is there, though sets are short enough without it")))
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
        let count = self.count.take()? as usize;
        let (bins, lengths) = (self.bins.many(count)?, self.bytes.many(count)?);
        let bytes = lengths.iter().fold(0_usize, |sum, length| sum.saturating_add(*length as usize));
        let mut text = self.text.many(bytes)?;
        let mut levels = Levels::with_capacity(count, bytes);
        for (bin, length) in bins.iter().zip(lengths) {
            let (level, rest) = text.split_at(*length as usize);
            text = rest;
            let level = std::str::from_utf8(level).map_err(|_| broken("are not UTF-8"))?;
            if levels.last().is_some_and(|last| last >= level) {
                return Err(broken("are not in order"));
            }
            let bin = u16::try_from(*bin).ok().filter(|bin| usize::from(*bin) < LEVELS_MAX);
            levels.push(level, bin.ok_or_else(|| broken("have too many bins"))?);
        }
        if count == 0 {
            return Err(broken("are none"));
        }
        levels.count = bins.iter().map(|bin| *bin as usize + 1).max().unwrap_or(0);
        Ok(levels)
    }
}
