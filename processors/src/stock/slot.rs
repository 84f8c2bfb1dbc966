//! Where reservations are kept: not each for itself, which would be three records for every order in the store and in the
//! changelog, but those of one SKU side by side in slots. The newest slot is in the SKU's own state, which changes with
//! every reservation anyhow; when it is full it is put aside, under its number, and the next one begins.
//!
//! The order remembers the number. Whoever ends a reservation finds it there. No rule looks in here: what is reserved and
//! how it ends is decided with the one [`Reservation`] that a command is about.

use schemas::ShortText;
use serde::{Deserialize, Serialize};

use super::reservation::Reservation;
use crate::DecodeError;

/// Reservations in a slot. More: fewer records. Fewer: less to write when one of them changes. (Measured on a backlog: 8 as
/// fast as 16, and nothing gained beyond.)
pub const SLOT_SIZE: usize = 8;

/// Reservations of a SKU, one behind the other as they are written: each the length of what follows, the order's id,
/// the reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

/// The slot that takes the next reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSlot {
    pub number: u32,
    /// Reservations that it took, also those that have ended.
    taken: u8,
    pub slot: Slot,
}

/// One reservation in a slot.
type Entry<'a> = (&'a str, &'a [u8]);

impl Slot {
    /// As it was kept under its number. Damage shows when it is read.
    pub fn from_bytes(bytes: Vec<u8>) -> Slot {
        Slot { bytes }
    }

    /// As it is kept under its number.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn get(&self, order_id: &str) -> Result<Option<Reservation>, DecodeError> {
        match self.entries().find(|entry| !matches!(entry, Ok((id, _)) if *id != order_id)) {
            Some(entry) => Reservation::decode(entry?.1).map(Some),
            None => Ok(None),
        }
    }

    /// All of them, each with its order.
    pub fn all(&self) -> Result<Vec<(ShortText, Reservation)>, DecodeError> {
        self.entries().map(|entry| entry.and_then(|(id, bytes)| Ok((id.into(), Reservation::decode(bytes)?)))).collect()
    }

    /// Keeps the order's reservation in the place of the one before; `None`: it has ended.
    pub fn set(&mut self, order_id: &str, reservation: Option<&Reservation>) -> Result<(), DecodeError> {
        let mut kept = Vec::with_capacity(self.bytes.len());
        for entry in self.entries() {
            let (id, bytes) = entry?;
            if id != order_id {
                append(&mut kept, id, bytes);
            }
        }
        self.bytes = kept;
        if let Some(reservation) = reservation {
            self.push(order_id, reservation);
        }
        Ok(())
    }

    fn push(&mut self, order_id: &str, reservation: &Reservation) {
        let mut bytes = vec![];
        reservation.encode(&mut bytes);
        append(&mut self.bytes, order_id, &bytes);
    }

    fn entries(&self) -> impl Iterator<Item = Result<Entry<'_>, DecodeError>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            match postcard::take_from_bytes::<Entry<'_>>(rest) {
                Ok((entry, left)) => {
                    rest = left;
                    Some(Ok(entry))
                }
                Err(e) => {
                    rest = &[];
                    Some(Err(DecodeError::Damaged { what: "slot of reservations", message: e.to_string() }))
                }
            }
        })
    }
}

impl OpenSlot {
    /// Takes a new reservation. Returns the number of its slot, and the slot if it is full and is to be put aside.
    pub fn take(&mut self, order_id: &str, reservation: &Reservation) -> (u32, Option<Slot>) {
        let number = self.number;
        self.slot.push(order_id, reservation);
        self.taken += 1;
        if usize::from(self.taken) < SLOT_SIZE {
            return (number, None);
        }
        (self.number, self.taken) = (number.wrapping_add(1), 0);
        let full = std::mem::take(&mut self.slot);
        (number, (!full.is_empty()).then_some(full))
    }
}

fn append(out: &mut Vec<u8>, order_id: &str, reservation: &[u8]) {
    let buffer = std::mem::take(out);
    // A growing buffer is never full, and text and bytes can always be written.
    *out = postcard::to_extend(&(order_id, Bytes(reservation)), buffer).expect("an entry is writable");
}

/// Written as bytes are read: the length, then all at once.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reservation::Hold;
    use super::*;

    fn reservation(units: i64) -> Reservation {
        Reservation { rows: [Hold { location: "main".into(), held: units, confirmed: 0 }].into_iter().collect() }
    }

    #[test]
    fn what_is_put_into_a_slot_is_found_changed_and_taken_out() {
        let mut slot = Slot::default();
        for n in 0..5 {
            slot.set(&format!("O-{n}"), Some(&reservation(n))).unwrap();
        }
        slot.set("O-2", Some(&reservation(20))).unwrap();
        slot.set("O-3", None).unwrap();
        slot.set("nobody", None).unwrap();
        let all: Vec<_> = slot.all().unwrap().into_iter().map(|(id, r)| (id.to_string(), r)).collect();
        assert_eq!(all, [("O-0", 0), ("O-1", 1), ("O-4", 4), ("O-2", 20)].map(|(id, units)| (id.to_owned(), reservation(units))));
        assert_eq!((slot.get("O-2").unwrap(), slot.get("O-3").unwrap()), (Some(reservation(20)), None));
        assert_eq!(Slot::from_bytes(slot.bytes().to_vec()), slot);
        for (id, _) in all {
            slot.set(&id, None).unwrap();
        }
        assert!(slot.is_empty());
    }

    #[test]
    fn a_full_slot_is_put_aside_and_the_next_one_begins() {
        let mut open = OpenSlot::default();
        for n in 0..SLOT_SIZE * 2 {
            let (number, full) = open.take(&n.to_string(), &reservation(1));
            assert_eq!(number as usize, n / SLOT_SIZE);
            let is_last = n % SLOT_SIZE == SLOT_SIZE - 1;
            assert_eq!(full.map(|slot| slot.all().unwrap().len()), is_last.then_some(SLOT_SIZE));
        }
        // What has ended is not taken again, and a slot in which all has ended is not kept.
        for n in 0..SLOT_SIZE {
            let (_, full) = open.take("again", &reservation(1));
            open.slot.set("again", None).unwrap();
            assert!(full.is_none() || n == SLOT_SIZE - 1);
        }
    }

    #[test]
    fn damage_is_an_error() {
        let mut slot = Slot::default();
        slot.set("O-1", Some(&reservation(1))).unwrap();
        let whole = slot.bytes().to_vec();
        for cut in 1..whole.len() {
            assert!(Slot::from_bytes(whole[..cut].to_vec()).all().is_err(), "{cut}");
        }
        assert!(Slot::from_bytes([&whole[..], &[7]].concat()).all().is_err());
    }
}
