//! A transactional producer. When to begin, commit and give up is its caller's.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as c;

use super::{Code, Fault, GroupMetadata, PartitionList, Properties, check, config_fault, configuration, millis, text};
use crate::log::{RecordRef, Records};

/// What delivery reports said since the last [`Producer::take_delivered`].
#[derive(Default)]
struct Delivered {
    /// (topic handle, partition, last offset).
    last: Vec<(usize, i32, i64)>,
    failed: Option<Code>,
}

/// A transactional producer.
pub struct Producer {
    rk: *mut c::rd_kafka_t,
    topics: Vec<*mut c::rd_kafka_topic_t>,
    delivered: Box<Mutex<Delivered>>,
    /// What librdkafka reads its values from: it has pointers into these from [`Producer::produce`] until every record is
    /// delivered, or until the handle is destroyed, which is before this is dropped.
    held: Option<Records>,
}

// Safe: librdkafka handles are thread safe.
unsafe impl Send for Producer {}

unsafe extern "C" fn on_delivery(_: *mut c::rd_kafka_t, message: *const c::rd_kafka_message_t, opaque: *mut c_void) {
    // Safe: the opaque is the box in `Producer`, which outlives the handle.
    let (m, delivered) = unsafe { (&*message, &*opaque.cast::<Mutex<Delivered>>()) };
    let mut delivered = delivered.lock().unwrap_or_else(PoisonError::into_inner);
    if m.err != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
        delivered.failed = Some(m.err);
        return;
    }
    let (topic, partition, offset) = (m.rkt as usize, m.partition, m.offset);
    match delivered.last.iter_mut().find(|(t, p, _)| (*t, *p) == (topic, partition)) {
        Some(entry) => entry.2 = entry.2.max(offset),
        None => delivered.last.push((topic, partition, offset)),
    }
}

impl Producer {
    /// `topics`: those that records go to, by index.
    pub fn new<'a>(properties: &Properties, topics: impl IntoIterator<Item = &'a str>) -> Result<Producer, Fault> {
        let delivered: Box<Mutex<Delivered>> = Box::default();
        // Safe: as for the consumer.
        unsafe {
            let conf = configuration(properties)?;
            c::rd_kafka_conf_set_opaque(conf, ptr::from_ref(&*delivered).cast_mut().cast());
            c::rd_kafka_conf_set_dr_msg_cb(conf, Some(on_delivery));
            let mut message: [c_char; 512] = [0; 512];
            let rk = c::rd_kafka_new(c::rd_kafka_type_t::RD_KAFKA_PRODUCER, conf, message.as_mut_ptr(), message.len());
            if rk.is_null() {
                c::rd_kafka_conf_destroy(conf);
                return Err(config_fault(text(message.as_ptr())));
            }
            let topics = topics
                .into_iter()
                .map(|name| {
                    let name = CString::new(name).unwrap_or_default();
                    c::rd_kafka_topic_new(rk, name.as_ptr(), ptr::null_mut())
                })
                .collect();
            Ok(Producer { rk, topics, delivered, held: None })
        }
    }

    /// Waits for a connection to a broker by its own name. Without one, [`Producer::init_transactions`] would look again
    /// only half a second later. The first answer names the brokers, and librdkafka then gives up the connection by which
    /// it came; the second comes by another.
    pub fn connect(&self, wait: Duration) -> Result<(), Fault> {
        for _ in 0..2 {
            let mut metadata = ptr::null();
            // Safe: destroyed once, if there is any.
            unsafe {
                let error = c::rd_kafka_metadata(self.rk, 0, ptr::null_mut(), &raw mut metadata, millis(wait));
                if !metadata.is_null() {
                    c::rd_kafka_metadata_destroy(metadata);
                }
                if error != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return Err(Fault::of(error, "connect"));
                }
            }
        }
        Ok(())
    }

    /// Takes the transactional id: ends what a predecessor left open and fences it.
    pub fn init_transactions(&self, wait: Duration) -> Result<(), Fault> {
        check(unsafe { c::rd_kafka_init_transactions(self.rk, millis(wait)) }, "init transactions")
    }

    pub fn begin(&self) -> Result<(), Fault> {
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        delivered.last.clear();
        delivered.failed = None;
        drop(delivered);
        check(unsafe { c::rd_kafka_begin_transaction(self.rk) }, "begin transaction")
    }

    pub fn send_offsets(&self, offsets: &PartitionList, group: &GroupMetadata, wait: Duration) -> Result<(), Fault> {
        let error = unsafe { c::rd_kafka_send_offsets_to_transaction(self.rk, offsets.0, group.0, millis(wait)) };
        check(error, "send offsets to transaction")
    }

    /// Queues records, partition by partition: librdkafka's queue is short, and so fills large batches and few requests.
    /// Values are not copied: the records stay here until [`Producer::commit`] gives them back. Waits while the queue is
    /// full. After a failure nothing else can be produced.
    pub fn produce(&mut self, records: Records) -> Result<(), Fault> {
        if self.held.is_some() {
            return Err(Fault::of(Code::RD_KAFKA_RESP_ERR__STATE, "produce after a failure"));
        }
        let records = self.held.insert(records);
        for (n, record) in records.by_partition().enumerate() {
            // Safe: `records` is neither moved nor changed while librdkafka may read from it.
            unsafe { queue(self.rk, self.topics[usize::from(record.tp.topic.0)], &record) }?;
            if n % SERVED_AT_ONCE == SERVED_AT_ONCE - 1 {
                unsafe { c::rd_kafka_poll(self.rk, 0) };
            }
        }
        Ok(())
    }

    /// Waits for every queued record and commits; gives back what was produced.
    pub fn commit(&mut self, wait: Duration) -> Result<Records, Fault> {
        check(unsafe { c::rd_kafka_commit_transaction(self.rk, millis(wait)) }, "commit transaction")?;
        // All are delivered.
        Ok(self.held.take().unwrap_or_default())
    }

    pub fn abort(&self, wait: Duration) -> Result<(), Fault> {
        unsafe { c::rd_kafka_purge(self.rk, (c::RD_KAFKA_PURGE_F_QUEUE | c::RD_KAFKA_PURGE_F_INFLIGHT) as c_int) };
        check(unsafe { c::rd_kafka_abort_transaction(self.rk, millis(wait)) }, "abort transaction")
    }

    /// For each partition written since `begin`: (topic index, partition, offset after the last record). An error if
    /// a record could not be delivered.
    pub fn take_delivered(&self) -> Result<Vec<(usize, i32, i64)>, Fault> {
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = delivered.failed.take() {
            return Err(Fault::of(code, "deliver"));
        }
        let last = std::mem::take(&mut delivered.last);
        Ok(last
            .into_iter()
            .filter_map(|(handle, partition, offset)| {
                let topic = self.topics.iter().position(|t| *t as usize == handle)?;
                Some((topic, partition, offset + 1))
            })
            .collect())
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        unsafe {
            c::rd_kafka_purge(self.rk, (c::RD_KAFKA_PURGE_F_QUEUE | c::RD_KAFKA_PURGE_F_INFLIGHT) as c_int);
            for topic in &self.topics {
                c::rd_kafka_topic_destroy(*topic);
            }
            c::rd_kafka_destroy(self.rk);
        }
    }
}

/// Delivery reports are served after so many records.
const SERVED_AT_ONCE: usize = 1024;

/// Queues a record. Key and headers are copied.
///
/// # Safety
/// `rk` and `topic` are alive, and the value's bytes stay where they are until the record is delivered or `rk` destroyed.
unsafe fn queue(rk: *mut c::rd_kafka_t, topic: *mut c::rd_kafka_topic_t, record: &RecordRef<'_>) -> Result<(), Fault> {
    use c::rd_kafka_vtype_t as V;
    type U = c::rd_kafka_vu_s__bindgen_ty_1;
    let memory = |bytes: Option<&[u8]>| c::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
        ptr: bytes.map_or(ptr::null_mut(), |b| b.as_ptr().cast_mut().cast()),
        size: bytes.map_or(0, <[u8]>::len),
    };
    let vu = |vtype, u| c::rd_kafka_vu_t { vtype, u };
    // Safe: as above; librdkafka owns `list` on success.
    unsafe {
        let count = record.header_count();
        let list = if count == 0 { ptr::null_mut() } else { c::rd_kafka_headers_new(count) };
        for (name, value) in record.headers() {
            let (data, size) = value.map_or((ptr::null(), 0), |v| (v.as_ptr(), v.len() as isize));
            c::rd_kafka_header_add(list, name.as_ptr().cast(), name.len() as isize, data.cast(), size);
        }
        let mut arguments = [
            vu(V::RD_KAFKA_VTYPE_RKT, U { rkt: topic }),
            vu(V::RD_KAFKA_VTYPE_PARTITION, U { i32_: record.tp.partition }),
            vu(V::RD_KAFKA_VTYPE_KEY, U { mem: memory(record.key) }),
            vu(V::RD_KAFKA_VTYPE_VALUE, U { mem: memory(record.value) }),
            vu(V::RD_KAFKA_VTYPE_HEADERS, U { headers: list }),
        ];
        let used = if count == 0 { 4 } else { 5 };
        loop {
            match check(c::rd_kafka_produceva(rk, arguments.as_mut_ptr(), used), "produce") {
                Err(fault) if fault.code == Code::RD_KAFKA_RESP_ERR__QUEUE_FULL => {
                    c::rd_kafka_poll(rk, 5);
                }
                Ok(()) => return Ok(()),
                Err(fault) => {
                    if !list.is_null() {
                        c::rd_kafka_headers_destroy(list);
                    }
                    return Err(fault);
                }
            }
        }
    }
}
