//! A store whose filters do not fit into its cache. New keys are looked up all the time, and most are not there.
#![cfg(all(feature = "rocksdb", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use waybill_state as state;

use state::rocks::RocksStores;
use state::{Batch, Store, Stores};

/// Bytes that this process has asked the system for, from whatever file.
fn read_by_now() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

/// A whole filter of these keys has 370 KB and the cache 170: with whole filters each look-up reads one.
#[test]
fn a_look_up_of_a_key_that_is_not_there_reads_a_piece_of_a_filter() {
    const KEYS: u32 = 300_000;
    const LOOK_UPS: u32 = 2_000;
    let directory = tempfile::tempdir().unwrap();
    let mut store = RocksStores::new(directory.path(), 512 << 10).unwrap().open("orders-0").unwrap();
    let mut sorted = Batch::default();
    for n in 0..KEYS {
        sorted.put(format!("o{:08}", 2 * n).as_bytes(), b"an order");
    }
    store.fill(&sorted).unwrap();
    let before = read_by_now();
    for n in 0..LOOK_UPS {
        let key = format!("o{:08}", 2 * (n.wrapping_mul(2_654_435_761) % KEYS) + 1);
        assert_eq!(store.get(key.as_bytes()).unwrap(), None);
    }
    let each = (read_by_now() - before) / u64::from(LOOK_UPS);
    assert!(each < 16 << 10, "{each} bytes a look-up");
}
