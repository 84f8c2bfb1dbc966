//! Strictness: a record is taken whole and as it is, or not at all. Every strict prefix and every single-bit flip of
//! real records, trailing bytes, wrong headers, and bytes that mean to do harm.

use std::collections::BTreeMap;

use serde_json::json;
use waybill_schemas::avro::{Decoders, Frame, Lookup, Undecoded, Writer, current};
use waybill_schemas::input;
use waybill_schemas::{Reason, Source};

use super::writer::{Judge, decode, framed, nobody, parse, real, single_object, text};

fn reason(decoders: &mut Decoders, source: Source, key: &str, value: &[u8]) -> Result<(), Reason> {
    decoders.decode(source, key, Some(value), nobody).map(|_| ()).map_err(|e| match e {
        Undecoded::Rejected(reject) => reject.reason,
        Undecoded::NotYet => panic!("nothing is waited for here"),
    })
}

#[test]
fn avro_says_what_json_says() {
    let mut decoders = Decoders::default();
    let records = real(1_000);
    assert!(records.len() >= 100, "{}", records.len());
    for (source, key, json) in records {
        let avro = single_object(source, &json);
        let text = json.to_string();
        let want = input::decode(source, &key, Some(text.as_bytes())).unwrap();
        assert_eq!(decode(&mut decoders, source, &key, &avro), Ok(want), "{text}");
    }
}

#[test]
fn every_strict_prefix_is_truncated() {
    let mut decoders = Decoders::default();
    let mut cuts = 0;
    for (source, key, json) in real(500) {
        let avro = single_object(source, &json);
        for cut in 1..avro.len() {
            cuts += 1;
            assert_eq!(reason(&mut decoders, source, &key, &avro[..cut]), Err(Reason::Truncated), "{cut} of {}: {json}", avro.len());
        }
        assert_eq!(reason(&mut decoders, source, &key, &[]), Err(Reason::MissingValue));
    }
    assert!(cuts > 10_000, "{cuts}");
}

/// Flips grow with the square of a record: longer orders are left out for the sake of time.
const MOST_BYTES: usize = 400;

#[test]
fn every_single_bit_flip_is_refused_or_is_exactly_what_the_bytes_say() {
    let mut decoders = Decoders::default();
    let mut records = 0;
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    let written = Source::ALL.map(|source| (source, parse(text(source.name()))));
    let judges: BTreeMap<Source, Judge<'_>> = written.iter().map(|(source, schema)| (*source, Judge::new(schema))).collect();
    for (source, key, json) in real(500) {
        let judge = &judges[&source];
        let good = single_object(source, &json);
        if good.len() > MOST_BYTES {
            continue;
        }
        records += 1;
        let want = format!("{:?}", decode(&mut decoders, source, &key, &good).unwrap());
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match decoders.decode(source, &key, Some(&flipped), nobody) {
                Ok(input) => {
                    // Another value of a field, then; never the record that was sent, unless the field is one of those
                    // that nobody needs.
                    let datum = Frame::read(&flipped).unwrap().datum;
                    let again = judge.again(datum);
                    assert_eq!(again.as_deref(), Some(datum), "bit {bit} of {json}: taken, and not what the bytes say");
                    let same = format!("{input:?}") == want;
                    *outcomes.entry(if same { "taken, and the same to us" } else { "taken as another value" }).or_default() += 1;
                }
                Err(Undecoded::Rejected(reject)) => *outcomes.entry(reject.reason.word()).or_default() += 1,
                Err(Undecoded::NotYet) => panic!("bit {bit} of {json}: nothing is waited for here"),
            }
        }
    }
    println!("{outcomes:?}");
    let total: u32 = outcomes.values().sum();
    assert!(records > 400 && total > 100_000, "{records} {outcomes:?}");
    // In a field that nobody needs: a line's number, where a return comes from.
    assert!(outcomes["taken, and the same to us"] * 10 < total, "{outcomes:?}");
}

#[test]
fn what_follows_a_record_is_not_passed_over() {
    let mut decoders = Decoders::default();
    for (source, key, json) in real(100) {
        for more in [0u8, 1, 0xff] {
            let mut avro = single_object(source, &json);
            avro.push(more);
            assert_eq!(reason(&mut decoders, source, &key, &avro), Err(Reason::TrailingBytes));
        }
    }
}

#[test]
fn headers_that_are_wrong_each_have_their_reason() {
    let mut decoders = Decoders::default();
    let json = json!({ "type": "deliver", "order_id": "1" });
    let good = single_object(Source::Orders, &json);
    let datum = Frame::read(&good).unwrap().datum.to_vec();
    let payment = current("payments").unwrap().fingerprint();
    for (what, value, want) in [
        ("no header", datum.clone(), Reason::InvalidMagic),
        ("JSON", json.to_string().into_bytes(), Reason::InvalidMagic),
        ("a file of Avro records", b"Obj\x01\x02".to_vec(), Reason::InvalidMagic),
        ("version 2 of the single-object encoding", [&[0xC3, 2], &good[2..]].concat(), Reason::InvalidMagic),
        ("an id that nobody knows", framed(Writer::Id(7), &datum), Reason::UnknownSchema),
        ("a fingerprint that nobody knows", framed(Writer::Fingerprint(7), &datum), Reason::UnknownSchema),
        ("another topic's schema", framed(Writer::Fingerprint(payment), &datum), Reason::UnknownSchema),
        ("Confluent's header cut short", vec![0, 0, 0, 1], Reason::Truncated),
    ] {
        assert_eq!(reason(&mut decoders, Source::Orders, "1", &value), Err(want), "{what}");
    }
    assert_eq!(reason(&mut decoders, Source::Orders, "1", &good), Ok(()));
    assert_eq!(reason(&mut decoders, Source::Orders, "2", &good), Err(Reason::KeyMismatch));
    let known_later = framed(Writer::Id(7), &datum);
    let late = decoders.decode(Source::Orders, "1", Some(&known_later), |_| Lookup::NotYet);
    assert_eq!(late, Err(Undecoded::NotYet), "a registry that does not answer is nobody's fault");
    assert_eq!(decoders.wants(Source::Orders, Some(&known_later)), Some(7));
    assert_eq!(decoders.wants(Source::Orders, Some(&good)), None);
    assert_eq!(decoders.wants(Source::Orders, None), None);
}

#[test]
fn bytes_that_mean_harm_cost_nothing() {
    let mut decoders = Decoders::default();
    let print = current("orders").unwrap().fingerprint();
    // A place of order 1 up to its lines: three fields left out, then the list.
    let start = [0u8, 2, b'1', 0, 0, 0, 2];
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let depth_bomb = vec![0x02; 1 << 19];
    for (what, rest, want) in [
        ("2^63 - 1 lines", huge.to_vec(), Reason::Truncated),
        ("a text of 2^63 - 1 bytes", [&[2, 0][..], &huge].concat(), Reason::Truncated),
        ("a negative length", [2, 0, 1, 0, 0, 0, 0, 0].to_vec(), Reason::InvalidAvro),
        ("a block with a size that it does not have", [1, 100, 0, 2, b'A', 2, 0, 0, 0, 0, 0, 0, 0].to_vec(), Reason::InvalidAvro),
        ("an over-long number", [0x82, 0x80, 0, 0, 0, 0, 0].to_vec(), Reason::InvalidAvro),
        ("a union's branch that there is not", [2, 4, 0, 0, 0, 0].to_vec(), Reason::InvalidAvro),
        ("nothing but twos", depth_bomb, Reason::Truncated),
    ] {
        let value = framed(Writer::Fingerprint(print), &[&start[..], &rest].concat());
        let got = reason(&mut decoders, Source::Orders, "1", &value);
        assert!(got.is_err(), "{what}");
        if what != "nothing but twos" {
            assert_eq!(got, Err(want), "{what}");
        }
    }
    let value = vec![0; input::MAX_VALUE_BYTES + 1];
    assert_eq!(reason(&mut decoders, Source::Orders, "1", &value), Err(Reason::TooLarge));
    // 10^5 ids that nobody knows: no memory grows with them.
    for print in 0..100_000 {
        assert_eq!(reason(&mut decoders, Source::Orders, "1", &framed(Writer::Fingerprint(print), &[])), Err(Reason::UnknownSchema));
    }
}

#[test]
fn lists_in_several_blocks_with_and_without_their_sizes() {
    // hamba/avro writes a block's size before it, Java's blocking encoder as well; both are Avro.
    let mut decoders = Decoders::default();
    let print = current("orders").unwrap().fingerprint();
    let line = |sku: u8, quantity: u8| vec![0, 2, sku, quantity * 2, 0];
    let order = |lines: &[u8]| [&[0u8, 2, b'1', 0, 0, 0, 2], lines, &[0, 0, 0, 0, 0]].concat();
    let plain = order(&[&[4][..], &line(b'A', 1), &line(b'B', 2), &[0]].concat());
    let blocks = order(&[&[2][..], &line(b'A', 1), &[2], &line(b'B', 2), &[0]].concat());
    let sized = order(&[&[3, 20][..], &line(b'A', 1), &line(b'B', 2), &[0]].concat());
    let want = decode(&mut decoders, Source::Orders, "1", &framed(Writer::Fingerprint(print), &plain)).map(|i| format!("{i:?}"));
    assert!(want.is_ok(), "{want:?}");
    for other in [blocks, sized] {
        assert_eq!(decode(&mut decoders, Source::Orders, "1", &framed(Writer::Fingerprint(print), &other)).map(|i| format!("{i:?}")), want);
    }
}
