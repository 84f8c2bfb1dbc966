//! CPU and memory of processes, as Linux tells them. A process that has ended is no error: it has no figures.
#![expect(unsafe_code, reason = "libc is asked for the length of a tick and for this process's usage")]

use std::fs::read_to_string;

/// User and system CPU time of a process, seconds.
pub fn proc_cpu(pid: u32) -> Option<f64> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses; it may hold spaces and parentheses of its own.
    let (_, after_name) = stat.rsplit_once(") ")?;
    // Fields 14 and 15 of the line.
    let ticks = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().ok()).sum::<Option<f64>>()?;
    // Safe: asks for a constant.
    let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Some(ticks / ticks_per_second as f64)
}

/// Peak and present resident memory of a process, MiB; 0 where it is not known.
pub fn proc_mem(pid: u32) -> (f64, f64) {
    let status = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mebibytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kibibytes.unwrap_or(0.0) / 1024.0
    };
    (mebibytes("VmHWM:"), mebibytes("VmRSS:"))
}

/// User and system CPU time of this process, seconds.
pub fn self_cpu() -> f64 {
    // Safe: plain numbers, for which zeroes are a value, and a call that fills them.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_figures_and_one_that_is_not_there_has_none() {
        let own = std::process::id();
        assert!(proc_cpu(own).unwrap() >= 0.0 && self_cpu() > 0.0);
        let (peak, resident) = proc_mem(own);
        assert!(peak >= resident && resident > 0.0);
        assert_eq!((proc_cpu(u32::MAX), proc_mem(u32::MAX)), (None, (0.0, 0.0)));
    }
}
