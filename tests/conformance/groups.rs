//! Membership: who gets which partitions, when they move, and that nobody commits for what is no longer his.

use std::time::{Duration, Instant};

use waybill::log::{Event, Log, LogError, TopicId, Tp};

use crate::cluster::{Cluster, Producer};
use crate::stage::{Stage, Worker, numbered, offsets_become, transaction};

fn in_topic(partitions: &[Tp], topic: TopicId) -> Vec<i32> {
    partitions.iter().filter(|tp| tp.topic == topic).map(|tp| tp.partition).collect()
}

/// The range assignor gives contiguous partitions, the longer ranges first; equally partitioned topics alike.
fn assert_ranges<C: Cluster>(stage: &Stage<'_, C>, workers: &[&Worker<C::Log>], topics: &[TopicId]) {
    let partitions = stage.topics.partitions(topics[0]);
    let mut ranges: Vec<_> = workers.iter().map(|w| in_topic(&w.partitions(), topics[0])).collect();
    for (worker, range) in workers.iter().zip(&ranges) {
        for topic in topics {
            assert_eq!(&in_topic(&worker.partitions(), *topic), range, "the same partitions of every topic");
        }
    }
    ranges.retain(|r| !r.is_empty());
    ranges.sort();
    assert_eq!(ranges.concat(), (0..partitions).collect::<Vec<_>>(), "contiguous: {ranges:?}");
    let sizes: Vec<_> = ranges.iter().map(Vec::len).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] - sizes[sizes.len() - 1] <= 1 || sizes.len() < workers.len(), "{sizes:?}");
}

pub fn one_member_gets_everything<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (a, b) = (stage.topic("a", 3), stage.topic("b", 2));
    let worker = stage.joined("w", &[a, b]);
    let all: Vec<_> = stage.topics.all(a).chain(stage.topics.all(b)).collect();
    assert_eq!(worker.partitions(), all);
    assert_eq!(worker.assignments, 1);
}

pub fn two_members_get_the_same_ranges_of_every_topic<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topics = [stage.topic("a", 4), stage.topic("b", 4), stage.topic("c", 4)];
    let (mut one, mut two) = (stage.joined("one", &topics), stage.newcomer("two", &topics));
    stage.share_out(&mut [&mut one, &mut two], 12);
    assert_ranges(stage, &[&one, &two], &topics);
    assert_eq!(one.partitions().len(), 6);
}

pub fn three_members_get_the_same_ranges_of_every_topic<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topics = [stage.topic("a", 4), stage.topic("b", 4)];
    let mut workers: Vec<_> = ["one", "two", "three"].iter().map(|n| stage.newcomer(n, &topics)).collect();
    let mut all: Vec<_> = workers.iter_mut().collect();
    stage.share_out(&mut all, 8);
    assert_ranges(stage, &workers.iter().collect::<Vec<_>>(), &topics);
}

pub fn a_member_too_many_gets_nothing<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("a", 1);
    let (mut one, mut two) = (stage.joined("one", &[topic]), stage.newcomer("two", &[topic]));
    stage.share_out(&mut [&mut one, &mut two], 1);
    let mut counts = [one.partitions().len(), two.partitions().len()];
    counts.sort_unstable();
    assert_eq!(counts, [0, 1]);
}

pub fn unequal_topics_are_ranged_each_by_itself<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (a, b) = (stage.topic("a", 3), stage.topic("b", 1));
    let (mut one, mut two) = (stage.joined("one", &[a, b]), stage.newcomer("two", &[a, b]));
    stage.share_out(&mut [&mut one, &mut two], 4);
    let (first, second) = if one.partitions().len() == 3 { (&one, &two) } else { (&two, &one) };
    assert_eq!((in_topic(&first.partitions(), a), in_topic(&first.partitions(), b)), (vec![0, 1], vec![0]));
    assert_eq!((in_topic(&second.partitions(), a), in_topic(&second.partitions(), b)), (vec![2], vec![]));
}

pub fn a_newcomer_makes_the_others_give_back_first<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 4);
    let mut one = stage.joined("one", &[topic]);
    one.gives_back = false;
    let mut two = stage.newcomer("two", &[topic]);
    stage.all_until(&mut [&mut one, &mut two], "a revocation", |w| w[0].revocations == 1);
    for _ in 0..5 {
        one.turn().unwrap();
        two.turn().unwrap();
    }
    assert!(!two.is_assigned(), "partitions were given away before they were given back");
    assert_eq!(one.revocations, 1, "said once");
    one.give_back().unwrap();
    stage.share_out(&mut [&mut one, &mut two], 4);
    assert_eq!((one.assignments, one.losses), (2, 0));
}

pub fn a_revoked_member_may_commit_before_it_gives_back<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.topic("in", 2), stage.single("out"));
    let all: Vec<_> = stage.topics.all(input).collect();
    for tp in &all {
        stage.fill(*tp, "v", 3);
    }
    let mut one = stage.joined("one", &[input]);
    one.take(stage, 6);
    one.gives_back = false;
    let mut two = stage.newcomer("two", &[input]);
    stage.all_until(&mut [&mut one, &mut two], "a revocation", |w| w[0].revocations == 1);
    one.commit(stage, transaction(&[(out, "k", "last")], &[(all[0], 3), (all[1], 3)]));
    one.give_back().unwrap();
    stage.share_out(&mut [&mut one, &mut two], 2);
    one.records.clear();
    for worker in [&one, &two] {
        assert_eq!(worker.starts, [(worker.partitions()[0], 3)]);
    }
    one.linger(stage);
    two.linger(stage);
    assert_eq!((one.records.len(), two.records.len()), (0, 0));
    assert_eq!(stage.settled_texts(out), ["last"]);
}

pub fn a_moved_partition_goes_on_at_the_committed_offset<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.topic("in", 2);
    let all: Vec<_> = stage.topics.all(input).collect();
    for tp in &all {
        stage.fill(*tp, &format!("p{}-", tp.partition), 5);
    }
    let mut one = stage.joined("one", &[input]);
    one.take(stage, 10);
    one.commit(stage, transaction(&[], &[(all[0], 2), (all[1], 4)]));
    let mut two = stage.newcomer("two", &[input]);
    one.records.clear();
    stage.share_out(&mut [&mut one, &mut two], 2);
    stage.all_until(&mut [&mut one, &mut two], "the rest", |w| w[0].records.len() + w[1].records.len() >= 4);
    for worker in [&one, &two] {
        let tp = worker.partitions()[0];
        let from = if tp == all[0] { 2 } else { 4 };
        assert_eq!(worker.texts_of(tp), numbered(&format!("p{}-", tp.partition), 5)[from..]);
    }
}

pub fn a_dead_members_partitions_move_after_its_session<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 4);
    let mut who = stage.who("one", &[topic]);
    who.session_ms = 2_000;
    let mut one = stage.client(&who);
    let mut two = stage.newcomer("two", &[topic]);
    stage.share_out(&mut [&mut one, &mut two], 4);
    let assignments = two.assignments;
    drop(one);
    two.until(stage, "all partitions", |w| w.partitions().len() == 4);
    assert_eq!(two.assignments, assignments + 1);
}

pub fn a_closed_static_member_keeps_its_place_for_a_while<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 2);
    let mut one = stage.joined("one", &[topic]);
    let mut two = stage.newcomer("two", &[topic]);
    stage.share_out(&mut [&mut one, &mut two], 2);
    let before = (two.partitions(), two.revocations);
    one.log.close();
    drop(one);
    two.linger(stage);
    assert_eq!((two.partitions(), two.revocations), before);
}

/// Its partitions are on their way to it when it goes, or it has been told of them and has not answered.
pub fn a_member_may_leave_while_it_joins<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 2);
    for round in 0..8 {
        let mut worker = stage.newcomer("w", &[topic]);
        let mut events = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        while round % 2 == 1 && !events.iter().any(|e| matches!(e, Event::Assigned(_))) {
            worker.log.poll(Duration::from_millis(50), 100, &mut events).unwrap();
            stage.cluster.pass(Duration::from_millis(1));
            assert!(Instant::now() < deadline, "no partitions");
        }
        if round % 4 < 2 {
            worker.log.close();
        }
    }
    let mut worker = stage.joined("w", &[topic]);
    let tp = worker.partitions()[0];
    worker.commit(stage, transaction(&[], &[(tp, 1)]));
}

pub fn a_restarted_member_takes_its_place_without_a_rebalance<C: Cluster>(stage: &mut Stage<'_, C>) {
    let topic = stage.topic("in", 4);
    let mut one = stage.joined("one", &[topic]);
    let mut two = stage.newcomer("two", &[topic]);
    stage.share_out(&mut [&mut one, &mut two], 4);
    let (mine, others) = (one.partitions(), (two.partitions(), two.revocations, two.assignments));
    one.commit(stage, transaction(&[], &[(mine[0], 0)]));
    drop(one);
    let mut again = stage.newcomer("one", &[topic]);
    stage.share_out(&mut [&mut again, &mut two], 4);
    two.linger(stage);
    assert_eq!(again.partitions(), mine);
    assert_eq!((two.partitions(), two.revocations, two.assignments), others);
    again.commit(stage, transaction(&[], &[(mine[0], 1)]));
    let theirs = two.partitions()[0];
    two.commit(stage, transaction(&[], &[(theirs, 2)]));
}

pub fn a_second_client_with_the_same_instance_id_fences_the_first<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.single("out"));
    let mut first = stage.joined("w", &[input.topic]);
    first.commit(stage, transaction(&[(out, "k", "first")], &[(input, 0)]));
    let mut who = stage.who("w", &[input.topic]);
    who.transactional_id = stage.named("another");
    let mut second = stage.client(&who);
    second.until(stage, "an assignment", Worker::is_assigned);
    let error = first.try_commit(stage, transaction(&[(out, "k", "zombie")], &[(input, 1)])).unwrap_err();
    assert!(!matches!(error, LogError::Fatal(_)), "{error:?}");
    let mut polls = 0;
    let error = loop {
        match first.turn() {
            Err(error) => break error,
            Ok(()) => polls += 1,
        }
        assert!(polls < 200, "the first is not told");
    };
    assert!(matches!(error, LogError::Fenced(_)), "{error:?}");
    second.commit(stage, transaction(&[(out, "k", "second")], &[(input, 1)]));
    assert_eq!(stage.settled_texts(out), ["first", "second"]);
}

pub fn a_restart_goes_on_at_the_committed_offsets<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.single("in");
    stage.fill(input, "v", 5);
    let mut worker = stage.joined("w", &[input.topic]);
    worker.take(stage, 5);
    worker.commit(stage, transaction(&[], &[(input, 3)]));
    worker.log.close();
    drop(worker);
    let mut worker = stage.joined("w", &[input.topic]);
    assert_eq!(worker.starts, [(input, 3)]);
    assert_eq!(worker.take(stage, 2), ["v3", "v4"]);
}

pub fn a_crash_goes_on_at_the_committed_offsets<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.single("out"));
    stage.fill(input, "v", 5);
    let mut worker = stage.joined("w", &[input.topic]);
    worker.take(stage, 5);
    worker.commit(stage, transaction(&[(out, "k", "a")], &[(input, 4)]));
    drop(worker);
    let mut worker = stage.joined("w", &[input.topic]);
    assert_eq!(worker.starts, [(input, 4)]);
    assert_eq!(worker.take(stage, 1), ["v4"]);
    assert_eq!(stage.settled_texts(out), ["a"]);
}

pub fn offsets_are_the_groups_whoever_committed_them<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.topic("in", 2);
    let all: Vec<_> = stage.topics.all(input).collect();
    let mut one = stage.joined("one", &[input]);
    let mut two = stage.newcomer("two", &[input]);
    stage.share_out(&mut [&mut one, &mut two], 2);
    let mine = one.partitions()[0];
    one.commit(stage, transaction(&[], &[(mine, 5)]));
    let expected: Vec<_> = all.iter().map(|tp| (*tp == mine).then_some(5)).collect();
    offsets_become(&mut two.log, &all, &expected);
}

pub fn an_assignment_waits_for_transactions_that_hold_its_offsets<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.single("in");
    stage.fill(input, "v", 5);
    let (topic, p) = stage.name(input);
    let group = stage.named("group");
    let mut other = stage.producer("other");
    other.send_offset(&group, &topic, p, 3);
    let ending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        other.commit().unwrap();
    });
    let mut worker = stage.joined("w", &[input.topic]);
    assert_eq!(worker.starts, [(input, 3)]);
    assert_eq!(worker.take(stage, 2), ["v3", "v4"]);
    ending.join().unwrap();
}

pub fn offsets_of_an_aborted_transaction_do_not_count<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.single("in");
    stage.fill(input, "v", 2);
    let (topic, p) = stage.name(input);
    let group = stage.named("group");
    let mut other = stage.producer("other");
    other.send_offset(&group, &topic, p, 2);
    other.abort().unwrap();
    let mut worker = stage.joined("w", &[input.topic]);
    assert_eq!(worker.starts, [(input, 0)]);
    assert_eq!(worker.take(stage, 2), ["v0", "v1"]);
}

pub fn a_stale_generation_commits_nothing<C: Cluster>(stage: &mut Stage<'_, C>) {
    let (input, out) = (stage.single("in"), stage.single("out"));
    stage.fill(input, "v", 3);
    let mut who = stage.who("slow", &[input.topic]);
    who.session_ms = 2_000;
    who.max_poll_ms = 2_500;
    let mut slow = stage.client(&who);
    slow.take(stage, 3);
    // It no longer polls; the other one gets its partition.
    let mut quick = stage.newcomer("quick", &[input.topic]);
    quick.take(stage, 3);
    let error = slow.try_commit(stage, transaction(&[(out, "k", "stale")], &[(input, 3)])).unwrap_err();
    assert!(!matches!(error, LogError::Fatal(_)), "{error:?}");
    assert_eq!(quick.log.group_offsets(&[input]).unwrap_or_default(), [None]);
    quick.commit(stage, transaction(&[(out, "k", "quick")], &[(input, 3)]));
    slow.log.close();
    drop(slow);
    assert_eq!(stage.settled_texts(out), ["quick"]);
}

pub fn a_member_that_was_given_up_is_told_and_comes_back<C: Cluster>(stage: &mut Stage<'_, C>) {
    let input = stage.topic("in", 2);
    let mut who = stage.who("slow", &[input]);
    who.session_ms = 2_000;
    who.max_poll_ms = 2_500;
    let mut slow = stage.client(&who);
    let mut quick = stage.newcomer("quick", &[input]);
    stage.share_out(&mut [&mut slow, &mut quick], 2);
    quick.until(stage, "all partitions", |w| w.partitions().len() == 2);
    // A slow client may first be told of the error, then of the loss.
    for _ in 0..200 {
        if slow.turn().is_ok() && slow.losses > 0 {
            break;
        }
    }
    assert_eq!(slow.losses, 1);
    stage.share_out(&mut [&mut slow, &mut quick], 2);
    assert_eq!(slow.partitions().len(), 1);
}
