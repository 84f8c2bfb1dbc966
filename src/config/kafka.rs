//! What `topology.toml` may say about connections to Kafka, and what it may not: `[kafka]` and its properties. Connects
//! to nothing.

use toml::de::DeValue;

use super::Kafka;
use super::section::Section;

/// Properties that belong to the engine: another value would break exactly-once without a word.
const OWN_PROPERTIES: [&str; 13] = [
    "bootstrap.servers",
    "client.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "auto.offset.reset",
    "group.id",
    "group.instance.id",
    "isolation.level",
    "partition.assignment.strategy",
    "transactional.id",
    "transaction.timeout.ms",
];

/// `[kafka]`
pub(super) fn read(kafka: &mut Section<'_, '_>, own: &mut Kafka) {
    if let Some((bootstrap, at)) = kafka.text("bootstrap") {
        match bootstrap_fault(bootstrap) {
            Some(fault) => kafka.complain(at, format!("`bootstrap` {fault}")),
            None => bootstrap.clone_into(&mut own.bootstrap),
        }
    }
    own.session_timeout_ms = kafka.integer("session_timeout_ms", 1_000, 1_800_000).map_or(own.session_timeout_ms, |n| n as u32);
    own.transaction_timeout_ms = kafka.integer("transaction_timeout_ms", 1_000, 900_000).map_or(own.transaction_timeout_ms, |n| n as u32);
    own.replication = kafka.integer("replication", 1, 100).map(|n| n as i32);
    let Some(properties) = kafka.section("properties") else { return };
    properties.each(|section, name, value, at| {
        if OWN_PROPERTIES.contains(&name) {
            section.complain(at, format!("`{name}` is set by Waybill: another value would break its promises. Leave it out"));
            return;
        }
        match value {
            DeValue::String(text) => own.properties.push((name.to_owned(), text.clone().into_owned())),
            DeValue::Boolean(flag) => own.properties.push((name.to_owned(), flag.to_string())),
            DeValue::Integer(number) => own.properties.push((name.to_owned(), number.to_string())),
            // Bare `a.b = 1` is a table in TOML; librdkafka's names are full of dots.
            DeValue::Table(_) => {
                section.complain(at, "a property's name has dots: put it in quotes, such as \"security.protocol\" = \"ssl\"".into());
            }
            _ => section.complain(at, format!("`{name}` must be text, a number, true or false")),
        }
    });
}

/// Why `text` is not a list of `host:port`.
pub fn bootstrap_fault(text: &str) -> Option<String> {
    let good = |server: &str| {
        server.trim().rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
    };
    let bad = text.split(',').find(|server| !good(server))?;
    Some(format!("must be HOST:PORT such as \"127.0.0.1:9092\", several separated by commas, not \"{}\"", bad.trim()))
}
