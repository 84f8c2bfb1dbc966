//! Writes records with `apache-avro`, so that what is tested is not its own judge.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use serde_json::{Value as Json, json};
use waybill_schemas::avro::{Decoders, Frame, Lookup, TOPICS, Undecoded, Writer};
use waybill_schemas::input::Input;
use waybill_schemas::{Source, avro};

pub fn text(topic: &str) -> &'static str {
    TOPICS.iter().find(|(name, _)| *name == topic).unwrap().1
}

pub fn parse(text: &str) -> Schema {
    Schema::parse_str(text).unwrap()
}

/// `value` as `schema` has it; a time is milliseconds.
pub fn datum(schema: &Schema, value: &Json) -> Vec<u8> {
    let value = shaped(schema, value);
    GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(value).unwrap()
}

/// Reads and writes again with `apache-avro`.
pub struct Judge<'s> {
    reader: GenericDatumReader<'s>,
    writer: GenericDatumWriter<'s>,
}

impl<'s> Judge<'s> {
    pub fn new(schema: &'s Schema) -> Judge<'s> {
        let reader = GenericDatumReader::builder(schema).build().unwrap();
        Judge { reader, writer: GenericDatumWriter::builder(schema).build().unwrap() }
    }

    /// `None`: it cannot, or does not use all bytes.
    pub fn again(&self, mut bytes: &[u8]) -> Option<Vec<u8>> {
        let value = self.reader.read_value(&mut bytes).ok()?;
        let again = self.writer.write_value_to_vec(value).ok()?;
        bytes.is_empty().then_some(again)
    }
}

fn shaped(schema: &Schema, value: &Json) -> Value {
    match (schema, value) {
        (Schema::Union(union), value) => {
            let branches = union.variants();
            let is_null = |s: &Schema| matches!(s, Schema::Null);
            let at = branches.iter().position(|s| is_null(s) == value.is_null()).unwrap();
            Value::Union(at as u32, Box::new(shaped(&branches[at], value)))
        }
        (Schema::Null, _) => Value::Null,
        (Schema::Boolean, v) => Value::Boolean(v.as_bool().unwrap()),
        (Schema::Int, v) => Value::Int(v.as_i64().unwrap() as i32),
        (Schema::Long, v) => Value::Long(v.as_i64().unwrap()),
        (Schema::TimestampMillis, v) => Value::TimestampMillis(v.as_i64().unwrap()),
        (Schema::TimestampMicros, v) => Value::TimestampMicros(v.as_i64().unwrap()),
        (Schema::Date, v) => Value::Date(v.as_i64().unwrap() as i32),
        (Schema::Float, v) => Value::Float(v.as_f64().unwrap() as f32),
        (Schema::Double, v) => Value::Double(v.as_f64().unwrap()),
        (Schema::String, v) => Value::String(v.as_str().unwrap().into()),
        (Schema::Bytes, v) => Value::Bytes(v.as_str().unwrap().into()),
        (Schema::Enum(of), v) => {
            let at = of.symbols.iter().position(|s| s == v.as_str().unwrap()).unwrap();
            Value::Enum(at as u32, of.symbols[at].clone())
        }
        (Schema::Array(of), v) => Value::Array(v.as_array().unwrap().iter().map(|v| shaped(&of.items, v)).collect()),
        (Schema::Record(of), v) => {
            Value::Record(of.fields.iter().map(|f| (f.name.clone(), shaped(&f.schema, v.get(&f.name).unwrap_or(&Json::Null)))).collect())
        }
        (schema, _) => panic!("{schema:?}"),
    }
}

/// A value with the header of `writer`.
pub fn framed(writer: Writer, datum: &[u8]) -> Vec<u8> {
    let mut value = vec![];
    Frame::write(writer, &mut value);
    value.extend_from_slice(datum);
    value
}

/// A value in the single-object encoding, written with the topic's schema.
pub fn single_object(source: Source, value: &Json) -> Vec<u8> {
    let print = avro::current(source.name()).unwrap().fingerprint();
    framed(Writer::Fingerprint(print), &datum(&parse(text(source.name())), value))
}

pub fn nobody(_: u32) -> Lookup {
    Lookup::Unknown("no registry is configured".into())
}

pub fn decode<'a>(decoders: &mut Decoders, source: Source, key: &str, value: &'a [u8]) -> Result<Input<'a>, String> {
    decoders.decode(source, key, Some(value), nobody).map_err(|e| match e {
        Undecoded::Rejected(reject) => reject.to_string(),
        Undecoded::NotYet => "not yet".into(),
    })
}

/// Real records: orders of a wholesaler's invoices, and payments, restocks and counts to go with them.
pub fn real(most: usize) -> Vec<(Source, String, Json)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/online-retail/2010-12-01.csv");
    let mut orders: Vec<(String, Vec<Json>)> = vec![];
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let (id, sku, quantity) = (&row[0], &row[1], row[3].parse::<i64>().unwrap());
        if quantity <= 0 {
            continue;
        }
        if orders.last().is_none_or(|(last, _)| last != id) {
            orders.push((id.into(), vec![]));
        }
        let lines = &mut orders.last_mut().unwrap().1;
        let price = (row[5].parse::<f64>().unwrap() * 100.0).round() as i64;
        lines.push(json!({ "line": lines.len() + 1, "sku": sku, "quantity": quantity, "unit_price": price }));
    }
    let mut all = vec![];
    for (n, (id, lines)) in orders.into_iter().enumerate() {
        let sku = lines[0]["sku"].as_str().unwrap().to_owned();
        let at = 1_291_191_960_000i64 + 60_000 * n as i64;
        let order = json!({
            "type": "place", "order_id": id, "customer_id": "17850", "placed_at": at, "currency": "GBP", "lines": lines,
            "hold_seconds": 900, "ship_to": { "lat": 60.17, "lon": 24.94 },
        });
        all.push((Source::Orders, id.clone(), order));
        all.push((Source::Orders, id.clone(), json!({ "type": "return", "order_id": id, "restock": true })));
        let payment = json!({ "payment_id": format!("P-{n}"), "order_id": id, "status": "captured", "amount": 1530, "currency": "GBP" });
        all.push((Source::Payments, id, payment));
        let restock = json!({
            "restock_id": format!("R-{n}"), "sku": sku, "location": "main", "quantity": 100, "kind": "transfer", "to_location": "shop",
        });
        all.push((Source::Restocks, sku.clone(), restock));
        all.push((Source::StockCounts, sku.clone(), json!({ "count_id": format!("K-{n}"), "sku": sku, "counted": 93, "counted_at": at })));
    }
    all.truncate(most);
    all
}
