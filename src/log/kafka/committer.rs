//! The producer and its thread: runs one transaction from begin to commit while the worker decides the next batch.
//!
//! Order: offsets, records, commit. The broker writes the end markers of the transaction before after it has answered
//! its commit; until then it refuses new partitions, and librdkafka then waits a fixed 20 ms before it asks again, but
//! only `retry.backoff.ms` when it is the offsets that were refused. So the offsets go first and meet it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::classify;
use super::native::{Consumer, Fault, GroupMetadata, PartitionList, Producer};
use super::settings::KafkaConfig;
use crate::failpoint;
use crate::log::{Commit, LogError, TopicId, Topics, Tp, Transaction};

/// A call to the transaction coordinator takes at most this long, then the producer is given up and another made.
const STEP_TIMEOUT: Duration = Duration::from_secs(15);
/// A new producer waits this long for the coordinator.
const INIT_TIMEOUT: Duration = Duration::from_secs(5);

enum Job {
    Commit(Transaction, GroupMetadata),
    Renew,
}

enum Outcome {
    Commit(Commit),
    Renewed(Result<(), LogError>),
}

pub struct Committer {
    jobs: Option<Sender<Job>>,
    outcomes: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub fn start(config: Arc<KafkaConfig>, topics: Arc<Topics>, consumer: Arc<Consumer>) -> Result<Committer, LogError> {
        let (jobs, todo) = channel();
        let (done, outcomes) = channel();
        let mut line = Line { producer: Some(new_producer(&config, &topics)?), config, topics };
        let thread = std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || {
                for job in todo {
                    let outcome = match job {
                        Job::Commit(transaction, group) => Outcome::Commit(line.run(transaction, &group)),
                        Job::Renew => Outcome::Renewed(line.renew()),
                    };
                    if done.send(outcome).is_err() {
                        break;
                    }
                    consumer.wake();
                }
                line.abort();
            })
            .map_err(|e| LogError::Fatal(format!("cannot start a thread: {e}")))?;
        Ok(Committer { jobs: Some(jobs), outcomes, thread: Some(thread) })
    }

    pub fn commit(&self, transaction: Transaction, group: GroupMetadata) {
        // A thread that is gone shows in `ended`.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Commit(transaction, group));
        }
    }

    pub fn ended(&mut self) -> Option<Commit> {
        match self.outcomes.try_recv() {
            Ok(Outcome::Commit(commit)) => Some(commit),
            Ok(Outcome::Renewed(_)) | Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Commit::Failed { error: LogError::Fatal("the committing thread has ended".into()) }),
        }
    }

    /// Gives the producer up and makes another under the same id.
    pub fn renew(&mut self) -> Result<(), LogError> {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Renew);
        }
        loop {
            match self.outcomes.recv() {
                Ok(Outcome::Renewed(result)) => return result,
                // The failed commit that is the reason for this.
                Ok(Outcome::Commit(_)) => {}
                Err(_) => return Err(LogError::Fatal("the committing thread has ended".into())),
            }
        }
    }

    /// Aborts an open transaction and ends the thread.
    pub fn stop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the committing thread panicked");
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What lives on the thread.
struct Line {
    producer: Option<Producer>,
    config: Arc<KafkaConfig>,
    topics: Arc<Topics>,
}

fn new_producer(config: &KafkaConfig, topics: &Topics) -> Result<Producer, LogError> {
    let producer = Producer::new(&config.producer(), topics.ids().map(|id| topics.name(id))).map_err(|e| classify(&e))?;
    let deadline = Instant::now() + INIT_TIMEOUT;
    loop {
        match producer.connect(INIT_TIMEOUT).and_then(|()| producer.init_transactions(INIT_TIMEOUT)) {
            Ok(()) => return Ok(producer),
            Err(fault) if fault.retriable && Instant::now() < deadline => {}
            Err(fault) => return Err(classify(&fault)),
        }
    }
}

impl Line {
    fn run(&mut self, transaction: Transaction, group: &GroupMetadata) -> Commit {
        let started = Instant::now();
        match self.transact(transaction, group) {
            Ok((transaction, ends)) => Commit::Done { transaction, ends, took: started.elapsed() },
            Err(fault) => Commit::Failed { error: classify(&fault) },
        }
    }

    /// The transaction comes back with where each partition that it wrote to ends now.
    fn transact(&mut self, mut transaction: Transaction, group: &GroupMetadata) -> Result<(Transaction, Vec<(Tp, i64)>), Fault> {
        let producer = self
            .producer
            .as_mut()
            .ok_or_else(|| Fault::of(rdkafka::bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__STATE, "commit without a producer"))?;
        failpoint::reach("before-produce");
        producer.begin()?;
        if !transaction.offsets.is_empty() {
            let offsets =
                PartitionList::new(transaction.offsets.iter().map(|(tp, offset)| (self.topics.name(tp.topic), tp.partition, *offset)));
            producer.send_offsets(&offsets, group, STEP_TIMEOUT)?;
            failpoint::reach("after-offsets");
        }
        producer.produce(std::mem::take(&mut transaction.records))?;
        failpoint::reach("after-produce");
        failpoint::reach_soon("during-commit");
        transaction.records = producer.commit(STEP_TIMEOUT)?;
        let ends = producer.take_delivered()?;
        failpoint::reach("after-commit");
        let ends = ends.into_iter().map(|(topic, partition, end)| (Tp::new(TopicId(topic as u16), partition), end)).collect();
        Ok((transaction, ends))
    }

    fn renew(&mut self) -> Result<(), LogError> {
        // The old one first: its memory and connections go before the new one's come.
        self.producer = None;
        self.producer = Some(new_producer(&self.config, &self.topics)?);
        Ok(())
    }

    fn abort(&mut self) {
        if let Some(producer) = self.producer.take() {
            // Nothing is open after a commit; an error only says so.
            let _ = producer.abort(STEP_TIMEOUT);
        }
    }
}
