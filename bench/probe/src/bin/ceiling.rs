//! The raw cost floor of transactional Kafka work with librdkafka (native API), no state.
//!   ceiling cycle   : back-to-back transactions, phase times (begin/produce/flush/offsets/commit)
//!   ceiling forward : consume -> produce -> commit loop, one or more hops
use probe::*;
use rdkafka::bindings::*;
use serde_json::json;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{mpsc, Arc, Mutex};
use std::time::{Duration, Instant};

const HELP: &str = "ceiling cycle [--count N] [--records 1] [--producers 1|2] [--api native|native-nodr|rust|rust-drain] [--no-offsets] [--flush-first] [--offsets-first]
        [--groups-partitions K] [--linger 0] [--retry-backoff 1] [--set k=v]... [--cset k=v]... [--eos-debug] [--gap-ms G]
ceiling forward [--hops orders,order-events] [--mode threads|one] [--threads 1] [--adaptive | --commit-ms T] [--batch N] [--plain] [--pipeline] [--offsets-first]
        [--group G] [--secs T | --stop-after N] [--set k=v]... [--cset k=v]... [--one-by-one]";

static CONCURRENT: AtomicU64 = AtomicU64::new(0);
static CONC_PARTS: AtomicU64 = AtomicU64::new(0);
static CONC_OFFS: AtomicU64 = AtomicU64::new(0);
unsafe extern "C" fn log_cb(_: *const rd_kafka_t, level: c_int, fac: *const c_char, buf: *const c_char) {
    let f = CStr::from_ptr(fac).to_string_lossy();
    let b = CStr::from_ptr(buf).to_string_lossy();
    if level == 7 {
        if b.contains("concurrent") || b.contains("CONCURRENT") || b.contains("another concurrent operation") {
            CONCURRENT.fetch_add(1, Relaxed);
            match &*f {
                "ADDPARTS" => CONC_PARTS.fetch_add(1, Relaxed),
                _ => CONC_OFFS.fetch_add(1, Relaxed),
            };
        }
        if std::env::var_os("CEILING_LOG").is_some() {
            eprintln!("{f}: {b}");
        }
        return;
    }
    eprintln!("[{level}] {f}: {b}");
}
unsafe extern "C" fn dr_cb(_: *mut rd_kafka_t, m: *const rd_kafka_message_t, _: *mut c_void) {
    if (*m).err as i32 != 0 {
        DR_ERR.fetch_add(1, Relaxed);
    }
}
static DR_ERR: AtomicU64 = AtomicU64::new(0);

fn cs(s: &str) -> CString {
    CString::new(s).unwrap()
}
unsafe fn conf(kv: &[(String, String)]) -> *mut rd_kafka_conf_t {
    let c = rd_kafka_conf_new();
    let mut e = [0 as c_char; 512];
    for (k, v) in kv {
        let r = rd_kafka_conf_set(c, cs(k).as_ptr(), cs(v).as_ptr(), e.as_mut_ptr(), e.len());
        assert!(r as i32 == 0, "{k}={v}: {}", CStr::from_ptr(e.as_ptr()).to_string_lossy());
    }
    rd_kafka_conf_set_log_cb(c, Some(log_cb));
    c
}
fn kvs(pairs: &[(&str, &str)], extra: &[String]) -> Vec<(String, String)> {
    let mut v: Vec<(String, String)> = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    for e in extra {
        let (k, x) = e.split_once('=').expect("k=v");
        v.push((k.into(), x.into()));
    }
    v
}
unsafe fn check(e: *mut rd_kafka_error_t, what: &str) {
    if !e.is_null() {
        let s = CStr::from_ptr(rd_kafka_error_string(e)).to_string_lossy().into_owned();
        panic!("{what}: {s} retriable={} abort={}", rd_kafka_error_is_retriable(e), rd_kafka_error_txn_requires_abort(e));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Dr {
    Cb,
    None,
}
struct Prod {
    rk: *mut rd_kafka_t,
    topics: HashMap<String, *mut rd_kafka_topic_t>,
    txn: bool,
}
unsafe impl Send for Prod {}
unsafe impl Sync for Prod {}
impl Prod {
    fn new(kv: &[(String, String)], topics: &[&str], txn: bool, dr: Dr) -> Prod {
        unsafe {
            let c = conf(kv);
            if dr == Dr::Cb {
                rd_kafka_conf_set_dr_msg_cb(c, Some(dr_cb));
            }
            let mut e = [0 as c_char; 512];
            let rk = rd_kafka_new(rd_kafka_type_t::RD_KAFKA_PRODUCER, c, e.as_mut_ptr(), e.len());
            assert!(!rk.is_null(), "producer: {}", CStr::from_ptr(e.as_ptr()).to_string_lossy());
            let topics = topics.iter().map(|t| (t.to_string(), rd_kafka_topic_new(rk, cs(t).as_ptr(), std::ptr::null_mut()))).collect();
            if txn {
                check(rd_kafka_init_transactions(rk, 30_000), "init_transactions");
            }
            Prod { rk, topics, txn }
        }
    }
    fn produce(&self, rkt: *mut rd_kafka_topic_t, key: &[u8], val: &[u8]) {
        unsafe {
            while rd_kafka_produce(
                rkt,
                -1,
                RD_KAFKA_MSG_F_COPY as c_int,
                val.as_ptr() as *mut c_void,
                val.len(),
                key.as_ptr() as *const c_void,
                key.len(),
                std::ptr::null_mut(),
            ) != 0
            {
                let e = rd_kafka_last_error();
                assert!(e == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__QUEUE_FULL, "produce: {e:?}");
                rd_kafka_poll(self.rk, 10);
            }
        }
    }
    fn begin(&self) {
        if self.txn {
            unsafe { check(rd_kafka_begin_transaction(self.rk), "begin") }
        }
    }
    fn flush(&self) {
        unsafe { while rd_kafka_flush(self.rk, 10_000) as i32 != 0 {} }
    }
    fn commit(&self) {
        unsafe { check(rd_kafka_commit_transaction(self.rk, -1), "commit") }
    }
    fn send_offsets(&self, l: *const rd_kafka_topic_partition_list_t, g: *const rd_kafka_consumer_group_metadata_t) {
        unsafe { check(rd_kafka_send_offsets_to_transaction(self.rk, l, g, -1), "send_offsets") }
    }
}

fn prod_conf(a: &Args, txn_id: Option<&str>) -> Vec<(String, String)> {
    let mut kv = kvs(
        &[
            ("bootstrap.servers", a.bootstrap()),
            ("broker.address.family", "v4"),
            ("client.id", "ceiling"),
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", a.str("linger", "0")),
            ("retry.backoff.ms", a.str("retry-backoff", "1")),
            ("retry.backoff.max.ms", a.str("retry-backoff-max", "1000")),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "1048576"),
        ],
        &[],
    );
    if let Some(t) = txn_id {
        kv.push(("transactional.id".into(), t.into()));
        kv.push(("transaction.timeout.ms".into(), "60000".into()));
    }
    if a.flag("eos-debug") {
        kv.push(("debug".into(), "eos".into()));
    }
    kv.extend(kvs(&[], &a.all("set")));
    kv
}

fn main() {
    let a = Args::parse();
    match a.cmd.as_str() {
        "cycle" => cycle(&a),
        "forward" => forward(&a),
        _ => {
            eprintln!("{HELP}");
            std::process::exit(2)
        }
    }
}

fn us(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}

fn cycle(a: &Args) {
    let n: usize = a.num("count", 300);
    let recs: usize = a.num("records", 1);
    let nprod: usize = a.num("producers", 1);
    let api = a.str("api", "native").to_string();
    let offs = !a.flag("no-offsets");
    let flush_first = a.flag("flush-first");
    let offsets_first = a.flag("offsets-first");
    let gap = Duration::from_secs_f64(a.num("gap-ms", 0.0) / 1e3);
    let out = a.str("out", "order-events");
    let id = format!("cycle-{}", std::process::id());
    let mut ph: [Vec<f64>; 6] = Default::default();
    let t00;
    let cpu0;
    if api.starts_with("rust") {
        use rdkafka::consumer::{BaseConsumer, Consumer};
        use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
        let mk = |i: usize| -> BaseProducer {
            let mut c = rdkafka::ClientConfig::new();
            for (k, v) in prod_conf(a, Some(&format!("{id}-{i}"))) {
                c.set(&k, &v);
            }
            let p: BaseProducer = c.create().unwrap();
            p.init_transactions(Duration::from_secs(30)).unwrap();
            p
        };
        let ps: Vec<_> = (0..nprod).map(mk).collect();
        let c: BaseConsumer = rdkafka::ClientConfig::new().set("bootstrap.servers", a.bootstrap()).set("group.id", &id).create().unwrap();
        let g = c.group_metadata().unwrap();
        let pad = "x".repeat(60);
        t00 = Instant::now();
        cpu0 = self_cpu();
        for i in 0..n {
            let p = &ps[i % nprod];
            let t0 = Instant::now();
            p.begin_transaction().unwrap();
            for r in 0..recs {
                let k = format!("C-{i:06}-{r}");
                let v = format!("{{\"order_id\":\"{k}\",\"type\":\"note\",\"pad\":\"{pad}\"}}");
                p.send(BaseRecord::to(out).key(&k).payload(&v)).unwrap();
            }
            let t1 = Instant::now();
            if api == "rust-drain" && flush_first {
                while p.in_flight_count() > 0 {
                    p.poll(Duration::from_millis(1));
                }
            }
            let t2 = Instant::now();
            if offs {
                let mut l = rdkafka::TopicPartitionList::new();
                l.add_partition_offset("orders", 0, rdkafka::Offset::Offset(i as i64)).unwrap();
                p.send_offsets_to_transaction(&l, &g, Duration::from_secs(30)).unwrap();
            }
            let t3 = Instant::now();
            if api == "rust-drain" {
                while p.in_flight_count() > 0 {
                    p.poll(Duration::from_millis(1));
                }
            }
            p.commit_transaction(Duration::from_secs(30)).unwrap();
            let t4 = Instant::now();
            if i >= 20 {
                for (x, d) in [t1 - t0, t2 - t1, t3 - t2, t4 - t3, t4 - t0].iter().enumerate() {
                    ph[x].push(us(*d));
                }
            }
        }
    } else {
        let dr = if api == "native-nodr" { Dr::None } else { Dr::Cb };
        let ps: Vec<_> = (0..nprod).map(|i| Prod::new(&prod_conf(a, Some(&format!("{id}-{i}"))), &[out], true, dr)).collect();
        let pad = "x".repeat(60);
        t00 = Instant::now();
        cpu0 = self_cpu();
        unsafe {
            let g = rd_kafka_consumer_group_metadata_new(cs(&id).as_ptr());
            for i in 0..n {
                let p = &ps[i % nprod];
                let rkt = p.topics[out];
                let t0 = Instant::now();
                p.begin();
                if offsets_first {
                    let l = rd_kafka_topic_partition_list_new(1);
                    (*rd_kafka_topic_partition_list_add(l, cs("orders").as_ptr(), 0)).offset = i as i64;
                    p.send_offsets(l, g);
                    rd_kafka_topic_partition_list_destroy(l);
                }
                let tb = Instant::now();
                for r in 0..recs {
                    let k = format!("C-{i:06}-{r}");
                    let v = format!("{{\"order_id\":\"{k}\",\"type\":\"note\",\"pad\":\"{pad}\"}}");
                    p.produce(rkt, k.as_bytes(), v.as_bytes());
                }
                let t1 = Instant::now();
                if flush_first {
                    p.flush();
                }
                let t2 = Instant::now();
                if offs && !offsets_first {
                    let l = rd_kafka_topic_partition_list_new(1);
                    (*rd_kafka_topic_partition_list_add(l, cs("orders").as_ptr(), 0)).offset = i as i64;
                    p.send_offsets(l, g);
                    rd_kafka_topic_partition_list_destroy(l);
                }
                let t3 = Instant::now();
                p.commit();
                let t4 = Instant::now();
                if i >= 20 {
                    let o = if offsets_first { tb - t0 } else { t3 - t2 };
                    for (x, d) in [t1 - tb, t2 - t1, o, t4 - t3, t4 - t0].iter().enumerate() {
                        ph[x].push(us(*d));
                    }
                }
                if !gap.is_zero() {
                    std::thread::sleep(gap);
                }
            }
        }
    }
    let el = t00.elapsed().as_secs_f64();
    let cpu = self_cpu() - cpu0;
    let over20 = ph[4].iter().filter(|x| **x >= 20.0).count();
    println!(
        "{}",
        json!({"cycles_per_s": (n as f64/el*10.0).round()/10.0, "cpu_us_per_cycle": (cpu*1e6/n as f64).round(),
        "total": summary(&mut ph[4].clone()), "begin+produce": summary(&mut ph[0].clone()), "flush": summary(&mut ph[1].clone()),
        "send_offsets": summary(&mut ph[2].clone()), "commit": summary(&mut ph[3].clone()), "cycles_over_20ms": over20,
        "concurrent_txn_retries": if a.flag("eos-debug") {json!({"all": CONCURRENT.load(Relaxed), "add_partitions": CONC_PARTS.load(Relaxed), "offsets": CONC_OFFS.load(Relaxed)})} else {json!(null)}})
    );
    std::process::exit(0);
}

struct Cons {
    rk: *mut rd_kafka_t,
    q: *mut rd_kafka_queue_t,
}
unsafe impl Send for Cons {}
unsafe impl Sync for Cons {}

static STOP: AtomicBool = AtomicBool::new(false);
extern "C" fn on_sig(_: c_int) {
    STOP.store(true, SeqCst);
}
static RECORDS: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Stats {
    txns: u64,
    records: u64,
    offsets_ms: Vec<f64>,
    commit_ms: Vec<f64>,
    total_ms: Vec<f64>,
    batch: Vec<f64>,
    wait_ms: Vec<f64>,
}

struct Cfg {
    commit: Option<Duration>,
    batch: usize,
    plain: bool,
    pipeline: bool,
    /// send_offsets before the first produce of each transaction: AddOffsets (retried every retry.backoff.ms) then absorbs
    /// the wait for the previous transaction's end, and AddPartitions (retried after a fixed 20 ms) never meets it.
    offsets_first: bool,
    one_by_one: bool,
    stop_after: u64,
}

unsafe fn new_consumer(a: &Args, group: &str, topics: &[&str]) -> Cons {
    let kv = kvs(
        &[
            ("bootstrap.servers", a.bootstrap()),
            ("broker.address.family", "v4"),
            ("client.id", "ceiling"),
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("isolation.level", if a.flag("plain") && !a.flag("rc") { "read_uncommitted" } else { "read_committed" }),
            ("auto.offset.reset", a.str("reset", "earliest")),
            ("fetch.wait.max.ms", a.str("fetch-wait", "500")),
            ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", "10000"),
        ],
        &a.all("cset"),
    );
    let c = conf(&kv);
    let mut e = [0 as c_char; 512];
    let rk = rd_kafka_new(rd_kafka_type_t::RD_KAFKA_CONSUMER, c, e.as_mut_ptr(), e.len());
    assert!(!rk.is_null(), "consumer: {}", CStr::from_ptr(e.as_ptr()).to_string_lossy());
    rd_kafka_poll_set_consumer(rk);
    let l = rd_kafka_topic_partition_list_new(1);
    for t in topics {
        rd_kafka_topic_partition_list_add(l, cs(t).as_ptr(), -1);
    }
    assert!(rd_kafka_subscribe(rk, l) as i32 == 0);
    rd_kafka_topic_partition_list_destroy(l);
    Cons { rk, q: rd_kafka_queue_get_consumer(rk) }
}
unsafe fn assigned(c: &Cons) -> i32 {
    let mut l = std::ptr::null_mut();
    rd_kafka_assignment(c.rk, &mut l);
    if l.is_null() {
        return 0;
    }
    let n = (*l).cnt;
    rd_kafka_topic_partition_list_destroy(l);
    n
}
/// Put all assigned partitions back to the committed position (or the start): what was polled while the group settled is read again.
unsafe fn rewind(c: &Cons, latest: bool) {
    let mut l = std::ptr::null_mut();
    rd_kafka_assignment(c.rk, &mut l);
    rd_kafka_committed(c.rk, l, 10_000);
    for i in 0..(*l).cnt {
        let e = (*l).elems.offset(i as isize);
        if (*e).offset < 0 {
            (*e).offset = if latest { -1 } else { -2 };
        }
    }
    check(rd_kafka_seek_partitions(c.rk, l, 10_000), "seek");
    rd_kafka_topic_partition_list_destroy(l);
}

/// Highest offset seen per (topic, partition) in the open transaction.
#[derive(Default)]
struct Offs {
    v: Vec<(*mut rd_kafka_topic_t, i32, i64)>,
    last: usize,
}
unsafe impl Send for Offs {}
impl Offs {
    fn note(&mut self, rkt: *mut rd_kafka_topic_t, p: i32, o: i64) {
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
    unsafe fn list(&self) -> *mut rd_kafka_topic_partition_list_t {
        let l = rd_kafka_topic_partition_list_new(self.v.len() as c_int);
        for (t, p, o) in &self.v {
            (*rd_kafka_topic_partition_list_add(l, rd_kafka_topic_name(*t), *p)).offset = *o;
        }
        l
    }
}

const TAIL: &str = "\",\"type\":\"accepted\",\"pad\":\"0123456789012345678901234567890123456789012345678901234\"}";

struct Job {
    offs: Offs,
    n: u64,
    t0: Instant,
    /// Outputs to produce after the offsets (offsets-first); None: they are produced already.
    out: Option<Outs>,
}
/// Buffered outputs: (topic, key end, value end) into one arena.
#[derive(Default)]
struct Outs {
    arena: Vec<u8>,
    items: Vec<(*mut rd_kafka_topic_t, usize, usize)>,
}
unsafe impl Send for Outs {}
impl Outs {
    fn push(&mut self, t: *mut rd_kafka_topic_t, k: &[u8], v: &[u8]) {
        self.arena.extend_from_slice(k);
        let ke = self.arena.len();
        self.arena.extend_from_slice(v);
        self.items.push((t, ke, self.arena.len()));
    }
    fn produce_all(&mut self, p: &Prod) {
        let mut s = 0;
        for (t, ke, ve) in self.items.drain(..) {
            p.produce(t, &self.arena[s..ke], &self.arena[ke..ve]);
            s = ve;
        }
        self.arena.clear();
    }
}

struct Worker {
    c: Arc<Cons>,
    p: Arc<Prod>,
    /// input topic name -> output topic handle
    route: HashMap<String, *mut rd_kafka_topic_t>,
    by_ptr: Vec<(*mut rd_kafka_topic_t, *mut rd_kafka_topic_t)>,
    buf: Vec<u8>,
    msgs: Vec<*mut rd_kafka_message_t>,
    st: Stats,
}
unsafe impl Send for Worker {}

impl Worker {
    fn out_of(&mut self, rkt: *mut rd_kafka_topic_t) -> *mut rd_kafka_topic_t {
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
    fn poll(&mut self, max: usize, wait: Duration, one_by_one: bool) -> usize {
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
    fn handle(&mut self, offs: &mut Offs, mut emit: impl FnMut(&Prod, *mut rd_kafka_topic_t, &[u8], &[u8])) -> u64 {
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
    fn done(&self, cfg: &Cfg) -> bool {
        STOP.load(Relaxed) || (cfg.stop_after > 0 && RECORDS.load(Relaxed) >= cfg.stop_after)
    }
}

fn commit_job(p: &Prod, c: &Cons, mut j: Job, st: &mut Stats) {
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
        st.offsets_ms.push(us(t2 - t1));
        st.commit_ms.push(us(t3 - t2));
        st.total_ms.push(us(t3 - j.t0));
    }
    RECORDS.fetch_add(j.n, Relaxed);
}

fn run_serial(w: &mut Worker, cfg: &Cfg) {
    while !w.done(cfg) {
        let tw = Instant::now();
        if w.poll(cfg.batch.min(4096), Duration::from_millis(100), cfg.one_by_one) == 0 {
            continue;
        }
        let t0 = Instant::now();
        w.st.wait_ms.push(us(t0 - tw));
        let mut out = Outs::default();
        let of = cfg.offsets_first;
        if !of {
            w.p.begin();
        }
        let mut emit = |p: &Prod, t, k: &[u8], v: &[u8]| if of { out.push(t, k, v) } else { p.produce(t, k, v) };
        let mut offs = Offs::default();
        let mut n = w.handle(&mut offs, &mut emit);
        while (n as usize) < cfg.batch {
            let wait = match cfg.commit {
                Some(t) => match t.checked_sub(t0.elapsed()) {
                    Some(d) if d.as_millis() > 0 => d,
                    _ => break,
                },
                None => Duration::ZERO,
            };
            if cfg.commit.is_none() && t0.elapsed() > Duration::from_millis(200) {
                break;
            }
            if w.poll((cfg.batch - n as usize).min(4096), wait, cfg.one_by_one) == 0 && cfg.commit.is_none() {
                break;
            }
            n += w.handle(&mut offs, &mut emit);
        }
        if n == 0 {
            // Only error events came: nothing to commit, but the transaction is open and empty (a local no-op to commit).
            if !of {
                w.p.commit();
            }
            continue;
        }
        let (p, c) = (w.p.clone(), w.c.clone());
        commit_job(&p, &c, Job { offs, n, t0, out: of.then_some(out) }, &mut w.st);
    }
}

fn run_plain(w: &mut Worker, cfg: &Cfg) {
    // Idempotent producer, at-least-once: offsets committed every 100 ms, after a flush.
    let mut offs = Offs::default();
    let mut last = Instant::now();
    let mut since = 0u64;
    while !w.done(cfg) {
        if w.poll(4096, Duration::from_millis(20), cfg.one_by_one) > 0 {
            let n = w.handle(&mut offs, |p, t, k, v| p.produce(t, k, v));
            w.st.records += n;
            since += n;
            RECORDS.fetch_add(n, Relaxed);
        }
        unsafe { rd_kafka_poll(w.p.rk, 0) };
        if since > 0 && last.elapsed() > Duration::from_millis(100) {
            w.p.flush();
            unsafe {
                let l = offs.list();
                rd_kafka_commit(w.c.rk, l, 1);
                rd_kafka_topic_partition_list_destroy(l);
            }
            last = Instant::now();
            since = 0;
            w.st.txns += 1;
        }
    }
    w.p.flush();
}

unsafe extern "C" fn wake_cb(_: *mut rd_kafka_t, o: *mut c_void) {
    (*(o as *const std::thread::Thread)).unpark();
}

/// The commit (offsets, flush, EndTxn) runs on a helper thread; meanwhile this thread polls, computes and buffers its outputs.
fn run_pipeline(w: &mut Worker, cfg: &Cfg) {
    let me = Box::leak(Box::new(std::thread::current()));
    unsafe { rd_kafka_queue_cb_event_enable(w.c.q, Some(wake_cb), me as *mut _ as *mut c_void) };
    let (tx, rx) = mpsc::channel::<Job>();
    let busy = Arc::new(AtomicBool::new(false));
    let stats = Arc::new(Mutex::new(Stats::default()));
    let (p, c, b2, s2, th) = (w.p.clone(), w.c.clone(), busy.clone(), stats.clone(), std::thread::current());
    let h = std::thread::spawn(move || {
        while let Ok(j) = rx.recv() {
            commit_job(&p, &c, j, &mut s2.lock().unwrap());
            b2.store(false, Release);
            th.unpark();
        }
    });
    let of = cfg.offsets_first;
    let mut out = Outs::default();
    let mut offs = Offs::default();
    let mut n = 0u64;
    let mut begun = false;
    let mut t0 = Instant::now();
    while !w.done(cfg) {
        let in_flight = busy.load(Acquire);
        if !in_flight && !begun && !of && n > 0 {
            // The commit returned while outputs were waiting.
            w.p.begin();
            begun = true;
            out.produce_all(&w.p);
        }
        let room = cfg.batch.saturating_sub(n as usize);
        let mut got = 0;
        if room > 0 {
            got = w.poll(room.min(4096), Duration::ZERO, cfg.one_by_one);
            if got > 0 {
                if n == 0 {
                    t0 = Instant::now();
                    if !in_flight && !of && !begun {
                        w.p.begin();
                        begun = true;
                    }
                }
                let direct = begun;
                n += w.handle(&mut offs, |p, t, k, v| if direct { p.produce(t, k, v) } else { out.push(t, k, v) });
            }
        }
        if !in_flight && n > 0 && (begun || of) {
            let full = n as usize >= cfg.batch;
            let timeup = cfg.commit.map_or(t0.elapsed() > Duration::from_millis(200), |t| t0.elapsed() >= t);
            let drained = got == 0 && cfg.commit.is_none();
            if full || timeup || drained {
                busy.store(true, Release);
                let o = of.then(|| std::mem::take(&mut out));
                tx.send(Job { offs: std::mem::take(&mut offs), n, t0, out: o }).unwrap();
                n = 0;
                begun = false;
                continue;
            }
        }
        if got == 0 {
            std::thread::park_timeout(if n > 0 && !in_flight { Duration::from_millis(1) } else { Duration::from_millis(100) });
        }
    }
    drop(tx);
    h.join().unwrap();
    let s = std::mem::take(&mut *stats.lock().unwrap());
    w.st = s;
}

fn forward(a: &Args) {
    unsafe {
        libc::signal(libc::SIGTERM, on_sig as *const () as usize);
        libc::signal(libc::SIGINT, on_sig as *const () as usize);
    }
    let hops: Vec<String> = a.str("hops", "orders,order-events").split(',').map(String::from).collect();
    let one = a.str("mode", "threads") == "one";
    let threads: usize = a.num("threads", 1);
    let group = a.str("group", "ceiling").to_string();
    let plain = a.flag("plain");
    let adaptive = a.flag("adaptive") || a.opt("commit-ms").is_none();
    let cfg = Arc::new(Cfg {
        commit: if adaptive { None } else { Some(Duration::from_millis(a.num("commit-ms", 100))) },
        batch: a.num("batch", 10_000),
        plain,
        pipeline: a.flag("pipeline"),
        offsets_first: a.flag("offsets-first"),
        one_by_one: a.flag("one-by-one"),
        stop_after: a.num("stop-after", 0),
    });
    // Work units: (group, input topics with their outputs)
    let mut units: Vec<(String, Vec<(String, String)>)> = vec![];
    let pairs: Vec<(String, String)> = hops.windows(2).map(|w| (w[0].clone(), w[1].clone())).collect();
    for _ in 0..threads {
        if one {
            units.push((group.clone(), pairs.clone()));
        } else {
            for (i, p) in pairs.iter().enumerate() {
                units.push((format!("{group}-{i}"), vec![p.clone()]));
            }
        }
    }
    let mut ws: Vec<Worker> = vec![];
    for (i, (g, routes)) in units.iter().enumerate() {
        let outs: Vec<&str> = routes.iter().map(|r| r.1.as_str()).collect();
        let ins: Vec<&str> = routes.iter().map(|r| r.0.as_str()).collect();
        let txn = format!("{group}-{i}");
        let p = Prod::new(&prod_conf(a, if plain { None } else { Some(&txn) }), &outs, !plain, Dr::Cb);
        let c = unsafe { new_consumer(a, g, &ins) };
        let route = routes.iter().map(|(i, o)| (i.clone(), p.topics[o])).collect();
        ws.push(Worker { c: Arc::new(c), p: Arc::new(p), route, by_ptr: vec![], buf: vec![], msgs: vec![], st: Stats::default() });
    }
    // Let the groups settle: poll (and throw away) until every worker has partitions, stable for 500 ms; then rewind.
    let mut stable = Instant::now();
    let mut prev = vec![];
    loop {
        let now: Vec<i32> = ws
            .iter_mut()
            .map(|w| unsafe {
                w.poll(1000, Duration::from_millis(10), false);
                for m in w.msgs.drain(..) {
                    rd_kafka_message_destroy(m);
                }
                assigned(&w.c)
            })
            .collect();
        if now != prev {
            stable = Instant::now();
            prev = now;
        } else if prev.iter().all(|x| *x > 0) && stable.elapsed() > Duration::from_millis(500) {
            break;
        }
    }
    for w in &ws {
        unsafe { rewind(&w.c, a.str("reset", "earliest") == "latest") };
    }
    eprintln!("ceiling: ready pid={} assignments={prev:?}", std::process::id());
    if let Some(f) = a.opt("go-file") {
        while !std::path::Path::new(f).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let (t0, cpu0) = (Instant::now(), self_cpu());
    let secs: f64 = a.num("secs", 0.0);
    let hs: Vec<_> = ws
        .into_iter()
        .map(|mut w| {
            let cfg = cfg.clone();
            std::thread::spawn(move || {
                if cfg.plain {
                    run_plain(&mut w, &cfg)
                } else if cfg.pipeline {
                    run_pipeline(&mut w, &cfg)
                } else {
                    run_serial(&mut w, &cfg)
                }
                (w, Instant::now())
            })
        })
        .collect();
    if secs > 0.0 {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs_f64(secs));
            STOP.store(true, SeqCst);
        });
    }
    let done: Vec<_> = hs.into_iter().map(|h| h.join().unwrap()).collect();
    let end = done.iter().map(|d| d.1).max().unwrap();
    let cpu = self_cpu() - cpu0;
    let recs: u64 = done.iter().map(|d| d.0.st.records).sum();
    let el = (end - t0).as_secs_f64();
    let per: Vec<_> = done
        .into_iter()
        .map(|(mut w, _)| {
            json!({"txns": w.st.txns, "records": w.st.records, "batch": summary(&mut w.st.batch),
        "send_offsets_ms": summary(&mut w.st.offsets_ms), "commit_ms": summary(&mut w.st.commit_ms), "txn_ms": summary(&mut w.st.total_ms)})
        })
        .collect();
    println!(
        "{}",
        json!({"records": recs, "secs": (el*1000.0).round()/1000.0, "records_per_s": (recs as f64/el).round(),
        "app_cpu_us_per_record": (cpu*1e6/recs.max(1) as f64*100.0).round()/100.0, "app_cpu_s": (cpu*100.0).round()/100.0,
        "delivery_errors": DR_ERR.load(Relaxed), "workers": per,
        "concurrent_txn_retries": if a.flag("eos-debug") {json!({"all": CONCURRENT.load(Relaxed), "add_partitions": CONC_PARTS.load(Relaxed), "offsets": CONC_OFFS.load(Relaxed)})} else {json!(null)}})
    );
    std::process::exit(0);
}
