//! A fit sees data only through partials that are merged, wherever they were made.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, Mutex};

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::{Peers, Workers};
use evenstep_table::{Batch, Column, Task};
use serde_json::json;

use super::super::store::store;
use super::super::{BoostedTrees, EarlyStopping, Model};
use super::ranking::groups;
use super::{binary, digest, multiclass, sampled, three_classes, two_classes, values, weighted};
use crate::{Family, ModelError, Run, Training, testing};

/// Two that have half of the rows each, and see what either saw: threads, which share nothing but these bytes.
struct Pair {
    both: Barrier,
    brought: Mutex<Vec<Vec<u8>>>,
}

impl Peers for Pair {
    fn all_reduce(&self, mine: Vec<u8>, merge: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        self.brought.lock().unwrap().push(mine);
        self.both.wait();
        let brought = self.brought.lock().unwrap().clone();
        if self.both.wait().is_leader() {
            self.brought.lock().unwrap().clear();
        }
        self.both.wait();
        brought.into_iter().reduce(merge).unwrap()
    }
}

#[test]
fn two_processes_learn_what_one_does() {
    let weights = |rows: usize| (0..rows).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
    let stopping = BoostedTrees { early_stopping: Some(EarlyStopping { rounds: 2, validation: None }), ..sampled() };
    let goss =
        BoostedTrees { goss: Some(super::super::Goss::default()), learning_rate: 0.6, ..BoostedTrees::default() };
    let categories = super::super::Categories { means_above: 8, ..super::super::Categories::default() };
    let means = BoostedTrees { categories, ..sampled() };
    for (spec, task, data) in [
        (&sampled(), Task::Regression, values(2000)),
        (&goss, Task::Regression, values(2000)),
        (&means, Task::Regression, weighted(values(2000), weights(2000))),
        (&stopping, binary(), weighted(two_classes(30_000), weights(30_000))),
        (&sampled(), multiclass(3), three_classes(2000)),
        // Of light bins: alone, all sums are packed.
        (&sampled(), Task::Regression, without_heavy_bins(values(40_000))),
        (&sampled(), binary(), without_heavy_bins(two_classes(40_000))),
    ] {
        check_two_processes(spec, &task, &data);
    }
}

/// The columns of many different values, and no null.
fn without_heavy_bins(data: Batch) -> Batch {
    let mut numbers = Batch::new(data.keys.to_vec());
    numbers.labels.clone_from(&data.labels);
    for (name, column) in data.schema().keys().map(|name| (name, data.column(name))) {
        if let Column::Number(cells) = column
            && name.as_str().starts_with('n')
        {
            let spread = |(row, x): (usize, &f64)| if x.is_nan() { row as f64 / data.rows() as f64 } else { *x };
            numbers.insert(name.clone(), Column::Number(cells.iter().enumerate().map(spread).collect()));
        }
    }
    numbers
}

pub(super) fn check_two_processes<F: Family<Model = Model>>(spec: &F, task: &Task, data: &Batch) {
    let alone = testing::fit(spec, task, data).unwrap().model;
    // A group is where all its rows are.
    let of_row = |row: usize| data.training().group.get(row).map_or(row, |group| group.0[0].into());
    for model in learn_parts(spec, task, data, |row| of_row(row).is_multiple_of(3)) {
        assert_eq!(model.unwrap(), alone);
    }
}

/// What two processes come to, of which one has the rows that `is_first` says, and the other those that it doesn't.
fn learn_parts<F: Family<Model = Model>>(
    spec: &F,
    task: &Task,
    data: &Batch,
    is_first: impl Fn(usize) -> bool + Sync,
) -> [Result<Model, ModelError>; 2] {
    let pair = Arc::new(Pair { both: Barrier::new(2), brought: Mutex::default() });
    let learn = |first| learn_part(spec, task, data, |row| is_first(row) == first, pair.clone());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| learn(true));
        let second = learn(false);
        [first.join().unwrap(), second]
    })
}

/// Rows of a group pull at each other, so each group is where all its rows are.
#[test]
fn two_processes_learn_a_ranking_from_whole_groups() {
    let stopping = EarlyStopping { rounds: 2, validation: None };
    for objective in ["lambda_rank", "pairwise_rank"] {
        let written = json!({ "trees": 6, "objective": objective, "row_sample": 0.8, "early_stopping": stopping });
        let spec: BoostedTrees = serde_json::from_value(written).unwrap();
        check_two_processes(&spec, &Task::Ranking, &groups(3000));
    }
}

#[test]
fn a_group_that_is_in_two_processes_is_refused_by_both() {
    for model in learn_parts(&sampled(), &Task::Ranking, &groups(3000), |row| row < 1500) {
        assert_eq!(model.unwrap_err().message, "1 group of the ranking came to more than one process");
    }
}

/// Learns from some of the rows, beside a peer who has the rest.
fn learn_part<F: Family<Model = Model>>(
    spec: &F,
    task: &Task,
    data: &Batch,
    is_mine: impl Fn(usize) -> bool,
    peer: Arc<dyn Peers>,
) -> Result<Model, ModelError> {
    let rows: Vec<usize> = (0..data.rows()).filter(|row| is_mine(*row)).collect();
    let threads = if is_mine(0) { 3 } else { 1 };
    let (part, features) = ([data.take(&rows)], data.schema());
    let workers = Workers::threads(threads).with_peers(peer);
    let run = Run { workers: &workers, draws: Draws::new(Seed(7), "model"), progress: &|_, _, _| () };
    Ok(spec.fit(&Training { batches: &part, features: &features, task }, &run)?.model)
}

/// A process at the other end of two pipes. The one that leads merges.
struct Process {
    pipes: Mutex<(Box<dyn Read + Send>, Box<dyn Write + Send>)>,
    leads: bool,
}

fn send(pipe: &mut dyn Write, bytes: &[u8]) {
    pipe.write_all(&(bytes.len() as u64).to_le_bytes()).unwrap();
    pipe.write_all(bytes).unwrap();
    pipe.flush().unwrap();
}

fn receive(pipe: &mut dyn Read) -> Vec<u8> {
    let mut length = [0; 8];
    pipe.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; u64::from_le_bytes(length) as usize];
    pipe.read_exact(&mut bytes).unwrap();
    bytes
}

impl Peers for Process {
    fn all_reduce(&self, mine: Vec<u8>, merge: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let (from, to) = &mut *self.pipes.lock().unwrap();
        if self.leads {
            let both = merge(mine, receive(from));
            send(to, &both);
            return both;
        }
        send(to, &mine);
        receive(from)
    }
}

/// The program of these tests is started once more, and its own run of this test is the other process: it hears by its standard
/// input, and says by its standard error, to which tests write nothing.
#[test]
fn a_fit_over_two_processes_is_that_of_one() {
    const FOLLOWS: &str = "EVENSTEP_TEST_FOLLOWS";
    let spec = BoostedTrees { early_stopping: Some(EarlyStopping { rounds: 2, validation: None }), ..sampled() };
    let (task, data) = (binary(), two_classes(30_000));
    let learn = |from: Box<dyn Read + Send>, to: Box<dyn Write + Send>, leads: bool| {
        let peer = Arc::new(Process { pipes: Mutex::new((from, to)), leads });
        let is_mine = |row: usize| row.is_multiple_of(3) == leads;
        let found = digest(&store(&learn_part(&spec, &task, &data, is_mine, peer.clone()).unwrap()));
        (found, peer)
    };
    if std::env::var_os(FOLLOWS).is_some() {
        let (found, peer) = learn(Box::new(std::io::stdin()), Box::new(std::io::stderr()), false);
        return send(&mut peer.pipes.lock().unwrap().1, found.as_bytes());
    }
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args([std::thread::current().name().unwrap(), "--exact"])
        .env(FOLLOWS, "")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let alone = digest(&store(&testing::fit(&spec, &task, &data).unwrap().model));
    let pipes = (other.stderr.take().unwrap(), other.stdin.take().unwrap());
    let (found, peer) = learn(Box::new(pipes.0), Box::new(pipes.1), true);
    assert_eq!(found, alone);
    assert_eq!(receive(&mut peer.pipes.lock().unwrap().0), alone.as_bytes());
    assert!(other.wait().unwrap().success());
}
