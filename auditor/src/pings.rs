//! Every ping and what became of it: one verdict where verdicts are written, or one dead letter. Positions and shipment
//! events lay claim to pings here. Kept apart from the other inputs because there are so many: 32 bytes each. The
//! verdicts of a vehicle, one after the other, are judged here, too.

use rustc_hash::FxHashMap;

use crate::Record;
use crate::facts::{At, Findings, Registry, Topic, digest};
use crate::input::fleet;
use crate::inputs::{Claim, Claimed, Reason};
use crate::report::Kind;
use crate::wire::fleet::{Verdict, VerdictKind};

/// Bits of [`Ping::marks`].
mod mark {
    /// It does not read as `wire.md` says, so nothing but a dead letter may follow.
    pub const MALFORMED: u8 = 1;
    pub const DEAD: u8 = 1 << 1;
    pub const ACCEPTED: u8 = 1 << 2;
    pub const DUPLICATE: u8 = 1 << 3;
    /// Another verdict than these two.
    pub const REFUSED: u8 = 1 << 4;
    /// A position or shipment event names it as its cause.
    pub const TOUCHED: u8 = 1 << 5;
    pub const JUDGED: u8 = ACCEPTED | DUPLICATE | REFUSED;
    pub const SETTLED: u8 = JUDGED | DEAD;
}

#[derive(Clone, Copy)]
struct Ping {
    offset: i64,
    timestamp: i64,
    vehicle: u32,
    /// Digest of its time.
    fix: u32,
    /// Digest of key and value.
    bytes: u32,
    marks: u8,
}

/// What an output says of a ping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PingClaim {
    pub at: At,
    pub partition: i32,
    pub offset: i64,
    pub what: OfPing,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OfPing {
    Verdict {
        kind: VerdictKind,
        vehicle: u32,
        fix: Option<u32>,
    },
    /// A position or shipment event, by this vehicle.
    Led {
        vehicle: u32,
        word: &'static str,
    },
    Dead {
        bytes: u64,
        reason: Reason,
    },
}

/// A ping waits so long for older ones before it is judged, by the records' time: the newest ones of a log may be waiting
/// still.
const MOST_WAIT_MS: i64 = 10_000;
/// So many fixes in a row that agree with each other are believed, however far they are from the last one.
const AGREEING_FIXES: usize = 3;

/// The verdicts on one vehicle's pings so far.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// The largest fix time of any verdict, and of an acceptance.
    newest: i64,
    accepted: i64,
}

#[derive(Default)]
pub(crate) struct Pings {
    partitions: FxHashMap<i32, Vec<Ping>>,
    /// Outputs that were read before their cause.
    waiting: Vec<PingClaim>,
    /// Verdicts are written.
    judged: bool,
    vehicles: FxHashMap<u32, Judged>,
}

impl Pings {
    pub fn add(&mut self, at: At, record: &Record, registry: &mut Registry) {
        let read = record.key.zip(record.value).and_then(|(key, value)| fleet::ping(key, value).zip(std::str::from_utf8(key).ok()));
        let (fix, vehicle, marks) = match read {
            Some((fix_time, key)) => (digest(&fix_time) as u32, registry.vehicles.number(key), 0),
            None => (0, 0, mark::MALFORMED),
        };
        let bytes = digest(&(record.key, record.value)) as u32;
        let ping = Ping { offset: at.offset, timestamp: record.timestamp, vehicle, fix, bytes, marks };
        self.partitions.entry(at.partition).or_default().push(ping);
    }

    /// False if the ping has not been read yet; the claim waits for [`Pings::settle`].
    pub fn claim(&mut self, claim: PingClaim, registry: &Registry, findings: &mut Findings) -> bool {
        self.judged |= matches!(claim.what, OfPing::Verdict { .. });
        let ping = self.partitions.get_mut(&claim.partition).and_then(|pings| {
            let index = find(pings, claim.offset)?;
            pings.get_mut(index)
        });
        match ping {
            Some(ping) => apply(ping, &claim, registry, findings),
            None => self.waiting.push(claim),
        }
        self.waiting.is_empty()
    }

    /// The next verdict on a vehicle's pings, with its fix time: acceptances never go back, and what is late is older than
    /// something that was judged.
    pub fn verdict(&mut self, vehicle: u32, v: &Verdict, at: At, findings: &mut Findings) {
        let Some(fix_time) = v.fix_millis else { return };
        let judged = self.vehicles.entry(vehicle).or_insert(Judged { newest: i64::MIN, accepted: i64::MIN });
        let name = &v.vehicle_id;
        if v.kind == VerdictKind::Accepted {
            if fix_time <= judged.accepted {
                findings.add(Kind::TimeBackwards, at, format!("a fix of vehicle {name} is accepted that is not newer than the one before"));
            }
            judged.accepted = judged.accepted.max(fix_time);
        }
        if v.kind == VerdictKind::Late && fix_time > judged.newest {
            findings.add(
                Kind::WrongVerdict,
                at,
                format!("the ping of vehicle {name} is called late, and is newer than all that were judged"),
            );
        }
        judged.newest = judged.newest.max(fix_time);
    }

    /// May the vehicle have been believed to be elsewhere between two pings, however far? Only after enough fixes that agree,
    /// of which all but the last were refused at first. Pings may overtake each other, so what came shortly before the one
    /// or after the other counts, too.
    pub fn may_jump(&self, vehicle: u32, from: (i32, i64), to: (i32, i64)) -> bool {
        let Some(pings) = self.partitions.get(&to.0).filter(|_| from.0 == to.0) else { return false };
        let (Some(first), Some(last)) = (find(pings, from.1), find(pings, to.1)) else { return false };
        let begin = pings[first].timestamp.saturating_sub(MOST_WAIT_MS);
        let end = pings[last].timestamp.saturating_add(MOST_WAIT_MS);
        let own = pings.iter().filter(|ping| ping.vehicle == vehicle && (begin..=end).contains(&ping.timestamp));
        if self.judged {
            return own.filter(|ping| ping.marks & mark::REFUSED != 0).nth(AGREEING_FIXES - 2).is_some();
        }
        own.filter(|ping| ping.offset != from.1 && ping.marks & mark::MALFORMED == 0).nth(AGREEING_FIXES - 1).is_some()
    }

    /// All is read: the claims that waited.
    pub fn settle(&mut self, registry: &Registry, findings: &mut Findings) {
        for claim in std::mem::take(&mut self.waiting) {
            self.claim(claim, registry, findings);
        }
        for claim in std::mem::take(&mut self.waiting) {
            let last = self.partitions.get(&claim.partition).and_then(|pings| pings.last()).map(|ping| ping.offset);
            if !findings.options.complete && last.is_none_or(|last| claim.offset > last) {
                findings.counts().pending += 1; // Read before the topic's end had come so far.
            } else {
                let name = findings.names.of(Topic::GpsPings);
                let message = format!("its cause {name}/{}/{} is not there", claim.partition, claim.offset);
                findings.add(Kind::UnknownCause, claim.at, message);
            }
        }
    }

    /// Every ping has one verdict, if verdicts are written, or is a dead letter; what cannot be read is one.
    pub fn finish(self, registry: &Registry, findings: &mut Findings) {
        let judged = self.judged;
        let mut partitions: Vec<_> = self.partitions.into_iter().collect();
        partitions.sort_unstable_by_key(|(partition, _)| *partition);
        for (partition, pings) in partitions {
            let newest = pings.iter().map(|ping| ping.timestamp).max().unwrap_or_default();
            let last = pings.iter().rev().find(|ping| ping.marks & mark::SETTLED != 0).map_or(i64::MIN, |ping| ping.offset);
            for ping in &pings {
                let at = At { topic: Topic::GpsPings, partition, offset: ping.offset };
                let vehicle = || registry.vehicles.text(ping.vehicle);
                if ping.marks & mark::DEAD != 0 {
                    if ping.marks & (mark::JUDGED | mark::TOUCHED) != 0 {
                        let message = format!("the ping of vehicle {} took effect and is a dead letter", vehicle());
                        findings.add(Kind::OutcomeAndDeadLetter, at, message);
                    }
                    continue;
                }
                let malformed = ping.marks & mark::MALFORMED != 0;
                if ping.marks & mark::JUDGED != 0 || !(malformed || judged) {
                    continue;
                }
                if !malformed && ping.timestamp.saturating_add(MOST_WAIT_MS) >= newest {
                    findings.counts().waiting_pings += 1;
                } else if !findings.options.complete && (ping.offset > last || findings.in_flight(Topic::GpsPings, ping.timestamp)) {
                    findings.counts().pending += 1;
                } else if malformed {
                    findings.add(Kind::NoOutcome, at, "the malformed ping is no dead letter".into());
                } else {
                    let message = format!("the ping of vehicle {} has neither verdict nor dead letter", vehicle());
                    findings.add(Kind::NoOutcome, at, message);
                }
            }
            if judged {
                repeated(partition, &pings, registry, findings);
            }
        }
    }
}

/// A fix is accepted once, and a duplicate is one of another that was judged.
fn repeated(partition: i32, pings: &[Ping], registry: &Registry, findings: &mut Findings) {
    let mut order: Vec<u32> = (0..pings.len() as u32).filter(|&i| pings[i as usize].marks & mark::JUDGED != 0).collect();
    order.sort_unstable_by_key(|&i| (pings[i as usize].vehicle, pings[i as usize].fix, i));
    let same = |a: &u32, b: &u32| {
        let (a, b) = (pings[*a as usize], pings[*b as usize]);
        (a.vehicle, a.fix) == (b.vehicle, b.fix)
    };
    for group in order.chunk_by(same) {
        let judged = |bits: u8| group.iter().map(|&i| &pings[i as usize]).filter(move |ping| ping.marks & bits != 0);
        for again in judged(mark::ACCEPTED).skip(1) {
            let at = At { topic: Topic::GpsPings, partition, offset: again.offset };
            let message = format!("the fix of vehicle {} was accepted, as was the same one before", registry.vehicles.text(again.vehicle));
            findings.add(Kind::AppliedTwice, at, message);
        }
        if judged(mark::ACCEPTED | mark::REFUSED).next().is_none()
            && let Some(first) = judged(mark::DUPLICATE).next()
        {
            let at = At { topic: Topic::GpsPings, partition, offset: first.offset };
            let vehicle = registry.vehicles.text(first.vehicle);
            findings.add(Kind::WrongVerdict, at, format!("the ping of vehicle {vehicle} is called a duplicate, and there is no other"));
        }
    }
}

/// Offsets have few gaps, so the first guess is nearly always right.
fn find(pings: &[Ping], offset: i64) -> Option<usize> {
    let first = pings.first()?.offset;
    let guess = usize::try_from(offset.checked_sub(first)?).ok()?;
    if pings.get(guess).is_some_and(|ping| ping.offset == offset) {
        return Some(guess);
    }
    pings.binary_search_by_key(&offset, |ping| ping.offset).ok()
}

/// Notes on the ping what the output says of it.
fn apply(ping: &mut Ping, claim: &PingClaim, registry: &Registry, findings: &mut Findings) {
    let name = |findings: &Findings| format!("{}/{}/{}", findings.names.of(Topic::GpsPings), claim.partition, claim.offset);
    let (vehicle, word) = match claim.what {
        OfPing::Verdict { kind, vehicle, .. } => (vehicle, kind.word()),
        OfPing::Led { vehicle, word } => (vehicle, word),
        OfPing::Dead { bytes, reason } => {
            if ping.marks & mark::DEAD != 0 {
                findings.add(Kind::TwoDeadLetters, claim.at, format!("{} is a dead letter already", name(findings)));
            }
            ping.marks |= mark::DEAD;
            if bytes as u32 != ping.bytes {
                findings.add(Kind::DeadLetterBytes, claim.at, format!("key or value differ from {}", name(findings)));
            }
            if reason == Reason::InvalidJson && ping.marks & mark::MALFORMED == 0 {
                findings.add(Kind::WrongReason, claim.at, format!("{} has a well-formed value", name(findings)));
            }
            return;
        }
    };
    if ping.marks & mark::MALFORMED != 0 {
        let message = format!("`{word}` cannot follow from its cause {}, a malformed record", name(findings));
        findings.add(Kind::WrongCause, claim.at, message);
        return;
    }
    if vehicle != ping.vehicle {
        let message = format!("`{word}` has the cause {}, a ping of vehicle {}", name(findings), registry.vehicles.text(ping.vehicle));
        findings.add(Kind::WrongCause, claim.at, message);
        return;
    }
    match claim.what {
        OfPing::Verdict { kind, fix, .. } => {
            if fix.is_some_and(|fix| fix != ping.fix) {
                findings.add(Kind::WrongVerdict, claim.at, format!("its fix_time is not that of {}", name(findings)));
            }
            if ping.marks & mark::JUDGED != 0 {
                findings.add(Kind::AnsweredTwice, claim.at, format!("{} has a verdict already", name(findings)));
            }
            ping.marks |= match kind {
                VerdictKind::Accepted => mark::ACCEPTED,
                VerdictKind::Duplicate => mark::DUPLICATE,
                _ => mark::REFUSED,
            };
        }
        _ => ping.marks |= mark::TOUCHED,
    }
}

impl PingClaim {
    /// The claim on a ping, as an output makes it on any input. None if a ping cannot lead to such a thing at all.
    pub fn of(claim: &Claim) -> Option<PingClaim> {
        let what = match claim.what {
            Claimed::Shipment { vehicle, .. } => OfPing::Led { vehicle, word: claim.what.word() },
            Claimed::Position => OfPing::Led { vehicle: claim.subject, word: claim.what.word() },
            Claimed::DeadLetter { bytes, reason } => OfPing::Dead { bytes, reason },
            _ => return None,
        };
        Some(PingClaim { at: claim.at, partition: claim.cause.partition, offset: claim.cause.offset, what })
    }
}
