//! The command line: one file per verb, what they share here. Output for people and scripts goes to standard output,
//! logs and errors to standard error.
//!
//! Exit codes: 0 done, 1 it failed or `verify` found something, 2 wrong usage or configuration.

mod args;
mod backtest;
#[cfg(feature = "kafka")]
mod check;
mod demo;
mod keys;
mod logging;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod run;
mod sign;
#[cfg(feature = "kafka")]
mod topics;
mod verify;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use waybill::config::{Config, file};

use args::{Arguments, Command, Common};

/// What is looked for where `--config` says nothing.
const DEFAULT_FILE: &str = "topology.toml";

/// Why a command did not do what it was asked to.
pub enum Failure {
    /// Exit code 1.
    Failed(String),
    /// Exit code 1; everything has been said.
    Said,
    /// Exit code 2.
    Wrong(String),
}

impl Failure {
    pub fn failed(error: impl Display) -> Failure {
        Failure::Failed(error.to_string())
    }
}

pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The demo is for people: the engine's everyday lines are not for them.
    let quiet = matches!(arguments.command, Command::Demo(_));
    logging::start(arguments.common.log, arguments.common.verbose, quiet);
    logging::abort_on_panic();
    let (code, message) = match dispatch(arguments.command, &arguments.common) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Said) => return ExitCode::from(1),
        Err(Failure::Failed(message)) => (1, message),
        Err(Failure::Wrong(message)) => (2, message),
    };
    logging::fail(arguments.common.log, &message);
    ExitCode::from(code)
}

fn dispatch(command: Command, common: &Common) -> Result<(), Failure> {
    match command {
        #[cfg(all(feature = "kafka", feature = "rocksdb"))]
        Command::Run(own) => run::run(&configuration(common)?, &own),
        #[cfg(feature = "kafka")]
        Command::Topics(args::Topics::Create { dry_run }) => topics::create(&configuration(common)?, dry_run),
        #[cfg(feature = "kafka")]
        Command::Check => check::check(&configuration(common)?),
        Command::Demo(own) => demo::demo(own),
        Command::Backtest(own) => backtest::backtest(&configuration(common)?, &own),
        Command::Verify(own) => verify::verify(&configuration(common)?, &own),
        Command::Sign(own) => sign::sign(&own),
        Command::Keys(own) => keys::keys(own),
        #[cfg(not(all(feature = "kafka", feature = "rocksdb")))]
        other => {
            // What is wrong with the file is worth knowing in any build.
            configuration(common)?;
            Err(without_kafka(other.name()))
        }
    }
}

/// The keys that the configuration names.
#[cfg(feature = "kafka")]
fn guards(config: &Config) -> Result<waybill::engine::plan::Guards, Failure> {
    waybill::config::signatures::guards(config)
        .map_err(|faults| Failure::Wrong(format!("keys of signatures cannot be used\n{}", faults.join("\n"))))
}

/// Said by a build that lacks what a command needs.
#[cfg(not(all(feature = "kafka", feature = "rocksdb")))]
fn without_kafka(command: &str) -> Failure {
    Failure::Failed(format!(
        "this waybill was built without Kafka or RocksDB, which `{command}` needs; build it with `make build` or `cargo build --release`"
    ))
}

/// The file, if there is one, and what the command line and the environment say on top.
fn configuration(common: &Common) -> Result<Config, Failure> {
    let file = common.config.as_deref().or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|f| f.exists()));
    let mut config = match file {
        None => Config::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| {
                Failure::Wrong(format!("cannot read the configuration {}: {e}. Give another with --config FILE", path.display()))
            })?;
            file::parse(&text, path).map_err(|errors| {
                let count = errors.0.len();
                Failure::Wrong(format!("the configuration has {count} error{}\n{errors}", if count == 1 { "" } else { "s" }))
            })?
        }
    };
    if let Some(bootstrap) = common.bootstrap.as_ref().filter(|b| !b.is_empty()) {
        config.kafka.bootstrap.clone_from(bootstrap);
    }
    Ok(config)
}
