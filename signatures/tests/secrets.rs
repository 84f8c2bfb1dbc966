//! No key is in anything that is printed: a canary stands for it, and nothing that comes out may hold it.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemas::Timestamp;
use waybill_signatures::{
    Guard, HeaderRef, KeyError, Kind, NewKey, Policy, Reference, ReferenceError, SigningKey, TopicKey, VerifyingKey, sign,
};

/// 32 bytes that are easily found again.
const CANARY: &[u8; 32] = b"canary-canary-canary-canary-bird";

/// Everything that may be shown of a key and its errors.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn debug(&mut self, value: &impl std::fmt::Debug) {
        write!(self.0, "{value:?}\n{value:#?}\n").unwrap();
    }

    fn error(&mut self, error: &(impl std::fmt::Debug + std::fmt::Display)) {
        self.debug(error);
        writeln!(self.0, "{error}").unwrap();
    }

    fn assert_silent(&self) {
        let bytes = |list: &[u8]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let base64 = STANDARD.encode(CANARY);
        let hex = CANARY.iter().fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
        for canary in ["canary", &base64[..12], &base64[4..20], &hex[..16], &bytes(&CANARY[..4])] {
            assert!(!self.0.to_lowercase().contains(&canary.to_lowercase()), "{canary} is in:\n{}", self.0);
        }
    }
}

#[test]
fn the_canary_is_seen_where_it_sings() {
    let mut shown = Shown::default();
    shown.debug(&STANDARD.encode(CANARY));
    assert!(std::panic::catch_unwind(|| shown.assert_silent()).is_err());
}

#[test]
fn no_key_is_printed() {
    let mut shown = Shown::default();
    for kind in [Kind::Hmac, Kind::Ed25519] {
        let new = NewKey::of(kind, CANARY);
        let signing = SigningKey::parse(&new.secret).unwrap();
        let verifying = VerifyingKey::parse(new.public.as_deref().unwrap_or(&new.secret)).unwrap();
        shown.debug(&new);
        shown.debug(&signing);
        shown.debug(&verifying);
        let signed = sign(&[signing], "msg_1", 1_800_000_000, b"value").unwrap();
        shown.debug(&signed);
        let guard = Guard::new(Policy::Required, 300, vec![TopicKey::always(verifying)]).unwrap();
        shown.debug(&guard);
        let headers: Vec<HeaderRef<'_>> = signed.headers().map(|(name, value)| (name, Some(value.as_bytes()))).to_vec();
        shown.debug(&guard.check(&headers, Some(b"value"), Timestamp(1_800_000_000_000)).unwrap());
        for (value, at) in [(b"other", 1_800_000_000_000), (b"value", 1), (b"value", 0)] {
            shown.error(&guard.check(&headers, Some(value), Timestamp(at)).unwrap_err());
        }
    }
    shown.assert_silent();
}

#[test]
fn nor_is_what_should_have_been_one() {
    let base64 = STANDARD.encode(CANARY);
    let long = format!("whsec_{}", STANDARD.encode(CANARY.repeat(3)));
    let texts = [
        base64.clone(),
        format!("whsec_{}", &base64[..base64.len() - 1]),
        format!("whsec_{}", STANDARD.encode(&CANARY[..23])),
        format!("whsec_{base64}\0"),
        format!("whpk_{}", STANDARD.encode(&CANARY[..31])),
        format!("whsk_{}", STANDARD.encode(&CANARY[..31])),
        format!("whsk_{}", STANDARD.encode([&CANARY[..], &CANARY[..]].concat())),
        format!("whsx_{base64}"),
        format!("WHSEC_{base64}"),
        format!("whsec_ {base64}"),
        long.clone(),
        base64.repeat(100),
        CANARY.iter().map(|b| char::from(*b)).collect(),
    ];
    let mut shown = Shown::default();
    for text in &texts {
        shown.error(&VerifyingKey::parse(text).unwrap_err());
        shown.error(&SigningKey::parse(text).unwrap_err());
        shown.error(&Reference::parse(text).unwrap_err());
    }
    // The right key on the wrong side.
    let pair = NewKey::of(Kind::Ed25519, CANARY);
    let error = VerifyingKey::parse(&pair.secret).unwrap_err();
    assert_eq!(error, KeyError::PrivateForVerifying);
    shown.error(&error);
    let error = SigningKey::parse(pair.public.as_deref().unwrap()).unwrap_err();
    assert_eq!(error, KeyError::PublicForSigning);
    shown.error(&error);
    shown.assert_silent();
}

#[test]
fn a_place_is_a_file_or_a_variable_and_never_the_key() {
    let base64 = STANDARD.encode(CANARY);
    let mut shown = Shown::default();
    for prefix in ["whsec_", "whpk_", "whsk_", "file:whsec_", "env:whsk_", " whsec_", "file:/etc/whsec_"] {
        let error = Reference::parse(&format!("{prefix}{base64}")).unwrap_err();
        assert_eq!(error, ReferenceError::Inline, "{prefix}");
        shown.error(&error);
    }
    for (text, error) in [
        (base64.as_str(), ReferenceError::Unknown),
        ("/etc/key", ReferenceError::Unknown),
        ("", ReferenceError::Unknown),
        ("FILE:/etc/key", ReferenceError::Unknown),
        ("file:", ReferenceError::NoPath),
        ("env:", ReferenceError::BadName),
        ("env:1A", ReferenceError::BadName),
        ("env:A B", ReferenceError::BadName),
        ("env:$A", ReferenceError::BadName),
    ] {
        assert_eq!(Reference::parse(text), Err(error), "{text}");
        shown.error(&error);
    }
    for text in ["file:/etc/waybill/orders.key", "file:keys/whsec_orders.key", "env:ORDERS_KEY", "env:_k1"] {
        assert_eq!(Reference::parse(text).unwrap().to_string(), text);
    }
    shown.assert_silent();
}

#[test]
fn a_file_is_read_as_far_as_a_key_goes() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Reference::parse(&format!("file:{}", path.display())).unwrap()
    };
    let key = NewKey::of(Kind::Hmac, CANARY).secret;
    let with_space = format!("\n{}\r\n", *key);
    assert_eq!(*file("good", with_space.as_bytes()).read().unwrap(), *key);
    let mut shown = Shown::default();
    let missing = Reference::parse(&format!("file:{}", folder.path().join("none").display())).unwrap();
    for (reference, says) in [
        (file("empty", b" \n"), "it is empty"),
        (file("binary", &[&CANARY[..], &[0xff]].concat()), "it is not text"),
        (file("long", &CANARY.repeat(100)), "more than 512 bytes"),
        (missing, "No such file"),
        (Reference::parse("env:WAYBILL_TEST_NO_SUCH_KEY").unwrap(), "not set"),
    ] {
        let error = reference.read().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        shown.error(&error);
    }
    shown.assert_silent();
    // Cargo sets this one.
    let set = Reference::parse("env:CARGO_PKG_NAME").unwrap();
    assert_eq!(*set.read().unwrap(), "waybill-signatures");
}
