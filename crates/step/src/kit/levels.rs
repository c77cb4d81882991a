//! Categories: the distinct strings of a column, counted in training and looked up when applied.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use evenstep_exact::frequency::Frequency;
use evenstep_table::{Coded, Column, Kind, NULL_BOOLEAN, NULL_CODE, NULL_INTEGER};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often each level occurs; None is null.
pub type Levels = Frequency<Option<Arc<str>>>;

/// The cells as levels: strings as they are, integers and booleans by their text.
///
/// # Panics
/// If the column has another type, which the plan excludes.
pub fn levels(column: &Column) -> Cow<'_, Coded> {
    match column {
        Column::Category(coded) | Column::Text(coded) => Cow::Borrowed(coded),
        Column::Integer(cells) => {
            let (mut codes_of, mut values) = (FxHashMap::default(), Vec::new());
            let code = |cell: &i64| {
                if *cell == NULL_INTEGER {
                    return NULL_CODE;
                }
                *codes_of.entry(*cell).or_insert_with(|| {
                    values.push(Arc::from(cell.to_string()));
                    values.len() as u32 - 1
                })
            };
            let codes = cells.iter().map(code).collect();
            Cow::Owned(Coded { values: Arc::new(values), codes })
        }
        Column::Boolean(cells) => {
            let code = |cell: &u8| if *cell == NULL_BOOLEAN { NULL_CODE } else { u32::from(*cell) };
            let values = Arc::new(vec![Arc::from("false"), Arc::from("true")]);
            Cow::Owned(Coded { values, codes: cells.iter().map(code).collect() })
        }
        other => panic!("a column of type {} has no levels", other.kind().word()),
    }
}

/// Counts each level, and null.
pub fn count_levels(coded: &Coded, seen: &mut Levels) {
    let mut counts = vec![0; coded.values.len() + 1];
    for code in &coded.codes {
        counts[(*code as usize).min(coded.values.len())] += 1;
    }
    let levels = coded.values.iter().map(|value| Some(value.clone())).chain([None]);
    for (level, count) in levels.zip(counts) {
        seen.observe_n(level, count);
    }
}

/// For each row what `of` gives for its string, asked once for each string that occurs.
pub fn look_up<T: Copy>(coded: &Coded, null: T, mut of: impl FnMut(&Arc<str>) -> T) -> Vec<T> {
    let mut known: Vec<Option<T>> = vec![None; coded.values.len()];
    let cell = |code: &u32| match known.get_mut(*code as usize) {
        Some(known) => *known.get_or_insert_with(|| of(&coded.values[*code as usize])),
        None => null,
    };
    coded.codes.iter().map(cell).collect()
}

/// The rows with each string replaced; null stays null.
pub fn recode(coded: &Coded, mut of: impl FnMut(&Arc<str>) -> Arc<str>) -> Coded {
    let (mut codes_of, mut values) = (FxHashMap::default(), Vec::new());
    let codes = look_up(coded, NULL_CODE, |value| {
        let value = of(value);
        *codes_of.entry(value.clone()).or_insert_with(|| {
            values.push(value);
            values.len() as u32 - 1
        })
    });
    Coded { values: Arc::new(values), codes }
}

/// What was learned of each level. Written in the order of the levels; looked up by a hash that
/// nobody who writes the levels can foresee.
#[derive(Clone, Debug)]
pub struct Dictionary<T>(HashMap<Arc<str>, T>);

impl<T> Dictionary<T> {
    /// What was learned of the level, if training saw it.
    pub fn get(&self, level: &str) -> Option<&T> {
        self.0.get(level)
    }

    /// How many levels there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether `holds` is true for what was learned of each level.
    pub fn all(&self, holds: impl FnMut(&T) -> bool) -> bool {
        self.0.values().all(holds)
    }
}

impl<T> FromIterator<(Arc<str>, T)> for Dictionary<T> {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, T)>>(levels: I) -> Dictionary<T> {
        Dictionary(levels.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Dictionary<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Dictionary<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dictionary<T>, D::Error> {
        HashMap::deserialize(deserializer).map(Dictionary)
    }
}

/// Some of the levels. Written and looked up as those of a [`Dictionary`] are.
#[derive(Clone, Debug)]
pub struct LevelSet(HashSet<Arc<str>>);

impl LevelSet {
    /// Whether the level is one of them.
    pub fn contains(&self, level: &str) -> bool {
        self.0.contains(level)
    }
}

impl FromIterator<Arc<str>> for LevelSet {
    fn from_iter<I: IntoIterator<Item = Arc<str>>>(levels: I) -> LevelSet {
        LevelSet(levels.into_iter().collect())
    }
}

impl Serialize for LevelSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.iter().collect::<BTreeSet<_>>().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LevelSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LevelSet, D::Error> {
        HashSet::deserialize(deserializer).map(LevelSet)
    }
}

/// The types whose columns have levels, in words.
pub const WITH_LEVELS: &str = "categories, texts, integers and booleans";

/// Whether a column of that type has levels.
pub fn has_levels(kind: Kind) -> bool {
    matches!(kind, Kind::Category | Kind::Text | Kind::Integer | Kind::Boolean)
}
