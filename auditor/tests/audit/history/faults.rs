//! The faults' table: one seeded fault a test, found with the right kind at the right record, and with nothing else than
//! what follows from it.
//!
//! `told` spoils the story before figures, ids and hashes are filled in, so that the fault is the engine's: the
//! movements are consistent, and wrong. `sealed` spoils records afterwards, so that they contradict themselves. `whole`
//! and `whole_sealed` are these two with a catalogue, alerts and vehicles. `fresh` tells a story of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use waybill_auditor::{Kind, Options};

use super::{History, Input};

/// The first kind must be found where the test says; the others are what else must follow, and nothing more may.
pub fn must_find(h: &History, at: Input, kinds: &[Kind]) {
    let report = h.audit_with(Options { keep: usize::MAX, ..Options::default() });
    let found = report.violations.iter().any(|v| (v.kind, &*v.topic, v.partition, v.offset) == (kinds[0], at.0, 0, at.1));
    assert!(found, "no {} at {}/{} in:\n{report}", kinds[0].word(), at.0, at.1);
    let all: BTreeSet<Kind> = report.by_kind.keys().copied().collect();
    assert_eq!(all, kinds.iter().copied().collect(), "{report}");
}

/// The order's one event of this type.
pub fn event(h: &History, order: &str, kind: &str) -> Input {
    h.one("order-events", &json!({"order_id": order, "type": kind}))
}

/// The one movement with these members.
pub fn moved(h: &History, members: &Value) -> Input {
    h.one("stock-movements", members)
}

/// `name: told|sealed|whole|whole_sealed|fresh, [the kinds that must be found], |history| { spoil; the record where the first is found }`
macro_rules! faults {
    ($($name:ident: $when:ident, [$($kind:ident),+], |$h:ident| $spoil:block)+) => {$(
        #[test]
        fn $name() {
            let mut story = $crate::history::faults::faults!(@before $when);
            let at = { let $h = &mut story; $spoil };
            let story = $crate::history::faults::faults!(@after $when, story);
            $crate::history::faults::must_find(&story, at, &[$(waybill_auditor::Kind::$kind),+]);
        }
    )+};
    (@before fresh) => { $crate::history::History::default() };
    (@before told) => { $crate::history::shop::shop() };
    (@before sealed) => { $crate::history::shop::shop().seal() };
    (@before whole) => { $crate::history::whole::whole() };
    (@before whole_sealed) => { $crate::history::whole::whole().seal() };
    (@after fresh, $story:ident) => { $story.seal() };
    (@after told, $story:ident) => { $story.seal() };
    (@after sealed, $story:ident) => { $story };
    (@after whole, $story:ident) => { $story.seal() };
    (@after whole_sealed, $story:ident) => { $story };
}
pub(crate) use faults;
