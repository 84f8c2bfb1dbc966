//! What checking a record costs, in microseconds on one core: `cargo run --release -p waybill-signatures --example cost`.
#![allow(clippy::unwrap_used, reason = "keys are made here and right")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use schemas::Timestamp;
use waybill_signatures::{Guard, HeaderRef, Kind, NewKey, Policy, SigningKey, TopicKey, VerifyingKey, sign};

const NOW: i64 = 1_800_000_000;
const ROUNDS: usize = 100;
const ROUND: Duration = Duration::from_millis(3);

fn main() {
    println!("{:<24} {:>10} {:>12} {:>12}", "keys = signatures", "value", "check", "sign");
    for (kind, keys) in [(Kind::Hmac, 1), (Kind::Hmac, 2), (Kind::Ed25519, 1), (Kind::Ed25519, 2)] {
        for size in [200, 1024, 16 << 10] {
            let value = vec![b'x'; size];
            let pairs: Vec<NewKey> = (1..=keys).map(|n| NewKey::of(kind, &[n; 32])).collect();
            let signing: Vec<SigningKey> = pairs.iter().map(|p| SigningKey::parse(&p.secret).unwrap()).collect();
            let verifying =
                pairs.iter().map(|p| TopicKey::always(VerifyingKey::parse(p.public.as_deref().unwrap_or(&p.secret)).unwrap())).collect();
            let guard = Guard::new(Policy::Required, 300, verifying).unwrap();
            let signed = sign(&signing, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", NOW, &value).unwrap();
            let headers: Vec<HeaderRef<'_>> = signed.headers().map(|(name, v)| (name, Some(v.as_bytes()))).to_vec();
            let check = least(|| {
                black_box(guard.check(black_box(&headers), Some(black_box(&value)), Timestamp(NOW * 1000)).unwrap());
            });
            let make = least(|| {
                black_box(sign(&signing, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", NOW, black_box(&value)).unwrap());
            });
            println!("{:<24} {size:>8} B {check:>9.2} µs {make:>9.2} µs", format!("{kind:?} × {keys}"));
        }
    }
}

/// Microseconds of one call in the fastest of many short rounds: what it costs where nothing else wants the core.
fn least(mut call: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (begin, mut calls) = (Instant::now(), 0u32);
        while begin.elapsed() < ROUND {
            for _ in 0..8 {
                call();
            }
            calls += 8;
        }
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    });
    rounds.fold(f64::INFINITY, f64::min)
}
