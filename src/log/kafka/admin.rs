//! What topics there are, and creating them. Used by commands before a worker starts, never while one runs.
//!
//! What topics there should be is in `config/topics.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::config;
use crate::config::topics::{Existing, Wanted};

/// A broker that has not answered by then counts as out of reach.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// An error of Kafka's, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AdminError(String);

impl AdminError {
    pub(super) fn new(doing: &str, error: &dyn std::fmt::Display) -> AdminError {
        AdminError(format!("cannot {doing}: {error}"))
    }
}

/// Keeps librdkafka's last complaint, which says more than the error of the call that gave up.
#[derive(Clone, Default)]
pub struct Complaints(Arc<Mutex<Option<String>>>);

impl Complaints {
    fn keep(&self, text: &str) {
        // `[thrd:127.0.0.1:9092/bootstrap]: 127.0.0.1:9092/bootstrap: Connect to … failed: Connection refused (after …)`
        let text = text.split("]: ").last().unwrap_or(text);
        let text = text.split(" (after ").next().unwrap_or(text);
        tracing::debug!("librdkafka: {text}");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
    }

    pub fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Complaints {
    fn log(&self, level: RDKafkaLogLevel, _facility: &str, message: &str) {
        if (level as i32) <= (RDKafkaLogLevel::Error as i32) {
            self.keep(message);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // Says nothing that the complaint before it does not say better; and no error at all.
            Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::PartitionEOF) => {}
            _ => self.keep(reason),
        }
    }
}

impl ConsumerContext for Complaints {}

/// Client properties of everything that is not a worker.
pub fn client(config: &config::Kafka) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.bootstrap)
        .set("client.id", "waybill-admin")
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.max.ms", "1000");
    for (name, value) in &config.properties {
        client.set(name, value);
    }
    client
}

/// What an out-of-reach broker is reported as.
fn unreachable(config: &config::Kafka, error: &KafkaError) -> AdminError {
    let why = complaint(config).unwrap_or_else(|| error.to_string());
    AdminError(format!(
        "no Kafka answers at {} within {} s: {why}. Give the address with --bootstrap HOST:PORT, WAYBILL_BOOTSTRAP or `bootstrap` in \
         [kafka]; `make kafka` starts one on this machine",
        config.bootstrap,
        CONNECT_TIMEOUT.as_secs()
    ))
}

/// Tries to connect once more, with a client that hands out its complaints; the administrator's does not.
fn complaint(config: &config::Kafka) -> Option<String> {
    let complaints = Complaints::default();
    let client: BaseConsumer<Complaints> = client(config).create_with_context(complaints.clone()).ok()?;
    // Answered or not does not matter: it makes the client connect.
    let _ = client.fetch_metadata(None, Duration::from_millis(500));
    let deadline = Instant::now() + Duration::from_millis(500);
    while complaints.last().is_none() && Instant::now() < deadline {
        client.poll(Duration::from_millis(50));
    }
    complaints.last()
}

/// What became of topics that were to be created; those in neither list were there already.
#[derive(Debug, Default)]
pub struct Creation {
    pub created: Vec<String>,
    /// Why not, one line for each topic.
    pub failed: Vec<String>,
}

/// A broker to ask.
pub struct Admin {
    client: AdminClient<Complaints>,
    config: config::Kafka,
}

impl Admin {
    /// Does not connect yet; wrong client properties are an error here.
    pub fn new(config: &config::Kafka) -> Result<Admin, AdminError> {
        let made = client(config).create_with_context(Complaints::default());
        let client = made.map_err(|e| AdminError::new("make a Kafka client (see [kafka.properties])", &e))?;
        Ok(Admin { client, config: config.clone() })
    }

    /// Which of `names` exist, with their partitions and settings.
    pub fn existing(&self, names: &[&str]) -> Result<BTreeMap<String, Existing>, AdminError> {
        let mut found = self.partitions(names)?;
        let there: Vec<String> = found.keys().cloned().collect();
        if there.is_empty() {
            return Ok(found);
        }
        let resources: Vec<_> = there.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let described = block_on(self.client.describe_configs(&resources, &options()));
        for resource in described.map_err(|e| AdminError::new("read the topics' settings", &e))? {
            let resource = resource.map_err(|e| AdminError::new("read a topic's settings", &e))?;
            if let OwnedResourceSpecifier::Topic(name) = resource.specifier
                && let Some(topic) = found.get_mut(&name)
            {
                topic.settings = resource.entries.into_iter().filter_map(|e| Some((e.name, e.value?))).collect();
            }
        }
        Ok(found)
    }

    fn partitions(&self, names: &[&str]) -> Result<BTreeMap<String, Existing>, AdminError> {
        let asked = self.client.inner().fetch_metadata(None, CONNECT_TIMEOUT);
        let metadata = asked.map_err(|e| unreachable(&self.config, &e))?;
        Ok(metadata
            .topics()
            .iter()
            .filter(|topic| names.contains(&topic.name()) && !topic.partitions().is_empty())
            .map(|topic| (topic.name().to_owned(), Existing { partitions: topic.partitions().len() as i32, ..Existing::default() }))
            .collect())
    }

    /// Creates the topics, all it can, and waits until the broker shows them. With `dry_run` the broker only says
    /// whether it would.
    pub fn create(&self, topics: &[&Wanted], dry_run: bool) -> Result<Creation, AdminError> {
        let mut creation = Creation::default();
        if topics.is_empty() {
            return Ok(creation);
        }
        let new = topics.iter().map(|wanted| {
            // -1 is the broker's default.
            let replication = TopicReplication::Fixed(wanted.replication.unwrap_or(-1));
            let topic = NewTopic::new(&wanted.name, wanted.partitions, replication);
            wanted.settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
        });
        let new: Vec<_> = new.collect();
        let options = options().operation_timeout(Some(REQUEST_TIMEOUT)).validate_only(dry_run);
        let results = block_on(self.client.create_topics(&new, &options)).map_err(|e| AdminError::new("create topics", &e))?;
        let mut there = vec![];
        for result in results {
            match result {
                Ok(name) => creation.created.push(name),
                // Somebody else was quicker, or the broker did not show it yet.
                Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => there.push(name),
                Err((name, code)) => creation.failed.push(format!("{name}: {code}{}", hint(code))),
            }
        }
        if !dry_run {
            there.extend(creation.created.iter().cloned());
            self.await_topics(&there)?;
        }
        Ok(creation)
    }

    fn await_topics(&self, names: &[String]) -> Result<(), AdminError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        while self.partitions(&names)?.len() < names.len() {
            if Instant::now() > deadline {
                return Err(AdminError("the topics were created and do not show yet; look again with `waybill check`".into()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT))
}

fn hint(code: RDKafkaErrorCode) -> &'static str {
    match code {
        RDKafkaErrorCode::InvalidReplicationFactor => {
            " (there are fewer brokers than that; set `replication` in [kafka] or for the topic, or leave it out)"
        }
        RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed => {
            " (this user may not create topics; see [kafka.properties], or have them created as `waybill topics create --dry-run` shows)"
        }
        RDKafkaErrorCode::PolicyViolation => " (a policy of the cluster forbids it)",
        _ => "",
    }
}
