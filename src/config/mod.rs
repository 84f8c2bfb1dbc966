//! The checked configuration: what `topology.toml` and the command line say, complete and consistent. Reading and
//! checking the file begins in `file.rs`; nothing else reads it.

pub mod file;
pub mod kafka;
mod names;
pub mod registry;
mod rules;
mod section;
pub mod signatures;
pub mod topics;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use processors::{catalogue, demand, fleet, orders};
use schemas::{Sink, Source};

use crate::engine::plan::{ClockMode, Format};

/// Everything that somebody may decide about a running Waybill.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Application id: consumer group, prefix of internal topics and of transactional ids.
    pub app: String,
    /// Threads that decide, each a member of the group.
    pub workers: usize,
    /// The stable slot of this process among all that run with this `app`: 0, 1, 2 …
    pub instance: u32,
    pub state_dir: PathBuf,
    /// Bytes for block caches and write buffers of all stores of the process together.
    pub store_memory: usize,
    /// Where metrics and queries are served; `None`: nowhere.
    pub http: Option<SocketAddr>,
    pub clock: ClockMode,
    pub kafka: Kafka,
    pub orders: orders::Config,
    pub orders_tasks: i32,
    /// A line may be served from several places.
    pub split: bool,
    /// What of the catalogue an order's line must fit.
    pub terms: catalogue::Terms,
    pub catalogue: catalogue::Config,
    /// Forecasts and alerts; `None`: demand is not watched.
    pub demand: Option<demand::Config>,
    pub stock_tasks: i32,
    /// Where schemas of topics in Avro are; `None`: only those that the program has itself, in the single-object encoding.
    pub registry: Option<registry::Registry>,
    pub fleet: fleet::Config,
    pub fleet_tasks: i32,
    /// Every ping's verdict is written.
    pub verdicts: bool,
    /// What `waybill roads build` has written, for the fleet's plans; `None`: great circles.
    pub roads: Option<PathBuf>,
    /// By default name (`orders`, `order-events` …).
    pub topics: BTreeMap<String, Topic>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port`, several separated by commas.
    pub bootstrap: String,
    pub session_timeout_ms: u32,
    pub transaction_timeout_ms: u32,
    /// Copies of every topic that does not say itself; `None`: the broker's default.
    pub replication: Option<i32>,
    /// librdkafka properties (`security.protocol`, `sasl.*`, `ssl.*` …).
    pub properties: Vec<(String, String)>,
}

/// One of the public topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What it is called on the broker.
    pub name: String,
    /// For `waybill topics create`; a topic that exists keeps what it has.
    pub partitions: i32,
    /// `None`: the broker's default.
    pub replication: Option<i32>,
    /// Milliseconds; `None`: the broker's default.
    pub retention_ms: Option<i64>,
    pub format: Format,
    /// Of a source topic: who may write.
    pub signatures: signatures::Signatures,
}

/// The public topics by their default names: what producers write, then what consumers read.
pub fn public_topics() -> impl Iterator<Item = &'static str> {
    Source::ALL.into_iter().map(Source::name).chain(Sink::ALL.into_iter().map(Sink::name))
}

impl Config {
    /// The name on the broker of a topic by its default name.
    pub fn topic_name(&self, default: &str) -> String {
        self.topics.get(default).map_or_else(|| default.to_owned(), |t| t.name.clone())
    }
}

impl Default for Config {
    fn default() -> Config {
        let topic = |name: &str| {
            let (format, signatures) = (Format::default(), signatures::Signatures::default());
            (name.to_owned(), Topic { name: name.to_owned(), partitions: 4, replication: None, retention_ms: None, format, signatures })
        };
        Config {
            app: "waybill".into(),
            workers: 1,
            instance: 0,
            state_dir: "waybill-state".into(),
            store_memory: 18 << 20,
            http: Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
            clock: ClockMode::Wall,
            kafka: Kafka {
                bootstrap: "127.0.0.1:9092".into(),
                session_timeout_ms: 10_000,
                transaction_timeout_ms: 10_000,
                replication: None,
                properties: vec![],
            },
            orders: orders::Config { hold_seconds: 900, deduct_on: orders::DeductOn::Payment },
            orders_tasks: 4,
            split: false,
            terms: catalogue::Terms::default(),
            catalogue: catalogue::Config::default(),
            demand: Some(demand::Config::default()),
            stock_tasks: 4,
            registry: None,
            fleet: fleet::Config::default(),
            fleet_tasks: 4,
            verdicts: false,
            roads: None,
            topics: public_topics().map(topic).collect(),
        }
    }
}
