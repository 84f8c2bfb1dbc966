//! Values of changelogs and stores, which only Waybill writes: a damaged one is refused, and what is read is written
//! the same way again. The first byte chooses the kind.
#![no_main]

use processors::catalogue::Listing;
use processors::orders::Order;
use processors::stock::{Reservation, Seen, Stock};

macro_rules! round_trip {
    ($type:ty, $bytes:expr) => {
        if let Ok(state) = <$type>::decode($bytes) {
            let mut again = vec![];
            state.encode(&mut again);
            assert_eq!(<$type>::decode(&again).ok(), Some(state));
        }
    };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 5 {
        0 => round_trip!(Order, bytes),
        1 => round_trip!(Stock, bytes),
        2 => round_trip!(Reservation, bytes),
        3 => round_trip!(Listing, bytes),
        4 => round_trip!(Seen, bytes),
        _ => round_trip!(signatures::Seen, bytes),
    }
});
