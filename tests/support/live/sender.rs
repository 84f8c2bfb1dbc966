//! A producer as shops and gateways have one, with the partitioner that its language brings. Remembers where each
//! record went.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use super::client;

/// How a producer chooses a partition for a key.
#[derive(Clone, Copy, Debug)]
pub enum Partitioner {
    /// The Java client's.
    Murmur2,
    /// librdkafka's own.
    Crc32,
}

/// A record to be sent.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub topic: String,
    /// `None`: as the partitioner says.
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// `None`: now.
    pub timestamp: Option<i64>,
}

impl Record {
    pub fn new(topic: &str, key: &str, value: impl Into<Vec<u8>>) -> Record {
        Record { topic: topic.to_owned(), key: Some(key.as_bytes().to_vec()), value: Some(value.into()), ..Record::default() }
    }

    #[must_use]
    pub fn at(self, timestamp: i64) -> Record {
        Record { timestamp: Some(timestamp), ..self }
    }
}

/// (partition, offset) by the number that [`Sender::send`] returned, and what could not be delivered.
#[derive(Default)]
struct Delivered {
    places: BTreeMap<usize, (i32, i64)>,
    failed: Vec<KafkaError>,
}

struct Reports(Arc<Mutex<Delivered>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<usize>) {
        let mut delivered = self.0.lock().unwrap();
        match result {
            Ok(message) => drop(delivered.places.insert(*number, (message.partition(), message.offset()))),
            Err((error, _)) => delivered.failed.push(error.clone()),
        }
    }
}

pub struct Sender {
    producer: ThreadedProducer<Reports>,
    delivered: Arc<Mutex<Delivered>>,
    sent: usize,
}

impl Sender {
    /// Idempotent, so that a broker that comes and goes doubles and reorders nothing here.
    pub fn new(bootstrap: &str, partitioner: Partitioner) -> Sender {
        let delivered = Arc::new(Mutex::new(Delivered::default()));
        let producer = client(bootstrap)
            .set(
                "partitioner",
                match partitioner {
                    Partitioner::Murmur2 => "murmur2_random",
                    Partitioner::Crc32 => "consistent_random",
                },
            )
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "120000")
            .set("message.max.bytes", "12582912")
            .set("linger.ms", "2")
            .create_with_context(Reports(Arc::clone(&delivered)))
            .unwrap();
        Sender { producer, delivered, sent: 0 }
    }

    /// Sends it at some time; returns its number.
    pub fn send(&mut self, record: &Record) -> usize {
        let number = self.sent;
        self.sent += 1;
        loop {
            let mut out = BaseRecord::<[u8], [u8], Box<usize>>::with_opaque_to(&record.topic, Box::new(number));
            out.key = record.key.as_deref();
            out.payload = record.value.as_deref();
            out.timestamp = record.timestamp;
            out.partition = record.partition;
            if !record.headers.is_empty() {
                let add =
                    |all: OwnedHeaders, (name, value): &(String, Option<Vec<u8>>)| all.insert(Header { key: name, value: value.as_ref() });
                out.headers = Some(record.headers.iter().fold(OwnedHeaders::new(), add));
            }
            match self.producer.send(out) {
                Ok(()) => return number,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => std::thread::sleep(Duration::from_millis(10)),
                Err((error, _)) => panic!("{}: {error}", record.topic),
            }
        }
    }

    /// Waits until everything has arrived; returns where, by number.
    pub fn flush(&mut self) -> BTreeMap<usize, (i32, i64)> {
        self.producer.flush(Duration::from_secs(120)).unwrap();
        let delivered = self.delivered.lock().unwrap();
        assert!(delivered.failed.is_empty(), "not delivered: {:?}", delivered.failed);
        assert_eq!(delivered.places.len(), self.sent, "every record was acknowledged");
        delivered.places.clone()
    }

    /// Sends it and waits for it.
    pub fn put(&mut self, record: &Record) -> (i32, i64) {
        let number = self.send(record);
        self.flush()[&number]
    }
}
