//! What tasks tell each other, and how it stands in an inbox topic.
//!
//! Inside a worker a message is handed over as it is; between workers it is one record of the receiver's inbox: a
//! format byte and postcard. The key is the receiver's key, so order per key is kept either way.

use schemas::Source;
use schemas::message::{ShipmentUpdate, ToFleet, ToOrder, ToStock};
use serde::{Deserialize, Serialize};

use super::plan::Processor;

/// First byte of every inbox record. A reader that meets another stops with a message that says so.
const FORMAT: u8 = 3;

/// The number of [`Body::Forward`] among the bodies.
const FORWARD: u8 = 2;

/// A message and the W3C trace context of its cause, if it had one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub body: Body,
    pub trace: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    ToStock(ToStock),
    ToOrder(ToOrder),
    /// A source record that was found in a partition that is not its task's, or whose topic belongs to no task.
    Forward(Box<Forward>),
    ShipmentUpdate(Box<ShipmentUpdate>),
    ToFleet(Box<ToFleet>),
}

/// A source record with its coordinates, as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    pub to: Processor,
    /// The key by which its task is found, where that is not the record's own: a SKU in its one form, the subject of a
    /// feedback.
    pub task_key: Option<Box<str>>,
    pub source: Source,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Box<[u8]>,
    pub value: Option<Box<[u8]>>,
    pub headers: Vec<(Box<str>, Option<Box<[u8]>>)>,
}

impl Message {
    pub fn receiver(&self) -> Processor {
        match &self.body {
            Body::ToStock(_) => Processor::Stock,
            Body::ToOrder(_) | Body::ShipmentUpdate(_) => Processor::Orders,
            Body::ToFleet(_) => Processor::Fleet,
            Body::Forward(f) => f.to,
        }
    }

    /// The receiver's key: an order's id, a SKU or a vehicle's id.
    pub fn key(&self) -> &[u8] {
        match &self.body {
            Body::ToStock(m) => m.sku.as_bytes(),
            Body::ToOrder(m) => m.order_id.as_bytes(),
            Body::Forward(f) => f.task_key.as_deref().map_or(&f.key, str::as_bytes),
            Body::ShipmentUpdate(m) => m.order_id.as_bytes(),
            Body::ToFleet(m) => m.vehicle_id.as_bytes(),
        }
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        // Into a Vec, and these types have no unsized sequence: it cannot fail.
        let done = postcard::to_io(self, out);
        debug_assert!(done.is_ok());
    }

    /// The source record that these bytes forward, if that is what they do. What cannot be read is for `decode`.
    pub fn forwarded(bytes: &[u8]) -> Option<Box<Forward>> {
        // After the format stands which of the bodies it is; most are others, and are not decoded twice.
        if bytes.get(1) != Some(&FORWARD) {
            return None;
        }
        match Message::decode(bytes).ok()?.body {
            Body::Forward(forward) => Some(forward),
            _ => None,
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Message, String> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|e| e.to_string()),
            Some((other, _)) => Err(format!("format {other}; this version of waybill knows format {FORMAT}")),
            None => Err("an empty record".into()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_record_is_recognised() {
        let forward = Forward {
            to: Processor::Orders,
            task_key: None,
            source: Source::Orders,
            partition: 1,
            offset: 2,
            timestamp: 3,
            key: b"4".as_slice().into(),
            value: Some(b"5".as_slice().into()),
            headers: vec![],
        };
        let mut bytes = vec![];
        Message { body: Body::Forward(Box::new(forward.clone())), trace: None }.encode(&mut bytes);
        assert_eq!(Message::forwarded(&bytes).map(|f| *f), Some(forward));
        assert_eq!(Message::forwarded(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Message::forwarded(&[]), None);
    }
}
