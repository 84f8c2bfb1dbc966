//! Both stores do the same.

#![allow(clippy::unwrap_used)]

use waybill_state as state;

use state::memory::MemoryStores;
use state::{Batch, Store, Stores};

fn all(store: &impl Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(b"", b"\xff", 1000).unwrap().into_iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
}

fn pair(k: &str, v: &str) -> (Vec<u8>, Vec<u8>) {
    (k.as_bytes().to_vec(), v.as_bytes().to_vec())
}

fn check(stores: &impl Stores) {
    let mut store = stores.open("orders-0").unwrap();
    let mut batch = Batch::default();
    batch.put(b"b", b"2");
    batch.put(b"a", b"1");
    batch.put(b"c", b"");
    batch.put(b"a", b"one");
    batch.delete(b"b");
    batch.delete(b"nothing");
    store.apply(&batch).unwrap();
    assert_eq!(all(&store), [pair("a", "one"), pair("c", "")]);
    assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.get(b"b").unwrap(), None);
    assert_eq!(store.scan(b"a", b"c", 10).unwrap().len(), 1);
    assert_eq!(store.scan(b"a", b"d", 1).unwrap().len(), 1);

    let mut sorted = Batch::default();
    sorted.delete(b"a");
    sorted.put(b"d", b"4");
    sorted.put(b"e", b"5");
    store.fill(&sorted).unwrap();
    store.fill(&Batch::default()).unwrap();
    let mut over = Batch::default();
    over.put(b"e", b"five");
    store.apply(&over).unwrap();
    let want = [pair("c", ""), pair("d", "4"), pair("e", "five")];
    assert_eq!(all(&store), want);
    store.flush().unwrap();
    drop(store);

    let store = stores.open("orders-0").unwrap();
    assert_eq!(all(&store), want, "a closed store opens with all that was applied");
    drop(store);
    assert!(all(&stores.open("orders-1").unwrap()).is_empty(), "another task's store is another store");
    stores.delete("orders-0").unwrap();
    stores.delete("never-there").unwrap();
    assert!(all(&stores.open("orders-0").unwrap()).is_empty());
}

#[test]
fn memory() {
    check(&MemoryStores::default());
}

#[cfg(feature = "rocksdb")]
#[test]
fn rocks() {
    let directory = tempfile::tempdir().unwrap();
    check(&state::rocks::RocksStores::new(directory.path(), 32 << 20).unwrap());
}
