//! Bundles that somebody changed who knows the format: parts that contradict each other, sealed anew with every
//! size, hash and digest right.

use std::collections::BTreeMap;

use evenstep_exact::canonical::canonical_json;
use serde_json::{Value, json};

use crate::dice::{Dice, change, changed_json};

/// The members of a bundle, by name.
pub(crate) type Members = BTreeMap<String, Vec<u8>>;

/// What holds a model's numbers.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// A bundle with some changes, and in words what was done.
pub(crate) fn mutant(base: &Members, dice: &mut Dice<'_>) -> (Vec<u8>, String) {
    let mut members = base.clone();
    let mut told = Vec::new();
    for _ in 0..=dice.below(2) {
        told.push(match dice.below(10) {
            0..5 => change_tensors(&mut members, dice),
            5 => lie_about_tensors(&mut members, dice),
            6..9 => change_member(&mut members, dice),
            _ => exchange_members(&mut members, dice),
        });
    }
    (sealed(members), told.join(", "))
}

/// The bundle of these members, with the identity that they have now.
pub(crate) fn sealed(mut members: Members) -> Vec<u8> {
    let mut borrowed = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    if let Ok(artifact) = evenstep_bundle::artifact(&mut borrowed) {
        let identity = canonical_json(&artifact.identity());
        members.insert("identity.json".to_owned(), identity);
    }
    evenstep_bundle::seal(members).expect("it is small")
}

/// Members of which JSON is read.
const JSON: [&str; 8] = [
    "artifact.json",
    "contract.json",
    "evaluation.json",
    "golden.json",
    "model.json",
    "profile.json",
    "spec.json",
    "steps.json",
];

fn change_member(members: &mut Members, dice: &mut Dice<'_>) -> String {
    let name = *dice.of(&JSON);
    let Some(bytes) = members.get_mut(name) else { return format!("no {name}") };
    if dice.below(8) == 0 {
        // Deeper than any stack, longer than anything that was measured.
        let open = *dice.of(&["[", "{\"a\":", "[0,", "\"\\u0000\",", "1e"]);
        let at = dice.below(bytes.len());
        bytes.splice(at..at, open.repeat(1 << dice.below(14)).into_bytes());
        return format!("{name} with `{open}` again and again");
    }
    if let Some(changed) = changed_json(bytes, dice) {
        *bytes = changed;
    }
    format!("{name} changed")
}

fn exchange_members(members: &mut Members, dice: &mut Dice<'_>) -> String {
    let names: Vec<String> = members.keys().cloned().collect();
    let (one, other) = (dice.of(&names).clone(), dice.of(&names).clone());
    match dice.below(4) {
        0 => drop(members.remove(&one)),
        1 => drop(members.insert(one.clone(), Vec::new())),
        2 => drop(members.insert(one.clone(), members[&other].clone())),
        _ => drop(members.insert(format!("x{one}"), members[&one].clone())),
    }
    format!("{one} gone, empty, {other}, or twice")
}

/// One tensor: its name, its type and its bytes.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) bytes: Vec<u8>,
}

impl Raw {
    /// How many bytes a cell takes.
    fn width(&self) -> usize {
        match self.dtype.as_str() {
            "F64" | "I64" | "U64" => 8,
            "U32" | "F32" | "I32" => 4,
            "U8" | "BOOL" => 1,
            _ => 2,
        }
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.width()
    }
}

/// The tensors of a file that is sound.
pub(crate) fn read_tensors(bytes: &[u8]) -> Vec<Raw> {
    let length = u64::from_le_bytes(*bytes.first_chunk().expect("a length comes first")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("it is JSON");
    let header = header.as_object().expect("it is an object");
    let tensor = |(name, told): (&String, &Value)| {
        let offset = |at: usize| 8 + length + told["data_offsets"][at].as_u64().expect("an offset") as usize;
        let dtype = told["dtype"].as_str().expect("a type").to_owned();
        Raw { name: name.clone(), dtype, bytes: bytes[offset(0)..offset(1)].to_owned() }
    };
    header.iter().filter(|(name, _)| *name != "__metadata__").map(tensor).collect()
}

/// Tensors as a file, each after the other, with a header that may be changed.
pub(crate) fn write_tensors(tensors: &[Raw], lie: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut tensors: Vec<&Raw> = tensors.iter().collect();
    tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.width()));
    let (mut header, mut at) = (json!({}), 0);
    for tensor in &tensors {
        let end = at + tensor.bytes.len();
        header[&tensor.name] = json!({ "dtype": tensor.dtype, "shape": [tensor.len()], "data_offsets": [at, end] });
        at = end;
    }
    lie(&mut header);
    let mut header = header.to_string();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.into_bytes());
    tensors.iter().for_each(|tensor| bytes.extend_from_slice(&tensor.bytes));
    bytes
}

fn change_tensors(members: &mut Members, dice: &mut Dice<'_>) -> String {
    let mut tensors = read_tensors_or_none(members);
    if tensors.is_empty() {
        return "no tensors".to_owned();
    }
    let mut told = Vec::new();
    for _ in 0..=dice.below(3) {
        let at = dice.below(tensors.len());
        let (name, width, len) = (tensors[at].name.clone(), tensors[at].width(), tensors[at].len());
        let tensor = &mut tensors[at];
        told.push(format!(
            "{name} {}",
            match dice.below(12) {
                0..4 if len > 0 => {
                    let (cell, value) = (dice.below(len), interesting(dice, len));
                    tensor.bytes[cell * width..][..width].copy_from_slice(&value[..width]);
                    format!("[{cell}] = {value:?}")
                }
                // A node with two parents, a level twice, a circle.
                4..6 if len > 0 => {
                    let (from, to) = (dice.below(len), dice.below(len));
                    tensor.bytes.copy_within(from * width..(from + 1) * width, to * width);
                    format!("[{to}] = [{from}]")
                }
                6 if len > 0 => {
                    let (from, to) = (dice.below(len), dice.below(len));
                    for byte in 0..width {
                        tensor.bytes.swap(from * width + byte, to * width + byte);
                    }
                    format!("[{from}] and [{to}] exchanged")
                }
                7 => {
                    tensor.bytes.truncate(dice.below(len + 1) * width);
                    "cut".to_owned()
                }
                8 => {
                    let cell = interesting(dice, len);
                    tensor.bytes.extend_from_slice(&cell[..width]);
                    "longer".to_owned()
                }
                9 => {
                    let again = 1 << dice.below(8);
                    tensor.bytes = tensor.bytes.repeat(again);
                    format!("{again} times")
                }
                10 => {
                    tensor.dtype = (*dice.of(&["F64", "I64", "U32", "U8", "F32", "BF16", "BOOL"])).to_owned();
                    format!("as {}", tensor.dtype)
                }
                _ => {
                    tensors.remove(at);
                    if tensors.is_empty() {
                        return "no tensors".to_owned();
                    }
                    "gone".to_owned()
                }
            }
        ));
    }
    members.insert(WEIGHTS.to_owned(), write_tensors(&tensors, |_| ()));
    told.join(", ")
}

fn read_tensors_or_none(members: &Members) -> Vec<Raw> {
    // An earlier change may have put another member there.
    let readable = members.get(WEIGHTS).filter(|bytes| safetensors::SafeTensors::deserialize(bytes).is_ok());
    readable.map(|bytes| read_tensors(bytes)).unwrap_or_default()
}

/// The bytes of a number that counts, points or measures wrongly.
fn interesting(dice: &mut Dice<'_>, len: usize) -> [u8; 8] {
    let near = (len as u64).wrapping_add(dice.below(3) as u64).wrapping_sub(1);
    let numbers = [
        0,
        1,
        2,
        near,
        1 << 31,
        (1 << 31) | near,
        u64::from(u32::MAX),
        u64::MAX,
        u64::MAX / 8 + 1,
        1 << 61,
        dice.below(len) as u64,
    ];
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e308, -1e308, f64::MIN_POSITIVE, 5e-324, -1.0];
    if dice.below(2) == 0 { dice.of(&numbers).to_le_bytes() } else { dice.of(&floats).to_le_bytes() }
}

/// Tensors that overlap, leave gaps, or are of another shape than they say.
fn lie_about_tensors(members: &mut Members, dice: &mut Dice<'_>) -> String {
    let tensors = read_tensors_or_none(members);
    if tensors.is_empty() {
        return "no tensors".to_owned();
    }
    let one = dice.of(&tensors).name.clone();
    let other = dice.of(&tensors).name.clone();
    let mut told = String::new();
    let mut bytes = write_tensors(&tensors, |header| {
        told = match dice.below(7) {
            0 => {
                header[&one]["data_offsets"] = header[&other]["data_offsets"].clone();
                format!("{one} where {other} is")
            }
            1 => {
                let shapes = [
                    json!([u64::MAX, 2]),
                    json!([1_u64 << 61]),
                    json!([0]),
                    json!([]),
                    json!([2, 1_u64 << 31, 1_u64 << 31]),
                ];
                header[&one]["shape"] = dice.of(&shapes).clone();
                format!("{one} of shape {}", header[&one]["shape"])
            }
            2 => {
                let offsets = [
                    json!([0, u64::MAX]),
                    json!([u64::MAX, 0]),
                    json!([8, 0]),
                    json!([-1, 8]),
                    json!([1_u64 << 40, 1_u64 << 41]),
                ];
                header[&one]["data_offsets"] = dice.of(&offsets).clone();
                format!("{one} at {}", header[&one]["data_offsets"])
            }
            3 => {
                header["__metadata__"] = json!({ "a": "b".repeat(1 << dice.below(12)) });
                "metadata".to_owned()
            }
            4 => {
                header[format!("{one}2")] = header[&one].clone();
                format!("{one} twice")
            }
            _ => {
                change(header, dice);
                "another header".to_owned()
            }
        };
    });
    if dice.below(6) == 0 {
        let lengths = [u64::MAX, 1 << 40, 0, 1, bytes.len() as u64, 100_000_001];
        bytes[..8].copy_from_slice(&dice.of(&lengths).to_le_bytes());
        told.push_str(", a header of another length");
    }
    members.insert(WEIGHTS.to_owned(), bytes);
    told
}

/// A bundle of trees with its trees so many times.
pub(crate) fn many_times(base: &Members, times: usize) -> Vec<u8> {
    let mut members = base.clone();
    let mut tensors = read_tensors(&members[WEIGHTS]);
    let of_all = |name: &str| name == "start" || name == "levels" || name.starts_with("level_");
    for tensor in tensors.iter_mut().filter(|tensor| !of_all(&tensor.name)) {
        tensor.bytes = tensor.bytes.repeat(times);
    }
    members.insert(WEIGHTS.to_owned(), write_tensors(&tensors, |_| ()));
    sealed(members)
}

/// Marks a child that is a leaf.
const LEAF: u32 = 1 << 31;

/// Bundles as large as may be, of trees of one shape: those of which a reader makes most. The other base has levels.
pub(crate) fn shapes(base: &Members, of_levels: &Members) -> Vec<(&'static str, Vec<u8>)> {
    let chain = |splits: u32| move |at| [LEAF | at, if at + 1 == splits { LEAF | splits } else { at + 1 }];
    let full = |splits: u32| {
        let child = move |child| if child < splits { child } else { LEAF | (child - splits) };
        move |at| [child(2 * at + 1), child(2 * at + 2)]
    };
    vec![
        ("a tree 20,000 deep", trees(base, 1, 20_000, chain(20_000))),
        ("a tree as broad as may be", trees(base, 1, 65_535, full(65_535))),
        ("100,000 trees of one leaf", trees(base, 100_000, 0, full(0))),
        ("50,000 trees of one split", trees(base, 50_000, 1, full(1))),
        ("5,000 trees of 31 splits", trees(base, 5_000, 31, full(31))),
        ("1,000 trees of 255 splits", trees(base, 1_000, 255, full(255))),
        ("a category of 100,000 levels", sealed(levels(of_levels, 100_000, None))),
        ("30,000 sets of a category of 10,000 levels", sets(of_levels, 10_000, 30_000, full(30_000))),
        ("20,000 tensors without a cell", empty_tensors(base, 20_000)),
    ]
}

/// A bundle of so many trees on one number, each of so many splits with the children that they are given.
fn trees(base: &Members, trees: usize, splits: u32, children: impl Fn(u32) -> [u32; 2]) -> Vec<u8> {
    let mut members = base.clone();
    let mut tensors = read_tensors(&members[WEIGHTS]);
    let number = tensors.iter().find(|tensor| tensor.name == "side").expect("trees have sides");
    let number = number.bytes.iter().position(|side| *side < 2).expect("a split is on a number");
    let feature = tensors.iter().find(|tensor| tensor.name == "feature").expect("trees have features");
    let feature: [u8; 4] = *feature.bytes[4 * number..].first_chunk().expect("each split has a feature");
    for tensor in &mut tensors {
        let each = || 0..splits;
        let of_one: Vec<u8> = match tensor.name.as_str() {
            "splits" => splits.to_le_bytes().to_vec(),
            "feature" => each().flat_map(|_| feature).collect(),
            // So few that a byte tells which.
            "threshold" => each().flat_map(|at| f64::from(at % 250).to_le_bytes()).collect(),
            "side" => vec![0; splits as usize],
            "left" => each().flat_map(|at| children(at)[0].to_le_bytes()).collect(),
            "right" => each().flat_map(|at| children(at)[1].to_le_bytes()).collect(),
            "gain" => each().flat_map(|_| 1.0_f64.to_le_bytes()).collect(),
            "value" | "cover" => (0..=splits).flat_map(|_| 1.0_f64.to_le_bytes()).collect(),
            "start" => {
                continue;
            }
            _ => Vec::new(),
        };
        tensor.bytes = of_one.repeat(trees);
    }
    members.insert(WEIGHTS.to_owned(), write_tensors(&tensors, |_| ()));
    sealed(members)
}

/// A bundle with so many tensors more, of which none holds anything.
fn empty_tensors(base: &Members, count: u32) -> Vec<u8> {
    let mut members = base.clone();
    let mut tensors = read_tensors(&members[WEIGHTS]);
    tensors.extend((0..count).map(|at| Raw { name: format!("t{at}"), dtype: "U8".to_owned(), bytes: Vec::new() }));
    members.insert(WEIGHTS.to_owned(), write_tensors(&tensors, |_| ()));
    sealed(members)
}

/// A bundle of one tree on a category of so many levels, each of whose splits sends two levels of its own left.
fn sets(base: &Members, count: u32, splits: u32, children: impl Fn(u32) -> [u32; 2]) -> Vec<u8> {
    let mut members = levels(base, count, Some(count));
    let mut tensors = read_tensors(&members[WEIGHTS]);
    let side = tensors.iter().find(|tensor| tensor.name == "side").expect("trees have sides");
    let category = side.bytes.iter().position(|side| *side == 2).expect("a split is on a category");
    let feature = tensors.iter().find(|tensor| tensor.name == "feature").expect("trees have features");
    let feature: [u8; 4] = *feature.bytes[4 * category..].first_chunk().expect("each split has a feature");
    let pair = |at: u32| [at % (count - 20), at % (count - 20) + 1 + at / (count - 20)];
    let each = || 0..splits;
    let words = |of: &dyn Fn(u32) -> Vec<u32>| each().flat_map(of).flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    let ones = |count: u32| (0..count).flat_map(|_| 1.0_f64.to_le_bytes()).collect::<Vec<u8>>();
    for tensor in &mut tensors {
        tensor.bytes = match tensor.name.as_str() {
            "splits" => splits.to_le_bytes().to_vec(),
            "feature" => feature.repeat(splits as usize),
            "threshold" => each().flat_map(|at| f64::from(at).to_le_bytes()).collect(),
            "side" => vec![2; splits as usize],
            "left" => words(&|at| vec![children(at)[0]]),
            "right" => words(&|at| vec![children(at)[1]]),
            "gain" => ones(splits),
            "value" | "cover" => ones(splits + 1),
            "levels_left" => words(&|at| vec![0, pair(at)[0], pair(at)[1]]),
            _ => continue,
        };
    }
    let ends = words(&|at| vec![3 * (at + 1)]);
    tensors.push(Raw { name: "set_ends".to_owned(), dtype: "U32".to_owned(), bytes: ends });
    members.insert(WEIGHTS.to_owned(), write_tensors(&tensors, |_| ()));
    sealed(members)
}

/// Members of a bundle of trees whose first category has so many levels, in as many bins as before if not told.
fn levels(base: &Members, count: u32, bins: Option<u32>) -> Members {
    let mut members = base.clone();
    let mut tensors = read_tensors(&members[WEIGHTS]);
    let tensor = |name: &str| tensors.iter().position(|tensor| tensor.name == name).expect("trees have levels");
    let [levels, bin, bytes, text] = ["levels", "level_bin", "level_bytes", "level_text"].map(tensor);
    let cell = |at: usize, cell: usize| {
        u32::from_le_bytes(*tensors[at].bytes[4 * cell..].first_chunk().expect("a cell has four bytes"))
    };
    let before = cell(levels, 0) as usize;
    let bins_before = (0..before).map(|level| cell(bin, level)).max().expect("a category has levels") + 1;
    let bins = bins.unwrap_or(bins_before);
    let text_before: u32 = (0..before).map(|level| cell(bytes, level)).sum();
    let mut exchange = |at: usize, taken: usize, new: Vec<u8>| drop(tensors[at].bytes.splice(..taken, new));
    exchange(levels, 4, count.to_le_bytes().to_vec());
    exchange(bin, 4 * before, (0..count).flat_map(|level| (level % bins).to_le_bytes()).collect());
    exchange(bytes, 4 * before, (0..count).flat_map(|_| 6_u32.to_le_bytes()).collect());
    exchange(text, text_before as usize, (0..count).flat_map(|level| format!("{level:06}").into_bytes()).collect());
    members.insert(WEIGHTS.to_owned(), write_tensors(&tensors, |_| ()));
    members
}

/// Bundles with a list of JSON that goes on and on: each list of a member, with each of some items.
pub(crate) fn long_lists(base: &Members, items: usize) -> Vec<(String, Vec<u8>)> {
    let mut bundles = Vec::new();
    for name in JSON {
        let Ok(value) = serde_json::from_slice::<Value>(&base[name]) else { continue };
        for place in 0.. {
            let mut found = false;
            for item in [None, Some(json!(0)), Some(json!("")), Some(json!("a")), Some(json!([])), Some(json!(null))] {
                let (mut value, mut left) = (value.clone(), place);
                found = lengthen(&mut value, &mut left, items, item.as_ref());
                let mut members = base.clone();
                members.insert(name.to_owned(), canonical_json(&value));
                bundles.push((format!("list {place} of {name} with {item:?} again and again"), sealed(members)));
            }
            if !found {
                break;
            }
        }
    }
    bundles
}

/// Adds items to the list at a place, counted from the front; without one, its own last one again. Says whether there is such a list.
fn lengthen(value: &mut Value, left: &mut usize, items: usize, item: Option<&Value>) -> bool {
    match value {
        Value::Array(list) => {
            if *left == 0 {
                let item = item.or(list.last()).cloned().unwrap_or_default();
                list.resize(list.len() + items, item);
                return true;
            }
            *left -= 1;
            list.iter_mut().any(|value| lengthen(value, left, items, item))
        }
        Value::Object(members) => members.values_mut().any(|value| lengthen(value, left, items, item)),
        _ => false,
    }
}
