//! Sending records, with a signature or without, and stock for orders. Waits where the queue is full; anything else that
//! fails ends the run.

use std::path::Path;
use std::time::Duration;

use probe::{now_unix_ms, sku};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use signatures::SigningKey;

/// Signs what it sends, if it has a key: every record with an id of its own.
pub(crate) struct Signer {
    keys: Vec<SigningKey>,
    count: u64,
}

impl Signer {
    pub(crate) fn new(key: Option<&Path>) -> Signer {
        Signer { keys: key.map(read_key).into_iter().collect(), count: 0 }
    }

    pub(crate) fn send(&mut self, producer: &BaseProducer, topic: &str, key: &str, value: &str) {
        if self.keys.is_empty() {
            return send(producer, topic, key, value);
        }
        self.count += 1;
        let id = format!("msg_{topic}_{}_{}", std::process::id(), self.count);
        let signed = signatures::sign(&self.keys, &id, now_unix_ms() / 1000, value.as_bytes()).expect("an id that can be signed");
        let mut headers = OwnedHeaders::new();
        for (key, value) in signed.headers() {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        send_record(producer, BaseRecord::to(topic).key(key).payload(value).headers(headers));
    }
}

fn read_key(file: &Path) -> SigningKey {
    let file_name = file.display();
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("--sign-key {file_name} cannot be read: {error}"));
    SigningKey::parse(text.trim()).unwrap_or_else(|error| panic!("--sign-key {file_name} holds no key: {error}"))
}

pub(crate) fn send(producer: &BaseProducer, topic: &str, key: &str, value: &str) {
    send_record(producer, BaseRecord::to(topic).key(key).payload(value));
}

fn send_record(producer: &BaseProducer, mut record: BaseRecord<str, str>) {
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(20));
                record = back;
            }
            Err((error, _)) => panic!("send: {error}"),
        }
    }
}

/// Waits until all that was sent is delivered.
pub(crate) fn flush(producer: &BaseProducer, seconds: u64) {
    producer.flush(Duration::from_secs(seconds)).unwrap_or_else(|error| panic!("not delivered after {seconds} s: {error}"));
}

/// So many units of every SKU. `run` makes the ids this run's own.
pub(crate) fn restock(producer: &BaseProducer, signer: &mut Signer, topic: &str, skus: usize, units: i64, run: &str) {
    for number in 1..=skus {
        let sku = sku(number);
        let value = format!(r#"{{"restock_id":"R-{run}-{number}","sku":"{sku}","location":"main","quantity":{units},"kind":"received"}}"#);
        signer.send(producer, topic, &sku, &value);
    }
    flush(producer, 120);
}
