//! Prometheus metrics of the whole process, by the names that the dashboard uses. Counting only: nothing reads them
//! to decide.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
    exponential_buckets,
};

use schemas::fleet::Judgement;

use crate::engine::plan::{Plan, TaskId};
use crate::engine::work::Tally;
use crate::log::{Records, Tp};

/// Handles to all metrics; cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<All>);

struct All {
    registry: Registry,
    records_in: IntCounterVec,
    records_out: IntCounterVec,
    decisions: IntCounterVec,
    dead_letters: IntCounterVec,
    duplicates: IntCounter,
    pings: IntCounterVec,
    signatures: IntCounterVec,
    messages: IntCounterVec,
    forwarded: IntCounter,
    commits: IntCounterVec,
    restored: IntCounterVec,
    lag: IntGaugeVec,
    open_holds: IntGaugeVec,
    tasks: IntGaugeVec,
    restore_remaining: IntGaugeVec,
    store_bytes: IntGaugeVec,
    decision_seconds: Histogram,
    commit_seconds: Histogram,
    commit_partitions: Histogram,
    commit_records: Histogram,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    pub fn new() -> Metrics {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        // It is the first of its kind in a new registry.
        let _ = registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()));
        let counters = |name: &str, help: &str, labels: &[&str]| add(&registry, IntCounterVec::new(Opts::new(name, help), labels));
        let gauges = |name: &str, help: &str, labels: &[&str]| add(&registry, IntGaugeVec::new(Opts::new(name, help), labels));
        let counter = |name: &str, help: &str| add(&registry, IntCounter::new(name, help));
        let histogram = |name: &str, help: &str, from: f64, factor: f64, count: usize| {
            let buckets = exponential_buckets(from, factor, count).unwrap_or_default();
            add(&registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets)))
        };
        Metrics(Arc::new(All {
            records_in: counters("waybill_records_in_total", "Source records decided, by topic.", &["topic"]),
            records_out: counters("waybill_records_out_total", "Records written and committed, by topic.", &["topic"]),
            decisions: counters("waybill_decisions_total", "Orders decided.", &["outcome", "reason"]),
            dead_letters: counters("waybill_dead_letters_total", "Records that could not be taken.", &["reason"]),
            duplicates: counter("waybill_duplicates_total", "Records that said again what was said before."),
            pings: counters("waybill_pings_total", "GPS pings judged, by verdict.", &["verdict"]),
            signatures: counters(
                "waybill_signatures_total",
                "Records of topics whose signatures are checked that passed: signed, or unsigned where that is accepted.",
                &["topic", "result"],
            ),
            messages: counters("waybill_messages_total", "Messages between tasks: in memory, or by way of Kafka.", &["path"]),
            forwarded: counter(
                "waybill_forwarded_total",
                "Source records found in a partition that is not their task's (another partitioner or number of partitions).",
            ),
            commits: counters("waybill_commits_total", "Transactions.", &["result"]),
            restored: counters("waybill_restored_records_total", "Changelog records read to restore tasks.", &["processor"]),
            lag: gauges("waybill_lag_records", "Records not yet decided.", &["topic", "partition"]),
            open_holds: gauges("waybill_open_holds", "Accepted orders that are neither paid nor ended.", &["partition"]),
            tasks: gauges("waybill_tasks", "Tasks owned by this process.", &["processor", "state"]),
            restore_remaining: gauges(
                "waybill_restore_remaining_records",
                "Changelog offsets still to read before the task decides.",
                &["processor", "partition"],
            ),
            store_bytes: gauges("waybill_store_bytes", "Size of a task's store.", &["processor", "partition"]),
            // 1 ms to 16 s.
            decision_seconds: histogram(
                "waybill_decision_seconds",
                "From an order record's timestamp to its committed decision.",
                0.001,
                1.5,
                25,
            ),
            commit_seconds: histogram("waybill_commit_seconds", "Duration of a transaction.", 0.001, 1.5, 22),
            commit_partitions: histogram("waybill_commit_partitions", "Partitions that a transaction wrote to.", 1.0, 1.5, 14),
            commit_records: histogram("waybill_commit_records", "Records of a transaction.", 1.0, 4.0, 10),
            registry,
        }))
    }

    /// A transaction is committed.
    pub fn committed(&self, plan: &Plan, tally: &Tally, records: &Records, ends: &[(Tp, i64)], took: Duration, now: i64) {
        let m = &*self.0;
        m.commits.with_label_values(&["ok"]).inc();
        m.commit_seconds.observe(took.as_secs_f64());
        m.commit_partitions.observe(ends.len() as f64);
        m.commit_records.observe(records.len() as f64);
        let mut out = vec![0u64; plan.topics.ids().count()];
        for record in records.iter() {
            out[usize::from(record.tp.topic.0)] += 1;
        }
        for (id, count) in plan.topics.ids().zip(out).filter(|(_, count)| *count > 0) {
            m.records_out.with_label_values(&[plan.topics.name(id)]).inc_by(count);
        }
        for (topic, count) in &tally.records_in {
            m.records_in.with_label_values(&[plan.topics.name(crate::log::TopicId(*topic))]).inc_by(*count);
        }
        if tally.accepted > 0 {
            m.decisions.with_label_values(&["accepted", ""]).inc_by(tally.accepted);
        }
        for (reason, count) in &tally.rejected {
            m.decisions.with_label_values(&["rejected", reason]).inc_by(*count);
        }
        for (reason, count) in &tally.dead_letters {
            m.dead_letters.with_label_values(&[reason.word()]).inc_by(*count);
        }
        for ((source, is_signed), count) in &tally.signatures {
            let result = if *is_signed { "signed" } else { "unsigned" };
            m.signatures.with_label_values(&[plan.source_name(*source), result]).inc_by(*count);
        }
        m.duplicates.inc_by(tally.duplicates);
        for (judgement, count) in Judgement::ALL.iter().zip(tally.pings).filter(|(_, count)| *count > 0) {
            m.pings.with_label_values(&[judgement.word()]).inc_by(count);
        }
        m.forwarded.inc_by(tally.forwarded);
        m.messages.with_label_values(&["memory"]).inc_by(tally.to_memory);
        m.messages.with_label_values(&["inbox"]).inc_by(tally.to_inbox);
        for at in &tally.decided_at {
            m.decision_seconds.observe((now - at).max(0) as f64 / 1000.0);
        }
    }

    pub fn commit_failed(&self) {
        self.0.commits.with_label_values(&["failed"]).inc();
    }

    pub fn restoring(&self, task: TaskId, remaining: i64) {
        let labels = [task.processor.name(), &task.partition.to_string()];
        self.0.restore_remaining.with_label_values(&labels).set(remaining.max(0));
    }

    pub fn restored(&self, task: TaskId, records: u64) {
        self.restoring(task, 0);
        self.0.restored.with_label_values(&[task.processor.name()]).inc_by(records);
    }

    pub fn lag(&self, topic: &str, partition: i32, records: i64) {
        self.0.lag.with_label_values(&[topic, &partition.to_string()]).set(records.max(0));
    }

    /// A partition is somebody else's now.
    pub fn forget_lag(&self, topic: &str, partition: i32) {
        // Not there is as good as removed.
        let _ = self.0.lag.remove_label_values(&[topic, &partition.to_string()]);
    }

    pub fn task(&self, task: TaskId, open_holds: i64, store_bytes: u64) {
        let partition = task.partition.to_string();
        if task.processor == crate::engine::plan::Processor::Orders {
            self.0.open_holds.with_label_values(&[&partition]).set(open_holds);
        }
        self.0.store_bytes.with_label_values(&[task.processor.name(), &partition]).set(store_bytes as i64);
    }

    /// A task came (`by` 1) or went (`by` -1) in a state: `running`, `restoring`.
    pub fn tasks(&self, processor: &str, state: &str, by: i64) {
        self.0.tasks.with_label_values(&[processor, state]).add(by);
    }

    /// A task is somebody else's now.
    pub fn forget_task(&self, task: TaskId) {
        let partition = task.partition.to_string();
        let _ = self.0.open_holds.remove_label_values(&[&partition]);
        let _ = self.0.store_bytes.remove_label_values(&[task.processor.name(), &partition]);
    }

    /// The text exposition format.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut out = vec![];
        TextEncoder::new().encode(&self.0.registry.gather(), &mut out)?;
        Ok(out)
    }
}

/// Registers a metric. Names are fixed in this file and each is used once, so neither step can fail.
#[expect(clippy::expect_used, reason = "a wrong metric name is found by the first test that makes a Metrics")]
fn add<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("a valid metric");
    registry.register(Box::new(metric.clone())).expect("a name used once");
    metric
}
