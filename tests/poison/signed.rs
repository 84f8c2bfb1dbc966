//! Wrong signatures of every kind, on topics whose producers sign: orders with HMAC, payments with Ed25519, both required;
//! restocks with HMAC, accepted.

use serde_json::Value;
use signatures::{Kind as KeyKind, NewKey, SigningKey};

use crate::kinds::{Headers, Kind, good};
use crate::live::app::{App, Shape};
use crate::live::broker::Broker;

fn key(topic: &str) -> NewKey {
    NewKey::of(if topic == "payments" { KeyKind::Ed25519 } else { KeyKind::Hmac }, &[1; 32])
}

/// A key that nobody here knows, of the kind that the topic has or of the other.
fn stranger(topic: &str, same_kind: bool) -> NewKey {
    NewKey::of(if (topic == "payments") == same_kind { KeyKind::Ed25519 } else { KeyKind::Hmac }, &[2; 32])
}

/// Of orders; its time is over.
fn outdated() -> NewKey {
    NewKey::of(KeyKind::Hmac, &[3; 32])
}

pub fn application(broker: &Broker, name: &str, tasks: i32) -> App {
    let app = App::without_topics(broker, name, Shape { tasks, sources: tasks, ..Shape::default() });
    let file = |name: &str, key: &str| {
        let path = app.dir().join(name);
        std::fs::write(&path, key).unwrap();
        format!("file:{}", path.display())
    };
    let (hmac, pair) = (file("hmac.key", &key("orders").secret), file("pair.pub", key("payments").public.as_deref().unwrap()));
    let old = file("old.key", &outdated().secret);
    let over = "2020-01-01T00:00:00Z";
    app.configure("orders", &format!("signatures = \"required\"\nkeys = [\"{hmac}\", {{ from = \"{old}\", not_after = \"{over}\" }}]\n"));
    app.configure("payments", &format!("signatures = \"required\"\nkeys = [\"{pair}\"]\n"));
    app.configure("restocks", &format!("signatures = \"accepted\"\nkeys = [\"{hmac}\"]\n"));
    app.create_topics();
    app
}

fn headers(key: &NewKey, id: &str, seconds: i64, value: &[u8]) -> Headers {
    let key = SigningKey::parse(&key.secret).unwrap();
    let signed = signatures::sign(&[key], id, seconds, value).unwrap();
    signed.headers().map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec()))).to_vec()
}

/// What a good producer of the topic adds; nothing where nothing is asked for.
pub fn good_headers(topic: &str, id: &str, now: i64, value: &[u8]) -> Headers {
    if topic == "stock-counts" { vec![] } else { headers(&key(topic), id, now / 1000, value) }
}

/// All of them. `now`: milliseconds since the epoch.
pub fn kinds(now: i64) -> Vec<Kind> {
    let mut all = vec![];
    for topic in ["orders", "payments"] {
        unreadable(topic, now / 1000, &mut all);
        unauthentic(topic, now / 1000, &mut all);
        all.push(kind(topic, "unsigned", "signature_missing", vec![]));
    }
    let seconds = now / 1000;
    let id = "restock";
    let value = good("restocks", "bad");
    let right = headers(&key("restocks"), id, seconds, &value);
    all.push(kind("restocks", "a stranger's", "signature_wrong", headers(&stranger("restocks", true), id, seconds, &value)));
    all.push(kind("restocks", "without its signature", "signature_missing", right[..2].to_vec()));
    all.push(kind("restocks", "an old one", "signature_expired", headers(&key("restocks"), id, seconds - 86_400, &value)));
    all.push(kind("orders", "a retired key's", "signature_unknown_key", headers(&outdated(), id, seconds, &good("orders", "bad"))));
    all
}

fn kind(topic: &'static str, name: &str, reason: &'static str, headers: Headers) -> Kind {
    let value = good(topic, "bad");
    Kind { name: format!("{topic}, signature: {name}"), headers, ..crate::kinds::bytes(topic, name, reason, value) }
}

/// Headers that cannot be read, or of which one is missing.
fn unreadable(topic: &'static str, seconds: i64, all: &mut Vec<Kind>) {
    let value = good(topic, "bad");
    let right = headers(&key(topic), "unreadable", seconds, &value);
    let signature = String::from_utf8(right[2].1.clone().unwrap()).unwrap();
    for (n, name) in ["id", "timestamp", "signature"].into_iter().enumerate() {
        let mut without = right.clone();
        without.remove(n);
        all.push(kind(topic, &format!("no {name}"), "signature_missing", without));
        let twice = [right.clone(), vec![right[n].clone()]].concat();
        all.push(kind(topic, &format!("the {name} twice"), "signature_malformed", twice));
        for (what, text) in [("null", None), ("empty", Some(vec![])), ("not text", Some(vec![0xff, 0xfe, 0]))] {
            let mut changed = right.clone();
            changed[n].1 = text;
            all.push(kind(topic, &format!("the {name} {what}"), "signature_malformed", changed));
        }
    }
    let many = [signature.as_str(); 9].join(" ");
    for (n, name, text) in [
        (0, "an id with a full stop", "a.1".to_owned()),
        (0, "an id with a space", "a b".to_owned()),
        (0, "an id of 257 bytes", "x".repeat(257)),
        (1, "a time in words", "noon".to_owned()),
        (1, "a negative time", format!("-{seconds}")),
        (1, "a time with a leading zero", format!("0{seconds}")),
        (1, "a time with a fraction", format!("{seconds}.0")),
        (1, "a time in milliseconds", format!("{seconds}000")),
        (2, "no version", signature.split_once(',').unwrap().1.to_owned()),
        (2, "cut off", signature[..signature.len() - 5].to_owned()),
        (2, "without padding", signature.trim_end_matches('=').to_owned()),
        (2, "two spaces", format!("{signature}  {signature}")),
        (2, "nine of them", many),
    ] {
        let mut changed = right.clone();
        changed[n].1 = Some(text.into_bytes());
        all.push(kind(topic, name, "signature_malformed", changed));
    }
}

/// Headers that can be read, and that nobody with a key of the topic has made, or not for now, or not for this record.
fn unauthentic(topic: &'static str, seconds: i64, all: &mut Vec<Kind>) {
    let value = good(topic, "bad");
    let own = key(topic);
    let right = headers(&own, "unauthentic", seconds, &value);
    all.push(kind(topic, "a stranger's", "signature_wrong", headers(&stranger(topic, true), "a", seconds, &value)));
    all.push(kind(topic, "of the other version", "signature_unknown_key", headers(&stranger(topic, false), "a", seconds, &value)));
    let mut later = right.clone();
    later[2].1 = Some(b"v2,AAAA".to_vec());
    all.push(kind(topic, "of a version to come", "signature_unknown_key", later));
    all.push(kind(topic, "of another value", "signature_wrong", headers(&own, "a", seconds, &good(topic, "another"))));
    for (n, name, text) in [(0, "of another id", "other".to_owned()), (1, "of another second", (seconds + 1).to_string())] {
        let mut changed = right.clone();
        changed[n].1 = Some(text.into_bytes());
        all.push(kind(topic, name, "signature_wrong", changed));
    }
    let spaced = Kind { value: Some([&value[..], b" "].concat()), ..kind(topic, "of a value with a space less", "signature_wrong", right) };
    all.push(spaced);
    for (name, seconds) in [("too old", seconds - 400), ("a year old", seconds - 31_536_000), ("of ten minutes ahead", seconds + 600)] {
        all.push(kind(topic, name, "signature_expired", headers(&own, "a", seconds, &value)));
    }
    // The same once more, and the same id for something else: the first of each is as good as any.
    let again = good(topic, "again");
    let first = headers(&own, "msg_again", seconds, &again);
    all.push(Kind {
        key: Some(b"again".to_vec()),
        value: Some(again.clone()),
        first: Some((first.clone(), again)),
        ..kind(topic, "for the second time", "signature_replayed", first)
    });
    let once = good(topic, "once");
    let mut other: Value = serde_json::from_slice(&once).unwrap();
    other["note"] = "another".into();
    let other = other.to_string().into_bytes();
    all.push(Kind {
        key: Some(b"once".to_vec()),
        value: Some(other.clone()),
        first: Some((headers(&own, "msg_once", seconds, &once), once)),
        ..kind(topic, "with the id of another record", "signature_replayed", headers(&own, "msg_once", seconds, &other))
    });
    // Signed as it should be, and bad for a reason of its own.
    let cut = value[..value.len() - 1].to_vec();
    let signed = headers(&own, "cut", seconds, &cut);
    all.push(Kind { value: Some(cut), ..kind(topic, "right, of a value that was cut before", "invalid_json", signed) });
}
