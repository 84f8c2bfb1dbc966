//! Scenes of a test, some beside each other: they wait more than they work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Instant;

use super::broker::Broker;

pub type Scene = (&'static str, fn(&Broker));

/// Runs every scene whose name contains the environment's `WAYBILL_SCENE`, `lanes` at a time; returns the
/// names of those that failed.
pub fn play(broker: &Broker, lanes: usize, scenes: &[Scene]) -> Vec<&'static str> {
    let wanted = std::env::var("WAYBILL_SCENE").unwrap_or_default();
    let chosen: Vec<_> = scenes.iter().filter(|(name, _)| name.contains(&wanted)).collect();
    let (next, failed) = (Mutex::new(chosen.into_iter()), Mutex::new(vec![]));
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                loop {
                    let Some((name, scene)) = next.lock().unwrap().next() else { break };
                    let began = Instant::now();
                    let ok = catch_unwind(AssertUnwindSafe(|| scene(broker))).is_ok();
                    println!("{name} ... {} ({:.1} s)", if ok { "ok" } else { "FAILED" }, began.elapsed().as_secs_f64());
                    if !ok {
                        failed.lock().unwrap().push(*name);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}
