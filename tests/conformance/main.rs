//! One conformance suite for both logs: the model in memory must behave as Kafka does, or nothing that the simulation
//! finds (or does not find) means anything. Every case is written against the `Log` trait and what other programs on
//! the same cluster see.
//!
//! `CONFORMANCE_CASE=<part of a name>` runs only the cases with that in their names.
#![allow(clippy::unwrap_used, clippy::wildcard_imports)]

mod cluster;
mod groups;
mod isolation;
#[cfg(feature = "kafka")]
mod kafka;
mod memory;
mod reading;
mod restore;
mod stage;
mod transactions;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use waybill::log::memory::Clock;

use self::cluster::Cluster;
use self::memory::Memory;
use self::stage::Stage;

type Case<C> = (&'static str, fn(&mut Stage<'_, C>));

macro_rules! table {
    ($($module:ident { $($case:ident,)* })*) => {
        fn cases<C: Cluster>() -> Vec<Case<C>> {
            vec![$($((concat!(stringify!($module), "::", stringify!($case)), $module::$case::<C>),)*)*]
        }
    };
}

table! {
    reading {
        records_come_in_order_with_their_offsets,
        each_partition_keeps_its_order,
        headers_keep_order_duplicates_nulls_and_empties,
        null_and_empty_keys_and_values_differ,
        all_bytes_come_through,
        timestamps_are_the_producers,
        a_record_of_a_megabyte_is_read,
        a_poll_takes_no_more_than_it_may,
        polling_adds_to_what_is_there,
        records_produced_later_are_read,
        only_subscribed_topics_are_given_and_read,
        an_empty_partition_ends_at_zero,
        the_end_comes_after_the_data_and_once,
        the_end_comes_again_after_more_data,
        the_end_counts_commit_markers,
        the_end_comes_after_aborted_data_alone,
        the_end_waits_before_an_open_transaction,
        without_offsets_reading_starts_at_the_beginning,
        without_offsets_reading_starts_at_what_retention_left,
        a_committed_offset_that_is_deleted_is_an_error,
        paused_partitions_deliver_nothing_until_resumed,
        resuming_nothing_changes_nothing,
        nothing_is_read_before_assign,
        two_groups_read_everything_each,
        a_kept_message_stays_readable,
        the_known_end_is_the_partitions,
    }
    isolation {
        aborted_records_are_never_seen,
        markers_take_offsets,
        open_records_are_seen_after_the_commit_only,
        an_open_transaction_holds_back_what_comes_after_it,
        the_first_open_transaction_holds_back_a_committed_one,
        interleaved_transactions_keep_the_logs_order,
        another_partition_is_not_held_back,
        ends_count_what_is_not_committed,
        a_new_producer_fences_the_old_one,
        a_dead_producers_transaction_times_out,
    }
    transactions {
        records_and_offsets_are_committed_together,
        ends_are_the_offsets_after_the_last_record,
        every_part_of_a_record_is_committed,
        each_partition_gets_its_records_in_order,
        ten_thousand_records_are_one_transaction,
        fifty_partitions_are_one_transaction,
        a_record_of_a_megabyte_is_committed,
        an_empty_transaction_is_committed,
        offsets_alone_are_committed,
        a_commit_is_told_once,
        a_commit_hands_the_transaction_back,
        a_commit_that_ends_cuts_a_poll_short,
        reading_goes_on_while_a_commit_runs,
        commits_back_to_back_lose_and_double_nothing,
        a_refused_record_fails_the_whole_commit,
        recovery_goes_back_to_the_committed_offsets,
        recovery_without_a_failure_only_goes_back,
        recovery_leaves_what_is_paused_paused,
        recovery_twice_is_recovery,
        closing_leaves_no_transaction_open,
        closing_keeps_what_is_committed,
        a_new_client_with_the_same_transactional_id_fences_the_old,
        a_new_client_aborts_what_its_predecessor_left_open,
    }
    groups {
        one_member_gets_everything,
        two_members_get_the_same_ranges_of_every_topic,
        three_members_get_the_same_ranges_of_every_topic,
        a_member_too_many_gets_nothing,
        unequal_topics_are_ranged_each_by_itself,
        a_newcomer_makes_the_others_give_back_first,
        a_revoked_member_may_commit_before_it_gives_back,
        a_moved_partition_goes_on_at_the_committed_offset,
        a_dead_members_partitions_move_after_its_session,
        a_closed_static_member_keeps_its_place_for_a_while,
        a_member_may_leave_while_it_joins,
        a_restarted_member_takes_its_place_without_a_rebalance,
        a_second_client_with_the_same_instance_id_fences_the_first,
        a_restart_goes_on_at_the_committed_offsets,
        a_crash_goes_on_at_the_committed_offsets,
        offsets_are_the_groups_whoever_committed_them,
        an_assignment_waits_for_transactions_that_hold_its_offsets,
        offsets_of_an_aborted_transaction_do_not_count,
        a_stale_generation_commits_nothing,
        a_member_that_was_given_up_is_told_and_comes_back,
    }
    restore {
        a_reader_reads_everything,
        a_reader_starts_where_it_is_told,
        a_reader_of_nothing_is_complete,
        a_reader_shows_tombstones_and_skips_what_has_no_key,
        a_reader_sees_its_own_commits,
        a_reader_passes_markers_and_aborted_records,
        a_reader_from_a_markers_offset_is_content,
        a_reader_waits_for_open_transactions_to_commit,
        a_reader_waits_for_open_transactions_to_abort,
        a_reader_does_not_wait_for_later_transactions,
        a_reader_tells_what_retention_left,
        readers_may_be_used_on_other_threads,
    }
}

/// What waits within a case gives up after less than a minute; a case that is still there after this hangs in a call that
/// never returns.
const MOST_PER_CASE: Duration = Duration::from_secs(240);

/// Runs every case on clusters from `connect`, `lanes` of them at a time, and fails with the list of failures.
fn run<C: Cluster>(kind: &str, lanes: usize, connect: impl Fn() -> C + Sync) {
    let wanted = std::env::var("CONFORMANCE_CASE").unwrap_or_default();
    let cases: Vec<_> = cases::<C>().into_iter().filter(|(name, _)| name.contains(&wanted)).collect();
    let (next, failed) = (Mutex::new(cases.iter().enumerate()), Mutex::new(Vec::new()));
    let running: Mutex<BTreeMap<&str, Instant>> = Mutex::default();
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes)
            .map(|_| {
                scope.spawn(|| {
                    let mut cluster = connect();
                    loop {
                        let Some((number, (name, case))) = next.lock().unwrap().next() else { break };
                        let began = Instant::now();
                        running.lock().unwrap().insert(*name, began);
                        let mut stage = Stage::new(&mut cluster, format!("case{number}"));
                        let ok = catch_unwind(AssertUnwindSafe(|| case(&mut stage))).is_ok();
                        let outcome = if ok { "ok" } else { "FAILED" };
                        println!("{kind:8} {name} ... {outcome} ({:.1} s)", began.elapsed().as_secs_f64());
                        running.lock().unwrap().remove(*name);
                        if !ok {
                            failed.lock().unwrap().push(*name);
                        }
                    }
                })
            })
            .collect();
        while lanes.iter().any(|lane| !lane.is_finished()) {
            std::thread::sleep(Duration::from_millis(200));
            if let Some((name, began)) = running.lock().unwrap().iter().find(|(_, began)| began.elapsed() > MOST_PER_CASE) {
                // No panic, because this scope would wait for the thread that hangs; and not by `eprintln!`, which is kept
                // back until the test ends.
                let _ = writeln!(std::io::stderr(), "{kind} {name} does not end; it began {:?} ago", began.elapsed());
                std::process::exit(101);
            }
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{kind}: {} of {} cases passed", cases.len() - failed.len(), cases.len());
    assert!(failed.is_empty(), "failed on {kind}: {failed:#?}");
}

/// Time stands still unless a case moves it, and nothing waits, as in the simulation.
#[test]
fn the_model_conforms() {
    run("model", 1, || Memory::new(Clock::Manual(1_700_000_000_000)));
}

/// As the demo runs it.
#[test]
fn the_model_conforms_in_real_time() {
    let cluster = Memory::new(Clock::Wall);
    run("realtime", 4, || cluster.clone());
}

#[cfg(feature = "kafka")]
#[test]
fn kafka_conforms() {
    let broker = kafka::Broker::start();
    run("kafka", 4, || kafka::Kafka::connect(&broker.bootstrap));
}
