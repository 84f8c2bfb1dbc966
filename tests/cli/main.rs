//! The command line through the real binary: what it prints where, and how it exits.
#![allow(clippy::unwrap_used)]

mod dump;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
#[path = "../support/live/mod.rs"]
mod live;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod on_kafka;
mod signing;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod started;
mod usage;

use std::process::{Command, Output};

/// `waybill` as a stranger's shell would call it: nothing of this machine's environment reaches it.
fn waybill(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command.args(arguments).env_remove("RUST_LOG").env_remove("WAYBILL_BOOTSTRAP").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// How a command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// It exited with `code`, and each text is on standard error.
    #[track_caller]
    fn fails(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{}", self.all());
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not on standard error:\n{}", self.all());
        }
    }

    /// It exited with 0, and each text is on standard output.
    #[track_caller]
    fn says(&self, texts: &[&str]) {
        assert_eq!(self.code, 0, "{}", self.all());
        for text in texts {
            assert!(self.stdout.contains(text), "`{text}` is not on standard output:\n{}", self.all());
        }
    }

    fn all(&self) -> String {
        format!("exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

fn run(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}
