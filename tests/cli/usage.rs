//! What can be said without a broker: help, wrong usage, wrong configuration.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{run, waybill};

fn temporary(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("topology.toml");
    fs::write(&file, text).unwrap();
    (dir, file)
}

#[test]
fn help_lists_the_verbs_with_examples() {
    let help = run(&mut waybill(&["--help"]));
    help.says(&["run ", "topics ", "check ", "verify ", "Examples:", "Exit codes:", "WAYBILL_BOOTSTRAP"]);
    assert_eq!(help.stderr, "");
    let verbs: [&[&str]; 9] = [
        &["run"],
        &["topics", "create"],
        &["check"],
        &["verify"],
        &["demo"],
        &["backtest"],
        &["sign"],
        &["keys", "new"],
        &["keys", "public"],
    ];
    for verb in verbs {
        let mut arguments = verb.to_vec();
        arguments.push("--help");
        run(&mut waybill(&arguments)).says(&["Examples:", "--config <FILE>", "--bootstrap <HOST:PORT>"]);
    }
    run(&mut waybill(&["run", "--help"])).says(&["--state-dir <DIR>", "--workers <N>", "--instance <N>", "--http <", "--log <"]);
}

#[test]
fn the_version_is_the_packages() {
    run(&mut waybill(&["--version"])).says(&[concat!("waybill ", env!("CARGO_PKG_VERSION"), "\n")]);
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    run(&mut waybill(&[])).fails(2, &["Usage: waybill"]);
    for (arguments, says) in [
        (&["verfy"][..], "verify"),
        (&["run", "--worker", "2"], "--workers"),
        (&["run", "--workers", "0"], "1..=256"),
        (&["run", "--workers", "two"], "two"),
        (&["run", "--instance", "-1"], "-1"),
        (&["run", "--http", "8080"], "127.0.0.1:8080"),
        (&["check", "--bootstrap", "kafka"], "HOST:PORT"),
        (&["check", "--bootstrap", "a:1,b"], "not \"b\""),
        (&["check", "--log", "xml"], "json"),
        (&["topics", "crate"], "create"),
        (&["topics"], "create"),
        (&["verify", "extra"], "extra"),
    ] {
        let ended = run(&mut waybill(arguments));
        ended.fails(2, &[says]);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    run(waybill(&["check"]).env("WAYBILL_BOOTSTRAP", "kafka")).fails(2, &["HOST:PORT"]);
}

#[test]
fn all_errors_of_a_configuration_at_once() {
    let (_dir, file) =
        temporary("[app]\nworkers = 0\n[orders]\nhold_secconds = 60\ntasks = 4\n[topics.orders]\nformat = \"xml\"\n[stock\n");
    let path = file.display().to_string();
    for verb in [&["run"][..], &["topics", "create"], &["check"], &["verify"]] {
        let mut arguments = verb.to_vec();
        arguments.extend(["--config", &path]);
        let ended = run(&mut waybill(&arguments));
        ended.fails(
            2,
            &[
                "the configuration has 4 errors",
                &format!("{path}:2:11: `workers` must be a whole number from 1 to 256, not 0\n"),
                &format!("{path}:4:1: unknown key `hold_secconds` in [orders]; did you mean `hold_seconds`?\n"),
                &format!("{path}:7:10: `format` must be \"json\""),
                &format!("{path}:8:"),
            ],
        );
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_one_in_the_folder_is_found() {
    run(&mut waybill(&["check", "--config", "/nowhere/shop.toml"])).fails(2, &["/nowhere/shop.toml", "--config FILE"]);
    let (dir, _) = temporary("[app]\nname = \"\"\n");
    run(waybill(&["check"]).current_dir(&dir)).fails(2, &["topology.toml:2:8: `name` must be text"]);
}

#[test]
fn errors_are_json_where_logs_are() {
    let ended = run(&mut waybill(&["check", "--config", "/nowhere/shop.toml", "--log", "json"]));
    assert_eq!(ended.code, 2);
    let line: Value = serde_json::from_str(ended.stderr.trim()).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert!(line["message"].as_str().unwrap().contains("/nowhere/shop.toml"), "{line}");
}

#[test]
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
fn a_state_directory_that_cannot_be_used_is_named() {
    run(&mut waybill(&["run", "--http", "off", "--state-dir", "/dev/null/state"])).fails(1, &["/dev/null/state", "--state-dir"]);
}

#[test]
#[cfg(not(feature = "kafka"))]
fn a_build_without_kafka_says_so() {
    for verb in [&["run"][..], &["topics", "create"], &["check"], &["verify"]] {
        run(&mut waybill(verb)).fails(1, &["without Kafka", "make build"]);
    }
}

#[test]
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
fn a_broker_out_of_reach_is_an_error_within_seconds_that_names_it() {
    // Nothing listens on port 9, and a name that does not exist.
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_str().unwrap();
    let calls = [&["run", "--http", "off", "--state-dir", state][..], &["topics", "create"], &["check"], &["verify"]];
    let addresses = ["127.0.0.1:9", "no-such-host.invalid:9092"];
    std::thread::scope(|scope| {
        for verb in calls {
            for address in addresses {
                scope.spawn(move || {
                    let began = std::time::Instant::now();
                    let mut command = waybill(verb);
                    if verb[0] == "run" {
                        command.args(["--instance", &address.len().to_string()]);
                    }
                    let ended = run(command.env("WAYBILL_BOOTSTRAP", address));
                    assert!(began.elapsed().as_secs() < 20, "{verb:?} took {:?}", began.elapsed());
                    let why = if address.ends_with(":9") { "Connection refused" } else { "resolve" };
                    ended.fails(1, &[address, "--bootstrap HOST:PORT", "make kafka", why]);
                    assert_eq!(ended.stdout, "", "{verb:?}");
                });
            }
        }
    });
}
