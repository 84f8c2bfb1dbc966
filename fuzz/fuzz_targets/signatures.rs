//! The headers of signed records. The input is a small language: names, values and the payload are separated by zeros, a
//! name of one digit stands for one of the three headers, a value that begins with 0xff is null.
#![no_main]

use schemas::{Reason, Timestamp};
use signatures::{
    Checked, Guard, HeaderRef, Headers, ID, Kind, MAX_ID_BYTES, MAX_SIGNATURES, NewKey, Policy, SIGNATURE, TIMESTAMP, TopicKey,
    VerifyingKey, redacted,
};

fn guard() -> Guard {
    let keys = [Kind::Hmac, Kind::Ed25519].map(|kind| {
        let new = NewKey::of(kind, &[1; 32]);
        TopicKey::always(VerifyingKey::parse(new.public.as_deref().unwrap_or(&new.secret)).expect("a key of its own making"))
    });
    Guard::new(Policy::Required, 300, keys.into()).expect("two keys")
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let parts: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let (payload, pairs) = parts.split_last().expect("a split has a part");
    let headers: Vec<HeaderRef<'_>> = pairs
        .chunks_exact(2)
        .map(|pair| {
            let name = match pair[0] {
                b"1" => ID,
                b"2" => TIMESTAMP,
                b"3" => SIGNATURE,
                other => std::str::from_utf8(other).unwrap_or("other"),
            };
            (name, (pair[1].first() != Some(&0xff)).then_some(pair[1]))
        })
        .collect();
    match Headers::read(&headers) {
        Ok(None) => {}
        Ok(Some(read)) => {
            assert!(!read.id.is_empty() && read.id.len() <= MAX_ID_BYTES && read.id.bytes().all(|b| b.is_ascii_graphic() && b != b'.'));
            assert_eq!(read.seconds.to_string(), read.timestamp);
            assert!(read.v1.len() + read.v1a.len() <= MAX_SIGNATURES);
        }
        Err(reject) => {
            assert!(matches!(reject.reason, Reason::SignatureMissing | Reason::SignatureMalformed));
            assert!(!reject.message.is_empty() && reject.message.len() < 1024);
        }
    }
    // Nobody but the keys' owner can sign, and that is not the fuzzer.
    match guard().check(&headers, Some(payload), Timestamp(1_800_000_000_000)) {
        Ok(Checked::Signed { .. } | Checked::Unsigned) => panic!("a forged record passed"),
        Err(reject) => assert!(!reject.message.is_empty() && reject.message.len() < 1024),
    }
    // Keys that are none, and messages that might hold one.
    let text = String::from_utf8_lossy(payload);
    let _ = VerifyingKey::parse(&text);
    let clean = redacted(&text);
    assert_eq!(redacted(&clean), clean);
});
