//! No schema changes in a breaking way. What was released stays in `schemas/avro/released/` for ever: records written
//! with it are in topics, and programs that read with it are running.

use std::collections::BTreeSet;
use std::path::Path;

use avro::{Decoder, Schema};
use waybill_schemas::avro::{RELEASED, TOPICS};
use waybill_schemas::{Sink, Source};

/// What does not work any more if `new` takes the place of `old` on `topic`.
fn breaks(topic: &str, old: &str, new: &str) -> Vec<String> {
    let (old, new) = (Schema::parse(old).unwrap(), Schema::parse(new).unwrap());
    let mut found = vec![];
    let mut check = |what: &str, writer: &Schema, reader: &Schema| match Decoder::new(writer, reader) {
        Err(e) => found.push(format!("{what}: {e}")),
        Ok(decoder) => found.extend(decoder.gaps().into_iter().map(|gap| format!("{what}: {gap}"))),
    };
    // Records that are in the topic already, or that a producer writes who has not been changed.
    check("a record written before is not read", &old, &new);
    if Sink::ALL.iter().any(|sink| sink.name() == topic) {
        // Consumers who have not been changed.
        check("a consumer of before does not read", &new, &old);
    }
    found
}

#[test]
fn no_schema_changes_in_a_breaking_way() {
    for (release, entries) in RELEASED {
        for (topic, old) in *entries {
            let (_, new) = TOPICS.iter().find(|(name, _)| name == topic).unwrap_or_else(|| panic!("the schema of `{topic}` is gone"));
            assert_eq!(breaks(topic, old, new), Vec::<String>::new(), "`{topic}` since release {release}");
        }
    }
}

#[test]
fn what_would_break_is_seen() {
    let of = |topic: &str| TOPICS.iter().find(|(name, _)| *name == topic).unwrap().1;
    for (topic, from, to, breaking) in [
        // A field with a default comes or goes; text only.
        ("orders", r#"{"name": "reason", "type": ["null", "string"], "doc": "Why; of a cancel.", "default": null},"#, "", false),
        ("payments", "What became of it.", "How it went.", false),
        // A field is renamed, with the old name as an alias and without.
        ("stock-counts", r#""name": "counted","#, r#""name": "found", "aliases": ["counted"],"#, false),
        ("stock-counts", r#""name": "counted","#, r#""name": "found","#, true),
        // A symbol comes; a symbol goes.
        ("payments", r#""failed", "#, r#""failed", "pending", "#, false),
        ("payments", r#""failed", "#, "", true),
        // A type is widened; a type is narrowed; a field must be there that need not be before.
        ("payments", r#"{"name": "payment_id", "type": "string""#, r#"{"name": "payment_id", "type": ["null", "string"]"#, false),
        ("stock-counts", r#"{"name": "counted", "type": "long""#, r#"{"name": "counted", "type": "int""#, true),
        (
            "payments",
            r#"{"name": "payment_id", "type": "string", "#,
            r#"{"name": "source", "type": "string", "doc": "New."}, {"name": "payment_id", "type": "string", "#,
            true,
        ),
        // To consumers every change counts that they cannot read.
        ("stock-levels", r#""name": "version", "type": "long""#, r#""name": "version", "type": "double""#, true),
        ("stock-levels", r#"{"name": "sku", "type": "string""#, r#"{"name": "sku", "type": ["null", "string"]"#, true),
    ] {
        let old = of(topic);
        assert!(old.contains(from), "{topic}: {from}");
        let new = old.replacen(from, to, 1);
        assert_eq!(!breaks(topic, old, &new).is_empty(), breaking, "{topic}: {from} -> {to}: {:?}", breaks(topic, old, &new));
    }
}

#[test]
fn every_public_topic_has_a_schema_and_every_file_is_known() {
    let named: BTreeSet<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
    let public = Source::ALL.iter().map(|s| s.name()).chain(Sink::ALL.iter().map(|s| s.name()));
    // Dead letters are bytes as they came.
    let public: BTreeSet<&str> = public.filter(|name| *name != Sink::DeadLetters.name()).collect();
    assert_eq!(public.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("avro");
    let files = |folder: &Path| -> BTreeSet<String> {
        let stems = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        stems.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let names = |entries: &[(&str, &str)]| -> BTreeSet<String> { entries.iter().map(|(name, _)| (*name).to_owned()).collect() };
    assert_eq!(files(&folder), names(TOPICS));
    for (release, entries) in RELEASED {
        assert_eq!(files(&folder.join("released").join(release)), names(entries), "release {release}");
    }
}

#[test]
fn every_field_is_documented() {
    fn undocumented(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        match schema {
            serde_json::Value::Array(branches) => branches.iter().for_each(|branch| undocumented(branch, path, found)),
            serde_json::Value::Object(of) => {
                let documented = of.get("doc").and_then(|d| d.as_str()).is_some_and(|d| d.ends_with('.'));
                if of.contains_key("name") && !documented {
                    found.push(path.to_owned());
                }
                for field in of.get("fields").and_then(|f| f.as_array()).into_iter().flatten() {
                    undocumented(field, &format!("{path}.{}", field["name"]), found);
                }
                for inner in ["type", "items", "values"] {
                    if let Some(inner) = of.get(inner) {
                        undocumented(inner, path, found);
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = vec![];
    for (topic, text) in TOPICS {
        undocumented(&serde_json::from_str(text).unwrap(), topic, &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}
