//! The fleet's load on Kafka: one command per measurement. A report is one line of JSON on standard output.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use probe::now_unix_ms;
use rdkafka::producer::{BaseRecord, DefaultProducerContext};
use serde_json::{Value, json};
use waybill_fleet_bench::drive::{Drives, id};
use waybill_fleet_bench::kafka::{await_group, consumer, flush, producer, read_all, send};
use waybill_fleet_bench::{Failure, paced};

/// Sends a fleet's load to Kafka, and measures what comes of it.
#[derive(Debug, Parser)]
#[command(name = "fleet-probe", arg_required_else_help = true, after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
struct Arguments {
    /// Brokers
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:19092")]
    bootstrap: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a backlog of pings that ends now
    Load(Load),
    /// Wait until a group has decided all that a topic has now
    Await(Await),
    /// Count the committed records of a topic
    Count(Count),
    /// Send pings of vehicles with shipments at a steady rate; measure from when each was due to what follows
    Paced(paced::Paced),
}

#[derive(Debug, Args)]
struct Load {
    #[arg(long, default_value_t = 100_000)]
    pings: u64,
    #[arg(long, default_value_t = 1_000)]
    vehicles: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value = "gps-pings")]
    topic: String,
}

#[derive(Debug, Args)]
struct Await {
    #[arg(long, default_value = "waybill")]
    group: String,
    #[arg(long, default_value = "gps-pings")]
    topic: String,
    /// Give up after so long
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    timeout: f64,
}

#[derive(Debug, Args)]
struct Count {
    #[arg(long)]
    topic: String,
}

fn main() {
    let Arguments { bootstrap, command } = Arguments::parse();
    let result = match command {
        Command::Load(own) => load(&bootstrap, &own),
        Command::Await(own) => wait(&bootstrap, &own),
        Command::Count(own) => count(&bootstrap, &own),
        Command::Paced(own) => paced::run(&bootstrap, &own),
    };
    match result {
        Ok(report) => println!("{report}"),
        Err(error) => {
            eprintln!("fleet-probe: {error}");
            std::process::exit(1);
        }
    }
}

fn load(bootstrap: &str, own: &Load) -> Result<Value, Failure> {
    let &Load { pings, vehicles, seed, ref topic } = own;
    let start = now_unix_ms() - Drives::span(pings, vehicles);
    let producer = producer(bootstrap, "20", DefaultProducerContext)?;
    let mut bytes = 0;
    for record in Drives::new(seed, vehicles, start).take(pings as usize) {
        bytes += record.value.len() as u64;
        let key = id(record.vehicle);
        let record = BaseRecord::to(topic).key(key.as_bytes()).payload(record.value.as_bytes()).timestamp(record.at);
        send(&producer, record)?;
    }
    flush(&producer)?;
    Ok(json!({"pings": pings, "vehicles": vehicles, "avg_value_bytes": bytes as f64 / pings.max(1) as f64}))
}

fn wait(bootstrap: &str, own: &Await) -> Result<Value, Failure> {
    let consumer = consumer(bootstrap, &own.group)?;
    let timeout = Duration::from_secs_f64(own.timeout);
    let done = await_group(&consumer, &own.topic, timeout)?;
    let records = done.map_err(|missing| format!("{missing} records are not decided after {timeout:?}"))?;
    Ok(json!({"decided": records}))
}

fn count(bootstrap: &str, own: &Count) -> Result<Value, Failure> {
    let consumer = consumer(bootstrap, "fleet-probe-unused")?;
    let mut records = 0;
    read_all(&consumer, &own.topic, || records += 1)?;
    Ok(json!({"records": records}))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_brokers_may_be_named_after_the_command() {
        Arguments::command().debug_assert();
        let parsed = Arguments::parse_from("fleet-probe paced --bootstrap b:1 --rate 50 --pid 1 --pid 2".split(' '));
        assert_eq!(parsed.bootstrap, "b:1");
        assert!(matches!(parsed.command, Command::Paced(own) if own.pid == [1, 2]));
        assert!(Arguments::try_parse_from(["fleet-probe", "count"]).is_err(), "of which topic?");
    }
}
