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
    DeadLetters,
}

impl Sink {
    pub const ALL: [Sink; 8] = [
        Sink::OrderEvents,
        Sink::StockLevels,
        Sink::StockMovements,
        Sink::ProductCatalog,
        Sink::ProductEvents,
        Sink::LowStockAlerts,
        Sink::Forecasts,
        Sink::DeadLetters,
    ];

    /// The topic's default name, which is also its name in `topology.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Sink::OrderEvents => "order-events",
            Sink::StockLevels => "stock-levels",
            Sink::StockMovements => "stock-movements",
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
            Sink::StockLevels | Sink::ProductCatalog | Sink::Forecasts => true,
            Sink::OrderEvents | Sink::StockMovements | Sink::ProductEvents | Sink::LowStockAlerts | Sink::DeadLetters => false,
        }
    }
}
