//! What the data look like: target, missing cells, each feature, and the table of columns.

use std::collections::{BTreeMap, BTreeSet};

use super::{BARS, Bar, Bars, Figure, bar, sentence};
use crate::markup::{Markup, prose, shortened};
use crate::metric::finite;
use crate::number::{cell, count, percent, plural, share};
use crate::{ColumnProfile, Page, Task, charts};

/// How many features are drawn.
const CARDS: usize = 60;

/// How many rows the table of columns has.
const TABLE: usize = 1_000;

/// One feature's distribution.
pub(super) struct Card {
    pub(super) name: String,
    pub(super) meta: String,
    pub(super) missing: String,
    pub(super) chart: Markup,
    pub(super) bars: Vec<Bar>,
    pub(super) low: String,
    pub(super) middle: String,
    pub(super) high: String,
}

/// A line of the columns' table.
pub(super) struct ColumnRow {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) missing: String,
    pub(super) distinct: String,
    pub(super) low: String,
    pub(super) middle: String,
    pub(super) mean: String,
    pub(super) high: String,
    pub(super) top: String,
}

pub(super) fn target(page: &Page) -> Option<Figure> {
    let profile = page.target_profile.as_ref().filter(|_| page.task == Task::Regression)?;
    let axis = match &page.unit {
        Some(unit) => format!("{}, {unit}", page.target),
        None => page.target.clone(),
    };
    let median = median(profile);
    let marks: Vec<(String, f64)> =
        median.map(|x| (format!("median {}", cell(print_kind(profile), x)), x)).into_iter().collect();
    let marks: Vec<(&str, f64)> = marks.iter().map(|(label, x)| (&**label, *x)).collect();
    let chart = charts::histogram("target", "Distribution of the target", &axis, &profile.histogram, &marks)?;
    let mut caption = Markup::new();
    caption.code(&page.target).raw(" over the training rows. ");
    if let (Some(low), Some(high)) = (finite(profile.min), finite(profile.max)) {
        caption.text(&charts::spread(print_kind(profile), low, median, high));
    }
    Some(Figure { title: "The target", caption, chart })
}

pub(super) fn classes(page: &Page) -> Option<Bars> {
    let profile = page.target_profile.as_ref().filter(|_| page.task != Task::Regression)?;
    let (most, all) = (profile.top.iter().map(|(_, n)| *n).max()?, profile.rows - profile.nulls.min(profile.rows));
    let value = |n: u64| format!("{} · {}", count(n), percent(share(n, all)));
    let bars =
        profile.top.iter().take(BARS).map(|(class, n)| bar(shortened(class, 80), value(*n), *n as f64, most as f64));
    let mut caption = Markup::new();
    caption.raw("The classes of ").code(&page.target).raw(" in the training rows.");
    let rest = match profile.top.len() {
        n if n > BARS => sentence(&[plural((n - BARS) as u64, "more class", "more classes")]),
        _ => String::new(),
    };
    Some(Bars { caption, bars: bars.collect(), rest })
}

/// What of a column is missing, in [0, 1].
fn missing_share(column: &ColumnProfile) -> f64 {
    share(column.nulls.min(column.rows), column.rows)
}

pub(super) fn missing(page: &Page) -> Option<Bars> {
    let mut gaps: Vec<&ColumnProfile> = page.columns.iter().filter(|column| column.nulls > 0).collect();
    gaps.sort_by(|a, b| missing_share(b).total_cmp(&missing_share(a)).then_with(|| a.name.cmp(&b.name)));
    gaps.first()?;
    let whole = page.columns.len() - gaps.len();
    let bars = |column: &&ColumnProfile| {
        let gap = missing_share(column);
        let mut bar = bar(column.name.clone(), percent(gap), gap, 1.0);
        if column.invalid > 0 {
            bar.part = format!("{:.1}", share(column.invalid.min(column.nulls), column.nulls) * 100.0);
            bar.value.push_str(&format!(" · {} invalid", count(column.invalid)));
        }
        bar
    };
    let mut caption = Markup::new();
    caption.text(&format!(
        "{} of {} have gaps; the others are complete.",
        count(gaps.len() as u64),
        plural(page.columns.len() as u64, "column", "columns")
    ));
    if whole == 0 {
        caption = prose("Every column has gaps.");
    }
    let rest = match gaps.len() {
        n if n > BARS => {
            let least = percent(missing_share(gaps[BARS]));
            sentence(&[format!("{}, at most {least} each", plural((n - BARS) as u64, "more column", "more columns"))])
        }
        _ => String::new(),
    };
    Some(Bars { caption, bars: gaps.iter().take(BARS).map(bars).collect(), rest })
}

/// The kind by which a column's numbers are printed: whole numbers beyond four digits as any number.
fn print_kind(column: &ColumnProfile) -> &str {
    let largest = [column.min, column.max].into_iter().flatten().map(f64::abs).fold(0.0, f64::max);
    if column.kind == "integer" && largest >= 10_000.0 { "number" } else { &column.kind }
}

fn median(column: &ColumnProfile) -> Option<f64> {
    let middle = column.quantiles.iter().find(|(level, _)| *level == 0.5);
    finite(middle.map(|(_, value)| *value))
}

/// The columns, those first whose features matter most.
fn by_importance(page: &Page) -> Vec<&ColumnProfile> {
    let names: BTreeSet<&str> = page.columns.iter().map(|column| &*column.name).collect();
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for one in page.importance.iter().filter(|one| one.share.is_finite()) {
        if let Some(column) = origin(&names, &one.feature) {
            *shares.entry(column).or_default() += one.share;
        }
    }
    let share = |column: &ColumnProfile| shares.get(&*column.name).copied().unwrap_or(0.0);
    let mut columns: Vec<&ColumnProfile> = page.columns.iter().collect();
    columns.sort_by(|a, b| share(b).total_cmp(&share(a)));
    columns
}

/// The column that a feature was made of, as far as names tell: `<column>_<suffix>`, `<column>=<value>`.
fn origin<'a>(columns: &BTreeSet<&'a str>, feature: &str) -> Option<&'a str> {
    let ends = feature.match_indices(['_', '=']).map(|(i, _)| i);
    let ends = [feature.len()].into_iter().chain(ends.rev());
    ends.into_iter().find_map(|end| columns.get(&feature[..end]).copied())
}

pub(super) fn cards(page: &Page) -> (Vec<Card>, String) {
    let columns = by_importance(page);
    let cards = columns.iter().take(CARDS).enumerate().map(|(i, column)| card(i, column)).collect();
    let rest = &columns[columns.len().min(CARDS)..];
    if rest.is_empty() {
        return (cards, String::new());
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for column in rest {
        *kinds.entry(&column.kind).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {kind}", count(*n))).collect();
    let gaps = rest.iter().filter(|column| column.nulls > 0).count() as u64;
    let note = format!(
        "Not drawn: {} ({}), {} of them with gaps.",
        plural(rest.len() as u64, "column that matters less", "columns that matter less"),
        kinds.join(", "),
        count(gaps)
    );
    (cards, note)
}

fn card(i: usize, column: &ColumnProfile) -> Card {
    let print = |x: Option<f64>| finite(x).map_or_else(String::new, |x| cell(print_kind(column), x));
    let (low, middle, high) = (print(column.min), print(median(column)), print(column.max));
    let values = column.rows - column.nulls.min(column.rows);
    let described = match (&*low, &*high) {
        ("", _) | (_, "") => plural(values, "value", "values"),
        (low, high) => format!("{}, from {low} to {high}", plural(values, "value", "values")),
    };
    let chart = charts::silhouette(&format!("column-{i}"), &column.name, &described, &column.histogram);
    let mut meta = vec![column.kind.clone()];
    meta.extend(column.role.clone());
    meta.extend(column.unit.clone());
    match column.distinct {
        Some(1) => meta.push("one value".to_owned()),
        Some(n) if column.histogram.is_empty() => meta.push(format!("{} distinct", count(n))),
        _ => {}
    }
    let shown = chart.is_some();
    Card {
        name: column.name.clone(),
        meta: meta.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" · "),
        missing: if column.nulls > 0 { percent(missing_share(column)) } else { String::new() },
        chart: chart.unwrap_or_default(),
        bars: if shown { Vec::new() } else { top_bars(column, values) },
        low: if shown { low } else { String::new() },
        // Three dates don't fit below a card's chart.
        middle: if shown && !column.kind.starts_with("date") { middle } else { String::new() },
        high: if shown { high } else { String::new() },
    }
}

/// The most frequent values and the rest, as bars.
fn top_bars(column: &ColumnProfile, values: u64) -> Vec<Bar> {
    let most_shown = if column.top.len() <= 5 { 5 } else { 4 };
    let shown: u64 = column.top.iter().take(most_shown).map(|(_, n)| *n).sum();
    let rest = values.saturating_sub(shown);
    let most = column.top.iter().take(most_shown).map(|(_, n)| *n).max().unwrap_or(0).max(1) as f64;
    let one = |label: String, n: u64| bar(label, percent(share(n, values)), n as f64, most);
    let mut bars: Vec<Bar> =
        column.top.iter().take(most_shown).map(|(value, n)| one(shortened(value, 80), *n)).collect();
    if rest > 0 && !bars.is_empty() {
        let mut others = one("others".to_owned(), rest);
        others.part = "100".to_owned();
        bars.push(others);
    }
    bars
}

pub(super) fn column_rows(page: &Page) -> (Vec<ColumnRow>, String) {
    let rows = page.columns.iter().take(TABLE).map(|column| {
        let print = |x: Option<f64>| finite(x).map_or_else(String::new, |x| cell(print_kind(column), x));
        let role = column.role.iter().map(|role| format!(" · {role}")).collect::<String>();
        ColumnRow {
            name: column.name.clone(),
            kind: format!("{}{role}", column.kind),
            missing: if column.nulls > 0 { percent(missing_share(column)) } else { String::new() },
            distinct: column.distinct.map_or_else(String::new, count),
            low: print(column.min),
            middle: print(median(column)),
            mean: print(column.mean),
            high: print(column.max),
            top: column.top.first().map_or_else(String::new, |(value, n)| {
                format!("{} ({})", shortened(value, 24), percent(share(*n, column.rows)))
            }),
        }
    });
    let note = match page.columns.len() {
        n if n > TABLE => format!("Not listed here: {}.", plural((n - TABLE) as u64, "more column", "more columns")),
        _ => String::new(),
    };
    (rows.collect(), note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_traced_to_their_column_by_name() {
        let columns = BTreeSet::from(["area", "area_total", "city"]);
        let check = |feature: &str, column: Option<&str>| assert_eq!(origin(&columns, feature), column);
        check("area", Some("area"));
        check("area_missing", Some("area"));
        check("area_total_log", Some("area_total"));
        check("city=a_b=c", Some("city"));
        check("town", None);
        check("_", None);
    }
}
