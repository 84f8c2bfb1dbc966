//! Who decides: instances that come and go, one that is thought dead, two that claim one place.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::sender::Partitioner;
use crate::live::shop::{Load, Shop};
use crate::live::{PATIENCE, client, wait_until};

const PER_SECOND: u32 = 120;

fn open_shop(app: &App, seed: u64) -> Load {
    let mut shop = Shop::new(app, seed, Partitioner::Murmur2);
    shop.fill_shelves();
    Load::start(shop, PER_SECOND)
}

fn pause(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

/// Joins under load, leaves in order, dies, comes back.
pub fn two_instances_come_and_go(broker: &Broker) {
    let app = App::new(broker, "pair", Shape::default());
    let load = open_shop(&app, 11);
    let mut a = app.run(0).workers(2).ready();
    a.await_decisions();
    let mut b = app.run(1).workers(2).ready();
    b.await_decisions();
    a.await_decisions();
    assert!(a.terminate() < Duration::from_secs(10));
    // Its place is kept for a session; then the other has everything.
    pause(4);
    b.await_decisions();
    a = app.run(0).workers(2).ready();
    a.await_decisions();
    b.kill();
    pause(4);
    a.await_decisions();
    b = app.run(1).workers(2).ready();
    b.await_decisions();
    pause(1);
    load.stop();
    app.settle();
    app.verify();
    for mut process in [a, b] {
        assert!(process.metric("waybill_messages_total{path=\"inbox\"}") > 0.0, "no message went by way of Kafka");
        process.terminate();
    }
    app.assert_no_open_transaction();
}

/// Stands still for longer than its session and its transaction last, while the other takes over; then it goes on.
pub fn a_zombie_does_no_harm(broker: &Broker) {
    let app = App::new(broker, "zombie", Shape::default());
    let load = open_shop(&app, 12);
    let mut a = app.run(0).workers(2).ready();
    let mut b = app.run(1).workers(2).ready();
    for _ in 0..2 {
        a.await_decisions();
        b.await_decisions();
        a.signal("STOP");
        pause(8);
        b.await_decisions();
        a.signal("CONT");
        a.await_decisions();
    }
    assert!(a.is_running() && b.is_running());
    load.stop();
    app.settle();
    app.verify();
    a.terminate();
    b.terminate();
    app.assert_no_open_transaction();
}

/// Two processes that say they are instance 0, each with a state of its own.
pub fn of_two_with_one_slot_one_ends(broker: &Broker) {
    let app = App::new(broker, "twins", Shape::default());
    let load = open_shop(&app, 13);
    let mut first = app.run(0).workers(2).ready();
    first.await_decisions();
    let mut second = app.run(0).workers(2).state_dir("another-state").start();
    wait_until(PATIENCE, || !first.is_running() || !second.is_running(), || "both go on".into());
    let (mut left, mut gone) = if first.is_running() { (first, second) } else { (second, first) };
    let status = gone.end(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{}", gone.tail());
    assert!(gone.log_text().contains("another process has taken the place of instance 0"), "{}", gone.tail());
    pause(3);
    assert!(left.is_running(), "both have ended\n{}", left.tail());
    load.stop();
    app.settle();
    app.verify();
    left.terminate();
    app.assert_no_open_transaction();
}

/// A group may fence a member that has no twin: its coordinator moves and does not know the member's last id. It takes its
/// place back, and ends only when that happens again and again.
pub fn a_fenced_member_takes_its_place_back(broker: &Broker) {
    let app = App::new(broker, "fenced", Shape::default());
    let load = open_shop(&app, 15);
    let mut process = app.run(0).ready();
    for time in 1..=2 {
        process.await_decisions();
        let stranger = join_as(&app, "fenced-0-0");
        let again = format!("({time} of 2 times in 300 s)");
        wait_until(PATIENCE, || process.log_text().contains(&again), || format!("not fenced\n{}", process.tail()));
        // A twin would come again.
        drop(stranger);
    }
    process.await_decisions();
    let _stranger = join_as(&app, "fenced-0-0");
    assert_eq!(process.end(PATIENCE).code(), Some(1), "{}", process.tail());
    assert!(process.log_text().contains("another process has taken the place of instance 0"), "{}", process.tail());
    let next = app.run(0).ready();
    app.end(load, next);
}

/// A plain consumer that has joined the application's group under this instance id.
fn join_as(app: &App, instance: &str) -> BaseConsumer {
    let stranger: BaseConsumer = client(&app.bootstrap)
        .set("group.id", &app.name)
        .set("group.instance.id", instance)
        .set("session.timeout.ms", "3000")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    stranger.subscribe(&[app.topic("orders").as_str()]).unwrap();
    // A join needs no answer from the stranger, only that its client runs.
    stranger.poll(Duration::from_millis(100));
    stranger
}

/// A second start by mistake, with the same state directory: it ends, and the first does not notice.
pub fn of_two_with_one_state_the_second_ends(broker: &Broker) {
    let app = App::new(broker, "double", Shape::default());
    let load = open_shop(&app, 14);
    let mut first = app.run(0).ready();
    first.await_decisions();
    let mut second = app.run(0).start();
    let status = second.end(PATIENCE);
    assert_eq!(status.code(), Some(1), "{}", second.tail());
    assert!(second.log_text().contains("another process uses the state directory"), "{}", second.tail());
    pause(2);
    assert!(first.is_running(), "the second has ended the first\n{}", first.tail());
    first.await_decisions();
    load.stop();
    app.settle();
    app.verify();
    first.terminate();
    app.assert_no_open_transaction();
}
