//! What a commit of the log does: records and offsets together or not at all, its result, recovery, fencing.

use std::time::Duration;

use waybill::log::{Commit, Log, LogError, Tp, Transaction};

use crate::cluster::{Cluster, Plain, Producer, Seen};
use crate::stage::{Stage, numbered, offsets_become, texts, transaction};

/// Key and value.
type Parts<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// A transaction that the broker refuses: its second record is too large for the topic.
fn refused(tp: Tp, offsets: &[(Tp, i64)]) -> Transaction {
    let mut transaction = transaction(&[(tp, "k", "never")], offsets);
    // Bytes that no compression makes smaller: the topic's limit is on what is sent.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(2_000_000)
    .collect();
    transaction.records.push(tp, Some(b"k"), Some(&noise), &[]);
    transaction
}

pub fn records_and_offsets_are_committed_together<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.topic("out", 2));
    let other = stage.single("other");
    stage.fill(input, "v", 3);
    let mut worker = stage.joined("w", &[input.topic]);
    worker.take(stage, 3);
    let (a, b) = (Tp::new(out, 0), Tp::new(out, 1));
    let ends = worker.commit(stage, transaction(&[(a, "k", "1"), (b, "k", "2"), (other, "k", "3"), (a, "k", "4")], &[(input, 3)]));
    assert_eq!(ends, [(a, 2), (b, 1), (other, 1)]);
    assert_eq!((stage.settled_texts(a), stage.settled_texts(b)), (vec!["1".into(), "4".into()], vec!["2".into()]));
    assert_eq!(stage.settled_texts(other), ["3"]);
    offsets_become(&mut worker.log, &[input], &[Some(3)]);
}

pub fn ends_are_the_offsets_after_the_last_record<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    assert_eq!(worker.commit(stage, transaction(&[(out, "k", "a"), (out, "k", "b")], &[])), [(out, 2)]);
    stage.settled(out);
    // One offset is the marker's.
    assert_eq!(worker.commit(stage, transaction(&[(out, "k", "c")], &[])), [(out, 4)]);
    assert_eq!(stage.settled(out).iter().map(|r| r.offset).collect::<Vec<_>>(), [0, 1, 3]);
}

pub fn every_part_of_a_record_is_committed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    let before = stage.cluster.now();
    let mut t = Transaction::default();
    t.records.push(out, Some(b"k"), Some(b"v"), &[("b", Some(b"1")), ("a", None), ("b", Some(b"")), ("c", Some(&[0, 255]))]);
    t.records.push(out, Some(b"k"), None, &[]);
    t.records.push(out, None, Some(b""), &[("only", None)]);
    t.records.push(out, Some(b""), None, &[]);
    let constants = [("one", &b"1"[..]), ("two", b"2"), ("none", b""), ("four", b"4")];
    t.records.push_with(out, Some(b"w"), Some(&constants), &[("h", Some(b"2"))], |bytes| bytes.extend_from_slice(b"written"));
    worker.commit(stage, t);
    let seen = stage.settled(out);
    let parts: Vec<_> = seen.iter().map(|r| (r.key.as_deref(), r.value.as_deref())).collect();
    let expected: [Parts<'_>; 5] =
        [(Some(b"k"), Some(b"v")), (Some(b"k"), None), (None, Some(b"")), (Some(b""), None), (Some(b"w"), Some(b"written"))];
    assert_eq!(parts, expected);
    let header = |name: &str, value: Option<&[u8]>| (name.to_owned(), value.map(Into::into));
    assert_eq!(seen[0].headers, [header("b", Some(b"1")), header("a", None), header("b", Some(b"")), header("c", Some(&[0, 255]))]);
    assert_eq!(seen[1].headers, []);
    assert_eq!(seen[2].headers, [header("only", None)]);
    let mut all: Vec<_> = constants.iter().map(|(name, value)| header(name, Some(value))).collect();
    all.push(header("h", Some(b"2")));
    assert_eq!(seen[4].headers, all);
    let after = stage.cluster.now();
    assert!(seen.iter().all(|r| (before - 1_000..=after + 1_000).contains(&r.timestamp)), "{seen:?}");
}

pub fn each_partition_gets_its_records_in_order<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.topic("out", 4);
    let mut worker = stage.writer("w");
    let mut t = Transaction::default();
    for i in 0..400 {
        t.records.push(Tp::new(out, i % 4), Some(b"k"), Some(format!("{i}").as_bytes()), &[]);
    }
    worker.commit(stage, t);
    for p in 0..4 {
        let expected: Vec<_> = (0..400).filter(|i| i % 4 == p).map(|i| i.to_string()).collect();
        assert_eq!(stage.settled_texts(Tp::new(out, p)), expected);
    }
}

pub fn ten_thousand_records_are_one_transaction<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.topic("out", 4);
    let mut worker = stage.writer("w");
    let mut t = Transaction::default();
    for i in 0..10_000 {
        t.records.push(Tp::new(out, i % 4), Some(b"key"), Some(format!("value {i}").as_bytes()), &[("n", Some(&[1, 2, 3]))]);
    }
    let ends = worker.commit(stage, t);
    assert_eq!(ends, (0..4).map(|p| (Tp::new(out, p), 2_500)).collect::<Vec<_>>());
    let seen: Vec<_> = (0..4).flat_map(|p| stage.settled(Tp::new(out, p))).collect();
    assert_eq!(seen.len(), 10_000);
    assert_eq!(seen[9_999].text(), "value 9999");
}

pub fn fifty_partitions_are_one_transaction<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.topic("out", 50);
    let mut worker = stage.writer("w");
    let mut t = Transaction::default();
    for tp in stage.topics.all(out) {
        t.records.push(tp, Some(b"k"), Some(b"v"), &[]);
    }
    let ends = worker.commit(stage, t);
    assert_eq!(ends, stage.topics.all(out).map(|tp| (tp, 1)).collect::<Vec<_>>());
}

pub fn a_record_of_a_megabyte_is_committed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    let big: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 253) as u8).collect();
    let mut t = Transaction::default();
    t.records.push(out, Some(b"k"), Some(&big), &[]);
    worker.commit(stage, t);
    assert!(stage.settled(out)[0].value.as_ref() == Some(&big), "the bytes differ");
}

pub fn an_empty_transaction_is_committed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    assert_eq!(worker.commit(stage, Transaction::default()), []);
    assert_eq!(worker.commit(stage, transaction(&[(out, "k", "v")], &[])), [(out, 1)]);
}

pub fn offsets_alone_are_committed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.topic("in", 2);
    let (a, b) = (Tp::new(input, 0), Tp::new(input, 1));
    let mut worker = stage.joined("w", &[input]);
    offsets_become(&mut worker.log, &[a, b], &[None, None]);
    assert_eq!(worker.commit(stage, transaction(&[], &[(b, 7)])), []);
    offsets_become(&mut worker.log, &[a, b], &[None, Some(7)]);
    worker.commit(stage, transaction(&[], &[(a, 0), (b, 8)]));
    offsets_become(&mut worker.log, &[b, a], &[Some(8), Some(0)]);
}

pub fn a_commit_is_told_once<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    assert!(worker.log.committed().is_none());
    worker.commit(stage, transaction(&[(out, "k", "v")], &[]));
    assert!(worker.log.committed().is_none());
    worker.linger(stage);
    assert!(worker.log.committed().is_none());
    assert_eq!(stage.settled_texts(out), ["v"]);
}

pub fn a_commit_hands_the_transaction_back<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    worker.log.commit(transaction(&[(out, "k", "v")], &[]));
    let mut back = loop {
        match worker.log.committed() {
            Some(Commit::Done { transaction, .. }) => break transaction,
            Some(Commit::Failed { error }) => panic!("{error}"),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let record = back.records.iter().next().unwrap();
    assert_eq!((record.tp, record.key, record.value), (out, Some(&b"k"[..]), Some(&b"v"[..])));
    back.clear();
    back.records.push(out, Some(b"k"), Some(b"again"), &[]);
    worker.commit(stage, back);
    assert_eq!(stage.settled_texts(out), ["v", "again"]);
}

pub fn a_commit_that_ends_cuts_a_poll_short<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    worker.linger(stage);
    worker.log.commit(transaction(&[(out, "k", "v")], &[]));
    let began = std::time::Instant::now();
    let mut events = Vec::new();
    worker.log.poll(Duration::from_secs(20), 10, &mut events).unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "the poll waited {:?}", began.elapsed());
    assert!(matches!(worker.log.committed(), Some(Commit::Done { .. })));
}

pub fn reading_goes_on_while_a_commit_runs<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.single("out"));
    stage.fill(input, "v", 1);
    let mut worker = stage.joined("w", &[input.topic]);
    worker.take(stage, 1);
    worker.log.commit(transaction(&[(out, "k", "v")], &[(input, 1)]));
    stage.fill(input, "w", 10);
    assert_eq!(worker.take(stage, 11)[1..], numbered("w", 10));
    loop {
        match worker.log.committed() {
            Some(Commit::Done { .. }) => break,
            Some(Commit::Failed { error }) => panic!("{error}"),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    assert_eq!(stage.settled_texts(out), ["v"]);
}

pub fn commits_back_to_back_lose_and_double_nothing<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.topic("out", 2));
    let mut worker = stage.joined("w", &[input.topic]);
    for i in 0..40 {
        let value = format!("{i}");
        worker.commit(stage, transaction(&[(Tp::new(out, i % 2), "k", &value)], &[(input, i64::from(i))]));
    }
    let seen: Vec<Seen> = (0..2).flat_map(|p| stage.settled(Tp::new(out, p))).collect();
    let expected: Vec<_> = (0..40).step_by(2).chain((1..40).step_by(2)).map(|i| i.to_string()).collect();
    assert_eq!(texts(&seen), expected);
    offsets_become(&mut worker.log, &[input], &[Some(39)]);
}

// --- Failing and recovering

pub fn a_refused_record_fails_the_whole_commit<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.single("out"));
    let mut worker = stage.joined("w", &[input.topic]);
    let error = worker.try_commit(stage, refused(out, &[(input, 1)])).unwrap_err();
    assert!(!matches!(error, LogError::Fenced(_)), "{error:?}");
    worker.log.recover().unwrap();
    offsets_become(&mut worker.log, &[input], &[None]);
    assert_eq!(stage.settled_texts(out), [""; 0]);
    worker.commit(stage, transaction(&[(out, "k", "good")], &[(input, 1)]));
    assert_eq!(stage.settled_texts(out), ["good"]);
}

pub fn recovery_goes_back_to_the_committed_offsets<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.topic("in", 2), stage.single("out"));
    let (a, b) = (Tp::new(input, 0), Tp::new(input, 1));
    stage.fill(a, "a", 4);
    stage.fill(b, "b", 2);
    let mut worker = stage.joined("w", &[input]);
    worker.take(stage, 6);
    worker.commit(stage, transaction(&[], &[(a, 1)]));
    worker.try_commit(stage, refused(out, &[(a, 4), (b, 2)])).unwrap_err();
    let mut starts = worker.log.recover().unwrap();
    starts.sort_unstable();
    assert_eq!(starts, [(a, 1), (b, 0)]);
    worker.records.clear();
    worker.ends.clear();
    worker.take(stage, 5);
    assert_eq!((worker.texts_of(a), worker.texts_of(b)), (vec!["a1".into(), "a2".into(), "a3".into()], numbered("b", 2)));
    worker.until_end(stage, a, 4);
    worker.until_end(stage, b, 2);
    worker.commit(stage, transaction(&[(out, "k", "good")], &[(a, 4), (b, 2)]));
    offsets_become(&mut worker.log, &[a, b], &[Some(4), Some(2)]);
}

pub fn recovery_without_a_failure_only_goes_back<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.single("in");
    stage.fill(input, "v", 3);
    let mut worker = stage.joined("w", &[input.topic]);
    worker.take(stage, 3);
    worker.commit(stage, transaction(&[], &[(input, 2)]));
    assert_eq!(worker.log.recover().unwrap(), [(input, 2)]);
    worker.records.clear();
    assert_eq!(worker.take(stage, 1), ["v2"]);
    worker.commit(stage, transaction(&[], &[(input, 3)]));
}

pub fn recovery_leaves_what_is_paused_paused<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.topic("in", 2);
    let (a, b) = (Tp::new(input, 0), Tp::new(input, 1));
    stage.fill(a, "a", 2);
    stage.fill(b, "b", 2);
    let mut worker = stage.newcomer("w", &[input]);
    worker.pause = vec![a];
    worker.take(stage, 2);
    worker.log.recover().unwrap();
    worker.take(stage, 4);
    worker.linger(stage);
    assert_eq!(worker.texts_of(a), [""; 0]);
    worker.log.resume(&[a]).unwrap();
    worker.take(stage, 6);
    assert_eq!(worker.texts_of(a), numbered("a", 2));
}

pub fn recovery_twice_is_recovery<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    worker.try_commit(stage, refused(out, &[])).unwrap_err();
    worker.log.recover().unwrap();
    worker.log.recover().unwrap();
    worker.commit(stage, transaction(&[(out, "k", "good")], &[]));
    assert_eq!(stage.settled_texts(out), ["good"]);
}

pub fn closing_leaves_no_transaction_open<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    worker.try_commit(stage, refused(out, &[])).unwrap_err();
    worker.log.close();
    drop(worker);
    stage.fill(out, "v", 1);
    assert_eq!(stage.settled_texts(out), ["v0"]);
}

pub fn closing_keeps_what_is_committed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut worker = stage.writer("w");
    worker.commit(stage, transaction(&[(out, "k", "v")], &[]));
    worker.log.close();
    drop(worker);
    assert_eq!(stage.settled_texts(out), ["v"]);
}

// --- Fencing

pub fn a_new_client_with_the_same_transactional_id_fences_the_old<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let mut old = stage.writer("old");
    old.commit(stage, transaction(&[(out, "k", "old")], &[]));
    let scratch = stage.topics.find(&stage.named("scratch")).unwrap();
    let mut who = stage.who("new", &[scratch]);
    who.transactional_id = stage.named("old");
    who.group = stage.named("other-group");
    let mut new = stage.client(&who);
    let error = old.try_commit(stage, transaction(&[(out, "k", "zombie")], &[])).unwrap_err();
    assert!(matches!(error, LogError::Fenced(_)), "{error:?}");
    new.commit(stage, transaction(&[(out, "k", "new")], &[]));
    assert_eq!(stage.settled_texts(out), ["old", "new"]);
}

pub fn a_new_client_aborts_what_its_predecessor_left_open<C: Cluster>(stage: &mut Stage<'_, C>) {
    let out = stage.single("out");
    let (topic, p) = stage.name(out);
    let mut dead = stage.producer("w");
    dead.send(&topic, p, &Plain::new("k", "never"));
    stage.fill(out, "v", 1);
    assert_eq!(stage.visible(out), [""; 0]);
    let _worker = stage.writer("w");
    assert_eq!(stage.settled_texts(out), ["v0"]);
    assert!(dead.commit().is_err(), "a fenced producer has committed");
}
