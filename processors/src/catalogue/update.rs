//! `upsert` and `withdraw`. An update takes effect once, is refused with the version that stands, or waits in
//! quarantine until one that has seen the quarantine confirms it.

use schemas::product::{Product, ProductCommand, ProductEventKind};

use super::listing::{Listing, Standing};
use super::outbox::Outbox;
use super::{Config, gate};
use crate::Verdict;

pub(super) fn apply(config: &Config, listing: &mut Listing, out: &mut Outbox, command: ProductCommand, signed: bool) -> Verdict {
    match command {
        ProductCommand::Upsert { product, expected_version } => upsert(config, listing, out, *product, expected_version, signed),
        ProductCommand::Withdraw { reason, expected_version } => withdraw(listing, out, reason, expected_version),
    }
}

fn upsert(config: &Config, listing: &mut Listing, out: &mut Outbox, product: Product, expected: Option<u64>, signed: bool) -> Verdict {
    let names_this = expected == Some(listing.version) && listing.version > 0;
    // Whoever names the version has seen the quarantine. A signed update that says the same again confirms what waits:
    // its signature has an id that counts once, so it is no repetition by the transport.
    let confirms = names_this || (signed && (listing.held.as_ref() == Some(&product) || listing.standing == Standing::Quarantined));
    let waits = listing.held.as_ref() == Some(&product);
    let stands = listing.standing == Standing::Listed && listing.held.is_none() && listing.product == product;
    if is_repeat(listing, expected) && (stands || (waits && !confirms)) {
        return Verdict::Duplicate;
    }
    if expected.is_some_and(|version| version != listing.version) {
        return refuse(listing, out, "version_conflict");
    }
    match listing.standing {
        Standing::Withdrawn if !names_this => return refuse(listing, out, "withdrawn"),
        Standing::Quarantined if !confirms => return refuse(listing, out, "quarantined"),
        _ => {}
    }
    if let Some(reason) = gate::jump(config.price_jump_percent, &listing.product, &product)
        && !(listing.is_in_quarantine() && confirms)
    {
        if listing.held.is_some() {
            return refuse(listing, out, "quarantined");
        }
        listing.held = Some(product.clone());
        out.event(listing, ProductEventKind::Quarantined, Some(reason.into())).product = Some(Box::new(product));
        return Verdict::Applied;
    }
    listing.standing = Standing::Listed;
    listing.product = product.clone();
    listing.held = None;
    out.event(listing, ProductEventKind::Updated, None).product = Some(Box::new(product));
    Verdict::Applied
}

fn withdraw(listing: &mut Listing, out: &mut Outbox, reason: Option<Box<str>>, expected: Option<u64>) -> Verdict {
    if listing.standing == Standing::Withdrawn && is_repeat(listing, expected) {
        return Verdict::Duplicate;
    }
    if expected.is_some_and(|version| version != listing.version) {
        return refuse(listing, out, "version_conflict");
    }
    if listing.standing == Standing::Unlisted {
        return refuse(listing, out, "not_listed");
    }
    listing.standing = Standing::Withdrawn;
    listing.held = None;
    listing.complaints.clear();
    out.event(listing, ProductEventKind::Withdrawn, reason.map(|text| String::from(text).into()));
    Verdict::Applied
}

/// Whether an update that would change nothing may be the one that made it so, or is at least content with it: it names
/// no version, the present one, or the one before.
fn is_repeat(listing: &Listing, expected: Option<u64>) -> bool {
    expected.is_none_or(|version| version == listing.version || version.checked_add(1) == Some(listing.version))
}

/// Says which version stands. The product is as it was.
fn refuse(listing: &mut Listing, out: &mut Outbox, reason: &'static str) -> Verdict {
    out.event(listing, ProductEventKind::Refused, Some(reason.into()));
    Verdict::Applied
}
