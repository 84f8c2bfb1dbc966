//! Back-to-back transactions, timed by phase.

use std::sync::atomic::Ordering::*;
use std::time::{Duration, Instant};

use probe::*;
use rdkafka::bindings::*;
use serde_json::json;

use crate::client::*;
use crate::millis;

pub(crate) fn cycle(a: &Args) {
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
                    ph[x].push(millis(*d));
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
                        ph[x].push(millis(*d));
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
