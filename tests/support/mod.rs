//! What engine tests share: a plan with its topics on an in-memory broker, and producers of records.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod system;

use std::sync::Arc;

use processors::catalogue::{self, Terms};
use processors::{demand, orders};
use waybill::engine::plan::{ClockMode, Plan, PlanInput, Processor, partition_of};
use waybill::log::memory::{MemoryBroker, MemoryConfig, MemoryLog};

/// Partition counts of a test's topics.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub tasks: i32,
    /// Of every source topic.
    pub sources: i32,
}

pub fn plan(shape: Shape, clock: ClockMode) -> Plan {
    let partitions = move |name: &str| match name {
        "orders" | "payments" | "restocks" | "stock-counts" | "products" | "feedback" | "gps-pings" | "dispatches" => shape.sources,
        _ => shape.tasks,
    };
    Plan::new(PlanInput {
        app: "waybill",
        name: &|name| name.to_owned(),
        partitions: &partitions,
        orders: orders::Config { hold_seconds: 900, deduct_on: orders::DeductOn::Payment },
        split: false,
        fleet: processors::fleet::Config::default(),
        verdicts: true,
        planner: waybill::planner::Planner::default(),
        terms: Terms::default(),
        catalogue: catalogue::Config::default(),
        demand: Some(demand::Config::default()),
        clock,
    })
}

pub fn create_topics(broker: &MemoryBroker, plan: &Plan) {
    for id in plan.topics.ids() {
        broker.create_topic(plan.topics.name(id), plan.topics.partitions(id)).unwrap();
    }
}

pub fn open_log(broker: &MemoryBroker, plan: &Plan, slot: usize) -> MemoryLog {
    let name = format!("waybill-0-{slot}");
    let mut config = MemoryConfig::new("waybill", &name, (*plan.topics).clone(), plan.subscription());
    config.instance_id = Some(name);
    MemoryLog::new(broker, config).unwrap()
}

/// Appends a record where the Java client would.
pub fn send(broker: &MemoryBroker, topic: &str, key: &str, value: &str, timestamp: i64) {
    send_bytes(broker, topic, key, value.as_bytes(), timestamp);
}

pub fn send_bytes(broker: &MemoryBroker, topic: &str, key: &str, value: &[u8], timestamp: i64) {
    let partitions = broker.topics().into_iter().find(|(name, _)| name == topic).unwrap().1;
    let partition = partition_of(key.as_bytes(), partitions);
    broker.produce(topic, partition, Some(key.as_bytes()), Some(value), &[], Some(timestamp)).unwrap();
}

pub fn arc(plan: Plan) -> Arc<Plan> {
    Arc::new(plan)
}

pub fn tasks() -> [Processor; Processor::ALL.len()] {
    Processor::ALL
}
