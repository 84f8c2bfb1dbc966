//! The gate for prices: a slip of the decimal point, a currency mixed up, a forged feed. It compares with what stands;
//! the first price has nothing to be compared with.

use schemas::product::Product;

/// Why an update must wait for its confirmation; `None`: it may pass.
pub(super) fn jump(most_percent: Option<u32>, stands: &Product, next: &Product) -> Option<&'static str> {
    let most = i128::from(most_percent?);
    let (before, after) = (stands.price?, next.price?);
    if stands.currency != next.currency {
        return Some("currency_change");
    }
    let [before, after] = [before, after].map(i128::from);
    // Cross-multiplied: exact, and a price of nothing is as far from any other as can be.
    (after * 100 > before * most || before * 100 > after * most).then_some("price_jump")
}

#[cfg(test)]
mod tests {
    use schemas::Currency;
    use schemas::input::MAX_AMOUNT;

    use super::*;

    #[test]
    fn a_price_may_move_by_a_factor_either_way() {
        let priced = |price: i64, currency: &str| Product { price: Some(price), currency: Currency::new(currency), ..Product::default() };
        let of = |before: i64, after: i64| jump(Some(300), &priced(before, "GBP"), &priced(after, "GBP"));
        for (before, after) in [(255, 255), (100, 300), (300, 100), (0, 0), (MAX_AMOUNT, MAX_AMOUNT)] {
            assert_eq!(of(before, after), None, "{before} to {after}");
        }
        for (before, after) in [(100, 301), (301, 100), (0, 1), (1, 0), (1, MAX_AMOUNT)] {
            assert_eq!(of(before, after), Some("price_jump"), "{before} to {after}");
        }
        assert_eq!(jump(Some(300), &priced(255, "GBP"), &priced(255, "EUR")), Some("currency_change"));
        assert_eq!(jump(None, &priced(255, "GBP"), &priced(1, "EUR")), None);
        assert_eq!(jump(Some(300), &Product::default(), &priced(1, "EUR")), None);
        assert_eq!(jump(Some(300), &priced(255, "GBP"), &Product::default()), None);
    }
}
