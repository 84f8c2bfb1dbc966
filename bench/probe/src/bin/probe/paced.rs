//! `probe paced`: orders at a steady rate, each timed from when it was due to be sent to when its decision is read. A
//! sender that comes late does not hide behind its lateness, and orders of other runs are not taken for its own.

use std::path::PathBuf;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use clap::Args;
use probe::{OrderGen, now_unix_ms, summary};
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::BaseProducer;
use serde_json::{Value, json};

use crate::client::{Common, Start, read_from};
use crate::decision::{Decision, Event};
use crate::send::{Signer, flush, restock, send};
use crate::watch::Watched;

#[derive(Debug, Args)]
pub(crate) struct Paced {
    /// Orders a second
    #[arg(long, value_name = "N", default_value_t = 100.0)]
    rate: f64,
    /// Seconds that are measured
    #[arg(long, value_name = "SECS", default_value_t = 10.0)]
    secs: f64,
    /// Seconds of the same before them
    #[arg(long, value_name = "SECS", default_value_t = 2.0)]
    warmup: f64,
    /// Seconds for which missing decisions are waited for after the last order
    #[arg(long, value_name = "SECS", default_value_t = 5.0)]
    tail: f64,
    /// SKUs that orders are drawn from
    #[arg(long, value_name = "N", default_value_t = 1000)]
    skus: usize,
    /// Units of each SKU that come in before the first order; 0: no restocks
    #[arg(long, value_name = "UNITS", default_value_t = 0, allow_negative_numbers = true)]
    stock: i64,
    /// Sign the restocks, not the orders, with the key in this file
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    /// Milliseconds for which the broker may keep an empty answer back
    #[arg(long, value_name = "MS", default_value = "10")]
    fetch_wait: String,
    #[command(flatten)]
    watched: Watched,
}

/// When each order is due.
#[derive(Clone, Copy)]
struct Schedule {
    origin: Instant,
    rate: f64,
    /// Orders that are not measured.
    warmup: usize,
    total: usize,
}

impl Schedule {
    fn due(&self, index: usize) -> Instant {
        self.origin + Duration::from_secs_f64(index as f64 / self.rate)
    }
}

pub(crate) fn paced(common: &Common, own: &Paced) {
    let run = now_unix_ms() % 100_000_000;
    let prefix = format!("P{run}-");
    let producer = common.producer("0");
    if own.stock > 0 {
        let mut signer = Signer::new(own.sign_key.as_deref());
        restock(&producer, &mut signer, &common.restocks_topic, own.skus, own.stock, &run.to_string());
        sleep(Duration::from_secs(1));
    }
    let consumer = common.consumer(&own.fetch_wait);
    read_from(&consumer, &common.events_topic, Start::End);
    reach_the_end(&consumer);
    let schedule = Schedule {
        origin: Instant::now() + Duration::from_millis(100),
        rate: own.rate,
        warmup: (own.warmup * own.rate) as usize,
        total: ((own.warmup + own.secs) * own.rate) as usize,
    };
    let (heard, cpu, latest) = scope(|scope| {
        let generator = OrderGen::new(run as u64, own.skus);
        let sender = scope.spawn(|| send_orders(&producer, &common.orders_topic, generator, &prefix, schedule));
        let mut heard = Heard::new(&prefix, schedule);
        let cpu = heard.listen(&consumer, own, || sender.is_finished());
        (heard, cpu, sender.join().expect("the sender has said why it failed"))
    });
    println!("{}", heard.report(own, &cpu, latest));
}

/// The first fetches ask for positions, and take longer than those that follow.
fn reach_the_end(consumer: &BaseConsumer) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        // Nothing comes but old events.
        let _ = consumer.poll(Duration::from_millis(50));
    }
}

/// Sends each order when it is due. Returns by how much the latest was late.
fn send_orders(producer: &BaseProducer, topic: &str, mut generator: OrderGen, prefix: &str, schedule: Schedule) -> Duration {
    let mut value = String::new();
    let mut latest = Duration::ZERO;
    for index in 0..schedule.total {
        let due = schedule.due(index);
        sleep(due.saturating_duration_since(Instant::now()));
        let id = format!("{prefix}{index:06}");
        generator.order(&id, now_unix_ms(), &mut value);
        send(producer, topic, &id, &value);
        latest = latest.max(due.elapsed());
        if index % 64 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    flush(producer, 30);
    latest
}

/// CPU time of the watched processes while orders were measured.
struct Cpu {
    before: Vec<f64>,
    after: Vec<f64>,
    /// Seconds between both.
    span: f64,
}

/// The decisions that came.
struct Heard<'a> {
    /// What the ids of this run's orders begin with.
    prefix: &'a str,
    schedule: Schedule,
    /// Of each order: whether it is decided.
    decided: Vec<bool>,
    count: usize,
    accepted: u64,
    duplicates: u64,
    /// Decisions of orders of other runs.
    foreign: u64,
    /// From when an order was due to its decision, without the warm-up.
    millis: Vec<f64>,
}

impl<'a> Heard<'a> {
    fn new(prefix: &'a str, schedule: Schedule) -> Heard<'a> {
        Heard {
            prefix,
            schedule,
            decided: vec![false; schedule.total],
            count: 0,
            accepted: 0,
            duplicates: 0,
            foreign: 0,
            millis: Vec::with_capacity(schedule.total),
        }
    }

    /// Reads until every order is decided, or for a while after the last was sent.
    fn listen(&mut self, consumer: &BaseConsumer, own: &Paced, all_are_sent: impl Fn() -> bool) -> Cpu {
        let tail = Duration::from_secs_f64(own.tail);
        let mut before: Option<Vec<f64>> = None;
        let mut measured_from = Instant::now();
        let mut sent: Option<Instant> = None;
        while self.count < self.schedule.total {
            if before.is_none() && Instant::now() >= self.schedule.due(self.schedule.warmup) {
                before = Some(own.watched.cpu());
                measured_from = Instant::now();
            }
            if sent.is_none() && all_are_sent() {
                sent = Some(Instant::now());
            }
            if sent.is_some_and(|at| at.elapsed() > tail) {
                break;
            }
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) {
                self.event(message.payload(), Instant::now());
            }
        }
        let span = measured_from.elapsed().as_secs_f64();
        let after = own.watched.cpu();
        Cpu { before: before.unwrap_or_else(|| after.clone()), after, span }
    }

    fn event(&mut self, value: Option<&[u8]>, when: Instant) {
        let Some(event) = Event::parse(value) else { return };
        let Some(decision) = event.decision() else { return };
        let own = event.order_id.strip_prefix(self.prefix);
        let Some(index) = own.and_then(|number| number.parse::<usize>().ok()) else {
            self.foreign += 1;
            return;
        };
        if std::mem::replace(&mut self.decided[index], true) {
            self.duplicates += 1;
            return;
        }
        self.count += 1;
        self.accepted += u64::from(decision == Decision::Accepted);
        if index >= self.schedule.warmup {
            self.millis.push((when - self.schedule.due(index)).as_secs_f64() * 1e3);
        }
    }

    fn report(mut self, own: &Paced, cpu: &Cpu, latest: Duration) -> Value {
        let share = |index: usize| (cpu.after[index] - cpu.before[index]) / cpu.span;
        let processes = own.watched.report(|index| vec![("cpu_pct_of_core", share(index) * 100.0)]);
        let total = self.schedule.total;
        json!({
            "rate": own.rate, "secs": own.secs, "sent": total, "decided": self.count, "accepted": self.accepted,
            "lost": total - self.count, "duplicates": self.duplicates, "foreign": self.foreign,
            "late_send_max_ms": latest.as_micros() as f64 / 1000.0, "latency_ms": summary(&mut self.millis), "procs": processes,
        })
    }
}
