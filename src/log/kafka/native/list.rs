//! Partitions with offsets, as librdkafka passes them. Asks nobody.

use std::ffi::CString;

use rdkafka::bindings as c;

use super::{Code, text};

/// A list of partitions with offsets, as librdkafka wants it.
pub struct PartitionList(pub(super) *mut c::rd_kafka_topic_partition_list_t);

/// Start at the beginning / there is no committed offset / the latest, as librdkafka numbers them.
pub const OFFSET_BEGINNING: i64 = -2;
pub const OFFSET_NONE: i64 = -1001;
pub const OFFSET_LATEST: i64 = -1;

impl PartitionList {
    pub fn new<'a>(partitions: impl IntoIterator<Item = (&'a str, i32, i64)>) -> PartitionList {
        // Safe: the list is created here and owned by the handle; `add` copies the topic's name.
        unsafe {
            let list = c::rd_kafka_topic_partition_list_new(8);
            for (topic, partition, offset) in partitions {
                // Topic names come from Kafka or from checked configuration; neither has zero bytes.
                let name = CString::new(topic).unwrap_or_default();
                (*c::rd_kafka_topic_partition_list_add(list, name.as_ptr(), partition)).offset = offset;
            }
            PartitionList(list)
        }
    }

    /// (topic, partition, offset, error) of each.
    pub fn entries(&self) -> Vec<(String, i32, i64, Code)> {
        unsafe { entries(self.0) }
    }
}

pub(super) unsafe fn entries(list: *const c::rd_kafka_topic_partition_list_t) -> Vec<(String, i32, i64, Code)> {
    if list.is_null() {
        return vec![];
    }
    // Safe: `elems` has `cnt` entries.
    unsafe {
        let elements = std::slice::from_raw_parts((*list).elems, usize::try_from((*list).cnt).unwrap_or(0));
        elements.iter().map(|e| (text(e.topic), e.partition, e.offset, e.err)).collect()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        unsafe { c::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}
