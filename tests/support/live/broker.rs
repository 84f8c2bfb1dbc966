//! A broker for one test: started from scratch, ended with it, also when the test is killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Kafka on 127.0.0.1.
pub struct Broker {
    pub bootstrap: String,
    dir: PathBuf,
}

impl Broker {
    /// Sessions of a second are allowed, and transactions of the dead are found soon: tests wait for both. Records from
    /// the future are taken, as by brokers before Kafka 4.
    pub fn start(name: &str) -> Broker {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let mut broker = Broker { bootstrap: String::new(), dir };
        broker.bootstrap = broker.script(
            "start",
            &[
                "--port",
                "0",
                "--fresh",
                "--heap",
                "512m",
                "--set",
                "group.min.session.timeout.ms=1000",
                "--set",
                "transaction.abort.timed.out.transaction.cleanup.interval.ms=200",
                "--set",
                "log.message.timestamp.after.max.ms=9223372036854775807",
            ],
        );
        broker
    }

    /// Ends it in order; its data stays.
    pub fn stop(&self) {
        self.script("stop", &[]);
    }

    /// Ends it as a loss of power would, but for the page cache.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.dir.join("pid")).unwrap();
        let killed = Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap();
        assert!(killed.success(), "there was no broker to kill");
    }

    /// The same broker again, at the same address.
    pub fn restart(&self) {
        assert_eq!(self.script("restart", &[]), self.bootstrap);
    }

    fn script(&self, command: &str, options: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/kafka.sh");
        let mut call = Command::new(script);
        call.arg(command).arg("--dir").arg(&self.dir).args(options).stdin(Stdio::null());
        if command != "stop" {
            call.args(["--while", &std::process::id().to_string()]);
        }
        let output = call.output().unwrap();
        assert!(output.status.success(), "kafka.sh {command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
        // It is in the target folder: what cannot be removed now is no harm.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
