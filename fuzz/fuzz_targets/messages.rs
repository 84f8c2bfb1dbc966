//! Records of the inboxes, which only Waybill writes: a damaged one is refused, and what is read is written the same
//! way again.
#![no_main]

use waybill::engine::message::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = Message::decode(bytes) {
        let _ = (message.receiver(), message.key());
        let mut again = vec![];
        message.encode(&mut again);
        assert_eq!(Message::decode(&again).as_ref(), Ok(&message));
    }
});
