//! A case's surroundings: its own topics and group on a shared cluster, and workers that follow the protocol of the
//! [`Log`] trait as the engine does.

use std::time::{Duration, Instant};

use waybill::log::{Commit, Event, Log, LogError, Message, Progress, Reader, TopicId, Topics, Tp, Transaction};

use crate::cluster::{Cluster, Plain, Seen, Who, name};

/// Nothing takes longer than this by the cluster's clock, on a real broker with busy neighbours; and a transaction that
/// somebody forgot is not saved by its timeout, which is a minute.
const PATIENCE: Duration = Duration::from_secs(45);
const TURN: Duration = Duration::from_millis(50);

pub struct Stage<'a, C: Cluster> {
    pub cluster: &'a mut C,
    /// Makes names unique on the shared cluster.
    prefix: String,
    pub topics: Topics,
}

impl<'a, C: Cluster> Stage<'a, C> {
    pub fn new(cluster: &'a mut C, prefix: String) -> Self {
        Stage { cluster, prefix, topics: Topics::default() }
    }

    pub fn topic(&mut self, short: &str, partitions: i32) -> TopicId {
        let name = self.named(short);
        self.cluster.create_topic(&name, partitions);
        self.topics.add(&name, partitions)
    }

    /// When to give up, in milliseconds of the cluster's clock.
    fn deadline(&self) -> i64 {
        self.cluster.now() + PATIENCE.as_millis() as i64
    }

    /// A topic with one partition.
    pub fn single(&mut self, short: &str) -> Tp {
        Tp::new(self.topic(short, 1), 0)
    }

    pub fn named(&self, short: &str) -> String {
        format!("{}-{short}", self.prefix)
    }

    /// Produces values `<stem>0`, `<stem>1` … under the key `k`.
    pub fn fill(&mut self, tp: Tp, stem: &str, count: usize) -> Vec<i64> {
        let records: Vec<_> = (0..count).map(|i| Plain::new("k", &format!("{stem}{i}"))).collect();
        self.put(tp, &records)
    }

    pub fn put(&mut self, tp: Tp, records: &[Plain]) -> Vec<i64> {
        let (topic, partition) = name(&self.topics, tp);
        self.cluster.produce(topic, partition, records)
    }

    /// A transactional producer of another program, and a way to name partitions to it.
    pub fn producer(&mut self, short: &str) -> C::Producer {
        let id = self.named(short);
        self.cluster.producer(&id, Duration::from_mins(1))
    }

    pub fn name(&self, tp: Tp) -> (String, i32) {
        (self.topics.name(tp.topic).to_owned(), tp.partition)
    }

    /// What is committed, once no transaction is open there.
    pub fn settled(&mut self, tp: Tp) -> Vec<Seen> {
        let (topic, partition) = self.name(tp);
        let deadline = self.deadline();
        loop {
            let (records, stable) = self.cluster.read(&topic, partition, true);
            let (_, end) = self.cluster.read(&topic, partition, false);
            if stable == end {
                return records;
            }
            assert!(self.cluster.now() < deadline, "{topic}[{partition}] is readable to {stable} of {end} only");
            self.cluster.pass(TURN);
        }
    }

    pub fn settled_texts(&mut self, tp: Tp) -> Vec<String> {
        self.settled(tp).iter().map(Seen::text).collect()
    }

    /// What a `read_committed` reader sees just now.
    pub fn visible(&mut self, tp: Tp) -> Vec<String> {
        let (topic, partition) = self.name(tp);
        self.cluster.read(&topic, partition, true).0.iter().map(Seen::text).collect()
    }

    pub fn who(&self, short: &str, subscribe: &[TopicId]) -> Who {
        Who {
            group: self.named("group"),
            instance: self.named(short),
            transactional_id: self.named(short),
            subscribe: subscribe.iter().map(|id| self.topics.name(*id).to_owned()).collect(),
            session_ms: 6_000,
            max_poll_ms: 300_000,
        }
    }

    /// As the engine does: a broker that has just started may not have its coordinators yet.
    pub fn client(&mut self, who: &Who) -> Worker<C::Log> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.cluster.client(who, &self.topics) {
                Err(LogError::Retry(_)) if Instant::now() < deadline => std::thread::sleep(TURN),
                made => return Worker::new(made.unwrap()),
            }
        }
    }

    /// A client that has not asked for partitions yet.
    pub fn newcomer(&mut self, short: &str, subscribe: &[TopicId]) -> Worker<C::Log> {
        let who = self.who(short, subscribe);
        self.client(&who)
    }

    /// A client that has its partitions and reads them.
    pub fn joined(&mut self, short: &str, subscribe: &[TopicId]) -> Worker<C::Log> {
        let mut worker = self.newcomer(short, subscribe);
        worker.until(self, "an assignment", Worker::is_assigned);
        worker
    }

    /// A client that reads nothing; it commits, restores, and asks.
    pub fn writer(&mut self, short: &str) -> Worker<C::Log> {
        let scratch = self.topics.find(&self.named("scratch")).unwrap_or_else(|| self.topic("scratch", 1));
        self.joined(short, &[scratch])
    }

    /// Lets all workers take turns until `done`, and fails if that never comes.
    pub fn all_until(&mut self, workers: &mut [&mut Worker<C::Log>], what: &str, mut done: impl FnMut(&[&mut Worker<C::Log>]) -> bool) {
        let deadline = self.deadline();
        while !done(workers) {
            assert!(self.cluster.now() < deadline, "waited in vain for {what}");
            for worker in workers.iter_mut() {
                worker.turn().unwrap();
            }
            self.cluster.pass(Duration::from_millis(1));
        }
    }

    /// Lets all workers take turns until they own `total` partitions together.
    pub fn share_out(&mut self, workers: &mut [&mut Worker<C::Log>], total: usize) {
        self.all_until(workers, "the partitions to be shared out", |workers| {
            let mut all: Vec<_> = workers.iter().flat_map(|w| w.partitions()).collect();
            all.sort_unstable();
            all.dedup();
            let given: usize = workers.iter().map(|w| w.partitions().len()).sum();
            workers.iter().all(|w| w.is_assigned()) && all.len() == total && given == total
        });
    }
}

pub fn texts(records: &[Seen]) -> Vec<String> {
    records.iter().map(Seen::text).collect()
}

pub fn numbered(stem: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{stem}{i}")).collect()
}

/// One transaction: records (partition, key, value) and offsets.
pub fn transaction(records: &[(Tp, &str, &str)], offsets: &[(Tp, i64)]) -> Transaction {
    let mut transaction = Transaction { offsets: offsets.to_vec(), ..Transaction::default() };
    for (tp, key, value) in records {
        transaction.records.push(*tp, Some(key.as_bytes()), Some(value.as_bytes()), &[]);
    }
    transaction
}

/// A log client and what it has seen. Takes what the group gives and gives back what the group wants.
pub struct Worker<L: Log> {
    pub log: L,
    /// What it owns and reads; `None` between assignments.
    pub assigned: Option<Vec<Tp>>,
    pub starts: Vec<(Tp, i64)>,
    pub records: Vec<(Tp, Seen)>,
    pub ends: Vec<(Tp, i64)>,
    /// How often partitions were given, wanted back, lost.
    pub assignments: usize,
    pub revocations: usize,
    pub losses: usize,
    /// Partitions that it does not begin to read when it gets them.
    pub pause: Vec<Tp>,
    /// Off: it is told of revocations and does not follow.
    pub gives_back: bool,
}

impl<L: Log> Worker<L> {
    pub fn new(log: L) -> Worker<L> {
        Worker {
            log,
            assigned: None,
            starts: Vec::new(),
            records: Vec::new(),
            ends: Vec::new(),
            assignments: 0,
            revocations: 0,
            losses: 0,
            pause: Vec::new(),
            gives_back: true,
        }
    }

    /// Polls once and does what the events ask for.
    pub fn turn(&mut self) -> Result<(), LogError> {
        let mut events = Vec::new();
        self.log.poll(TURN, 1_000, &mut events)?;
        for event in events {
            match event {
                Event::Record(message) => self.records.push((message.tp(), seen(&message))),
                Event::End { tp, next } => self.ends.push((tp, next)),
                Event::Assigned(partitions) => {
                    self.assignments += 1;
                    self.starts = self.assign(&partitions)?;
                    self.assigned = Some(partitions);
                }
                Event::Revoked => {
                    self.revocations += 1;
                    if self.gives_back {
                        self.give_back()?;
                    }
                }
                Event::Lost => {
                    self.losses += 1;
                    self.give_back()?;
                }
            }
        }
        Ok(())
    }

    /// As the engine does: an offset that is not stable yet is asked for again.
    fn assign(&mut self, partitions: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.log.assign(partitions, &self.pause) {
                Err(LogError::Retry(_)) if Instant::now() < deadline => std::thread::sleep(TURN),
                other => return other,
            }
        }
    }

    pub fn give_back(&mut self) -> Result<(), LogError> {
        self.assigned = None;
        self.log.unassign()
    }

    pub fn is_assigned(&self) -> bool {
        self.assigned.is_some()
    }

    pub fn partitions(&self) -> Vec<Tp> {
        let mut partitions = self.assigned.clone().unwrap_or_default();
        partitions.sort_unstable();
        partitions
    }

    pub fn until<C: Cluster<Log = L>>(&mut self, stage: &mut Stage<'_, C>, what: &str, mut done: impl FnMut(&Self) -> bool) {
        stage.all_until(&mut [self], what, |workers| done(workers[0]));
    }

    /// Polls until so many records are there in all, and returns their values in order.
    pub fn take<C: Cluster<Log = L>>(&mut self, stage: &mut Stage<'_, C>, count: usize) -> Vec<String> {
        self.until(stage, &format!("{count} records"), |w| w.records.len() >= count);
        self.texts()
    }

    /// Polls some more and hopes for nothing.
    pub fn linger<C: Cluster<Log = L>>(&mut self, stage: &mut Stage<'_, C>) {
        for _ in 0..8 {
            self.turn().unwrap();
            stage.cluster.pass(Duration::from_millis(1));
        }
    }

    pub fn until_end<C: Cluster<Log = L>>(&mut self, stage: &mut Stage<'_, C>, tp: Tp, next: i64) {
        self.until(stage, &format!("the end of {tp:?} at {next}"), |w| w.ends.contains(&(tp, next)));
    }

    pub fn texts(&self) -> Vec<String> {
        self.records.iter().map(|(_, r)| r.text()).collect()
    }

    pub fn texts_of(&self, tp: Tp) -> Vec<String> {
        self.records.iter().filter(|(t, _)| *t == tp).map(|(_, r)| r.text()).collect()
    }

    /// Commits and waits for the outcome.
    pub fn try_commit<C: Cluster<Log = L>>(
        &mut self,
        stage: &mut Stage<'_, C>,
        transaction: Transaction,
    ) -> Result<Vec<(Tp, i64)>, LogError> {
        self.log.commit(transaction);
        let deadline = stage.deadline();
        loop {
            match self.log.committed() {
                Some(Commit::Done { mut ends, .. }) => {
                    ends.sort_unstable();
                    return Ok(ends);
                }
                Some(Commit::Failed { error }) => return Err(error),
                None => {}
            }
            assert!(stage.cluster.now() < deadline, "the commit does not end");
            std::thread::sleep(Duration::from_millis(1));
            stage.cluster.pass(Duration::from_millis(1));
        }
    }

    pub fn commit<C: Cluster<Log = L>>(&mut self, stage: &mut Stage<'_, C>, transaction: Transaction) -> Vec<(Tp, i64)> {
        self.try_commit(stage, transaction).unwrap()
    }
}

/// Reads to the end; offset, key and value of each record.
pub fn read_all<C: Cluster>(stage: &mut Stage<'_, C>, mut reader: impl Reader) -> (Vec<(i64, String, Option<String>)>, Progress) {
    let deadline = stage.deadline();
    let mut records = Vec::new();
    let mut progress = reader.progress();
    while !progress.is_complete() {
        assert!(stage.cluster.now() < deadline, "the reader does not get further: {progress:?}");
        progress = read_some(&mut reader, &mut records);
        stage.cluster.pass(Duration::from_millis(1));
    }
    (records, progress)
}

pub fn read_some(reader: &mut impl Reader, records: &mut Vec<(i64, String, Option<String>)>) -> Progress {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    reader.next(&mut |offset, key, value| records.push((offset, text(key), value.map(text)))).unwrap()
}

fn seen(message: &impl Message) -> Seen {
    Seen {
        partition: message.tp().partition,
        offset: message.offset(),
        timestamp: message.timestamp(),
        key: message.key().map(Into::into),
        value: message.value().map(Into::into),
        headers: message.headers().iter().map(|(name, value)| ((*name).to_owned(), value.map(Into::into))).collect(),
    }
}

/// Waits until the group has committed these offsets: a transaction that has ended may still be on its way into them.
pub fn offsets_become(log: &mut impl Log, partitions: &[Tp], expected: &[Option<i64>]) {
    let mut seen = vec![];
    for _ in 0..250 {
        seen = log.group_offsets(partitions).unwrap();
        if seen == expected {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(seen, expected);
}
