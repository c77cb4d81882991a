use super::*;
use crate::metric::{self, Scored};

/// Groups of 5 to 24 rows, whose relevance follows two features and noise.
pub(super) fn groups(rows: usize) -> Batch {
    let mut data = mixed(rows, |x, u, _| (x * 3.0 + u - 0.8).clamp(0.0, 4.0).floor());
    let mut group = Vec::new();
    while group.len() < rows {
        let number = group.len() as u128;
        group.resize(group.len() + 5 + group.len() % 20, RowKey(number.to_le_bytes()));
    }
    group.truncate(rows);
    data.labels = Some(Arc::new(Labels { group, ..data.training().clone() }));
    data
}

fn spec(written: serde_json::Value) -> BoostedTrees {
    serde_json::from_value(written).unwrap()
}

fn ndcg(values: Predictions, data: &Batch) -> f64 {
    let mut scored = Scored::new(Task::Ranking);
    scored.add(&data.training().target, &[], values);
    scored.add_groups(&data.training().group);
    metric::find("ndcg@10").unwrap().value(&scored).unwrap()
}

#[test]
fn laws_of_rankings() {
    let data = groups(3000);
    for written in [json!({ "trees": 4 }), json!({ "trees": 4, "objective": "pairwise_rank", "row_sample": 0.8 })] {
        check_laws(&spec(written), &Task::Ranking, &data);
    }
    let stopping = json!({ "trees": 6, "early_stopping": { "rounds": 2 }, "rank_truncation": 5 });
    check_laws(&spec(stopping), &Task::Ranking, &data);
}

#[test]
fn rankings_are_learned() {
    let all = groups(6000);
    let (train, test): (Vec<usize>, Vec<usize>) = (0..6000).partition(|row| *row < 4500);
    let (train, test) = (all.take(&train), all.take(&test));
    let constant = Predictions { width: 1, values: vec![0.0; test.rows()] };
    let nothing = ndcg(constant, &test);
    for objective in ["lambda_rank", "pairwise_rank"] {
        let trained = fit(&spec(json!({ "objective": objective, "trees": 50 })), &Task::Ranking, &train);
        let learned = ndcg(predict(&trained.model, &test), &test);
        assert!(learned > nothing + 0.1, "{objective}: {nothing} {learned}");
        let curve = &trained.curve;
        assert!(curve[curve.len() - 1].training < curve[0].training);
    }
}

#[test]
fn groups_are_watched_whole() {
    let data = groups(4000);
    let spec = spec(json!({ "trees": 30, "early_stopping": { "rounds": 5 } }));
    let trained = fit(&spec, &Task::Ranking, &data);
    assert!(trained.curve.iter().all(|point| point.watched.is_some()));
}

#[test]
fn rows_without_groups_are_refused() {
    let data = values(100);
    let error = testing::fit(&BoostedTrees::default(), &Task::Ranking, &data).unwrap_err();
    assert!(error.message.contains("rows have none"), "{error}");
}
