//! What the topics are called, and in which order they are best read. Knows nothing of what is in them.

use crate::facts::Topic;

/// What the topics are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub orders: String,
    pub payments: String,
    pub restocks: String,
    pub stock_counts: String,
    pub products: String,
    pub feedback: String,
    pub dispatches: String,
    pub gps_pings: String,
    pub order_events: String,
    pub product_events: String,
    pub stock_movements: String,
    pub stock_levels: String,
    pub product_catalog: String,
    pub low_stock_alerts: String,
    pub forecasts: String,
    pub shipment_events: String,
    pub vehicle_positions: String,
    pub ping_verdicts: String,
    pub dead_letters: String,
}

impl Default for Names {
    fn default() -> Names {
        Names::by(str::to_owned)
    }
}

impl Names {
    /// The name of each topic, from the one that `wire.md` gives it.
    pub fn by(name: impl Fn(&str) -> String) -> Names {
        Names {
            orders: name("orders"),
            payments: name("payments"),
            restocks: name("restocks"),
            stock_counts: name("stock-counts"),
            products: name("products"),
            feedback: name("feedback"),
            dispatches: name("dispatches"),
            gps_pings: name("gps-pings"),
            order_events: name("order-events"),
            product_events: name("product-events"),
            stock_movements: name("stock-movements"),
            stock_levels: name("stock-levels"),
            product_catalog: name("product-catalog"),
            low_stock_alerts: name("low-stock-alerts"),
            forecasts: name("forecasts"),
            shipment_events: name("shipment-events"),
            vehicle_positions: name("vehicle-positions"),
            ping_verdicts: name("ping-verdicts"),
            dead_letters: name("dead-letters"),
        }
    }

    /// The topics to read, in the order that needs the least memory and lets the most be checked: inputs first, then
    /// decisions before the movements that they are compared with, views after what they show.
    pub fn topics(&self) -> [&str; 19] {
        self.all().map(|(_, name)| name)
    }

    fn all(&self) -> [(Topic, &str); 19] {
        [
            (Topic::Orders, &self.orders),
            (Topic::Payments, &self.payments),
            (Topic::Restocks, &self.restocks),
            (Topic::StockCounts, &self.stock_counts),
            (Topic::Products, &self.products),
            (Topic::Feedback, &self.feedback),
            (Topic::Dispatches, &self.dispatches),
            (Topic::GpsPings, &self.gps_pings),
            (Topic::OrderEvents, &self.order_events),
            (Topic::ProductEvents, &self.product_events),
            (Topic::StockMovements, &self.stock_movements),
            (Topic::StockLevels, &self.stock_levels),
            (Topic::ProductCatalog, &self.product_catalog),
            (Topic::LowStockAlerts, &self.low_stock_alerts),
            (Topic::Forecasts, &self.forecasts),
            (Topic::ShipmentEvents, &self.shipment_events),
            (Topic::VehiclePositions, &self.vehicle_positions),
            (Topic::PingVerdicts, &self.ping_verdicts),
            (Topic::DeadLetters, &self.dead_letters),
        ]
    }

    pub(crate) fn find(&self, name: &str) -> Option<Topic> {
        self.all().into_iter().find(|(_, n)| *n == name).map(|(topic, _)| topic)
    }

    pub(crate) fn of(&self, topic: Topic) -> &str {
        self.all().into_iter().find(|(t, _)| *t == topic).map_or("?", |(_, name)| name)
    }
}
