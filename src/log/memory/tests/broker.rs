//! The broker seen from outside the engine, and its determinism.

use super::*;
use crate::log::{Message, Reader};

#[test]
fn polls_and_calls_fail_as_often_as_told() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().fail_polls(log.client(), 2);
    for _ in 0..2 {
        assert!(matches!(log.poll(Duration::ZERO, 1, &mut Vec::new()), Err(LogError::Retry(_))));
    }
    assert!(!turn(&mut log).is_empty());
    bench.broker.faults().fail_calls(log.client(), 2);
    assert!(matches!(log.ends(&[]), Err(LogError::Retry(_))));
    assert!(matches!(log.recover(), Err(LogError::Retry(_))));
    log.recover().unwrap();
}

#[test]
fn compaction_keeps_the_last_of_each_key_and_all_offsets() {
    let bench = Bench::new();
    for (key, value) in [("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("b", None)] {
        bench.broker.produce("out", 0, Some(key.as_bytes()), value.map(str::as_bytes), &[], None).unwrap();
    }
    bench.broker.produce("out", 0, None, Some(b"keyless"), &[], None).unwrap();
    bench.broker.compact("out", 0).unwrap();
    let left: Vec<_> = bench.broker.read_committed("out", 0).iter().map(|r| (r.offset, text(r.value()))).collect();
    assert_eq!(left, [(2, "3".into()), (3, String::new()), (4, "keyless".into())]);
    let log = bench.alone("w");
    let mut offsets = Vec::new();
    let progress = log.reader(Tp::new(OUT, 0), 0).unwrap().next(&mut |offset, _, _| offsets.push(offset)).unwrap();
    assert_eq!((progress.position, offsets), (5, vec![2, 3]));
}

/// What retention takes is gone, offsets go on, and an aborted transaction that lies across the edge ends as any other.
#[test]
fn retention_keeps_offsets_and_what_is_behind_it() {
    let broker = MemoryBroker::new(Clock::Wall);
    broker.create_topic("t", 1).unwrap();
    let produce = |text: &str| broker.produce("t", 0, Some(b"k"), Some(text.as_bytes()), &[], None).unwrap();
    produce("0");
    let mut open = MemoryProducer::new(&broker, "p", 60_000);
    for text in ["1", "2", "3"] {
        open.send("t", 0, None, Some(text.as_bytes()), &[]).unwrap();
    }
    broker.delete_before("t", 0, 3).unwrap();
    assert_eq!(produce("4"), 4);
    open.abort().unwrap();
    broker.delete_before("t", 0, 2).unwrap();
    let left = |records: Vec<MemoryRecord>| records.iter().map(|r| (r.offset, text(r.value()))).collect::<Vec<_>>();
    assert_eq!(left(broker.read_committed("t", 0)), [(4, "4".into())]);
    assert_eq!(left(broker.read_uncommitted("t", 0)), [(3, "3".into()), (4, "4".into())]);
    broker.delete_before("t", 0, 100).unwrap();
    assert_eq!((broker.end("t", 0), produce("6")), (Some(6), 6), "the abort's marker was the last");
    broker.compact("t", 0).unwrap();
    assert_eq!(left(broker.read_committed("t", 0)), [(6, "6".into())]);
}

#[test]
fn a_follower_sees_what_is_committed_as_it_comes() {
    let broker = MemoryBroker::new(Clock::Wall);
    broker.create_topic("t", 2).unwrap();
    broker.produce("t", 0, None, Some(b"old"), &[], None).unwrap();
    let mut all = broker.follow("t", true).unwrap();
    let mut new = broker.follow("t", false).unwrap();
    assert_eq!(all.topic(), "t");
    assert_eq!(all.next(Duration::ZERO, 10).len(), 1);
    assert!(new.next(Duration::from_millis(20), 10).is_empty());
    let mut producer = MemoryProducer::new(&broker, "p", 60_000);
    producer.send("t", 1, None, Some(b"in a transaction"), &[]).unwrap();
    assert!(new.next(Duration::from_millis(20), 10).is_empty());
    let waiting = std::thread::spawn(move || new.next(Duration::from_secs(20), 10));
    std::thread::sleep(Duration::from_millis(50));
    let began = std::time::Instant::now();
    producer.commit().unwrap();
    let records = waiting.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "it was not woken");
    assert_eq!((records.len(), records[0].partition, text(records[0].value())), (1, 1, "in a transaction".into()));
}

#[test]
fn a_dump_has_every_committed_record_of_every_topic() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    assert!(matches!(commit(&mut log, three()), Some(Ok(()))));
    let mut rows = Vec::new();
    bench.broker.dump(&mut |topic, r| rows.push((topic.to_owned(), r.partition, r.offset, text(r.value()))));
    assert_eq!(rows.len(), 6 + 3);
    assert_eq!(rows[8], ("out".into(), 1, 0, "b".into()));
}

#[test]
fn a_client_refuses_topics_that_are_not_as_it_thinks() {
    let bench = Bench::new();
    for (name, partitions, says) in [("none", 1, "does not exist"), ("in", 3, "has 2 partitions")] {
        let mut topics = Topics::default();
        let id = topics.add(name, partitions);
        let error = MemoryLog::new(&bench.broker, MemoryConfig::new("g", "t", topics, vec![id])).err().unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(bench.broker.create_topic("in", 2).is_ok() && bench.broker.create_topic("in", 5).is_err());
}

#[test]
fn the_same_calls_give_the_same_events() {
    let run = || {
        let bench = Bench::new();
        let mut seen = 7_i64;
        bench.broker.faults().pace(move |_| {
            seen = (seen * 31 + 11) % 17;
            seen
        });
        let (mut one, mut two) = (bench.client("one"), bench.client("two"));
        let mut trace = Vec::new();
        let mut given = [None, None];
        for round in 0..200 {
            for (log, given) in [&mut one, &mut two].into_iter().zip(&mut given) {
                let mut events = Vec::new();
                log.poll(Duration::ZERO, 3, &mut events).unwrap();
                for event in events {
                    match &event {
                        Event::Assigned(tps) => *given = Some(tps.clone()),
                        Event::Revoked | Event::Lost => log.unassign().unwrap(),
                        _ => {}
                    }
                    trace.push(match event {
                        Event::Record(m) => format!("{round} {:?} {}", m.tp(), m.offset()),
                        other => format!("{round} {other:?}"),
                    });
                }
                if let Some(tps) = given.take() {
                    let starts = log.assign(&tps, &[]);
                    trace.push(format!("{round} {starts:?}"));
                    *given = starts.is_err().then_some(tps);
                }
                match ended(log) {
                    Some(Err(_)) => trace.push(format!("{:?}", log.recover())),
                    other => trace.push(format!("{other:?}")),
                }
                if round % 7 == 0 && round < 150 {
                    log.commit(three());
                }
            }
            if round % 40 == 20 {
                bench.broker.faults().rebalance("g");
            }
            bench.broker.advance(3);
        }
        trace
    };
    let first = run();
    assert!(first.len() > 400 && first == run());
}
