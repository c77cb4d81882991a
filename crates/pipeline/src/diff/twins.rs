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
    let alike = |before: &'a ColumnName, after: &'a ColumnName| {
        let differ = Some(alike_in_most(a, &of_a.columns[before], b, &of_b.columns[after])?);
        (!is_like_others(a, of_a, before)).then_some(Renamed { before, after, differ })
    };
    let all: Vec<Renamed> =
        only_a.iter().flat_map(|before| only_b.iter().filter_map(|after| alike(before, after))).collect();
    let is_alone = |pair: &Renamed| {
        all.iter().filter(|other| other.before == pair.before || other.after == pair.after).count() == 1
    };
    let alone: Vec<bool> = all.iter().map(is_alone).collect();
    all.into_iter().zip(alone).filter(|(_, is_alone)| *is_alone).map(|(pair, _)| pair).collect()
}

/// In how many buckets two columns differ, if they agree in most.
fn alike_in_most(trace: &Trace, mine: &Commitment, other: &Trace, theirs: &Commitment) -> Option<Spread> {
    let spread = trace.spread(mine, other, theirs).filter(|_| mine.kind == theirs.kind)?;
    (spread.of >= BUCKETS_LEAST && spread.differ * 2 < spread.of).then_some(spread)
}

/// Whether a column agrees with another one of its table in most buckets, or may by chance.
fn is_like_others(trace: &Trace, of: &Commitments, name: &ColumnName) -> bool {
    let mine = &of.columns[name];
    let mut others = of.columns.iter().filter(|(other, _)| *other != name);
    mine.kind == Kind::Boolean || others.any(|(_, other)| alike_in_most(trace, mine, trace, other).is_some())
}

/// Circles of columns each of which has, row by row, the values of the next in B, where no other column has them: in all rows, or in
/// most buckets of them.
pub(crate) fn exchanged<'a>(
    (a, of_a): (&Trace, &Commitments),
    (b, of_b): (&Trace, &Commitments),
    differing: &[&'a ColumnName],
) -> Vec<Vec<&'a ColumnName>> {
    let same = |name: &ColumnName| {
        let root = of_a.columns[name].root;
        let mut after = differing.iter().filter(|other| of_b.columns[**other].root == root);
        let twins = differing.iter().filter(|other| of_a.columns[**other].root == root).count();
        after.next().filter(|_| after.next().is_none() && twins == 1).copied()
    };
    let alike = |name: &ColumnName| {
        let in_most = |other: &&&ColumnName| {
            alike_in_most(a, &of_a.columns[name], b, &of_b.columns[**other]).is_some()
                && !is_like_others(b, of_b, other)
        };
        let mut after = differing.iter().filter(in_most);
        let only = after.next().filter(|_| after.next().is_none()).copied();
        only.filter(|after| *after != name && !is_like_others(a, of_a, name))
    };
    let all: Vec<_> = differing.iter().filter_map(|name| Some((*name, same(name).or_else(|| alike(name))?))).collect();
    let next = |name: &ColumnName| {
        let (_, after) = all.iter().find(|(before, _)| *before == name)?;
        (all.iter().filter(|(_, other)| other == after).count() == 1).then_some(*after)
    };
    let circle = |first: &&'a ColumnName| {
        // No column is next to two, so that all ways end or come back.
        let way = std::iter::successors(Some(*first), |name| next(name).filter(|after| after != first));
        let circle: Vec<&ColumnName> = way.collect();
        let closes = next(circle.last()?) == Some(*first);
        (closes && circle.iter().min() == Some(first)).then_some(circle)
    };
    differing.iter().filter_map(circle).collect()
}

/// Each column of such a circle, and the one that has its values in B.
pub(crate) fn followed<'a>(circle: &[&'a ColumnName]) -> impl Iterator<Item = (&'a ColumnName, &'a ColumnName)> {
    circle.iter().copied().zip(circle.iter().copied().cycle().skip(1))
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

/// How such a circle is told, of which cells changed, too, or not.
pub(crate) fn exchange(circle: &[&ColumnName], and_changed: bool) -> String {
    let [first, second, rest @ ..] = circle else { unreachable!("a column that differs is not its own") };
    let others = match rest.is_empty() {
        true => "and the reverse".to_owned(),
        false => {
            let pairs = circle[1..].iter().zip(rest.iter().chain([first]));
            pairs.map(|(before, after)| format!("`{before}` is `{after}`")).collect::<Vec<_>>().join(", ")
        }
    };
    let (but, changed) = if and_changed { (", but in some rows", ", and cells changed") } else { ("", "") };
    format!("`{first}` of A is `{second}` of B, {others}{but}: their values were exchanged{changed}")
}
