//! CPU and memory of the processes that a run is to watch. One that has ended has no figures, and ends nothing.

use clap::Args;
use probe::{proc_cpu, proc_mem, round_to};
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(crate) struct Watched {
    /// A process whose CPU and memory are reported; may be given several times
    #[arg(long = "pid", value_name = "PID")]
    pids: Vec<u32>,
}

impl Watched {
    /// CPU time of each so far, seconds.
    pub(crate) fn cpu(&self) -> Vec<f64> {
        self.pids.iter().map(|pid| proc_cpu(*pid).unwrap_or(f64::NAN)).collect()
    }

    /// Each with its memory, and with the figures that `more` has of the index-th one.
    pub(crate) fn report(&self, more: impl Fn(usize) -> Vec<(&'static str, f64)>) -> Vec<Value> {
        let one = |(index, pid): (usize, &u32)| {
            let (peak, resident) = proc_mem(*pid);
            let mut report = json!({"pid": pid, "VmHWM_MiB": round_to(3, peak), "VmRSS_MiB": round_to(3, resident)});
            for (name, figure) in more(index) {
                report[name] = json!(round_to(3, figure));
            }
            report
        };
        self.pids.iter().enumerate().map(one).collect()
    }
}
