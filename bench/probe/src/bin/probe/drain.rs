//! `probe drain`: waits for the decisions of a backlog, and says how many came how fast. Sends nothing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use clap::Args;
use probe::round_to;
use rdkafka::Message;
use rdkafka::error::KafkaError;
use serde_json::{Value, json};

use crate::client::{Common, Start, read_from};
use crate::decision::{Decision, Event, hash};
use crate::watch::Watched;

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Orders whose decisions are waited for
    #[arg(long, value_name = "N", default_value_t = 0)]
    expect: u64,
    /// Seconds after which it gives up
    #[arg(long, value_name = "SECS", default_value_t = 120.0)]
    timeout: f64,
    /// Milliseconds for which it listens for duplicates once all decisions are there
    #[arg(long, value_name = "MS", default_value_t = 300)]
    grace_ms: u64,
    /// Read the events from their beginning, not from their present end
    #[arg(long)]
    from_beginning: bool,
    /// Milliseconds for which the broker may keep an empty answer back
    #[arg(long, value_name = "MS", default_value = "100")]
    fetch_wait: String,
    #[command(flatten)]
    watched: Watched,
}

pub(crate) fn drain(common: &Common, own: Drain) {
    let timeout = Duration::from_secs_f64(own.timeout);
    let grace = Duration::from_millis(own.grace_ms);
    let consumer = common.consumer(&own.fetch_wait);
    let start = if own.from_beginning { Start::Beginning } else { Start::End };
    read_from(&consumer, &common.events_topic, start);
    let mut count = Count::new(own.expect, own.watched);
    eprintln!("drain: ready");
    loop {
        let now = Instant::now();
        if now - count.began > timeout || count.complete.is_some_and(|at| now - at > grace) {
            break;
        }
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => count.event(message.payload()),
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => eprintln!("drain: {error}"),
        }
    }
    println!("{}", count.report());
}

/// What has come so far, and when.
struct Count {
    expected: u64,
    /// Hashes of the ids of decided orders.
    decided: HashSet<u64>,
    accepted: u64,
    rejected: u64,
    /// Events that tell of something else than a decision.
    other: u64,
    duplicates: u64,
    unparsed: u64,
    /// After each tenth: seconds since it began, and orders.
    progress: Vec<(f64, u64)>,
    began: Instant,
    first: Option<Instant>,
    /// When the latest order was decided that was still waited for.
    last: Instant,
    complete: Option<Instant>,
    watched: Watched,
    cpu: Cpu,
}

/// CPU time of the watched processes, at three moments.
struct Cpu {
    began: Vec<f64>,
    first: Vec<f64>,
    last: Vec<f64>,
}

impl Count {
    fn new(expected: u64, watched: Watched) -> Count {
        let began = Instant::now();
        let cpu = watched.cpu();
        Count {
            expected,
            decided: HashSet::with_capacity(expected as usize + 1024),
            accepted: 0,
            rejected: 0,
            other: 0,
            duplicates: 0,
            unparsed: 0,
            progress: vec![],
            began,
            first: None,
            last: began,
            complete: None,
            watched,
            cpu: Cpu { began: cpu.clone(), first: cpu.clone(), last: cpu },
        }
    }

    fn event(&mut self, value: Option<&[u8]>) {
        let Some(event) = Event::parse(value) else {
            self.unparsed += 1;
            return;
        };
        match event.decision() {
            Some(Decision::Accepted) => self.accepted += 1,
            Some(Decision::Rejected) => self.rejected += 1,
            None => {
                self.other += 1;
                return;
            }
        }
        if self.decided.insert(hash(&event.order_id)) {
            self.order();
        } else {
            self.duplicates += 1;
        }
    }

    /// One more order is decided.
    fn order(&mut self) {
        if self.first.is_none() {
            self.first = Some(Instant::now());
            self.cpu.first = self.watched.cpu();
        }
        let orders = self.decided.len() as u64;
        if self.expected >= 10 && orders.is_multiple_of(self.expected / 10) {
            self.progress.push((round_to(3, self.began.elapsed().as_secs_f64()), orders));
        }
        if self.complete.is_none() {
            self.last = Instant::now();
            if orders >= self.expected {
                self.cpu.last = self.watched.cpu();
                self.complete = Some(self.last);
            }
        }
    }

    fn report(mut self) -> Value {
        if self.complete.is_none() {
            self.cpu.last = self.watched.cpu();
        }
        let orders = self.decided.len() as f64;
        let seconds = (self.last - self.began).as_secs_f64();
        let from_first = self.first.map_or(0.0, |first| (self.last - first).as_secs_f64());
        let per_second = |seconds: f64| round_to(3, orders / seconds.max(1e-9));
        json!({
            "decided": self.decided.len(), "expected": self.expected, "complete": self.complete.is_some(),
            "accepted": self.accepted, "rejected": self.rejected, "other": self.other, "unparsed": self.unparsed,
            "duplicates": self.duplicates, "secs": round_to(3, seconds), "orders_per_s": per_second(seconds),
            "secs_first_to_last": round_to(3, from_first), "orders_per_s_first_to_last": per_second(from_first),
            "progress": self.progress, "procs": self.processes(),
        })
    }

    fn processes(&self) -> Vec<Value> {
        let orders = self.decided.len().max(1) as f64;
        self.watched.report(|index| {
            let (began, first, last) = (self.cpu.began[index], self.cpu.first[index], self.cpu.last[index]);
            vec![("cpu_s", last - began), ("cpu_s_first_to_last", last - first), ("cpu_us_per_order", (last - began) * 1e6 / orders)]
        })
    }
}
