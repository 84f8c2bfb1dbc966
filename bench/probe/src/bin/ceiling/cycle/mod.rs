//! `ceiling cycle`: transactions one after another, timed by step. Through librdkafka itself (`native.rs`) or through the
//! rdkafka crate (`wrapped.rs`), to see what the crate adds. Reads nothing: the offsets that it commits are made up.

mod native;
mod wrapped;

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use probe::{round_to, self_cpu, summary};
use serde_json::{Value, json};

use crate::millis;
use crate::options::Common;

/// Cycles before those whose steps are reported.
const WARMUP: usize = 20;
/// A cycle that takes longer, in milliseconds, has waited for librdkafka's fixed pause before it adds partitions again.
const LONG_MS: f64 = 20.0;
/// Whose offsets are committed.
const INPUT: &str = "orders";

#[derive(Debug, Args)]
pub(crate) struct Cycle {
    /// How many transactions
    #[arg(long, value_name = "N", default_value_t = 300)]
    count: usize,
    /// Records of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    records: usize,
    /// Producers, which take turns
    #[arg(long, value_name = "N", default_value_t = 1)]
    producers: usize,
    /// Through what: librdkafka, with or without delivery reports, or the rdkafka crate, drained or not
    #[arg(long, value_enum, default_value_t = Api::Native)]
    api: Api,
    /// Commit records without offsets
    #[arg(long)]
    no_offsets: bool,
    /// Wait for the records before the offsets are added; `rust` does not
    #[arg(long)]
    flush_first: bool,
    /// Add the offsets before the records; the native ones only
    #[arg(long)]
    offsets_first: bool,
    /// Milliseconds between two transactions; the native ones only
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    gap_ms: f64,
    /// Where records go
    #[arg(long, value_name = "TOPIC", default_value = "order-events")]
    out: String,
    /// Has no effect; older calls have it
    #[arg(long, value_name = "N")]
    groups_partitions: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Api {
    // librdkafka.
    Native,
    // Without delivery reports.
    NativeNodr,
    // The rdkafka crate.
    Rust,
    // Polled until nothing is in flight, before it commits.
    RustDrain,
}

/// What the steps of one transaction took.
struct Steps {
    produce: Duration,
    flush: Duration,
    offsets: Duration,
    commit: Duration,
    whole: Duration,
}

pub(crate) fn cycle(common: &Common, own: &Cycle) {
    let id = format!("cycle-{}", std::process::id());
    match own.api {
        Api::Native | Api::NativeNodr => {
            let clients = native::Clients::new(common, own, &id);
            measure(common, own, |number| clients.transaction(own, number));
        }
        Api::Rust | Api::RustDrain => {
            let clients = wrapped::Clients::new(common, own, &id);
            measure(common, own, |number| clients.transaction(own, number));
        }
    }
}

/// Reports, and ends the process: clients are not closed, nobody measures how long that takes.
fn measure(common: &Common, own: &Cycle, mut transaction: impl FnMut(usize) -> Steps) -> ! {
    let mut measured = Vec::with_capacity(own.count);
    let (began, cpu) = (Instant::now(), self_cpu());
    for number in 0..own.count {
        let steps = transaction(number);
        if number >= WARMUP {
            measured.push(steps);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu = self_cpu() - cpu;
    println!("{}", report(common, own.count as f64, seconds, cpu, &measured));
    std::process::exit(0);
}

fn report(common: &Common, count: f64, seconds: f64, cpu: f64, measured: &[Steps]) -> Value {
    let of = |step: fn(&Steps) -> Duration| -> Vec<f64> { measured.iter().map(|steps| millis(step(steps))).collect() };
    let mut whole = of(|steps| steps.whole);
    json!({
        "cycles_per_s": round_to(1, count / seconds), "cpu_us_per_cycle": (cpu * 1e6 / count).round(),
        "cycles_over_20ms": whole.iter().filter(|millis| **millis >= LONG_MS).count(), "total": summary(&mut whole),
        "begin+produce": summary(&mut of(|steps| steps.produce)), "flush": summary(&mut of(|steps| steps.flush)),
        "send_offsets": summary(&mut of(|steps| steps.offsets)), "commit": summary(&mut of(|steps| steps.commit)),
        "concurrent_txn_retries": common.concurrent_retries(),
    })
}

/// Key and value of a record, about as long as a short event.
fn record(number: usize, index: usize) -> (String, String) {
    let key = format!("C-{number:06}-{index}");
    let value = format!(r#"{{"order_id":"{key}","type":"note","pad":"{:x<60}"}}"#, "");
    (key, value)
}
