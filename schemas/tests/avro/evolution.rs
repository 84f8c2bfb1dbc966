//! Writers whose schema is not the reader's: what resolves is read, what does not is a dead letter that names both.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use waybill_schemas::avro::{Decoders, Lookup, Schema, Undecoded, Writer};
use waybill_schemas::input::{Input, OrderCommand};
use waybill_schemas::{Reason, Source};

use super::writer::{datum, framed, parse, text};

/// What `record`, written with `schema`, is read as.
fn read(source: Source, key: &str, schema: &Json, record: &Json) -> Result<String, (Reason, String)> {
    let schema = schema.to_string();
    let value = framed(Writer::Id(1), &datum(&parse(&schema), record));
    let schema = Arc::new(Schema::parse(&schema).unwrap());
    let mut decoders = Decoders::default();
    match decoders.decode(source, key, Some(&value), |_| Lookup::Schema(schema)) {
        Ok(input) => Ok(format!("{input:?}")),
        Err(Undecoded::Rejected(reject)) => Err((reject.reason, reject.message)),
        Err(Undecoded::NotYet) => panic!("nothing is waited for here"),
    }
}

fn count_schema(change: impl FnOnce(&mut Vec<Json>)) -> Json {
    let mut schema: Json = serde_json::from_str(text("stock-counts")).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    schema
}

fn count() -> Json {
    json!({ "count_id": "K", "sku": "A", "location": "main", "counted": 93, "counted_at": 1_291_191_960_000i64 })
}

fn as_it_is() -> String {
    read(Source::StockCounts, "A", &count_schema(|_| ()), &count()).unwrap()
}

#[test]
fn fields_that_were_added_are_passed_over() {
    let schema = count_schema(|fields| {
        // One of every kind, before, between and after.
        let deep = json!({ "type": "map", "values": { "type": "array", "items": ["null", "bytes"] } });
        fields.insert(0, json!({ "name": "first", "type": { "type": "fixed", "name": "F", "size": 3 } }));
        fields.remove(0);
        fields.insert(
            2,
            json!({ "name": "counter", "type": { "type": "record", "name": "Person", "fields": [
            { "name": "name", "type": "string" }, { "name": "years", "type": "float" }, { "name": "shift", "type": ["null", "int"] }] } }),
        );
        fields.push(json!({ "name": "tags", "type": { "type": "array", "items": "string" } }));
        fields.push(json!({ "name": "deep", "type": ["null", deep] }));
    });
    let mut record = count();
    record["counter"] = json!({ "name": "Ann", "years": 41.5, "shift": 2 });
    record["tags"] = json!(["x", "y"]);
    assert_eq!(read(Source::StockCounts, "A", &schema, &record), Ok(as_it_is()));
}

#[test]
fn fields_that_may_be_left_out_may_be_missing_and_others_not() {
    let without = |name: &str| count_schema(|fields| fields.retain(|f| f["name"] != name));
    let found = read(Source::StockCounts, "A", &without("counted_at"), &count()).unwrap();
    assert_eq!(found, as_it_is().replace("Some(Timestamp(1291191960000))", "None"));
    let (reason, message) = read(Source::StockCounts, "A", &without("counted"), &count()).unwrap_err();
    assert_eq!(reason, Reason::SchemaIncompatible);
    assert!(message.contains("`counted`") && message.contains("default"), "{message}");
    // Both schemas, by name and fingerprint.
    assert_eq!(message.matches("`waybill.StockCount` (").count(), 2, "{message}");
}

#[test]
fn order_and_what_may_be_null_do_not_matter() {
    let reversed = count_schema(|fields| fields.reverse());
    assert_eq!(read(Source::StockCounts, "A", &reversed, &count()), Ok(as_it_is()));
    let never_null = count_schema(|fields| {
        for field in fields {
            if let Some(plain) = field["type"].get(1).cloned() {
                field["type"] = plain;
                field.as_object_mut().unwrap().remove("default");
            }
        }
    });
    assert_eq!(read(Source::StockCounts, "A", &never_null, &count()), Ok(as_it_is()));
    // A writer that allows null where we do not: only the record that has it is refused.
    let nullable = count_schema(|fields| fields[3]["type"] = json!(["null", "int"]));
    assert_eq!(read(Source::StockCounts, "A", &nullable, &count()), Ok(as_it_is()));
    let mut record = count();
    record["counted"] = Json::Null;
    let (reason, message) = read(Source::StockCounts, "A", &nullable, &record).unwrap_err();
    assert_eq!(reason, Reason::SchemaIncompatible);
    assert!(message.contains("`counted`") && message.matches("`waybill.StockCount` (").count() == 2, "{message}");
}

#[test]
fn numbers_are_promoted_and_never_cut() {
    let typed = |name: &str, of: Json| {
        count_schema(|fields| {
            let field = fields.iter_mut().find(|f| f["name"] == name).unwrap();
            field["type"] = of;
            field.as_object_mut().unwrap().remove("default");
        })
    };
    let as_is = Ok(as_it_is());
    assert_eq!(read(Source::StockCounts, "A", &typed("counted", json!("int")), &count()), as_is);
    let micros = typed("counted_at", json!({ "type": "long", "logicalType": "timestamp-micros" }));
    let mut record = count();
    record["counted_at"] = json!(1_291_191_960_000_999i64);
    assert_eq!(read(Source::StockCounts, "A", &micros, &record), as_is, "microseconds become milliseconds, not a date in the year 42886");
    assert_eq!(read(Source::StockCounts, "A", &typed("counted_at", json!("long")), &count()), as_is);
    assert_eq!(read(Source::StockCounts, "A", &typed("sku", json!("bytes")), &count()), as_is);
    for of in [json!("double"), json!("float"), json!({ "type": "bytes", "logicalType": "decimal", "precision": 9 })] {
        let schema = typed("counted", of.clone());
        let mut record = count();
        if !of.is_string() {
            record["counted"] = json!("x");
        }
        let value = framed(Writer::Id(1), &[]);
        let parsed = Arc::new(Schema::parse(&schema.to_string()).unwrap());
        let got = Decoders::default().decode(Source::StockCounts, "A", Some(&value), |_| Lookup::Schema(parsed)).unwrap_err();
        assert!(matches!(got, Undecoded::Rejected(r) if r.reason == Reason::SchemaIncompatible && r.message.contains("`counted`")), "{of}");
    }
    let day = typed("counted_at", json!({ "type": "int", "logicalType": "date" }));
    let mut record = count();
    record["counted_at"] = json!(14_944);
    assert_eq!(read(Source::StockCounts, "A", &day, &record).unwrap_err().0, Reason::SchemaIncompatible, "days are no milliseconds");
}

#[test]
fn a_record_of_another_kind_is_not_taken_for_ours() {
    let mut schema = count_schema(|_| ());
    schema["name"] = json!("Recount");
    assert_eq!(read(Source::StockCounts, "A", &schema, &count()).unwrap_err().0, Reason::SchemaIncompatible);
    schema["name"] = json!("StockCount");
    schema["namespace"] = json!("com.example.warehouse");
    assert_eq!(read(Source::StockCounts, "A", &schema, &count()), Ok(as_it_is()), "the namespace is the writer's own affair");
}

#[test]
fn a_symbol_that_nobody_knows_is_refused_where_it_is_used() {
    let mut schema: Json = serde_json::from_str(text("orders")).unwrap();
    let symbols = schema["fields"][0]["type"]["symbols"].as_array_mut().unwrap();
    symbols.insert(0, json!("quote"));
    let (reason, message) = read(Source::Orders, "1", &schema, &json!({ "type": "quote", "order_id": "1" })).unwrap_err();
    assert_eq!(reason, Reason::SchemaIncompatible);
    assert!(message.contains("`quote`") && message.contains("`type`"), "{message}");
    let got = read(Source::Orders, "1", &schema, &json!({ "type": "deliver", "order_id": "1" }));
    assert_eq!(got, Ok(format!("{:?}", Input::Order(OrderCommand::Deliver))), "symbols go by their names, not their numbers");
}

#[test]
fn schemas_that_could_do_harm_are_refused_once() {
    let recursive = r#"{"type":"record","name":"StockCount","fields":[{"name":"count_id","type":"string"},
        {"name":"more","type":["null","StockCount"]}]}"#;
    let why = Schema::parse(recursive).unwrap_err().to_string();
    let value = framed(Writer::Id(1), &vec![2; 1 << 19]);
    let mut decoders = Decoders::default();
    for _ in 0..2 {
        let got = decoders.decode(Source::StockCounts, "A", Some(&value), |_| Lookup::Unusable(why.clone())).unwrap_err();
        let Undecoded::Rejected(reject) = got else { panic!("{got:?}") };
        assert_eq!(reject.reason, Reason::SchemaIncompatible);
        assert!(reject.message.contains("contains itself") && reject.message.contains("id 1"), "{}", reject.message);
    }
    // The second time nobody was asked.
    assert_eq!(decoders.wants(Source::StockCounts, Some(&value)), None);
}
