//! Signed orders: an id counts once whatever crashes, a key takes another's place, and the time that counts is the broker's.

use std::path::Path;
use std::time::Duration;

use signatures::{Kind, NewKey, SigningKey};

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::process::Process;
use crate::live::sender::{Partitioner, Record, Sender};
use crate::live::{PATIENCE, now_millis, wait_until};
use crate::records::place;

/// An application whose orders are signed by a key in a file of that name.
fn application(broker: &Broker, name: &str, window: i64) -> App {
    let app = App::without_topics(broker, name, Shape::default());
    keep(&app, "first.key", &key(1));
    app.configure(
        "orders",
        &format!("signatures = \"required\"\nsignature_window_seconds = {window}\nkeys = [{}]\n", file(app.dir(), "first.key")),
    );
    app.create_topics();
    app
}

fn key(number: u8) -> NewKey {
    NewKey::of(Kind::Hmac, &[number; 32])
}

fn keep(app: &App, name: &str, key: &NewKey) {
    std::fs::write(app.dir().join(name), &*key.secret).unwrap();
}

fn file(dir: &Path, name: &str) -> String {
    format!("\"file:{}\"", dir.join(name).display())
}

/// The record, signed now by these keys.
fn signed(record: Record, id: &str, keys: &[NewKey]) -> Record {
    let keys: Vec<SigningKey> = keys.iter().map(|key| SigningKey::parse(&key.secret).unwrap()).collect();
    let signed = signatures::sign(&keys, id, now_millis() / 1000, record.value.as_deref().unwrap()).unwrap();
    let headers = signed.headers().map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec()))).to_vec();
    Record { headers, ..record }
}

/// Reasons of all dead letters, once there are so many.
fn letters(app: &App, count: usize, process: &Process) -> Vec<String> {
    let read = || app.reader.read(&app.topic("dead-letters"));
    wait_until(PATIENCE, || read().len() >= count, || format!("{} dead letters\n{}", read().len(), process.tail()));
    let mut letters = read();
    letters.sort_by_key(|letter| letter.timestamp);
    letters.iter().map(|letter| letter.header("waybill.error.reason").unwrap().to_owned()).collect()
}

fn await_decisions(app: &App, count: usize, process: &Process) {
    let decided = || app.reader.order_events(&app.topic("order-events")).len();
    wait_until(PATIENCE, || decided() >= count, || format!("{} orders decided\n{}", decided(), process.tail()));
}

pub fn a_signed_id_counts_once_after_a_crash(broker: &Broker) {
    let app = application(broker, "signed-once", 300);
    let mut sender = Sender::new(&app.bootstrap, Partitioner::Murmur2);
    let order = signed(place(&app, "1", "none", 1, 900), "msg_1", &[key(1)]);
    let mut process = app.run(0).ready();
    sender.put(&order);
    await_decisions(&app, 1, &process);
    sender.put(&order);
    assert_eq!(letters(&app, 1, &process), ["signature_replayed"]);
    process.signal("KILL");
    process.end(Duration::from_secs(10));
    sender.put(&order);
    process = app.run(0).workers(2).ready();
    assert_eq!(letters(&app, 2, &process), ["signature_replayed"; 2], "sent while nobody ran, after a kill");
    process.terminate();
    std::fs::remove_dir_all(app.state_dir()).unwrap();
    process = app.run(0).ready();
    sender.put(&order);
    assert_eq!(letters(&app, 3, &process), ["signature_replayed"; 3], "after a restore from the changelog");
    sender.put(&Record { headers: vec![], ..order });
    assert_eq!(letters(&app, 4, &process)[3], "signature_missing");
    app.settle();
    app.verify();
    process.terminate();
    app.assert_no_open_transaction();
}

pub fn a_window_ends_and_a_key_takes_over(broker: &Broker) {
    let app = application(broker, "signed-keys", 10);
    let mut sender = Sender::new(&app.bootstrap, Partitioner::Crc32);
    let mut process = app.run(0).ready();
    let first = signed(place(&app, "1", "none", 1, 900), "msg_1", &[key(1)]);
    sender.put(&first);
    await_decisions(&app, 1, &process);
    std::thread::sleep(Duration::from_secs(12));
    sender.put(&first);
    assert_eq!(letters(&app, 1, &process), ["signature_expired"]);
    sender.put(&signed(place(&app, "2", "none", 1, 900), "msg_2", &[key(2)]));
    assert_eq!(letters(&app, 2, &process)[1], "signature_wrong", "the new key is not known yet");
    // Producers begin to sign with both before Waybill knows the new one …
    sender.put(&signed(place(&app, "3", "none", 1, 900), "msg_3", &[key(2), key(1)]));
    await_decisions(&app, 2, &process);
    // … then it knows both, and then the new one alone.
    let configuration = std::fs::read_to_string(app.dir().join("topology.toml")).unwrap();
    let (old, new) = (file(app.dir(), "first.key"), file(app.dir(), "second.key"));
    keep(&app, "second.key", &key(2));
    for (n, keys) in [format!("{old}, {new}"), new].into_iter().enumerate() {
        process.terminate();
        std::fs::write(app.dir().join("topology.toml"), configuration.replace(&format!("keys = [{old}]"), &format!("keys = [{keys}]")))
            .unwrap();
        process = app.run(0).ready();
        sender.put(&signed(place(&app, &format!("new-{n}"), "none", 1, 900), &format!("msg_new_{n}"), &[key(2)]));
        await_decisions(&app, 3 + n, &process);
    }
    sender.put(&signed(place(&app, "4", "none", 1, 900), "msg_4", &[key(1)]));
    assert_eq!(letters(&app, 3, &process)[2], "signature_wrong", "the old key counts no more");
    app.settle();
    app.verify();
    process.terminate();
    app.assert_no_open_transaction();
}

/// Replays are kept off by the record's timestamp: whoever may choose that may send an old record again.
pub fn a_topic_with_its_producers_time_is_refused(broker: &Broker) {
    let app = App::new(broker, "signed-time", Shape::default());
    keep(&app, "first.key", &key(1));
    app.configure("orders", &format!("signatures = \"accepted\"\nkeys = [{}]\n", file(app.dir(), "first.key")));
    let state = app.state_dir().display().to_string();
    for verb in [&["check"][..], &["run", "--http", "off", "--state-dir", &state], &["topics", "create"]] {
        let output = app.command(verb).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {said}");
        assert!(said.contains("message.timestamp.type=LogAppendTime"), "{verb:?}: {said}");
    }
    // A key that is not there is found out before anything is touched.
    std::fs::remove_file(app.dir().join("first.key")).unwrap();
    for verb in ["check", "run"] {
        let output = app.command(&[verb]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("topics.orders, key 1 (file:"), "{verb}: {said}");
    }
}
