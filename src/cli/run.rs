//! `waybill run`: workers on Kafka until a signal or a fault ends them.

use std::fmt::Display;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use state::rocks::RocksStores;
use waybill::clock::Clock;
use waybill::config::Config;
use waybill::engine::plan::{Plan, PlanInput, Processor};
use waybill::engine::{Fault, Options, Stop};
use waybill::http::{self, Ready, Server, Service};
use waybill::log::LogError;
use waybill::log::kafka::admin::Admin;
use waybill::log::kafka::{KafkaConfig, KafkaLog};
use waybill::metrics::Metrics;
use waybill::run::{Notice, Running, Shared, start};

use super::args::Run;
use super::{Failure, guards, topics};

pub fn run(config: &Config, own: &Run) -> Result<(), Failure> {
    let config = with_flags(config, own);
    let guards = guards(&config)?;
    // Bound first: a taken port is found out before the group is disturbed.
    let listener = config.http.map(http::bind).transpose().map_err(Failure::failed)?;
    let directory = state_dir(&config);
    // Held to the end: the group is not disturbed by a process that could not open its state.
    let _lock = lock(&directory)?;
    let begun = Arc::new(OnceLock::new());
    end_on_signals(Arc::clone(&begun))?;
    let plan = Arc::new(plan(&config)?.with_guards(guards));
    let stores = RocksStores::new(&directory, config.store_memory).map_err(Failure::failed)?;
    let metrics = Metrics::new();
    let shared = Shared { plan: Arc::clone(&plan), stores, options: Options::default(), clock: Clock::System, metrics: metrics.clone() };
    let running = {
        let config = config.clone();
        let plan = Arc::clone(&plan);
        start(config.workers, &shared, move |worker| {
            KafkaLog::new(Arc::new(kafka_config(&config, worker)), Arc::clone(&plan.topics), &plan.subscription())
        })
        .map_err(|e| Failure::Failed(format!("cannot start a thread: {e}")))?
    };
    // Set once, here.
    let _ = begun.set(running.stop.clone());
    let ready = Ready::default();
    let server = match listener {
        Some(listener) => {
            let service = Service::new(metrics, running.queries.clone(), ready.clone());
            Some(http::serve(listener, http::router(service)).map_err(|e| Failure::Failed(format!("cannot serve HTTP: {e}")))?)
        }
        None => None,
    };
    let tasks = Processor::ALL.iter().map(|p| plan.internal(*p).tasks).sum();
    let result = attend(&running, config.workers, || {
        ready.set(true);
        println!("{}", ready_line(tasks, config.workers, server.as_ref()));
    });
    ready.set(false);
    running.join();
    drop(server);
    match result {
        Ok(()) => {
            tracing::info!("stopped; everything that was decided is committed");
            Ok(())
        }
        Err(fault) => Err(Failure::Failed(advise(&fault, &config))),
    }
}

fn with_flags(config: &Config, own: &Run) -> Config {
    let mut config = config.clone();
    if let Some(dir) = &own.state_dir {
        config.state_dir.clone_from(dir);
    }
    if let Some(workers) = own.workers {
        config.workers = usize::from(workers);
    }
    if let Some(http) = own.http {
        config.http = http.0;
    }
    config.instance = own.instance;
    config
}

/// Local state of one slot of one application. Two processes that are given the same directory do not meet in it.
fn state_dir(config: &Config) -> PathBuf {
    config.state_dir.join(&config.app).join(config.instance.to_string())
}

/// Takes the directory for this process; the lock ends with it, however it ends.
fn lock(directory: &Path) -> Result<File, Failure> {
    let fault = |error: &dyn Display| {
        Failure::Failed(format!("cannot use the state directory {}: {error}. Choose another with --state-dir", directory.display()))
    };
    let made = std::fs::create_dir_all(directory).and_then(|()| File::create(directory.join("lock")));
    let file = made.map_err(|e| fault(&e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::Failed(format!(
            "another process uses the state directory {}. Processes of one application each need their own --instance",
            directory.display()
        ))),
        Err(TryLockError::Error(error)) => Err(fault(&error)),
    }
}

/// The topology with the partitions that the topics have.
fn plan(config: &Config) -> Result<Plan, Failure> {
    let admin = Admin::new(&config.kafka).map_err(Failure::failed)?;
    let topics = topics::usable(&admin, config)?;
    // Its own thread takes 100 ms to end; the start need not wait for that.
    std::thread::spawn(move || drop(admin));
    Ok(Plan::new(PlanInput {
        app: &config.app,
        name: &|default| config.topic_name(default),
        // All are there: `usable` has seen them.
        partitions: &|name| topics.get(name).map_or(0, |t| t.partitions),
        orders: config.orders.clone(),
        split: config.split,
        terms: config.terms.clone(),
        catalogue: config.catalogue.clone(),
        demand: config.demand.clone(),
        clock: config.clock,
    }))
}

fn kafka_config(config: &Config, worker: usize) -> KafkaConfig {
    let slot = format!("{}-{}-{worker}", config.app, config.instance);
    KafkaConfig {
        bootstrap: config.kafka.bootstrap.clone(),
        group: config.app.clone(),
        instance_id: slot.clone(),
        transactional_id: slot,
        session_timeout_ms: config.kafka.session_timeout_ms,
        transaction_timeout_ms: config.kafka.transaction_timeout_ms,
        properties: config.kafka.properties.clone(),
    }
}

/// The first signal asks the workers to stop, the second ends the process as it is: the transaction that is open then
/// is aborted by the next start. Before the workers are `begun` there is nothing to end.
fn end_on_signals(begun: Arc<OnceLock<Stop>>) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|e| Failure::Failed(format!("cannot watch for signals: {e}")))?;
    let watch = move || {
        for signal in signals.forever() {
            match begun.get() {
                None => process::exit(0),
                Some(stop) if stop.is_set() => process::exit(128 + signal),
                Some(stop) => {
                    tracing::info!("stopping; once more to stop at once");
                    stop.set();
                }
            }
        }
    };
    let spawned = std::thread::Builder::new().name("signals".into()).spawn(watch);
    spawned.map(|_| ()).map_err(|e| Failure::Failed(format!("cannot start a thread: {e}")))
}

/// Follows the workers to their end; the first fault stops all of them.
fn attend(running: &Running, workers: usize, when_ready: impl FnOnce()) -> Result<(), Fault> {
    let mut when_ready = Some(when_ready);
    let mut ready = 0;
    let mut ended = 0;
    let mut result = Ok(());
    while ended < workers {
        // The senders are in the workers' threads: without them there is nobody left to wait for.
        let Ok(notice) = running.notices.recv() else { break };
        match notice {
            Notice::Ready { worker } => {
                tracing::info!(worker, "ready");
                ready += 1;
                if ready == workers
                    && let Some(when_ready) = when_ready.take()
                {
                    when_ready();
                }
            }
            Notice::Ended { worker, result: end } => {
                ended += 1;
                if let Err(fault) = end {
                    tracing::error!(worker, "ended: {fault}");
                    running.stop.set();
                    result = result.and(Err(fault));
                }
            }
        }
    }
    result
}

fn ready_line(tasks: i32, workers: usize, server: Option<&Server>) -> String {
    let workers = if workers == 1 { "1 worker".to_owned() } else { format!("{workers} workers") };
    let http = server.map_or_else(|| "no http".to_owned(), |s| format!("http://{}", s.address()));
    format!("READY {tasks} tasks, {workers}, {http}")
}

/// A fault in words that say what to do.
fn advise(fault: &Fault, config: &Config) -> String {
    match fault {
        Fault::Log(LogError::Fenced(why)) => format!(
            "another process has taken the place of instance {} of `{}` ({why}). If both are meant to run, give each its own --instance",
            config.instance, config.app
        ),
        other => other.to_string(),
    }
}
