//! The published vectors: the example headers of the Standard Webhooks specification, and the test cases that its
//! official libraries have in common.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use schemas::{Reason, Timestamp};
use waybill_signatures::{Checked, Guard, Policy, SigningKey, TopicKey, VerifyingKey, WINDOW_SECONDS, sign};

/// The message that the libraries' tests and the specification's Ed25519 example sign.
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SECONDS: i64 = 1_614_265_330;
const PAYLOAD: &str = r#"{"test": 2432232314}"#;

/// `libraries/*/…test` of the specification's repository, in every language.
const HMAC_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HMAC_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

/// The `v1a` signature of the specification's "Example headers". Its key is that of `test_asymmetric_key_signing` in the
/// server of those who wrote the specification (svix-webhooks).
const ED25519_SECRET: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const ED25519_PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const ED25519_SIGNATURE: &str = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

fn guard(key: &str) -> Guard {
    Guard::new(Policy::Required, WINDOW_SECONDS, vec![TopicKey::always(VerifyingKey::parse(key).unwrap())]).unwrap()
}

fn check(key: &str, headers: &[(&str, &str)], at: i64) -> Result<(), Reason> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, Some(value.as_bytes()))).collect();
    match guard(key).check(&headers, Some(PAYLOAD.as_bytes()), Timestamp(at * 1000)) {
        Ok(Checked::Signed { id, .. }) => {
            assert_eq!(id, ID);
            Ok(())
        }
        Ok(Checked::Unsigned) => panic!("an unsigned record passed"),
        Err(reject) => Err(reject.reason),
    }
}

fn headers<'a>(seconds: &'a str, signature: &'a str) -> [(&'static str, &'a str); 3] {
    [("webhook-id", ID), ("webhook-timestamp", seconds), ("webhook-signature", signature)]
}

#[test]
fn signs_as_published() {
    for (key, signature) in [(HMAC_SECRET, HMAC_SIGNATURE), (ED25519_SECRET, ED25519_SIGNATURE)] {
        let signed = sign(&[SigningKey::parse(key).unwrap()], ID, SECONDS, PAYLOAD.as_bytes()).unwrap();
        assert_eq!(signed.headers(), headers("1614265330", signature));
    }
    assert_eq!(SigningKey::parse(ED25519_SECRET).unwrap().public().as_deref(), Some(ED25519_PUBLIC));
    // The secret key alone, without its public half.
    let alone = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
    assert_eq!(SigningKey::parse(alone).unwrap().public().as_deref(), Some(ED25519_PUBLIC));
}

#[test]
fn takes_what_is_published() {
    let both = format!("{HMAC_SIGNATURE} {ED25519_SIGNATURE}");
    for key in [HMAC_SECRET, ED25519_PUBLIC] {
        assert_eq!(check(key, &headers("1614265330", &both), SECONDS), Ok(()), "one of two versions");
    }
    assert_eq!(check(HMAC_SECRET, &headers("1614265330", HMAC_SIGNATURE), SECONDS), Ok(()));
    assert_eq!(check(ED25519_PUBLIC, &headers("1614265330", ED25519_SIGNATURE), SECONDS), Ok(()));
    assert_eq!(check(HMAC_SECRET, &headers("1614265330", ED25519_SIGNATURE), SECONDS), Err(Reason::SignatureUnknownKey));
    assert_eq!(check(ED25519_PUBLIC, &headers("1614265330", HMAC_SIGNATURE), SECONDS), Err(Reason::SignatureUnknownKey));
}

/// The cases of the libraries' `webhook.test.ts`, `test_webhooks.py`, `webhook_test.go` …
#[test]
fn answers_the_libraries_cases_as_they_do() {
    let timestamp = "1614265330";
    let [id, time, signature] = headers(timestamp, HMAC_SIGNATURE);
    assert_eq!(check(HMAC_SECRET, &[id, time, signature], SECONDS), Ok(()), "valid signature");
    assert_eq!(check(HMAC_SECRET, &[time, signature], SECONDS), Err(Reason::SignatureMissing), "missing id");
    assert_eq!(check(HMAC_SECRET, &[id, signature], SECONDS), Err(Reason::SignatureMissing), "missing timestamp");
    assert_eq!(check(HMAC_SECRET, &[id, time], SECONDS), Err(Reason::SignatureMissing), "missing signature");
    assert_eq!(check(HMAC_SECRET, &headers("hello", HMAC_SIGNATURE), SECONDS), Err(Reason::SignatureMalformed), "invalid timestamp");
    let broken = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLawdd";
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, broken), SECONDS), Err(Reason::SignatureMalformed), "invalid signature");
    let without_version = &HMAC_SIGNATURE[3..];
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, without_version), SECONDS), Err(Reason::SignatureMalformed), "partial signature");
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, "v1,"), SECONDS), Err(Reason::SignatureMalformed), "empty signature");
    let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    let several = format!("{other} v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= {HMAC_SIGNATURE} {other}");
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, &several), SECONDS), Ok(()), "one of several signatures");
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, other), SECONDS), Err(Reason::SignatureWrong));
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, HMAC_SIGNATURE), SECONDS + 301), Err(Reason::SignatureExpired), "too old");
    assert_eq!(check(HMAC_SECRET, &headers(timestamp, HMAC_SIGNATURE), SECONDS - 301), Err(Reason::SignatureExpired), "too new");
    let upper = [("Webhook-Id", ID), ("WEBHOOK-TIMESTAMP", timestamp), ("Webhook-Signature", HMAC_SIGNATURE)];
    assert_eq!(check(HMAC_SECRET, &upper, SECONDS), Ok(()), "names in any case");
}
