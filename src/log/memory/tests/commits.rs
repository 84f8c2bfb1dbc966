//! Commits that crash, lose their answers, come late, stand still, or whose markers do.

use super::*;
use crate::log::Reader;

const STEPS: [At; 5] = [At::BeforeOffsets, At::AfterOffsets, At::HalfProduced, At::BeforeEnd, At::AfterEnd];

#[test]
fn a_crash_at_any_step_leaves_all_or_nothing() {
    for at in STEPS {
        let bench = Bench::new();
        let mut log = bench.alone("w");
        bench.broker.faults().next_commit(log.client(), CommitFault::Crash(at));
        assert!(matches!(commit(&mut log, three()), Some(Err(LogError::Fatal(_)))), "{at:?}");
        assert!(log.is_crashed());
        let mut events = Vec::new();
        assert!(log.poll(Duration::ZERO, 1, &mut events).is_err());
        assert!(log.assign(&[], &[]).is_err() && log.unassign().is_err() && log.resume(&[]).is_err() && log.recover().is_err());
        assert!(log.ends(&[]).is_err() && log.group_offsets(&[]).is_err() && log.reader(Tp::new(IN, 0), 0).is_err());
        // A dead process closes nothing.
        log.close();
        let before = bench.committed();
        assert_eq!(before, at == At::AfterEnd, "{at:?}");
        drop(log);
        let mut next = bench.alone("w");
        assert_eq!(bench.committed(), before, "{at:?}");
        assert_eq!(bench.broker.stable_end("out", 0), bench.broker.end("out", 0), "nothing is left open after {at:?}");
        assert!(before || matches!(commit(&mut next, three()), Some(Ok(()))));
        assert!(bench.committed());
    }
}

#[test]
fn a_commit_whose_connection_is_lost_is_recovered() {
    for at in STEPS {
        let bench = Bench::new();
        let mut log = bench.alone("w");
        turn(&mut log);
        bench.broker.faults().next_commit(log.client(), CommitFault::Fail(at));
        assert!(matches!(commit(&mut log, three()), Some(Err(LogError::Retry(_)))), "{at:?}");
        assert!(matches!(commit(&mut log, three()), Some(Err(_))), "recovery comes first");
        let starts = log.recover().unwrap();
        let is_committed = at == At::AfterEnd;
        assert_eq!(bench.committed(), is_committed, "{at:?}");
        assert_eq!(starts[0], (Tp::new(IN, 0), if is_committed { 3 } else { 0 }));
        let read = turn(&mut log).iter().filter(|e| matches!(e, Event::Record(_))).count();
        assert_eq!(read, if is_committed { 3 } else { 6 }, "reading goes on where it was committed");
        assert!(is_committed || matches!(commit(&mut log, three()), Some(Ok(()))));
        assert!(bench.committed());
    }
}

#[test]
fn a_late_end_commits_unless_recovery_was_first() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().next_commit(log.client(), CommitFault::EndLate(50));
    assert!(matches!(commit(&mut log, three()), Some(Err(LogError::Retry(_)))));
    assert!(!bench.committed());
    bench.broker.advance(50);
    assert!(bench.committed(), "it came after all");
    assert_eq!(log.recover().unwrap()[0].1, 3);

    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().next_commit(log.client(), CommitFault::EndLate(50));
    commit(&mut log, three());
    assert_eq!(log.recover().unwrap()[0].1, 0);
    assert!(matches!(commit(&mut log, three()), Some(Ok(()))));
    bench.broker.advance(50);
    assert!(bench.committed(), "the late request is fenced");
    assert_eq!(bench.broker.end("out", 0), Some(2 + 1 + 2 + 1), "an aborted and a committed transaction");
}

/// The hole of the older transaction protocol: without a new producer, a late request ends the wrong transaction.
#[test]
fn a_late_end_tears_the_next_transaction_of_the_same_producer() {
    let bench = Bench::new();
    let mut producer = MemoryProducer::new(&bench.broker, "p", 60_000);
    producer.send("out", 0, None, Some(b"first"), &[]).unwrap();
    producer.commit_late(10);
    producer.abort().unwrap();
    producer.send("out", 0, None, Some(b"second, half done"), &[]).unwrap();
    bench.broker.advance(10);
    assert_eq!(bench.out(0), ["second, half done"]);
}

#[test]
fn markers_come_one_by_one_and_the_next_transaction_waits_for_them() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    let mut delays = [30, 10, 20].into_iter();
    bench.broker.faults().pace(move |what| if what == Delay::Marker { delays.next().unwrap_or(0) } else { 0 });
    assert!(matches!(commit(&mut log, three()), Some(Ok(()))), "answered before a marker is written");
    let seen = |bench: &Bench| (bench.out(0).len(), bench.out(1).len(), bench.offset(0));
    assert_eq!(seen(&bench), (0, 0, None));
    assert_eq!(log.ends(&[Tp::new(OUT, 0)]).unwrap(), [2], "the end counts what cannot be read yet");
    assert!(matches!(log.group_offsets(&[Tp::new(IN, 0)]), Err(LogError::Retry(_))), "the offset is not stable");
    assert_eq!(log.group_offsets(&[Tp::new(IN, 1)]).unwrap(), [None]);
    log.commit(three());
    assert!(ended(&mut log).is_none());
    bench.broker.advance(10);
    assert_eq!(seen(&bench), (0, 1, None));
    bench.broker.advance(10);
    assert_eq!(seen(&bench), (0, 1, Some(3)));
    assert!(ended(&mut log).is_none());
    bench.broker.advance(10);
    assert_eq!(seen(&bench), (2, 1, Some(3)));
    assert!(matches!(ended(&mut log), Some(Ok(()))));
    assert_eq!(bench.out(0).len(), 4);
}

#[test]
fn a_new_producer_waits_for_its_predecessors_markers() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().pace(|what| if what == Delay::Marker { 1_000 } else { 0 });
    assert!(matches!(commit(&mut log, three()), Some(Ok(()))));
    assert!(!bench.committed());
    let _next = bench.client("w");
    assert!(bench.committed());
    assert_eq!(bench.broker.stable_end("out", 0), bench.broker.end("out", 0));
    bench.broker.advance(1_000);
    assert_eq!(bench.broker.end("out", 0), Some(3), "no marker is written twice");
}

#[test]
fn a_commit_takes_its_time() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().pace(|what| if what == Delay::CommitStep { 5 } else { 0 });
    log.commit(three());
    for _ in 0..4 {
        assert!(ended(&mut log).is_none());
        bench.broker.advance(5);
    }
    let Some(Commit::Done { took, .. }) = log.committed() else { panic!("not done") };
    assert_eq!(took, Duration::from_millis(20));
    assert!(bench.committed());
}

#[test]
fn a_stalled_commit_goes_on_if_nobody_took_over() {
    for at in STEPS {
        let bench = Bench::new();
        let mut log = bench.alone("w");
        bench.broker.faults().next_commit(log.client(), CommitFault::Stall(at));
        log.commit(three());
        assert!(ended(&mut log).is_none());
        assert!(bench.broker.faults().is_paused(log.client()));
        bench.broker.advance(1_000);
        assert!(ended(&mut log).is_none());
        bench.broker.faults().resume(log.client());
        assert!(matches!(ended(&mut log), Some(Ok(()))), "{at:?}");
        assert!(bench.committed());
    }
}

#[test]
fn a_zombie_commits_nothing_once_its_slot_was_taken() {
    for at in STEPS {
        let bench = Bench::new();
        let mut zombie = bench.alone("w");
        bench.broker.faults().next_commit(zombie.client(), CommitFault::Stall(at));
        zombie.commit(three());
        let mut next = bench.alone("w");
        bench.broker.faults().resume(zombie.client());
        let outcome = ended(&mut zombie);
        if at == At::AfterEnd {
            assert!(matches!(outcome, Some(Ok(()))));
        } else {
            assert!(matches!(outcome, Some(Err(LogError::Fenced(_)))), "{at:?}: {outcome:?}");
            assert!(!bench.committed());
            assert!(matches!(commit(&mut next, three()), Some(Ok(()))));
        }
        assert!(bench.committed());
        assert!(matches!(zombie.poll(Duration::ZERO, 1, &mut Vec::new()), Err(LogError::Fenced(_))));
    }
}

#[test]
fn a_transaction_left_open_too_long_is_aborted_and_its_producer_fenced() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().next_commit(log.client(), CommitFault::Stall(At::BeforeEnd));
    log.commit(three());
    assert_eq!(bench.broker.stable_end("out", 0), Some(0));
    bench.broker.advance(60_000);
    assert_eq!(bench.broker.stable_end("out", 0), Some(3));
    bench.broker.faults().resume(log.client());
    assert!(matches!(ended(&mut log), Some(Err(LogError::Fenced(_)))));
    assert!(!bench.committed());
}

#[test]
fn a_crash_out_of_a_commit_is_a_crash() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    let mut reader = log.reader(Tp::new(IN, 0), 0).unwrap();
    bench.broker.faults().crash(log.client());
    assert!(log.is_crashed() && bench.broker.faults().is_crashed(log.client()));
    assert!(reader.next(&mut |_, _, _| {}).is_err());
    assert!(matches!(commit(&mut log, three()), Some(Err(LogError::Fatal(_)))));
    assert!(!bench.alone("w").is_crashed());
}

#[test]
fn closing_aborts_what_is_open() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().next_commit(log.client(), CommitFault::Fail(At::BeforeEnd));
    assert!(matches!(commit(&mut log, three()), Some(Err(_))));
    assert_eq!(bench.broker.stable_end("out", 0), Some(0));
    log.close();
    assert_eq!(bench.broker.stable_end("out", 0), bench.broker.end("out", 0));
    assert!(!bench.committed());
}
