//! `ceiling`: the least a consume-transform-produce system can cost: transactions over librdkafka's C functions, without
//! state and without rules. A floor to measure others against; it retries nothing and restores nothing.
//!
//! | file | what |
//! | --- | --- |
//! | `cycle/` | transactions one after another, timed by step |
//! | `forward.rs` | consume, produce, commit: sets workers up, runs them and reports |
//! | `worker.rs`, `batch.rs` | one consumer and one producer, and what is between them |
//! | `run.rs`, `pipeline.rs` | the loops of a worker |
//! | `options.rs`, `stop.rs` | properties of the clients; when to end |
//! | `client/` | librdkafka |

mod batch;
mod client;
mod cycle;
mod forward;
mod options;
mod pipeline;
mod run;
mod stop;
mod worker;

use std::time::Duration;

use clap::{Parser, Subcommand};

use options::Common;

/// Measures what transactions on Kafka cost by themselves.
#[derive(Debug, Parser)]
#[command(
    name = "ceiling",
    arg_required_else_help = true,
    args_override_self = true,
    after_help = "A report is one line of JSON on standard output. With CEILING_LOG in the environment, what librdkafka logs for
--eos-debug is printed, too.

Exit codes: 0 done, 2 wrong usage, 101 Kafka failed."
)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Transactions one after another, timed by step: produce, flush, offsets, commit
    Cycle(cycle::Cycle),
    /// Consume, produce and commit over one hop or more, until SIGTERM
    #[command(after_help = "Says `ceiling: ready` on standard error once every worker has partitions.")]
    Forward(forward::Forward),
}

fn main() {
    let Arguments { common, command } = Arguments::parse();
    match command {
        Command::Cycle(own) => cycle::cycle(&common, &own),
        Command::Forward(own) => forward::forward(&common, &own),
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    /// Calls as the benchmarks make them.
    #[test]
    fn older_calls_go_on_working() {
        Arguments::command().debug_assert();
        let calls = [
            "ceiling cycle --count 9 --records 2 --producers 2 --api native-nodr --no-offsets --flush-first --offsets-first",
            "ceiling cycle --groups-partitions 8 --linger 0.5 --retry-backoff 1 --retry-backoff-max 9 --eos-debug --gap-ms 0.5 --out o",
            "ceiling cycle --api rust-drain --set a=b --cset c=d",
            "ceiling forward --bootstrap 127.0.0.1:1 --hops a,b --adaptive --offsets-first --group warm --batch 1000 --stop-after 9",
            "ceiling forward --mode one --threads 2 --commit-ms 100 --plain --rc --pipeline --one-by-one --secs 1.5",
            "ceiling forward --reset latest --fetch-wait 5 --go-file f",
        ];
        for call in calls {
            parse(call).unwrap_or_else(|error| panic!("{call}: {error}"));
        }
        assert!(parse("ceiling cycle --set a").is_err_and(|error| error.exit_code() == 2));
    }

    #[test]
    fn properties_of_the_command_line_come_last() {
        let arguments = parse("ceiling cycle --set linger.ms=7 --set a=b=c --linger 1").expect("it parses");
        let properties = arguments.common.producer(None);
        let last: Vec<_> = properties.iter().rev().take(2).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(last, [("a", "b=c"), ("linger.ms", "7")]);
        assert!(properties.contains(&("linger.ms".to_owned(), "1".to_owned())));
    }
}
