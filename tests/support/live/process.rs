//! A running `waybill`: started, asked, signalled, waited for; its standard error is kept in a file and its end is
//! this test's doing.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::app::App;
use super::{PATIENCE, now_millis, wait_until};

/// How a process is to be started.
pub struct Launch<'a> {
    app: &'a App,
    instance: u32,
    workers: usize,
    state_dir: PathBuf,
    failpoint: Option<String>,
}

impl<'a> Launch<'a> {
    pub fn new(app: &'a App, instance: u32) -> Launch<'a> {
        Launch { app, instance, workers: 1, state_dir: app.state_dir(), failpoint: None }
    }

    #[must_use]
    pub fn workers(self, workers: usize) -> Launch<'a> {
        Launch { workers, ..self }
    }

    /// Another directory than the application's.
    #[must_use]
    pub fn state_dir(self, name: &str) -> Launch<'a> {
        Launch { state_dir: self.app.dir().join(name), ..self }
    }

    /// `<point>:<n>`: kills itself at the n-th pass.
    #[must_use]
    pub fn failpoint(self, failpoint: &str) -> Launch<'a> {
        Launch { failpoint: Some(failpoint.to_owned()), ..self }
    }

    pub fn start(self) -> Process {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let log = self.app.dir().join(format!("run-{}-{}.log", NUMBER.fetch_add(1, Ordering::Relaxed), self.instance));
        let mut command = self.app.command(&["run", "--http", "127.0.0.1:0", "--log", "json"]);
        command.args(["--instance", &self.instance.to_string(), "--workers", &self.workers.to_string()]);
        command.arg("--state-dir").arg(&self.state_dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        if let Some(failpoint) = &self.failpoint {
            command.env("WAYBILL_FAILPOINT", failpoint);
        }
        let (started, started_at) = (Instant::now(), now_millis());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (line, lines) = channel();
        std::thread::spawn(move || {
            for text in stdout.lines().map_while(Result::ok) {
                // Nobody listens after the process was dropped.
                let _ = line.send(text);
            }
        });
        Process { child, log, lines, http: None, started, started_at, ended: None }
    }

    /// Starts it and waits until it is ready.
    pub fn ready(self) -> Process {
        let mut process = self.start();
        process.await_ready(Duration::from_secs(45));
        process
    }
}

pub struct Process {
    child: Child,
    log: PathBuf,
    lines: Receiver<String>,
    http: Option<String>,
    started: Instant,
    /// Wall clock at the start, in milliseconds.
    pub started_at: i64,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Waits for the line that begins with READY.
    pub fn await_ready(&mut self, most: Duration) {
        let line = self.lines.recv_timeout(most).unwrap_or_else(|e| panic!("not ready: {e}\n{}", self.tail()));
        assert!(line.starts_with("READY "), "{line}");
        self.http = Some(line.rsplit("http://").next().unwrap().trim().to_owned());
    }

    /// `host:port` of metrics and queries; only once it is ready.
    pub fn http(&self) -> &str {
        self.http.as_deref().unwrap()
    }

    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn is_running(&mut self) -> bool {
        self.ended.is_none() && self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it decides more than it has now.
    pub fn await_decisions(&self) {
        let before = self.metric("waybill_decisions_total");
        let more = || self.metric("waybill_decisions_total") > before;
        wait_until(PATIENCE, more, || format!("it decides nothing\n{}", self.tail()));
    }

    /// `TERM`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success(), "no process to signal\n{}", self.tail());
    }

    /// How it ended by itself, or by a signal sent before.
    pub fn end(&mut self, most: Duration) -> ExitStatus {
        let deadline = Instant::now() + most;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.ended = Some(status);
                return status;
            }
            assert!(Instant::now() < deadline, "still running after {most:?}\n{}", self.tail());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM: exit 0 in time. Returns how long it took.
    pub fn terminate(&mut self) -> Duration {
        let began = Instant::now();
        self.signal("TERM");
        let status = self.end(Duration::from_secs(20));
        assert_eq!(status.code(), Some(0), "SIGTERM ended it with {status}\n{}", self.tail());
        began.elapsed()
    }

    pub fn kill(&mut self) {
        self.signal("KILL");
        self.end(Duration::from_secs(10));
    }

    /// All that it logged, one event each.
    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// All that it logged, as it stands.
    pub fn log_text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// The end of its log, for messages.
    pub fn tail(&self) -> String {
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// What it answers to `GET path`: status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let address = self.http.as_ref().expect("it is not ready yet");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // HTTP/1.0: the answer ends with the connection, so that nothing has to be parsed.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The sum of a metric over its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let (status, body) = self.get("/metrics");
        assert_eq!(status, 200);
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        body.lines().filter(of_name).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Changelog records that it read to restore its tasks, and how many of its tasks had no state at all.
    pub fn restored(&self) -> (u64, usize) {
        let restored: Vec<Value> = self.log().into_iter().filter(|e| e["message"] == "restored").collect();
        let records = restored.iter().filter_map(|e| e["records"].as_u64()).sum();
        (records, restored.iter().filter(|e| e["bulk"] == true).count())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // It may have ended meanwhile.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the end of {}:\n{}", self.log.display(), self.tail());
        }
    }
}
