//! Shared small helpers: argument parsing, percentiles, process statistics, deterministic workload.
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Args {
    pub cmd: String,
    kv: HashMap<String, Vec<String>>,
}
impl Args {
    pub fn parse() -> Args {
        let mut it = std::env::args().skip(1).peekable();
        let cmd = it.next().unwrap_or_default();
        let mut kv: HashMap<String, Vec<String>> = HashMap::new();
        while let Some(a) = it.next() {
            let Some(k) = a.strip_prefix("--") else {
                eprintln!("unexpected argument {a}");
                std::process::exit(2)
            };
            if let Some((k, v)) = k.split_once('=') {
                kv.entry(k.into()).or_default().push(v.into());
            } else if it.peek().is_some_and(|n| !n.starts_with("--")) {
                kv.entry(k.into()).or_default().push(it.next().unwrap());
            } else {
                kv.entry(k.into()).or_default().push("true".into());
            }
        }
        Args { cmd, kv }
    }
    pub fn opt(&self, k: &str) -> Option<&str> {
        self.kv.get(k).and_then(|v| v.last()).map(|s| s.as_str())
    }
    pub fn str<'a>(&'a self, k: &str, d: &'a str) -> &'a str {
        self.opt(k).unwrap_or(d)
    }
    pub fn all(&self, k: &str) -> Vec<String> {
        self.kv.get(k).cloned().unwrap_or_default()
    }
    pub fn flag(&self, k: &str) -> bool {
        matches!(self.opt(k), Some(v) if v != "false")
    }
    pub fn num<T: std::str::FromStr>(&self, k: &str, d: T) -> T {
        match self.opt(k) {
            None => d,
            Some(v) => v.parse().unwrap_or_else(|_| {
                eprintln!("--{k}: bad number {v}");
                std::process::exit(2)
            }),
        }
    }
    pub fn bootstrap(&self) -> &str {
        self.str("bootstrap", "127.0.0.1:19092")
    }
}

/// Percentile summary of milliseconds.
pub fn summary(v: &mut [f64]) -> serde_json::Value {
    if v.is_empty() {
        return serde_json::json!(null);
    }
    v.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let q = |p: f64| {
        let i = ((p * v.len() as f64).ceil() as usize).clamp(1, v.len()) - 1;
        (v[i] * 100.0).round() / 100.0
    };
    let mean = v.iter().sum::<f64>() / v.len() as f64;
    serde_json::json!({"n": v.len(), "mean": (mean*100.0).round()/100.0, "p50": q(0.5), "p90": q(0.9),
        "p99": q(0.99), "p99.9": q(0.999), "max": q(1.0)})
}

/// CPU seconds (user+system) of a process from /proc/PID/stat.
pub fn proc_cpu(pid: u32) -> Option<f64> {
    let s = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = &s[s.rfind(')')? + 2..];
    let f: Vec<&str> = rest.split(' ').collect();
    let t: f64 = f[11].parse::<f64>().ok()? + f[12].parse::<f64>().ok()?;
    Some(t / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64)
}
/// (VmHWM, VmRSS) in MiB.
pub fn proc_mem(pid: u32) -> (f64, f64) {
    let s = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let g = |k: &str| {
        s.lines().find(|l| l.starts_with(k)).and_then(|l| l.split_whitespace().nth(1)).and_then(|x| x.parse::<f64>().ok()).unwrap_or(0.0)
            / 1024.0
    };
    (g("VmHWM:"), g("VmRSS:"))
}
pub fn self_cpu() -> f64 {
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) };
    let t = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    t(u.ru_utime) + t(u.ru_stime)
}
pub fn now_unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}
pub fn rfc3339(ms: i64) -> String {
    let (secs, milli) = (ms.div_euclid(1000), ms.rem_euclid(1000));
    let (days, sod) = (secs.div_euclid(86400), secs.rem_euclid(86400));
    let z = days + 719468;
    let era = z.div_euclid(146097);
    let doe = z.rem_euclid(146097);
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + if m <= 2 { 1 } else { 0 };
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{milli:03}Z", sod / 3600, sod / 60 % 60, sod % 60)
}

/// splitmix64
pub struct Rng(u64);
impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9E3779B97F4A7C15) ^ 0xD1B54A32D192ED03)
    }
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E3779B97F4A7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next() as u128 * n as u128) >> 64) as u64
    }
    pub fn f(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What a unit of the s-th SKU costs, in minor units of GBP.
pub fn price(s: usize) -> usize {
    100 + (s * 37) % 4900
}

/// Deterministic order generator: 1–5 lines (mean 2.55), distinct SKUs, Zipf(1.0) over S SKUs.
pub struct OrderGen {
    rng: Rng,
    cdf: Vec<f64>,
}
impl OrderGen {
    pub fn new(seed: u64, skus: usize) -> OrderGen {
        let mut cdf = Vec::with_capacity(skus);
        let mut s = 0.0;
        for k in 1..=skus {
            s += 1.0 / k as f64;
            cdf.push(s);
        }
        for c in cdf.iter_mut() {
            *c /= s;
        }
        OrderGen { rng: Rng::new(seed), cdf }
    }
    fn sku(&mut self) -> usize {
        let u = self.rng.f();
        self.cdf.partition_point(|c| *c < u).min(self.cdf.len() - 1) + 1
    }
    /// Writes the order JSON into `out`.
    pub fn order(&mut self, order_id: &str, placed_ms: i64, out: &mut String) {
        use std::fmt::Write;
        let u = self.rng.below(100);
        let n = match u {
            0..=24 => 1,
            25..=54 => 2,
            55..=74 => 3,
            75..=89 => 4,
            _ => 5,
        }
        .min(self.cdf.len());
        let cust = self.rng.below(10_000) + 1;
        out.clear();
        let _ = write!(out, "{{\"type\":\"place\",\"order_id\":\"{order_id}\",\"customer_id\":\"C-{cust}\",\"placed_at\":\"{}\",\"currency\":\"GBP\",\"lines\":[", rfc3339(placed_ms));
        let mut used = [0usize; 5];
        for i in 0..n {
            let mut s = self.sku();
            while used[..i].contains(&s) {
                s = if self.cdf.len() > 16 { self.sku() } else { s % self.cdf.len() + 1 };
            }
            used[i] = s;
            let q = self.rng.below(6) + 1;
            let price = price(s);
            let _ = write!(out, "{}{{\"sku\":\"S-{s:05}\",\"quantity\":{q},\"unit_price\":{price}}}", if i > 0 { "," } else { "" });
        }
        out.push_str("]}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Results of different days are compared by these orders: they must not change.
    #[test]
    fn the_orders_of_a_seed_stay_the_same() {
        let mut generator = OrderGen::new(1, 5_000);
        let (mut hash, mut order) = (Sha256::new(), String::new());
        for number in 1..=1_000 {
            generator.order(&format!("O-{number:06}"), 1_767_225_600_000 + number * 10, &mut order);
            hash.update(&order);
        }
        assert_eq!(hex::encode(hash.finalize()), "badd4574da67f2186d72ad42ea8e9d48f783ce0b910583aaac3e87e724022670");
    }
}
