//! Outputs and figures as the scenario tables write them.

use std::fmt::Write;

use schemas::event::{Level, LevelRow, Movement, OrderEvent};

use super::words::show_time;

/// `1 accepted: A x6 main, expires 10:15:01`; after the colon whatever the event carries.
pub fn event(order_id: &str, event: &OrderEvent) -> String {
    let mut about: Vec<String> = vec![];
    let mut payment: Vec<String> = vec![];
    payment.extend(event.reason.as_ref().map(ToString::to_string));
    payment.extend(event.sku.as_deref().map(Into::into));
    payment.extend(event.payment_id.as_deref().map(Into::into));
    payment.extend(event.amount.map(money));
    payment.extend(event.currency.as_deref().map(Into::into));
    for text in [&event.shipment_id, &event.vehicle_id, &event.stop_id, &event.detail] {
        payment.extend(text.as_deref().map(Into::into));
    }
    if !payment.is_empty() {
        about.push(payment.join(" "));
    }
    about.extend(
        event.lines.iter().map(|line| format!("{} x{} {}", line.sku, line.quantity, line.location.as_deref().unwrap_or("nowhere"))),
    );
    about.extend(event.feedback.as_deref().map(super::listings::remark));
    about.extend(event.expires_at.map(|at| format!("expires {}", show_time(at))));
    let head = format!("{order_id} {}", event.kind.word());
    if about.is_empty() { head } else { format!("{head}: {}", about.join(", ")) }
}

/// `held 6 main for 1`; `adjusted -3 main, short 2, at risk 1 2`.
pub fn movement(m: &Movement) -> String {
    let mut text = format!("{} {} {}", m.kind.word(), m.quantity, m.location);
    if let Some(order_id) = &m.order_id {
        let _ = write!(text, " for {order_id}");
    }
    if let Some(shortage) = m.shortage {
        let _ = write!(text, ", short {shortage}, at risk {}", m.orders_at_risk.join(" "));
    }
    text
}

/// `on hand 4, reserved 0`, and `incoming 5` if anything is; of one place or of all.
pub fn figures(level: &Level, location: Option<&str>) -> Option<String> {
    let (on_hand, reserved, incoming) = match location {
        None => (level.on_hand, level.reserved, level.incoming),
        Some(location) => {
            let LevelRow { on_hand, reserved, incoming, .. } = level.locations.iter().find(|row| &*row.location == location)?;
            (*on_hand, *reserved, *incoming)
        }
    };
    let incoming = if incoming == 0 { String::new() } else { format!(", incoming {incoming}") };
    Some(format!("on hand {on_hand}, reserved {reserved}{incoming}"))
}

/// Minor units as `15.30`.
pub fn money(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
