//! What librdkafka is told, each property with its reason. Measured where it says so (`docs/`, `bench/results/`).

use super::native::Properties;
use crate::config::topics::MAX_MESSAGE_BYTES;

/// Who a worker is on Kafka.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    pub bootstrap: String,
    pub group: String,
    /// Static member id, the same after a restart.
    pub instance_id: String,
    /// The slot's transactional id, the same after a restart.
    pub transactional_id: String,
    /// How long the group waits for a silent member before it gives its partitions away.
    pub session_timeout_ms: u32,
    /// How long a transaction of a dead worker may block readers when the worker does not come back.
    pub transaction_timeout_ms: u32,
    /// Further client properties (`security.protocol`, `sasl.*`, `ssl.*` …) from `[kafka.properties]`; they win.
    pub properties: Vec<(String, String)>,
}

impl KafkaConfig {
    fn common(&self) -> Properties {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            set("bootstrap.servers", &self.bootstrap),
            set("client.id", &self.instance_id),
            set("socket.nagle.disable", "true"),
            // A broker that comes back is found again within a second.
            set("reconnect.backoff.max.ms", "1000"),
            set("allow.auto.create.topics", "false"),
        ]
    }

    fn finish(&self, mut own: Properties) -> Properties {
        own.extend(self.properties.iter().cloned());
        own
    }

    fn reading(&self) -> Properties {
        let mut all = self.common();
        let set = |name: &str, value: String| (name.to_owned(), value);
        all.extend([
            set("enable.auto.commit", "false".into()),
            set("enable.auto.offset.store", "false".into()),
            // Not `latest`, the default, which skips what retention took without a word.
            set("auto.offset.reset", "error".into()),
            set("check.crcs", "true".into()),
            set("enable.partition.eof", "true".into()),
            // One second by default: a full queue would stop fetching for so long.
            set("fetch.queue.backoff.ms", "5".into()),
            set("fetch.error.backoff.ms", "50".into()),
        ]);
        all
    }

    /// The group member's.
    pub(super) fn consumer(&self) -> Properties {
        let mut all = self.reading();
        let set = |name: &str, value: String| (name.to_owned(), value);
        all.extend([
            set("group.id", self.group.clone()),
            set("group.instance.id", self.instance_id.clone()),
            // Partition p of all equally partitioned topics goes to one member: a task's sources come together.
            set("partition.assignment.strategy", "range".into()),
            set("session.timeout.ms", self.session_timeout_ms.to_string()),
            set("heartbeat.interval.ms", (self.session_timeout_ms / 5).clamp(200, 3000).to_string()),
            set("isolation.level", "read_committed".into()),
            // The queue in front of the worker; it bounds memory, and more brings no more speed.
            set("queued.max.messages.kbytes", "1024".into()),
            set("queued.min.messages", "2000".into()),
            set("fetch.message.max.bytes", "262144".into()),
            // How late the end of a partition may be noticed; data is answered at once.
            set("fetch.wait.max.ms", "100".into()),
        ]);
        self.finish(all)
    }

    /// A group-less handle that sees uncommitted ends.
    pub(super) fn meta(&self) -> Properties {
        let mut all = self.reading();
        all.push(("group.id".into(), self.group.clone()));
        all.push(("isolation.level".into(), "read_uncommitted".into()));
        self.finish(all)
    }

    /// A group-less reader of a changelog.
    pub(super) fn reader(&self) -> Properties {
        let mut all = self.reading();
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        all.extend([
            set("group.id", &self.group),
            set("isolation.level", "read_committed"),
            set("queued.max.messages.kbytes", "16384"),
            set("queued.min.messages", "100000"),
            set("fetch.wait.max.ms", "10"),
        ]);
        self.finish(all)
    }

    /// The transactional producer's.
    pub(super) fn producer(&self) -> Properties {
        let mut all = self.common();
        let set = |name: &str, value: String| (name.to_owned(), value);
        all.extend([
            set("transactional.id", self.transactional_id.clone()),
            set("transaction.timeout.ms", self.transaction_timeout_ms.to_string()),
            set("enable.idempotence", "true".into()),
            // 100 by default: a transaction that meets the end of the one before would wait that long (measured: 99
            // instead of 7 ms a cycle).
            set("retry.backoff.ms", "1".into()),
            set("retry.backoff.max.ms", "100".into()),
            // A commit flushes at once; under load, batches fill meanwhile.
            set("linger.ms", "5".into()),
            set("compression.type", "lz4".into()),
            // Of one partition in one request; a backlog's transaction has about as much of each. (Measured: with a quarter of
            // it, the producer's thread takes a quarter more, the broker a sixth.)
            set("batch.size", "524288".into()),
            // Values stay where they are until they are delivered, so a queued record is some hundred bytes, however large it
            // is. The other limit only has to be above the largest: a record beyond it would wait for ever.
            set("queue.buffering.max.messages", "8000".into()),
            set("queue.buffering.max.kbytes", (4 * MAX_MESSAGE_BYTES / 1024).to_string()),
            // A dead letter carries the largest record that any source topic takes, and a little more.
            set("message.max.bytes", MAX_MESSAGE_BYTES.to_string()),
        ]);
        self.finish(all)
    }
}
