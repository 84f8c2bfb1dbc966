//! The commands on a real Kafka: topics, start, signals, HTTP, audit.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use serde_json::Value;
use waybill::config::{Config, topics};
use waybill::log::kafka::admin::Admin;

use super::live::app::{App, Shape};
use super::live::broker::Broker;
use super::live::scenes;
use super::live::sender::{Partitioner, Record, Sender};
use super::started::Started;
use super::{Ended, run};

#[test]
fn on_a_real_broker() {
    let broker = Broker::start("cli");
    scenes::play(
        &broker,
        3,
        &[
            ("topics are created once", topics_are_created_once),
            ("topics that do not fit are refused", topics_that_do_not_fit_are_refused),
            ("more copies than brokers", more_copies_than_brokers),
            ("records that are forwarded are told of", forwarding_is_told_of),
            ("ready, http, signals", ready_http_and_signals),
            ("a second signal ends it at once", a_second_signal_ends_it),
            ("the same instance twice", the_same_instance_twice),
            ("verify", verify_reads_all_and_finds_what_is_wrong),
        ],
    );
}

fn call(app: &App, arguments: &[&str]) -> Ended {
    run(app.command(arguments).current_dir(app.dir()))
}

fn sender(broker: &Broker) -> Sender {
    Sender::new(&broker.bootstrap, Partitioner::Murmur2)
}

/// Sends a record to a topic of the application by its default name, and waits until it is there.
fn send(sender: &mut Sender, app: &App, topic: &str, key: &str, value: &str) {
    sender.put(&Record::new(&app.topic(topic), key, value));
}

/// How often a word stands in the table's third column.
fn count(table: &str, word: &str) -> usize {
    table.lines().filter(|line| line.split_whitespace().any(|w| w == word)).count()
}

fn topics_are_created_once(broker: &Broker) {
    let app = App::without_topics(broker, "cli-topics", Shape { tasks: 3, sources: 5, ..Shape::default() });
    let names: Vec<String> = app.topics();

    let start = call(&app, &["run", "--http", "off"]);
    start.fails(1, &["12 of 12 topics are missing", "waybill topics create", "cli-topics-orders-changelog", "cli-topics.dead-letters"]);
    assert_eq!(start.stdout, "");
    let check = call(&app, &["check"]);
    assert_eq!(check.code, 1, "{}", check.all());
    assert!(check.stdout.contains("12 topics are missing"), "{}", check.all());

    let plan = call(&app, &["topics", "create", "--dry-run"]);
    plan.says(&["cli-topics-stock-inbox", "cleanup.policy=compact"]);
    assert_eq!(count(&plan.stdout, "create"), 12, "{}", plan.all());
    // A topic that had been made would show by then.
    std::thread::sleep(Duration::from_secs(1));
    let still = call(&app, &["topics", "create", "--dry-run"]);
    assert_eq!(count(&still.stdout, "create"), 12, "a dry run creates nothing: {}", still.all());

    let created = call(&app, &["topics", "create"]);
    assert_eq!((created.code, count(&created.stdout, "created")), (0, 12), "{}", created.all());
    let again = call(&app, &["topics", "create"]);
    assert_eq!((again.code, count(&again.stdout, "exists")), (0, 12), "{}", again.all());
    call(&app, &["check"]).says(&["would start: 3 order tasks and 3 stock tasks"]);

    // What the broker says, not what the program says.
    let found = settings(broker, &names);
    for (name, (partitions, settings)) in &found {
        let expected = if name.ends_with("orders") || name.ends_with("payments") || name.ends_with("restocks") || name.ends_with("counts") {
            5
        } else {
            3
        };
        assert_eq!(*partitions, expected, "{name}");
        let compact = name.ends_with("-changelog") || name.ends_with("stock-levels") || name.ends_with("forecasts");
        assert_eq!(settings["cleanup.policy"], if compact { "compact" } else { "delete" }, "{name}");
    }
    assert_eq!(found.len(), 14);
    let of = |topic: &str, setting: &str| found[topic].1[setting].clone();
    assert_eq!(of("cli-topics.dead-letters", "retention.ms"), "2592000000");
    assert_eq!(of("cli-topics.dead-letters", "max.message.bytes"), "16777216");
    assert_eq!(of("cli-topics-orders-inbox", "retention.ms"), "604800000");
    assert_eq!(of("cli-topics-orders-changelog", "delete.retention.ms"), "604800000");
}

/// Partitions and settings as the broker has them.
fn settings(broker: &Broker, names: &[String]) -> BTreeMap<String, (i32, BTreeMap<String, String>)> {
    let config = waybill::config::Kafka { bootstrap: broker.bootstrap.clone(), ..Config::default().kafka };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let existing = Admin::new(&config).unwrap().existing(&names).unwrap();
    existing.into_iter().map(|(name, topics::Existing { partitions, settings })| (name, (partitions, settings))).collect()
}

fn create(broker: &Broker, topics: &[NewTopic<'_>]) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &broker.bootstrap);
    let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
    for result in block_on(admin.create_topics(topics, &AdminOptions::new().operation_timeout(Some(Duration::from_secs(20))))).unwrap() {
        result.unwrap();
    }
}

fn more_copies_than_brokers(broker: &Broker) {
    let app = App::without_topics(broker, "cli-copies", Shape::default());
    let file = app.dir().join("topology.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[kafka]\n", "[kafka]\nreplication = 3\n")).unwrap();
    for arguments in [&["topics", "create", "--dry-run"][..], &["topics", "create"]] {
        let ended = call(&app, arguments);
        ended.fails(1, &["not all topics could be created", "cli-copies-stock-inbox: ", "`replication` in [kafka]"]);
        assert_eq!(count(&ended.stdout, "missing"), 12, "{}", ended.all());
    }
}

fn topics_that_do_not_fit_are_refused(broker: &Broker) {
    let app = App::without_topics(broker, "cli-misfit", Shape::default());
    let new = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    create(
        broker,
        &[
            new("cli-misfit-orders-changelog", 4).set("cleanup.policy", "delete"),
            new("cli-misfit-stock-inbox", 7).set("max.message.bytes", "16777216"),
            new("cli-misfit.dead-letters", 1).set("max.message.bytes", "1000000"),
            new("cli-misfit.stock-levels", 4),
        ],
    );
    let remedies = [
        "cli-misfit-orders-changelog: its cleanup.policy is `delete`",
        "--entity-name cli-misfit-orders-changelog --add-config cleanup.policy=compact",
        "cli-misfit-stock-inbox: it has 7 partitions, and stock has 4 tasks. Set `tasks = 7` in [stock]",
        "cli-misfit.dead-letters: its max.message.bytes is 1000000",
        "--entity-name cli-misfit.dead-letters --add-config max.message.bytes=16777216",
        "cli-misfit.stock-levels: its cleanup.policy is `delete`, and `compact` is meant",
    ];
    // What is missing is created all the same.
    let created = call(&app, &["topics", "create"]);
    created.fails(1, &remedies);
    assert_eq!((count(&created.stdout, "created"), count(&created.stdout, "differs")), (8, 4), "{}", created.all());
    let start = call(&app, &["run", "--http", "off"]);
    start.fails(1, &remedies[..5]);
    assert_eq!(start.stdout, "");
    let check = call(&app, &["check"]);
    assert_eq!(check.code, 1, "{}", check.all());
    assert!(check.stdout.contains("3 settings of topics do not fit"), "{}", check.all());
    assert_eq!(check.stdout.matches(" error: ").count(), 3, "{}", check.all());
    assert_eq!(check.stdout.matches(" warning: ").count(), 1, "{}", check.all());
}

fn forwarding_is_told_of(broker: &Broker) {
    let app = App::new(broker, "cli-forward", Shape { tasks: 2, sources: 3, ..Shape::default() });
    let check = call(&app, &["check"]);
    check.says(&["would start: 2 order tasks and 2 stock tasks"]);
    assert_eq!(check.stdout.matches("every record is forwarded").count(), 4, "{}", check.all());
    let straight = App::new(broker, "cli-straight", Shape { tasks: 2, sources: 2, ..Shape::default() });
    let check = call(&straight, &["check"]);
    assert_eq!(check.stdout.matches("read straight").count(), 4, "{}", check.all());
}

fn ready_http_and_signals(broker: &Broker) {
    let app = App::new(broker, "cli-run", Shape::default());
    let mut sender = sender(broker);
    for (signal, workers) in [("TERM", 1), ("INT", 2)] {
        let mut process = Started::new(&app, &["--workers", &workers.to_string(), "--http", "127.0.0.1:0"]);
        let line = process.ready();
        let expected = format!("READY 8 tasks, {workers} worker{}, http://127.0.0.1:", if workers == 1 { "" } else { "s" });
        assert!(line.starts_with(&expected), "{line}");
        let (status, metrics) = process.get("/metrics");
        assert!(status == 200 && metrics.contains("waybill_tasks{processor=\"orders\",state=\"running\"} 4\n"), "{status} {metrics}");
        assert_eq!(process.get("/health"), (200, "ready\n".to_owned()));
        assert!(process.get("/").1.contains("/metrics"));
        let refused = |path: &str| {
            let (status, body) = process.get(path);
            let body: Value = serde_json::from_str(&body).unwrap();
            (status, body["error"].as_str().unwrap().to_owned())
        };
        assert_eq!(refused("/stock/nothing"), (404, "unknown_sku".to_owned()));
        assert_eq!(refused("/orders/nothing"), (404, "unknown_order".to_owned()));
        assert_eq!(refused("/nothing"), (404, "unknown_path".to_owned()));
        assert_eq!(refused(&format!("/orders/{}", "x".repeat(5_000))), (414, "uri_too_long".to_owned()));

        // Both workers' tasks answer.
        let batch: Vec<String> = (0..8).map(|n| format!("{signal} %{n}")).collect();
        for sku in &batch {
            send(&mut sender, &app, "restocks", sku, &format!(r#"{{"restock_id":"{sku}","sku":"{sku}","quantity":5,"kind":"received"}}"#));
        }
        for sku in &batch {
            let path = format!("/stock/{}", sku.replace('%', "%25").replace(' ', "%20"));
            process.await_json(&path, "available", 5);
            let order = format!(r#"{{"type":"place","order_id":"{sku}","lines":[{{"sku":"{sku}","quantity":2}}]}}"#);
            send(&mut sender, &app, "orders", sku, &order);
            process.await_json(&path, "available", 3);
            process.await_json(&path.replace("/stock/", "/orders/"), "status", "accepted");
        }

        process.signal(signal);
        let began = Instant::now();
        assert_eq!(process.end().code(), Some(0), "{}", process.stderr());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(process.stdout(), format!("{line}\n"), "standard output has one line");
        app.assert_no_open_transaction();
    }
    // A port that is taken is found out before anything is started.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    call(&app, &["run", "--http", &address]).fails(1, &[&format!("cannot serve HTTP at {address}"), "--http off"]);
    // Nothing is served, and it says so.
    let mut process = Started::new(&app, &["--http", "off"]);
    assert_eq!(process.ready(), "READY 8 tasks, 1 worker, no http");
    process.signal("TERM");
    assert_eq!(process.end().code(), Some(0));
}

fn a_second_signal_ends_it(broker: &Broker) {
    let app = App::new(broker, "cli-signals", Shape::default());
    let mut process = app.run(0).ready();
    // Both are there when it wakes up.
    for signal in ["STOP", "TERM", "INT", "CONT"] {
        process.signal(signal);
    }
    let status = process.end(Duration::from_secs(10));
    assert!(matches!(status.code(), Some(130 | 143)), "{status}: {}", process.tail());
    assert_eq!(status.signal(), None);
}

fn the_same_instance_twice(broker: &Broker) {
    let app = App::new(broker, "cli-twice", Shape::default());
    let mut first = app.run(0).ready();
    // The same state directory is refused before the group is disturbed.
    let same = call(&app, &["run", "--http", "off", "--state-dir", app.state_dir().to_str().unwrap()]);
    same.fails(1, &["another process", "--instance"]);
    assert!(first.is_running());
    // With a directory of its own it takes the place, as a replacement on another machine would.
    let mut second = app.run(0).state_dir("elsewhere").ready();
    let status = first.end(Duration::from_secs(30));
    assert_eq!(status.code(), Some(1), "{}", first.tail());
    assert!(first.log_text().contains("has taken the place of instance 0") && first.log_text().contains("--instance"), "{}", first.tail());
    second.terminate();
}

fn verify_reads_all_and_finds_what_is_wrong(broker: &Broker) {
    let app = App::new(broker, "cli-verify", Shape::default());
    call(&app, &["verify"]).fails(0, &["nothing to check"]);
    let mut sender = sender(broker);
    send(&mut sender, &app, "restocks", "A", r#"{"restock_id":"R","sku":"A","quantity":5,"kind":"received"}"#);
    send(&mut sender, &app, "orders", "1", r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":2}]}"#);
    // Nobody has decided: that is no violation, unless everything should have been.
    call(&app, &["verify"]).says(&["every check passed", "pending                  2"]);
    let ended = call(&app, &["verify", "--complete"]);
    assert_eq!(ended.code, 1, "{}", ended.all());
    assert_eq!(ended.stdout.matches("no_outcome at").count(), 2, "{}", ended.all());

    let mut process = app.run(0).ready();
    app.settle();
    call(&app, &["verify"]).says(&["every check passed", "pending                  0", "1 accepted"]);
    process.terminate();
    call(&app, &["verify"]).says(&["every check passed", "pending                  0"]);

    // Somebody writes where only Waybill may.
    send(&mut sender, &app, "order-events", "1", "{}");
    let ended = call(&app, &["verify"]);
    assert_eq!(ended.code, 1, "{}", ended.all());
    assert!(ended.stdout.contains("malformed_output at cli-verify.order-events/"), "{}", ended.all());
}
