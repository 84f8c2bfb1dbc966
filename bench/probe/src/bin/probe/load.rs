//! `probe load` and `probe list`: what a measurement begins with, from a seed. Sends; waits for no decision.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use probe::{OrderGen, price, sku};
use rdkafka::producer::BaseProducer;
use serde_json::json;

use crate::client::Common;
use crate::send::{Signer, flush, restock, send};

/// For large batches: nobody waits for one record.
const LINGER: &str = "20";
/// When the first order of every backlog was placed, milliseconds since the epoch: 2026-01-01. The others follow by 10 ms.
const FIRST_PLACED_MS: i64 = 1_767_225_600_000;

#[derive(Debug, Args)]
pub(crate) struct Load {
    /// How many orders
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    orders: u64,
    /// SKUs that they are drawn from
    #[arg(long, value_name = "N", default_value_t = 1000)]
    skus: usize,
    /// Units of each SKU that come in before the first order; 0: no restocks
    #[arg(long, value_name = "UNITS", default_value_t = 0, allow_negative_numbers = true)]
    stock: i64,
    /// The same seed gives the same orders
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What the id of an order begins with
    #[arg(long, value_name = "TEXT", default_value = "O-")]
    id_prefix: String,
    /// Orders a second; 0: as fast as they go
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    rate: f64,
    /// Sign every record with the key in this file, whsec_ or whsk_
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
}

pub(crate) fn load(common: &Common, own: &Load) {
    let producer = common.producer(LINGER);
    let began = Instant::now();
    let mut signer = Signer::new(own.sign_key.as_deref());
    if own.stock > 0 {
        restock(&producer, &mut signer, &common.restocks_topic, own.skus, own.stock, &own.seed.to_string());
    }
    let bytes = send_orders(&producer, &mut signer, &common.orders_topic, own);
    flush(&producer, 300);
    println!(
        "{}",
        json!({
            "orders": own.orders, "skus": own.skus, "stock": own.stock, "secs": began.elapsed().as_secs_f64(),
            "avg_value_bytes": bytes as f64 / own.orders.max(1) as f64,
        })
    );
}

/// Returns the bytes of all values.
fn send_orders(producer: &BaseProducer, signer: &mut Signer, topic: &str, own: &Load) -> u64 {
    let mut generator = OrderGen::new(own.seed, own.skus);
    let mut value = String::new();
    let mut bytes = 0;
    let began = Instant::now();
    for number in 1..=own.orders {
        let id = format!("{}{number:06}", own.id_prefix);
        generator.order(&id, FIRST_PLACED_MS + number as i64 * 10, &mut value);
        bytes += value.len() as u64;
        signer.send(producer, topic, &id, &value);
        if number % 1000 == 0 {
            producer.poll(Duration::ZERO);
        }
        if own.rate > 0.0 {
            let due = began + Duration::from_secs_f64(number as f64 / own.rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    bytes
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many SKUs
    #[arg(long, value_name = "N", default_value_t = 1000)]
    skus: usize,
    /// Units at which each is to be ordered again
    #[arg(long, value_name = "UNITS", default_value_t = 0, allow_negative_numbers = true)]
    reorder_point: i64,
    /// Where the catalogue is
    #[arg(long, value_name = "TOPIC", default_value = "products")]
    products_topic: String,
}

pub(crate) fn list(common: &Common, own: &List) {
    let producer = common.producer(LINGER);
    for number in 1..=own.skus {
        let (sku, price, point) = (sku(number), price(number), own.reorder_point);
        let value = format!(
            r#"{{"type":"upsert","sku":"{sku}","name":"Article {number}","price":{price},"currency":"GBP","reorder_point":{point}}}"#
        );
        send(&producer, &own.products_topic, &sku, &value);
    }
    flush(&producer, 120);
    println!("{}", json!({"products": own.skus}));
}
