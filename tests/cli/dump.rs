//! `waybill verify --dump`: the auditor on a file.

use std::fs::File;
use std::io::Write;

use auditor::{Record, dump};
use serde_json::Value;

use super::{run, waybill};

const BROKEN: &[u8] = b"{\"type\":\"place\"";

/// An order that cannot be read; with `answered`, its dead letter.
fn write(out: &mut File, answered: bool) {
    let order = Record { topic: "orders", partition: 2, offset: 7, timestamp: 1_000, key: Some(b"o1"), value: Some(BROKEN), headers: &[] };
    dump::write(out, &order).unwrap();
    if answered {
        let headers: [(&str, &[u8]); 4] = [
            ("waybill.error.reason", b"invalid_json"),
            ("waybill.source.topic", b"orders"),
            ("waybill.source.partition", b"2"),
            ("waybill.source.offset", b"7"),
        ];
        dump::write(out, &Record { topic: "dead-letters", partition: 0, offset: 0, headers: &headers, ..order }).unwrap();
    }
}

fn audited(answered: bool, more: &str, flags: &[&str]) -> super::Ended {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.jsonl");
    let mut out = File::create(&path).unwrap();
    write(&mut out, answered);
    out.write_all(more.as_bytes()).unwrap();
    let mut arguments = vec!["verify", "--dump", path.to_str().unwrap()];
    arguments.extend(flags);
    run(&mut waybill(&arguments))
}

#[test]
fn a_sound_log_passes_and_is_counted() {
    audited(true, "", &[]).says(&["every check passed", "invalid_json 1"]);
    let ended = audited(true, "", &["--json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &report["ok"], &report["counts"]["dead_letters"]), (0, &Value::Bool(true), &1.into()));
}

#[test]
fn what_is_missing_is_found_with_its_coordinates() {
    let ended = audited(false, "", &[]);
    assert_eq!(ended.code, 1, "{}", ended.all());
    assert!(ended.stdout.contains("no_outcome at orders/2/7"), "{}", ended.all());
    let ended = audited(false, "", &["--json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &report["ok"], &report["total_violations"]), (1, &Value::Bool(false), &1.into()));
    let first = &report["violations"][0];
    assert_eq!((&first["kind"], &first["topic"], &first["offset"]), (&"no_outcome".into(), &"orders".into(), &7.into()));
}

#[test]
fn a_dump_that_cannot_be_read_is_no_verdict() {
    audited(true, "{}\n", &[]).fails(1, &["records.jsonl: line 3"]);
    run(&mut waybill(&["verify", "--dump", "/nowhere/records.jsonl"])).fails(1, &["/nowhere/records.jsonl"]);
}
