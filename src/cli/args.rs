//! What the command line may say.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use schemas::Timestamp;
use waybill::config::file::parse_http;
use waybill::config::kafka::bootstrap_fault;

use super::backtest::Backtest;
use super::demo::Demo;
use super::roads::Roads;

/// Decides on Kafka, exactly once, whether an order can be kept, and keeps the stock.
#[derive(Debug, Parser)]
#[command(
    name = "waybill",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  waybill topics create --bootstrap 127.0.0.1:9092    create the topics that are missing
  waybill run --config topology.toml                  decide until SIGTERM
  waybill run --instance 1 --http off                 a second process beside it
  waybill check                                       would `run` start, and what slows it down?
  waybill verify                                      audit all topics: nothing oversold, lost or twice

Exit codes: 0 done, 1 failed or violations found, 2 wrong usage or configuration."
)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Common {
    /// The configuration [default: topology.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Kafka's address; goes before the configuration
    #[arg(long, global = true, value_name = "HOST:PORT", env = "WAYBILL_BOOTSTRAP", value_parser = bootstrap)]
    pub bootstrap: Option<String>,
    /// How logs are written to standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
    /// Log more; `RUST_LOG` says exactly what
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Decide orders and keep stock, until SIGTERM
    #[command(after_help = "Prints one line that begins with READY once all its tasks decide. SIGTERM or Ctrl-C commits what is
decided and ends; a second one ends at once.

Examples:
  waybill run --bootstrap kafka:9092 --state-dir /var/lib/waybill
  waybill run --workers 2 --http 0.0.0.0:8080 --log json
  waybill run --instance 1 --http off     each process with the same [app] name needs its own number")]
    Run(Run),
    /// Create topics
    #[command(subcommand)]
    Topics(Topics),
    /// Say whether `run` would start, and which records have to be forwarded
    #[command(after_help = "Examples:
  waybill check --config topology.toml --bootstrap kafka:9092")]
    Check,
    /// Audit the topics: one decision per order, nothing oversold, lost or twice
    #[command(after_help = "Reads all public topics from their beginning, outside the consumer group. While Waybill is deciding, what may
be on its way is counted as pending; once everything is decided, everything must have its outcome.

Examples:
  waybill verify
  waybill verify --json | jq .counts
  waybill verify --dump records.jsonl     a log that was written to a file")]
    Verify(Verify),
    /// Replay a real shop's days through the whole engine, in memory, without Kafka
    #[command(after_help = "Seven days of real invoices; stock, payments and everything that goes wrong are made up from the seed. Shows a
summary, the latency and the audit, then serves on 127.0.0.1 until Ctrl-C so that you can place an order.

Examples:
  waybill demo
  waybill demo --seed 7 --exit
  waybill demo --exit --dump records.jsonl && waybill verify --dump records.jsonl")]
    Demo(Demo),
    /// Try forecasts and reorder points on past sales, beside simple policies
    #[command(
        after_help = "Files are CSV with the columns InvoiceNo, StockCode, Quantity, InvoiceDate and UnitPrice, in any order and number;
an invoice number that begins with C cancels. No method is shown a later day. docs/models.md explains the measures.

Examples:
  waybill backtest data/online-retail-year/every-40th.csv
  waybill backtest --plot costs.svg data/online-retail/*.csv"
    )]
    Backtest(Backtest),
    /// Sign a record: print the headers that a topic with signatures asks for
    #[command(
        after_help = "Signs the bytes of the value as they are: send the same bytes, in the same file, with no line feed more or less.

Examples:
  waybill sign --key file:orders.key order.json
  waybill sign --key file:new.key --key file:old.key order.json      while a key takes another's place
  waybill sign --key env:ORDERS_KEY --output kcat order.json | xargs kcat -P -b 127.0.0.1:9092 -t orders -k 536365 order.json"
    )]
    Sign(Sign),
    /// Make keys for signatures
    #[command(subcommand)]
    Keys(Keys),
    /// Prepare OpenStreetMap's roads, and ask for ways on them
    #[command(subcommand)]
    Roads(Roads),
}

#[cfg(not(all(feature = "kafka", feature = "rocksdb")))]
impl Command {
    pub fn name(&self) -> &'static str {
        match self {
            Command::Run(_) => "run",
            Command::Topics(_) => "topics",
            Command::Check => "check",
            Command::Verify(_) => "verify",
            Command::Demo(_) => "demo",
            Command::Backtest(_) => "backtest",
            Command::Sign(_) => "sign",
            Command::Keys(_) => "keys",
            Command::Roads(_) => "roads",
        }
    }
}

#[derive(Debug, Args)]
#[cfg_attr(not(all(feature = "kafka", feature = "rocksdb")), allow(dead_code, reason = "read by a build that can run"))]
pub struct Run {
    /// Where local state is kept
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Threads that decide
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// This process's number among those with the same [app] name: 0, 1, 2 …; the same after a restart
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub instance: u32,
    /// Where metrics and queries are served, or `off`
    #[arg(long, value_name = "ADDRESS:PORT|off", value_parser = http)]
    pub http: Option<Http>,
}

/// Where HTTP is served, if it is.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "kafka", feature = "rocksdb")), expect(dead_code, reason = "read by a build that can run"))]
pub struct Http(pub Option<SocketAddr>);

#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Create the topics that are missing; the others stay as they are
    #[command(after_help = "Repeating it changes nothing. A topic that exists and does not fit is reported, with what to do.

Examples:
  waybill topics create --dry-run      show the plan
  waybill topics create --config topology.toml --bootstrap kafka:9092")]
    Create {
        /// Show the plan and create nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Audit a file with one record as JSON per line, instead of Kafka
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Count nothing as pending: every record must have its outcome by now
    #[arg(long)]
    pub complete: bool,
}

#[derive(Debug, Args)]
pub struct Sign {
    /// The value to be sent; standard input if it is left out
    pub value: Option<PathBuf>,
    /// The key that signs, whsec_ or whsk_; several sign with each
    #[arg(long, required = true, value_name = "file:PATH|env:NAME")]
    pub key: Vec<String>,
    /// The record's own id, never used before [default: a new one]
    #[arg(long, value_name = "ID", value_parser = id)]
    pub id: Option<String>,
    /// When it is signed, in RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<Timestamp>,
    /// How the headers are printed
    #[arg(long, value_enum, default_value_t = HeaderFormat::Lines)]
    pub output: HeaderFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeaderFormat {
    /// `name: value`, one a line
    Lines,
    /// Arguments of kcat, for xargs
    Kcat,
    /// One JSON object
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key
    #[command(
        after_help = "The file can be read by its owner alone; one that is there stays as it is. Of an Ed25519 key, FILE.pub gets the
public half: that is what Waybill needs, and all it needs.

Examples:
  waybill keys new --kind ed25519 --out orders.key      signs with orders.key, verifies with orders.key.pub
  waybill keys new --kind hmac --out payments.key       one secret for both sides"
    )]
    New {
        /// How it signs
        #[arg(long, value_enum)]
        kind: KeyKind,
        /// Where the secret key is written
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the public half of an Ed25519 key
    #[command(after_help = "Examples:
  waybill keys public --key file:orders.key")]
    Public {
        /// The secret key, whsk_
        #[arg(long, value_name = "file:PATH|env:NAME")]
        key: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// HMAC-SHA256: signatures begin with v1
    Hmac,
    /// Signatures begin with v1a
    Ed25519,
}

fn id(text: &str) -> Result<String, String> {
    signatures::id_fault(text).map_or_else(|| Ok(text.to_owned()), Err)
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "must be a time such as 2026-12-01T08:26:00Z".to_owned())
}

fn bootstrap(text: &str) -> Result<String, String> {
    match bootstrap_fault(text) {
        // An empty variable of the environment is none.
        Some(fault) if !text.is_empty() => Err(fault),
        _ => Ok(text.to_owned()),
    }
}

fn http(text: &str) -> Result<Http, String> {
    parse_http(text).map(Http)
}
