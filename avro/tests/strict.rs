//! What a decoder does with types that take less than what was written, and with instants as text.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use serde::Deserialize;
use waybill_avro::{Decoder, Encoder, FaultKind, Schema};

fn decoder(schema: &str) -> Decoder {
    let schema = Schema::parse(schema).unwrap();
    Decoder::new(&schema, &schema).unwrap()
}

#[test]
fn a_list_that_is_longer_than_its_type_is_not_cut() {
    let corners = decoder(r#"{"type":"array","items":{"type":"array","items":"int"}}"#);
    assert_eq!(corners.decode::<Vec<[i32; 2]>>(&[4, 4, 2, 4, 0, 4, 6, 8, 0, 0]).unwrap(), [[1, 2], [3, 4]]);
    let fault = corners.decode::<Vec<[i32; 2]>>(&[2, 6, 2, 4, 6, 0, 0]).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Value, "{fault}");
    assert!(corners.decode::<Vec<[i32; 2]>>(&[2, 2, 2, 0, 0]).is_err(), "nor filled up");
    // A block that does not end where it says, in the last block as in others.
    assert!(corners.decode::<Vec<Vec<i32>>>(&[1, 8, 4, 2, 4, 0, 0]).is_ok());
    assert_eq!(corners.decode::<Vec<Vec<i32>>>(&[1, 6, 4, 2, 4, 0, 0]).unwrap_err().kind(), FaultKind::Malformed);
}

#[test]
fn maps_enums_defaults_and_dropped_fields() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Colour {
        Red,
        Green,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Thing {
        colours: std::collections::BTreeMap<String, Colour>,
        size: Option<f64>,
        tags: Vec<String>,
        label: String,
    }
    let writer = Schema::parse(
        r#"{"type":"record","name":"a.Thing","fields":[
            {"name":"gone","type":{"type":"map","values":["null",{"type":"fixed","name":"F","size":2}]}},
            {"name":"tints","type":{"type":"map","values":{"type":"enum","name":"C","symbols":["Green","Blue","Red"]}}},
            {"name":"size","type":"int"}]}"#,
    )
    .unwrap();
    let reader = Schema::parse(
        r#"{"type":"record","name":"b.Thing","fields":[
            {"name":"size","type":["null","double"]},
            {"name":"colours","aliases":["tints"],"type":{"type":"map","values":{"type":"enum","name":"C","symbols":["Red","Green"]}}},
            {"name":"tags","type":{"type":"array","items":"string"},"default":["x"]},
            {"name":"label","type":"string","default":"none"}]}"#,
    )
    .unwrap();
    let decoder = Decoder::new(&writer, &reader).unwrap();
    let datum = [2, 2, b'k', 2, 9, 9, 0, 4, 2, b'a', 4, 2, b'b', 0, 0, 6];
    let thing: Thing = decoder.decode(&datum).unwrap();
    let colours = [("a".to_owned(), Colour::Red), ("b".to_owned(), Colour::Green)].into();
    assert_eq!(thing, Thing { colours, size: Some(3.0), tags: vec!["x".into()], label: "none".into() });
    let mut unknown = datum;
    unknown[10] = 2;
    let fault = decoder.decode::<Thing>(&unknown).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unresolved);
    assert!(fault.to_string().contains("`colours.a`") && fault.to_string().contains("`Blue`"), "{fault}");
    assert_eq!(decoder.gaps(), [".colours{}: the symbol `Blue`"]);
    // What is dropped is read as strictly as the rest.
    for cut in 0..datum.len() {
        assert_eq!(decoder.decode::<Thing>(&datum[..cut]).unwrap_err().kind(), FaultKind::Truncated, "{cut}");
    }
}

#[test]
fn instants_may_be_text_on_both_sides() {
    let schema = Schema::parse(
        r#"{"type":"record","name":"R","fields":[{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}"#,
    )
    .unwrap();
    let mut out = vec![];
    Encoder::new(&schema, |text| text.strip_prefix("T").and_then(|n| n.parse().ok()))
        .encode(&serde_json::json!({ "at": "T5" }), &mut out)
        .unwrap();
    assert_eq!(out, [2, 10]);
    let value: serde_json::Value = Decoder::new(&schema, &schema).unwrap().with_text(|n| format!("T{n}")).decode(&out).unwrap();
    assert_eq!(value, serde_json::json!({ "at": "T5" }));
    let refused = Encoder::new(&schema, |_| None).encode(&serde_json::json!({ "at": "soon" }), &mut out).unwrap_err();
    assert!(refused.to_string().contains("`at`") && refused.to_string().contains("soon"), "{refused}");
    let unknown = Encoder::new(&schema, |_| None).encode(&serde_json::json!({ "on": 1 }), &mut out).unwrap_err();
    assert!(unknown.to_string().contains("`on`"), "{unknown}");
}
