//! A running `waybill run` whose standard output is looked at to the letter.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::live::PATIENCE;
use super::live::app::App;

pub struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    address: String,
}

impl Started {
    pub fn new(app: &App, flags: &[&str]) -> Started {
        let (stdout, stderr) = (app.dir().join("stdout"), app.dir().join("stderr"));
        let mut command = app.command(&["run"]);
        command.args(flags).arg("--state-dir").arg(app.state_dir()).stdin(Stdio::null());
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        Started { child: command.spawn().unwrap(), stdout, stderr, address: String::new() }
    }

    /// Waits for its line.
    pub fn ready(&mut self) -> String {
        self.wait(|this| this.stdout().ends_with('\n'), "not ready");
        let line = self.stdout().trim_end().to_owned();
        line.rsplit("http://").next().unwrap().clone_into(&mut self.address);
        line
    }

    fn wait(&mut self, done: impl Fn(&mut Started) -> bool, complaint: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline && self.child.try_wait().unwrap().is_none(), "{complaint}\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    pub fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Status and body of `GET path`.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // HTTP/1.0: the answer ends with the connection, so that nothing has to be parsed.
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Waits until the answer to `GET path` has this field.
    pub fn await_json(&mut self, path: &str, field: &str, value: impl Into<Value>) {
        let value = value.into();
        let answered = |this: &mut Started| {
            let (_, body) = this.get(path);
            serde_json::from_str::<Value>(&body).is_ok_and(|answer| answer[field] == value)
        };
        self.wait(answered, &format!("{path} never says {field} {value}"));
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
