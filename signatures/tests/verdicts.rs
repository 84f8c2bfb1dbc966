//! A topic's verdict on a record: policies, rotation, the window, ids that come twice; each refusal with its own reason
//! and a sentence that says what to do.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use schemas::{Reason, Reject, Timestamp};
use waybill_signatures::{
    Checked, Guard, GuardError, HeaderRef, Kind, MAX_ID_BYTES, MAX_KEYS, MAX_SIGNATURES, NewKey, Policy, Seen, Signed, SigningKey,
    TopicKey, VerifyingKey, WINDOW_SECONDS, sign,
};

const NOW: i64 = 1_800_000_000;
const VALUE: &[u8] = br#"{"type":"cancel","order_id":"1"}"#;

/// A pair that belongs together, made from one number.
fn pair(kind: Kind, number: u8) -> (SigningKey, VerifyingKey) {
    let new = NewKey::of(kind, &[number; 32]);
    let verifying = new.public.as_deref().unwrap_or(&new.secret);
    (SigningKey::parse(&new.secret).unwrap(), VerifyingKey::parse(verifying).unwrap())
}

fn guard(policy: Policy, keys: &[(Kind, u8)]) -> Guard {
    let keys = keys.iter().map(|(kind, number)| TopicKey::always(pair(*kind, *number).1)).collect();
    Guard::new(policy, WINDOW_SECONDS, keys).unwrap()
}

fn signed(keys: &[(Kind, u8)]) -> Signed {
    let keys: Vec<SigningKey> = keys.iter().map(|(kind, number)| pair(*kind, *number).0).collect();
    sign(&keys, "msg_1", NOW, VALUE).unwrap()
}

fn refs(signed: &Signed) -> Vec<HeaderRef<'_>> {
    signed.headers().map(|(name, value)| (name, Some(value.as_bytes()))).to_vec()
}

fn verdict(guard: &Guard, signed: &Signed, at: i64) -> Result<(), Reject> {
    match guard.check(&refs(signed), Some(VALUE), Timestamp(at * 1000))? {
        Checked::Signed { id, seen } => {
            assert_eq!(id, signed.id);
            assert_eq!(seen.until, Timestamp((NOW + WINDOW_SECONDS) * 1000));
            Ok(())
        }
        Checked::Unsigned => panic!("an unsigned record passed"),
    }
}

fn reason(result: Result<(), Reject>) -> Option<Reason> {
    result.err().map(|reject| {
        assert!(!reject.message.is_empty() && reject.message.len() < 500, "{reject}");
        reject.reason
    })
}

const H: (Kind, u8) = (Kind::Hmac, 1);
const H2: (Kind, u8) = (Kind::Hmac, 2);
const E: (Kind, u8) = (Kind::Ed25519, 1);
const E2: (Kind, u8) = (Kind::Ed25519, 2);

#[test]
fn a_record_needs_one_key_of_the_topic() {
    let cases: [(&[_], &[_], Option<Reason>); 11] = [
        (&[H], &[H], None),
        (&[E], &[E], None),
        (&[H, E], &[E], None),
        // Rotation: either side may be the first to have the new key.
        (&[H, H2], &[H2], None),
        (&[H2], &[H, H2], None),
        (&[E, E2, H], &[E2, H2], None),
        (&[H], &[H2], Some(Reason::SignatureWrong)),
        (&[E], &[E2], Some(Reason::SignatureWrong)),
        (&[H], &[E], Some(Reason::SignatureUnknownKey)),
        (&[E], &[H], Some(Reason::SignatureUnknownKey)),
        (&[E, H2], &[H], Some(Reason::SignatureWrong)),
    ];
    for (topic, producer, expected) in cases {
        for policy in [Policy::Required, Policy::Accepted] {
            let found = reason(verdict(&guard(policy, topic), &signed(producer), NOW));
            assert_eq!(found, expected, "topic {topic:?}, producer {producer:?}, {policy:?}");
        }
    }
}

#[test]
fn policies_differ_in_what_is_not_signed_alone() {
    let plain: [HeaderRef<'_>; 1] = [("traceparent", Some(b"00-"))];
    let check = |policy| guard(policy, &[H]).check(&plain, Some(VALUE), Timestamp(NOW * 1000));
    assert_eq!(check(Policy::Required).unwrap_err().reason, Reason::SignatureMissing);
    assert_eq!(check(Policy::Accepted), Ok(Checked::Unsigned));
    assert_eq!(check(Policy::Off), Ok(Checked::Unsigned));
    // Taking the signature away, but not all of it, does not make an unsigned record.
    let whole = signed(&[H]);
    for left_out in 0..3 {
        let mut some = refs(&whole);
        let (name, _) = some.remove(left_out);
        for policy in [Policy::Required, Policy::Accepted] {
            let reject = guard(policy, &[H]).check(&some, Some(VALUE), Timestamp(NOW * 1000)).unwrap_err();
            assert_eq!(reject.reason, Reason::SignatureMissing);
            assert!(reject.message.contains(&format!("`{name}` is missing")), "{reject}");
        }
    }
    let wrong = signed(&[H2]);
    assert_eq!(guard(Policy::Off, &[H]).check(&refs(&wrong), Some(VALUE), Timestamp(0)), Ok(Checked::Unsigned));
}

#[test]
fn a_key_counts_in_its_time_by_the_records_clock() {
    let from = Timestamp(NOW * 1000);
    let to = Timestamp((NOW + 10) * 1000);
    let key = TopicKey { key: pair(Kind::Hmac, 1).1, not_before: Some(from), not_after: Some(to) };
    let own = Guard::new(Policy::Required, WINDOW_SECONDS, vec![key.clone()]).unwrap();
    let beside = Guard::new(Policy::Required, WINDOW_SECONDS, vec![TopicKey::always(pair(Kind::Hmac, 2).1), key]).unwrap();
    let record = signed(&[H]);
    for guard in [&own, &beside] {
        for (at, expected) in [(-1, Some(Reason::SignatureUnknownKey)), (0, None), (10, None), (11, Some(Reason::SignatureUnknownKey))] {
            assert_eq!(reason(verdict(guard, &record, NOW + at)), expected, "{at} seconds after its beginning");
        }
    }
    let reject = verdict(&beside, &record, NOW + 11).unwrap_err();
    assert!(reject.message.contains("key 2 of the topic"), "{reject}");
    // A stranger's signature is not said to be of an old key.
    assert_eq!(reason(verdict(&own, &signed(&[H2]), NOW + 11)), Some(Reason::SignatureUnknownKey));
    assert_eq!(reason(verdict(&beside, &signed(&[(Kind::Hmac, 3)]), NOW + 11)), Some(Reason::SignatureWrong));
}

#[test]
fn the_window_is_measured_against_the_records_own_time() {
    let guard = guard(Policy::Required, &[H]);
    let record = signed(&[H]);
    for (seconds, expected) in
        [(-301, Some(Reason::SignatureExpired)), (-300, None), (0, None), (300, None), (301, Some(Reason::SignatureExpired))]
    {
        assert_eq!(reason(verdict(&guard, &record, NOW + seconds)), expected, "{seconds}");
    }
    let late = verdict(&guard, &record, NOW + 3600).unwrap_err().message;
    assert!(late.contains("3600 seconds before") && late.contains("up to 300"), "{late}");
    let early = verdict(&guard, &record, NOW - 3600).unwrap_err().message;
    assert!(early.contains("3600 seconds after"), "{early}");
    for none in [-1, 0] {
        let reject = guard.check(&refs(&record), Some(VALUE), Timestamp(none)).unwrap_err();
        assert_eq!(reject.reason, Reason::SignatureExpired);
        assert!(reject.message.contains("no timestamp"), "{reject}");
    }
    // Out of its time and by nobody: who signed it comes first.
    assert_eq!(reason(verdict(&guard, &signed(&[H2]), NOW + 3600)), Some(Reason::SignatureWrong));
}

#[test]
fn an_id_is_used_once_until_it_would_be_expired() {
    let until = Timestamp(NOW * 1000 + 300_000);
    let seen = Some(Seen { until });
    assert!(Seen::once("a", None, until).is_ok());
    for at in [0, NOW * 1000, until.0] {
        let reject = Seen::once("msg_7", seen, Timestamp(at)).unwrap_err();
        assert_eq!(reject.reason, Reason::SignatureReplayed);
        assert!(reject.message.contains("`msg_7`"), "{reject}");
    }
    assert!(Seen::once("a", seen, Timestamp(until.0 + 1)).is_ok());
    // The last moment at which the same signature passes is the last at which its id is remembered.
    let guard = guard(Policy::Required, &[H]);
    let record = signed(&[H]);
    let Checked::Signed { seen, .. } = guard.check(&refs(&record), Some(VALUE), Timestamp(NOW * 1000)).unwrap() else { panic!() };
    assert!(guard.check(&refs(&record), Some(VALUE), seen.until).is_ok());
    assert!(guard.check(&refs(&record), Some(VALUE), Timestamp(seen.until.0 + 1)).is_err());
    assert!(seen.due() > seen.until);

    let mut bytes = vec![];
    seen.encode(&mut bytes);
    assert_eq!(Seen::decode(&bytes), Ok(seen));
    for broken in [&[][..], &[1], &bytes[..8], &[&bytes[..], &[0]].concat(), &[&[2], &bytes[1..]].concat()] {
        assert!(Seen::decode(broken).is_err(), "{broken:?}");
    }
}

/// The headers of a good record with one of them changed.
fn changed(name: &str, value: Option<&[u8]>) -> Result<(), Reject> {
    let record = signed(&[H]);
    let headers: Vec<HeaderRef<'_>> = refs(&record).into_iter().map(|(n, v)| (n, if n == name { value } else { v })).collect();
    guard(Policy::Accepted, &[H]).check(&headers, Some(VALUE), Timestamp(NOW * 1000)).map(drop)
}

#[test]
fn headers_are_read_strictly() {
    let good = signed(&[H]).signature;
    let stranger = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    let long_id = "x".repeat(MAX_ID_BYTES + 1);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("webhook-id", b"".into()),
        ("webhook-id", b"msg.1".into()),
        ("webhook-id", b"msg 1".into()),
        ("webhook-id", b"msg\n1".into()),
        ("webhook-id", "m\u{e9}".into()),
        ("webhook-id", vec![0xff]),
        ("webhook-id", long_id.into()),
        ("webhook-timestamp", b"".into()),
        ("webhook-timestamp", b"0".into()),
        ("webhook-timestamp", b"01800000000".into()),
        ("webhook-timestamp", b"+1800000000".into()),
        ("webhook-timestamp", b"-1800000000".into()),
        ("webhook-timestamp", b"1800000000.0".into()),
        ("webhook-timestamp", b" 1800000000".into()),
        ("webhook-timestamp", b"1800000000 ".into()),
        ("webhook-timestamp", b"1.8e9".into()),
        ("webhook-timestamp", b"1800000000000".into()),
        ("webhook-timestamp", "\u{0661}800000000".into()),
        ("webhook-timestamp", b"2027-01-15T08:00:00Z".into()),
        ("webhook-signature", b"".into()),
        ("webhook-signature", b" ".into()),
        ("webhook-signature", b"v1".into()),
        ("webhook-signature", b"v1,".into()),
        ("webhook-signature", b",AAAA".into()),
        ("webhook-signature", b"v1,AAAA".into()),
        ("webhook-signature", b"v1a,AAAA".into()),
        ("webhook-signature", vec![0xff, 0xfe]),
        ("webhook-signature", format!("{good} ").into()),
        ("webhook-signature", format!(" {good}").into()),
        ("webhook-signature", format!("{good}  {stranger}").into()),
        ("webhook-signature", format!("{good}\n").into()),
        ("webhook-signature", format!("{good}, {stranger}").into()),
        ("webhook-signature", good.replace('=', "").into()),
        ("webhook-signature", format!("{good}=").into()),
        ("webhook-signature", good.replace("v1,", "v1a,").into()),
        ("webhook-signature", format!("v2,{} {good}", "x".repeat(2000)).into()),
        ("webhook-signature", [good.as_str(); MAX_SIGNATURES + 1].join(" ").into()),
    ];
    for (name, value) in cases {
        let shown = String::from_utf8_lossy(&value).chars().take(80).collect::<String>();
        let reject = changed(name, Some(&value)).expect_err(&format!("{name}: {shown}"));
        assert_eq!(reject.reason, Reason::SignatureMalformed, "{name}: {shown}: {reject}");
        assert!(reject.message.contains(name), "{name}: {reject}");
    }
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert_eq!(changed(name, None).unwrap_err().reason, Reason::SignatureMalformed, "{name} is null");
    }
    // Later versions of the specification may stand beside, alone they are nobody's.
    assert!(changed("webhook-signature", Some(format!("v2,x {good} v1b,/// x.y,").as_bytes())).is_ok());
    assert_eq!(changed("webhook-signature", Some(b"v2,x")).unwrap_err().reason, Reason::SignatureUnknownKey);
    assert!(changed("webhook-signature", Some([good.as_str(); MAX_SIGNATURES].join(" ").as_bytes())).is_ok());

    let record = signed(&[H]);
    for twice in refs(&record) {
        let headers = [refs(&record), vec![twice]].concat();
        let reject = guard(Policy::Required, &[H]).check(&headers, Some(VALUE), Timestamp(NOW * 1000)).unwrap_err();
        assert_eq!(reject.reason, Reason::SignatureMalformed);
        assert!(reject.message.contains("twice"), "{reject}");
    }
}

#[test]
fn what_is_signed_cannot_be_read_in_two_ways() {
    // `a.1800000000.x` could be the id `a` with that time, or the id `a.1800000000`: nobody may sign the latter.
    let (key, _) = pair(Kind::Hmac, 1);
    assert!(sign(std::slice::from_ref(&key), "a.1800000000", NOW, b"x").unwrap_err().contains("full stops"));
    for (id, seconds, keys) in [("", NOW, 1), ("a b", NOW, 1), ("a", 0, 1), ("a", -1, 1), ("a", NOW, 0), ("a", NOW, MAX_SIGNATURES + 1)] {
        let keys: Vec<SigningKey> = (0..keys).map(|_| pair(Kind::Hmac, 1).0).collect();
        assert!(sign(&keys, id, seconds, b"x").is_err(), "{id:?} {seconds} {}", keys.len());
    }
}

#[test]
fn a_value_that_is_not_there_is_signed_as_an_empty_one() {
    let record = sign(&[pair(Kind::Ed25519, 1).0], "msg_1", NOW, b"").unwrap();
    for value in [None, Some(&b""[..])] {
        assert!(guard(Policy::Required, &[E]).check(&refs(&record), value, Timestamp(NOW * 1000)).is_ok());
    }
}

#[test]
fn a_rule_that_cannot_work_is_refused() {
    let key = || TopicKey::always(pair(Kind::Hmac, 1).1);
    let new = |policy, window, keys| Guard::new(policy, window, keys).map(drop);
    assert_eq!(new(Policy::Required, 300, vec![]), Err(GuardError::NoKeys(Policy::Required)));
    assert_eq!(new(Policy::Accepted, 300, vec![]), Err(GuardError::NoKeys(Policy::Accepted)));
    assert_eq!(new(Policy::Off, 300, vec![]), Ok(()));
    assert_eq!(new(Policy::Required, 300, (0..=MAX_KEYS).map(|_| key()).collect()), Err(GuardError::TooManyKeys(MAX_KEYS + 1)));
    for window in [0, -1, 86_401] {
        assert_eq!(new(Policy::Required, window, vec![key()]), Err(GuardError::Window(window)));
    }
    let reversed = TopicKey { not_before: Some(Timestamp(2)), not_after: Some(Timestamp(1)), ..key() };
    assert_eq!(new(Policy::Required, 300, vec![key(), reversed]), Err(GuardError::Reversed(2)));
}
