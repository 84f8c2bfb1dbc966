//! Real Kafka as a cluster: a broker of its own, and librdkafka's plain clients as the other programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::util::Timeout;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use waybill::log::kafka::{KafkaConfig, KafkaLog};
use waybill::log::{LogError, Topics};

use crate::cluster::{Cluster, Plain, Producer, Seen, Who};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A broker for this run; it ends with this process.
pub struct Broker {
    pub bootstrap: String,
    dir: PathBuf,
}

impl Broker {
    pub fn start() -> Broker {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{}", std::process::id()));
        let pid = std::process::id().to_string();
        let output = script(&dir, "start")
            .args(["--port", "0", "--fresh", "--heap", "512m", "--while", pid.as_str()])
            // Sessions of two seconds, and dead transactions found quickly: the cases wait for both.
            .args(["--set", "group.min.session.timeout.ms=1000"])
            .args(["--set", "transaction.abort.timed.out.transaction.cleanup.interval.ms=200"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Broker { bootstrap: String::from_utf8(output.stdout).unwrap().trim().to_owned(), dir }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = script(&self.dir, "stop").status();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn script(dir: &Path, command: &str) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/kafka.sh"));
    script.arg(command).arg("--dir").arg(dir);
    script
}

pub struct Kafka {
    bootstrap: String,
    admin: AdminClient<DefaultClientContext>,
    plain: Sending,
}

impl Kafka {
    pub fn connect(bootstrap: &str) -> Kafka {
        let admin = config(bootstrap).create().unwrap();
        // A record of a megabyte, and what goes with it.
        let plain = Sending::new(config(bootstrap).set("message.max.bytes", "1100000"));
        Kafka { bootstrap: bootstrap.to_owned(), admin, plain }
    }
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("allow.auto.create.topics", "false");
    config
}

impl Cluster for Kafka {
    type Log = KafkaLog;
    type Producer = Foreign;

    fn create_topic(&mut self, name: &str, partitions: i32) {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        for result in block_on(self.admin.create_topics([&topic], &options)).unwrap() {
            result.unwrap();
        }
        // The controller has it; the broker hears of it a moment later.
        let known = || {
            let metadata = self.admin.inner().fetch_metadata(Some(name), TIMEOUT).unwrap();
            metadata.topics().iter().any(|t| t.partitions().len() == partitions as usize)
        };
        while !known() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn produce(&mut self, topic: &str, partition: i32, records: &[Plain]) -> Vec<i64> {
        self.plain.send(topic, partition, records)
    }

    fn read(&mut self, topic: &str, partition: i32, committed: bool) -> (Vec<Seen>, i64) {
        let isolation = if committed { "read_committed" } else { "read_uncommitted" };
        let consumer: BaseConsumer = config(&self.bootstrap)
            .set("group.id", "conformance-observer")
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .create()
            .unwrap();
        // Asked for first: what is read then goes at least so far. A read_committed consumer is told the last stable offset.
        let (_, end) = consumer.fetch_watermarks(topic, partition, TIMEOUT).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let mut seen = Vec::new();
        loop {
            match consumer.poll(TIMEOUT).expect("the partition's end") {
                Ok(message) => seen.push(to_seen(&message)),
                Err(KafkaError::PartitionEOF(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        (seen, end)
    }

    fn delete_before(&mut self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        block_on(self.admin.delete_records(&list, &AdminOptions::new())).unwrap();
    }

    fn producer(&mut self, transactional_id: &str, timeout: Duration) -> Foreign {
        let timeout_ms = timeout.as_millis().to_string();
        let sending = Sending::new(
            config(&self.bootstrap)
                .set("transactional.id", transactional_id)
                .set("transaction.timeout.ms", &timeout_ms)
                .set("retry.backoff.ms", "1"),
        );
        sending.producer.init_transactions(TIMEOUT).unwrap();
        Foreign { sending, open: false, bootstrap: self.bootstrap.clone() }
    }

    fn client(&mut self, who: &Who, topics: &Topics) -> Result<KafkaLog, LogError> {
        let config = KafkaConfig {
            bootstrap: self.bootstrap.clone(),
            group: who.group.clone(),
            instance_id: who.instance.clone(),
            transactional_id: who.transactional_id.clone(),
            session_timeout_ms: who.session_ms as u32,
            transaction_timeout_ms: 60_000,
            // Together: librdkafka refuses an interval below the session's, also where there is no session.
            properties: vec![
                ("session.timeout.ms".into(), who.session_ms.to_string()),
                ("max.poll.interval.ms".into(), who.max_poll_ms.to_string()),
            ],
        };
        let subscribe: Vec<_> = who.subscribe.iter().map(|name| topics.find(name).unwrap()).collect();
        KafkaLog::new(Arc::new(config), Arc::new(topics.clone()), &subscribe)
    }

    fn pass(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
    }
}

fn to_seen(message: &BorrowedMessage<'_>) -> Seen {
    let headers = message.headers().map(|h| h.iter().map(|h| (h.key.to_owned(), h.value.map(Into::into))).collect());
    Seen {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(Into::into),
        value: message.payload().map(Into::into),
        headers: headers.unwrap_or_default(),
    }
}

/// A producer that waits for each delivery and knows the offsets.
struct Sending {
    producer: ThreadedProducer<Reports>,
    reports: Receiver<Result<i64, KafkaError>>,
}

struct Reports(Mutex<Sender<Result<i64, KafkaError>>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let result = result.as_ref().map(rdkafka::Message::offset).map_err(|(error, _)| error.clone());
        let _ = self.0.lock().unwrap().send(result);
    }
}

impl Sending {
    fn new(config: &ClientConfig) -> Sending {
        let (sender, reports) = channel();
        Sending { producer: config.create_with_context(Reports(Mutex::new(sender))).unwrap(), reports }
    }

    /// All records go to one partition, so that their reports come in their order.
    fn send(&self, topic: &str, partition: i32, records: &[Plain]) -> Vec<i64> {
        for record in records {
            let mut out = BaseRecord::<[u8], [u8]>::to(topic).partition(partition);
            out.key = record.key.as_deref();
            out.payload = record.value.as_deref();
            out.timestamp = record.timestamp;
            if !record.headers.is_empty() {
                let add =
                    |all: OwnedHeaders, (name, value): &(String, Option<Vec<u8>>)| all.insert(Header { key: name, value: value.as_ref() });
                out.headers = Some(record.headers.iter().fold(OwnedHeaders::new(), add));
            }
            self.producer.send(out).map_err(|(error, _)| error).unwrap();
        }
        records.iter().map(|_| self.reports.recv_timeout(TIMEOUT).unwrap().unwrap()).collect()
    }
}

pub struct Foreign {
    sending: Sending,
    open: bool,
    bootstrap: String,
}

impl Foreign {
    fn begin(&mut self) {
        if !self.open {
            self.sending.producer.begin_transaction().unwrap();
            self.open = true;
        }
    }
}

impl Producer for Foreign {
    fn send(&mut self, topic: &str, partition: i32, record: &Plain) -> i64 {
        self.begin();
        self.sending.send(topic, partition, std::slice::from_ref(record))[0]
    }

    fn send_offset(&mut self, group: &str, topic: &str, partition: i32, offset: i64) {
        self.begin();
        let consumer: BaseConsumer = config(&self.bootstrap).set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        let metadata = consumer.group_metadata().unwrap();
        self.sending.producer.send_offsets_to_transaction(&list, &metadata, TIMEOUT).unwrap();
    }

    fn commit(&mut self) -> Result<(), String> {
        self.open = false;
        self.sending.producer.commit_transaction(Timeout::After(TIMEOUT)).map_err(|e| e.to_string())
    }

    fn abort(&mut self) -> Result<(), String> {
        self.open = false;
        self.sending.producer.abort_transaction(Timeout::After(TIMEOUT)).map_err(|e| e.to_string())
    }
}
