//! Which part a feedback concerns, and so which task must hear it. Stateless: it looks at the subject and nothing else.

use schemas::feedback::{About, Feedback};

/// The receiver of a feedback, and its key there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The order with this id. An investigation of a delivery goes to the order, which alone knows the shipment and the
    /// vehicle that have its goods.
    Order(&'a str),
    /// The SKU, its listing and its stock.
    Sku(&'a str),
}

/// Whom the feedback concerns.
pub fn route<'f>(feedback: &'f Feedback<'_>) -> Subject<'f> {
    match feedback.about {
        About::Order => Subject::Order(&feedback.id),
        // Without an order it was not taken: `schemas::feedback` checks that.
        About::Delivery => Subject::Order(feedback.order_id.as_deref().unwrap_or(&feedback.id)),
        About::Product | About::Stock => Subject::Sku(&feedback.id),
    }
}
