//! In or out of a place, debounced: a crossing counts once it was seen for some time, and every entry has its exit.

use schemas::{Cause, Timestamp};
use serde::{Deserialize, Serialize};

use super::Config;
use super::geo::Whereabouts;
use crate::Trigger;

/// On which side of a place's border a vehicle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    #[default]
    Outside,
    /// Seen inside, not yet believed.
    Entering(Seen),
    /// Since a fix time.
    Inside(Timestamp),
    /// Seen outside, not yet believed; inside since …
    Leaving(Timestamp, Seen),
}

/// The first fix on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Its fix time.
    pub since: Timestamp,
    /// The record time at which it is believed if nothing contradicts.
    pub until: Timestamp,
    pub cause: Cause,
}

/// A crossing that counts; times are fix times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    Entered { since: Timestamp },
    Left { inside_since: Timestamp, since: Timestamp },
}

impl Side {
    /// Inside as far as anybody was told.
    pub fn is_inside(self) -> bool {
        matches!(self, Side::Inside(_) | Side::Leaving(..))
    }

    /// One more fix.
    pub fn see(&mut self, config: &Config, whereabouts: Whereabouts, time: Timestamp, heard: Trigger) -> Option<Crossing> {
        let seen = Seen { since: time, until: heard.at.plus_seconds(config.fence_alone_seconds), cause: heard.cause };
        match (*self, whereabouts) {
            (Side::Outside, Whereabouts::Inside) => *self = Side::Entering(seen),
            (Side::Inside(since), Whereabouts::Outside) => *self = Side::Leaving(since, seen),
            (Side::Entering(_), Whereabouts::Outside) => *self = Side::Outside,
            (Side::Leaving(since, _), Whereabouts::Inside) => *self = Side::Inside(since),
            _ => {}
        }
        match (*self, whereabouts) {
            (Side::Entering(seen), Whereabouts::Inside) | (Side::Leaving(_, seen), Whereabouts::Outside)
                if time.0 - seen.since.0 >= config.fence_seconds * 1000 =>
            {
                self.believe()
            }
            _ => None,
        }
    }

    /// When a crossing that nothing contradicts is believed.
    pub fn due(self) -> Option<(Timestamp, Cause)> {
        match self {
            Side::Entering(seen) | Side::Leaving(_, seen) => Some((seen.until, seen.cause)),
            Side::Outside | Side::Inside(_) => None,
        }
    }

    /// Nothing contradicted: what was seen counts.
    pub fn believe(&mut self) -> Option<Crossing> {
        match *self {
            Side::Entering(seen) => {
                *self = Side::Inside(seen.since);
                Some(Crossing::Entered { since: seen.since })
            }
            Side::Leaving(inside_since, seen) => {
                *self = Side::Outside;
                Some(Crossing::Left { inside_since, since: seen.since })
            }
            Side::Outside | Side::Inside(_) => None,
        }
    }

    /// Nobody watches any more. If somebody was told of the entry: since when it is inside.
    pub fn close(&mut self) -> Option<Timestamp> {
        match std::mem::take(self) {
            Side::Inside(since) | Side::Leaving(since, _) => Some(since),
            Side::Outside | Side::Entering(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Source;

    /// `i`nside, `e`dge, `o`utside, one fix every five seconds; what counts, by the number of the fix.
    fn story(fixes: &str) -> Vec<(usize, &'static str)> {
        let config = Config::default();
        let mut side = Side::Outside;
        let mut told = vec![];
        for (i, word) in fixes.chars().enumerate() {
            let time = Timestamp(i as i64 * 5_000);
            let whereabouts = match word {
                'i' => Whereabouts::Inside,
                'e' => Whereabouts::AtTheEdge,
                _ => Whereabouts::Outside,
            };
            let heard = Trigger { at: time, cause: Cause { source: Source::Orders, partition: 0, offset: i as i64 } };
            match side.see(&config, whereabouts, time, heard) {
                Some(Crossing::Entered { .. }) => told.push((i, "in")),
                Some(Crossing::Left { .. }) => told.push((i, "out")),
                None => {}
            }
        }
        told
    }

    #[test]
    fn a_crossing_counts_after_some_time() {
        assert_eq!(story("oiiii"), [(4, "in")]);
        assert_eq!(story("oiioiioii"), [], "jitter tells nothing");
        assert_eq!(story("oiieiii"), [(4, "in")], "the edge contradicts nothing");
        assert_eq!(story("oeeeeee"), []);
        assert_eq!(story("iiiioooo"), [(3, "in"), (7, "out")]);
        assert_eq!(story("iiiieeeeeeee"), [(3, "in")], "who is at the edge has not left");
        assert_eq!(story("iiiiooiooiiooo"), [(3, "in")]);
        assert_eq!(story("iiiiooooiiiioooo"), [(3, "in"), (7, "out"), (11, "in"), (15, "out")]);
    }
}
