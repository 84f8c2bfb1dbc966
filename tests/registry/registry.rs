//! A real Schema Registry for one test: started by `scripts/registry.sh`, ended with the test.
#![allow(dead_code, reason = "some of it is for the full build")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Server {
    /// Of its Confluent API.
    pub url: String,
    dir: PathBuf,
}

impl Server {
    /// Apicurio runs on Java 21 or newer, which not every system has to give; without one, the test says so and ends.
    pub fn is_possible() -> bool {
        let find = format!(". {}/scripts/lib.sh && find_java 21", env!("CARGO_MANIFEST_DIR"));
        let found = Command::new("bash").args(["-c", &find]).output().unwrap().status.success();
        if !found {
            eprintln!("skipped: a Schema Registry needs Java 21 or newer, and there is none here; set JAVA_HOME");
        }
        found
    }

    pub fn start(name: &str) -> Server {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let mut server = Server { url: String::new(), dir };
        server.url = server.script("start", &[]);
        server
    }

    pub fn stop(&self) {
        self.script("stop", &[]);
    }

    /// Another one at the same address; it knows nothing of what this one knew.
    pub fn restart(&self) {
        let port = self.url.trim_start_matches("http://127.0.0.1:").split('/').next().unwrap();
        assert_eq!(self.script("start", &["--port", port]), self.url);
    }

    /// The sockets on which it listens for others than this machine, as `ss` prints them; none where there is no `ss`.
    pub fn open_elsewhere(&self) -> Vec<String> {
        let pid = format!("pid={},", self.pid());
        let Ok(output) = Command::new("ss").args(["-Hltnp"]).output() else { return vec![] };
        let all = String::from_utf8_lossy(&output.stdout).into_owned();
        all.lines()
            .filter(|line| line.contains(&pid) && !line.contains("127.0.0.1]:") && !line.contains("127.0.0.1:"))
            .map(str::to_owned)
            .collect()
    }

    /// It is there, takes connections, and answers nothing until [`Server::thaw`].
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.pid()]).status().unwrap().success());
    }

    fn pid(&self) -> String {
        std::fs::read_to_string(self.dir.join("pid")).unwrap().trim().to_owned()
    }

    fn script(&self, command: &str, options: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/registry.sh");
        let mut call = Command::new(script);
        call.arg(command).arg("--dir").arg(&self.dir).args(options).stdin(Stdio::null());
        if command != "stop" {
            call.args(["--while", &std::process::id().to_string()]);
        }
        let output = call.output().unwrap();
        assert!(output.status.success(), "registry.sh {command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is frozen does not end; one that was stopped has no pid any more.
        if self.dir.join("pid").exists() {
            self.thaw();
        }
        self.stop();
        // It is in the target folder: what cannot be removed now is no harm.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
