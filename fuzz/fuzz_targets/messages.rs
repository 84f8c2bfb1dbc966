//! Records of the inboxes, which only Waybill writes: a damaged one is refused, and what is read is written the same
//! way again.
#![no_main]

use waybill::engine::message::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = Message::decode(bytes) {
        let _ = (message.receiver(), message.key());
        let (mut once, mut twice) = (vec![], vec![]);
        message.encode(&mut once);
        // Bytes, not values: not every number equals itself.
        Message::decode(&once).expect("what was written is read").encode(&mut twice);
        assert_eq!(once, twice);
    }
});
