//! The rules under random input: whatever comes in whatever order, the books stay right and every order ends decided.
//!
//! The books are checked after every step by `world/check.rs`; what is asserted here comes on top.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

#[allow(dead_code, reason = "what only the scenarios need")]
mod world;

use proptest::prelude::*;
use schemas::Timestamp;
use schemas::event::{MovementKind, OrderEvent, OrderEventKind};
use schemas::input::{Count, Input, Line, OrderCommand, Payment, PaymentStatus, Place, Restock, RestockKind};
use waybill_processors::orders::{DeductOn, Order};
use waybill_processors::stock::{Reservation, Seen, Stock};
use world::World;

const SKUS: [&str; 3] = ["A", "B", "C"];
const PLACES: [&str; 3] = ["main", "north", "shop"];
const ORDERS: [&str; 6] = ["1", "2", "3", "4", "5", "6"];
/// Few ids, so that the same one comes again, with the same content and with another.
const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

#[derive(Clone, Debug)]
enum Op {
    Restock { id: usize, sku: usize, place: usize, quantity: i64, kind: u8, to: usize },
    Count { id: usize, sku: usize, place: usize, counted: i64 },
    Place { order: usize, lines: Vec<(usize, i64, Option<i64>)>, place: Option<usize>, hold: Option<u32> },
    Pay { id: usize, order: usize, status: u8, amount: i64 },
    Cancel { order: usize, lines: Vec<(usize, i64)> },
    Ship { order: usize, lines: Vec<(usize, i64)> },
    Deliver { order: usize },
    Return { order: usize, lines: Vec<(usize, i64)>, restock: bool },
    HoldReplies,
    DeliverReply { sku: usize },
    DeliverReplies,
    RepeatReply { sku: usize },
}

/// An operation, and how many seconds it comes after the one before; sometimes a negative number.
fn op(orders: usize, warehouse: bool) -> impl Strategy<Value = (i64, Op)> {
    let (id, sku, place, order) = (0..IDS.len(), 0..SKUS.len(), 0..PLACES.len(), 0..orders);
    let some_lines = proptest::collection::vec((0..SKUS.len(), 1i64..5), 0..3);
    let goods = (id.clone(), sku.clone(), place.clone(), 1i64..12, if warehouse { 0u8..4 } else { 0u8..2 }, 1..PLACES.len()).prop_map(
        |(id, sku, place, quantity, kind, step)| Op::Restock { id, sku, place, quantity, kind, to: (place + step) % PLACES.len() },
    );
    let count =
        (id.clone(), sku.clone(), place.clone(), 0i64..12).prop_map(|(id, sku, place, counted)| Op::Count { id, sku, place, counted });
    let price = proptest::option::weighted(0.8, 1i64..3);
    let lines = proptest::collection::vec((0..SKUS.len(), 1i64..5, price), 1..4);
    let place = (order.clone(), lines, proptest::option::weighted(0.2, place), proptest::option::of(1u32..200))
        .prop_map(|(order, lines, place, hold)| Op::Place { order, lines, place, hold });
    let pay = (id, order.clone(), 0u8..8, 1i64..16).prop_map(|(id, order, status, amount)| Op::Pay { id, order, status, amount });
    let cancel = (order.clone(), some_lines.clone()).prop_map(|(order, lines)| Op::Cancel { order, lines });
    let ship = (order.clone(), some_lines.clone()).prop_map(|(order, lines)| Op::Ship { order, lines });
    let deliver = order.clone().prop_map(|order| Op::Deliver { order });
    let back = (order, some_lines, any::<bool>()).prop_map(|(order, lines, restock)| Op::Return { order, lines, restock });
    let replies = prop_oneof![
        1 => Just(Op::HoldReplies),
        3 => sku.clone().prop_map(|sku| Op::DeliverReply { sku }),
        1 => Just(Op::DeliverReplies),
        1 => sku.prop_map(|sku| Op::RepeatReply { sku }),
    ];
    let what = prop_oneof![
        4 => goods,
        u32::from(warehouse) => count,
        6 => place,
        6 => pay,
        2 => cancel,
        3 => ship,
        1 => deliver,
        2 => back,
        3 => replies,
    ];
    (prop_oneof![8 => 0i64..20, 1 => 0i64..1000, 1 => -100i64..0], what)
}

fn order_lines(lines: &[(usize, i64)]) -> Vec<Line<'static>> {
    lines.iter().map(|&(sku, quantity)| Line { sku: SKUS[sku].into(), quantity, unit_price: None }).collect()
}

/// The key and the record of an operation that is one. Amounts are small, so that they are often the right one.
fn record(op: &Op) -> Option<(&'static str, Input<'static>)> {
    let input = |order: usize, command| Some((ORDERS[order], Input::Order(command)));
    match op {
        Op::Restock { id, sku, place, quantity, kind, to } => {
            let kind = match kind {
                0 => RestockKind::Received,
                1 => RestockKind::Expected { expected_at: None },
                2 => RestockKind::Damaged,
                _ => RestockKind::Transfer { to_location: PLACES[*to].into() },
            };
            let (restock_id, location) = (IDS[*id].into(), PLACES[*place].into());
            Some((SKUS[*sku], Input::Restock(Restock { restock_id, sku: SKUS[*sku].into(), location, quantity: *quantity, kind })))
        }
        Op::Count { id, sku, place, counted } => {
            let (count_id, location) = (IDS[*id].into(), PLACES[*place].into());
            Some((SKUS[*sku], Input::Count(Count { count_id, sku: SKUS[*sku].into(), location, counted: *counted, counted_at: None })))
        }
        Op::Place { order, lines, place, hold } => {
            let priced = |&(sku, quantity, unit_price): &(usize, i64, Option<i64>)| Line { sku: SKUS[sku].into(), quantity, unit_price };
            input(
                *order,
                OrderCommand::Place(Place {
                    customer_id: None,
                    placed_at: None,
                    currency: Some("GBP".into()),
                    lines: lines.iter().map(priced).collect(),
                    hold_seconds: *hold,
                    location: place.map(|place| PLACES[place].into()),
                    ship_to: None,
                }),
            )
        }
        Op::Pay { id, order, status, amount } => {
            let status = match status {
                0 => PaymentStatus::Failed,
                1 => PaymentStatus::Refunded,
                _ => PaymentStatus::Captured,
            };
            let (payment_id, order_id) = (IDS[*id].into(), ORDERS[*order].into());
            let payment = Payment { payment_id, order_id, status, amount: Some(*amount), currency: Some("GBP".into()) };
            Some((ORDERS[*order], Input::Payment(payment)))
        }
        Op::Cancel { order, lines } => input(*order, OrderCommand::Cancel { lines: order_lines(lines), reason: None }),
        Op::Ship { order, lines } => input(*order, OrderCommand::Ship { lines: order_lines(lines) }),
        Op::Deliver { order } => input(*order, OrderCommand::Deliver),
        Op::Return { order, lines, restock } => input(*order, OrderCommand::Return { lines: order_lines(lines), restock: *restock }),
        Op::HoldReplies | Op::DeliverReply { .. } | Op::DeliverReplies | Op::RepeatReply { .. } => None,
    }
}

fn act(world: &mut World, at: Timestamp, op: &Op) {
    match op {
        Op::HoldReplies => world.hold_replies = true,
        Op::DeliverReply { sku } if world.hold_replies => drop(world.deliver_replies(Some(SKUS[*sku]))),
        Op::DeliverReply { .. } => {}
        Op::DeliverReplies => drop(world.deliver_replies(None)),
        Op::RepeatReply { sku } => drop(world.repeat_reply(SKUS[*sku])),
        other => {
            let (key, input) = record(other).unwrap();
            world.record(key, at, input);
        }
    }
}

fn new_world(split: bool, at_shipment: bool, late_timers: bool) -> World {
    let mut world = World::new();
    world.orders_config.hold_seconds = 100;
    world.orders_config.deduct_on = if at_shipment { DeductOn::Shipment } else { DeductOn::Payment };
    world.stock_config.split = split;
    world.late_timers = late_timers;
    world
}

/// Runs the operations, lets every reply arrive and every hold run out.
fn run(world: &mut World, ops: &[(i64, Op)]) {
    let mut now = 0;
    for (seconds, op) in ops {
        now += seconds;
        act(world, Timestamp(now * 1000), op);
    }
    while world.deliver_replies(None).is_some() {}
    world.tick(Timestamp((now + 100_000) * 1000));
}

/// What the outside sees of an order, without the notes that stand for dead letters.
fn story(world: &World) -> Vec<OrderEvent> {
    let noted = |e: &OrderEvent| e.kind == OrderEventKind::Noted && e.payment_id.is_none();
    world.events.iter().filter(|(_, e)| !noted(e)).map(|(_, e)| OrderEvent { seq: 0, ..e.clone() }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_the_books_are_right_and_every_order_is_decided(
        ops in proptest::collection::vec(op(ORDERS.len(), true), 1..80),
        split: bool, at_shipment: bool, late_timers: bool,
    ) {
        let mut world = new_world(split, at_shipment, late_timers);
        run(&mut world, &ops);
        for (_, op) in &ops {
            let Op::Place { order, .. } = op else { continue };
            let id = ORDERS[*order];
            let decisions = world.events.iter().filter(|(of, e)| of == id && matches!(e.kind, OrderEventKind::Accepted | OrderEventKind::Rejected));
            prop_assert_eq!(decisions.count(), 1, "decisions of order {}", id);
            let status = world.order(id).unwrap().view().status;
            prop_assert!(!matches!(status, "accepted" | "reserving" | "unplaced"), "order {} is still {}", id, status);
        }
    }

    /// `I(t) = I0 + Q(t) − D(t)`, with `I0 = 0`, per SKU and place; without counts and damages nothing is ever short.
    #[test]
    fn without_the_warehouses_bad_news_nothing_is_ever_short(
        ops in proptest::collection::vec(op(ORDERS.len(), false), 1..80),
        split: bool, at_shipment: bool,
    ) {
        let mut world = new_world(split, at_shipment, false);
        run(&mut world, &ops);
        for (sku, movements) in &world.journal {
            let Some(stock) = world.stock(sku) else { continue };
            let level = stock.level();
            for place in PLACES {
                let here = || movements.iter().filter(|m| &*m.location == place);
                let sum = |kinds: &[MovementKind]| here().filter(|m| kinds.contains(&m.kind)).map(|m| m.quantity).sum::<i64>();
                let on_hand = level.locations.iter().find(|row| &*row.location == place).map_or(0, |row| row.on_hand);
                prop_assert_eq!(on_hand, sum(&[MovementKind::Received, MovementKind::Returned]) - sum(&[MovementKind::Sold]));
                for m in here() {
                    prop_assert!(0 <= m.reserved && m.reserved <= m.on_hand, "{:?}", m);
                }
            }
        }
    }

    /// With enough stock, an order whose replies are late lives the same life as one whose replies come at once.
    #[test]
    fn a_late_decision_decides_the_same(
        ops in proptest::collection::vec(op(1, false), 1..40),
        at_shipment: bool, late_timers: bool,
    ) {
        let stocked = |hold_replies: bool| {
            let mut world = new_world(true, at_shipment, late_timers);
            for sku in SKUS {
                let kind = RestockKind::Received;
                let restock = Restock { restock_id: "R".into(), sku: sku.into(), location: "main".into(), quantity: 1000, kind };
                world.record(sku, Timestamp(0), Input::Restock(restock));
            }
            world.hold_replies = hold_replies;
            world
        };
        let on_its_way: Vec<(i64, Op)> = ops.into_iter().filter(|(_, op)| matches!(record(op), Some((_, Input::Order(_) | Input::Payment(_))))).collect();
        let forward: Vec<(i64, Op)> = on_its_way.into_iter().map(|(seconds, op)| (seconds.abs(), op)).collect();
        let (mut at_once, mut late) = (stocked(false), stocked(true));
        run(&mut at_once, &forward);
        run(&mut late, &forward);
        prop_assert_eq!(story(&at_once), story(&late));
    }

    #[test]
    fn damaged_state_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), known_format: bool) {
        let mut bytes = bytes;
        if known_format && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let _ = (Order::decode(&bytes), Stock::decode(&bytes), Reservation::decode(&bytes), Seen::decode(&bytes));
    }
}
