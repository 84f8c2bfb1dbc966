//! Whether an order's line fits the catalogue. What the catalogue does not know is not checked, unless the shop sells
//! only what is listed.

use schemas::message::{Denial, Quote};

use super::listing::Listing;

/// What a shop checks of its orders. A withdrawn SKU is never sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// So many percent above or below the catalogue's price an order's unit price may be, and its currency must be the
    /// same; `None`: neither is looked at.
    pub price_tolerance_percent: Option<u32>,
    /// A SKU that is not in the catalogue is unknown, in stock or not.
    pub listed_only: bool,
}

impl Terms {
    /// Why the line cannot be taken; `None`: the catalogue has nothing against it.
    pub(crate) fn check(&self, listing: Option<&Listing>, quote: Quote) -> Option<Denial> {
        if listing.is_some_and(|listing| !listing.is_for_sale()) {
            return Some(Denial::WithdrawnSku);
        }
        let Some(product) = listing.and_then(Listing::product) else {
            return self.listed_only.then_some(Denial::UnknownSku);
        };
        let tolerance = i128::from(self.price_tolerance_percent?);
        if quote.currency.zip(product.currency).is_some_and(|(asked, listed)| asked != listed) {
            return Some(Denial::CurrencyMismatch);
        }
        let price = i128::from(product.price?);
        let (least, most) = quote.unit_prices?;
        let fits = |asked: i64| (i128::from(asked) - price).abs() * 100 <= price * tolerance;
        (!fits(least) || !fits(most)).then_some(Denial::PriceMismatch)
    }
}
