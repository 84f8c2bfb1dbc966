//! The program in Avro on a real Kafka with a real registry: a producer with a schema of its own, decisions in Avro, a
//! registry that goes away, bad ids, a new start, and `waybill verify`.

use std::time::Duration;

use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use schemas::avro::{Frame, Schema, Writer};
use serde_json::Value;
use waybill::registry::{Client, RegistryError};

use super::live::app::{App, SINKS, SOURCES, Shape};
use super::live::broker::Broker;
use super::live::sender::{Partitioner, Record, Sender};
use super::live::{PATIENCE, wait_until};
use super::server::Server;
use super::{config, text};

/// A shop's own schema: other fields, another order, narrower numbers.
const SHOP: &str = r#"{"type":"record","name":"Order","namespace":"com.example.shop","fields":[
  {"name":"channel","type":"string"},
  {"name":"order_id","type":"string"},
  {"name":"type","type":{"type":"enum","name":"OrderCommand","symbols":["cancel","place"]}},
  {"name":"lines","type":{"type":"array","items":{"type":"record","name":"OrderLine","fields":[
    {"name":"quantity","type":"int"},{"name":"sku","type":"string"}]}}}]}"#;

const BANK: &str = r#"{"type":"record","name":"Payment","namespace":"com.example.bank","fields":[
  {"name":"payment_id","type":"string"},{"name":"order_id","type":"string"},
  {"name":"status","type":{"type":"enum","name":"PaymentStatus","symbols":["captured","failed","refunded"]}},
  {"name":"amount","type":"long"},{"name":"currency","type":"string"}]}"#;

struct Ids {
    shop: u32,
    bank: u32,
    restocks: u32,
}

fn register(client: &Client) -> Ids {
    Ids {
        shop: client.register("shop-value", SHOP).unwrap(),
        bank: client.register("bank-value", BANK).unwrap(),
        restocks: client.register("restocks-elsewhere", text("restocks")).unwrap(),
    }
}

fn encoded(id: u32, schema: &str, value: Avro) -> Vec<u8> {
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let mut out = vec![];
    Frame::write(Writer::Id(id), &mut out);
    out.extend(GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value).unwrap());
    out
}

fn record(fields: Vec<(&str, Avro)>) -> Avro {
    Avro::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn string(text: &str) -> Avro {
    Avro::String(text.to_owned())
}

fn place(ids: &Ids, order: &str, quantity: i32) -> Vec<u8> {
    let line = record(vec![("quantity", Avro::Int(quantity)), ("sku", string("A"))]);
    let kind = Avro::Enum(1, "place".into());
    let value = record(vec![("channel", string("web")), ("order_id", string(order)), ("type", kind), ("lines", Avro::Array(vec![line]))]);
    encoded(ids.shop, SHOP, value)
}

fn payment(ids: &Ids, order: &str) -> Vec<u8> {
    let value = record(vec![
        ("payment_id", string(&format!("P-{order}"))),
        ("order_id", string(order)),
        ("status", Avro::Enum(0, "captured".into())),
        ("amount", Avro::Long(100)),
        ("currency", string("GBP")),
    ]);
    encoded(ids.bank, BANK, value)
}

fn restock(ids: &Ids) -> Vec<u8> {
    let nothing = || Avro::Union(0, Box::new(Avro::Null));
    let value = record(vec![
        ("restock_id", string("R")),
        ("sku", string("A")),
        ("location", nothing()),
        ("quantity", Avro::Long(10)),
        ("kind", Avro::Enum(1, "received".into())),
        ("to_location", nothing()),
        ("expected_at", nothing()),
    ]);
    encoded(ids.restocks, text("restocks"), value)
}

/// The types of an order's events; read with the schema that the registry has under the id in the record.
fn events(app: &App, client: &Client, order: &str) -> Vec<String> {
    let of = |value: &[u8]| {
        let Frame { writer: Writer::Id(id), datum } = Frame::read(value).unwrap() else { panic!("not Confluent's framing") };
        let schema: Schema = client.schema(id).unwrap();
        let decoder = avro::Decoder::new(&schema, &schema).unwrap();
        decoder.decode::<Value>(datum).unwrap()
    };
    let seen = app.reader.read(&app.topic("order-events"));
    let mine = seen.iter().filter(|s| s.key_text() == order);
    mine.map(|s| of(s.value.as_deref().unwrap())["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn avro_on_a_real_kafka_with_a_real_registry() {
    if !Server::is_possible() {
        return;
    }
    let (server, broker) = (Server::start("registry-kafka"), Broker::start("avro"));
    let client = Client::new(&config(&server.url), None);
    let ids = register(&client);
    let app = App::without_topics(&broker, "avro", Shape::default());
    let path = app.dir().join("topology.toml");
    let mut topology = std::fs::read_to_string(&path).unwrap();
    for topic in SOURCES.iter().chain(&SINKS).filter(|topic| **topic != "dead-letters") {
        let name = format!("name = \"avro.{topic}\"\n");
        assert!(topology.contains(&name));
        topology = topology.replacen(&name, &format!("{name}format = \"avro\"\n"), 1);
    }
    topology.push_str(&format!("\n[registry]\nurl = \"{}\"\ntimeout_ms = 1_000\n", server.url));
    std::fs::write(&path, topology).unwrap();
    app.create_topics();
    let mut running = app.run(0).workers(2).ready();
    let mut sender = Sender::new(&broker.bootstrap, Partitioner::Murmur2);
    let put = |sender: &mut Sender, topic: &str, key: &str, value: Vec<u8>| {
        sender.put(&Record::new(&app.topic(topic), key, value));
    };
    let await_events = |order: &str, want: &[&str]| {
        wait_until(PATIENCE, || events(&app, &client, order) == want, || format!("{order}: {:?}", events(&app, &client, order)));
    };
    put(&mut sender, "restocks", "A", restock(&ids));
    // The worker reads sources in the order of their times, but nothing says that the restock is there by now.
    wait_until(PATIENCE, || !app.reader.read(&app.topic("stock-levels")).is_empty(), || "no level".into());
    put(&mut sender, "orders", "1", place(&ids, "1", 6));
    await_events("1", &["accepted"]);

    // It hangs, before anybody needed the bank's schema.
    server.freeze();
    put(&mut sender, "payments", "1", payment(&ids, "1"));
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(app.reader.read(&app.topic("dead-letters")).len(), 0, "a registry that is away is nobody's fault");
    server.thaw();
    await_events("1", &["accepted", "paid"]);

    // Bad ones, each with its reason.
    put(&mut sender, "orders", "2", encoded(4_000_000, r#""string""#, string("x")));
    put(&mut sender, "orders", "2", b"{}".to_vec());
    let good = place(&ids, "2", 1);
    put(&mut sender, "orders", "2", good[..good.len() - 1].to_vec());
    put(&mut sender, "orders", "2", [&good[..], &[0]].concat());
    put(&mut sender, "orders", "3", good.clone());
    put(&mut sender, "orders", "2", [&[0u8][..], &ids.bank.to_be_bytes(), &good[5..]].concat());
    put(&mut sender, "orders", "2", good);
    await_events("2", &["accepted"]);
    let letters = app.reader.read(&app.topic("dead-letters"));
    let mut reasons: Vec<&str> = letters.iter().map(|l| l.header("waybill.error.reason").unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["invalid_magic", "key_mismatch", "schema_incompatible", "trailing_bytes", "truncated", "unknown_schema"]);
    let incompatible = letters.iter().find(|l| l.header("waybill.error.reason") == Some("schema_incompatible")).unwrap();
    let message = incompatible.header("waybill.error.message").unwrap();
    assert!(message.contains("com.example.bank.Payment") && message.contains("waybill.Order"), "{message}");

    // A new process knows no schema and asks again.
    running.terminate();
    let mut running = app.run(0).ready();
    put(&mut sender, "orders", "4", place(&ids, "4", 1));
    await_events("4", &["accepted"]);
    app.settle();
    running.terminate();
    app.assert_no_open_transaction();
    app.verify();
    // The client tells absence from refusal.
    drop(server);
    assert!(matches!(client.ping(), Err(RegistryError::Away(_))));
}
