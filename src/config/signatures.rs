//! What a source topic asks of its records' signatures: the policy, the window, and where the keys are. A key itself is
//! never in the file, and nothing here repeats what stands where a key's place belongs.

use schemas::{Source, Timestamp};
use signatures::{Guard, MAX_KEYS, MAX_WINDOW_SECONDS, Policy, Reference, TopicKey, VerifyingKey, WINDOW_SECONDS};
use toml::Spanned;
use toml::de::DeValue;

use super::Config;
use super::section::Section;
use crate::engine::plan::Guards;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatures {
    pub policy: Policy,
    /// How far the signed time may be from the record's own.
    pub window_seconds: i64,
    pub keys: Vec<Key>,
}

impl Default for Signatures {
    fn default() -> Signatures {
        Signatures { policy: Policy::Off, window_seconds: WINDOW_SECONDS, keys: vec![] }
    }
}

/// Where a key is, and when it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub place: Reference,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

/// What the section of a source topic says.
pub(super) fn read(topic: &mut Section<'_, '_>) -> Signatures {
    let mut own = Signatures::default();
    let words = Policy::ALL.map(|policy| (policy.word(), policy));
    own.policy = topic.choice("signatures", &words).unwrap_or(own.policy);
    own.window_seconds = topic.integer("signature_window_seconds", 1, MAX_WINDOW_SECONDS).unwrap_or(own.window_seconds);
    let Some((keys, at)) = topic.list("keys", "a list of places such as [\"file:/path/to/a/key\", \"env:NAME\"]") else {
        if own.policy != Policy::Off && !topic.has("keys") {
            let message = format!("`signatures` is \"{}\" and there are no `keys`: name at least one file or variable", own.policy.word());
            topic.complain(topic.place("signatures"), message);
        }
        return own;
    };
    if own.policy != Policy::Off && keys.is_empty() {
        topic.complain(at, format!("`keys` must name at least one key while `signatures` is \"{}\"", own.policy.word()));
    }
    if keys.len() > MAX_KEYS {
        topic.complain(at, format!("`keys` must have at most {MAX_KEYS}, not {}", keys.len()));
    }
    own.keys = keys.iter().take(MAX_KEYS).filter_map(|value| read_key(topic, value)).collect();
    own
}

/// `"file:…"`, or `{ from = "file:…", not_before = "…", not_after = "…" }`.
fn read_key(topic: &mut Section<'_, '_>, value: &Spanned<DeValue<'_>>) -> Option<Key> {
    let at = value.span().start;
    if let Some(table) = value.get_ref().as_table() {
        let mut one = topic.within(table, "keys");
        let from = one.get("from").map(|value| (value.get_ref().as_str().map(ToOwned::to_owned), value.span().start));
        let mut time = |key| {
            let value = one.get(key)?;
            let at = value.span().start;
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Datetime(time) => time.to_string(),
                _ => String::new(),
            };
            let time = Timestamp::parse(&text);
            if time.is_none() {
                one.complain(at, format!("`{key}` must be a time with its offset such as \"2026-12-01T00:00:00Z\""));
            }
            time
        };
        let (not_before, not_after) = (time("not_before"), time("not_after"));
        if let (Some(from), Some(to)) = (not_before, not_after)
            && from > to
        {
            one.complain(at, format!("the key ends at {to}, before it begins at {from}"));
        }
        let place = match from {
            Some((Some(text), at)) => place(&mut one, &text, at),
            Some((None, at)) => place(&mut one, "", at),
            None => {
                one.complain(at, "a key in braces needs `from`, such as { from = \"file:/path\", not_after = \"…\" }".into());
                None
            }
        };
        one.finish();
        return Some(Key { place: place?, not_before, not_after });
    }
    let text = value.get_ref().as_str().unwrap_or_default();
    Some(Key { place: place(topic, text, at)?, not_before: None, not_after: None })
}

fn place(section: &mut Section<'_, '_>, text: &str, at: usize) -> Option<Reference> {
    match Reference::parse(text) {
        Ok(place) => Some(place),
        Err(error) => {
            section.complain(at, format!("what `keys` names {error}"));
            None
        }
    }
}

/// Reads the keys that the configuration names. `Err`: everything that is wrong with them, one sentence each.
pub fn guards(config: &Config) -> Result<Guards, Vec<String>> {
    let (mut guards, mut faults) = (Guards::default(), vec![]);
    for source in Source::ALL {
        let Some(own) = config.topics.get(source.name()).map(|topic| &topic.signatures) else { continue };
        if own.policy == Policy::Off {
            continue;
        }
        let mut keys = vec![];
        for (i, key) in own.keys.iter().enumerate() {
            let read = key.place.read().map_err(|e| e.to_string());
            match read.and_then(|text| VerifyingKey::parse(&text).map_err(|e| e.to_string())) {
                Ok(read) => keys.push(TopicKey { key: read, not_before: key.not_before, not_after: key.not_after }),
                Err(why) => faults.push(format!("topics.{}, key {} ({}): {why}", source.name(), i + 1, key.place)),
            }
        }
        if keys.len() == own.keys.len() {
            match Guard::new(own.policy, own.window_seconds, keys) {
                Ok(guard) => guards.set(source, guard),
                Err(why) => faults.push(format!("topics.{}: {why}", source.name())),
            }
        }
    }
    if faults.is_empty() { Ok(guards) } else { Err(faults) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use std::path::Path;

    use schemas::Timestamp;
    use signatures::{Kind, NewKey, Policy};

    use super::*;
    use crate::config::file::parse;

    /// 32 bytes that are easily found again.
    const CANARY: &[u8; 32] = b"canary-canary-canary-canary-bird";

    fn canary(kind: Kind) -> String {
        NewKey::of(kind, CANARY).secret.to_string()
    }

    fn errors(text: &str) -> Vec<String> {
        let found = parse(text, Path::new("t")).unwrap_err();
        found.0.iter().map(|e| format!("{}:{}: {}", e.line, e.column, e.message)).collect()
    }

    #[test]
    fn all_that_a_topic_may_say() {
        let config = parse(
            r#"
            [topics.orders]
            signatures = "required"
            signature_window_seconds = 60
            keys = [
                "env:ORDERS_KEY",
                { from = "file:/etc/waybill/old.key", not_before = "2026-01-01T00:00:00Z", not_after = 2026-12-01T00:00:00+01:00 },
            ]
            [topics.payments]
            signatures = "accepted"
            keys = ["file:payments.key"]
            [topics.restocks]
            signatures = "off"
            "#,
            Path::new("t"),
        )
        .unwrap();
        let orders = &config.topics["orders"].signatures;
        assert_eq!((orders.policy, orders.window_seconds, orders.keys.len()), (Policy::Required, 60, 2));
        let old = Key {
            place: Reference::File("/etc/waybill/old.key".into()),
            not_before: Timestamp::parse("2026-01-01T00:00:00Z"),
            not_after: Timestamp::parse("2026-11-30T23:00:00Z"),
        };
        assert_eq!(orders.keys[1], old);
        let payments = &config.topics["payments"].signatures;
        assert_eq!((payments.policy, payments.window_seconds), (Policy::Accepted, 300));
        assert_eq!(config.topics["restocks"].signatures, Signatures::default());
    }

    #[test]
    fn wrong_rules_are_refused_with_their_places() {
        let found = errors(
            "[topics.orders]\nsignatures = \"require\"\nkeys = \"file:/a\"\n[topics.payments]\nsignatures = \"required\"\n\
             [topics.restocks]\nsignatures = \"accepted\"\nkeys = []\nsignature_window_seconds = 0\n\
             [topics.stock-counts]\nkeys = [\"/etc/key\", { not_after = \"2026-01-01T00:00:00Z\" }, { from = \"env:A\", not_after = \"soon\" },\n\
             { from = \"env:A\", until = 1 }, 7, { from = \"env:A\", not_before = \"2026-02-01T00:00:00Z\", not_after = \"2026-01-01T00:00:00Z\" }]\n\
             [topics.order-events]\nsignatures = \"required\"\n",
        );
        let expected = [
            "2:14: `signatures` must be \"required\" or \"accepted\" or \"off\"",
            "3:8: `keys` must be a list of places such as",
            "5:14: `signatures` is \"required\" and there are no `keys`",
            "8:8: `keys` must name at least one key while `signatures` is \"accepted\"",
            "9:28: `signature_window_seconds` must be a whole number from 1 to 86400, not 0",
            "11:9: what `keys` names must be \"file:/path/to/a/key\" or \"env:NAME\"",
            "11:21: a key in braces needs `from`",
            "11:91: `not_after` must be a time with its offset",
            "12:19: unknown key `until` in [topics.stock-counts.keys]",
            "12:32: what `keys` names must be",
            "12:35: the key ends at 2026-01-01T00:00:00.000Z, before it begins at 2026-02-01T00:00:00.000Z",
            "14:1: unknown key `signatures` in [topics.order-events]",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\ndoes not begin with\n{expected}");
        }
        let many = ["\"env:A\""; MAX_KEYS + 1].join(", ");
        assert_eq!(errors(&format!("[topics.orders]\nkeys = [{many}]")), ["2:8: `keys` must have at most 8, not 9"]);
    }

    #[test]
    fn a_key_in_the_file_is_refused_and_never_repeated() {
        for kind in [Kind::Hmac, Kind::Ed25519] {
            let key = canary(kind);
            let bare = &key["whsec_".len()..];
            for text in [
                format!("[topics.orders]\nsignatures = \"required\"\nkeys = [\"{key}\"]"),
                format!("[topics.orders]\nkeys = [{{ from = \"{key}\" }}]"),
                format!("[topics.orders]\nkeys = [\"file:{key}\"]"),
                format!("[topics.orders]\nkeys = [\"env:{key}\"]"),
                format!("[topics.orders]\nkeys = [\"{bare}\"]"),
                format!("[topics.orders]\nkeys = [{{ from = \"env:A\", not_after = \"{key}\" }}]"),
                // Where it does not belong at all.
                format!("[topics.orders]\nkeys = \"{key}\""),
                format!("[topics.orders]\nsignatures = \"{key}\""),
                format!("[topics.orders]\nname = \"{key}\""),
                format!("[topics.orders]\nformat = \"{key}\""),
                format!("[topics.orders]\n{key} = 1\n"),
                format!("[topics.orders]\n\"{key}\" = 1\n"),
                format!("[kafka]\nbootstrap = \"{key}\"\n"),
            ] {
                let all = errors(&text).join("\n");
                for piece in [&bare[..12], &bare[10..30], "canary"] {
                    assert!(!all.contains(piece), "{text}\ngives\n{all}");
                }
            }
            let found = errors(&format!("[topics.orders]\nkeys = [\"{key}\"]"));
            assert!(found[0].starts_with("2:9: what `keys` names looks like a key itself. A key never stands here"), "{found:?}");
        }
        // Nor does a configuration that is right show one: it holds places alone.
        let config = parse("[topics.orders]\nkeys = [\"env:PATH\"]\nsignatures = \"required\"", Path::new("t")).unwrap();
        assert!(!format!("{config:?}").contains("/bin"), "{config:?}");
    }

    #[test]
    fn keys_are_read_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            format!("file:{}", folder.path().join(name).display())
        };
        let (hmac, pair) = (NewKey::of(Kind::Hmac, CANARY), NewKey::of(Kind::Ed25519, CANARY));
        let (hmac, public) = (file("hmac", &hmac.secret), file("public", pair.public.as_deref().unwrap()));
        let (private, none) = (file("private", &pair.secret), file("none", "canary"));
        let parse = |text: &str| parse(text, Path::new("t")).unwrap();
        let good = parse(&format!(
            "[topics.orders]\nsignatures = \"required\"\nkeys = [\"{hmac}\", \"{public}\"]\n[topics.payments]\nkeys = [\"{none}\"]"
        ));
        let read = guards(&good).unwrap();
        assert!(read.of(Source::Orders).is_some_and(|guard| guard.policy() == Policy::Required));
        assert!(Source::ALL.iter().skip(1).all(|source| read.of(*source).is_none()), "others are off");
        let bad = parse(&format!(
            "[topics.orders]\nsignatures = \"required\"\nkeys = [\"{hmac}\", \"{private}\", \"{none}\"]\n\
             [topics.restocks]\nsignatures = \"accepted\"\nkeys = [\"file:/nowhere/key\", \"env:WAYBILL_TEST_NO_SUCH_KEY\"]"
        ));
        let faults = guards(&bad).unwrap_err();
        let expected = [
            "topics.orders, key 2 (file:",
            "topics.orders, key 3 (file:",
            "topics.restocks, key 1 (file:/nowhere/key): cannot read it: No such",
            "topics.restocks, key 2 (env:WAYBILL_TEST_NO_SUCH_KEY): the variable is not set",
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.starts_with(expected) && !fault.contains("canary"), "{fault}");
        }
        assert!(faults[0].contains("secret key, with which anybody could sign"), "{}", faults[0]);
    }
}
