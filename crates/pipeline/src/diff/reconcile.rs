//! Which rows of two data sets differ, told by the data themselves where a sketch cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use evenstep_exact::reduce::Workers;

use super::Side;
use super::reread::{View, as_of, each_row_as, each_row_traced, unread};
use super::rows::LeftOut;
use crate::trace::{Element, RowName, Sketch, Stage};

/// Rows are looked at in so many parts.
const PARTS: usize = 1 << 16;

/// The rows of B under the names that A has for its columns, as a sketch, if its data are still what was traced.
///
/// # Errors
/// A sentence on data that can't be read, or are others by now.
pub(crate) fn called_as(
    side: &Side,
    traced: &Sketch,
    stage: &Stage,
    view: &View,
    workers: &Workers,
) -> Result<Sketch, String> {
    let mut sketch = Sketch::default();
    let vouched = each_row_traced(side, stage, traced, workers, |_, _| ());
    let read = vouched.and_then(|()| {
        each_row_as(side, view, workers, |of, element, row| {
            if of == stage && row.is_traced {
                sketch.add(std::iter::once(element));
            }
        })
    });
    read.map(|()| sketch).map_err(|why| unread(side, &why))
}

/// The rows by which the inputs of both sides differ: what sketches recover, without their limit.
///
/// # Errors
/// A sentence on the side whose data can't be read any more, or are others by now.
pub(crate) fn reconcile_data(
    a: (&Side, &Sketch),
    b: (&Side, &Sketch),
    stage: &Stage,
    workers: &Workers,
) -> Result<[Vec<Element>; 2], String> {
    apart(a, b, |(side, traced), act| {
        let read = each_row_traced(side, stage, traced, workers, |element, is_traced| {
            if is_traced {
                act(element);
            }
        });
        read.map_err(|why| unread(side, &why))
    })
}

/// The same where the rows are read otherwise than they were sketched.
///
/// # Errors
/// As [`reconcile_data`].
pub(crate) fn reconcile_viewed(
    a: (&Side, &Sketch),
    b: (&Side, &Sketch),
    stage: &Stage,
    view: &View,
    workers: &Workers,
) -> Result<[Vec<Element>; 2], String> {
    for (side, traced) in [a, b] {
        each_row_traced(side, stage, traced, workers, |_, _| ()).map_err(|why| unread(side, &why))?;
    }
    apart((a.0, &view.of_a()), (b.0, view), |(side, view), act| {
        let read = each_row_as(side, view, workers, |of, element, row| {
            if of == stage && row.is_traced {
                act(element);
            }
        });
        read.map_err(|why| unread(side, &why))
    })
}

/// The elements that either side has more often than the other. Held are only those of parts that differ, which a first pass finds.
fn apart<S: Copy>(
    a: S,
    b: S,
    each: impl Fn(S, &mut dyn FnMut(Element)) -> Result<(), String>,
) -> Result<[Vec<Element>; 2], String> {
    let hash = |element: &Element| BuildHasherDefault::<DefaultHasher>::default().hash_one(element);
    let part = |hash: u64| (hash >> 48) as usize;
    let sums = |side| {
        let mut sums = vec![0_u64; PARTS];
        each(side, &mut |element| {
            let hash = hash(&element);
            sums[part(hash)] = sums[part(hash)].wrapping_add(hash);
        })?;
        Ok::<_, String>(sums)
    };
    let (of_a, of_b) = (sums(a)?, sums(b)?);
    let differing = |side| {
        let mut differing = Vec::new();
        each(side, &mut |element| {
            let part = part(hash(&element));
            differing.extend((of_a[part] != of_b[part]).then_some(element));
        })?;
        Ok::<_, String>(differing)
    };
    let (mine, theirs) = (differing(a)?, differing(b)?);
    Ok([more_often(&mine, &theirs), more_often(&theirs, &mine)])
}

/// The elements that one has more often than the other, in the order in which it has them.
fn more_often(all: &[Element], of_other: &[Element]) -> Vec<Element> {
    let mut left: BTreeMap<Element, usize> = BTreeMap::new();
    of_other.iter().for_each(|element| *left.entry(*element).or_default() += 1);
    let is_more = |element: &&Element| match left.get_mut(element).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            false
        }
        None => true,
    };
    all.iter().filter(is_more).copied().collect()
}

/// Which of these rows a training left out, though its data have them, if these are still what was traced; each with how often.
pub(super) fn left_out(
    side: &Side,
    stage: &Stage,
    traced: &Sketch,
    wanted: &BTreeSet<RowName>,
    workers: &Workers,
) -> Result<BTreeMap<RowName, (LeftOut, usize)>, String> {
    let mut found = BTreeMap::<RowName, (LeftOut, usize)>::new();
    let mut known = BTreeSet::new();
    let mut add = |name: RowName, why: LeftOut| found.entry(name).or_insert((why, 0)).1 += 1;
    each_row_traced(side, stage, traced, workers, |element, is_traced| {
        if wanted.contains(&element.name) {
            known.insert(element.name);
            if !is_traced {
                add(element.name, LeftOut::Unlabelled);
            }
        }
    })?;
    if as_of(side).is_some() {
        let view = View { later: true, ..View::default() };
        each_row_as(side, &view, workers, |of, element, _| {
            if of == stage && wanted.contains(&element.name) && !known.contains(&element.name) {
                add(element.name, LeftOut::Later);
            }
        })?;
    }
    Ok(found)
}
