//! Reads one changelog partition, committed records only, to the end it had when the reader was made.
//!
//! The end counts uncommitted records: a transaction that had ended by then may still miss its marker in this
//! partition, and what it wrote must not be left out.

use std::time::{Duration, Instant};

use rdkafka::bindings::rd_kafka_resp_err_t as Code;

use super::native::{Consumer, PartitionList};
use super::settings::KafkaConfig;
use super::{REQUEST_TIMEOUT, classify};
use crate::log::{LogError, Progress, Reader};

/// At most this many records per call.
const BATCH: usize = 10_000;

pub struct KafkaReader {
    /// `None`: there is nothing to read.
    consumer: Option<Consumer>,
    progress: Progress,
    topic: String,
    partition: i32,
    last_progress: Instant,
}

impl KafkaReader {
    pub(super) fn new(config: &KafkaConfig, meta: &Consumer, topic: &str, partition: i32, from: i64) -> Result<KafkaReader, LogError> {
        let (start, end) = meta.watermarks(topic, partition, REQUEST_TIMEOUT).map_err(|e| classify(&e))?;
        let progress = Progress { position: from.max(start), end, start };
        let consumer = if progress.is_complete() {
            None
        } else {
            let consumer = Consumer::new(&config.reader()).map_err(|e| classify(&e))?;
            consumer.assign(&PartitionList::new([(topic, partition, progress.position)])).map_err(|e| classify(&e))?;
            Some(consumer)
        };
        Ok(KafkaReader { consumer, progress, topic: topic.to_owned(), partition, last_progress: Instant::now() })
    }
}

impl Reader for KafkaReader {
    fn progress(&self) -> Progress {
        self.progress
    }

    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8], Option<&[u8]>)) -> Result<Progress, LogError> {
        let Some(consumer) = &self.consumer else { return Ok(self.progress) };
        let before = self.progress.position;
        let mut wait = Duration::from_millis(100);
        for _ in 0..BATCH {
            let Some(message) = consumer.poll(wait) else { break };
            wait = Duration::ZERO;
            match message.error() {
                Code::RD_KAFKA_RESP_ERR_NO_ERROR => {
                    if let Some(key) = message.key() {
                        each(message.offset(), key, message.value());
                    }
                    self.progress.position = message.offset() + 1;
                }
                Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => self.progress.position = self.progress.position.max(message.offset()),
                Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE | Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET => {
                    return Err(LogError::Fatal(format!(
                        "{}[{}] was cut while it was read: {}",
                        self.topic,
                        self.partition,
                        message.error_text()
                    )));
                }
                code => tracing::debug!(?code, "reading {}[{}]: {}", self.topic, self.partition, message.error_text()),
            }
            if self.progress.is_complete() {
                break;
            }
        }
        if self.progress.position > before {
            self.last_progress = Instant::now();
        } else if self.last_progress.elapsed() > Duration::from_secs(10) {
            self.last_progress = Instant::now();
            tracing::warn!(
                "restoring {}[{}] waits at offset {} of {}: the broker is out of reach or a transaction is open there. If it \
                 stays so, look for that with `kafka-transactions.sh find-hanging`",
                self.topic,
                self.partition,
                self.progress.position,
                self.progress.end
            );
        }
        Ok(self.progress)
    }
}
