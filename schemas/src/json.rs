//! The JSON of the two records that are nearly all of the output, written piece by piece: a general serialiser, which looks
//! at every byte of every name for what is to be escaped, took a sixth of a worker's time. The bytes are those that serde
//! gives for the same record, and a test holds them to it.

use crate::Cause;
use crate::event::{Movement, Named, OrderEvent};

/// Appends a movement. `time`: its `at` as text.
pub fn movement(named: &Named<'_, Movement>, time: &str, out: &mut Vec<u8>) {
    let (m, mut to) = (named.event, Writer(out));
    to.raw(r#"{"movement_id":"#).text(named.id);
    to.raw(r#","sku":"#).text(named.key);
    to.raw(r#","location":"#).text(&m.location);
    to.raw(r#","seq":"#).number(m.seq);
    to.raw(r#","kind":"#).plain(m.kind.word());
    to.raw(r#","quantity":"#).number(m.quantity);
    to.raw(r#","on_hand":"#).number(m.on_hand);
    to.raw(r#","reserved":"#).number(m.reserved);
    if let Some(order_id) = &m.order_id {
        to.raw(r#","order_id":"#).text(order_id);
    }
    if let Some(shortage) = m.shortage {
        to.raw(r#","shortage":"#).number(shortage);
        to.raw(r#","orders_at_risk":"#).list(&m.orders_at_risk, |to, order_id| to.text(order_id));
    }
    to.raw(r#","at":"#).plain(time);
    to.raw(r#","previous":"#).hex(&m.previous);
    to.raw(r#","hash":"#).hex(&m.hash);
    to.cause(named.topic, m.cause);
}

/// Appends an order's event. `time`: its `at` as text.
pub fn order_event(named: &Named<'_, OrderEvent>, time: &str, out: &mut Vec<u8>) {
    let (e, mut to) = (named.event, Writer(out));
    to.raw(r#"{"event_id":"#).text(named.id);
    to.raw(r#","order_id":"#).text(named.key);
    to.raw(r#","type":"#).plain(e.kind.word());
    to.raw(r#","seq":"#).number(e.seq);
    to.raw(r#","at":"#).plain(time);
    if !e.lines.is_empty() {
        to.raw(r#","lines":"#).list(&e.lines, |to, line| {
            to.raw(r#"{"sku":"#).text(&line.sku);
            to.raw(r#","quantity":"#).number(line.quantity);
            if let Some(location) = &line.location {
                to.raw(r#","location":"#).text(location);
            }
            to.raw("}");
        });
    }
    if let Some(expires_at) = e.expires_at {
        to.raw(r#","expires_at":"#).plain(expires_at.text().as_str());
    }
    if let Some(reason) = &e.reason {
        to.raw(r#","reason":"#).text(reason);
    }
    if let Some(sku) = &e.sku {
        to.raw(r#","sku":"#).text(sku);
    }
    if let Some(amount) = e.amount {
        to.raw(r#","amount":"#).number(amount);
    }
    let texts = [
        (r#","currency":"#, &e.currency),
        (r#","payment_id":"#, &e.payment_id),
        (r#","shipment_id":"#, &e.shipment_id),
        (r#","vehicle_id":"#, &e.vehicle_id),
        (r#","stop_id":"#, &e.stop_id),
        (r#","detail":"#, &e.detail),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            to.raw(name).text(value);
        }
    }
    if let Some(feedback) = &e.feedback {
        to.raw(r#","feedback":"#).other(feedback);
    }
    to.cause(named.topic, e.cause);
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    /// JSON as it is.
    fn raw(&mut self, json: &str) -> &mut Self {
        self.0.extend_from_slice(json.as_bytes());
        self
    }

    /// Text of which nothing is to be escaped.
    fn plain(&mut self, text: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    #[expect(clippy::needless_bitwise_bool, reason = "without a jump at the first, many bytes are looked at together")]
    fn text(&mut self, text: &str) {
        let escapes = text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
        if escapes { self.other(text) } else { self.plain(text) }
    }

    fn number(&mut self, number: impl itoa::Integer) {
        self.0.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn hex(&mut self, bytes: &[u8; 32]) {
        let mut text = [b'"'; 66];
        // 64 characters are what 32 bytes take.
        let _ = hex::encode_to_slice(bytes, &mut text[1..65]);
        self.0.extend_from_slice(&text);
    }

    fn list<T>(&mut self, all: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.0.push(b'[');
        for (n, one) in all.iter().enumerate() {
            if n > 0 {
                self.0.push(b',');
            }
            write(self, one);
        }
        self.0.push(b']');
    }

    /// As serde writes it.
    fn other<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        // Into a Vec, and none of these types has a map with keys that are no text: it cannot fail.
        let done = serde_json::to_writer(&mut *self.0, value);
        debug_assert!(done.is_ok());
    }

    /// The last field and the end of the record.
    fn cause(&mut self, topic: &str, cause: Cause) {
        self.raw(r#","cause":{"topic":"#).text(topic);
        self.raw(r#","partition":"#).number(cause.partition);
        self.raw(r#","offset":"#).number(cause.offset);
        self.raw("}}");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{EventLine, MovementKind, OrderEventKind};
    use crate::feedback::{About, Remark};
    use crate::{ShortText, Source, Timestamp};

    fn text() -> impl Strategy<Value = ShortText> {
        r#"[a-z0-9/ -]{0,30}|\PC{0,12}|["\\\x00-\x1f\x7fé]{1,6}"#.prop_map(ShortText::from)
    }

    fn some<T: std::fmt::Debug + Clone + 'static>(of: impl Strategy<Value = T> + 'static) -> impl Strategy<Value = Option<T>> {
        proptest::option::of(of)
    }

    fn remark_of(text: &str) -> Remark {
        Remark {
            feedback_id: "F-1".into(),
            about: About::Order,
            kind: text.into(),
            rating: Some(2),
            text: Some(text.into()),
            order_id: None,
        }
    }

    fn cause() -> impl Strategy<Value = Cause> {
        (any::<i32>(), any::<i64>()).prop_map(|(partition, offset)| Cause { source: Source::Orders, partition, offset })
    }

    prop_compose! {
        fn a_movement()(
            (quantity, on_hand, reserved) in any::<(i64, i64, i64)>(), seq in any::<u64>(), location in text(), order_id in some(text()),
            shortage in some(any::<i64>()), orders_at_risk in proptest::collection::vec(text(), 0..3), at in any::<i64>(), cause in cause(),
            (previous, hash) in any::<([u8; 32], [u8; 32])>(),
        ) -> Movement {
            let at = Timestamp(at);
            Movement {
                kind: MovementKind::Counted, seq, location, quantity, on_hand, reserved, order_id, at, cause, shortage, orders_at_risk, previous, hash,
            }
        }
    }

    prop_compose! {
        fn an_order_event()(
            seq in any::<u32>(), at in any::<i64>(), cause in cause(),
            lines in proptest::collection::vec((text(), any::<i64>(), some(text())), 0..4), expires_at in some(any::<i64>()),
            reason in some(text()), amount in some(any::<i64>()), texts in proptest::collection::vec(some(text()), 7), remark in some(text()),
        ) -> OrderEvent {
            let mut texts = texts.into_iter();
            let mut next = || texts.next().unwrap();
            let lines = lines.into_iter().map(|(sku, quantity, location)| EventLine { sku, quantity, location }).collect();
            OrderEvent {
                kind: OrderEventKind::PartShipped, seq, at: Timestamp(at), cause, lines, expires_at: expires_at.map(Timestamp),
                reason: reason.map(|reason| String::from(reason).into()), sku: next(), amount, currency: next(), payment_id: next(),
                shipment_id: next(), vehicle_id: next(), stop_id: next(), detail: next(),
                feedback: remark.map(|text| Box::new(remark_of(&text))),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_what_serde_writes(m in a_movement(), e in an_order_event(), key in text(), id in text(), topic in text()) {
            let (mut fast, mut general) = (vec![], vec![]);
            let named = Named { event: &m, key: &key, id: &id, topic: &topic };
            named.write(&mut general);
            movement(&named, m.at.text().as_str(), &mut fast);
            prop_assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(general).unwrap());
            let (mut fast, mut general) = (vec![], vec![]);
            let named = Named { event: &e, key: &key, id: &id, topic: &topic };
            named.write(&mut general);
            order_event(&named, e.at.text().as_str(), &mut fast);
            prop_assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(general).unwrap());
        }
    }
}
