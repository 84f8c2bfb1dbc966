//! The topics that Waybill writes for consumers, by their roles; what they are called on the broker is configuration.

/// A sink topic by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sink {
    OrderEvents,
    StockLevels,
    StockMovements,
    ProductCatalog,
    ProductEvents,
    LowStockAlerts,
    Forecasts,
    VehiclePositions,
    PingVerdicts,
    ShipmentEvents,
    DeadLetters,
}

// Tables are indexed by `sink as usize`.
const _: () = {
    let mut i = 0;
    while i < Sink::ALL.len() {
        assert!(Sink::ALL[i] as usize == i, "Sink::ALL is in another order than the enum");
        i += 1;
    }
};

impl Sink {
    pub const ALL: [Sink; 11] = [
        Sink::OrderEvents,
        Sink::StockLevels,
        Sink::StockMovements,
        Sink::ProductCatalog,
        Sink::ProductEvents,
        Sink::LowStockAlerts,
        Sink::Forecasts,
        Sink::VehiclePositions,
        Sink::PingVerdicts,
        Sink::ShipmentEvents,
        Sink::DeadLetters,
    ];

    /// The topic's default name, which is also its name in `topology.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Sink::OrderEvents => "order-events",
            Sink::StockLevels => "stock-levels",
            Sink::StockMovements => "stock-movements",
            Sink::VehiclePositions => "vehicle-positions",
            Sink::PingVerdicts => "ping-verdicts",
            Sink::ShipmentEvents => "shipment-events",
            Sink::ProductCatalog => "product-catalog",
            Sink::ProductEvents => "product-events",
            Sink::LowStockAlerts => "low-stock-alerts",
            Sink::Forecasts => "forecasts",
            Sink::DeadLetters => "dead-letters",
        }
    }

    /// The last record of a key says all that is to be known.
    pub fn is_compacted(self) -> bool {
        match self {
            Sink::StockLevels | Sink::ProductCatalog | Sink::Forecasts | Sink::VehiclePositions => true,
            Sink::OrderEvents
            | Sink::StockMovements
            | Sink::ProductEvents
            | Sink::LowStockAlerts
            | Sink::PingVerdicts
            | Sink::ShipmentEvents
            | Sink::DeadLetters => false,
        }
    }
}
