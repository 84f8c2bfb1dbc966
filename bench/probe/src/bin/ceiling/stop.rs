//! When the workers are to end: at a signal, after a time, or once enough records are forwarded. Ends none itself.
#![expect(unsafe_code, reason = "libc is asked to call at a signal")]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

static STOP: AtomicBool = AtomicBool::new(false);
/// Forwarded by all workers.
static RECORDS: AtomicU64 = AtomicU64::new(0);

extern "C" fn on_signal(_: c_int) {
    STOP.store(true, Ordering::SeqCst);
}

pub(crate) fn at_signals() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // Safe: the handler does nothing but set a flag.
        unsafe { libc::signal(signal, on_signal as *const () as usize) };
    }
}

pub(crate) fn after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        STOP.store(true, Ordering::SeqCst);
    });
}

pub(crate) fn count(records: u64) {
    RECORDS.fetch_add(records, Ordering::Relaxed);
}

/// `records`: so many are enough; 0: there is no such number.
pub(crate) fn is_due(records: u64) -> bool {
    STOP.load(Ordering::Relaxed) || (records > 0 && RECORDS.load(Ordering::Relaxed) >= records)
}
