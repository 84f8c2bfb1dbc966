//! A task reads what was written last, whatever became of it.

use processors::Trigger;
use processors::demand::{self, Change as Sales, Config, Demand, Figures, Parameters, Product};
use schemas::{Cause, Source, Timestamp};

use super::*;
use crate::engine::parking::{Found, Parking};
use crate::engine::plan::Processor;
use crate::log::TopicId;
use state::Stores;
use state::memory::{MemoryStore, MemoryStores};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A task on an empty store in memory.
fn open() -> Task<<MemoryStores as Stores>::Store> {
    let id = TaskId { processor: Processor::Stock, partition: 0 };
    let Found::Closed(hold) = Parking::<()>::default().take(id) else { panic!("nobody has it") };
    Task::open(id, MemoryStores::default().open("t").unwrap(), hold).unwrap()
}

/// A state that differs from those of other numbers.
fn demand(number: i64) -> Demand {
    let config = Config::default();
    let trigger = Trigger { at: Timestamp(0), cause: Cause { source: Source::Orders, partition: 0, offset: number } };
    let figures = Figures { available: 1, incoming: 0 };
    let sales = [Sales { location: "main", sold: number, returned: 0, before: figures, after: figures }];
    let parameters = Parameters::of(&config, &Product::default());
    demand::apply(&config, &parameters, trigger, &demand::Event::Stock(&sales), None).demand.unwrap()
}

/// As a commit begins.
fn seal<S: Store>(task: &mut Task<S>) -> Records {
    let mut records = Records::default();
    task.seal(Tp::new(TopicId(0), 0), &mut records);
    records
}

/// What is read often is remembered, and never longer than it is true: not when it is written, nor while that is
/// being committed, nor after it, nor when it fails, nor when another owner has written meanwhile.
#[test]
fn what_is_remembered_is_never_older_than_what_was_written() {
    const KEY: &[u8] = b"fA";
    let mut task = open();
    let mut batch = Batch::default();
    let mut end = 0;
    let read = |task: &mut Task<_>| task.read::<Demand>(KEY).unwrap().map(Arc::unwrap_or_clone);
    assert_eq!(read(&mut task), None, "and that is remembered, too");
    // A small random history against what must be read; the numbers are the values.
    let (mut committed, mut sealed, mut active): (Option<Demand>, Option<Option<Demand>>, Option<Option<Demand>>) = (None, None, None);
    let mut state = 1u64;
    for step in 0..20_000u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = demand(step.cast_signed());
        match (state >> 33) % 8 {
            0 | 1 => {
                task.keep(KEY, value.clone());
                active = Some(Some(value));
            }
            2 => {
                task.delete(KEY);
                active = Some(None);
            }
            3 if sealed.is_none() => {
                seal(&mut task);
                sealed = active.take();
                if sealed.is_none() {
                    task.apply(None, 0, &mut batch).unwrap();
                }
            }
            4 if sealed.is_some() => {
                end += 1;
                task.apply(Some(end), 0, &mut batch).unwrap();
                committed = sealed.take().unwrap_or_default();
            }
            5 if (state >> 40).is_multiple_of(8) => {
                task.discard().unwrap();
                (sealed, active) = (None, None);
                // Somebody else had the task, and wrote.
                end += 1;
                let mut bytes = vec![];
                value.encode(&mut bytes);
                let change = Change { key: KEY.into(), value: Some(bytes.into()) };
                task.restore(&[change], end, false, &mut batch).unwrap();
                committed = Some(value);
            }
            // Others push it out of the younger half of what is remembered.
            6 if (state >> 40).is_multiple_of(64) => {
                for other in 0..20_000u32 {
                    task.recent.put(other.to_be_bytes()[..].into(), None, 0);
                }
            }
            _ => {}
        }
        let expected = active.clone().or_else(|| sealed.clone()).unwrap_or_else(|| committed.clone());
        assert_eq!(read(&mut task), expected, "step {step}");
    }
}

#[test]
fn timers_fire_in_order_once_whether_committed_or_not() {
    let id = TaskId { processor: Processor::Orders, partition: 0 };
    let stores = MemoryStores::default();
    let Found::Closed(hold) = Parking::<()>::default().take(id) else { panic!("nobody has it") };
    let mut task = Task::open(id, stores.open("t").unwrap(), hold).unwrap();
    let mut batch = Batch::default();
    let keys = |found: Vec<(i64, Key)>| found.iter().map(|(d, k)| (*d, String::from_utf8_lossy(k).into_owned())).collect::<Vec<_>>();
    for (due, key) in [(30, "c"), (-5, "a"), (10, "b")] {
        task.set_timer(due, key.as_bytes());
    }
    seal(&mut task);
    task.apply(Some(1), 0, &mut batch).unwrap();
    task.set_timer(20, b"d");
    assert!(!task.is_quiet(-6), "nothing is known yet");
    assert!(task.due(-6, 1).unwrap().is_empty() && task.is_quiet(-6));
    assert_eq!(keys(task.due(10, 1).unwrap()), [(-5, "a".into())]);
    assert!(!task.is_quiet(10), "another one is due");
    assert_eq!(keys(task.due(20, 10).unwrap()), [(10, "b".into()), (20, "d".into())]);
    assert!(task.is_quiet(29) && !task.is_quiet(30));
    assert!(task.due(20, 10).unwrap().is_empty(), "fired timers do not fire again before the commit");
    seal(&mut task);
    assert!(task.due(20, 10).unwrap().is_empty(), "nor while it runs");
    task.apply(Some(2), 0, &mut batch).unwrap();
    assert!(task.due(20, 10).unwrap().is_empty(), "nor after it");
    task.set_timer(25, b"e");
    task.discard().unwrap();
    assert_eq!(keys(task.due(100, 10).unwrap()), [(30, "c".into())], "what was discarded never was");
}

/// A store that counts how often it is told to flush.
struct Counting(MemoryStore, Arc<AtomicUsize>);

impl Store for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }
    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<state::Pair>, StoreError> {
        self.0.scan(from, to, limit)
    }
    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.0.apply(batch)
    }
    fn fill(&mut self, sorted: &Batch) -> Result<(), StoreError> {
        self.0.fill(sorted)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        self.flush_soon()
    }
    fn flush_soon(&mut self) -> Result<(), StoreError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn size(&self) -> u64 {
        self.0.size()
    }
}

/// Once when it rests; while it writes, not more often than every five minutes; and not again without a write.
#[test]
fn a_store_is_flushed_when_its_task_rests_or_has_written_for_long() {
    let id = TaskId { processor: Processor::Stock, partition: 0 };
    let Found::Closed(hold) = Parking::<()>::default().take(id) else { panic!("nobody has it") };
    let flushed = Arc::new(AtomicUsize::new(0));
    let store = Counting(MemoryStores::default().open("t").unwrap(), Arc::clone(&flushed));
    let mut task = Task::open(id, store, hold).unwrap();
    let look = |task: &mut Task<Counting>, now: i64, writes: bool| {
        if writes {
            task.put(b"rA", |out| out.push(1));
            seal(task);
            task.apply(Some(now), now, &mut Batch::default()).unwrap();
        }
        task.flush_if_due(now).unwrap();
        flushed.swap(0, Ordering::Relaxed)
    };
    assert_eq!([0, 10_000].map(|now| look(&mut task, now, false)), [0, 0], "nothing was written");
    assert_eq!(look(&mut task, 10_000, true), 0);
    assert_eq!([10_999, 11_000, 12_000].map(|now| look(&mut task, now, false)), [0, 1, 0]);
    let each: usize = (0..=1_201).map(|step| look(&mut task, 20_000 + step * 500, true)).sum();
    assert_eq!(each, 2, "in ten minutes of writing, and a moment");
}

/// The changelog and the store hold the same bytes, and both what was kept: of a state that stays decoded, of one that
/// does not, and of bytes.
#[test]
fn what_goes_to_the_changelog_goes_to_the_store() {
    let mut task = open();
    let mut expected = vec![];
    demand(7).encode(&mut expected);
    task.keep(b"fA", demand(6));
    task.keep(b"fA", demand(7));
    task.put(b"rA", |out| out.extend_from_slice(b"held"));
    task.delete(b"rB");
    let records = seal(&mut task);
    let mut logged: Vec<_> = records.iter().map(|r| (r.key.unwrap().to_vec(), r.value.map(<[u8]>::to_vec))).collect();
    logged.sort();
    assert_eq!(
        logged,
        [(b"fA".to_vec(), Some(expected)), (b"rA".to_vec(), Some(b"held".to_vec())), (b"rB".to_vec(), None)],
        "the last value of each key, once"
    );
    task.apply(Some(1), 0, &mut Batch::default()).unwrap();
    for (key, value) in logged {
        assert_eq!(task.committed(&key).unwrap(), value);
    }
}
