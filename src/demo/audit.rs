//! Every record of the public topics, for the auditor or for a file. Checks nothing itself.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use auditor::{Auditor, Names, Options, Record, Report};

use crate::log::memory::MemoryBroker;

/// Records taken at once.
const PAGE: usize = 10_000;

/// The whole log, once everything is decided and every level is written.
pub fn run(broker: &MemoryBroker) -> Report {
    let mut auditor = Auditor::new(Names::default(), Options::default());
    // It fails only if `each` does.
    let _ = each(broker, |record| {
        auditor.record(record);
        Ok(())
    });
    auditor.finish()
}

/// One record as JSON a line, for `waybill verify --dump`.
pub fn dump(broker: &MemoryBroker, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    each(broker, |record| auditor::dump::write(&mut out, record))?;
    out.flush()
}

fn each(broker: &MemoryBroker, mut each: impl FnMut(&Record) -> io::Result<()>) -> io::Result<()> {
    let partitions = broker.topics();
    // In the order that the auditor needs least memory for.
    for topic in Names::default().topics() {
        let count = partitions.iter().find(|(name, _)| name == topic).map_or(0, |(_, count)| *count);
        for partition in 0..count {
            let mut from = 0;
            loop {
                let (records, next) = broker.read_from(topic, partition, from, PAGE);
                for record in &records {
                    let headers = record.headers();
                    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.unwrap_or_default())).collect();
                    each(&Record {
                        topic,
                        partition,
                        offset: record.offset,
                        timestamp: record.timestamp(),
                        key: record.key(),
                        value: record.value(),
                        headers: &headers,
                    })?;
                }
                if next == from {
                    break;
                }
                from = next;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use auditor::Kind;

    use super::*;
    use crate::log::memory::Clock;

    #[test]
    fn an_order_without_an_answer_and_an_answer_without_an_order_are_found_and_dumped() {
        let broker = MemoryBroker::new(Clock::Manual(0));
        for topic in Names::default().topics() {
            broker.create_topic(topic, 2).unwrap();
        }
        assert!(run(&broker).ok());
        let put = |topic: &str, value: &str| {
            broker.produce(topic, 1, Some(b"1"), Some(value.as_bytes()), &[("a", None)], Some(5)).unwrap();
        };
        put("orders", r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":1}]}"#);
        put("order-events", r#"{"no":"event"}"#);
        let report = run(&broker);
        assert_eq!((report.counts.records, report.by_kind.contains_key(&Kind::NoOutcome)), (2, true));
        assert!(report.by_kind.contains_key(&Kind::MalformedOutput));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        dump(&broker, &path).unwrap();
        let mut seen = vec![];
        let read = |record: &Record| seen.push((record.topic.to_owned(), record.partition, record.timestamp, record.key == Some(b"1")));
        assert_eq!(auditor::dump::read(io::BufReader::new(File::open(&path).unwrap()), read).unwrap(), 2);
        assert_eq!(seen, ["orders", "order-events"].map(|topic| (topic.to_owned(), 1, 5, true)));
    }
}
