//! The raw cost floor of transactional Kafka work with librdkafka (native API), no state.
//!
//!   ceiling cycle   : back-to-back transactions, phase times (begin/produce/flush/offsets/commit)
//!   ceiling forward : consume -> produce -> commit loop, one or more hops

mod client;
mod cycle;
mod forward;
mod run;
mod worker;

use std::time::Duration;

use probe::Args;

const HELP: &str = "ceiling cycle [--count N] [--records 1] [--producers 1|2] [--api native|native-nodr|rust|rust-drain] [--no-offsets] [--flush-first] [--offsets-first]
        [--groups-partitions K] [--linger 0] [--retry-backoff 1] [--set k=v]... [--cset k=v]... [--eos-debug] [--gap-ms G]
ceiling forward [--hops orders,order-events] [--mode threads|one] [--threads 1] [--adaptive | --commit-ms T] [--batch N] [--plain] [--pipeline] [--offsets-first]
        [--group G] [--secs T | --stop-after N] [--set k=v]... [--cset k=v]... [--one-by-one]";

fn main() {
    let a = Args::parse();
    match a.cmd.as_str() {
        "cycle" => cycle::cycle(&a),
        "forward" => forward::forward(&a),
        _ => {
            eprintln!("{HELP}");
            std::process::exit(2)
        }
    }
}

/// Milliseconds.
fn millis(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}
