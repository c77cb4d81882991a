//! The seam through which every fit sees its data: partials, merged by an all-reduce.
//!
//! A partial's merge is associative and commutative to the bit, so rows may be
//! grouped in any way: by chunk, by thread, by process, by machine.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How often a thread looks for work before it lets others have its core.
const IDLE_ROUNDS: u32 = 1000;

/// What has been seen of the rows so far: plain data that merges in any order.
pub trait Partial: Default + Send + Serialize + DeserializeOwned {
    /// Adds what `other` saw. Associative and commutative to the bit.
    fn merge(&mut self, other: Self);
}

/// Other processes that observe other rows of the same data.
pub trait Peers: Send + Sync {
    /// Gives every process the merge of what each process brings.
    /// `merge` joins two encoded partials; the order of calls is free.
    fn all_reduce(&self, mine: Vec<u8>, merge: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8>;
}

/// Those who do the work of a fit: threads here, and peers elsewhere if there are any.
pub struct Workers {
    /// None works on the thread that calls.
    pool: Option<rayon::ThreadPool>,
    peers: Option<Arc<dyn Peers>>,
    stop: Option<Arc<AtomicBool>>,
}

/// What the work unwinds with when it is stopped: nothing panicked.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

impl Workers {
    /// `threads` threads of this process; 0 means one for each core. Of more than eight a core, and of more than the host
    /// can start, there are fewer, and if it can start none, who calls does the work: no bit depends on it.
    pub fn threads(threads: usize) -> Workers {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let wanted = if threads == 0 { cores } else { threads.min(8 * cores.max(2)) };
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok();
        let fewer = std::iter::successors(Some(wanted), |threads| Some(threads / 2).filter(|half| *half > 0));
        Workers { pool: fewer.filter_map(pool).next(), peers: None, stop: None }
    }

    /// The same threads, together with other processes.
    #[must_use]
    pub fn with_peers(self, peers: Arc<dyn Peers>) -> Workers {
        Workers { peers: Some(peers), ..self }
    }

    /// The same threads, which stop once that is set: before its next task each unwinds with [`Stopped`], which
    /// whoever set it catches.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Workers {
        Workers { stop: Some(stop), ..self }
    }

    fn go_on(&self) {
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            // Not a panic: no hook is called, and nothing is printed.
            std::panic::resume_unwind(Box::new(Stopped));
        }
    }

    /// How many threads work in this process.
    pub fn count(&self) -> usize {
        self.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads)
    }

    /// Whether no other process observes rows of the same data.
    pub fn are_alone(&self) -> bool {
        self.peers.is_none()
    }

    /// Observes every task once, each thread into its own partial, and merges them all.
    pub fn fold<P: Partial>(&self, tasks: usize, observe: impl Fn(usize, &mut P) + Sync) -> P {
        let merged = self.fold_here(tasks, observe);
        let Some(peers) = &self.peers else { return merged };
        let join = |a: Vec<u8>, b: Vec<u8>| {
            let mut a: P = decode(&a);
            a.merge(decode(&b));
            encode(&a)
        };
        decode(&peers.all_reduce(encode(&merged), &join))
    }

    fn fold_here<P: Partial>(&self, tasks: usize, observe: impl Fn(usize, &mut P) + Sync) -> P {
        let Some(pool) = self.pool.as_ref().filter(|_| tasks > 1 && self.count() > 1) else {
            let mut partial = P::default();
            (0..tasks).for_each(|task| {
                self.go_on();
                observe(task, &mut partial);
            });
            return partial;
        };
        let next = AtomicUsize::new(0);
        let partials = pool.broadcast(|_| {
            let mut partial = P::default();
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    return partial;
                }
                self.go_on();
                observe(task, &mut partial);
            }
        });
        partials
            .into_iter()
            .reduce(|mut a, b| {
                a.merge(b);
                a
            })
            .unwrap_or_default()
    }

    /// Maps every item on its own, in parallel, and keeps their order.
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        use rayon::prelude::*;
        let f = |item| {
            self.go_on();
            f(item)
        };
        match self.pool.as_ref().filter(|_| items.len() > 1 && self.count() > 1) {
            Some(pool) => pool.install(|| items.into_par_iter().map(f).collect()),
            None => items.into_iter().map(f).collect(),
        }
    }

    /// Runs `f` with every thread awake: between one fold and the next they look for work instead
    /// of sleeping, which pays where a fit has thousands of short ones.
    pub fn awake<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let Some(pool) = self.pool.as_ref().filter(|_| self.count() > 1 && self.count() <= cores) else {
            return self.install(f);
        };
        let over = AtomicBool::new(false);
        let over = &over;
        pool.scope(|scope| {
            let leader = rayon::current_thread_index();
            scope.spawn_broadcast(move |_, context| {
                if Some(context.index()) != leader {
                    work_until(over);
                }
            });
            let _end = SetOnDrop(over);
            f()
        })
    }

    /// Runs `f` inside the pool, for code that splits its own work.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }
}

/// Lets the thread that calls do all that a process splits without [`Workers`], for a process that can start no thread.
pub fn stay_on_this_thread() {
    // Where others are at work already, the host could start threads.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
}

fn work_until(over: &AtomicBool) {
    let mut idle = 0_u32;
    while !over.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = 0;
            continue;
        }
        idle += 1;
        // Others may need the core.
        if idle > IDLE_ROUNDS { std::thread::yield_now() } else { std::hint::spin_loop() }
    }
}

/// Also when a panic ends the work.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("threads", &self.count()).finish()
    }
}

/// The stable byte form of a partial.
pub fn encode<P: Serialize>(partial: &P) -> Vec<u8> {
    postcard::to_allocvec(partial).expect("partials are plain data")
}

/// The partial that `encode` wrote.
pub fn decode<P: DeserializeOwned>(bytes: &[u8]) -> P {
    postcard::from_bytes(bytes).expect("peers of one run speak one format")
}

/// What a round of a fit leads to.
pub enum Next<Round, Params> {
    /// The data is to be seen once more, knowing this.
    Again(Round),
    /// The fit is over.
    Done(Params),
}

impl Partial for () {
    fn merge(&mut self, (): ()) {}
}

impl Partial for u64 {
    fn merge(&mut self, other: u64) {
        *self += other;
    }
}

impl<A: Partial, B: Partial> Partial for (A, B) {
    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
        self.1.merge(other.1);
    }
}

impl<K: Ord + Send + Serialize + DeserializeOwned, P: Partial> Partial for BTreeMap<K, P> {
    fn merge(&mut self, other: Self) {
        for (key, partial) in other {
            self.entry(key).or_default().merge(partial);
        }
    }
}

/// Merged entry by entry; an empty vector is a partial that has seen nothing.
impl<P: Partial> Partial for Vec<P> {
    fn merge(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        assert!(other.is_empty() || other.len() == self.len(), "partials of one round have one shape");
        for (mine, theirs) in self.iter_mut().zip(other) {
            mine.merge(theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn where_no_thread_can_be_started_who_calls_does_the_work() {
        let (alone, three) = (Workers { pool: None, peers: None, stop: None }, Workers::threads(3));
        let sum = |workers: &Workers| workers.fold(100, |task, sum: &mut u64| *sum += task as u64);
        let squares = |workers: &Workers| workers.map(vec![3_u64, 1, 2], |n| n * n);
        assert_eq!((sum(&alone), squares(&alone)), (sum(&three), squares(&three)));
        let here = std::thread::current().id();
        let threads = [alone.install(|| std::thread::current().id()), alone.awake(|| std::thread::current().id())];
        assert_eq!((alone.count(), threads), (1, [here; 2]));
    }

    #[test]
    fn work_that_is_stopped_unwinds_before_its_next_task() {
        for threads in [1, 3] {
            let (stop, tasks) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
            let workers = Workers::threads(threads).stopped_by(Arc::clone(&stop));
            let task = || {
                if tasks.fetch_add(1, Ordering::Relaxed) == 10 {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let fold = || workers.fold(1000, |_, _: &mut u64| task());
            let panic = catch_unwind(AssertUnwindSafe(fold)).expect_err("it is stopped");
            assert!(panic.is::<Stopped>() && tasks.load(Ordering::Relaxed) < 20);
            let panic = catch_unwind(AssertUnwindSafe(|| workers.map(vec![(); 10], |()| task())));
            assert!(panic.expect_err("it is still stopped").is::<Stopped>());
            stop.store(false, Ordering::Relaxed);
            assert_eq!(workers.map(vec![1, 2, 3], |n| n * 2), [2, 4, 6], "the threads are still there");
        }
    }
}
