//! What is wrong with products and feedback in particular. What any record may suffer is in `kinds.rs`.

use serde_json::{Value, json};

use crate::kinds::{Kind, with};

pub fn products() -> Vec<Kind> {
    let product = |name: &str, reason, field: &str, value: Value| with("products", name, reason, field, value);
    vec![
        product("a GTIN with a wrong check digit", "invalid_gtin", "gtin", json!("4006381333932")),
        product("a GTIN of eleven digits", "invalid_gtin", "gtin", json!("40063813339")),
        product("a GTIN with a letter", "invalid_gtin", "gtin", json!("400638133393I")),
        product("a GTIN for use within a shop", "invalid_gtin", "gtin", json!("2000000000008")),
        product("a GTIN of a coupon", "invalid_gtin", "gtin", json!("9900000000004")),
        product("a GTIN of zeros", "invalid_gtin", "gtin", json!("0000000000000")),
        product("a GTIN that is a number", "invalid_value", "gtin", json!(4_006_381_333_931_i64)),
        product("a name of 1,025 bytes", "value_out_of_range", "name", json!("n".repeat(1_025))),
        product("a name that is a list", "invalid_value", "name", json!(["White hanging heart"])),
        product("a currency in small letters", "invalid_value", "currency", json!("eur")),
        product("goods that arrive before they are ordered", "value_out_of_range", "lead_time_days", json!(-1)),
        product("a lead time of eleven years", "value_out_of_range", "lead_time_days", json!(4_015)),
        product("a negative cost of an order", "value_out_of_range", "order_cost", json!(-1)),
        product("a negative cost of keeping it", "value_out_of_range", "holding_cost", json!(-1)),
        product("a negative reorder point", "value_out_of_range", "reorder_point", json!(-1)),
        product("half a reorder point", "invalid_value", "reorder_point", json!(0.5)),
        product("a negative version", "value_out_of_range", "expected_version", json!(-1)),
        product("a version in words", "invalid_value", "expected_version", json!("the last")),
        product("muted by a word", "invalid_value", "mute", json!("yes")),
    ]
}

pub fn feedback() -> Vec<Kind> {
    let feedback = |name: &str, reason, field: &str, value: Value| with("feedback", name, reason, field, value);
    vec![
        feedback("no star", "value_out_of_range", "rating", json!(0)),
        feedback("six stars", "value_out_of_range", "rating", json!(6)),
        feedback("stars", "invalid_value", "rating", json!("*****")),
        feedback("an empty kind", "invalid_value", "kind", json!("")),
        feedback("a kind of white space", "invalid_value", "kind", json!(" \t")),
        feedback("a kind of 65 bytes", "invalid_value", "kind", json!("k".repeat(65))),
        feedback("a kind that is a list", "invalid_value", "kind", json!(["late"])),
        feedback("a text that is an object", "invalid_value", "text", json!({ "en": "late" })),
        feedback("an empty place", "invalid_value", "location", json!("")),
        feedback("an order with a line feed", "invalid_value", "order_id", json!("subject\n1")),
        feedback("about an order, and of another one", "key_mismatch", "about", json!("order")),
        // It is read, and goes to a task that knows nothing of it.
        feedback("an order that was never placed", "unknown_order", "order_id", json!("nobody's")),
        feedback("a product that nobody knows", "unknown_sku", "about", json!("product")),
        feedback("stock of what nobody knows", "unknown_sku", "about", json!("stock")),
    ]
}
