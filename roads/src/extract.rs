//! What is kept of a map: ways that cars may use, the places of their nodes, turn restrictions. The reader fills it, and
//! so can anyone else: `way`, `node` and `relation` take what OpenStreetMap's objects say.

use rustc_hash::FxHashMap;
use schemas::plan::Point;

use crate::tags::{self, Drivable, Rule, Tags};

/// A way for cars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub id: i64,
    /// At least two.
    pub nodes: Vec<i64>,
    pub drivable: Drivable,
}

/// A turn restriction as it is written: ways, not yet roads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    pub id: i64,
    pub rule: Rule,
    /// Several for `no_entry`.
    pub from: Vec<i64>,
    pub via: Via,
    /// Several for `no_exit`.
    pub to: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    Node(i64),
    /// In the order of driving, as listed.
    Ways(Vec<i64>),
}

/// A member of a relation.
#[derive(Clone, Copy, Debug)]
pub enum Member {
    Node(i64),
    Way(i64),
    /// A relation, which no turn restriction has.
    Other,
}

/// What is known of a node on a road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub point: Point,
    /// A barrier keeps cars from driving past.
    pub blocked: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Extract {
    pub ways: Vec<Way>,
    pub restrictions: Vec<Restriction>,
    pub places: FxHashMap<i64, Place>,
    /// Restrictions that are incomplete or say nothing that can be understood.
    pub unclear_restrictions: u32,
}

/// More ways between `from` and `to` than any real junction has.
const MAX_VIA_WAYS: usize = 8;
const MAX_MEMBERS: usize = 32;

impl Extract {
    /// Keeps the way if cars may use it.
    pub fn way(&mut self, id: i64, nodes: impl IntoIterator<Item = i64>, tags: Tags) {
        let Some(drivable) = tags::drivable(tags) else { return };
        let mut nodes: Vec<i64> = nodes.into_iter().collect();
        nodes.dedup();
        if nodes.len() >= 2 && (drivable.forward_kmh > 0 || drivable.backward_kmh > 0) {
            self.ways.push(Way { id, nodes, drivable });
        }
    }

    /// Keeps the relation if it is a turn restriction for cars.
    pub fn relation<'m>(&mut self, id: i64, tags: Tags, members: impl IntoIterator<Item = (&'m str, Member)>) {
        let Some(rule) = tags::restriction(tags) else { return };
        let (mut from, mut to, mut via_ways, mut via_nodes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (role, member) in members.into_iter().take(MAX_MEMBERS) {
            match (role, member) {
                ("from", Member::Way(way)) => from.push(way),
                ("to", Member::Way(way)) => to.push(way),
                ("via", Member::Way(way)) => via_ways.push(way),
                ("via", Member::Node(node)) => via_nodes.push(node),
                // `location_hint` and the like.
                _ => {}
            }
        }
        let via = match (via_nodes.as_slice(), via_ways.len()) {
            ([node], 0) => Via::Node(*node),
            ([], 1..=MAX_VIA_WAYS) => Via::Ways(via_ways),
            _ => {
                self.unclear_restrictions += 1;
                return;
            }
        };
        if from.is_empty() || to.is_empty() {
            self.unclear_restrictions += 1;
            return;
        }
        self.restrictions.push(Restriction { id, rule, from, via, to });
    }

    /// Says where a node is. Nodes on no road may be left out.
    pub fn node(&mut self, id: i64, point: Point, tags: Tags) {
        self.places.insert(id, Place { point, blocked: tags::blocks(tags) });
    }
}
