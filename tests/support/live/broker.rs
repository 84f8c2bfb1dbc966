//! A Kafka for one test, of one node or of three: started from scratch, ended with it, also when the test is killed.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{PATIENCE, client, wait_until};

/// Sessions of a second are allowed, and transactions of the dead are found soon: tests wait for both. Records from
/// the future are taken, as by brokers before Kafka 4.
const PROPERTIES: [&str; 3] = [
    "group.min.session.timeout.ms=1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=200",
    "log.message.timestamp.after.max.ms=9223372036854775807",
];

/// Every record on three nodes, and acknowledged by two, as people who run Kafka have it.
const REPLICATED: [&str; 7] = [
    "default.replication.factor=3",
    "min.insync.replicas=2",
    "offsets.topic.replication.factor=3",
    "transaction.state.log.replication.factor=3",
    "transaction.state.log.min.isr=2",
    // 9 s by default, in which nobody leads what a dead node led.
    "broker.session.timeout.ms=5000",
    // A node that has come back leads again what it led, so that the next one to go takes work along.
    "leader.imbalance.check.interval.seconds=2",
];

/// A Kafka on 127.0.0.1.
pub struct Broker {
    pub bootstrap: String,
    pub nodes: Vec<Node>,
}

/// A process of it.
pub struct Node {
    pub address: String,
    dir: PathBuf,
}

impl Broker {
    /// One node, and one replica of everything.
    pub fn start(name: &str) -> Broker {
        let node = Node::start(name, "0", "512m", &PROPERTIES.map(str::to_owned));
        Broker { bootstrap: node.address.clone(), nodes: vec![node] }
    }

    /// Three nodes, each of them broker and controller, and three replicas of everything.
    pub fn start_cluster(name: &str) -> Broker {
        let ports = free_ports(6);
        let (brokers, controllers) = ports.split_at(3);
        let voters: Vec<_> = controllers.iter().zip(1..).map(|(port, id)| format!("{id}@127.0.0.1:{port}")).collect();
        let start = &|at: usize| {
            let own = [
                format!("node.id={}", at + 1),
                format!("controller.quorum.voters={}", voters.join(",")),
                format!("listeners=PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}", brokers[at], controllers[at]),
            ];
            let properties: Vec<_> = PROPERTIES.iter().chain(&REPLICATED).map(|&p| p.to_owned()).chain(own).collect();
            Node::start(&format!("{name}-{}", at + 1), &brokers[at].to_string(), "384m", &properties)
        };
        // None is ready before two are there.
        let nodes: Vec<_> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..3).map(|at| scope.spawn(move || start(at))).collect();
            starting.into_iter().map(|node| node.join().unwrap()).collect()
        });
        Broker { bootstrap: nodes.iter().map(|n| n.address.as_str()).collect::<Vec<_>>().join(","), nodes }
    }

    /// Waits until every replica of every partition has all that its leader has.
    pub fn await_in_sync(&self) {
        let consumer: BaseConsumer = client(&self.bootstrap).create().unwrap();
        let behind = || {
            let seen = consumer.fetch_metadata(None, Duration::from_secs(10));
            let Ok(metadata) = seen else { return vec!["no metadata".to_owned()] };
            let lagging = |topic: &rdkafka::metadata::MetadataTopic| {
                let partitions = topic.partitions().iter().filter(|p| p.isr().len() < p.replicas().len());
                partitions.map(|p| format!("{}[{}]", topic.name(), p.id())).collect::<Vec<_>>()
            };
            metadata.topics().iter().flat_map(lagging).collect()
        };
        // Three JVMs that start and copy on two cores take their time.
        wait_until(3 * PATIENCE, || behind().is_empty(), || format!("not in sync: {:?}", behind()));
    }
}

/// Below 32768, where systems begin to take ports for outgoing connections: a node that is started again finds its own.
fn free_ports(count: usize) -> Vec<u16> {
    let first = 20_000 + (std::process::id() % 11_000) as u16;
    (first..32_000).filter(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok()).take(count).collect()
}

impl Node {
    fn start(name: &str, port: &str, heap: &str, properties: &[String]) -> Node {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let mut node = Node { address: String::new(), dir };
        let mut options = vec!["--port", port, "--fresh", "--heap", heap];
        options.extend(properties.iter().flat_map(|property| ["--set", property.as_str()]));
        node.address = node.script("start", &options);
        node
    }

    /// Ends it in order; its data stays.
    pub fn stop(&self) {
        self.script("stop", &[]);
    }

    /// Ends it as a loss of power would, but for the page cache.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.dir.join("pid")).unwrap();
        let killed = Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap();
        assert!(killed.success(), "there was no broker to kill");
    }

    /// The same node again, at the same address.
    pub fn restart(&self) {
        assert_eq!(self.script("restart", &[]), self.address);
    }

    fn script(&self, command: &str, options: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/kafka.sh");
        let mut call = Command::new(script);
        call.arg(command).arg("--dir").arg(&self.dir).args(options).stdin(Stdio::null());
        if command != "stop" {
            call.args(["--while", &std::process::id().to_string()]);
        }
        let output = call.output().unwrap();
        assert!(output.status.success(), "kafka.sh {command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
        // It is in the target folder: what cannot be removed now is no harm.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
