//! `waybill demo`: seven days of a real shop's invoices through the whole engine, on the in-memory log, and a fleet that
//! delivers them. Then a summary,
//! the latency, the audit, and a shop that goes on at 127.0.0.1 for whoever wants to place an order.
//!
//! The engine is the one that runs on Kafka: the same workers, tasks, rules and commits. Only the log is in memory, and
//! the store, too, unless a directory is given. Nothing here decides anything.
//!
//! | file | what |
//! | --- | --- |
//! | `invoices.rs` | the shipped files as orders and cancellations |
//! | `shop/` | the systems around Waybill: what they send, and how they answer what it decides |
//! | `fleet/` | the shop's vans on the streets of Helsinki, and real buses: what they send |
//! | `engine.rs` | broker, topics and workers; feeding them without running ahead |
//! | `ledger.rs` | a consumer of the output topics that keeps the books |
//! | `replay.rs` `pace.rs` | the days in a few seconds; then a calm stream of orders, to measure latency |
//! | `summary/` `progress.rs` | what is shown |
//! | `audit.rs` | every invariant, and the dump |
//! | `routes.rs` | topics over HTTP |

mod audit;
mod engine;
mod fleet;
mod invoices;
mod ledger;
mod pace;
mod progress;
mod replay;
mod routes;
mod shop;
mod summary;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use state::memory::MemoryStores;
use state::{StoreError, Stores};

use crate::engine::plan::ClockMode;
use crate::engine::{Fault, Stop};
use crate::http::{self, Ready, Service};
use crate::log::LogError;
use crate::planner::Planner;

use engine::Engine;
use fleet::Fleet;
use fleet::streets::Streets;
use ledger::Ledger;
use shop::Shop;

/// What somebody may want of the demo.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of everything that is made up.
    pub seed: u64,
    /// End after the summary instead of serving.
    pub exit: bool,
    pub address: SocketAddr,
    /// Where `RocksDB` keeps the state; what an earlier demo left in it is replaced. `None`: state is kept in memory.
    pub state_dir: Option<PathBuf>,
    pub workers: usize,
    /// Where to write the log for `waybill verify --dump`.
    pub dump: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is taken, or may not be used. Choose another port with --port N")]
    Bind(SocketAddr),
    #[error("the shipped invoices cannot be read: {0}")]
    Invoices(#[from] csv::Error),
    #[error("the shipped buses cannot be read: {0}")]
    Buses(#[from] buses::Error),
    #[error("the shipped roads cannot be read: {0}")]
    Roads(#[from] roads::Error),
    #[error(transparent)]
    Engine(#[from] Fault),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an output record cannot be read: {0}")]
    Output(#[from] serde_json::Error),
    #[error("the engine did not {0}. This is a bug: please report it with the seed")]
    Stuck(&'static str),
    #[error("cannot write {path}: {error}", path = .path.display())]
    Dump { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("this waybill was built without RocksDB, which --state-dir needs; use `make demo STORE=rocksdb`")]
    #[cfg(not(feature = "rocksdb"))]
    NoRocks,
}

/// Runs the demo and writes what it shows to `out`. True: every invariant holds.
pub fn run(options: &Options, halt: &Stop, out: &mut dyn Write) -> Result<bool, Error> {
    match &options.state_dir {
        None => on(MemoryStores::default(), options, halt, out),
        #[cfg(feature = "rocksdb")]
        Some(directory) => on(state::rocks::RocksStores::new(directory, STORE_MEMORY)?, options, halt, out),
        #[cfg(not(feature = "rocksdb"))]
        Some(_) => Err(Error::NoRocks),
    }
}

#[cfg(feature = "rocksdb")]
const STORE_MEMORY: usize = 32 << 20;

fn on<S: Stores + Sync>(stores: S, options: &Options, halt: &Stop, out: &mut dyn Write) -> Result<bool, Error> {
    // Bound first: nobody waits for a summary to hear that the port is taken.
    let listener = if options.exit { None } else { Some(http::bind(options.address).map_err(|_| Error::Bind(options.address))?) };
    let history = invoices::read()?;
    summary::opening(out, options, &history)?;
    let streets = Streets::open()?;
    let mut engine = Engine::new(stores, options.workers, Planner::by(streets.ways()))?;
    let mut ledger = Ledger::new(engine.broker())?;
    let mut shop = Shop::new(&history, Fleet::new(streets, options.seed), options.seed)?;

    engine.start(ClockMode::Record)?;
    let Some(replayed) = replay::run(&mut engine, &mut shop, &mut ledger, halt)? else { return Ok(true) };
    engine.stop()?;
    summary::days(out, &history, &shop, &ledger)?;
    let held = ledger.open_holds();

    // From here on time is the wall clock's: who places an order over HTTP sees its hold run out, paid or not.
    engine.start(ClockMode::Wall)?;
    engine.settle(&mut ledger)?;
    let Some(paced) = pace::run(&mut engine, &mut ledger, halt)? else { return Ok(true) };
    summary::speed(out, &replayed, &paced, options.workers)?;
    engine.await_levels(&ledger)?;
    engine.await_verdicts(&mut ledger, shop.tally.pings)?;
    if let Some(path) = &options.dump {
        audit::dump(engine.broker(), path).map_err(|error| Error::Dump { path: path.clone(), error })?;
    }
    let report = audit::run(engine.broker());
    summary::audit(out, &report, held, &replayed)?;
    if let Some(listener) = listener {
        let ready = Ready::default();
        ready.set(true);
        let service = Service::new(engine.metrics(), engine.queries(), ready);
        let router = http::router(service).merge(routes::router(engine.broker(), engine.door()));
        let server = http::serve(listener, router)?;
        summary::serving(out, server.address(), &ledger)?;
        while !halt.is_set() {
            engine.check()?;
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    engine.stop()?;
    Ok(report.ok())
}
