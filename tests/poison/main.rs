//! Bad input of every kind, on a real Kafka: each record gives exactly one dead letter with its bytes and a reason, and
//! its neighbours are decided as if it had not been there.
#![cfg(all(feature = "kafka", feature = "rocksdb"))]
#![allow(clippy::pedantic, reason = "a test reads as a story; the strictest lints are for what ships")]
#![allow(clippy::unwrap_used)]

mod catalogue;
mod fleet;
mod kinds;
#[path = "../support/live/mod.rs"]
mod live;
mod signed;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use live::app::{App, Shape};
use live::broker::Broker;
use live::reader::Seen;
use live::sender::{Partitioner, Record, Sender};
use live::{PATIENCE, now_millis, wait_until};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use waybill::engine::plan::partition_of;

use kinds::{Headers, Kind, kinds};

const PARTITIONS: i32 = 4;

/// A record on its way: what it is, and where it went.
struct Sent<'a> {
    kind: &'a Kind,
    before: usize,
    bad: usize,
    after: usize,
}

#[test]
fn each_kind_of_bad_input_gives_one_dead_letter_and_harms_nobody() {
    let all = kinds(now_millis());
    assert!(all.len() >= 40, "only {} kinds", all.len());
    let names: BTreeSet<_> = all.iter().map(|kind| &kind.name).collect();
    assert_eq!(names.len(), all.len(), "two kinds have one name");

    let broker = Broker::start("poison");
    for workers in [1, 3] {
        let app = application(&broker, &format!("poison-{workers}"));
        play(&app, workers, &all, &|_, _, _| vec![]);
    }
    println!("{} kinds of bad input, each with one worker and with three", all.len());
}

#[test]
fn each_kind_of_wrong_signature_gives_one_dead_letter_and_harms_nobody() {
    let broker = Broker::start("signatures");
    let mut count = 0;
    for workers in [1, 3] {
        let now = now_millis();
        let all = signed::kinds(now);
        assert!(all.len() >= 60, "only {} kinds", all.len());
        count = all.len();
        let app = signed::application(&broker, &format!("signed-{workers}"), PARTITIONS);
        play(&app, workers, &all, &|topic, id, value| signed::good_headers(topic, id, now, value));
    }
    println!("{count} kinds of wrong signatures, each with one worker and with three");
}

/// Every kind between good neighbours; `sign` gives those the headers that their topic asks for, from topic, id and value.
fn play(app: &App, workers: usize, all: &[Kind], sign: &dyn Fn(&str, &str, &[u8]) -> Headers) {
    let mut process = app.run(0).workers(workers).ready();
    let mut sender = Sender::new(&app.bootstrap, Partitioner::Murmur2);
    place_subjects(app, &mut sender, sign);
    let sent: Vec<Sent<'_>> = all.iter().enumerate().map(|(n, kind)| send(app, &mut sender, n, kind, sign)).collect();
    let places = sender.flush();
    let dead = || app.reader.read(&app.topic("dead-letters"));
    let missing = || {
        let letters = by_source(dead());
        let without = |s: &&Sent<'_>| !letters.contains_key(&(app.topic(s.kind.topic), places[&s.bad].0, places[&s.bad].1));
        sent.iter().filter(without).map(|s| format!("{}: {}", s.kind.topic, s.kind.name)).collect::<Vec<_>>().join("\n")
    };
    wait_until(PATIENCE, || dead().len() >= all.len(), || format!("no dead letter for\n{}\n{}", missing(), process.tail()));
    app.settle();
    let letters = by_source(dead());
    let outcomes = outcomes(app);
    let mut wrong = vec![];
    for Sent { kind, before, bad, after } in &sent {
        let at = |number: &usize| {
            let (partition, offset) = places[number];
            (app.topic(kind.topic), partition, offset)
        };
        if let Err(why) = check(kind, letters.get(&at(bad)).map_or(&[], Vec::as_slice), &at(bad)) {
            wrong.push(format!("{}: {why}", kind.name));
        }
        for neighbour in [before, after] {
            if letters.contains_key(&at(neighbour)) || !outcomes.contains(&at(neighbour)) {
                wrong.push(format!("{}: a neighbour, {:?}, was not decided", kind.name, at(neighbour)));
            }
        }
    }
    assert!(wrong.is_empty(), "{workers} workers:\n{}", wrong.join("\n"));
    let counts = app.verify();
    assert_eq!(counts["dead_letters"], all.len(), "a neighbour became a dead letter");
    assert!(process.is_running());
    process.terminate();
    app.assert_no_open_transaction();
}

/// The orders that good feedback is about: placed and decided before any of it comes.
fn place_subjects(app: &App, sender: &mut Sender, sign: &dyn Fn(&str, &str, &[u8]) -> Headers) {
    let mut missing: BTreeSet<String> = kinds::subjects().collect();
    for key in &missing {
        let value = kinds::good("orders", key);
        sender.send(&Record { headers: sign("orders", key, &value), ..Record::new(&app.topic("orders"), key, value) });
    }
    sender.flush();
    let decided = || {
        for event in app.reader.read(&app.topic("order-events")) {
            missing.remove(event.json()["order_id"].as_str().unwrap());
        }
        missing.is_empty()
    };
    wait_until(PATIENCE, decided, || "the orders that feedback will be about are not decided".into());
}

/// Source topics that take what is too large for Waybill, so that it is Waybill that refuses it.
fn application(broker: &Broker, name: &str) -> App {
    let app = App::without_topics(broker, name, Shape { tasks: PARTITIONS, sources: PARTITIONS, ..Shape::default() });
    let admin: AdminClient<DefaultClientContext> =
        rdkafka::ClientConfig::new().set("bootstrap.servers", &broker.bootstrap).create().unwrap();
    let topics = app.sources();
    let new: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1)).set("max.message.bytes", "12582912"))
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    for created in futures_executor::block_on(admin.create_topics(&new, &options)).unwrap() {
        created.unwrap();
    }
    // So that every good ping has its outcome at once.
    app.configure_section("fleet", "verdicts = true\nreorder_ms = 0\n");
    app.create_topics();
    app
}

/// The bad record between two good ones, all in one partition: the one that its key belongs to, if it has one.
fn send<'a>(app: &App, sender: &mut Sender, number: usize, kind: &'a Kind, sign: &dyn Fn(&str, &str, &[u8]) -> Headers) -> Sent<'a> {
    let partition = kind.key.as_deref().map_or(number as i32 % PARTITIONS, |key| partition_of(key, PARTITIONS));
    let topic = app.topic(kind.topic);
    let good = |sender: &mut Sender, side: &str| {
        let key =
            (0..).map(|n| format!("good-{number}-{side}-{n}")).find(|key| partition_of(key.as_bytes(), PARTITIONS) == partition).unwrap();
        let value = kinds::good(kind.topic, &key);
        let headers = sign(kind.topic, &key, &value);
        sender.send(&Record { headers, ..Record::new(&topic, &key, value) })
    };
    let before = match &kind.first {
        Some((headers, value)) => sender.send(&Record {
            topic: topic.clone(),
            partition: Some(partition),
            key: kind.key.clone(),
            value: Some(value.clone()),
            headers: headers.clone(),
            timestamp: None,
        }),
        None => good(sender, "before"),
    };
    let bad = sender.send(&Record {
        topic: topic.clone(),
        partition: Some(partition),
        key: kind.key.clone(),
        value: kind.value.clone(),
        headers: kind.headers.clone(),
        timestamp: kind.timestamp,
    });
    let after = good(sender, "after");
    Sent { kind, before, bad, after }
}

type At = (String, i32, i64);

/// Dead letters by the record they repeat.
fn by_source(letters: Vec<Seen>) -> BTreeMap<At, Vec<Seen>> {
    let mut all: BTreeMap<At, Vec<Seen>> = BTreeMap::new();
    for letter in letters {
        let header = |name: &str| letter.header(name).unwrap_or_else(|| panic!("a dead letter without {name}"));
        let at = (
            header("waybill.source.topic").to_owned(),
            header("waybill.source.partition").parse().unwrap(),
            header("waybill.source.offset").parse().unwrap(),
        );
        all.entry(at).or_default().push(letter);
    }
    all
}

/// Input records that something followed from.
fn outcomes(app: &App) -> BTreeSet<At> {
    let topics = ["order-events", "stock-movements", "product-events", "ping-verdicts", "shipment-events"];
    let outputs = topics.into_iter().flat_map(|topic| app.reader.read(&app.topic(topic)));
    outputs
        .map(|output| {
            let cause = &output.json()["cause"];
            let number = |field: &str| cause[field].as_i64().unwrap();
            (cause["topic"].as_str().unwrap().to_owned(), number("partition") as i32, number("offset"))
        })
        .collect()
}

fn check(kind: &Kind, letters: &[Seen], (topic, partition, offset): &At) -> Result<(), String> {
    let [letter] = letters else { return Err(format!("{} dead letters", letters.len())) };
    if letter.key != kind.key || letter.value != kind.value {
        return Err("its bytes are not those that came".into());
    }
    if !letter.headers.starts_with(&kind.headers) {
        return Err(format!("its headers do not begin with those that came: {:?}", letter.headers.iter().take(4).collect::<Vec<_>>()));
    }
    let reason = letter.header("waybill.error.reason");
    if reason != Some(kind.reason) {
        return Err(format!("its reason is {reason:?}, not {} ({:?})", kind.reason, letter.header("waybill.error.message")));
    }
    if letter.header("waybill.error.message").is_none_or(str::is_empty) {
        return Err("it has no message".into());
    }
    let processor = match kind.topic {
        "orders" | "payments" => "orders",
        "restocks" | "stock-counts" | "products" => "stock",
        "gps-pings" | "dispatches" => "fleet",
        // It belongs to none.
        other => other,
    };
    let (partition, offset) = (partition.to_string(), offset.to_string());
    for (name, value) in [
        ("waybill.processor", processor),
        ("waybill.version", env!("CARGO_PKG_VERSION")),
        ("__streams.errors.exception", kind.reason),
        ("__streams.errors.topic", topic),
        ("__streams.errors.partition", &partition),
        ("__streams.errors.offset", &offset),
    ] {
        if letter.header(name) != Some(value) {
            return Err(format!("{name} is {:?}, not {value}", letter.header(name)));
        }
    }
    let timestamp = letter.header("waybill.source.timestamp").and_then(|t| t.parse::<i64>().ok());
    match (timestamp, kind.timestamp) {
        (None, _) => Err("it has no timestamp".into()),
        (Some(is), Some(was)) if is != was => Err(format!("its timestamp is {is}, not {was}")),
        _ => Ok(()),
    }
}
