//! Categories: the distinct strings of a column, counted in training and looked up when applied.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use evenstep_exact::frequency::Frequency;
use evenstep_table::strings::Gathered;
use evenstep_table::{Coded, Column, Kind, NULL_BOOLEAN, NULL_CODE, NULL_INTEGER, Strings};
use serde::de::{Error, MapAccess, Visitor};
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
            // Its hash has a secret: whoever asks a server chooses these integers.
            let (mut codes_of, mut values) = (HashMap::new(), Vec::new());
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
    let levels = coded.values.iter().map(|value| Some(value.clone())).chain([None]);
    for (level, count) in levels.zip(coded.counts()) {
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

/// What was learned of each level, in the order of the levels.
#[derive(Clone, Debug)]
pub struct Dictionary<T> {
    levels: Strings,
    learned: Vec<T>,
}

impl<T> Dictionary<T> {
    /// What was learned of the level, if training saw it.
    pub fn get(&self, level: &str) -> Option<&T> {
        self.levels.position(level).map(|at| &self.learned[at])
    }

    /// How many levels there are.
    pub fn count(&self) -> usize {
        self.learned.len()
    }

    /// Whether `holds` is true for what was learned of each level.
    pub fn all(&self, holds: impl FnMut(&T) -> bool) -> bool {
        self.learned.iter().all(holds)
    }

    /// Of levels as they came.
    fn of(levels: Gathered, mut learned: Vec<T>, order: &[u32]) -> Dictionary<T> {
        if !order.is_sorted() || order.len() < learned.len() {
            let mut taken: Vec<Option<T>> = learned.into_iter().map(Some).collect();
            learned = order.iter().filter_map(|at| taken[*at as usize].take()).collect();
        }
        learned.shrink_to_fit();
        Dictionary { levels: levels.sorted(order), learned }
    }
}

impl<T> FromIterator<(Arc<str>, T)> for Dictionary<T> {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, T)>>(pairs: I) -> Dictionary<T> {
        let (mut levels, mut learned) = (Gathered::default(), Vec::new());
        for (level, of_level) in pairs {
            levels.push(&level);
            learned.push(of_level);
        }
        let order = levels.order();
        Dictionary::of(levels, learned, &order)
    }
}

impl<T: Serialize> Serialize for Dictionary<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.levels.iter().zip(&self.learned))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Dictionary<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dictionary<T>, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = (Gathered, Vec<T>);

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what was learned of each level")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut levels, mut learned) = (Gathered::default(), Vec::new());
                while map.next_key_seed(&mut levels)?.is_some() {
                    learned.push(map.next_value()?);
                }
                Ok((levels, learned))
            }
        }
        let (levels, learned) = deserializer.deserialize_map(Pairs(PhantomData))?;
        let order = levels.distinct_order().map_err(D::Error::custom)?;
        Ok(Dictionary::of(levels, learned, &order))
    }
}

/// The types whose columns have levels, in words.
pub const WITH_LEVELS: &str = "categories, texts, integers and booleans";

/// Whether a column of that type has levels.
pub fn has_levels(kind: Kind) -> bool {
    matches!(kind, Kind::Category | Kind::Text | Kind::Integer | Kind::Boolean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that a hash by a known factor would put one behind the other: with it this takes minutes.
    #[test]
    fn integers_chosen_for_equal_hashes_are_told_apart() {
        const FACTOR: i64 = 0xf135_7aea_2e62_a9c5_u64 as i64;
        let inverse = (0..6).fold(1_i64, |x, _| x.wrapping_mul(2_i64.wrapping_sub(FACTOR.wrapping_mul(x))));
        let chosen: Vec<i64> = (0..1 << 18).map(|hash| inverse.wrapping_mul(hash)).collect();
        assert_eq!(levels(&Column::Integer(chosen)).values.len(), 1 << 18);
    }
}
