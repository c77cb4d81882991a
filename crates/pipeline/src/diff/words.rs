//! Values and changes in words.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use evenstep_table::some_of;
use serde_json::Value;

/// Longer values are cut.
const LONGEST: usize = 60;
/// So many values of an object are told.
const LEAVES_TOLD: usize = 3;
/// So many items of a list that the other side doesn't have.
const ITEMS_TOLD: usize = 5;
/// So many are counted.
const LEAVES_COUNTED: usize = 1000;

/// A text as it is shown: between quotes, if it has signs that nobody would see, such as blanks at an end and accents that
/// stand apart from their letters.
pub fn visible(text: &str) -> Cow<'_, str> {
    let quoted = format!("{text:?}");
    let hides = text.trim() != text || quoted.len() != text.len() + 2;
    if hides { Cow::Owned(quoted) } else { Cow::Borrowed(text) }
}

/// A value as it is told.
pub(crate) fn word(value: Option<&Value>) -> String {
    cut(whole(value))
}

fn whole(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not set".to_owned(),
        Some(Value::String(text)) => format!("`{}`", visible(text)),
        Some(other) => other.to_string(),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// `a` in A and `b` in B.
pub(crate) fn both(a: Option<&Value>, b: Option<&Value>) -> String {
    format!("{} in A and {} in B", word(a), word(b))
}

/// How what is called so differs: by what it is in A and in B, or, of values that are too long for that, by where they differ.
pub(crate) fn differs(what: &str, a: Option<&Value>, b: Option<&Value>) -> String {
    let is_long = |value: Option<&Value>| whole(value).chars().count() > LONGEST;
    if !is_long(a) && !is_long(b) {
        return format!("{what} is {}", both(a, b));
    }
    match (a, b) {
        (Some(Value::Array(x)), Some(Value::Array(y))) => {
            let only = |x: &[Value], y: &[Value], side: &str| {
                let others: HashSet<Value> = y.iter().map(unified).collect();
                let mut lone = x.iter().filter(|item| !others.contains(&unified(item))).peekable();
                lone.peek()?;
                Some(format!("{} in {side} only", some_of(lone.map(|item| word(Some(item))), ITEMS_TOLD, ", ")))
            };
            let told: Vec<String> = only(x, y, "A").into_iter().chain(only(y, x, "B")).collect();
            match told.is_empty() {
                true => format!("{what} has the same in another order, or not as often"),
                false => format!("{what} has {}", told.join("; ")),
            }
        }
        (Some(x @ Value::Object(_)), Some(y @ Value::Object(_))) => {
            format!("{what} differs: {}", some_leaves(x, y, LEAVES_TOLD).unwrap_or_default())
        }
        (Some(Value::String(x)), Some(Value::String(y))) => {
            let same = x.chars().zip(y.chars()).take_while(|(x, y)| x == y).count();
            let around = |text: &str| {
                let from = same.saturating_sub(LONGEST / 3);
                let rest: String = text.chars().skip(from).collect();
                let begins = if from > 0 { "…" } else { "" };
                format!("`{}`", cut(visible(&format!("{begins}{rest}")).into_owned()))
            };
            format!("{what} is {} in A and {} in B", around(x), around(y))
        }
        _ => format!("{what} is {}", both(a, b)),
    }
}

/// The entries of two objects that differ, by key.
pub(crate) fn entries<'a>(
    a: Option<&'a Value>,
    b: Option<&'a Value>,
) -> Vec<(&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let keys = |value: Option<&'a Value>| value.and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    let mut names: Vec<&str> = keys(a).chain(keys(b)).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let get = |value: Option<&'a Value>, name: &str| value.and_then(|value| value.get(name));
    names.into_iter().map(|name| (name, get(a, name), get(b, name))).filter(|(_, a, b)| !same(*a, *b)).collect()
}

/// Whether two values are one: null is not to be there, and 1.0 is 1, as a bundle's parts have it.
pub(crate) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    fn equal(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() => a.as_f64() == b.as_f64(),
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
            }
            _ => a == b,
        }
    }
    let there = |value: &&Value| !value.is_null();
    match (a.filter(there), b.filter(there)) {
        (Some(a), Some(b)) => equal(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The value with each whole number in one form, so that values that are the same are equal, and hash alike.
fn unified(value: &Value) -> Value {
    // Beyond that a number and an integer that are called the same may be two.
    const EXACT: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64().filter(|x| x.fract() == 0.0) {
            Some(whole) if whole.abs() <= EXACT => Value::from(whole as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(unified).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), unified(value))).collect(),
        _ => value.clone(),
    }
}

/// Parts that have names of their own, in which order they stand; none, if one has none or shares it.
fn named(parts: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    fn name(part: &Value) -> Option<&str> {
        ["name", "metric", "by"].iter().find_map(|key| part.get(key)?.as_str())
    }
    let named: BTreeMap<&str, &Value> = parts.iter().map(|part| Some((name(part)?, part))).collect::<Option<_>>()?;
    (named.len() == parts.len()).then_some(named)
}

/// Some of the leaves of two values that differ, and how many more there are; None if nothing does.
pub(crate) fn some_leaves(a: &Value, b: &Value, told: usize) -> Option<String> {
    let all = leaves(a, b, LEAVES_COUNTED);
    (!all.is_empty()).then(|| match all.len() {
        LEAVES_COUNTED => format!("{}; and many more", all[..told].join("; ")),
        _ => some_of(all, told, "; "),
    })
}

/// The leaves of two values that differ, each with the path to it; so many at most.
pub(crate) fn leaves(a: &Value, b: &Value, most: usize) -> Vec<String> {
    fn told(path: &str, a: Option<&Value>, b: Option<&Value>) -> String {
        differs(if path.is_empty() { "it" } else { path }, a, b)
    }
    fn walk(path: &str, a: Option<&Value>, b: Option<&Value>, most: usize, found: &mut Vec<String>) {
        if found.len() >= most || same(a, b) {
            return;
        }
        let join =
            |key: &str| if path.is_empty() { visible(key).into_owned() } else { format!("{path} {}", visible(key)) };
        match (a, b) {
            (Some(Value::Object(_)), Some(Value::Object(_))) => {
                entries(a, b).into_iter().for_each(|(key, a, b)| walk(&join(key), a, b, most, found));
            }
            (Some(Value::Array(x)), Some(Value::Array(y))) => match (named(x), named(y)) {
                (Some(x), Some(y)) if !x.is_empty() && !y.is_empty() => {
                    let names: BTreeSet<&str> = x.keys().chain(y.keys()).copied().collect();
                    for name in names {
                        let path = join(&format!("`{}`", visible(name)));
                        match (x.get(name).copied(), y.get(name).copied()) {
                            (Some(a), Some(b)) => walk(&path, Some(a), Some(b), most, found),
                            (a, _) if found.len() < most => {
                                found.push(format!("{path} is in {} only", if a.is_some() { "A" } else { "B" }));
                            }
                            _ => {}
                        }
                    }
                }
                _ if x.len() == y.len() => {
                    for (at, (a, b)) in x.iter().zip(y).enumerate() {
                        walk(&join(&at.to_string()), Some(a), Some(b), most, found);
                    }
                }
                _ => found.push(told(path, a, b)),
            },
            _ => found.push(told(path, a, b)),
        }
    }
    let mut found = Vec::new();
    walk("", Some(a), Some(b), most, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn signs_that_nobody_would_see_are_shown() {
        let shown = ["Zürich", "Zu\u{308}rich", "a ", "5 km"].map(|text| visible(text).into_owned());
        assert_eq!(shown, ["Zürich", "\"Zu\\u{308}rich\"", "\"a \"", "5 km"]);
    }

    #[test]
    fn of_long_values_what_differs_is_told() {
        let check = |a: Value, b: Value, expected: &str| assert_eq!(differs("`x`", Some(&a), Some(&b)), expected);
        check(json!(["hour"]), json!(["minute"]), "`x` is [\"hour\"] in A and [\"minute\"] in B");
        let parts = ["year", "month", "day", "weekday", "day_of_year", "hour", "quarter"];
        let (all, fewer) = (json!([&parts[..], &["minute"]].concat()), json!(parts));
        check(all.clone(), fewer.clone(), "`x` has `minute` in A only");
        check(fewer.clone(), json!([&parts[1..], &["era"]].concat()), "`x` has `year` in A only; `era` in B only");
        check(fewer, json!([&parts[1..], &parts[..1]].concat()), "`x` has the same in another order, or not as often");
        let words = |from: usize, to: usize| json!((from..to).map(|n| format!("word {n}")).collect::<Vec<_>>());
        check(
            words(0, 100_000),
            words(1, 100_100),
            "`x` has `word 0` in A only; `word 100000`, `word 100001`, `word 100002`, `word 100003`, `word 100004`, and 95 more in B only",
        );
        let whole = |number: Value| json!([{"number": number}, parts]);
        check(whole(json!(1)), whole(json!(1.0)), "`x` has the same in another order, or not as often");
        let formula = "a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q";
        check(
            json!(formula),
            json!(format!("{formula} + 1")),
            "`x` is `… + m + n + o + p + q` in A and `… + m + n + o + p + q + 1` in B",
        );
        let long = "so long that it is cut long before its end, which nobody sees";
        check(
            json!({"y": {"n": 1, "of": long}}),
            json!({"y": {"n": 2, "of": long}}),
            "`x` differs: y n is 1 in A and 2 in B",
        );
    }

    #[test]
    fn leaves_are_told_by_their_path() {
        let (a, b) =
            (json!({"Age": {"text": "3rd", "n": [1, 2]}, "x": null}), json!({"Age": {"text": "2nd", "n": [1, 3]}}));
        assert_eq!(leaves(&a, &b, 9), ["Age n 1 is 2 in A and 3 in B", "Age text is `3rd` in A and `2nd` in B"]);
        assert_eq!(leaves(&a, &b, 1).len(), 1);
        assert_eq!(some_leaves(&a, &b, 1).expect("they differ"), "Age n 1 is 2 in A and 3 in B; and 1 more");
        assert_eq!(some_leaves(&a, &a, 1), None);
        let (a, b) = (json!({"Gen\u{200b}f": 1}), json!({"Gen\u{200b}f": 2}));
        assert_eq!(leaves(&a, &b, 9), ["\"Gen\\u{200b}f\" is 1 in A and 2 in B"]);
        let (a, b) = (json!([{"name": "mae", "value": 1}]), json!([{"name": "mae", "value": 2}]));
        assert_eq!(leaves(&a, &b, 9), ["`mae` value is 1 in A and 2 in B"]);
        let (a, b) = (
            json!([{"metric": "mae", "value": 1}, {"metric": "r2", "value": 3}]),
            json!([{"metric": "r2", "value": 3}]),
        );
        assert_eq!(leaves(&a, &b, 9), ["`mae` is in A only"]);
        let (a, b) = (json!([{"metric": "mae"}, {"metric": "r2"}]), json!([{"metric": "r2"}, {"metric": "mae"}]));
        assert!(leaves(&a, &b, 9).is_empty(), "the order of what has a name");
        assert_eq!(leaves(&json!(["x"]), &json!([]), 9), ["it is [\"x\"] in A and [] in B"]);
        assert!(leaves(&json!({"n": [{"l2": 1.0}]}), &json!({"n": [{"l2": 1}]}), 1).is_empty());
    }
}
