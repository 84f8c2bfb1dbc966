//! The program as a whole on a real Kafka: several instances, a broker that goes away, any partitioner, time, stops,
//! twins and zombies. Each scene is an application of its own on one broker and ends with `waybill verify`.
//!
//! `WAYBILL_SCENE=<part of a name>` plays only some.
#![cfg(all(feature = "kafka", feature = "rocksdb"))]
#![allow(clippy::pedantic, reason = "a test reads as a story; the strictest lints are for what ships")]
#![allow(clippy::unwrap_used)]

mod holds;
#[path = "../support/live/mod.rs"]
mod live;
mod outage;
mod ownership;
mod records;
mod routing;
mod signed;
mod stopping;

use live::broker::Broker;
use live::scenes::play;

#[test]
fn every_scene_ends_with_nothing_to_find() {
    let broker = Broker::start("engine");
    let failed = play(
        &broker,
        3,
        &[
            ("two_instances_come_and_go", ownership::two_instances_come_and_go),
            ("a_zombie_does_no_harm", ownership::a_zombie_does_no_harm),
            ("of_two_with_one_slot_one_ends", ownership::of_two_with_one_slot_one_ends),
            ("a_fenced_member_takes_its_place_back", ownership::a_fenced_member_takes_its_place_back),
            ("of_two_with_one_state_the_second_ends", ownership::of_two_with_one_state_the_second_ends),
            ("one_partition_murmur2", routing::one_partition_murmur2),
            ("three_partitions_crc32", routing::three_partitions_crc32),
            ("four_partitions_murmur2", routing::four_partitions_murmur2),
            ("four_partitions_crc32", routing::four_partitions_crc32),
            ("twelve_partitions_murmur2", routing::twelve_partitions_murmur2),
            ("twelve_partitions_crc32", routing::twelve_partitions_crc32),
            ("a_hold_expires_on_time", holds::a_hold_expires_on_time),
            ("a_hold_expires_on_time_when_forwarded", holds::a_hold_expires_on_time_when_forwarded),
            ("a_payment_in_the_log_counts_after_a_stop", holds::a_payment_in_the_log_counts_after_a_stop),
            ("a_payment_in_the_log_counts_when_forwarded", holds::a_payment_in_the_log_counts_when_forwarded),
            ("a_payment_in_the_log_counts_from_any_partition", holds::a_payment_in_the_log_counts_from_any_partition),
            ("a_payment_in_the_log_counts_after_standing_still", holds::a_payment_in_the_log_counts_after_standing_still),
            ("a_record_from_the_future_expires_nothing", holds::a_record_from_the_future_expires_nothing),
            ("a_stop_under_load_is_quick_and_clean", stopping::a_stop_under_load_is_quick_and_clean),
            ("deleted_state_is_restored", stopping::deleted_state_is_restored),
            ("a_signed_id_counts_once_after_a_crash", signed::a_signed_id_counts_once_after_a_crash),
            ("a_window_ends_and_a_key_takes_over", signed::a_window_ends_and_a_key_takes_over),
            ("a_topic_with_its_producers_time_is_refused", signed::a_topic_with_its_producers_time_is_refused),
        ],
    );
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

/// On a broker of its own.
#[test]
fn a_broker_that_goes_away_and_comes_back_costs_nothing_but_time() {
    let scenes = [("the_only_broker_comes_back", outage::the_only_broker_comes_back as fn(&Broker))];
    let failed = play(&Broker::start("outage"), 1, &scenes);
    assert!(failed.is_empty(), "failed: {failed:#?}");
}
