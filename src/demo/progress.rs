//! How far the replay is, on standard error: one line that changes on a terminal, one line a day elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use schemas::Timestamp;

/// Between two changes of the line.
const PACE: Duration = Duration::from_millis(50);

pub struct Progress {
    terminal: bool,
    shown: Option<Instant>,
    day: String,
}

impl Progress {
    pub fn new() -> Progress {
        Progress { terminal: stderr().is_terminal(), shown: None, day: String::new() }
    }

    /// `now`: record time; so far: `records` sent, `orders` decided, `pings` judged of so many `vehicles`.
    pub fn show(&mut self, now: i64, records: u64, orders: u64, pings: u64, vehicles: usize) {
        if records == 0 {
            return;
        }
        let time = Timestamp(now).to_string();
        let (day, hour) = (&time[..10], &time[11..16]);
        let figures = format!("{records} records, {orders} orders decided, {pings} pings of {vehicles} vehicles");
        if self.terminal {
            if self.shown.is_none_or(|shown| shown.elapsed() >= PACE) {
                self.shown = Some(Instant::now());
                // Who closes the terminal does not want to know.
                let _ = write!(stderr(), "\r\x1b[K{day} {hour}  {figures}");
            }
        } else if day != self.day {
            day.clone_into(&mut self.day);
            let _ = writeln!(stderr(), "{day}  {figures}");
        }
    }

    /// Leaves no line behind.
    pub fn done(&self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
