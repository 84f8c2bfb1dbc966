//! States as the rules know them. What is read or written again and again is decoded once, and encoded when its commit
//! is sealed, not with every step. Knows which types there are; decides nothing.

use std::sync::Arc;

use processors::DecodeError;
use processors::catalogue::Listing;
use processors::demand::Demand;
use processors::fleet::{Piece, Shipment, Speeds, Vehicle};
use processors::orders::Order;
use processors::stock::Stock;

/// The value under a key.
#[derive(Clone, Debug)]
pub enum Value {
    /// As it is in the store: marks, reservations and other small things.
    Bytes(Box<[u8]>),
    Order(Arc<Order>),
    Stock(Arc<Stock>),
    Demand(Arc<Demand>),
    Listing(Arc<Listing>),
    Vehicle(Arc<Vehicle>),
    Shipment(Arc<Shipment>),
    Piece(Arc<Piece>),
    Speeds(Arc<Speeds>),
}

/// A type of state that is kept decoded.
pub trait State: Sized {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
    fn into_value(state: Arc<Self>) -> Value;
    /// `None`: it is kept as bytes. Under a key there is only ever one type, so another one is a broken invariant.
    fn of(value: &Value) -> Option<&Arc<Self>>;
}

macro_rules! states {
    ($($name:ident),*) => {
        $(impl State for $name {
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                $name::decode(bytes)
            }

            fn into_value(state: Arc<Self>) -> Value {
                Value::$name(state)
            }

            fn of(value: &Value) -> Option<&Arc<Self>> {
                match value {
                    Value::$name(state) => Some(state),
                    Value::Bytes(_) => None,
                    other => panic!("under a key of another kind: {other:?}"),
                }
            }
        })*

        impl Value {
            /// Appends it as it is in the store and the changelog.
            pub fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    Value::Bytes(bytes) => out.extend_from_slice(bytes),
                    $(Value::$name(state) => state.encode(out),)*
                }
            }
        }
    };
}

states!(Order, Stock, Demand, Listing, Vehicle, Shipment, Piece, Speeds);

impl Value {
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}
