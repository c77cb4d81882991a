//! What each feature contributes, and how the fit went.

use super::{BARS, Bars, Figure, bar, sentence};
use crate::markup::{Markup, prose};
use crate::metric;
use crate::number::{count, human, percent, plural};
use crate::{Measures, Page, charts};

/// Several measures of each feature: what they are called, and their values.
pub(super) struct MeasuresTable {
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<(String, Vec<String>)>,
}

pub(super) fn importance(page: &Page) -> Option<Bars> {
    let mut features: Vec<_> = page.importance.iter().filter(|one| one.share.is_finite() && one.share > 0.0).collect();
    features.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.feature.cmp(&b.feature)));
    let (first, unused) = (features.first()?, page.importance.len() - features.len());
    let mut caption = Markup::new();
    caption.code(&first.feature).raw(" matters most, with ").text(&percent(first.share)).raw(" of the whole");
    let half = features.iter().scan(0.0, |sum, one| {
        *sum += one.share;
        Some(*sum)
    });
    match half.take_while(|sum| *sum < 0.5).count() + 1 {
        needed if needed > 1 && needed < features.len() => {
            caption
                .raw(format_args!("; half of it is in {needed} of {} features", count(page.importance.len() as u64)));
        }
        _ => {}
    }
    caption.raw(". ").raw(prose(page.importance_note.as_deref().unwrap_or_default()));
    let bars = |one: &&crate::Importance| bar(one.feature.clone(), percent(one.share), one.share, first.share);
    let rest: f64 = features.iter().skip(BARS).map(|one| one.share).sum();
    let mut words = Vec::new();
    if features.len() > BARS {
        let others = plural((features.len() - BARS) as u64, "other feature has", "other features have");
        words.push(format!("{others} {} together", percent(rest)));
    }
    if unused > 0 {
        words.push(plural(unused as u64, "feature is not used at all", "features are not used at all"));
    }
    Some(Bars { caption, bars: features.iter().take(BARS).map(bars).collect(), rest: sentence(&words) })
}

pub(super) fn measures(page: &Page) -> Option<MeasuresTable> {
    let any = |known: fn(&Measures) -> bool| page.measures.iter().any(known);
    let (splits, cover, loss) =
        (any(|one| one.splits.is_some()), any(|one| one.cover.is_some()), any(|one| one.loss.is_some()));
    if !splits && !cover && !loss {
        return None;
    }
    let metric = page.loss_metric.as_deref().map_or_else(|| "loss".to_owned(), metric::label);
    let heads = [
        (true, "Share".to_owned()),
        (splits, "Splits".to_owned()),
        (cover, "Share of rows parted".to_owned()),
        (loss, format!("{metric} lost when shuffled")),
        (loss, "Least to most".to_owned()),
    ];
    let bounds = |(low, high): (f64, f64)| format!("{} to {}", human(low), human(high));
    let row = |one: &Measures| {
        let cells = [
            percent(one.share),
            one.splits.map_or_else(String::new, count),
            one.cover.map_or_else(String::new, percent),
            one.loss.map_or_else(String::new, human),
            one.loss_bounds.map_or_else(String::new, bounds),
        ];
        let shown = cells.into_iter().zip(&heads).filter_map(|(cell, (shown, _))| shown.then_some(cell));
        (one.feature.clone(), shown.collect())
    };
    let rows = page.measures.iter().map(row).collect();
    Some(MeasuresTable {
        rows,
        heads: heads.iter().filter(|(shown, _)| *shown).map(|(_, head)| head.clone()).collect(),
    })
}

pub(super) fn learning(page: &Page) -> Option<Figure> {
    let loss = page.curve_metric.as_deref().map_or_else(|| "loss".to_owned(), metric::label);
    let chart = charts::learning(&page.curve, &loss, page.best_round)?;
    let mut caption = Markup::new();
    caption.raw("<span class=\"key quiet\"></span>on the rows that it learned from");
    if page.curve.iter().any(|point| point.watched.is_some()) {
        caption.raw(", <span class=\"key\"></span>on rows that it watched to know when to stop");
    }
    caption.raw(". ");
    if let (Some(best), Some(last)) = (page.best_round, page.curve.last()) {
        let rounds = plural(last.round, "round", "rounds");
        caption.text(&format!("Of {rounds}, round {} was kept.", count(best)));
    }
    Some(Figure { title: "Loss by round", caption, chart })
}
