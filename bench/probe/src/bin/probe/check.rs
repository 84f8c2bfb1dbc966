//! `probe check`: reads all topics from their beginning and says what in them contradicts itself. Neutral to the system
//! that decided, and writes nothing. What is compared stands in `books.rs`.

use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset};

use crate::books::Books;
use crate::client::{Common, Start, end, read_from};

/// Exit code when something is contradicted.
const VIOLATIONS: i32 = 3;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Seconds after which it gives up
    #[arg(long, value_name = "SECS", default_value_t = 300.0)]
    timeout: f64,
}

/// What of a topic there was to read.
pub(crate) struct Extent {
    pub(crate) records: u64,
    /// Offsets beyond the last record that could be read. Control records take offsets, too: a few are normal, many mean
    /// a transaction that is open.
    pub(crate) behind: u64,
}

pub(crate) fn check(common: &Common, own: &Check) {
    let deadline = Instant::now() + Duration::from_secs_f64(own.timeout);
    let mut books = Books::default();
    let restocks = read_all(common, &common.restocks_topic, deadline, |value| books.restock(value));
    let orders = read_all(common, &common.orders_topic, deadline, |value| books.order(value));
    let events = read_all(common, &common.events_topic, deadline, |value| books.event(value));
    let (report, violations) = books.report(restocks.records, orders.records, &events);
    println!("{report}");
    std::process::exit(if violations == 0 { 0 } else { VIOLATIONS });
}

/// Hands every value of a topic to `each`. Ends the process with exit code 1 if that takes too long.
fn read_all(common: &Common, topic: &str, deadline: Instant, mut each: impl FnMut(Option<&[u8]>)) -> Extent {
    let consumer = common.consumer("50");
    let mut open = read_from(&consumer, topic, Start::Beginning);
    let mut extent = Extent { records: 0, behind: 0 };
    while open > 0 {
        if Instant::now() > deadline {
            eprintln!("check: timeout on {topic}");
            std::process::exit(1);
        }
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                extent.records += 1;
                each(message.payload());
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                extent.behind += behind(&consumer, topic, partition);
                open -= 1;
            }
            Some(Err(error)) => eprintln!("check: {error}"),
            None => {}
        }
    }
    extent
}

/// Offsets from where reading stands to where the partition ends; 0 if nothing was read from it.
fn behind(consumer: &BaseConsumer, topic: &str, partition: i32) -> u64 {
    let positions = consumer.position().expect("a consumer knows where it stands");
    let position = positions.find_partition(topic, partition).map(|element| element.offset());
    let end = end(consumer, topic, partition);
    match position {
        Some(Offset::Offset(next)) => (end - next).max(0) as u64,
        _ => 0,
    }
}
