//! What a group member reads: order, offsets, every part of a record, ends, pausing.

use waybill::log::{Event, Log, Tp};

use crate::cluster::{Cluster, Plain};
use crate::stage::{Stage, Worker, numbered, offsets_become, texts, transaction};

pub fn records_come_in_order_with_their_offsets<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let offsets = stage.fill(tp, "v", 1_000);
    assert_eq!(offsets, (0..1_000).collect::<Vec<_>>());
    let mut worker = stage.joined("w", &[tp.topic]);
    assert_eq!(worker.take(stage, 1_000), numbered("v", 1_000));
    let read: Vec<_> = worker.records.iter().map(|(_, r)| r.offset).collect();
    assert_eq!(read, offsets);
}

pub fn each_partition_keeps_its_order<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 3);
    let partitions: Vec<_> = stage.topics.all(topic).collect();
    for tp in &partitions {
        stage.fill(*tp, &format!("p{}-", tp.partition), 200);
    }
    let mut worker = stage.joined("w", &[topic]);
    worker.take(stage, 600);
    for tp in partitions {
        assert_eq!(worker.texts_of(tp), numbered(&format!("p{}-", tp.partition), 200));
    }
}

pub fn headers_keep_order_duplicates_nulls_and_empties<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let record = Plain::new("k", "v")
        .header("b", Some(b"1"))
        .header("a", None)
        .header("b", Some(b""))
        .header("b", Some(&[0, 255, 0]))
        .header("\u{fc}", Some(b"x"));
    stage.put(tp, std::slice::from_ref(&record));
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.take(stage, 1);
    assert_eq!(worker.records[0].1.headers, record.headers);
}

pub fn null_and_empty_keys_and_values_differ<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let some = |bytes: &[u8]| Some(bytes.to_vec());
    let kinds = [(None, None), (some(b""), some(b"")), (None, some(b"v")), (some(b"k"), None), (some(b""), None), (None, some(b""))];
    let records: Vec<_> = kinds.iter().map(|(key, value)| Plain { key: key.clone(), value: value.clone(), ..Plain::default() }).collect();
    stage.put(tp, &records);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.take(stage, records.len());
    let read: Vec<_> = worker.records.iter().map(|(_, r)| (r.key.clone(), r.value.clone())).collect();
    assert_eq!(read, kinds);
}

pub fn all_bytes_come_through<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let bytes: Vec<u8> = (0..=255).collect();
    stage.put(tp, &[Plain { key: Some(bytes.clone()), value: Some(bytes.repeat(16)), ..Plain::default() }]);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.take(stage, 1);
    let record = &worker.records[0].1;
    assert_eq!((record.key.as_ref(), record.value.as_ref()), (Some(&bytes), Some(&bytes.repeat(16))));
}

pub fn timestamps_are_the_producers<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let now = stage.cluster.now();
    let times = [now, now - 86_400_000, now + 60_000, 1];
    let records: Vec<_> = times.iter().map(|at| Plain::new("k", "v").at(*at)).collect();
    stage.put(tp, &records);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.take(stage, times.len());
    assert_eq!(worker.records.iter().map(|(_, r)| r.timestamp).collect::<Vec<_>>(), times);
}

pub fn a_record_of_a_megabyte_is_read<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let big: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    stage.put(tp, &[Plain { value: Some(big.clone()), ..Plain::default() }, Plain::new("k", "next")]);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.take(stage, 2);
    assert!(worker.records[0].1.value.as_ref() == Some(&big), "the bytes differ");
    assert_eq!(worker.records[1].1.text(), "next");
}

pub fn a_poll_takes_no_more_than_it_may<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 20);
    let mut worker = stage.joined("w", &[tp.topic]);
    let mut read = 0;
    while read < 20 {
        let mut events = Vec::new();
        worker.log.poll(std::time::Duration::from_millis(100), 3, &mut events).unwrap();
        assert!(events.len() <= 3, "{} events", events.len());
        read += events.iter().filter(|e| matches!(e, Event::Record(_))).count();
    }
}

pub fn polling_adds_to_what_is_there<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 2);
    let mut worker = stage.joined("w", &[tp.topic]);
    let mut events = vec![Event::Lost];
    while events.len() < 3 {
        worker.log.poll(std::time::Duration::from_millis(100), 1, &mut events).unwrap();
    }
    assert!(matches!(events[0], Event::Lost));
}

pub fn records_produced_later_are_read<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let mut worker = stage.joined("w", &[tp.topic]);
    for round in 0..5 {
        stage.fill(tp, &format!("r{round}-"), 3);
        worker.take(stage, (round + 1) * 3);
    }
    assert_eq!(worker.texts()[12..], numbered("r4-", 3));
}

pub fn only_subscribed_topics_are_given_and_read<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (wanted, other) = (stage.topic("in", 2), stage.topic("other", 2));
    stage.fill(Tp::new(other, 0), "x", 3);
    stage.fill(Tp::new(wanted, 1), "v", 1);
    let mut worker = stage.joined("w", &[wanted]);
    assert_eq!(worker.partitions(), stage.topics.all(wanted).collect::<Vec<_>>());
    worker.take(stage, 1);
    worker.linger(stage);
    assert_eq!(worker.texts(), ["v0"]);
}

// --- Ends

pub fn an_empty_partition_ends_at_zero<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 2);
    let mut worker = stage.joined("w", &[topic]);
    worker.until_end(stage, Tp::new(topic, 0), 0);
    worker.until_end(stage, Tp::new(topic, 1), 0);
}

pub fn the_end_comes_after_the_data_and_once<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 5);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.until(stage, "the end", |w| w.ends.contains(&(tp, 5)));
    assert_eq!(worker.records.len(), 5);
    worker.linger(stage);
    assert_eq!(worker.ends.iter().filter(|e| **e == (tp, 5)).count(), 1);
}

pub fn the_end_comes_again_after_more_data<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.until_end(stage, tp, 0);
    stage.fill(tp, "v", 2);
    worker.until_end(stage, tp, 2);
    stage.fill(tp, "w", 1);
    worker.until_end(stage, tp, 3);
    assert_eq!(worker.ends, [(tp, 0), (tp, 2), (tp, 3)]);
}

pub fn the_end_counts_commit_markers<C: Cluster>(stage: &mut Stage<'_, C>) {
    use crate::cluster::Producer;
    let tp = stage.single("in");
    let (topic, partition) = stage.name(tp);
    let mut producer = stage.producer("p");
    producer.send(&topic, partition, &Plain::new("k", "v"));
    producer.commit().unwrap();
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.until_end(stage, tp, 2);
    assert_eq!(worker.texts(), ["v"]);
}

pub fn the_end_comes_after_aborted_data_alone<C: Cluster>(stage: &mut Stage<'_, C>) {
    use crate::cluster::Producer;
    let tp = stage.single("in");
    let (topic, partition) = stage.name(tp);
    let mut producer = stage.producer("p");
    for _ in 0..3 {
        producer.send(&topic, partition, &Plain::new("k", "never"));
    }
    producer.abort().unwrap();
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.until_end(stage, tp, 4);
    assert_eq!(worker.texts(), [""; 0]);
}

pub fn the_end_waits_before_an_open_transaction<C: Cluster>(stage: &mut Stage<'_, C>) {
    use crate::cluster::Producer;
    let tp = stage.single("in");
    let (topic, partition) = stage.name(tp);
    stage.fill(tp, "v", 2);
    let mut producer = stage.producer("p");
    producer.send(&topic, partition, &Plain::new("k", "t"));
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.until_end(stage, tp, 2);
    worker.linger(stage);
    assert_eq!(worker.ends, [(tp, 2)]);
    producer.commit().unwrap();
    worker.until_end(stage, tp, 4);
    assert_eq!(worker.texts(), ["v0", "v1", "t"]);
}

// --- Starting, pausing

pub fn without_offsets_reading_starts_at_the_beginning<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 2);
    let (a, b) = (Tp::new(topic, 0), Tp::new(topic, 1));
    stage.fill(a, "v", 3);
    let mut worker = stage.joined("w", &[topic]);
    worker.starts.sort_unstable();
    assert_eq!(worker.starts, [(a, 0), (b, 0)]);
    assert_eq!(worker.take(stage, 3), numbered("v", 3));
}

pub fn without_offsets_reading_starts_at_what_retention_left<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 5);
    let (topic, partition) = stage.name(tp);
    stage.cluster.delete_before(&topic, partition, 3);
    let mut worker = stage.joined("w", &[tp.topic]);
    assert_eq!(worker.starts, [(tp, 3)]);
    assert_eq!(worker.take(stage, 2), ["v3", "v4"]);
}

pub fn a_committed_offset_that_is_deleted_is_an_error<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 5);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.commit(stage, transaction(&[], &[(tp, 1)]));
    worker.log.close();
    drop(worker);
    let (topic, partition) = stage.name(tp);
    stage.cluster.delete_before(&topic, partition, 3);
    let mut worker = stage.newcomer("w", &[tp.topic]);
    let error = (0..200).find_map(|_| worker.turn().err());
    assert!(matches!(error, Some(waybill::log::LogError::Fatal(_))), "{error:?}");
    assert_eq!(worker.texts(), [""; 0]);
}

pub fn paused_partitions_deliver_nothing_until_resumed<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 2);
    let (a, b) = (Tp::new(topic, 0), Tp::new(topic, 1));
    stage.fill(a, "a", 2);
    stage.fill(b, "b", 2);
    let mut worker = stage.newcomer("w", &[topic]);
    worker.pause = vec![a];
    worker.until_end(stage, b, 2);
    worker.linger(stage);
    assert_eq!((worker.texts(), &worker.ends[..]), (numbered("b", 2), &[(b, 2)][..]));
    worker.log.resume(&[a]).unwrap();
    worker.until_end(stage, a, 2);
    assert_eq!(worker.texts_of(a), numbered("a", 2));
}

pub fn resuming_nothing_changes_nothing<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 1);
    let mut worker = stage.newcomer("w", &[tp.topic]);
    worker.pause = vec![tp];
    worker.until(stage, "an assignment", Worker::is_assigned);
    worker.log.resume(&[]).unwrap();
    worker.linger(stage);
    assert_eq!(worker.texts(), [""; 0]);
}

pub fn nothing_is_read_before_assign<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 2);
    let mut worker = stage.newcomer("w", &[tp.topic]);
    let mut events = Vec::new();
    while !events.iter().any(|e| matches!(e, Event::Assigned(_))) {
        worker.log.poll(std::time::Duration::from_millis(50), 100, &mut events).unwrap();
    }
    for _ in 0..5 {
        worker.log.poll(std::time::Duration::from_millis(50), 100, &mut events).unwrap();
    }
    assert_eq!(events.len(), 1, "{} events", events.len());
    assert_eq!(worker.log.assign(&[tp], &[]).unwrap(), [(tp, 0)]);
    assert_eq!(worker.take(stage, 2), ["v0", "v1"]);
}

pub fn two_groups_read_everything_each<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 3);
    let mut one = stage.joined("one", &[tp.topic]);
    let mut who = stage.who("two", &[tp.topic]);
    who.group = stage.named("other-group");
    let mut two = stage.client(&who);
    assert_eq!(one.take(stage, 3), numbered("v", 3));
    one.commit(stage, transaction(&[], &[(tp, 3)]));
    assert_eq!(two.take(stage, 3), numbered("v", 3));
    offsets_become(&mut two.log, &[tp], &[None]);
}

pub fn a_kept_message_stays_readable<C: Cluster>(stage: &mut Stage<'_, C>) {
    use waybill::log::Message;
    let tp = stage.single("in");
    let record = Plain::new("k", "kept").header("h", Some(b"x"));
    stage.put(tp, std::slice::from_ref(&record));
    let mut worker = stage.joined("w", &[tp.topic]);
    let mut events = Vec::new();
    while !events.iter().any(|e| matches!(e, Event::Record(_))) {
        worker.log.poll(std::time::Duration::from_millis(50), 100, &mut events).unwrap();
    }
    let message = events.into_iter().find_map(|e| if let Event::Record(m) = e { Some(m) } else { None }).unwrap();
    stage.fill(tp, "v", 500);
    worker.take(stage, 500);
    worker.commit(stage, transaction(&[], &[(tp, 501)]));
    assert_eq!((message.tp(), message.offset(), message.key(), message.value()), (tp, 0, Some(&b"k"[..]), Some(&b"kept"[..])));
    assert_eq!(message.headers(), [("h", Some(&b"x"[..]))]);
}

pub fn the_known_end_is_the_partitions<C: Cluster>(stage: &mut Stage<'_, C>) {
    let tp = stage.single("in");
    stage.fill(tp, "v", 7);
    let mut worker = stage.joined("w", &[tp.topic]);
    worker.until_end(stage, tp, 7);
    assert_eq!(worker.log.known_end(tp), Some(7));
    assert_eq!(texts(&worker.records.iter().map(|(_, r)| r.clone()).collect::<Vec<_>>()).len(), 7);
}
