//! What other programs' transactions let a reader see, and when.

use std::time::Duration;

use waybill::log::Log;

use crate::cluster::{Cluster, Plain, Producer};
use crate::stage::Stage;

fn plain(value: &str) -> Plain {
    Plain::new("k", value)
}

pub fn aborted_records_are_never_seen<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let mut producer = stage.producer("p");
    producer.send(&topic, p, &plain("aborted"));
    producer.abort().unwrap();
    producer.send(&topic, p, &plain("committed"));
    producer.commit().unwrap();
    stage.fill(tp, "plain", 1);
    let mut worker = stage.joined("w", &[tp.topic]);
    assert_eq!(worker.take(stage, 2), ["committed", "plain0"]);
    assert_eq!(stage.settled_texts(tp), ["committed", "plain0"]);
    let (all, _) = stage.cluster.read(&topic, p, false);
    assert_eq!(all.len(), 3);
}

pub fn markers_take_offsets<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let mut producer = stage.producer("p");
    assert_eq!(producer.send(&topic, p, &plain("a")), 0);
    producer.commit().unwrap();
    stage.settled(tp);
    assert_eq!(producer.send(&topic, p, &plain("b")), 2);
    producer.abort().unwrap();
    stage.settled(tp);
    assert_eq!(stage.fill(tp, "c", 1), [4]);
    let offsets: Vec<_> = stage.settled(tp).iter().map(|r| r.offset).collect();
    assert_eq!(offsets, [0, 4]);
}

pub fn open_records_are_seen_after_the_commit_only<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let mut worker = stage.joined("w", &[tp.topic]);
    let mut producer = stage.producer("p");
    producer.send(&topic, p, &plain("a"));
    producer.send(&topic, p, &plain("b"));
    worker.linger(stage);
    assert_eq!((worker.records.len(), stage.visible(tp).len()), (0, 0));
    producer.commit().unwrap();
    assert_eq!(worker.take(stage, 2), ["a", "b"]);
}

pub fn an_open_transaction_holds_back_what_comes_after_it<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let mut worker = stage.joined("w", &[tp.topic]);
    stage.fill(tp, "before", 1);
    let mut producer = stage.producer("p");
    producer.send(&topic, p, &plain("inside"));
    stage.fill(tp, "after", 1);
    assert_eq!(worker.take(stage, 1), ["before0"]);
    worker.linger(stage);
    assert_eq!(worker.texts(), ["before0"]);
    producer.abort().unwrap();
    assert_eq!(worker.take(stage, 2), ["before0", "after0"]);
}

pub fn the_first_open_transaction_holds_back_a_committed_one<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let mut worker = stage.joined("w", &[tp.topic]);
    let (mut first, mut second) = (stage.producer("first"), stage.producer("second"));
    first.send(&topic, p, &plain("1a"));
    second.send(&topic, p, &plain("2a"));
    first.send(&topic, p, &plain("1b"));
    worker.linger(stage);
    assert_eq!(worker.texts(), [""; 0]);
    second.commit().unwrap();
    worker.linger(stage);
    assert_eq!(worker.texts(), [""; 0]);
    first.commit().unwrap();
    assert_eq!(worker.take(stage, 3), ["1a", "2a", "1b"]);
}

pub fn interleaved_transactions_keep_the_logs_order<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let (mut kept, mut dropped) = (stage.producer("kept"), stage.producer("dropped"));
    for i in 0..10 {
        kept.send(&topic, p, &plain(&format!("kept{i}")));
        dropped.send(&topic, p, &plain(&format!("dropped{i}")));
    }
    dropped.abort().unwrap();
    kept.commit().unwrap();
    let mut worker = stage.joined("w", &[tp.topic]);
    assert_eq!(worker.take(stage, 10), crate::stage::numbered("kept", 10));
    worker.until_end(stage, tp, 22);
}

pub fn another_partition_is_not_held_back<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 2);
    let (a, b) = (waybill::log::Tp::new(topic, 0), waybill::log::Tp::new(topic, 1));
    let (held, _) = stage.name(a);
    let mut producer = stage.producer("p");
    producer.send(&held, 0, &plain("open"));
    stage.fill(b, "b", 2);
    let mut worker = stage.joined("w", &[topic]);
    assert_eq!(worker.take(stage, 2), ["b0", "b1"]);
    worker.until_end(stage, a, 0);
    producer.abort().unwrap();
    worker.until_end(stage, a, 2);
}

pub fn ends_count_what_is_not_committed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 3);
    let all: Vec<_> = stage.topics.all(topic).collect();
    let (name, _) = stage.name(all[0]);
    stage.fill(all[0], "v", 2);
    let mut producer = stage.producer("p");
    producer.send(&name, 0, &plain("open"));
    producer.send(&name, 1, &plain("open"));
    let mut worker = stage.writer("w");
    assert_eq!(worker.log.ends(&all).unwrap(), [3, 1, 0]);
    assert_eq!(worker.log.ends(&[all[2], all[0]]).unwrap(), [0, 3]);
    assert_eq!(worker.log.ends(&[]).unwrap(), [0; 0]);
    producer.commit().unwrap();
    stage.settled(all[0]);
    stage.settled(all[1]);
    assert_eq!(worker.log.ends(&all).unwrap(), [4, 2, 0]);
}

pub fn a_new_producer_fences_the_old_one<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let mut old = stage.producer("same");
    old.send(&topic, p, &plain("old"));
    let mut new = stage.producer("same");
    assert!(old.commit().is_err(), "a fenced producer has committed");
    new.send(&topic, p, &plain("new"));
    new.commit().unwrap();
    assert_eq!(stage.settled_texts(tp), ["new"]);
}

pub fn a_dead_producers_transaction_times_out<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let (topic, p) = stage.name(tp);
    let id = stage.named("dead");
    let timeout = Duration::from_secs(3);
    let mut dead = stage.cluster.producer(&id, timeout);
    let began = stage.cluster.now();
    dead.send(&topic, p, &plain("never"));
    stage.fill(tp, "v", 1);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.linger(stage);
    // On a machine that is very busy, it is over by now.
    if stage.cluster.now() - began < timeout.as_millis() as i64 {
        assert_eq!(worker.texts(), [""; 0]);
    }
    assert_eq!(worker.take(stage, 1), ["v0"]);
    assert!(dead.commit().is_err(), "a transaction that timed out was committed");
    assert_eq!(stage.settled_texts(tp), ["v0"]);
}
