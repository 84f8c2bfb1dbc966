//! The catalogue's rules under random input, and at their limits. What must hold after every step is checked by
//! `world/check.rs`: versions without a gap, refusals that name what stands, quarantines that end before the next begins.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

#[allow(dead_code, reason = "what only the scenarios need")]
mod world;

use proptest::prelude::*;
use schemas::feedback::{About, Comment, Feedback};
use schemas::input::{Input, Line, OrderCommand, Place, Restock, RestockKind};
use schemas::product::{Product, ProductCommand, ProductEventKind};
use schemas::{Currency, Reason, Timestamp};
use waybill_processors::catalogue::{Listing, MAX_COMPLAINTS, MAX_REQUESTS};
use waybill_processors::orders::{MAX_NOTES, Order};
use world::{Output, World};

const NOW: Timestamp = Timestamp(1_772_445_600_000);
const SKUS: [&str; 2] = ["A", "B"];
const KINDS: [&str; 5] = ["not_as_described", "counterfeit", "missing", "praise", "out_of_stock"];

fn upsert(price: Option<i64>, currency: &str, expected_version: Option<u64>) -> Input<'static> {
    let product = Product { price, currency: Currency::new(currency), ..Product::default() };
    Input::Product(ProductCommand::Upsert { product: Box::new(product), expected_version })
}

fn feedback(id: usize, about: About, subject: &'static str, kind: &'static str) -> Feedback<'static> {
    Feedback {
        feedback_id: format!("F-{id}").into(),
        about,
        id: subject.into(),
        kind: kind.into(),
        rating: None,
        text: None,
        order_id: None,
        location: None,
    }
}

fn refused(outputs: &[Output]) -> Option<Reason> {
    outputs.iter().find_map(|output| match output {
        Output::DeadLetter(reject) => Some(reject.reason),
        _ => None,
    })
}

#[derive(Clone, Debug)]
enum Op {
    Upsert { sku: usize, price: Option<i64>, euro: bool, expected: Option<u64>, signed: bool },
    Withdraw { sku: usize, expected: Option<u64> },
    Feedback { id: usize, sku: usize, stock: bool, kind: usize, rating: Option<u8>, order: Option<u8> },
    Count { id: usize, sku: usize, counted: i64 },
    Order { sku: usize },
}

/// An operation, and how many hours it comes after the one before.
fn op() -> impl Strategy<Value = (i64, Op)> {
    let sku = 0..SKUS.len();
    // Few prices, some near and some far from each other; versions as they come about in so many steps.
    let price = proptest::option::weighted(0.9, prop_oneof![Just(0i64), Just(100), Just(250), Just(1_000), Just(10_000)]);
    let version = proptest::option::of(0u64..12);
    let what = prop_oneof![
        8 => (sku.clone(), price, proptest::bool::weighted(0.1), version.clone(), proptest::bool::weighted(0.2))
            .prop_map(|(sku, price, euro, expected, signed)| Op::Upsert { sku, price, euro, expected, signed }),
        2 => (sku.clone(), version).prop_map(|(sku, expected)| Op::Withdraw { sku, expected }),
        6 => (0usize..60, sku.clone(), proptest::bool::weighted(0.3), 0..KINDS.len(), proptest::option::of(1u8..6), proptest::option::of(0u8..5))
            .prop_map(|(id, sku, stock, kind, rating, order)| Op::Feedback { id, sku, stock, kind, rating, order }),
        1 => (0usize..20, sku.clone(), 0i64..20).prop_map(|(id, sku, counted)| Op::Count { id, sku, counted }),
        1 => sku.prop_map(|sku| Op::Order { sku }),
    ];
    (prop_oneof![6 => 0i64..5, 1 => 0i64..400, 1 => -50i64..0], what)
}

fn act(world: &mut World, number: usize, at: Timestamp, op: &Op) -> Vec<Output> {
    world.signed = false;
    match op {
        Op::Upsert { sku, price, euro, expected, signed } => {
            world.signed = *signed;
            world.record(SKUS[*sku], at, upsert(*price, if *euro { "EUR" } else { "GBP" }, *expected))
        }
        Op::Withdraw { sku, expected } => {
            let command = ProductCommand::Withdraw { reason: None, expected_version: *expected };
            world.record(SKUS[*sku], at, Input::Product(command))
        }
        Op::Feedback { id, sku, stock, kind, rating, order } => {
            let about = if *stock { About::Stock } else { About::Product };
            let order_id = order.map(|order| format!("O-{order}").into());
            let said = Feedback { rating: *rating, order_id, ..feedback(*id, about, SKUS[*sku], KINDS[*kind]) };
            world.record(SKUS[*sku], at, Input::Feedback(said))
        }
        Op::Count { id, sku, counted } => {
            let count_id = format!("K-{id}").into();
            let location = "main".into();
            let count = schemas::input::Count { count_id, sku: SKUS[*sku].into(), location, counted: *counted, counted_at: None };
            world.record(SKUS[*sku], at, Input::Count(count))
        }
        Op::Order { sku } => world.record(&format!("N-{number}"), at, place(SKUS[*sku])),
    }
}

fn place(sku: &'static str) -> Input<'static> {
    let lines = vec![Line { sku: sku.into(), quantity: 1, unit_price: Some(100) }];
    let (customer_id, placed_at, currency, hold_seconds, location, ship_to) = (None, None, None, None, None, None);
    Input::Order(OrderCommand::Place(Place { customer_id, placed_at, currency, lines, hold_seconds, location, ship_to }))
}

fn world(complaints: u16) -> World {
    let mut world = World::new();
    world.catalogue_config.complaints = Some(complaints);
    world
}

fn run(ops: &[(i64, Op)], complaints: u16) -> World {
    let mut world = world(complaints);
    let mut now = NOW.0;
    for (number, (hours, op)) in ops.iter().enumerate() {
        now += hours * 3_600_000;
        act(&mut world, number, Timestamp(now), op);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_versions_have_no_gap_and_quarantines_alternate(ops in proptest::collection::vec(op(), 1..120), complaints in 1u16..5) {
        let world = run(&ops, complaints);
        let again = run(&ops, complaints);
        prop_assert_eq!(&world.product_events, &again.product_events);
    }

    /// Of any number of updates made for one version, at most one takes effect.
    #[test]
    fn of_concurrent_updates_one_wins(prices in proptest::collection::vec(100i64..300, 2..6)) {
        let mut world = World::new();
        world.record("A", NOW, upsert(Some(150), "GBP", None));
        for price in &prices {
            world.record("A", NOW, upsert(Some(*price), "GBP", Some(1)));
        }
        let updated = world.product_events["A"].iter().filter(|e| e.kind == ProductEventKind::Updated).count();
        prop_assert!(updated <= 2, "{} updates", updated);
        let refused = world.product_events["A"].iter().filter(|e| e.kind == ProductEventKind::Refused);
        refused.for_each(|event| assert_eq!(event.version, 2));
    }

    #[test]
    fn damaged_state_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), format in 0u8..4) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = format;
        }
        let _ = (Listing::decode(&bytes), Order::decode(&bytes));
    }
}

proptest! {
    // Two orders for each operation: each looks through all the others for holds that have run out.
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    /// What is off sale is not sold, whatever led there.
    fn nobody_gets_what_is_off_sale(ops in proptest::collection::vec(op(), 1..120), complaints in 1u16..5) {
        let mut world = world(complaints);
        // The other property has checked them; a hundred orders more for each step take their time.
        world.check_books = false;
        for sku in SKUS {
            let received = Restock { restock_id: "R".into(), sku: sku.into(), location: "main".into(), quantity: 1_000_000, kind: RestockKind::Received };
            world.record(sku, NOW, Input::Restock(received));
        }
        let mut now = NOW.0;
        for (number, (hours, op)) in ops.iter().enumerate() {
            now += hours.abs() * 3_600_000;
            act(&mut world, number, Timestamp(now), op);
            for sku in SKUS {
                let off_sale = world.listing(sku).and_then(|listing| listing.row()).is_some_and(|row| row.state != "listed");
                world.record(&format!("P-{number}-{sku}"), Timestamp(now), place(sku));
                let (_, decision) = world.events.last().unwrap();
                let refused = decision.reason.as_deref() == Some("withdrawn_sku");
                prop_assert_eq!(refused, off_sale, "{} after {:?}: {:?}", sku, op, decision);
            }
        }
    }
}

#[test]
fn an_order_remembers_so_many_feedbacks() {
    let mut world = World::new();
    world.record("1", NOW, place("A"));
    let about = |id| Input::Feedback(feedback(id, About::Order, "1", "late"));
    for id in 0..MAX_NOTES {
        assert_eq!(refused(&world.record("1", NOW, about(id))), None, "feedback {id}");
    }
    assert_eq!(refused(&world.record("1", NOW, about(MAX_NOTES))), Some(Reason::TooManyPending));
    assert!(matches!(world.record("1", NOW, about(0))[..], [Output::Duplicate]));
}

#[test]
fn a_sku_has_so_many_open_requests_to_count() {
    let mut world = World::new();
    world.record("A", NOW, upsert(Some(255), "GBP", None));
    for id in 0..MAX_REQUESTS + 3 {
        let missing = Feedback { location: Some(format!("L-{id}").into()), ..feedback(id, About::Stock, "A", "missing") };
        let outputs = world.record("A", NOW, Input::Feedback(missing));
        let [Output::Product(_, event)] = &outputs[..] else { panic!("{outputs:?}") };
        let asked = event.kind == ProductEventKind::CountRequested;
        assert_eq!(asked, id < MAX_REQUESTS, "{event:?}");
    }
}

#[test]
fn a_request_is_repeated_after_a_week_without_a_count() {
    let mut world = World::new();
    world.record("A", NOW, upsert(Some(255), "GBP", None));
    let mut ask = |id, days: i64| {
        let at = NOW.plus_seconds(days * 86_400);
        let outputs = world.record("A", at, Input::Feedback(feedback(id, About::Stock, "A", "missing")));
        let [Output::Product(_, event)] = &outputs[..] else { panic!("{outputs:?}") };
        (event.kind, event.request.as_ref().map(|request| request.reports))
    };
    assert_eq!(ask(1, 0), (ProductEventKind::CountRequested, Some(1)));
    assert_eq!(ask(2, 6), (ProductEventKind::Noted, Some(2)));
    assert_eq!(ask(3, 7), (ProductEventKind::CountRequested, Some(3)));
    assert_eq!(ask(4, 8), (ProductEventKind::Noted, Some(4)));
}

#[test]
fn complaints_count_only_within_the_window() {
    let complain = |days: &[i64]| {
        let mut world = world(3);
        world.catalogue_config.complaint_days = 14;
        world.record("A", NOW, upsert(Some(255), "GBP", None));
        for (id, day) in days.iter().enumerate() {
            world.record("A", NOW.plus_seconds(day * 86_400), Input::Feedback(feedback(id, About::Product, "A", "counterfeit")));
        }
        world.listing("A").unwrap().row().unwrap().state
    };
    assert_eq!(complain(&[0, 5, 13]), "quarantined");
    assert_eq!(complain(&[0, 5, 14]), "listed");
    assert_eq!(complain(&[0, 14, 20, 27]), "quarantined");
    // In whatever order they come.
    assert_eq!(complain(&[13, 0, 5]), "quarantined");
    assert_eq!(complain(&[20, 0, 5, 1, 2]), "listed");
}

#[test]
fn a_listing_and_its_memory_are_small() {
    let mut world = world(MAX_COMPLAINTS);
    let size = |world: &World| {
        let mut bytes = vec![];
        world.listing("A").unwrap().encode(&mut bytes);
        bytes.len()
    };
    world.record("A", NOW, upsert(Some(255), "GBP", None));
    assert!(size(&world) <= 48, "a listing with a price takes {} bytes", size(&world));
    for id in 0..3 * usize::from(MAX_COMPLAINTS) {
        let from = Feedback { order_id: Some(format!("O-{id}").into()), ..feedback(id, About::Product, "A", "counterfeit") };
        world.record("A", NOW, Input::Feedback(from));
        assert!(size(&world) <= 48 + usize::from(MAX_COMPLAINTS) * 32, "{} bytes after {id} complaints", size(&world));
    }
}

/// The comment of a feedback is in no state and in no printed form of it.
#[test]
fn a_comment_is_shown_in_part_and_kept_nowhere() {
    let secret = "my address is 1 Long Street and ".repeat(20);
    let said = Feedback { text: Some(Comment::new(secret.clone())), ..feedback(1, About::Order, "1", "late") };
    assert!(!format!("{said:?}").contains("address"), "{said:?}");
    let mut world = World::new();
    world.record("1", NOW, place("A"));
    let outputs = world.record("1", NOW, Input::Feedback(said));
    let [Output::Event(_, event)] = &outputs[..] else { panic!("{outputs:?}") };
    let shown = event.feedback.as_ref().unwrap().text.as_deref().unwrap().to_owned();
    assert!(shown.chars().count() == schemas::feedback::MAX_EXCERPT_CHARS && shown.ends_with('…'), "{shown}");
    let mut state = vec![];
    world.order("1").unwrap().encode(&mut state);
    assert!(!String::from_utf8_lossy(&state).contains("address"));
}
