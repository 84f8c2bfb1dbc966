//! One application on a broker: its topology, its topics under names of their own, its state, and its audit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::broker::Broker;
use super::process::{Launch, Process};
use super::reader::{Offsets, Reader};
use super::shop::Load;
use super::{PATIENCE, now_millis, wait_until};

/// Less than the timeout of a transaction.
const ENDS_WRITTEN: Duration = Duration::from_secs(2);

pub const SOURCES: [&str; 8] = ["orders", "payments", "restocks", "stock-counts", "products", "feedback", "gps-pings", "dispatches"];
pub const SINKS: [&str; 11] = [
    "order-events",
    "stock-levels",
    "stock-movements",
    "product-catalog",
    "product-events",
    "low-stock-alerts",
    "forecasts",
    "vehicle-positions",
    "ping-verdicts",
    "shipment-events",
    "dead-letters",
];

/// What differs from test to test.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub tasks: i32,
    /// Partitions of every source topic.
    pub sources: i32,
    /// Timeouts of sessions and of transactions.
    pub timeout_ms: u32,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { tasks: 4, sources: 4, timeout_ms: 3_000 }
    }
}

/// An application that may be run, on topics that are there.
pub struct App {
    pub name: String,
    pub bootstrap: String,
    pub reader: Reader,
    dir: TempDir,
}

impl App {
    pub fn new(broker: &Broker, name: &str, shape: Shape) -> App {
        let app = App::without_topics(broker, name, shape);
        let made = app.command(&["topics", "create"]).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        app
    }

    /// For a test that makes some topics itself before [`App::create_topics`].
    pub fn without_topics(broker: &Broker, name: &str, shape: Shape) -> App {
        let dir = tempfile::Builder::new().prefix(name).tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(dir.path().join("topology.toml"), topology(name, &broker.bootstrap, shape)).unwrap();
        App { name: name.to_owned(), bootstrap: broker.bootstrap.clone(), reader: Reader::new(&broker.bootstrap), dir }
    }

    /// Adds lines to the section of a public topic.
    pub fn configure(&self, topic: &str, lines: &str) {
        self.configure_section(&format!("topics.{topic}"), lines);
    }

    /// Adds lines to a section that is there.
    pub fn configure_section(&self, section: &str, lines: &str) {
        let file = self.dir().join("topology.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let head = format!("[{section}]\n");
        assert!(text.contains(&head), "no section {section}");
        std::fs::write(&file, text.replacen(&head, &format!("{head}{lines}"), 1)).unwrap();
    }

    pub fn create_topics(&self) {
        let made = self.command(&["topics", "create"]).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
    }

    /// The name on the broker of a public topic.
    pub fn topic(&self, default: &str) -> String {
        format!("{}.{default}", self.name)
    }

    /// All topics, internal ones included.
    pub fn topics(&self) -> Vec<String> {
        let internal = ["orders-inbox", "stock-inbox", "fleet-inbox", "orders-changelog", "stock-changelog", "fleet-changelog"];
        SOURCES.iter().chain(&SINKS).map(|t| self.topic(t)).chain(internal.iter().map(|t| format!("{}-{t}", self.name))).collect()
    }

    pub fn sources(&self) -> Vec<String> {
        SOURCES.map(|t| self.topic(t)).to_vec()
    }

    pub fn changelogs(&self) -> Vec<String> {
        ["orders", "stock", "fleet"].map(|p| format!("{}-{p}-changelog", self.name)).to_vec()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
        command.args(arguments).arg("--config").arg(self.dir.path().join("topology.toml"));
        command.env_remove("RUST_LOG").env_remove("WAYBILL_BOOTSTRAP").env_remove("WAYBILL_FAILPOINT");
        command
    }

    /// A process to be started: instance 0 and one worker unless said.
    pub fn run(&self, instance: u32) -> Launch<'_> {
        Launch::new(self, instance)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where all instances keep their state unless told otherwise.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Waits until every source record is decided and nothing is written any more.
    pub fn settle(&self) {
        let deadline = Instant::now() + 2 * PATIENCE;
        let (sources, all) = (self.sources(), self.topics());
        let mut seen: Option<(Offsets, Instant)> = None;
        loop {
            assert!(Instant::now() < deadline, "{} does not come to rest; behind: {:?}", self.name, self.behind(&sources));
            let ends = self.reader.ends(&all, false);
            let still = match &seen {
                Some((before, since)) if *before == ends => since.elapsed(),
                _ => {
                    seen = Some((ends, Instant::now()));
                    Duration::ZERO
                }
            };
            // Levels are written a second after the last change at the latest.
            if still > Duration::from_millis(2_500) && self.behind(&sources).is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Source partitions with records that no committed offset covers: (partition, offset, end).
    fn behind(&self, sources: &[String]) -> Vec<(String, i32, i64, i64)> {
        let (ends, done) = (self.reader.ends(sources, false), self.reader.group_offsets(&self.name, sources));
        ends.into_iter()
            .filter_map(|((topic, p), end)| {
                let at = done.get(&(topic.clone(), p)).copied().unwrap_or(0);
                (at < end).then_some((topic, p, at, end))
            })
            .collect()
    }

    /// No more orders come: all that did are decided, the audit finds nothing, and the process, which has lived so long,
    /// leaves nothing open.
    pub fn end(&self, load: Load, mut process: Process) {
        load.stop();
        self.settle();
        self.verify();
        assert!(process.is_running(), "{}", process.tail());
        process.terminate();
        self.assert_no_open_transaction();
    }

    /// `waybill verify` must find nothing, with nothing counted as pending. Returns its counts.
    pub fn verify(&self) -> Value {
        let output = self.command(&["verify", "--json", "--complete"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {}", self.name, said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["ok"], &report["total_violations"]), (&true.into(), &0.into()), "{report:#}");
        let counts = &report["counts"];
        assert!(counts["orders"].as_i64() > Some(0), "there was nothing to verify: {counts:#}");
        println!(
            "{:10} verified at {}: {} records, {} orders, {} accepted, {} dead letters, {} duplicates",
            self.name,
            now_millis(),
            counts["records"],
            counts["orders"],
            counts["accepted"],
            counts["dead_letters"],
            counts["duplicates"]
        );
        counts.clone()
    }

    /// Readers of committed records see all that there is: no transaction was left open. The broker writes the end of a
    /// transaction after it has said that it is committed; one that was left open stays so until it times out.
    pub fn assert_no_open_transaction(&self) {
        // Others go on writing to the sources.
        let sources = self.sources();
        let all: Vec<String> = self.topics().into_iter().filter(|topic| !sources.contains(topic)).collect();
        let open = || -> Vec<_> {
            let (stable, ends) = (self.reader.ends(&all, true), self.reader.ends(&all, false));
            ends.into_iter().filter(|(at, end)| stable[at] != *end).collect()
        };
        wait_until(ENDS_WRITTEN, || open().is_empty(), || format!("{}: a transaction was left open in {:?}", self.name, open()));
    }
}

fn said(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn topology(name: &str, bootstrap: &str, shape: Shape) -> String {
    let Shape { tasks, sources, timeout_ms } = shape;
    let mut text = format!(
        "[app]\nname = \"{name}\"\nstore_memory_mb = 8\n\n\
         [kafka]\nbootstrap = \"{bootstrap}\"\nsession_timeout_ms = {timeout_ms}\ntransaction_timeout_ms = {timeout_ms}\n\n\
         [orders]\ntasks = {tasks}\n\n[stock]\ntasks = {tasks}\n\n[fleet]\ntasks = {tasks}\n"
    );
    for topic in SOURCES {
        let _ = write!(text, "\n[topics.{topic}]\nname = \"{name}.{topic}\"\npartitions = {sources}\n");
    }
    for topic in SINKS {
        let _ = write!(text, "\n[topics.{topic}]\nname = \"{name}.{topic}\"\n");
    }
    text
}
