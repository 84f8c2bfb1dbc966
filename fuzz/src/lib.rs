//! What every decoder of producers' records promises, whatever the bytes: it returns, and what it takes is within the
//! named limits. What it refuses has a reason with a sentence.

use std::cell::RefCell;

use schemas::Source;
use schemas::avro::{Decoders, Frame, Lookup, Schema, Undecoded, Writer, current};
use schemas::feedback::{Comment, MAX_EXCERPT_CHARS, MAX_KIND_BYTES, MAX_RATING};
use schemas::fleet::FleetCommand;
use schemas::input::{
    self, Input, Line, MAX_AMOUNT, MAX_HOLD_SECONDS, MAX_ID_BYTES, MAX_LINES, MAX_QUANTITY, MAX_VALUE_BYTES, OrderCommand,
};
use schemas::product::{MAX_NAME_BYTES, MAX_REASON_CHARS, ProductCommand};

/// Decodes `value` as a record of `source`, under the key that it names itself, as far as that can be read, and under
/// another one.
pub fn decode(source: Source, value: &[u8]) {
    let named =
        serde_json::from_slice::<serde_json::Value>(value).ok().and_then(|v| v.get(source.key_field())?.as_str().map(str::to_owned));
    if let Some(key) = named
        && let Ok(key) = input::decode_key(source, Some(key.as_bytes()))
    {
        check(source, &key, value);
    }
    check(source, "K", value);
}

thread_local! {
    /// As a worker has them, with the number of the last schema that it was given. Made once: to parse all schemas takes
    /// a thousand times as long as to decode a record.
    static DECODERS: RefCell<(Decoders, u32)> = RefCell::default();
    static OWN: [Option<u64>; Source::ALL.len()] = Source::ALL.map(|source| current(source.name()).map(|own| own.fingerprint()));
}

/// Decodes `datum` as written with the source's own schema, or with `schema`.
pub fn decode_avro(source: Source, datum: &[u8], schema: Option<&str>) {
    DECODERS.with_borrow_mut(|(decoders, number)| {
        let writer = match (schema, OWN.with(|own| own[source as usize])) {
            (None, Some(own)) => Writer::Fingerprint(own),
            _ => {
                // Another schema has another id, as in a registry.
                *number += 1;
                Writer::Id(*number)
            }
        };
        let mut value = vec![];
        Frame::write(writer, &mut value);
        value.extend_from_slice(datum);
        let lookup = |_| match schema.map(Schema::parse) {
            Some(Ok(schema)) => Lookup::Schema(schema.into()),
            Some(Err(why)) => Lookup::Unusable(why.to_string()),
            None => Lookup::NotYet,
        };
        match decoders.decode(source, "K", Some(&value), lookup) {
            Ok(input) => within_limits(&input, "K"),
            Err(Undecoded::Rejected(reject)) => assert!(!reject.message.is_empty() && reject.message.len() < 4096),
            Err(Undecoded::NotYet) => assert!(schema.is_none()),
        }
    });
}

fn check(source: Source, key: &str, value: &[u8]) {
    match input::decode(source, key, Some(value)) {
        Ok(input) => {
            assert!(value.len() <= MAX_VALUE_BYTES);
            assert_eq!(input, input::decode(source, key, Some(value)).expect("it was taken a moment ago"));
            within_limits(&input, key);
        }
        Err(reject) => {
            assert!(!reject.message.is_empty());
            // A dead letter carries it in a header.
            assert!(reject.message.len() < 4096, "{} bytes of message", reject.message.len());
        }
    }
}

fn within_limits(input: &Input<'_>, key: &str) {
    match input {
        Input::Order(command) => order(command),
        Input::Payment(payment) => {
            id(&payment.payment_id);
            assert_eq!(payment.order_id, key);
            currency(payment.currency.as_deref());
            if let Some(amount) = payment.amount {
                assert!((0..=MAX_AMOUNT).contains(&amount));
            }
        }
        Input::Restock(restock) => {
            assert_eq!(restock.sku, key);
            id(&restock.restock_id);
            id(&restock.location);
            assert!((1..=MAX_QUANTITY).contains(&restock.quantity));
        }
        Input::Ping(ping) => {
            assert!(ping.point.lat.abs() <= 900_000_000 && ping.point.lon.abs() <= 1_800_000_000);
            assert!(ping.speed.is_none_or(|v| (0.0..=schemas::fleet::MAX_SPEED).contains(&v)));
        }
        Input::Fleet(FleetCommand::Dispatch(dispatch)) => {
            assert!((1..=schemas::fleet::MAX_STOPS).contains(&dispatch.stops.len()));
            dispatch.stops.iter().for_each(|stop| id(&stop.stop_id));
            id(&dispatch.shipment_id);
        }
        Input::Fleet(_) => {}
        Input::Count(count) => {
            assert_eq!(count.sku, key);
            id(&count.count_id);
            id(&count.location);
            assert!((0..=MAX_QUANTITY).contains(&count.counted));
        }
        Input::Product(ProductCommand::Upsert { product, .. }) => {
            assert!(product.name.as_deref().is_none_or(|name| name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)));
            assert!(
                product.price.is_none_or(|price| (0..=MAX_AMOUNT).contains(&price))
                    && (product.price.is_none() || product.currency.is_some())
            );
        }
        Input::Product(ProductCommand::Withdraw { reason, .. }) => {
            assert!(reason.as_deref().is_none_or(|reason| reason.chars().count() <= MAX_REASON_CHARS));
        }
        Input::Feedback(feedback) => {
            id(&feedback.feedback_id);
            id(&feedback.id);
            assert!(feedback.kind.len() <= MAX_KIND_BYTES && feedback.rating.is_none_or(|stars| (1..=MAX_RATING).contains(&stars)));
            let excerpt = feedback.text.as_ref().map(Comment::excerpt);
            assert!(excerpt.is_none_or(|text| text.chars().count() <= MAX_EXCERPT_CHARS && !text.chars().any(char::is_control)));
        }
    }
}

fn order(command: &OrderCommand<'_>) {
    match command {
        OrderCommand::Place(place) => {
            assert!(!place.lines.is_empty());
            lines(&place.lines);
            currency(place.currency.as_deref());
            place.customer_id.as_deref().map(id);
            place.location.as_deref().map(id);
            assert!(place.hold_seconds.is_none_or(|s| (1..=MAX_HOLD_SECONDS).contains(&i64::from(s))));
            if let Some(at) = place.placed_at {
                // It is printed in events.
                assert_eq!(at.to_string().len(), "0000-00-00T00:00:00.000Z".len());
            }
        }
        OrderCommand::Cancel { lines: some, .. } | OrderCommand::Ship { lines: some } | OrderCommand::Return { lines: some, .. } => {
            lines(some)
        }
        OrderCommand::Deliver => {}
    }
}

fn lines(lines: &[Line<'_>]) {
    assert!(lines.len() <= MAX_LINES);
    for line in lines {
        id(&line.sku);
        assert!((1..=MAX_QUANTITY).contains(&line.quantity));
        assert!(line.unit_price.is_none_or(|price| (0..=MAX_AMOUNT).contains(&price)));
    }
}

fn id(text: &str) {
    assert!(!text.is_empty() && text.len() <= MAX_ID_BYTES && !text.chars().any(char::is_control), "{text:?}");
}

fn currency(code: Option<&str>) {
    assert!(code.is_none_or(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())), "{code:?}");
}
