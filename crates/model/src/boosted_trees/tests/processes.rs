//! A fit sees data only through partials that are merged, wherever they were made.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, Mutex};

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::{Peers, Workers};
use evenstep_table::{Batch, Task};

use super::super::store::store;
use super::super::{BoostedTrees, EarlyStopping, Model};
use super::{binary, digest, multiclass, sampled, three_classes, two_classes, values, weighted};
use crate::{Family, Run, Training, testing};

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
    let stopping = BoostedTrees { early_stopping: Some(EarlyStopping { rounds: 2 }), ..sampled() };
    let goss = BoostedTrees { goss: Some(super::super::Goss::default()), learning_rate: 0.6, ..BoostedTrees::default() };
    let categories = super::super::Categories { means_above: 8, ..super::super::Categories::default() };
    let means = BoostedTrees { categories, ..sampled() };
    for (spec, task, data) in [
        (&sampled(), Task::Regression, values(2000)),
        (&goss, Task::Regression, values(2000)),
        (&means, Task::Regression, weighted(values(2000), weights(2000))),
        (&stopping, binary(), weighted(two_classes(30_000), weights(30_000))),
        (&sampled(), multiclass(3), three_classes(2000)),
    ] {
        check_two_processes(spec, &task, &data);
    }
}

pub(super) fn check_two_processes<F: Family<Model = Model>>(spec: &F, task: &Task, data: &Batch) {
    let alone = testing::fit(spec, task, data).unwrap().model;
    let pair = Arc::new(Pair { both: Barrier::new(2), brought: Mutex::default() });
    std::thread::scope(|scope| {
        let other = scope.spawn(|| learn_part(spec, task, data, true, pair.clone()));
        assert_eq!(learn_part(spec, task, data, false, pair.clone()), alone);
        assert_eq!(other.join().unwrap(), alone);
    });
}

/// Learns from a third of the rows, or from the others, beside a peer who has the rest.
fn learn_part<F: Family<Model = Model>>(
    spec: &F,
    task: &Task,
    data: &Batch,
    is_third: bool,
    peer: Arc<dyn Peers>,
) -> Model {
    let rows: Vec<usize> = (0..data.rows()).filter(|row| row.is_multiple_of(3) == is_third).collect();
    let (part, features) = ([data.take(&rows)], data.schema());
    let workers = Workers::threads(if is_third { 3 } else { 1 }).with_peers(peer);
    let run = Run { workers: &workers, draws: Draws::new(Seed(7), "model"), progress: &|_, _, _| () };
    spec.fit(&Training { batches: &part, features: &features, task }, &run).unwrap().model
}

/// A process at the other end of a connection. The one that leads merges.
struct Process {
    stream: Mutex<TcpStream>,
    leads: bool,
}

fn send(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(&(bytes.len() as u64).to_le_bytes()).unwrap();
    stream.write_all(bytes).unwrap();
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 8];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; u64::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

impl Peers for Process {
    fn all_reduce(&self, mine: Vec<u8>, merge: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let stream = &mut *self.stream.lock().unwrap();
        if self.leads {
            let both = merge(mine, receive(stream));
            send(stream, &both);
            return both;
        }
        send(stream, &mine);
        receive(stream)
    }
}

/// The program of these tests is started once more, and its own run of this test is the other process.
#[test]
fn a_fit_over_two_processes_is_that_of_one() {
    const LEADER: &str = "EVENSTEP_TEST_LEADER";
    let spec = BoostedTrees { early_stopping: Some(EarlyStopping { rounds: 2 }), ..sampled() };
    let (task, data) = (binary(), two_classes(30_000));
    let learn = |stream: &TcpStream, leads: bool| {
        let peer = Process { stream: Mutex::new(stream.try_clone().unwrap()), leads };
        digest(&store(&learn_part(&spec, &task, &data, leads, Arc::new(peer))))
    };
    if let Ok(leader) = std::env::var(LEADER) {
        let mut stream = TcpStream::connect(leader).unwrap();
        let found = learn(&stream, false);
        return send(&mut stream, found.as_bytes());
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = std::thread::current().name().unwrap().to_owned();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact"])
        .env(LEADER, listener.local_addr().unwrap().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let alone = digest(&store(&testing::fit(&spec, &task, &data).unwrap().model));
    assert_eq!(learn(&stream, true), alone);
    assert_eq!(receive(&mut stream), alone.as_bytes());
    assert!(other.wait().unwrap().success());
}
