//! `probe`: sends load to systems that read `orders` and `restocks` and write `order-events`, and measures what comes.
//! Knows nothing of any one of them, and joins no group. One file per command, and what they share:
//!
//! | file | what |
//! | --- | --- |
//! | `books.rs` | what `check` compares |
//! | `client.rs` | producers and consumers, as every command has them |
//! | `send.rs` | sending, with a signature or without, and restocking |
//! | `decision.rs` | what an event says of an order |
//! | `watch.rs` | CPU and memory of the processes that are measured |
//!
//! A report is one line of JSON on standard output; all else goes to standard error.

mod books;
mod check;
mod client;
mod decision;
mod drain;
mod load;
mod paced;
mod send;
mod topics;
mod watch;

use clap::{Parser, Subcommand};

use client::Common;

/// Sends load to a system that decides orders, and measures it by its events.
#[derive(Debug, Parser)]
#[command(
    name = "probe",
    arg_required_else_help = true,
    args_override_self = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 `check` found violations, 101 Kafka failed."
)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create topics
    Topics(topics::Topics),
    /// Send orders, after stock for them if there is to be any
    Load(load::Load),
    /// Send every SKU to the catalogue, with the price that its orders say
    List(load::List),
    /// Wait for decisions, and say how many came how fast
    #[command(after_help = "Says `drain: ready` on standard error once it reads.")]
    Drain(drain::Drain),
    /// Send orders at a steady rate; measure from when each was due to its decision
    Paced(paced::Paced),
    /// Read all topics: one decision per order, and nothing oversold
    Check(check::Check),
}

fn main() {
    let Arguments { common, command } = Arguments::parse();
    match command {
        Command::Topics(own) => topics::topics(&common, &own),
        Command::Load(own) => load::load(&common, &own),
        Command::List(own) => load::list(&common, &own),
        Command::Drain(own) => drain::drain(&common, own),
        Command::Paced(own) => paced::paced(&common, &own),
        Command::Check(own) => check::check(&common, &own),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    /// Calls as the benchmarks make them.
    #[test]
    fn older_calls_go_on_working() {
        Arguments::command().debug_assert();
        let calls = [
            "probe topics --bootstrap 127.0.0.1:1 --partitions 4 --topics a,b --delete",
            "probe load --bootstrap 127.0.0.1:1 --orders 9 --skus 5 --stock -1 --seed 2 --id-prefix warm-0- --rate 0.5 --sign-key k",
            "probe list --skus 5 --reorder-point -998000 --products-topic p",
            "probe drain --expect 9 --timeout 180 --pid 1 --pid=2 --from-beginning --grace-ms 1 --fetch-wait 5 --events-topic e",
            "probe paced --rate 500 --secs 20 --warmup 3 --tail 1.5 --skus 5 --stock 1 --pid 1 --pid 2 --fetch-wait 5 --orders-topic o",
            "probe check --timeout 1 --restocks-topic r",
            "probe check --timeout 1 --timeout 2",
        ];
        for call in calls {
            parse(call).unwrap_or_else(|error| panic!("{call}: {error}"));
        }
        assert!(parse("probe check --expect 1").is_err_and(|error| error.exit_code() == 2));
    }

    #[test]
    fn every_process_is_watched_and_the_last_of_other_values_holds() {
        let Ok(Command::Drain(own)) = parse("probe drain --pid 7 --expect 1 --pid 8 --expect 2") else { panic!("not parsed") };
        let text = format!("{own:?}");
        assert!(text.contains("pids: [7, 8]") && text.contains("expect: 2"), "{text}");
    }
}
