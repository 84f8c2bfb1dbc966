//! Named points at which a test kills this process, as a crash would: no destructor, no flush.
//!
//! `WAYBILL_FAILPOINT=after-commit:17` kills at the 17th pass of `after-commit`. Only with the feature `failpoints`,
//! which no shipped build has; without it every call is nothing.

/// Passes a point.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_point: &str) {}

/// Passes a point whose crash should fall into what follows, not before it.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach_soon(_point: &str) {}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        point: String,
        pass: u64,
        seen: AtomicU64,
    }

    fn armed() -> Option<&'static Armed> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        ARMED
            .get_or_init(|| {
                let text = std::env::var("WAYBILL_FAILPOINT").ok()?;
                let (point, pass) = text.split_once(':')?;
                Some(Armed { point: point.to_owned(), pass: pass.parse().ok()?, seen: AtomicU64::new(0) })
            })
            .as_ref()
    }

    fn is_due(point: &str) -> bool {
        armed().is_some_and(|a| a.point == point && a.seen.fetch_add(1, Ordering::Relaxed) + 1 == a.pass)
    }

    fn kill() -> ! {
        // SIGKILL, so that nothing is cleaned up.
        let _ = std::process::Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
        std::process::abort()
    }

    pub fn reach(point: &str) {
        if is_due(point) {
            kill();
        }
    }

    pub fn reach_soon(point: &str) {
        if is_due(point) {
            std::thread::spawn(|| {
                // A commit takes some milliseconds: this falls into its middle.
                std::thread::sleep(std::time::Duration::from_micros(1500));
                kill()
            });
        }
    }
}

#[cfg(feature = "failpoints")]
pub use armed::{reach, reach_soon};
