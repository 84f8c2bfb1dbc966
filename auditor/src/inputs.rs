//! All input records but pings, and what became of each: an outcome, a dead letter, or nothing because an earlier
//! record said the same. Outputs lay claim to their causes here. Knows nothing of stock and of an order's course.

use rustc_hash::FxHashMap;

use crate::facts::{At, Findings, Registry, Role, Topic, Units};
use crate::input::{Class, Input, effect, mark};
use crate::report::Kind;
use crate::wire::catalogue::ProductKind;
use crate::wire::fleet::ShipmentKind;
use crate::wire::{EventKind, MovementKind};

/// An output says that an input record led to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// The output.
    pub at: At,
    /// The input.
    pub cause: At,
    /// Number of the order, SKU, shipment or vehicle that the output is about; unused for dead letters.
    pub subject: u32,
    pub what: Claimed,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Claimed {
    Event {
        kind: EventKind,
        /// It says that a payment or shipment came before its order: a word, not the last one.
        early: bool,
        /// Of its lines, as [`Role::Line`] and as [`Role::Back`].
        lines: [Units; 2],
    },
    Movement {
        kind: MovementKind,
        sku: u32,
        location: u32,
        /// What it contributes to a restock or count: units moved, or for `adjusted` units left.
        units: i64,
    },
    Shipment {
        kind: ShipmentKind,
        vehicle: u32,
    },
    Position,
    Product {
        kind: ProductKind,
    },
    /// An alert or forecast: anything that changed a figure may be its cause.
    View {
        word: &'static str,
    },
    DeadLetter {
        /// Digest of key and value.
        bytes: u64,
        reason: Reason,
    },
}

impl Claimed {
    pub fn word(self) -> &'static str {
        match self {
            Claimed::Event { kind, .. } => kind.word(),
            Claimed::Movement { kind, .. } => kind.word(),
            Claimed::Shipment { kind, .. } => kind.word(),
            Claimed::Position => "position",
            Claimed::Product { kind } => kind.word(),
            Claimed::View { word } => word,
            Claimed::DeadLetter { .. } => "dead letter",
        }
    }

    /// May a record of this class lead to it?
    fn follows_from(self, class: Class) -> bool {
        match self {
            Claimed::Event { kind, .. } => class.leads_to_event(kind),
            Claimed::Movement { kind, .. } => class.leads_to_movement(kind),
            Claimed::Shipment { kind, .. } => class.leads_to_shipment(kind),
            Claimed::Position => class.of_shipment(),
            Claimed::Product { kind } => class.leads_to_product(kind),
            Claimed::View { .. } => class != Class::Malformed,
            Claimed::DeadLetter { .. } => true,
        }
    }

    /// Must it be about the very subject of such a cause? What a shipment carries is looked up elsewhere.
    fn shares_subject(self, class: Class) -> bool {
        match self {
            Claimed::Event { .. } | Claimed::Movement { .. } => !class.of_shipment(),
            Claimed::Product { .. } => true,
            _ => false,
        }
    }
}

/// A claim whose cause is known and fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub claim: Claim,
    pub class: Class,
    /// Of the cause.
    pub subject: u32,
}

/// Dead letter reasons that the record itself can disprove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    MissingKey,
    MissingValue,
    InvalidUtf8,
    InvalidJson,
    ConflictingDuplicate,
    Other,
}

/// One input partition.
#[derive(Default)]
struct Partition {
    /// By rising offset.
    records: Vec<Input>,
}

impl Partition {
    /// Offsets have few gaps, so the first guess is nearly always right.
    fn find(&self, offset: i64) -> Option<usize> {
        let first = self.records.first()?.offset;
        let guess = usize::try_from(offset.checked_sub(first)?).ok()?;
        if self.records.get(guess).is_some_and(|input| input.offset == offset) {
            return Some(guess);
        }
        self.records.binary_search_by_key(&offset, |input| input.offset).ok()
    }
}

#[derive(Default)]
pub(crate) struct Inputs {
    partitions: FxHashMap<(Topic, i32), Partition>,
    /// Outputs that were read before their cause. Few, if input topics are read first.
    waiting: Vec<Claim>,
}

impl Inputs {
    pub fn add(&mut self, at: At, input: Input) {
        self.partitions.entry((at.topic, at.partition)).or_default().records.push(input);
    }

    /// Returns the claim if its cause is known and fits; a claim on an unknown record waits for [`Inputs::settle`].
    pub fn claim(&mut self, claim: Claim, registry: &Registry, findings: &mut Findings) -> Option<Settled> {
        let input = self.partitions.get_mut(&(claim.cause.topic, claim.cause.partition)).and_then(|partition| {
            let index = partition.find(claim.cause.offset)?;
            partition.records.get_mut(index)
        });
        if let Some(input) = input {
            apply(input, &claim, registry, findings).then_some(Settled { claim, class: input.class, subject: input.subject })
        } else {
            self.waiting.push(claim);
            None
        }
    }

    /// All is read: the claims that waited, as [`Inputs::claim`] returns them.
    pub fn settle(&mut self, registry: &Registry, findings: &mut Findings) -> Vec<Settled> {
        let waiting = std::mem::take(&mut self.waiting);
        let settled = waiting.into_iter().filter_map(|claim| self.claim(claim, registry, findings)).collect();
        for claim in std::mem::take(&mut self.waiting) {
            let At { topic, partition, offset } = claim.cause;
            let last = self.partitions.get(&(topic, partition)).and_then(|p| p.records.last()).map(|input| input.offset);
            if !findings.options.complete && last.is_none_or(|last| offset > last) {
                findings.counts().pending += 1; // Read before the input topic's end had come so far.
            } else {
                let message = format!("its cause {}/{partition}/{offset} is not there", findings.names.of(topic));
                findings.add(Kind::UnknownCause, claim.at, message);
            }
        }
        settled
    }

    /// Every input record has an outcome, or is a dead letter, or says what an earlier one said.
    pub fn finish(self, known: &Known, registry: &Registry, findings: &mut Findings) {
        let mut partitions: Vec<_> = self.partitions.into_iter().collect();
        partitions.sort_unstable_by_key(|((topic, partition), _)| (*topic as u8, *partition));
        let elsewhere = Elsewhere::of(&partitions);
        for ((topic, partition), Partition { records }) in partitions {
            // A key stays in one partition, so repeated records meet here, but for spellings of one SKU.
            let mut order: Vec<u32> = (0..records.len() as u32).collect();
            order.sort_unstable_by_key(|&i| (records[i as usize].id, i));
            let answered = records.iter().rev().find(|input| input.marks & (mark::ANSWERED | mark::DEAD) != 0);
            let mut check = Check {
                topic,
                partition,
                answered: answered.map_or(i64::MIN, |input| input.offset),
                before: None,
                elsewhere: &elsewhere,
                known,
                registry,
                findings: &mut *findings,
            };
            for index in order {
                check.input(&records[index as usize]);
            }
        }
    }
}

/// Notes on the input what the output says of it. False if the two do not belong together.
fn apply(input: &mut Input, claim: &Claim, registry: &Registry, findings: &mut Findings) -> bool {
    let names_it = |findings: &Findings| {
        let At { topic, partition, offset } = claim.cause;
        format!("{}/{partition}/{offset}", findings.names.of(topic))
    };
    let word = claim.what.word();
    if !claim.what.follows_from(input.class) {
        let message = format!("`{word}` cannot follow from its cause {}, a {}", names_it(findings), input.class.word());
        findings.add(Kind::WrongCause, claim.at, message);
        return false;
    }
    if claim.subject != input.subject && claim.what.shares_subject(input.class) {
        let about = subject(input, registry);
        let message = format!("`{word}` has the cause {}, which is about {about}", names_it(findings));
        findings.add(Kind::WrongCause, claim.at, message);
        return false;
    }
    match claim.what {
        Claimed::Event { kind, lines, early } => {
            input.marks |= mark::TOUCHED | if early { mark::EARLY } else { mark::SETTLED };
            if input.class.of_shipment() {
                told(input, kind, early, claim.subject);
            } else {
                event(input, kind, lines);
            }
        }
        Claimed::Movement { kind, sku, location, units } => {
            input.marks |= mark::TOUCHED;
            movement(input, kind, sku, location, units);
        }
        Claimed::Shipment { kind, .. } => {
            input.marks |= mark::TOUCHED | if input.class.is_answered_by_shipment(kind) { mark::ANSWERED } else { 0 };
        }
        Claimed::Position | Claimed::View { .. } => input.marks |= mark::TOUCHED,
        Claimed::Product { .. } => {
            if input.has(mark::ANSWERED) && input.class != Class::FeedbackProduct {
                findings.add(Kind::AnsweredTwice, claim.at, format!("{} has an outcome already", names_it(findings)));
            }
            input.marks |= mark::TOUCHED | mark::ANSWERED;
        }
        Claimed::DeadLetter { bytes, reason } => {
            if input.has(mark::DEAD) {
                findings.add(Kind::TwoDeadLetters, claim.at, format!("{} is a dead letter already", names_it(findings)));
            }
            input.marks |= mark::DEAD;
            if reason == Reason::ConflictingDuplicate {
                input.marks |= mark::CONFLICT;
            }
            if bytes != input.bytes {
                findings.add(Kind::DeadLetterBytes, claim.at, format!("key or value differ from {}", names_it(findings)));
            }
            if let Some(truth) = disproof(input, reason) {
                findings.add(Kind::WrongReason, claim.at, format!("{} has {truth}", names_it(findings)));
            }
        }
    }
    true
}

fn event(input: &mut Input, kind: EventKind, [lines, back]: [Units; 2]) {
    if input.class.is_answered_by(kind) {
        input.marks |= mark::ANSWERED;
    }
    match (input.class, kind) {
        (Class::Place, EventKind::Rejected) | (_, EventKind::Noted) => input.marks |= mark::REFUSED,
        (Class::Place, EventKind::Accepted) => input.balance -= lines,
        (
            Class::Ship | Class::Cancel | Class::Return | Class::ReturnScrap,
            EventKind::PartShipped | EventKind::Shipped | EventKind::Cancelled | EventKind::Returned,
        ) => {
            if input.has(mark::LINES) {
                input.balance -= lines;
            }
            if input.class == Class::Return {
                input.balance += back; // So many have to come back to a shelf.
            }
        }
        _ => {}
    }
}

/// An order has heard of its shipment.
fn told(input: &mut Input, kind: EventKind, early: bool, order: u32) {
    if input.class.is_answered_by(kind) {
        input.marks |= mark::ANSWERED;
    }
    // What it ships is said apart, and who hears before it is placed hears again.
    if !early && !input.has(mark::UNCOUNTED) && !matches!(kind, EventKind::PartShipped | EventKind::Shipped) {
        input.balance -= Units::of(1, Role::Told, order, 0);
    }
}

fn movement(input: &mut Input, kind: MovementKind, sku: u32, location: u32, units: i64) {
    match input.class {
        Class::Return => input.balance -= Units::of(units, Role::Back, sku, 0),
        Class::Received | Class::Damaged | Class::Transfer => {
            input.marks |= mark::ANSWERED;
            input.balance -= effect(kind, location, units);
        }
        Class::Count => {
            input.marks |= mark::ANSWERED;
            if kind == MovementKind::Adjusted {
                input.balance -= effect(kind, location, units);
            }
        }
        _ => {}
    }
}

/// What the record has that contradicts the reason.
fn disproof(input: &Input, reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::MissingKey if input.has(mark::KEY) => Some("a key"),
        Reason::MissingValue if input.has(mark::VALUE) => Some("a value"),
        Reason::InvalidUtf8 if input.has(mark::UTF8) => Some("a value that is UTF-8"),
        Reason::InvalidJson if input.class != Class::Malformed => Some("a well-formed value"),
        Reason::ConflictingDuplicate if input.id == 0 => Some("no id that could be repeated"),
        _ => None,
    }
}

fn subject(input: &Input, registry: &Registry) -> String {
    if input.class.of_order() {
        format!("order {}", registry.orders.text(input.subject))
    } else if input.class.of_shipment() {
        format!("shipment {}", registry.shipments.text(registry.rides.pair(input.subject).0))
    } else if input.class == Class::Malformed {
        "nobody can say what".into()
    } else {
        format!("SKU {}", registry.skus.text(input.subject))
    }
}

/// Where what came of nothing, or contradicts, took effect in another partition. Two spellings of one SKU are two keys,
/// as are an order and its delivery, so what a record repeats or contradicts may stand anywhere.
#[derive(Default)]
struct Elsewhere {
    /// By topic, id and content.
    repeated: FxHashMap<(Topic, u64, u64), Option<i32>>,
    /// By topic and id.
    contradicted: FxHashMap<(Topic, u64), Option<i32>>,
}

impl Elsewhere {
    fn of(partitions: &[((Topic, i32), Partition)]) -> Elsewhere {
        let mut wanted = Elsewhere::default();
        let spelled = |topic: Topic| matches!(topic, Topic::Restocks | Topic::StockCounts | Topic::Products | Topic::Feedback);
        let all = || {
            let partitions = partitions.iter().filter(|((topic, _), _)| spelled(*topic));
            partitions.flat_map(|((topic, partition), of)| of.records.iter().map(move |input| (*topic, *partition, input)))
        };
        for (topic, _, input) in all() {
            if input.id != 0 && input.marks & (mark::ANSWERED | mark::DEAD) == 0 && !input.class.may_be_silent() {
                wanted.repeated.insert((topic, input.id, input.content), None);
            } else if input.id != 0 && input.has(mark::CONFLICT) {
                wanted.contradicted.insert((topic, input.id), None);
            }
        }
        if !wanted.repeated.is_empty() || !wanted.contradicted.is_empty() {
            let took_effect = |input: &Input| !input.has(mark::DEAD) && (input.has(mark::ANSWERED) || input.class.may_be_silent());
            for (topic, partition, input) in all().filter(|(_, _, input)| took_effect(input)) {
                if let Some(found) = wanted.repeated.get_mut(&(topic, input.id, input.content)) {
                    *found = Some(partition);
                }
                if let Some(found) = wanted.contradicted.get_mut(&(topic, input.id)) {
                    *found = Some(partition);
                }
            }
        }
        wanted
    }

    fn contradicts(&self, topic: Topic, partition: i32, input: &Input) -> bool {
        self.contradicted.get(&(topic, input.id)).copied().flatten().is_some_and(|found| found != partition)
    }

    fn has(&self, topic: Topic, partition: i32, input: &Input) -> bool {
        let found = self.repeated.get(&(topic, input.id, input.content)).copied().flatten();
        // An update may be refused between two that say the same.
        found.is_some_and(|found| found != partition || input.class.repeats())
    }
}

/// What the others know at the end.
pub(crate) struct Known<'a> {
    /// When anything last happened to the order with this number, if it is decided or cancelled.
    pub decided: &'a dyn Fn(u32) -> Option<i64>,
    /// How often the shipment and vehicle of this pair have come to an end.
    pub ended: &'a dyn Fn(u32) -> u32,
}

/// The records of one partition, grouped by id, each group in the order of its offsets.
struct Check<'a> {
    topic: Topic,
    partition: i32,
    /// The highest offset with an outcome or a dead letter.
    answered: i64,
    /// What the group's first effective record said.
    before: Option<Before>,
    elsewhere: &'a Elsewhere,
    known: &'a Known<'a>,
    registry: &'a Registry,
    findings: &'a mut Findings,
}

struct Before {
    id: u64,
    content: u64,
    offset: i64,
}

impl Check<'_> {
    fn input(&mut self, input: &Input) {
        let before = self.before.take().filter(|before| input.id != 0 && before.id == input.id);
        let says = || format!("{} of {}", input.class.word(), subject(input, self.registry));
        let answered = input.has(mark::ANSWERED);
        if input.has(mark::DEAD) {
            if input.has(mark::TOUCHED) {
                self.found(Kind::OutcomeAndDeadLetter, input, format!("the {} took effect and is a dead letter", says()));
            }
            let contradicts = before.is_some() || self.elsewhere.contradicts(self.topic, self.partition, input);
            if input.has(mark::CONFLICT) && input.id != 0 && !contradicts {
                let message = format!("the {} is a dead letter for conflicting_duplicate, and nothing before it has its id", says());
                self.found(Kind::WrongReason, input, message);
            }
            self.before = before;
            return;
        }
        if answered {
            if let Some(before) = before.as_ref().filter(|_| !input.class.repeats()) {
                let message = format!("the {} took effect, as did the one with the same id at offset {}", says(), before.offset);
                self.found(Kind::AppliedTwice, input, message);
            }
            let of_shipment = input.class.of_shipment();
            let done = input.has(mark::REFUSED) || input.balance == Units::NONE || self.in_flight(input);
            // An order that nobody has placed has heard all that it ever may.
            let done = done || (of_shipment && (input.has(mark::EARLY) || self.findings.counts().order_events == 0));
            let unsettled = input.has(mark::EARLY) && !input.has(mark::SETTLED) && !of_shipment;
            if unsettled && (self.known.decided)(input.subject).is_some_and(|at| !self.findings.in_flight(Topic::OrderEvents, at)) {
                let message = format!("the {} was noted before its order, which is decided or cancelled, and nothing came of it", says());
                self.found(Kind::NoOutcome, input, message);
            }
            if !done {
                self.found(Kind::InputMismatch, input, format!("what came of the {} is not what it asks for", says()));
            }
        } else if before.as_ref().is_some_and(|before| before.content == input.content)
            || self.elsewhere.has(self.topic, self.partition, input)
        {
            self.findings.counts().duplicates += 1;
        } else if input.class.may_be_silent() && before.is_none() {
            // It has no output of its own.
        } else if matches!(input.class, Class::Dispatch | Class::Recall)
            && (self.known.ended)(input.subject) > u32::from(input.class == Class::Dispatch && before.is_some())
        {
            // It ended before anybody had planned it; or there was nothing left to call back.
            self.before = Some(Before { id: input.id, content: input.content, offset: input.offset });
            return;
        } else if !self.findings.options.complete && (input.offset > self.answered || self.in_flight(input)) {
            self.findings.counts().pending += 1;
        } else {
            let message = match &before {
                Some(before) => format!(
                    "the {} contradicts the one with the same id at offset {} and has neither outcome nor dead letter",
                    says(),
                    before.offset
                ),
                None => format!("the {} has neither outcome nor dead letter", says()),
            };
            self.found(Kind::NoOutcome, input, message);
            self.before = before;
            return;
        }
        let this = Before { id: input.id, content: input.content, offset: input.offset };
        self.before = if input.class.repeats() && answered { Some(this) } else { before.or(Some(this)) };
    }

    fn in_flight(&self, input: &Input) -> bool {
        self.findings.in_flight(self.topic, input.timestamp)
    }

    fn found(&mut self, kind: Kind, input: &Input, message: String) {
        self.findings.add(kind, At { topic: self.topic, partition: self.partition, offset: input.offset }, message);
    }
}
