//! Whatever one bit of a signed record is changed to, it is refused; whatever comes in the headers, reading them ends.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use proptest::prelude::*;
use schemas::{Reason, Timestamp};
use waybill_signatures::{Checked, Guard, HeaderRef, Headers, Kind, NewKey, Policy, Signed, SigningKey, TopicKey, VerifyingKey, sign};

const NOW: i64 = 1_800_000_000;
/// So wide that a changed timestamp is not refused for its age alone.
const WINDOW: i64 = 86_400;

fn signer(kind: Kind) -> (SigningKey, Guard) {
    let new = NewKey::of(kind, &[7; 32]);
    let key = VerifyingKey::parse(new.public.as_deref().unwrap_or(&new.secret)).unwrap();
    (SigningKey::parse(&new.secret).unwrap(), Guard::new(Policy::Accepted, WINDOW, vec![TopicKey::always(key)]).unwrap())
}

fn check(guard: &Guard, parts: &[Vec<u8>; 4]) -> Result<(), Reason> {
    let [id, timestamp, signature, value] = parts;
    let headers: [HeaderRef<'_>; 3] =
        [("webhook-id", Some(id)), ("webhook-timestamp", Some(timestamp)), ("webhook-signature", Some(signature))];
    match guard.check(&headers, Some(value), Timestamp(NOW * 1000)) {
        Ok(Checked::Signed { .. }) => Ok(()),
        Ok(Checked::Unsigned) => panic!("an unsigned record"),
        Err(reject) => Err(reject.reason),
    }
}

fn parts(signed: &Signed, value: &[u8]) -> [Vec<u8>; 4] {
    [signed.id.clone().into(), signed.timestamp.clone().into(), signed.signature.clone().into(), value.to_vec()]
}

#[test]
fn every_single_bit_counts() {
    let value = br#"{"type":"place","order_id":"536365","lines":[{"sku":"85123A","quantity":6,"unit_price":255}]}"#;
    for kind in [Kind::Hmac, Kind::Ed25519] {
        let (key, guard) = signer(kind);
        let good = parts(&sign(&[key], "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", NOW, value).unwrap(), value);
        assert_eq!(check(&guard, &good), Ok(()));
        let mut flips = 0;
        for part in 0..good.len() {
            for bit in 0..good[part].len() * 8 {
                let mut bad = good.clone();
                bad[part][bit / 8] ^= 1 << (bit % 8);
                let found = check(&guard, &bad);
                let expected = [Reason::SignatureWrong, Reason::SignatureMalformed, Reason::SignatureUnknownKey];
                assert!(found.is_err_and(|reason| expected.contains(&reason)), "{kind:?}: bit {bit} of part {part}");
                // A changed value is a wrong signature, and never anything milder.
                assert!(part != 3 || found == Err(Reason::SignatureWrong), "{kind:?}: bit {bit} of the value");
                flips += 1;
            }
        }
        assert!(flips > 1_000, "only {flips} bits");
    }
}

/// Texts that look like the headers, and now and then are.
fn header_text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::sample::select(vec![
        "v1,",
        "v1a,",
        "v2,",
        "v1",
        " ",
        ",",
        "=",
        "AAAA",
        "msg_1",
        "1800000000",
        "0",
        ".",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
        "\u{e9}",
        "\n",
    ]);
    prop_oneof![
        4 => proptest::collection::vec(pieces, 0..12).prop_map(|p| p.concat().into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..80),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_record_that_is_signed_passes_and_with_one_bit_changed_does_not(
        id in "[!-\\-/-~]{1,256}",
        value in proptest::collection::vec(any::<u8>(), 0..600),
        age in -WINDOW..=WINDOW,
        is_hmac: bool,
        at: prop::sample::Index,
    ) {
        let (key, guard) = signer(if is_hmac { Kind::Hmac } else { Kind::Ed25519 });
        let mut parts = parts(&sign(&[key], &id, NOW + age, &value).unwrap(), &value);
        prop_assert_eq!(check(&guard, &parts), Ok(()));
        let bits: usize = parts.iter().map(|part| part.len() * 8).sum();
        let mut bit = at.index(bits);
        for part in &mut parts {
            if bit < part.len() * 8 {
                part[bit / 8] ^= 1 << (bit % 8);
                break;
            }
            bit -= part.len() * 8;
        }
        prop_assert!(check(&guard, &parts).is_err());
    }

    #[test]
    fn what_is_read_from_any_headers_is_within_limits(
        names in proptest::collection::vec((0usize..5, proptest::option::weighted(0.9, header_text())), 0..6),
    ) {
        let known = ["webhook-id", "webhook-timestamp", "webhook-signature", "Webhook-Id", "traceparent"];
        let headers: Vec<HeaderRef<'_>> = names.iter().map(|(n, value)| (known[*n], value.as_deref())).collect();
        match Headers::read(&headers) {
            Ok(None) => prop_assert!(headers.iter().all(|(name, _)| *name == "traceparent")),
            Ok(Some(read)) => {
                prop_assert!(!read.id.is_empty() && read.id.len() <= 256 && !read.id.contains('.'));
                prop_assert_eq!(read.seconds.to_string(), read.timestamp);
                prop_assert!(read.v1.len() + read.v1a.len() <= 8);
            }
            Err(reject) => {
                prop_assert!(matches!(reject.reason, Reason::SignatureMissing | Reason::SignatureMalformed));
                prop_assert!(reject.message.len() < 500);
            }
        }
    }
}
