//! Who signs what: rules and keys of topics, records signed rightly and wrongly, sent again, sealed with keys that are no
//! longer or not yet valid; and what has to become of each, known when it is written and not asked of the engine.
//!
//! A signed topic has the broker's times, as Waybill demands of it.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use schemas::Timestamp;
use serde_json::{Value, json};
use signatures::{Guard, Kind, NewKey, Policy, SigningKey, TopicKey, VerifyingKey, WINDOW_SECONDS};

use crate::setup::{Setup, Stream, generator, one_of};
use crate::shop::{Fate, Sent};
use crate::world::BEGIN;

/// When producers go over to the new key; both are valid for some time before and after.
const ROTATION: i64 = BEGIN + 15 * 60_000;
const OVERLAP: i64 = 120_000;
/// Orders that nobody but a forger wrote begin so.
pub const FORGED: &str = "FORGED-";

/// How the records of one topic are signed.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    policy: Policy,
    kind: Kind,
    /// Of its keys.
    salt: u8,
}

impl Rule {
    pub fn of(rng: &mut ChaCha8Rng) -> Rule {
        Rule {
            policy: if rng.random_bool(0.7) { Policy::Required } else { Policy::Accepted },
            kind: one_of(rng, &[Kind::Hmac, Kind::Hmac, Kind::Ed25519]),
            salt: rng.random_range(0..200),
        }
    }

    pub fn guard(self) -> Guard {
        let keys = [0, 1].map(|n| {
            let key = key(self.kind, self.salt, n);
            let (not_before, not_after) = validity(n);
            let key = VerifyingKey::parse(key.public.as_deref().unwrap_or(&key.secret)).expect("a new key is one");
            TopicKey { key, not_before: not_before.map(Timestamp), not_after: not_after.map(Timestamp) }
        });
        Guard::new(self.policy, WINDOW_SECONDS, keys.to_vec()).expect("two keys are no fault")
    }

    pub fn is_required(self) -> bool {
        self.policy == Policy::Required
    }
}

/// The topic's keys are 0 and 1.
fn key(kind: Kind, salt: u8, number: u8) -> NewKey {
    let mut random = [salt; 32];
    random[0] = number;
    NewKey::of(kind, &random)
}

fn validity(number: u8) -> (Option<i64>, Option<i64>) {
    if number == 0 { (None, Some(ROTATION + OVERLAP)) } else { (Some(ROTATION - OVERLAP), None) }
}

/// How a record was signed.
#[derive(Clone, Debug, Default)]
pub enum Signature {
    #[default]
    None,
    /// Wrongly: the reason that its dead letter has.
    Wrong(&'static str),
    Right {
        id: String,
        seconds: i64,
        /// By number.
        keys: Vec<u8>,
    },
}

/// Signs what the shop and the fleet have written, in the order of time, and adds what a forger would.
pub fn sign(setup: &Setup, from: i64, sent: Vec<Sent>) -> Vec<Sent> {
    let rng = generator(setup.seed, Stream::Signatures);
    let mut desk = Desk { setup, rng, sent: vec![], number: 0, last: HashMap::new(), same: HashMap::new() };
    desk.forge(from);
    for record in sent {
        let record = desk.signed(record, from);
        desk.sent.push(record);
    }
    let mut sent = desk.sent;
    sent.sort_by_key(|s| s.at);
    sent
}

struct Desk<'a> {
    setup: &'a Setup,
    rng: ChaCha8Rng,
    sent: Vec<Sent>,
    number: u32,
    /// The last id that was used, by topic and key.
    last: HashMap<(&'static str, Option<Vec<u8>>), String>,
    /// Headers and signature of a record, by all that was signed.
    same: HashMap<(&'static str, Option<Vec<u8>>, Option<Vec<u8>>), (Vec<(String, Vec<u8>)>, Signature)>,
}

impl Desk<'_> {
    fn forge(&mut self, from: i64) {
        let Some(rule) = self.setup.rule("orders") else { return };
        for n in 0..self.rng.random_range(2..7) {
            let id = format!("{FORGED}{n}");
            let value = json!({"type": "place", "order_id": id, "lines": [{"sku": "SKU-0", "quantity": 1}]});
            let at = from + self.rng.random_range(1_000..self.setup.minutes * 60_000);
            let mut record = Sent::new(at, "orders", &id, &value);
            record.signature = self.strange(&mut record, rule);
            self.sent.push(record);
        }
    }

    fn signed(&mut self, mut record: Sent, from: i64) -> Sent {
        let Some(rule) = self.setup.rule(record.topic) else { return record };
        record.at = record.at.max(from);
        if !has_task(&record) {
            return record;
        }
        let all = (record.topic, record.key.clone(), record.value.clone());
        if !record.plain
            && let Some((headers, signature)) = self.same.get(&all)
            && self.rng.random_bool(if self.setup.flood > 0 { 0.9 } else { 0.5 })
        {
            // The producer sent it again, as it was.
            record.headers.clone_from(headers);
            record.signature = signature.clone();
            return record;
        }
        record.signature = self.signature(&mut record, rule);
        if matches!(record.signature, Signature::Right { .. }) && record.fate != Fate::Nonsense {
            self.same.insert(all, (record.headers.clone(), record.signature.clone()));
            if !record.plain && self.rng.random_bool(0.06) {
                let after = if self.rng.random_bool(0.7) { 1_000..250_000 } else { 300_000..700_000 };
                let at = (record.at + self.rng.random_range(after)).min(from + self.setup.minutes * 60_000);
                self.sent.push(Sent { at, timestamp: at, pays: None, ..record.clone() });
            }
        }
        record
    }

    fn signature(&mut self, record: &mut Sent, rule: Rule) -> Signature {
        let draw = if record.plain { 99 } else { self.rng.random_range(0..100) };
        let keys = keys_at(record.at);
        let seconds = record.at / 1_000 - if record.plain { 0 } else { self.rng.random_range(0..20) };
        match draw {
            0..3 => Signature::None,
            3..6 => self.strange(record, rule),
            6..8 => {
                // Changed on its way.
                let other = [record.value.as_deref().unwrap_or_default(), b" "].concat();
                self.write(record, rule, &keys, seconds, &other);
                Signature::Wrong("signature_wrong")
            }
            8..10 => {
                let off = self.rng.random_range(400..900) * if self.rng.random_bool(0.5) { 1 } else { -1 };
                self.right(record, rule, keys, seconds + off)
            }
            10..11 => {
                let other = if rule.kind == Kind::Hmac { Kind::Ed25519 } else { Kind::Hmac };
                let value = record.value.clone().unwrap_or_default();
                self.write(record, Rule { kind: other, ..rule }, &[0], seconds, &value);
                Signature::Wrong("signature_unknown_key")
            }
            11..12 => {
                let value = record.value.clone().unwrap_or_default();
                self.write(record, rule, &keys, seconds, &value);
                if let Some((_, signature)) = record.headers.last_mut() {
                    *signature = b"v1,AAAA".to_vec();
                }
                Signature::Wrong("signature_malformed")
            }
            12..14 => {
                // Not the one of its time, unless just now both are.
                let other = if keys.contains(&0) { 1 } else { 0 };
                self.right(record, rule, vec![other], seconds)
            }
            14..30 if rule.policy == Policy::Accepted => Signature::None,
            _ => self.right(record, rule, keys, seconds),
        }
    }

    /// By a key that the topic does not know.
    fn strange(&mut self, record: &mut Sent, rule: Rule) -> Signature {
        let (value, seconds) = (record.value.clone().unwrap_or_default(), record.at / 1_000);
        self.write(record, rule, &[9], seconds, &value);
        Signature::Wrong("signature_wrong")
    }

    fn right(&mut self, record: &mut Sent, rule: Rule, keys: Vec<u8>, seconds: i64) -> Signature {
        let value = record.value.clone().unwrap_or_default();
        let id = self.write(record, rule, &keys, seconds, &value);
        Signature::Right { id, seconds, keys }
    }

    /// Puts the headers on the record and returns the id in them: a new one, rarely the one before of its key.
    fn write(&mut self, record: &mut Sent, rule: Rule, keys: &[u8], seconds: i64, payload: &[u8]) -> String {
        self.number += 1;
        let of = (record.topic, record.key.clone());
        // Reports with one key may belong to several tasks, and ids are each task's own.
        let again = self.last.get(&of).filter(|_| record.topic != "feedback" && !record.plain && self.rng.random_bool(0.05));
        let id = again.cloned().unwrap_or_else(|| format!("msg_{}", self.number));
        let keys: Vec<SigningKey> =
            keys.iter().map(|n| SigningKey::parse(&key(rule.kind, rule.salt, *n).secret).expect("a new key is one")).collect();
        let signed = signatures::sign(&keys, &id, seconds, payload).expect("id and time are right");
        record.headers.extend(signed.headers().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
        self.last.insert(of, id.clone());
        id
    }
}

fn keys_at(at: i64) -> Vec<u8> {
    match at - ROTATION {
        ..-60_000 => vec![0],
        -60_000..60_000 => vec![0, 1],
        _ => vec![1],
    }
}

/// A record without a key that can be read is nobody's, and so is a report about a delivery that names no order: both
/// are refused before anybody looks at their signatures.
fn has_task(record: &Sent) -> bool {
    let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
    let headless = || {
        let value: Value = serde_json::from_slice(record.value.as_deref().unwrap_or_default()).unwrap_or_default();
        value["about"] == "delivery" && value["order_id"].is_null()
    };
    key.is_some_and(|key| !key.is_empty() && !key.contains(char::is_control)) && !(record.topic == "feedback" && headless())
}

/// What every signature has to come to, by the records as they were written.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Until when an id is used, by topic, key and id.
    used: HashMap<(&'static str, Option<Vec<u8>>, String), i64>,
}

impl Ledger {
    /// The reason of the dead letter that this record has to become for its signature; `at`: the broker's time.
    pub fn judge(&mut self, rule: Rule, record: &Sent, at: i64) -> Option<&'static str> {
        if !has_task(record) {
            return None;
        }
        let (id, seconds, keys) = match &record.signature {
            Signature::None => return rule.is_required().then_some("signature_missing"),
            Signature::Wrong(reason) => return Some(reason),
            Signature::Right { id, seconds, keys } => (id, *seconds, keys),
        };
        let is_valid = |number: &u8| {
            let (from, to) = validity(*number);
            from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to)
        };
        if !keys.iter().any(is_valid) {
            return Some("signature_unknown_key");
        }
        if (at - seconds * 1_000).abs() > WINDOW_SECONDS * 1_000 {
            return Some("signature_expired");
        }
        let used = (record.topic, record.key.clone(), id.clone());
        if self.used.get(&used).is_some_and(|until| at <= *until) {
            return Some("signature_replayed");
        }
        // What cannot be read does not use up its id.
        if matches!(record.fate, Fate::Free | Fate::Taken | Fate::Refused("timestamp_in_future")) {
            self.used.insert(used, (seconds + WINDOW_SECONDS) * 1_000);
        }
        None
    }
}
