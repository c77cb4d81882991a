//! Columns of A whose values another column of B has: they were renamed, or exchanged.

use evenstep_table::{ColumnName, Kind};

use crate::trace::{Commitment, Commitments, Spread, Trace};

/// Fewer buckets tell too little to take two columns for one that changed.
pub(crate) const BUCKETS_LEAST: usize = 16;

/// A column of A, and the one of B that it is likely to be.
pub(crate) struct Renamed<'a> {
    pub(crate) before: &'a ColumnName,
    pub(crate) after: &'a ColumnName,
    /// In how much of the rows cells changed, too.
    pub(crate) differ: Option<Spread>,
}

/// Columns with one and the same values, of the same rows in the same of them, under two names, where no other column has these values.
pub(crate) fn renamed<'a>(
    a: &Commitments,
    b: &Commitments,
    same_rows: bool,
    only_a: &[&'a ColumnName],
    only_b: &[&'a ColumnName],
) -> Vec<Renamed<'a>> {
    let is = |x: &Commitment, y: &Commitment| {
        x.values.is_some() && x.values == y.values && x.nulls == y.nulls && (!same_rows || x.root == y.root)
    };
    let pair = |before: &&'a ColumnName| {
        let column = &a.columns[*before];
        let mut after = only_b.iter().filter(|name| is(column, &b.columns[**name]));
        let twins = only_a.iter().filter(|name| is(column, &a.columns[**name]));
        match (after.next(), after.next(), twins.count()) {
            (Some(after), None, 1) => Some(Renamed { before, after, differ: None }),
            _ => None,
        }
    };
    only_a.iter().filter_map(pair).collect()
}

/// Columns with the same values in most buckets of the same rows under two names, where no other column has them. Most cells of a
/// boolean, or of another column that is nearly always the same, agree by chance: of these nothing is said.
pub(crate) fn renamed_and_changed<'a>(
    (a, of_a): (&Trace, &Commitments),
    (b, of_b): (&Trace, &Commitments),
    only_a: &[&'a ColumnName],
    only_b: &[&'a ColumnName],
) -> Vec<Renamed<'a>> {
    let most = |mine: &Commitment, other: &Trace, theirs: &Commitment| {
        let spread = a.spread(mine, other, theirs).filter(|_| mine.kind == theirs.kind)?;
        (spread.of >= BUCKETS_LEAST && spread.differ * 2 < spread.of).then_some(spread)
    };
    let is_like_others = |name: &ColumnName| {
        let mine = &of_a.columns[name];
        let others = of_a.columns.iter().filter(|(other, _)| *other != name);
        mine.kind == Kind::Boolean || others.into_iter().any(|(_, other)| most(mine, a, other).is_some())
    };
    let alike = |before: &'a ColumnName, after: &'a ColumnName| {
        let differ = Some(most(&of_a.columns[before], b, &of_b.columns[after])?);
        (!is_like_others(before)).then_some(Renamed { before, after, differ })
    };
    let all: Vec<Renamed> =
        only_a.iter().flat_map(|before| only_b.iter().filter_map(|after| alike(before, after))).collect();
    let is_alone = |pair: &Renamed| {
        all.iter().filter(|other| other.before == pair.before || other.after == pair.after).count() == 1
    };
    let alone: Vec<bool> = all.iter().map(is_alone).collect();
    all.into_iter().zip(alone).filter(|(_, is_alone)| *is_alone).map(|(pair, _)| pair).collect()
}

/// Circles of columns each of which has, row by row, the values of the next in B, where no other column has them.
pub(crate) fn exchanged<'a>(
    a: &Commitments,
    b: &Commitments,
    differing: &[&'a ColumnName],
) -> Vec<Vec<&'a ColumnName>> {
    let next = |name: &ColumnName| {
        let root = a.columns[name].root;
        let mut after = differing.iter().filter(|other| b.columns[**other].root == root);
        let twins = differing.iter().filter(|other| a.columns[**other].root == root).count();
        after.next().filter(|_| after.next().is_none() && twins == 1).copied()
    };
    let circle = |first: &&'a ColumnName| {
        // No column is next to two, so that all ways end or come back.
        let all = std::iter::successors(Some(*first), |name| next(name).filter(|after| after != first));
        let circle: Vec<&ColumnName> = all.collect();
        let closes = next(circle.last()?) == Some(*first);
        (closes && circle.iter().min() == Some(first)).then_some(circle)
    };
    differing.iter().filter_map(circle).collect()
}

/// Whether such a circle leaves open what happened: of flags, and of columns that agree in most buckets of rows, cells that changed
/// may look like it.
pub(crate) fn may_be_cells(
    (a, of_a): (&Trace, &Commitments),
    (b, of_b): (&Trace, &Commitments),
    circle: &[&ColumnName],
) -> bool {
    // Few rows leave buckets empty, which agree.
    let rows = usize::try_from(of_a.rows).unwrap_or(usize::MAX);
    circle.iter().any(|name| {
        let (mine, theirs) = (&of_a.columns[*name], &of_b.columns[*name]);
        mine.kind == Kind::Boolean
            || a.spread(mine, b, theirs).is_some_and(|spread| spread.differ * 2 < spread.of.min(rows))
    })
}

/// How such a circle is told.
pub(crate) fn exchange(circle: &[&ColumnName]) -> String {
    let [first, second, rest @ ..] = circle else { unreachable!("a column that differs is not its own") };
    if rest.is_empty() {
        return format!("`{first}` of A is `{second}` of B, and the reverse: their values were exchanged");
    }
    let pairs = circle[1..].iter().zip(rest.iter().chain([first]));
    let pairs: Vec<String> = pairs.map(|(before, after)| format!("`{before}` is `{after}`")).collect();
    format!("`{first}` of A is `{second}` of B, {}: their values were exchanged", pairs.join(", "))
}
