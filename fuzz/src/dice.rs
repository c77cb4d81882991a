//! What mutations are drawn from: the same for the same round, on any host.

use evenstep_exact::draw::Draws;
use serde_json::{Value, json};

/// Random numbers of one mutation, one after the other.
pub(crate) struct Dice<'a> {
    draws: &'a Draws,
    round: u64,
    next: u64,
}

impl<'a> Dice<'a> {
    /// Those of one round.
    pub(crate) fn new(draws: &'a Draws, round: u64) -> Dice<'a> {
        Dice { draws, round, next: 0 }
    }

    /// A number below `n`, which is 1 at least.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.next += 1;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.round.to_le_bytes());
        key[8..].copy_from_slice(&self.next.to_le_bytes());
        self.draws.below(&key, n.max(1) as u64) as usize
    }

    /// One of them.
    pub(crate) fn of<'b, T>(&mut self, items: &'b [T]) -> &'b T {
        &items[self.below(items.len())]
    }

    /// A range of at most so many bytes.
    pub(crate) fn range(&mut self, bytes: &[u8], longest: usize) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        start..(start + self.below(longest)).min(bytes.len())
    }
}

/// The same with one value of its JSON exchanged, doubled or left out, if it is JSON; a first line that isn't is kept.
pub(crate) fn changed_json(bytes: &[u8], dice: &mut Dice<'_>) -> Option<Vec<u8>> {
    let start =
        if matches!(bytes.first(), Some(b'{' | b'[')) { 0 } else { bytes.iter().position(|b| *b == b'\n')? + 1 };
    let mut value: Value = serde_json::from_slice(&bytes[start..]).ok()?;
    for _ in 0..=dice.below(2) {
        change(&mut value, dice);
    }
    let mut changed = bytes[..start].to_owned();
    changed.extend(value.to_string().into_bytes());
    Some(changed)
}

/// Changes one value somewhere within.
pub(crate) fn change(value: &mut Value, dice: &mut Dice<'_>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = dice.below(items.len());
            match dice.below(12) {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                2 => items.clear(),
                _ => change(&mut items[at], dice),
            }
        }
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(dice.below(members.len())).expect("there are so many").clone();
            match dice.below(12) {
                0 => drop(members.remove(&name)),
                1 => {
                    let same = members[&name].clone();
                    let other = members.keys().nth(dice.below(members.len())).expect("there are so many").clone();
                    members.insert(other, same);
                }
                2 => drop(members.insert("é".to_owned(), json!(1))),
                _ => change(members.get_mut(&name).expect("it is there"), dice),
            }
        }
        other => {
            let numbers = [json!(-1), json!(0), json!(1), json!(u64::MAX), json!(i64::MIN), json!(1e308), json!(0.5)];
            let others = [json!(null), json!(""), json!("é\0"), json!([]), json!({}), json!(true), json!("2024-02-30")];
            *other = if dice.below(3) > 0 { dice.of(&numbers).clone() } else { dice.of(&others).clone() };
        }
    }
}
