//! Members that die, sleep, leave, or are pushed about.

use super::*;

#[test]
fn a_zombie_of_an_old_generation_commits_nothing() {
    // With a transactional id of its own, only the group can stop it.
    for at in [At::BeforeOffsets, At::AfterOffsets, At::HalfProduced, At::BeforeEnd] {
        let bench = Bench::new();
        let mut zombie = bench.alone("zombie");
        bench.broker.faults().next_commit(zombie.client(), CommitFault::Stall(at));
        zombie.commit(three());
        let mut other = bench.client("other");
        turn(&mut other);
        bench.broker.advance(46_000);
        let mut events = Vec::new();
        other.poll(Duration::ZERO, 100, &mut events).unwrap();
        let all = partitions(&events).unwrap();
        assert_eq!(all.len(), 2, "the zombie's session has ended");
        let starts = other.assign(&all, &[]);
        bench.broker.faults().resume(zombie.client());
        let outcome = ended(&mut zombie);
        if at == At::BeforeOffsets {
            assert!(matches!(outcome, Some(Err(LogError::Retry(_)))), "{outcome:?}");
            assert_eq!(starts.unwrap()[0].1, 0);
        } else {
            // Its offsets were in before it lost the partitions: the new owner had to wait for them.
            assert!(matches!(starts, Err(LogError::Retry(_))));
            assert!(matches!(outcome, Some(Ok(()))));
            assert_eq!(other.assign(&all, &[]).unwrap()[0].1, 3);
        }
        assert!(has_lost(&turn(&mut zombie)));
    }
}

#[test]
fn a_commit_of_the_generation_before_fails() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().next_commit(log.client(), CommitFault::Stall(At::BeforeOffsets));
    log.commit(three());
    bench.broker.faults().rebalance("g");
    assert!(matches!(turn(&mut log)[..], [Event::Revoked]));
    assert!(partitions(&turn(&mut log)).is_some(), "still a member, of the next generation");
    bench.broker.faults().resume(log.client());
    assert!(matches!(ended(&mut log), Some(Err(LogError::Retry(_)))));
    assert!(!bench.committed());
}

#[test]
fn a_static_member_that_does_not_give_back_keeps_its_place_and_is_told() {
    let bench = Bench::new();
    let mut slow = bench.alone("slow");
    let mut other = bench.client("other");
    turn(&mut other);
    bench.broker.advance(300_000);
    assert_eq!(partitions(&turn(&mut other)).unwrap().len(), 1);
    assert!(matches!(commit(&mut slow, three()), Some(Err(LogError::Retry(_)))), "its generation is over");
    assert!(has_lost(&turn(&mut slow)));
}

#[test]
fn a_paused_members_session_ends_and_it_comes_back_as_another() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().pause(log.client());
    bench.broker.advance(44_999);
    assert_eq!(bench.broker.group("g").unwrap().1.len(), 1);
    bench.broker.advance(1);
    assert_eq!(bench.broker.group("g").unwrap().1.len(), 0);
    bench.broker.faults().resume(log.client());
    assert!(has_lost(&turn(&mut log)));
    assert_eq!(partitions(&turn(&mut log)).unwrap().len(), 2);
}

#[test]
fn an_expired_session_is_told_and_cannot_commit() {
    let bench = Bench::new();
    let mut log = bench.alone("w");
    bench.broker.faults().expire_session(log.client());
    assert!(matches!(commit(&mut log, three()), Some(Err(LogError::Retry(_)))));
    assert!(!bench.committed());
    assert!(has_lost(&turn(&mut log)));
    log.recover().unwrap();
    assert_eq!(partitions(&turn(&mut log)).unwrap().len(), 2);
    assert!(matches!(commit(&mut log, three()), Some(Ok(()))));
}

/// Lets both take turns until the group is calm; what each owns.
fn share(one: &mut MemoryLog, two: &mut MemoryLog, owned: &mut [Vec<Tp>; 2]) {
    for _ in 0..4 {
        for (log, owned) in [&mut *one, &mut *two].into_iter().zip(owned.iter_mut()) {
            if let Some(tps) = partitions(&turn(log)) {
                *owned = tps;
            }
        }
    }
}

#[test]
fn a_forced_rebalance_takes_and_gives_and_rotation_moves_partitions() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.alone("one"), bench.client("two"));
    let mut owned = [vec![], vec![]];
    share(&mut one, &mut two, &mut owned);
    let first = [vec![Tp::new(IN, 0)], vec![Tp::new(IN, 1)]];
    assert_eq!(owned, first);
    let (generation, _) = bench.broker.group("g").unwrap();
    bench.broker.faults().rebalance("g");
    assert!(turn(&mut one).iter().any(|e| matches!(e, Event::Revoked)));
    share(&mut one, &mut two, &mut owned);
    assert_eq!((bench.broker.group("g").unwrap().0, &owned), (generation + 1, &first));
    bench.broker.faults().rotate_assignment("g", 1);
    bench.broker.faults().rebalance("g");
    share(&mut one, &mut two, &mut owned);
    assert_eq!(owned, [vec![Tp::new(IN, 1)], vec![Tp::new(IN, 0)]]);
}

#[test]
fn a_dynamic_member_leaves_at_once_and_dies_after_its_session() {
    let bench = Bench::new();
    let new = |name| MemoryLog::new(&bench.broker, bench.config(name, false)).unwrap();
    let (mut one, mut two) = (new("one"), new("two"));
    let mut owned = [vec![], vec![]];
    share(&mut one, &mut two, &mut owned);
    assert_eq!((owned[0].len(), owned[1].len()), (1, 1));
    two.close();
    assert!(two.poll(Duration::ZERO, 1, &mut Vec::new()).is_err());
    assert!(turn(&mut one).iter().any(|e| matches!(e, Event::Revoked)));
    assert_eq!(partitions(&turn(&mut one)).unwrap().len(), 2);
    let mut two = new("two");
    share(&mut one, &mut two, &mut owned);
    drop(two);
    bench.broker.advance(44_999);
    turn(&mut one);
    assert_eq!(bench.broker.group("g").unwrap().1.len(), 2);
    bench.broker.advance(1);
    turn(&mut one);
    assert_eq!(partitions(&turn(&mut one)).unwrap().len(), 2);
}

#[test]
fn a_dynamic_member_that_does_not_give_back_is_not_waited_for() {
    let bench = Bench::new();
    let mut slow = MemoryLog::new(&bench.broker, bench.config("slow", false)).unwrap();
    turn(&mut slow);
    let mut other = bench.client("other");
    turn(&mut other);
    bench.broker.advance(299_999);
    assert!(partitions(&turn(&mut other)).is_none());
    bench.broker.advance(1);
    assert_eq!(partitions(&turn(&mut other)).unwrap().len(), 2);
    assert!(has_lost(&turn(&mut slow)));
}

#[test]
fn a_crashed_members_session_ends() {
    for in_commit in [false, true] {
        let bench = Bench::new();
        let mut log = bench.alone("w");
        if in_commit {
            bench.broker.faults().next_commit(log.client(), CommitFault::Crash(At::AfterEnd));
            assert!(matches!(commit(&mut log, three()), Some(Err(_))));
        } else {
            bench.broker.faults().crash(log.client());
        }
        bench.broker.advance(44_999);
        assert_eq!(bench.broker.group("g").unwrap().1.len(), 1);
        bench.broker.advance(1);
        assert_eq!(bench.broker.group("g").unwrap().1.len(), 0);
    }
}

#[test]
fn a_fenced_member_does_not_fence_its_successor_by_recovering() {
    let bench = Bench::new();
    let mut zombie = bench.alone("w");
    let mut next = bench.client("w");
    next.recover().unwrap();
    turn(&mut next);
    assert!(matches!(zombie.recover(), Err(LogError::Fenced(_))));
    assert!(matches!(commit(&mut next, three()), Some(Ok(()))));
}
