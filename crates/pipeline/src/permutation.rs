//! Permutation importance: how much worse the model judges the rows held out when the cells of one
//! feature are dealt out anew among them (Breiman 2001, "Random forests", Machine Learning 45(1)).
//!
//! Rows stand in the order of their identity, and cells come from rows in the order of draws keyed by
//! identity, feature and repeat: no order or grouping of the rows shows.

use evenstep_exact::draw::Draws;
use evenstep_exact::reduce::Workers;
use evenstep_exact::sum::ExactSum;
use evenstep_model::AnyModel;
use evenstep_model::metric::{Metric, Scored};
use evenstep_table::{Batch, Coded, Column, ColumnName, Labels, RowKey, Task};

use crate::artifact::{Permutation, PermutedFeature};

/// The rows held out, as the model reads them, in one piece.
struct Rows {
    batch: Batch,
    target: Vec<f64>,
    weight: Vec<f64>,
    /// In a ranking, each row's.
    groups: Vec<RowKey>,
    /// What the draws are keyed by.
    keys: Vec<[u8; 16]>,
    /// The rows in the order of these keys.
    order: Vec<usize>,
}

impl Rows {
    fn of(batches: &[Batch], features: &[ColumnName]) -> Rows {
        let rows = || batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| (batch, row)));
        let mut batch = Batch::unkeyed(rows().count());
        for feature in features {
            let parts: Vec<&Column> = batches.iter().map(|batch| batch.column(feature)).collect();
            if let Some(column) = joined(&parts) {
                batch.insert(feature.clone(), column);
            }
        }
        let labels = || batches.iter().map(Batch::training);
        let weights = |labels: &Labels| (0..labels.target.len()).map(|row| labels.weight(row)).collect::<Vec<f64>>();
        let unweighted = labels().all(|labels| labels.weight.is_empty());
        let keys: Vec<[u8; 16]> = rows().map(|(batch, row)| batch.row_id(row).draw_key()).collect();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|row| keys[*row]);
        Rows {
            batch,
            target: labels().flat_map(|labels| labels.target.iter().copied()).collect(),
            weight: if unweighted { Vec::new() } else { labels().flat_map(weights).collect() },
            groups: labels().flat_map(|labels| labels.group.iter().copied()).collect(),
            keys,
            order,
        }
    }

    /// The rows with the cells of a feature dealt out anew.
    fn permuted(&self, feature: &ColumnName, draws: &Draws, repeat: u32) -> Batch {
        let mut dealt: Vec<(u64, [u8; 16], usize)> =
            self.order.iter().map(|row| (draws.bits(&self.keys[*row], repeat), self.keys[*row], *row)).collect();
        dealt.sort_unstable();
        let mut from = vec![0; dealt.len()];
        for (to, (_, _, row)) in self.order.iter().zip(&dealt) {
            from[*to] = *row;
        }
        let mut batch = self.batch.clone();
        batch.insert(feature.clone(), self.batch.column(feature).take(&from));
        batch
    }

    fn value(&self, metric: &Metric, task: &Task, model: &dyn AnyModel, batch: &Batch) -> Option<f64> {
        let mut scored = Scored::new(task.clone()).with_aim(model.aim());
        scored.add_groups(&self.groups);
        scored.add(&self.target, &self.weight, model.predict(batch));
        metric.value(&scored).ok()
    }
}

/// One column of several; none of none.
fn joined(parts: &[&Column]) -> Option<Column> {
    let (first, others) = parts.split_first()?;
    let texts = || {
        let coded = parts.iter().filter_map(|part| part.coded());
        Coded::from_strings(coded.flat_map(|coded| (0..coded.codes.len()).map(|row| coded.get(row))))
    };
    let mut all = match first {
        Column::Category(_) => return Some(Column::Category(texts())),
        Column::Text(_) => return Some(Column::Text(texts())),
        first => (*first).clone(),
    };
    for part in others {
        match (&mut all, part) {
            (Column::Number(all), Column::Number(cells)) => all.extend_from_slice(cells),
            (Column::Boolean(all), Column::Boolean(cells)) => all.extend_from_slice(cells),
            (Column::Date(all), Column::Date(cells)) => all.extend_from_slice(cells),
            (Column::Integer(all), Column::Integer(cells))
            | (Column::Time(all), Column::Time(cells))
            | (Column::Datetime(_, all), Column::Datetime(_, cells)) => all.extend_from_slice(cells),
            _ => unreachable!("batches of one source have columns of one type"),
        }
    }
    Some(all)
}

/// What the metric loses with each feature, those first with which it loses most. `batches` are the rows held out as
/// the model reads them; None if the metric can't be said of them.
pub(crate) fn importance(
    metric: &Metric,
    task: &Task,
    model: &dyn AnyModel,
    batches: &[Batch],
    repeats: u32,
    draws: &Draws,
    workers: &Workers,
) -> Option<Permutation> {
    if batches.iter().all(|batch| batch.rows() == 0) {
        return None;
    }
    let rows = Rows::of(batches, model.features());
    let whole = rows.value(metric, task, model, &rows.batch)?;
    let tasks: Vec<(&ColumnName, u32)> =
        model.features().iter().flat_map(|feature| (0..repeats).map(move |repeat| (feature, repeat))).collect();
    let losses = workers.map(tasks, |(feature, repeat)| {
        let batch = rows.permuted(feature, &draws.within(feature.as_str()), repeat);
        let value = rows.value(metric, task, model, &batch)?;
        Some(if metric.higher_is_better { whole - value } else { value - whole } + 0.0)
    });
    let features = model.features().iter().zip(losses.chunks_exact(repeats as usize));
    let mut features: Vec<PermutedFeature> = features.map(|(feature, losses)| summed_up(feature, losses)).collect();
    features.sort_by(|a, b| b.loss.unwrap_or(f64::NEG_INFINITY).total_cmp(&a.loss.unwrap_or(f64::NEG_INFINITY)));
    Some(Permutation { metric: metric.name(), repeats, features })
}

fn summed_up(feature: &ColumnName, losses: &[Option<f64>]) -> PermutedFeature {
    let known: Option<Vec<f64>> = losses.iter().copied().collect();
    let mean = |known: &Vec<f64>| {
        let (mut sum, mut count) = (ExactSum::default(), ExactSum::default());
        sum.add_slice(known);
        count.add(known.len() as f64);
        sum.divided_by(&count)
    };
    PermutedFeature {
        feature: feature.clone(),
        loss: known.as_ref().and_then(mean),
        lowest: known.as_ref().and_then(|known| known.iter().copied().reduce(f64::min)),
        highest: known.as_ref().and_then(|known| known.iter().copied().reduce(f64::max)),
    }
}
