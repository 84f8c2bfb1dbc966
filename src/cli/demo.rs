//! `waybill demo`: real invoices through the whole engine, without Kafka; see `waybill::demo`.

use std::io::stdout;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use waybill::demo::{Options, run};
use waybill::engine::Stop;

use super::Failure;

#[derive(Debug, Args)]
pub struct Demo {
    /// Of everything that is made up: the same seed gives the same figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// End after the summary; exit code 1 if an invariant is broken
    #[arg(long)]
    pub exit: bool,
    /// Where to serve on 127.0.0.1 after the summary; 0: any free port
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Keep state in RocksDB here; what an earlier demo left is replaced [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Threads that decide; with more than one, figures differ from run to run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// Write the log to a file for `waybill verify --dump FILE`
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
}

pub fn demo(own: Demo) -> Result<(), Failure> {
    let stop = Stop::default();
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|e| Failure::Failed(format!("cannot watch for signals: {e}")))?;
    let told = stop.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if told.is_set() {
                    std::process::exit(128 + signal);
                }
                told.set();
            }
        })
        .map_err(|e| Failure::Failed(format!("cannot start a thread: {e}")))?;
    let options = Options {
        seed: own.seed,
        exit: own.exit,
        address: SocketAddr::from(([127, 0, 0, 1], own.port)),
        state_dir: own.state_dir,
        workers: usize::from(own.workers),
        dump: own.dump,
    };
    match run(&options, &stop, &mut stdout().lock()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Said),
        Err(error) => Err(Failure::failed(error)),
    }
}
