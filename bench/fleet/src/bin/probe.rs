//! The fleet's load on Kafka. See `fleet-probe help`.

use std::time::Duration;

use probe::{Args, now_unix_ms};
use rdkafka::producer::{BaseRecord, DefaultProducerContext};
use serde_json::{Value, json};
use waybill_fleet_bench::drive::{Drives, id};
use waybill_fleet_bench::kafka::{await_group, consumer, flush, producer, read_all, send};
use waybill_fleet_bench::{Failure, paced};

const HELP: &str = "fleet-probe load  --pings N --vehicles V [--seed X] [--topic gps-pings]
fleet-probe await [--group waybill] [--topic gps-pings] [--timeout SECS]
fleet-probe count --topic T
fleet-probe paced --rate R --secs T --vehicles V [--warmup SECS] [--tail SECS] [--pid PID]...
All: --bootstrap (127.0.0.1:19092)";

fn main() {
    let args = Args::parse();
    let result = match args.cmd.as_str() {
        "load" => load(&args),
        "await" => wait(&args),
        "count" => count(&args),
        "paced" => paced::run(&args),
        _ => {
            eprintln!("{HELP}");
            std::process::exit(2);
        }
    };
    match result {
        Ok(report) => println!("{report}"),
        Err(error) => {
            eprintln!("fleet-probe: {error}");
            std::process::exit(1);
        }
    }
}

/// A backlog that ends now.
fn load(args: &Args) -> Result<Value, Failure> {
    let (pings, vehicles): (u64, u32) = (args.num("pings", 100_000), args.num("vehicles", 1_000));
    let topic = args.str("topic", "gps-pings");
    let start = now_unix_ms() - Drives::span(pings, vehicles);
    let producer = producer(args, "20", DefaultProducerContext)?;
    let mut bytes = 0;
    for record in Drives::new(args.num("seed", 1), vehicles, start).take(pings as usize) {
        bytes += record.value.len() as u64;
        let key = id(record.vehicle);
        let record = BaseRecord::to(topic).key(key.as_bytes()).payload(record.value.as_bytes()).timestamp(record.at);
        send(&producer, record)?;
    }
    flush(&producer)?;
    Ok(json!({"pings": pings, "vehicles": vehicles, "avg_value_bytes": bytes as f64 / pings.max(1) as f64}))
}

fn wait(args: &Args) -> Result<Value, Failure> {
    let consumer = consumer(args, args.str("group", "waybill"))?;
    let timeout = Duration::from_secs_f64(args.num("timeout", 300.0));
    let done = await_group(&consumer, args.str("topic", "gps-pings"), timeout)?;
    let records = done.map_err(|missing| format!("{missing} records are not decided after {timeout:?}"))?;
    Ok(json!({"decided": records}))
}

/// Committed records.
fn count(args: &Args) -> Result<Value, Failure> {
    let topic = args.opt("topic").ok_or("--topic is missing")?;
    let consumer = consumer(args, "fleet-probe-unused")?;
    let mut records = 0;
    read_all(&consumer, topic, || records += 1)?;
    Ok(json!({"records": records}))
}
