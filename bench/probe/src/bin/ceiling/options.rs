//! What both commands say of the clients, and the properties that librdkafka gets for it. `--set` and `--cset` come last
//! and so go before all else.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::client::{Properties, retries};

#[derive(Debug, Args)]
#[command(next_help_heading = "Clients")]
pub(crate) struct Common {
    /// Kafka's address
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:19092")]
    bootstrap: String,
    /// Milliseconds for which a batch may wait for more
    #[arg(long, global = true, value_name = "MS", default_value = "0")]
    linger: String,
    /// Milliseconds before a request is tried again
    #[arg(long, global = true, value_name = "MS", default_value = "1")]
    retry_backoff: String,
    /// Milliseconds to which that may grow
    #[arg(long, global = true, value_name = "MS", default_value = "1000")]
    retry_backoff_max: String,
    /// One more property of the producers; may be given several times
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = property)]
    producer_properties: Vec<(String, String)>,
    /// One more property of the consumers; may be given several times
    #[arg(long = "cset", global = true, value_name = "NAME=VALUE", value_parser = property)]
    consumer_properties: Vec<(String, String)>,
    /// Count how often the broker was asked again because the transaction before had not ended
    #[arg(long, global = true)]
    eos_debug: bool,
}

/// How a consumer of the forwarder reads.
#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// No transactions: idempotent, at least once
    #[arg(long)]
    pub(crate) plain: bool,
    /// With --plain, read committed records only, as it is without
    #[arg(long)]
    rc: bool,
    /// Ask librdkafka for every message by itself
    #[arg(long)]
    pub(crate) one_by_one: bool,
    /// Where a group without offsets starts
    #[arg(long, value_enum, default_value_t = Reset::Earliest)]
    pub(crate) reset: Reset,
    /// Milliseconds for which the broker may keep an empty answer back
    #[arg(long, value_name = "MS", default_value = "500")]
    fetch_wait: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reset {
    Earliest,
    Latest,
}

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Common {
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Of a producer; of a transactional one with its id.
    pub(crate) fn producer(&self, transactional_id: Option<&str>) -> Properties {
        let mut properties = owned(&[
            ("bootstrap.servers", &self.bootstrap),
            ("broker.address.family", "v4"),
            ("client.id", "ceiling"),
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", &self.linger),
            ("retry.backoff.ms", &self.retry_backoff),
            ("retry.backoff.max.ms", &self.retry_backoff_max),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "1048576"),
        ]);
        if let Some(id) = transactional_id {
            properties.extend(owned(&[("transactional.id", id), ("transaction.timeout.ms", "60000")]));
        }
        if self.eos_debug {
            properties.extend(owned(&[("debug", "eos")]));
        }
        properties.extend(self.producer_properties.iter().cloned());
        properties
    }

    pub(crate) fn consumer(&self, group: &str, reading: &Reading) -> Properties {
        let isolation = if reading.plain && !reading.rc { "read_uncommitted" } else { "read_committed" };
        let reset = if reading.reset == Reset::Latest { "latest" } else { "earliest" };
        let mut properties = owned(&[
            ("bootstrap.servers", &self.bootstrap),
            ("broker.address.family", "v4"),
            ("client.id", "ceiling"),
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("isolation.level", isolation),
            ("auto.offset.reset", reset),
            ("fetch.wait.max.ms", &reading.fetch_wait),
            ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", "10000"),
        ]);
        properties.extend(self.consumer_properties.iter().cloned());
        properties
    }

    /// For the report: null where they were not counted.
    pub(crate) fn concurrent_retries(&self) -> Value {
        if !self.eos_debug {
            return Value::Null;
        }
        let (add_partitions, offsets) = retries();
        json!({"all": add_partitions + offsets, "add_partitions": add_partitions, "offsets": offsets})
    }
}

fn owned(properties: &[(&str, &str)]) -> Properties {
    properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
