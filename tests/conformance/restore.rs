//! Reading a changelog outside the group.

use waybill::log::{Log, Progress, Reader, Tp, Transaction};

use crate::cluster::{Cluster, Plain, Producer};
use crate::stage::{Stage, read_all, read_some, transaction};

type Row = (i64, String, Option<String>);

fn row(offset: i64, key: &str, value: &str) -> Row {
    (offset, key.into(), Some(value.into()))
}

pub fn a_reader_reads_everything<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    let records: Vec<_> = (0..25_000).map(|i| Plain::new(&format!("k{i}"), &format!("v{i}"))).collect();
    stage.put(log, &records);
    let worker = stage.writer("w");
    let reader = worker.log.reader(log, 0).unwrap();
    let (rows, progress) = read_all(stage, reader);
    assert_eq!(rows.len(), 25_000);
    assert!(rows.iter().enumerate().all(|(i, r)| *r == row(i as i64, &format!("k{i}"), &format!("v{i}"))));
    assert_eq!(progress, Progress { position: 25_000, end: 25_000, start: 0 });
}

pub fn a_reader_starts_where_it_is_told<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    stage.fill(log, "v", 10);
    let worker = stage.writer("w");
    let reader = worker.log.reader(log, 7).unwrap();
    assert_eq!(reader.progress(), Progress { position: 7, end: 10, start: 0 });
    let (rows, _) = read_all(stage, reader);
    assert_eq!(rows, [row(7, "k", "v7"), row(8, "k", "v8"), row(9, "k", "v9")]);
}

pub fn a_reader_of_nothing_is_complete<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("changelog", 2);
    let (empty, full) = (Tp::new(topic, 0), Tp::new(topic, 1));
    stage.fill(full, "v", 3);
    let worker = stage.writer("w");
    assert!(worker.log.reader(empty, 0).unwrap().progress().is_complete());
    let mut reader = worker.log.reader(full, 3).unwrap();
    assert!(reader.progress().is_complete());
    let mut rows = Vec::new();
    assert!(read_some(&mut reader, &mut rows).is_complete());
    assert_eq!(rows, []);
}

pub fn a_reader_shows_tombstones_and_skips_what_has_no_key<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    let mut worker = stage.writer("w");
    let mut t = Transaction::default();
    t.records.push(log, Some(b"a"), Some(b"1"), &[]);
    t.records.push(log, None, Some(b"keyless"), &[]);
    t.records.push(log, Some(b"a"), None, &[]);
    t.records.push(log, Some(b""), Some(b""), &[]);
    worker.commit(stage, t);
    let reader = worker.log.reader(log, 0).unwrap();
    let (rows, _) = read_all(stage, reader);
    assert_eq!(rows, [row(0, "a", "1"), (2, "a".into(), None), row(3, "", "")]);
}

pub fn a_reader_sees_its_own_commits<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    let mut worker = stage.writer("w");
    for i in 0..5 {
        let value = format!("{i}");
        worker.commit(stage, transaction(&[(log, "k", &value)], &[]));
        let reader = worker.log.reader(log, 0).unwrap();
        let (rows, _) = read_all(stage, reader);
        assert_eq!(rows.last().map(|r| r.2.clone()), Some(Some(value)), "after commit {i}");
    }
}

pub fn a_reader_passes_markers_and_aborted_records<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    let (topic, p) = stage.name(log);
    let mut producer = stage.producer("p");
    for (value, commit) in [("a", true), ("never", false), ("b", true), ("never", false)] {
        producer.send(&topic, p, &Plain::new("k", value));
        if commit {
            producer.commit().unwrap();
        } else {
            producer.abort().unwrap();
        }
        stage.settled(log);
    }
    let worker = stage.writer("w");
    let reader = worker.log.reader(log, 0).unwrap();
    let (rows, progress) = read_all(stage, reader);
    assert_eq!(rows, [row(0, "k", "a"), row(4, "k", "b")]);
    assert_eq!((progress.position, progress.end), (8, 8));
}

pub fn a_reader_from_a_markers_offset_is_content<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    let mut worker = stage.writer("w");
    let ends = worker.commit(stage, transaction(&[(log, "k", "v")], &[]));
    stage.settled(log);
    // The marker alone is left to read: 1 of 2.
    let reader = worker.log.reader(log, ends[0].1).unwrap();
    let (rows, progress) = read_all(stage, reader);
    assert_eq!((rows.len(), progress.position), (0, 2));
}

pub fn a_reader_waits_for_open_transactions_to_commit<C: Cluster>(stage: &mut Stage<'_, C>) {
    waits(stage, true, &[row(0, "k", "v0"), row(1, "k", "open"), row(2, "k", "w0")]);
}

pub fn a_reader_waits_for_open_transactions_to_abort<C: Cluster>(stage: &mut Stage<'_, C>) {
    waits(stage, false, &[row(0, "k", "v0"), row(2, "k", "w0")]);
}

fn waits<C: Cluster>(stage: &mut Stage<'_, C>, commit: bool, expected: &[Row]) {
    let log = stage.single("changelog");
    let (topic, p) = stage.name(log);
    stage.fill(log, "v", 1);
    let mut producer = stage.producer("p");
    producer.send(&topic, p, &Plain::new("k", "open"));
    stage.fill(log, "w", 1);
    let worker = stage.writer("w");
    let mut reader = worker.log.reader(log, 0).unwrap();
    let mut rows = Vec::new();
    for _ in 0..5 {
        let progress = read_some(&mut reader, &mut rows);
        assert!(!progress.is_complete(), "{progress:?}");
        assert_eq!(progress.end, 3);
    }
    assert_eq!(rows, expected[..1]);
    if commit {
        producer.commit().unwrap();
    } else {
        producer.abort().unwrap();
    }
    let (rest, progress) = read_all(stage, reader);
    assert_eq!(rest, expected[1..]);
    assert!(progress.is_complete());
}

pub fn a_reader_does_not_wait_for_later_transactions<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    let (topic, p) = stage.name(log);
    stage.fill(log, "v", 3);
    let worker = stage.writer("w");
    let reader = worker.log.reader(log, 0).unwrap();
    let mut producer = stage.producer("p");
    producer.send(&topic, p, &Plain::new("k", "open"));
    let (rows, progress) = read_all(stage, reader);
    assert_eq!((rows.len(), progress.end), (3, 3));
    producer.abort().unwrap();
}

pub fn a_reader_tells_what_retention_left<C: Cluster>(stage: &mut Stage<'_, C>) {
    let log = stage.single("changelog");
    stage.fill(log, "v", 6);
    let (topic, p) = stage.name(log);
    stage.cluster.delete_before(&topic, p, 4);
    let worker = stage.writer("w");
    let reader = worker.log.reader(log, 4).unwrap();
    assert_eq!(reader.progress().start, 4);
    let (rows, progress) = read_all(stage, reader);
    assert_eq!(rows, [row(4, "k", "v4"), row(5, "k", "v5")]);
    assert_eq!(progress, Progress { position: 6, end: 6, start: 4 });
    // From before the start: what is left, and the caller sees by `start` that something is missing.
    let reader = worker.log.reader(log, 0).unwrap();
    assert_eq!(reader.progress().start, 4);
    assert_eq!(read_all(stage, reader).0.len(), 2);
}

pub fn readers_may_be_used_on_other_threads<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("changelog", 3);
    let all: Vec<_> = stage.topics.all(topic).collect();
    for tp in &all {
        stage.fill(*tp, &format!("p{}-", tp.partition), 100);
    }
    let worker = stage.writer("w");
    let threads: Vec<_> = all
        .iter()
        .map(|tp| {
            let mut reader = worker.log.reader(*tp, 0).unwrap();
            std::thread::spawn(move || {
                let mut rows = Vec::new();
                let complete = (0..400).any(|_| read_some(&mut reader, &mut rows).is_complete());
                assert!(complete, "the reader does not get to its end");
                rows
            })
        })
        .collect();
    for (tp, thread) in all.iter().zip(threads) {
        let rows = thread.join().unwrap();
        assert_eq!((rows.len(), rows[99].2.clone()), (100, Some(format!("p{}-99", tp.partition))));
    }
}
