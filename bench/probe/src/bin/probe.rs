//! Neutral load generator and measurer for systems that read `orders` and `restocks` and write
//! `order-events`. See `probe help`.
use probe::*;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde::Deserialize;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

const HELP: &str = "probe topics --bootstrap B --partitions P [--topics a,b] [--delete]
probe load   --orders N --skus S --stock Q --seed X [--id-prefix P] [--rate R] [--sign-key FILE]
probe list   --skus S [--reorder-point Q]
probe drain  --expect N --timeout SECS [--pid PID]... [--from-beginning]
probe paced  --rate R --secs T --skus S [--stock Q] [--warmup SECS] [--pid PID]... [--fetch-wait MS]
probe check  [--timeout SECS]
All: --bootstrap (127.0.0.1:19092); names: --orders-topic --restocks-topic --events-topic";

#[derive(Deserialize)]
struct Ev<'a> {
    #[serde(borrow)]
    order_id: std::borrow::Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    typ: std::borrow::Cow<'a, str>,
}
fn hash(s: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(s)
}

fn main() {
    let a = Args::parse();
    match a.cmd.as_str() {
        "topics" => topics(&a),
        "load" => load(&a),
        "list" => list(&a),
        "drain" => drain(&a),
        "paced" => paced(&a),
        "check" => check(&a),
        _ => {
            eprintln!("{HELP}");
            std::process::exit(2)
        }
    }
}

fn base(a: &Args) -> ClientConfig {
    let mut c = ClientConfig::new();
    c.set("bootstrap.servers", a.bootstrap()).set("client.id", "probe").set("broker.address.family", "v4");
    c
}
fn producer(a: &Args, linger: &str) -> BaseProducer {
    base(a)
        .set("partitioner", "murmur2_random")
        .set("enable.idempotence", "true")
        .set("linger.ms", linger)
        .set("queue.buffering.max.messages", "1000000")
        .set("queue.buffering.max.kbytes", "1048576")
        .create()
        .expect("producer")
}
fn consumer(a: &Args, wait: &str) -> BaseConsumer {
    base(a)
        .set("group.id", "probe-unused")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", wait)
        .set("fetch.min.bytes", "1")
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("consumer")
}
fn partitions(c: &BaseConsumer, topic: &str) -> i32 {
    let m = c.fetch_metadata(Some(topic), Duration::from_secs(10)).expect("metadata");
    let n = m.topics()[0].partitions().len() as i32;
    if n == 0 {
        eprintln!("no topic {topic}");
        std::process::exit(1)
    }
    n
}

fn block<F: std::future::Future>(f: F) -> F::Output {
    // Small park-based executor: the admin client only needs one blocking wait.
    use std::task::{Context, Poll, Wake, Waker};
    struct W(std::thread::Thread);
    impl Wake for W {
        fn wake(self: Arc<Self>) {
            self.0.unpark()
        }
    }
    let w = Waker::from(Arc::new(W(std::thread::current())));
    let mut cx = Context::from_waker(&w);
    let mut f = std::pin::pin!(f);
    loop {
        if let Poll::Ready(v) = f.as_mut().poll(&mut cx) {
            return v;
        }
        std::thread::park();
    }
}

fn topics(a: &Args) {
    let adm: AdminClient<DefaultClientContext> = base(a).create().expect("admin");
    let o = AdminOptions::new().operation_timeout(Some(Duration::from_secs(15)));
    let names = a.str("topics", "orders,restocks,order-events,stock-commands,stock-replies");
    let names: Vec<&str> = names.split(',').collect();
    if a.flag("delete") {
        let r = block(adm.delete_topics(&names, &o)).expect("delete");
        eprintln!("deleted {r:?}");
        // Deletion completes asynchronously; the create below retries while the names linger.
    }
    let p: i32 = a.num("partitions", 4);
    for n in names {
        for _ in 0..100 {
            let r = block(adm.create_topics([&NewTopic::new(n, p, TopicReplication::Fixed(1))], &o)).expect("create");
            match &r[0] {
                Ok(_) => println!("created {n} partitions={p}"),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) if a.flag("delete") => {
                    std::thread::sleep(Duration::from_millis(100));
                    continue;
                }
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => println!("exists {n}"),
                Err(e) => {
                    eprintln!("{n}: {e:?}");
                    std::process::exit(1)
                }
            }
            break;
        }
    }
}

/// Signs what it sends, if it has a key: every record with an id of its own.
struct Signer {
    keys: Vec<signatures::SigningKey>,
    count: u64,
}
impl Signer {
    fn new(a: &Args) -> Signer {
        let read = |f: &str| {
            let text = std::fs::read_to_string(f).expect("--sign-key");
            signatures::SigningKey::parse(text.trim()).expect("--sign-key")
        };
        Signer { keys: a.opt("sign-key").map(read).into_iter().collect(), count: 0 }
    }
    fn send(&mut self, p: &BaseProducer, topic: &str, key: &str, val: &str) {
        if self.keys.is_empty() {
            return send(p, topic, key, val);
        }
        self.count += 1;
        let id = format!("msg_{topic}_{}_{}", std::process::id(), self.count);
        let signed = signatures::sign(&self.keys, &id, now_unix_ms() / 1000, val.as_bytes()).expect("a signature");
        let headers =
            signed.headers().into_iter().fold(OwnedHeaders::new(), |h, (key, value)| h.insert(Header { key, value: Some(value) }));
        send_record(p, BaseRecord::to(topic).key(key).payload(val).headers(headers));
    }
}

fn send(p: &BaseProducer, topic: &str, key: &str, val: &str) {
    send_record(p, BaseRecord::to(topic).key(key).payload(val));
}
fn send_record(p: &BaseProducer, mut r: BaseRecord<str, str>) {
    loop {
        match p.send(r) {
            Ok(_) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                p.poll(Duration::from_millis(20));
                r = back;
            }
            Err((e, _)) => panic!("send: {e}"),
        }
    }
}
fn restock_all(p: &BaseProducer, signer: &mut Signer, topic: &str, skus: usize, stock: i64, tag: &str) {
    for s in 1..=skus {
        let sku = format!("S-{s:05}");
        signer.send(
            p,
            topic,
            &sku,
            &format!(
                "{{\"restock_id\":\"R-{tag}-{s}\",\"sku\":\"{sku}\",\"location\":\"main\",\"quantity\":{stock},\"kind\":\"received\"}}"
            ),
        );
    }
    p.flush(Duration::from_secs(120)).expect("flush");
}

fn load(a: &Args) {
    let n: u64 = a.num("orders", 100_000);
    let skus: usize = a.num("skus", 1000);
    let stock: i64 = a.num("stock", 0);
    let seed: u64 = a.num("seed", 1);
    let rate: f64 = a.num("rate", 0.0);
    let prefix = a.str("id-prefix", "O-");
    let p = producer(a, "20");
    let t0 = Instant::now();
    let mut signer = Signer::new(a);
    if stock > 0 {
        restock_all(&p, &mut signer, a.str("restocks-topic", "restocks"), skus, stock, &seed.to_string());
    }
    let mut g = OrderGen::new(seed, skus);
    let mut v = String::new();
    let topic = a.str("orders-topic", "orders");
    let mut bytes = 0u64;
    let t1 = Instant::now();
    for i in 1..=n {
        let id = format!("{prefix}{i:06}");
        g.order(&id, 1_767_225_600_000 + i as i64 * 10, &mut v);
        bytes += v.len() as u64;
        signer.send(&p, topic, &id, &v);
        if i % 1000 == 0 {
            p.poll(Duration::ZERO);
        }
        if rate > 0.0 {
            let due = t1 + Duration::from_secs_f64(i as f64 / rate);
            if let Some(d) = due.checked_duration_since(Instant::now()) {
                std::thread::sleep(d);
            }
        }
    }
    p.flush(Duration::from_secs(300)).expect("flush");
    println!(
        "{}",
        json!({"orders": n, "skus": skus, "stock": stock, "secs": t0.elapsed().as_secs_f64(),
        "avg_value_bytes": bytes as f64 / n.max(1) as f64})
    );
}

/// Every SKU into the catalogue, with the price that its orders say.
fn list(a: &Args) {
    let skus: usize = a.num("skus", 1000);
    let point: i64 = a.num("reorder-point", 0);
    let p = producer(a, "20");
    for s in 1..=skus {
        let sku = format!("S-{s:05}");
        let price = price(s);
        send(
            &p,
            a.str("products-topic", "products"),
            &sku,
            &format!("{{\"type\":\"upsert\",\"sku\":\"{sku}\",\"name\":\"Article {s}\",\"price\":{price},\"currency\":\"GBP\",\"reorder_point\":{point}}}"),
        );
    }
    p.flush(Duration::from_secs(120)).expect("flush");
    println!("{}", json!({"products": skus}));
}

fn pids(a: &Args) -> Vec<u32> {
    a.all("pid").iter().map(|p| p.parse().expect("--pid")).collect()
}
fn cpu_of(p: &[u32]) -> Vec<f64> {
    p.iter().map(|p| proc_cpu(*p).unwrap_or(f64::NAN)).collect()
}
fn r3(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

fn assign(c: &BaseConsumer, topics: &[&str], begin: bool) -> usize {
    let mut l = TopicPartitionList::new();
    for t in topics {
        for p in 0..partitions(c, t) {
            let o = if begin {
                Offset::Beginning
            } else {
                let (_, hi) = c.fetch_watermarks(t, p, Duration::from_secs(10)).expect("watermarks");
                Offset::Offset(hi)
            };
            l.add_partition_offset(t, p, o).unwrap();
        }
    }
    let n = l.count();
    c.assign(&l).expect("assign");
    n
}

fn drain(a: &Args) {
    let expect: u64 = a.num("expect", 0);
    let timeout = Duration::from_secs_f64(a.num("timeout", 120.0));
    let grace = Duration::from_millis(a.num("grace-ms", 300));
    let pids = pids(a);
    let c = consumer(a, a.str("fetch-wait", "100"));
    assign(&c, &[a.str("events-topic", "order-events")], a.flag("from-beginning"));
    let t0 = Instant::now();
    let cpu0 = cpu_of(&pids);
    let mut cpu1 = cpu0.clone();
    let mut cpu_first = cpu0.clone();
    let (mut first, mut last) = (None, t0);
    let mut seen: HashSet<u64> = HashSet::with_capacity(expect as usize + 1024);
    let (mut acc, mut rej, mut other, mut dup, mut bad) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut marks: Vec<(f64, u64)> = vec![];
    let mut complete_at = None;
    eprintln!("drain: ready");
    loop {
        let now = Instant::now();
        if now - t0 > timeout || complete_at.is_some_and(|t| now - t > grace) {
            break;
        }
        match c.poll(Duration::from_millis(50)) {
            Some(Ok(m)) => {
                let Ok(e) = serde_json::from_slice::<Ev>(m.payload().unwrap_or(b"")) else {
                    bad += 1;
                    continue;
                };
                match &*e.typ {
                    "accepted" => acc += 1,
                    "rejected" => rej += 1,
                    _ => {
                        other += 1;
                        continue;
                    }
                }
                if !seen.insert(hash(&e.order_id)) {
                    dup += 1;
                    continue;
                }
                if first.is_none() {
                    first = Some(Instant::now());
                    cpu_first = cpu_of(&pids);
                }
                let n = seen.len() as u64;
                if expect >= 10 && n.is_multiple_of(expect / 10) {
                    marks.push((r3(t0.elapsed().as_secs_f64()), n));
                }
                if complete_at.is_none() {
                    last = Instant::now();
                    if n >= expect {
                        cpu1 = cpu_of(&pids);
                        complete_at = Some(last);
                    }
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(e)) => eprintln!("drain: {e}"),
        }
    }
    if complete_at.is_none() {
        cpu1 = cpu_of(&pids);
    }
    let n = seen.len() as f64;
    let secs = (last - t0).as_secs_f64();
    let span = first.map_or(0.0, |f| (last - f).as_secs_f64());
    let procs: Vec<_> = pids
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let (hwm, rss) = proc_mem(*p);
            json!({"pid": p, "cpu_s": r3(cpu1[i]-cpu0[i]), "cpu_s_first_to_last": r3(cpu1[i]-cpu_first[i]),
            "cpu_us_per_order": r3((cpu1[i]-cpu0[i])*1e6/n.max(1.0)), "VmHWM_MiB": r3(hwm), "VmRSS_MiB": r3(rss)})
        })
        .collect();
    println!(
        "{}",
        json!({"decided": seen.len(), "expected": expect, "complete": complete_at.is_some(), "accepted": acc,
        "rejected": rej, "other": other, "unparsed": bad, "duplicates": dup, "secs": r3(secs), "orders_per_s": r3(n/secs.max(1e-9)),
        "secs_first_to_last": r3(span), "orders_per_s_first_to_last": r3(n/span.max(1e-9)), "progress": marks, "procs": procs})
    );
}

fn paced(a: &Args) {
    let rate: f64 = a.num("rate", 100.0);
    let secs: f64 = a.num("secs", 10.0);
    let warm: f64 = a.num("warmup", 2.0);
    let skus: usize = a.num("skus", 1000);
    let stock: i64 = a.num("stock", 0);
    let tail = Duration::from_secs_f64(a.num("tail", 5.0));
    let pids = pids(a);
    let run = now_unix_ms() % 100_000_000;
    let prefix = format!("P{run}-");
    let p = producer(a, "0");
    if stock > 0 {
        restock_all(&p, &mut Signer::new(a), a.str("restocks-topic", "restocks"), skus, stock, &run.to_string());
        std::thread::sleep(Duration::from_secs(1));
    }
    let c = consumer(a, a.str("fetch-wait", "10"));
    assign(&c, &[a.str("events-topic", "order-events")], false);
    // Wait for the consumer to reach the end once.
    let tw = Instant::now();
    while tw.elapsed() < Duration::from_millis(500) {
        let _ = c.poll(Duration::from_millis(50));
    }
    let nwarm = (warm * rate) as usize;
    let total = ((warm + secs) * rate) as usize;
    let origin = Instant::now() + Duration::from_millis(100);
    let due = move |i: usize| origin + Duration::from_secs_f64(i as f64 / rate);
    let produced_done = Arc::new(AtomicBool::new(false));
    let late_max = Arc::new(AtomicU64::new(0));
    let (pd, lm, pre, topic) = (produced_done.clone(), late_max.clone(), prefix.clone(), a.str("orders-topic", "orders").to_string());
    let producer_thread = std::thread::spawn(move || {
        let mut g = OrderGen::new(run as u64, skus);
        let mut v = String::new();
        for i in 0..total {
            let d = due(i);
            let now = Instant::now();
            if d > now {
                std::thread::sleep(d - now);
            }
            let id = format!("{pre}{i:06}");
            g.order(&id, now_unix_ms(), &mut v);
            send(&p, &topic, &id, &v);
            lm.fetch_max((Instant::now() - d).as_micros() as u64, Ordering::Relaxed);
            if i % 64 == 0 {
                p.poll(Duration::ZERO);
            }
        }
        p.flush(Duration::from_secs(30)).expect("flush");
        pd.store(true, Ordering::Release);
    });
    let mut got = vec![false; total];
    let mut lat: Vec<f64> = Vec::with_capacity(total);
    let (mut n, mut dup, mut foreign, mut acc) = (0usize, 0u64, 0u64, 0u64);
    let (mut cpu0, mut cpu_t0) = (None, Instant::now());
    let mut done_at: Option<Instant> = None;
    while n < total {
        if cpu0.is_none() && Instant::now() >= due(nwarm) {
            cpu0 = Some(cpu_of(&pids));
            cpu_t0 = Instant::now();
        }
        if done_at.is_none() && produced_done.load(Ordering::Acquire) {
            done_at = Some(Instant::now());
        }
        if done_at.is_some_and(|t| t.elapsed() > tail) {
            break;
        }
        if let Some(Ok(m)) = c.poll(Duration::from_millis(20)) {
            let t = Instant::now();
            let Ok(e) = serde_json::from_slice::<Ev>(m.payload().unwrap_or(b"")) else { continue };
            if e.typ != "accepted" && e.typ != "rejected" {
                continue;
            }
            let Some(i) = e.order_id.strip_prefix(prefix.as_str()).and_then(|s| s.parse::<usize>().ok()) else {
                foreign += 1;
                continue;
            };
            if got[i] {
                dup += 1;
                continue;
            }
            got[i] = true;
            n += 1;
            if e.typ == "accepted" {
                acc += 1
            }
            if i >= nwarm {
                lat.push((t - due(i)).as_secs_f64() * 1e3);
            }
        }
    }
    let span = cpu_t0.elapsed().as_secs_f64();
    let cpu1 = cpu_of(&pids);
    producer_thread.join().unwrap();
    let s = summary(&mut lat);
    let cpu0 = cpu0.unwrap_or_else(|| cpu1.clone());
    let procs: Vec<_> = pids
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let (hwm, rss) = proc_mem(*p);
            json!({"pid": p, "cpu_pct_of_core": r3((cpu1[i]-cpu0[i])/span*100.0), "VmHWM_MiB": r3(hwm), "VmRSS_MiB": r3(rss)})
        })
        .collect();
    println!(
        "{}",
        json!({"rate": rate, "secs": secs, "sent": total, "decided": n, "accepted": acc, "lost": total - n, "duplicates": dup,
        "foreign": foreign, "late_send_max_ms": late_max.load(Ordering::Relaxed) as f64/1000.0, "latency_ms": s, "procs": procs})
    );
}

#[derive(Deserialize)]
struct OrderIn {
    order_id: String,
    #[serde(default)]
    lines: Vec<LineIn>,
    #[serde(default, rename = "type")]
    typ: String,
}
#[derive(Deserialize)]
struct LineIn {
    sku: String,
    quantity: i64,
}
#[derive(Deserialize)]
struct RestockIn {
    #[serde(default)]
    restock_id: String,
    sku: String,
    quantity: i64,
    #[serde(default)]
    kind: String,
}

fn read_all(a: &Args, topic: &str, deadline: Instant, mut f: impl FnMut(&[u8], i32, i64)) -> (u64, u64) {
    let c = consumer(a, "50");
    let mut open = assign(&c, &[topic], true);
    let (mut n, mut behind) = (0, 0);
    while open > 0 {
        if Instant::now() > deadline {
            eprintln!("check: timeout on {topic}");
            std::process::exit(1);
        }
        match c.poll(Duration::from_millis(100)) {
            Some(Ok(m)) => {
                n += 1;
                f(m.payload().unwrap_or(b""), m.partition(), m.offset());
            }
            Some(Err(KafkaError::PartitionEOF(p))) => {
                let pos = c.position().unwrap().find_partition(topic, p).map(|e| e.offset());
                let (_, hi) = c.fetch_watermarks(topic, p, Duration::from_secs(10)).unwrap();
                if let Some(Offset::Offset(o)) = pos {
                    // Control records also take offsets, so a small gap is normal; a large one means an open transaction.
                    behind += (hi - o).max(0) as u64;
                }
                open -= 1;
            }
            Some(Err(e)) => eprintln!("check: {e}"),
            None => {}
        }
    }
    (n, behind)
}

fn check(a: &Args) {
    let deadline = Instant::now() + Duration::from_secs_f64(a.num("timeout", 300.0));
    let mut sku_ix: HashMap<String, u32> = HashMap::new();
    let mut restocked: Vec<i64> = vec![];
    let mut restock_ids: HashSet<u64> = HashSet::new();
    let mut restock_dups = 0u64;
    let ix = |m: &mut Vec<i64>, s: &str, w: &mut HashMap<String, u32>| -> usize {
        if let Some(i) = w.get(s) {
            return *i as usize;
        }
        let i = m.len();
        m.push(0);
        w.insert(s.to_string(), i as u32);
        i
    };
    let (nr, _) = read_all(a, a.str("restocks-topic", "restocks"), deadline, |v, _, _| {
        if let Ok(r) = serde_json::from_slice::<RestockIn>(v) {
            if !r.restock_id.is_empty() && !restock_ids.insert(hash(&r.restock_id)) {
                restock_dups += 1;
                return; // A repeated restock id is the same delivery: count it once (the strict reading).
            }
            let i = ix(&mut restocked, &r.sku, &mut sku_ix);
            if r.kind.is_empty() || r.kind == "received" {
                restocked[i] += r.quantity;
            }
        }
    });
    struct O {
        lines: Vec<(u32, i64)>,
        acc: u32,
        rej: u32,
    }
    let mut orders: HashMap<String, O> = HashMap::new();
    let (mut repeats, mut unparsed) = (0u64, 0u64);
    let (no, _) = read_all(a, a.str("orders-topic", "orders"), deadline, |v, _, _| match serde_json::from_slice::<OrderIn>(v) {
        Ok(o) => {
            if !o.typ.is_empty() && o.typ != "place" {
                return;
            }
            if orders.contains_key(&o.order_id) {
                repeats += 1;
                return;
            }
            let lines = o.lines.iter().map(|l| (ix(&mut restocked, &l.sku, &mut sku_ix) as u32, l.quantity)).collect();
            orders.insert(o.order_id, O { lines, acc: 0, rej: 0 });
        }
        Err(_) => unparsed += 1,
    });
    let (mut unknown, mut other, mut ev_unparsed) = (0u64, 0u64, 0u64);
    let (ne, behind) = read_all(a, a.str("events-topic", "order-events"), deadline, |v, _, _| match serde_json::from_slice::<Ev>(v) {
        Ok(e) => {
            let k = match &*e.typ {
                "accepted" => 0,
                "rejected" => 1,
                _ => {
                    other += 1;
                    return;
                }
            };
            match orders.get_mut(&*e.order_id) {
                None => unknown += 1,
                Some(o) => {
                    if k == 0 {
                        o.acc += 1
                    } else {
                        o.rej += 1
                    }
                }
            }
        }
        Err(_) => ev_unparsed += 1,
    });
    let mut sold = vec![0i64; restocked.len()];
    let (mut none, mut multi, mut both, mut acc, mut rej) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut ex: Vec<String> = vec![];
    for (id, o) in &orders {
        match o.acc + o.rej {
            0 => {
                none += 1;
                if ex.len() < 5 {
                    ex.push(format!("undecided {id}"))
                }
            }
            1 => {}
            k => {
                multi += 1;
                if o.acc > 0 && o.rej > 0 {
                    both += 1
                }
                if ex.len() < 5 {
                    ex.push(format!("{id} decided {k} times"))
                }
            }
        }
        if o.acc > 0 {
            acc += 1;
            for (s, q) in &o.lines {
                sold[*s as usize] += q;
            }
        } else if o.rej > 0 {
            rej += 1
        }
    }
    let over: Vec<_> = sku_ix
        .iter()
        .filter(|(_, i)| sold[**i as usize] > restocked[**i as usize])
        .map(|(s, i)| json!({"sku": s, "accepted": sold[*i as usize], "restocked": restocked[*i as usize]}))
        .collect();
    let violations = none + multi + unknown + ev_unparsed + over.len() as u64;
    println!(
        "{}",
        json!({"orders_records": no, "distinct_orders": orders.len(), "repeated_orders": repeats, "orders_unparsed": unparsed,
        "restock_records": nr, "repeated_restocks": restock_dups, "event_records": ne, "other_events": other, "accepted": acc, "rejected": rej,
        "events_behind_high_watermark": behind,
        "violations": {"total": violations, "undecided": none, "decided_more_than_once": multi, "accepted_and_rejected": both,
            "events_for_unknown_order": unknown, "events_unparsed": ev_unparsed, "oversold_skus": over.len(),
            "oversold_examples": over.iter().take(5).collect::<Vec<_>>(), "examples": ex}})
    );
    std::process::exit(if violations == 0 { 0 } else { 3 });
}
