//! The same strictness for JSON, with the same records: every strict prefix is refused, and what a flipped bit leaves is
//! refused or taken for exactly what it says now.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use waybill_schemas::input;

use super::writer::real;

/// Flips grow with the square of a record: longer orders are left out for the sake of time.
const MOST_BYTES: usize = 400;

#[test]
fn every_strict_prefix_is_refused() {
    let mut cuts = 0;
    for (source, key, json) in real(500) {
        let text = json.to_string();
        assert!(input::decode(source, &key, Some(text.as_bytes())).is_ok(), "{text}");
        for cut in 1..text.len() {
            cuts += 1;
            let reason = input::decode(source, &key, Some(&text.as_bytes()[..cut])).map_err(|reject| reject.reason.word());
            // A character of several bytes may be what was cut.
            assert!(matches!(reason, Err("invalid_json" | "invalid_utf8")), "{cut} of {text}: {reason:?}");
        }
    }
    assert!(cuts > 10_000, "{cuts}");
}

#[test]
fn every_single_bit_flip_is_refused_or_is_exactly_what_the_text_says() {
    let mut records = 0;
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    for (source, key, json) in real(500) {
        let good = json.to_string().into_bytes();
        if good.len() > MOST_BYTES {
            continue;
        }
        records += 1;
        let want = input::decode(source, &key, Some(&good)).unwrap();
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let outcome = match input::decode(source, &key, Some(&flipped)) {
                Ok(taken) => {
                    let text = String::from_utf8_lossy(&flipped);
                    // Another reader of JSON: what it reads, written anew, must be the same record to us.
                    let read: Json = serde_json::from_slice(&flipped).unwrap_or_else(|e| panic!("taken, and no JSON: {text}: {e}"));
                    let again = read.to_string();
                    let same = input::decode(source, &key, Some(again.as_bytes()));
                    assert_eq!(same.as_ref(), Ok(&taken), "taken, and not what it says: {text}");
                    if taken == want { "taken, and the same to us" } else { "taken as another value" }
                }
                Err(reject) => reject.reason.word(),
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    println!("{outcomes:?}");
    let total: u32 = outcomes.values().sum();
    assert!(records > 100 && total > 100_000, "{records} {outcomes:?}");
    // In the name or the value of a field that nobody needs.
    assert!(outcomes["taken, and the same to us"] * 5 < total, "{outcomes:?}");
}
