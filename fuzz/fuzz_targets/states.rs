//! Values of changelogs and stores, which only Waybill writes: a damaged one is refused, and what is read is written
//! the same way again. The first byte says which store's, as in a changelog's key.
#![no_main]

use processors::catalogue::Listing;
use processors::demand::Demand;
use processors::fleet::{Piece, Shipment, Speeds, Vehicle};
use processors::orders::Order;
use processors::stock::{Seen, Slot, Stock};

macro_rules! round_trip {
    ($type:ty, $bytes:expr) => {
        if let Ok(state) = <$type>::decode($bytes) {
            let (mut once, mut twice) = (vec![], vec![]);
            state.encode(&mut once);
            // Bytes, not values: not every number equals itself.
            <$type>::decode(&once).expect("what was written is read").encode(&mut twice);
            assert_eq!(once, twice);
        }
    };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((store, bytes)) = bytes.split_first() else { return };
    match store {
        b'o' => round_trip!(Order, bytes),
        b's' => round_trip!(Stock, bytes),
        b'r' => {
            let _ = Slot::from_bytes(bytes.to_vec()).all();
        }
        b'd' => round_trip!(Seen, bytes),
        b'p' => round_trip!(Listing, bytes),
        b'f' => round_trip!(Demand, bytes),
        b'w' => round_trip!(signatures::Seen, bytes),
        b'v' => round_trip!(Vehicle, bytes),
        b'h' => round_trip!(Shipment, bytes),
        b'l' => round_trip!(Piece, bytes),
        b'e' => round_trip!(Speeds, bytes),
        _ => {}
    }
});
