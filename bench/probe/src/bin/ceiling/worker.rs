//! One consumer and one producer, what was read and is to be written between them, and the commit of that.

use std::collections::HashMap;
use std::ffi::{c_int, CStr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings::*;

use crate::client::*;
use crate::millis;

pub(crate) static STOP: AtomicBool = AtomicBool::new(false);
pub(crate) extern "C" fn on_sig(_: c_int) {
    STOP.store(true, SeqCst);
}
pub(crate) static RECORDS: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) txns: u64,
    pub(crate) records: u64,
    pub(crate) offsets_ms: Vec<f64>,
    pub(crate) commit_ms: Vec<f64>,
    pub(crate) total_ms: Vec<f64>,
    pub(crate) batch: Vec<f64>,
    pub(crate) wait_ms: Vec<f64>,
}

pub(crate) struct Cfg {
    pub(crate) commit: Option<Duration>,
    pub(crate) batch: usize,
    pub(crate) plain: bool,
    pub(crate) pipeline: bool,
    /// send_offsets before the first produce of each transaction: AddOffsets (retried every retry.backoff.ms) then absorbs
    /// the wait for the previous transaction's end, and AddPartitions (retried after a fixed 20 ms) never meets it.
    pub(crate) offsets_first: bool,
    pub(crate) one_by_one: bool,
    pub(crate) stop_after: u64,
}

/// Highest offset seen per (topic, partition) in the open transaction.
#[derive(Default)]
pub(crate) struct Offs {
    pub(crate) v: Vec<(*mut rd_kafka_topic_t, i32, i64)>,
    pub(crate) last: usize,
}
unsafe impl Send for Offs {}
impl Offs {
    pub(crate) fn note(&mut self, rkt: *mut rd_kafka_topic_t, p: i32, o: i64) {
        if let Some(e) = self.v.get_mut(self.last) {
            if e.0 == rkt && e.1 == p {
                e.2 = o + 1;
                return;
            }
        }
        // Topic handles are compared by pointer first, which differs per message only when librdkafka hands out a new handle.
        for (i, e) in self.v.iter_mut().enumerate() {
            if e.0 == rkt && e.1 == p {
                e.2 = o + 1;
                self.last = i;
                return;
            }
        }
        self.v.push((rkt, p, o + 1));
        self.last = self.v.len() - 1;
    }
    pub(crate) unsafe fn list(&self) -> *mut rd_kafka_topic_partition_list_t {
        let l = rd_kafka_topic_partition_list_new(self.v.len() as c_int);
        for (t, p, o) in &self.v {
            (*rd_kafka_topic_partition_list_add(l, rd_kafka_topic_name(*t), *p)).offset = *o;
        }
        l
    }
}

pub(crate) const TAIL: &str = "\",\"type\":\"accepted\",\"pad\":\"0123456789012345678901234567890123456789012345678901234\"}";

pub(crate) struct Job {
    pub(crate) offs: Offs,
    pub(crate) n: u64,
    pub(crate) t0: Instant,
    /// Outputs to produce after the offsets (offsets-first); None: they are produced already.
    pub(crate) out: Option<Outs>,
}
/// Buffered outputs: (topic, key end, value end) into one arena.
#[derive(Default)]
pub(crate) struct Outs {
    pub(crate) arena: Vec<u8>,
    pub(crate) items: Vec<(*mut rd_kafka_topic_t, usize, usize)>,
}
unsafe impl Send for Outs {}
impl Outs {
    pub(crate) fn push(&mut self, t: *mut rd_kafka_topic_t, k: &[u8], v: &[u8]) {
        self.arena.extend_from_slice(k);
        let ke = self.arena.len();
        self.arena.extend_from_slice(v);
        self.items.push((t, ke, self.arena.len()));
    }
    pub(crate) fn produce_all(&mut self, p: &Prod) {
        let mut s = 0;
        for (t, ke, ve) in self.items.drain(..) {
            p.produce(t, &self.arena[s..ke], &self.arena[ke..ve]);
            s = ve;
        }
        self.arena.clear();
    }
}

pub(crate) struct Worker {
    pub(crate) c: Arc<Cons>,
    pub(crate) p: Arc<Prod>,
    /// input topic name -> output topic handle
    pub(crate) route: HashMap<String, *mut rd_kafka_topic_t>,
    pub(crate) by_ptr: Vec<(*mut rd_kafka_topic_t, *mut rd_kafka_topic_t)>,
    pub(crate) buf: Vec<u8>,
    pub(crate) msgs: Vec<*mut rd_kafka_message_t>,
    pub(crate) st: Stats,
}
unsafe impl Send for Worker {}

impl Worker {
    pub(crate) fn out_of(&mut self, rkt: *mut rd_kafka_topic_t) -> *mut rd_kafka_topic_t {
        for (i, o) in &self.by_ptr {
            if *i == rkt {
                return *o;
            }
        }
        let name = unsafe { CStr::from_ptr(rd_kafka_topic_name(rkt)).to_string_lossy().into_owned() };
        let o = self.route[&name];
        self.by_ptr.push((rkt, o));
        o
    }
    /// Get at most `max` messages; block up to `wait` only for the first one.
    pub(crate) fn poll(&mut self, max: usize, wait: Duration, one_by_one: bool) -> usize {
        unsafe {
            self.msgs.clear();
            let m = rd_kafka_consumer_poll(self.c.rk, wait.as_millis() as c_int);
            if m.is_null() {
                return 0;
            }
            self.msgs.push(m);
            if one_by_one {
                while self.msgs.len() < max {
                    let m = rd_kafka_consumer_poll(self.c.rk, 0);
                    if m.is_null() {
                        break;
                    }
                    self.msgs.push(m);
                }
            } else {
                self.msgs.reserve(max);
                let k = rd_kafka_consume_batch_queue(self.c.q, 0, self.msgs.as_mut_ptr().add(1), max - 1);
                if k > 0 {
                    self.msgs.set_len(1 + k as usize);
                }
            }
            self.msgs.len()
        }
    }
    /// Turns polled messages into outputs: `emit(topic, key, value)`; returns the number handled.
    pub(crate) fn handle(&mut self, offs: &mut Offs, mut emit: impl FnMut(&Prod, *mut rd_kafka_topic_t, &[u8], &[u8])) -> u64 {
        let mut n = 0;
        let msgs = std::mem::take(&mut self.msgs);
        for m in &msgs {
            unsafe {
                let r = &**m;
                if r.err as i32 == 0 {
                    let out = self.out_of(r.rkt);
                    let key = std::slice::from_raw_parts(r.key as *const u8, r.key_len);
                    self.buf.clear();
                    self.buf.extend_from_slice(b"{\"order_id\":\"");
                    self.buf.extend_from_slice(key);
                    self.buf.extend_from_slice(TAIL.as_bytes());
                    emit(&self.p, out, key, &self.buf);
                    offs.note(r.rkt, r.partition, r.offset);
                    n += 1;
                } else if r.err != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF {
                    eprintln!("consumer: {:?}", r.err);
                }
                rd_kafka_message_destroy(*m);
            }
        }
        self.msgs = msgs;
        self.msgs.clear();
        n
    }
    pub(crate) fn done(&self, cfg: &Cfg) -> bool {
        STOP.load(Relaxed) || (cfg.stop_after > 0 && RECORDS.load(Relaxed) >= cfg.stop_after)
    }
}

pub(crate) fn commit_job(p: &Prod, c: &Cons, mut j: Job, st: &mut Stats) {
    unsafe {
        if j.out.is_some() {
            p.begin();
        }
        let t1 = Instant::now();
        let l = j.offs.list();
        let g = rd_kafka_consumer_group_metadata(c.rk);
        p.send_offsets(l, g);
        let t2 = Instant::now();
        rd_kafka_consumer_group_metadata_destroy(g);
        rd_kafka_topic_partition_list_destroy(l);
        if let Some(o) = j.out.as_mut() {
            o.produce_all(p);
        }
        p.commit();
        let t3 = Instant::now();
        st.txns += 1;
        st.records += j.n;
        st.batch.push(j.n as f64);
        st.offsets_ms.push(millis(t2 - t1));
        st.commit_ms.push(millis(t3 - t2));
        st.total_ms.push(millis(t3 - j.t0));
    }
    RECORDS.fetch_add(j.n, Relaxed);
}
