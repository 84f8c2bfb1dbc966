//! One consumer and one producer. Reads records and makes of each the smallest event that says what it was made of;
//! when to commit is for `run.rs` and `pipeline.rs`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF as PARTITION_EOF;

use crate::batch::{Positions, Statistics};
use crate::client::{Consumer, Message, Producer, Topic};

/// Of a poll at most.
pub(crate) const MOST_MESSAGES: usize = 4096;

/// An output's value: these around the input's key. It is as long as a system's short event.
const HEAD: &str = r#"{"order_id":""#;
const TAIL: &str = r#"","type":"accepted","pad":"0123456789012345678901234567890123456789012345678901234"}"#;

/// When a worker commits.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// After each batch, before the next.
    Serial,
    /// After each batch, while it reads the next.
    Pipeline,
    /// At its leisure: without transactions.
    Plain,
}

/// How a worker goes about it.
pub(crate) struct Settings {
    /// How long a transaction stays open; `None`: until there is nothing left to read.
    pub(crate) commit_every: Option<Duration>,
    /// Records of a transaction at most.
    pub(crate) batch: usize,
    pub(crate) way: Way,
    /// Offsets before the first record of each transaction: `AddOffsets` (tried again after `retry.backoff.ms`) then takes
    /// the wait for the end of the transaction before, and `AddPartitions` (tried again after 20 ms) never meets it.
    pub(crate) offsets_first: bool,
    pub(crate) one_by_one: bool,
    /// Ends after so many records of all workers; 0: does not.
    pub(crate) stop_after: u64,
}

pub(crate) struct Worker {
    pub(crate) consumer: Arc<Consumer>,
    pub(crate) producer: Arc<Producer>,
    pub(crate) statistics: Statistics,
    /// Where records go, by the name of the topic that they come from.
    routes: HashMap<String, Topic>,
    /// The same by handle, as far as they were met.
    met: Vec<(Topic, Topic)>,
    messages: Vec<Message>,
    value: Vec<u8>,
}

impl Worker {
    pub(crate) fn new(consumer: Consumer, producer: Producer, routes: HashMap<String, Topic>) -> Worker {
        Worker {
            consumer: Arc::new(consumer),
            producer: Arc::new(producer),
            statistics: Statistics::default(),
            routes,
            met: vec![],
            messages: vec![],
            value: vec![],
        }
    }

    /// Reads at most `max` messages, and waits for the first only; returns how many there are.
    pub(crate) fn poll(&mut self, max: usize, wait: Duration, one_by_one: bool) -> usize {
        self.messages.clear();
        self.consumer.poll(&mut self.messages, max, wait, one_by_one);
        self.messages.len()
    }

    /// Throws away what was read.
    pub(crate) fn discard(&mut self) {
        self.messages.clear();
    }

    /// Makes outputs of what was read, `emit(producer, topic, key, value)`; returns how many records that was.
    pub(crate) fn handle(&mut self, positions: &mut Positions, mut emit: impl FnMut(&Producer, Topic, &[u8], &[u8])) -> u64 {
        let mut records = 0;
        let mut messages = std::mem::take(&mut self.messages);
        for message in messages.drain(..) {
            match message.error() {
                None => {
                    let output = self.output(message.topic());
                    self.value.clear();
                    self.value.extend_from_slice(HEAD.as_bytes());
                    self.value.extend_from_slice(message.key());
                    self.value.extend_from_slice(TAIL.as_bytes());
                    emit(&self.producer, output, message.key(), &self.value);
                    positions.note(message.topic(), message.partition(), message.offset());
                    records += 1;
                }
                Some(PARTITION_EOF) => {}
                Some(error) => eprintln!("consumer: {error:?}"),
            }
        }
        // Its memory serves the next poll.
        self.messages = messages;
        records
    }

    fn output(&mut self, input: Topic) -> Topic {
        if let Some((_, output)) = self.met.iter().find(|(met, _)| *met == input) {
            return *output;
        }
        let output = self.routes[&input.name()];
        self.met.push((input, output));
        output
    }
}
