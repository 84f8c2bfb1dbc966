//! `ceiling forward`: sets workers up for one hop or more, waits until their groups have settled, runs them to the end
//! and reports. What a worker does is elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use probe::{round_to, self_cpu, summary};
use serde_json::{Value, json};

use crate::batch::Statistics;
use crate::client::{Consumer, Producer, Reports, delivery_errors};
use crate::options::{Common, Reading, Reset};
use crate::pipeline::run_pipeline;
use crate::run::{run_plain, run_serial};
use crate::stop;
use crate::worker::{Settings, Way, Worker};

#[derive(Debug, Args)]
pub(crate) struct Forward {
    /// Topics; records go from each to the next
    #[arg(long, value_name = "TOPIC,…", value_delimiter = ',', default_value = "orders,order-events")]
    hops: Vec<String>,
    /// Whether each hop has threads of its own, or each thread takes all hops
    #[arg(long, value_enum, default_value_t = Mode::Threads)]
    mode: Mode,
    /// Threads, of each hop or of all
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Commit when nothing is left to read, whatever --commit-ms says; so it is without --commit-ms
    #[arg(long)]
    adaptive: bool,
    /// Commit after so many milliseconds
    #[arg(long, value_name = "MS")]
    commit_ms: Option<u64>,
    /// Records of a transaction at most
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    batch: usize,
    /// Read and compute while the transaction before is committed
    #[arg(long)]
    pipeline: bool,
    /// Add the offsets to a transaction before its records
    #[arg(long)]
    offsets_first: bool,
    /// What the groups and the transactional ids begin with
    #[arg(long, value_name = "NAME", default_value = "ceiling")]
    group: String,
    /// Wait after `ready` until this file is there
    #[arg(long, value_name = "FILE")]
    go_file: Option<PathBuf>,
    /// End after so many seconds; 0: do not
    #[arg(long, value_name = "SECS", default_value_t = 0.0)]
    secs: f64,
    /// End after so many records; 0: do not
    #[arg(long, value_name = "N", default_value_t = 0)]
    stop_after: u64,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Threads,
    One,
}

impl Forward {
    fn settings(&self) -> Settings {
        let way = match (self.reading.plain, self.pipeline) {
            (true, _) => Way::Plain,
            (false, true) => Way::Pipeline,
            (false, false) => Way::Serial,
        };
        Settings {
            commit_every: self.commit_ms.filter(|_| !self.adaptive).map(Duration::from_millis),
            batch: self.batch,
            way,
            offsets_first: self.offsets_first,
            one_by_one: self.reading.one_by_one,
            stop_after: self.stop_after,
        }
    }
}

pub(crate) fn forward(common: &Common, own: &Forward) {
    stop::at_signals();
    let mut workers = workers(common, own);
    let assigned = settle(&mut workers);
    for worker in &workers {
        worker.consumer.rewind(own.reading.reset == Reset::Latest);
    }
    eprintln!("ceiling: ready pid={} assignments={assigned:?}", std::process::id());
    if let Some(file) = &own.go_file {
        wait_for(file);
    }
    println!("{}", run(common, own, workers));
    // Clients are not closed: nobody measures how long that takes.
    std::process::exit(0);
}

/// A group with the pairs of topics that each of its members forwards.
type Unit<'a> = (String, Vec<&'a [String]>);

fn units(own: &Forward) -> Vec<Unit<'_>> {
    let pairs: Vec<&[String]> = own.hops.windows(2).collect();
    let of_a_thread: Vec<Unit<'_>> = match own.mode {
        Mode::One => vec![(own.group.clone(), pairs)],
        Mode::Threads => pairs.into_iter().enumerate().map(|(hop, pair)| (format!("{}-{hop}", own.group), vec![pair])).collect(),
    };
    std::iter::repeat_n(of_a_thread, own.threads).flatten().collect()
}

fn workers(common: &Common, own: &Forward) -> Vec<Worker> {
    let one = |(number, (group, pairs)): (usize, Unit<'_>)| {
        let inputs: Vec<&str> = pairs.iter().map(|pair| pair[0].as_str()).collect();
        let outputs: Vec<&str> = pairs.iter().map(|pair| pair[1].as_str()).collect();
        let transactional_id = (!own.reading.plain).then(|| format!("{}-{number}", own.group));
        let properties = common.producer(transactional_id.as_deref());
        let producer = Producer::new(&properties, &outputs, transactional_id.is_some(), Reports::Errors);
        let consumer = Consumer::new(&common.consumer(&group, &own.reading), &inputs);
        let routes = pairs.iter().map(|pair| (pair[0].clone(), producer.topic(&pair[1]))).collect();
        Worker::new(consumer, producer, routes)
    };
    units(own).into_iter().enumerate().map(one).collect()
}

/// Polls, and throws away, until every worker has had the same partitions for 500 ms; returns how many each has.
fn settle(workers: &mut [Worker]) -> Vec<i32> {
    let mut since = Instant::now();
    let mut assigned = vec![];
    loop {
        let poll = |worker: &mut Worker| {
            worker.poll(1000, Duration::from_millis(10), false);
            worker.discard();
            worker.consumer.assigned()
        };
        let now: Vec<i32> = workers.iter_mut().map(poll).collect();
        if now != assigned {
            since = Instant::now();
            assigned = now;
        } else if assigned.iter().all(|count| *count > 0) && since.elapsed() > Duration::from_millis(500) {
            return assigned;
        }
    }
}

fn wait_for(file: &Path) {
    while !file.exists() {
        sleep(Duration::from_millis(5));
    }
}

/// Runs the workers, each on a thread, until all have ended; returns the report.
fn run(common: &Common, own: &Forward, workers: Vec<Worker>) -> Value {
    let settings = Arc::new(own.settings());
    let (began, cpu) = (Instant::now(), self_cpu());
    let threads: Vec<_> = workers
        .into_iter()
        .map(|worker| {
            let settings = Arc::clone(&settings);
            thread::spawn(move || work(worker, &settings))
        })
        .collect();
    if own.secs > 0.0 {
        stop::after(Duration::from_secs_f64(own.secs));
    }
    let done: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("the worker has said why it failed")).collect();
    let cpu = self_cpu() - cpu;
    let seconds = done.iter().map(|(_, ended)| *ended - began).max().expect("a hop, and a thread for it").as_secs_f64();
    let records: u64 = done.iter().map(|(statistics, _)| statistics.records).sum();
    let workers: Vec<Value> = done.into_iter().map(|(statistics, _)| worker_report(statistics)).collect();
    json!({
        "records": records, "secs": round_to(3, seconds), "records_per_s": (records as f64 / seconds).round(),
        "app_cpu_us_per_record": round_to(2, cpu * 1e6 / records.max(1) as f64), "app_cpu_s": round_to(2, cpu),
        "delivery_errors": delivery_errors(), "workers": workers, "concurrent_txn_retries": common.concurrent_retries(),
    })
}

/// Returns when it ended, too.
fn work(mut worker: Worker, settings: &Settings) -> (Statistics, Instant) {
    match settings.way {
        Way::Serial => run_serial(&mut worker, settings),
        Way::Pipeline => run_pipeline(&mut worker, settings),
        Way::Plain => run_plain(&mut worker, settings),
    }
    (worker.statistics, Instant::now())
}

fn worker_report(mut statistics: Statistics) -> Value {
    json!({
        "txns": statistics.transactions, "records": statistics.records, "batch": summary(&mut statistics.batch),
        "send_offsets_ms": summary(&mut statistics.offsets_ms), "commit_ms": summary(&mut statistics.commit_ms),
        "txn_ms": summary(&mut statistics.total_ms),
    })
}
