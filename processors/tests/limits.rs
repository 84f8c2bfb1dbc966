//! Every bound holds at its edge, state stays small, and a command that no order may send stops everything.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

#[allow(dead_code, reason = "what only the scenarios need")]
mod world;

use std::panic::catch_unwind;

use schemas::input::{Count, Input, Line, OrderCommand, Payment, PaymentStatus, Place, Restock, RestockKind};
use schemas::message::{Quote, Row, StockCommand, StockReply};
use schemas::{Cause, Few, Reason, Source, Timestamp, TopicNames};
use waybill_processors::catalogue::Terms;
use waybill_processors::orders::{MAX_DEFERRED, MAX_PAYMENTS, Order};
use waybill_processors::stock::{self, Event, MAX_LOCATIONS, MAX_ON_HAND, Reservation, State, Stock};
use waybill_processors::{DecodeError, Trigger};
use world::{Output, World};

const NOW: Timestamp = Timestamp(1_772_445_600_000);

fn restock(id: &str, location: &str, quantity: i64, kind: RestockKind<'static>) -> Input<'static> {
    let [restock_id, location] = [id, location].map(|text| text.to_owned().into());
    Input::Restock(Restock { restock_id, sku: "A".into(), location, quantity, kind })
}

fn place(quantity: i64) -> Input<'static> {
    let lines = vec![Line { sku: "A".into(), quantity, unit_price: Some(255) }];
    let currency = Some("GBP".into());
    Input::Order(OrderCommand::Place(Place {
        customer_id: None,
        placed_at: None,
        currency,
        lines,
        hold_seconds: None,
        location: None,
        ship_to: None,
    }))
}

fn pay(id: usize) -> Input<'static> {
    let (payment_id, order_id) = (format!("P-{id}").into(), "1".into());
    Input::Payment(Payment { payment_id, order_id, status: PaymentStatus::Captured, amount: Some(1), currency: Some("GBP".into()) })
}

fn refused(outputs: &[Output]) -> Option<Reason> {
    outputs.iter().find_map(|output| match output {
        Output::DeadLetter(reject) => Some(reject.reason),
        Output::Event(..) | Output::Product(..) | Output::Duplicate | Output::ToVehicle(..) => None,
    })
}

#[test]
fn an_order_remembers_so_many_payments() {
    let mut world = World::new();
    world.record("A", NOW, restock("R", "main", 10, RestockKind::Received));
    world.record("1", NOW, place(6));
    for id in 0..MAX_PAYMENTS {
        assert_eq!(refused(&world.record("1", NOW, pay(id))), None, "payment {id}");
    }
    assert_eq!(refused(&world.record("1", NOW, pay(MAX_PAYMENTS))), Some(Reason::TooManyPending));
    assert!(matches!(world.record("1", NOW, pay(0))[..], [Output::Duplicate]));
}

#[test]
fn so_many_records_wait_for_an_order() {
    let mut world = World::new();
    world.hold_replies = true;
    world.record("1", NOW, place(6));
    for id in 0..MAX_DEFERRED {
        assert_eq!(refused(&world.record("1", NOW, pay(id))), None, "payment {id}");
    }
    assert_eq!(refused(&world.record("1", NOW, pay(MAX_DEFERRED))), Some(Reason::TooManyPending));
    assert_eq!(world.order("1").unwrap().view().waiting, MAX_DEFERRED);
    // The rejection and a refund for each that waited; the one that was refused is free to come again.
    assert_eq!(world.deliver_replies(None).unwrap().len(), 1 + MAX_DEFERRED);
    assert_eq!(refused(&world.record("1", NOW, pay(MAX_DEFERRED))), None);
}

#[test]
fn a_sku_is_at_so_many_places() {
    let mut world = World::new();
    world.check_books = false;
    for n in 0..MAX_LOCATIONS {
        assert_eq!(refused(&world.record("A", NOW, restock(&format!("R-{n}"), &format!("L-{n}"), 1, RestockKind::Received))), None);
    }
    let mut one_more = |input| refused(&world.record("A", NOW, input));
    assert_eq!(one_more(restock("R-x", "x", 1, RestockKind::Received)), Some(Reason::ValueOutOfRange));
    assert_eq!(one_more(restock("R-x", "x", 1, RestockKind::Expected { expected_at: None })), Some(Reason::ValueOutOfRange));
    assert_eq!(one_more(restock("R-x", "L-0", 1, RestockKind::Transfer { to_location: "x".into() })), Some(Reason::ValueOutOfRange));
    let count = Count { count_id: "K".into(), sku: "A".into(), location: "x".into(), counted: 1, counted_at: None };
    assert_eq!(one_more(Input::Count(count)), Some(Reason::ValueOutOfRange));
    assert_eq!(one_more(restock("R-x", "L-0", 1, RestockKind::Received)), None);
}

#[test]
fn a_place_has_so_many_units() {
    let mut world = World::new();
    assert_eq!(refused(&world.record("A", NOW, restock("R-1", "main", MAX_ON_HAND, RestockKind::Received))), None);
    let mut more = |input| refused(&world.record("A", NOW, input));
    assert_eq!(more(restock("R-2", "main", 1, RestockKind::Received)), Some(Reason::ValueOutOfRange));
    assert_eq!(more(restock("R-3", "shop", 1, RestockKind::Received)), None);
    assert_eq!(more(restock("R-4", "shop", 1, RestockKind::Transfer { to_location: "main".into() })), Some(Reason::ValueOutOfRange));
    assert_eq!(more(restock("R-5", "main", MAX_ON_HAND, RestockKind::Expected { expected_at: None })), None);
    assert_eq!(more(restock("R-6", "main", 1, RestockKind::Expected { expected_at: None })), Some(Reason::ValueOutOfRange));
}

#[test]
fn a_shortage_names_no_more_orders_than_were_looked_at() {
    let mut world = World::new();
    let orders = stock::MAX_AT_RISK_SCAN + 10;
    world.record("A", NOW, restock("R", "main", orders as i64, RestockKind::Received));
    for n in 0..orders {
        world.record(&format!("O-{n}"), NOW, place(1));
    }
    let count = Count { count_id: "K".into(), sku: "A".into(), location: "main".into(), counted: 0, counted_at: None };
    world.record("A", NOW, Input::Count(count));
    let last = world.journal["A"].last().unwrap();
    assert_eq!(last.shortage, Some(orders as i64));
    assert_eq!(last.orders_at_risk.len(), stock::MAX_AT_RISK_SCAN);
}

#[test]
fn state_is_small() {
    let mut world = World::new();
    world.record("A", NOW, restock("R", "main", 1000, RestockKind::Received));
    world.record("536365", NOW, place(6));
    let mut order = vec![];
    world.order("536365").unwrap().encode(&mut order);
    assert!(order.len() <= 80, "an order of one line takes {} bytes", order.len());
    let mut stock = vec![];
    world.stock("A").unwrap().encode(&mut stock);
    assert!(stock.len() <= 60, "a SKU at one place takes {} bytes", stock.len());
}

#[test]
fn state_of_another_format_is_told_from_damage() {
    let mut bytes = vec![];
    let mut world = World::new();
    world.record("A", NOW, restock("R", "main", 1, RestockKind::Received));
    world.stock("A").unwrap().encode(&mut bytes);
    assert_eq!(Stock::decode(&[]), Err(DecodeError::Empty("stock")));
    assert_eq!(Stock::decode(&[9]), Err(DecodeError::Format { what: "stock", found: 9, known: 2 }));
    assert!(matches!(Stock::decode(&bytes[..bytes.len() - 1]), Err(DecodeError::Damaged { .. })));
    bytes.push(0);
    assert_eq!(Stock::decode(&bytes), Err(DecodeError::Damaged { what: "stock", message: "1 bytes too many".into() }));
    assert!(matches!(Order::decode(&[4, 200]), Err(DecodeError::Damaged { what: "order", .. })));
}

/// What a stock task does with `command` for order 1 after it has held six units of ten for it.
fn after_a_hold(command: StockCommand) -> Result<stock::Step, String> {
    let config = stock::Config { split: false, terms: Terms::default(), names: TopicNames::default() };
    let trigger = Trigger { at: NOW, cause: Cause { source: Source::Orders, partition: 0, offset: 0 } };
    let step = |event, stock, reservation| stock::apply(&config, "A", trigger, event, State { stock, reservation, ..State::default() });
    let Input::Restock(ten) = restock("R", "main", 10, RestockKind::Received) else { unreachable!() };
    let received = step(Event::Restock(ten), None, None);
    let reserve = StockCommand::Reserve { attempt: 1, quantity: 6, location: None, quote: Quote::default() };
    let held = step(Event::Command { order_id: "1", command: reserve }, received.stock, None);
    assert!(matches!(held.reply, Some(StockReply::Held { .. })));
    let reservation: Option<Reservation> = held.reservation.unwrap();
    catch_unwind(|| step(Event::Command { order_id: "1", command }, held.stock, reservation))
        .map_err(|panic| panic.downcast_ref::<String>().unwrap().clone())
}

#[test]
fn a_command_that_no_order_may_send_stops_and_says_which() {
    let rows = |quantity, location: &str| Few::from_iter([Row { location: location.into(), quantity }]);
    assert_eq!(after_a_hold(StockCommand::Release { rows: rows(6, "main") }).unwrap().reservation, Some(None));
    assert!(after_a_hold(StockCommand::Release { rows: rows(5, "main") }).unwrap().reservation.unwrap().is_some());
    for command in [
        StockCommand::Release { rows: rows(7, "main") },
        StockCommand::Expire { rows: rows(7, "main") },
        StockCommand::Sell { rows: rows(7, "main") },
        StockCommand::Confirm { rows: rows(7, "main") },
        StockCommand::Release { rows: rows(6, "shop") },
        StockCommand::Return { rows: rows(1, "shop") },
        StockCommand::Reserve { attempt: 2, quantity: 1, location: None, quote: Quote::default() },
    ] {
        let message = after_a_hold(command.clone()).unwrap_err();
        assert!(message.contains("order 1") && message.contains("SKU A"), "{command:?}: {message}");
    }
}
