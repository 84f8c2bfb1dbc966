//! What the fleet did, in a shop manager's words.

use std::collections::BTreeMap;
use std::io;

use super::{Out, grouped, list, percent, row};
use crate::demo::fleet::logbook::Ending;
use crate::demo::ledger::Ledger;
use crate::demo::shop::Shop;

pub fn deliveries(out: Out, ledger: &Ledger) -> io::Result<()> {
    let fleet = &ledger.fleet;
    let endings = fleet.endings();
    let words: Vec<String> = endings.iter().map(|(ending, n)| format!("{n} {}", ending.word())).collect();
    let of = |kind: &str| fleet.counts.get(kind).copied().unwrap_or(0);
    writeln!(out, "\nDELIVERIES")?;
    row(out, "shipments", endings.values().sum::<u64>(), &words.join(", "))?;
    row(out, "open", endings.get(&Ending::Open).copied().unwrap_or(0), "shipments without an end")?;
    let [delivered, failed, left] = fleet.stops();
    row(
        out,
        "stops",
        delivered + failed + left,
        &format!("{delivered} delivered, {failed} nobody at home, {left} called back or left to another van"),
    )?;
    let p = fleet.punctuality();
    row(
        out,
        "in time",
        p.in_time,
        &format!("of {} visits: {} before the customer's window closed", p.visits, percent(p.in_time, p.visits)),
    )?;
    row(out, "arrival times", p.arrivals, &format!("{:.0} s off in the mean as told when the van was loaded", p.first_error))?;
    row(
        out,
        "10 minutes before",
        p.soon,
        &format!("{:.0} s off in the mean as told by then; {} inside the 90 % interval", p.soon_error, percent(p.soon_within, p.soon)),
    )?;
    row(
        out,
        "told on the way",
        of("eta_changed"),
        &format!("times that an arrival has moved; {} late, {} off the route, {} silent", of("late"), of("off_route"), of("silent")),
    )
}

pub fn pings(out: Out, ledger: &Ledger, shop: &Shop) -> io::Result<()> {
    let fleet = &ledger.fleet;
    let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
    writeln!(out, "\nPINGS")?;
    row(
        out,
        "pings",
        shop.tally.pings,
        &format!("of {} vehicles: {} judged, {} dead letters", fleet.vehicles(), grouped(fleet.judged()), ledger.dead_pings),
    )?;
    row(out, "vans", sum(&fleet.vans), &format!("{} of them: {}", fleet.vans(), list(&fleet.vans)))?;
    row(out, "real buses", sum(&fleet.buses), &format!("{} of them: {}", fleet.vehicles() - fleet.vans(), list(&fleet.buses)))
}
