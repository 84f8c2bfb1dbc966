//! A real Schema Registry (Apicurio, by its Confluent API): what the client makes of its answers and of its absence, and
//! the whole program in Avro on a real Kafka. Needs Java 21, and skips without; what is in `kafka.rs` needs the full
//! build, the rest `--no-default-features --features registry`.
#![cfg(feature = "registry")]
#![allow(clippy::pedantic, reason = "a test reads as a story; the strictest lints are for what ships")]
#![allow(clippy::unwrap_used)]

#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod kafka;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
#[path = "../support/live/mod.rs"]
mod live;
#[path = "registry.rs"]
mod server;

use std::time::{Duration, Instant};

use schemas::avro::{Lookup, TOPICS};
use server::Server;
use waybill::config;
use waybill::registry::{Client, Registry, RegistryError};

/// A JVM that has just started, beside others and a compiler on 2 cores, takes seconds for its first answers.
const PATIENCE: Duration = Duration::from_secs(120);

fn config(url: &str) -> config::registry::Registry {
    config::registry::Registry { url: url.to_owned(), timeout_ms: 60_000 }
}

/// Each test has a registry of its own, stopped and frozen as the test likes, and tests run at the same time.
#[test]
fn registries_run_side_by_side_and_know_nothing_of_each_other() {
    if !Server::is_possible() {
        return;
    }
    let servers = std::thread::scope(|scope| {
        let starts = ["one", "other"].map(|name| scope.spawn(move || Server::start(name)));
        starts.map(|start| start.join().unwrap())
    });
    assert_ne!(servers[0].url, servers[1].url);
    let [one, other] = servers.each_ref().map(|server| Client::new(&config(&server.url), None));
    let id = one.register("orders-value", text("orders")).unwrap();
    one.schema(id).unwrap();
    // Two JVMs start at once: the second's first answers may be that it is not ready, which says nothing of schemas.
    let until = Instant::now() + PATIENCE;
    let answer = loop {
        match other.schema(id).map(drop) {
            Err(RegistryError::Away(_)) if Instant::now() < until => std::thread::sleep(Duration::from_millis(200)),
            answer => break answer,
        }
    };
    assert!(matches!(answer, Err(RegistryError::Missing(_))), "{answer:?}");
    // Not even the port for its management may be open to others than this machine.
    for server in &servers {
        assert_eq!(server.open_elsewhere(), Vec::<String>::new());
    }
}

fn text(topic: &str) -> &'static str {
    TOPICS.iter().find(|(name, _)| *name == topic).unwrap().1
}

#[test]
fn a_real_registry_is_asked_and_its_absence_is_waited_out() {
    if !Server::is_possible() {
        return;
    }
    let server = Server::start("registry");
    let client = Client::new(&config(&server.url), None);
    client.ping().unwrap();
    let mut ids = vec![];
    for (topic, text) in TOPICS {
        ids.push(client.register(&format!("{topic}-value"), text).unwrap());
    }
    let again = client.register("orders-value", text("orders")).unwrap();
    assert_eq!(again, ids[0], "the same schema has the same id");
    for ((topic, _), id) in TOPICS.iter().zip(&ids) {
        let schema = client.schema(*id).unwrap();
        assert_eq!(schema.fingerprint(), schemas::avro::current(topic).unwrap().fingerprint(), "{topic}");
    }
    assert!(matches!(client.schema(4_000_000), Err(RegistryError::Missing(why)) if why.contains("4000000")));
    assert!(matches!(client.schema(u32::MAX), Err(RegistryError::Missing(_))));
    assert!(client.register("broken-value", "{").is_err());

    let registry = Registry::start(&config(&server.url), None).unwrap();
    assert!(matches!(registry.wait_for(ids[0]), Lookup::Schema(_)));
    assert!(matches!(registry.wait_for(4_000_000), Lookup::Unknown(_)));
    server.stop();
    assert!(matches!(registry.lookup(ids[0]), Lookup::Schema(_)), "what is known needs no registry");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        assert!(matches!(registry.lookup(ids[1]), Lookup::NotYet), "a registry that is away says nothing about a schema");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(matches!(client.ping(), Err(RegistryError::Away(_))));
    server.restart();
    // It begins with nothing, and gives the same ids to the same schemas in the same order.
    for ((topic, text), id) in TOPICS.iter().zip(&ids) {
        assert_eq!(client.register(&format!("{topic}-value"), text), Ok(*id));
    }
    // Between its start and that it may have said that there is none; that is asked again.
    let deadline = Instant::now() + PATIENCE;
    while !matches!(registry.lookup(ids[1]), Lookup::Schema(_)) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(100));
    }
}
