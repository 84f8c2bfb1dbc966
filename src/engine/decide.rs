//! What happens to one record: to its task if it is here, by way of the inbox if it is not, to the dead letters if it
//! cannot be taken. Messages that follow are delivered before the next record.

use std::sync::Arc;
use std::time::Instant;

use processors::feedback::{self, Subject};
use processors::{Trigger, Verdict, catalogue as product_rules, fleet as fleet_rules, orders as order_rules, stock as stock_rules};
use schemas::avro::Undecoded;
use schemas::input::{self, Input};
use schemas::{Cause, Reason, Reject, Timestamp};
use state::Stores;

use super::message::{Body, Forward, Message};
use super::outputs::{self, MOST_AHEAD_MILLIS, Original, ahead_of_time};
use super::plan::{ClockMode, Processor, Role, TaskId};
use super::task::Task;
use super::work::{Context, Fault};
use super::worker::{Slot, Worker};
use super::{fleet, orders, products, signed, stock};
use crate::log::{HeaderRef, Log, LogError, Message as _};

/// Most headers, and most bytes of headers, that a record may carry.
const MAX_HEADERS: usize = 128;
const MAX_HEADER_BYTES: usize = 64 << 10;

impl<L: Log, S: Stores> Worker<L, S> {
    /// Decides a record that was read from the log, and all that follows from it on this worker.
    pub(super) fn decide_record(&mut self, record: &L::Message) -> Result<(), Fault> {
        let tp = record.tp();
        self.batch.began.get_or_insert_with(Instant::now);
        self.batch.decided += 1;
        match self.plan.role(tp.topic) {
            Role::Inbox(processor) => {
                let message = record.value().map_or_else(|| Err("no value".into()), Message::decode).map_err(|message| Fault::Damaged {
                    place: format!("{} at offset {}", self.plan.topics.show(tp), record.offset()),
                    message,
                })?;
                self.handle(TaskId { processor, partition: tp.partition }, message)?;
            }
            Role::Source(source) => {
                *self.batch.tally.records_in.entry(tp.topic.0).or_default() += 1;
                let headers = record.headers();
                let original = Original {
                    source,
                    partition: tp.partition,
                    offset: record.offset(),
                    timestamp: record.timestamp(),
                    key: record.key(),
                    value: record.value(),
                    headers: &headers,
                };
                self.source_record(&original, self.plan.reader_of(tp))?;
            }
            // Never subscribed.
            Role::Output => {}
        }
        self.route()
    }

    /// A source record, in the partition where its producer put it. `reader`: the task that reads this partition.
    fn source_record(&mut self, original: &Original<'_>, reader: Option<TaskId>) -> Result<(), Fault> {
        let now = self.now;
        let checked = check_headers(original.headers).and_then(|()| {
            if original.timestamp > now + MOST_AHEAD_MILLIS {
                return Err(ahead_of_time(original.timestamp, now));
            }
            input::decode_key(original.source, original.key)
        });
        let key = match checked {
            Ok(key) => key,
            Err(reject) => {
                self.dead_letter(original, &reject);
                return Ok(());
            }
        };
        self.record_time = self.record_time.max(original.timestamp);
        if self.plan.clock == ClockMode::Record {
            // Live, these holds would have run out before this record came.
            self.fire_all(original.timestamp)?;
        }
        let Some(processor) = Processor::of(original.source) else {
            return self.dispatch(&key, original);
        };
        let owner = self.plan.task_of(processor, key.as_bytes());
        if reader == Some(owner) && matches!(self.tasks.get(&owner), Some(Slot::Ready(_))) {
            return self.source_decision(owner, &key, original);
        }
        self.batch.tally.forwarded += 1;
        self.forward(processor, &key, original);
        Ok(())
    }

    /// Feedback, which belongs to no task: to the task of its subject, like a record that was forwarded, and there it
    /// is decided. That nothing is kept here makes it stateless; it is in the same transaction all the same.
    fn dispatch(&mut self, key: &str, original: &Original<'_>) -> Result<(), Fault> {
        match self.read(original, key)? {
            Ok(Input::Feedback(feedback)) => match feedback::route(&feedback) {
                Subject::Order(order_id) => self.forward(Processor::Orders, order_id, original),
                Subject::Sku(sku) => self.forward(Processor::Stock, sku, original),
            },
            Ok(other) => unreachable!("a record of `{}` was read as {other:?}", original.source.name()),
            Err(reject) => self.dead_letter(original, &reject),
        }
        Ok(())
    }

    /// The record's input, or why it cannot be taken.
    fn read<'a>(&mut self, original: &Original<'a>, key: &str) -> Result<Result<Input<'a>, Reject>, Fault> {
        match self.formats.read(&self.plan, original, key) {
            Ok(input) => Ok(Ok(input)),
            Err(Undecoded::Rejected(reject)) => Ok(Err(reject)),
            // It was known when the record was taken, and has been forgotten since: with the next try it is there again.
            Err(Undecoded::NotYet) => Err(Fault::Log(LogError::Retry("a schema is not known any more".into()))),
        }
    }

    /// Sends a source record to the task of `task_key`.
    fn forward(&mut self, to: Processor, task_key: &str, original: &Original<'_>) {
        let key = original.key.unwrap_or_default();
        let forward = Forward {
            to,
            task_key: (task_key.as_bytes() != key).then(|| task_key.into()),
            source: original.source,
            partition: original.partition,
            offset: original.offset,
            timestamp: original.timestamp,
            key: key.into(),
            value: original.value.map(Into::into),
            headers: original.headers.iter().map(|(name, value)| ((*name).into(), value.map(Into::into))).collect(),
        };
        self.outgoing.push_back(Message { body: Body::Forward(Box::new(forward)), trace: None });
    }

    /// A source record at its own task.
    fn source_decision(&mut self, id: TaskId, key: &str, original: &Original<'_>) -> Result<(), Fault> {
        let Some(used) = self.check_signature(id, original)? else { return Ok(()) };
        let input = match self.read(original, key)? {
            Ok(input) => input,
            Err(reject) => {
                self.dead_letter(original, &reject);
                return Ok(());
            }
        };
        let signed = used.is_some();
        if let Some(used) = used {
            // Not before it could be read: the same value under another key would use up its id.
            used.keep(self.at(id)?.0);
        }
        let trace = original.headers.iter().find(|(name, _)| *name == "traceparent").and_then(|(_, v)| std::str::from_utf8((*v)?).ok());
        // A record without a time happened now, as far as the task knows.
        let at = if original.timestamp > 0 { original.timestamp } else { self.record_time };
        let trigger =
            Trigger { at: Timestamp(at), cause: Cause { source: original.source, partition: original.partition, offset: original.offset } };
        let verdict = match input {
            Input::Order(command) => self.order_step(id, key, trigger, trace, order_rules::Event::Command(command))?,
            Input::Payment(payment) => self.order_step(id, key, trigger, trace, order_rules::Event::Payment(payment))?,
            Input::Restock(restock) => self.stock_step(id, key, trigger, trace, stock_rules::Event::Restock(restock), 0)?,
            Input::Count(count) => self.stock_step(id, key, trigger, trace, stock_rules::Event::Count(count), 0)?,
            Input::Ping(ping) => self.fleet_step(id, key, trigger, trace, fleet_rules::Event::Ping(ping))?,
            Input::Fleet(command) => self.fleet_step(id, key, trigger, trace, fleet_rules::Event::Command(command))?,
            Input::Product(command) => self.product_step(id, key, trigger, trace, product_rules::Event::Command { command, signed })?,
            Input::Feedback(feedback) => match feedback::route(&feedback) {
                Subject::Order(order_id) => {
                    let order_id = order_id.to_owned();
                    self.order_step(id, &order_id, trigger, trace, order_rules::Event::Feedback(feedback))?
                }
                Subject::Sku(sku) => {
                    let sku = sku.to_owned();
                    self.product_step(id, &sku, trigger, trace, product_rules::Event::Feedback(feedback))?
                }
            },
        };
        match verdict {
            Verdict::Applied => {}
            Verdict::Duplicate => self.batch.tally.duplicates += 1,
            Verdict::Refused(reject) => self.dead_letter(original, &reject),
        }
        Ok(())
    }

    /// By the rule of its topic. `None`: it is refused, and a dead letter by now. `Some(None)`: there is no id to keep.
    fn check_signature(&mut self, id: TaskId, original: &Original<'_>) -> Result<Option<Option<signed::Used>>, Fault> {
        let plan = Arc::clone(&self.plan);
        let Some(guard) = plan.guard(original.source) else { return Ok(Some(None)) };
        let Some(Slot::Ready(task)) = self.tasks.get(&id) else { return Err(not_here(id)) };
        match signed::check(task, guard, original)? {
            Ok(used) => {
                *self.batch.tally.signatures.entry((original.source, used.is_some())).or_default() += 1;
                Ok(Some(used))
            }
            Err(reject) => {
                self.dead_letter(original, &reject);
                Ok(None)
            }
        }
    }

    /// A message at its receiver.
    fn handle(&mut self, id: TaskId, message: Message) -> Result<(), Fault> {
        let trace = message.trace.as_deref();
        let verdict = match message.body {
            Body::ToStock(m) => {
                let trigger = Trigger { at: m.at, cause: m.cause };
                let event = stock_rules::Event::Command { order_id: &m.order_id, command: m.command };
                self.stock_step(id, &m.sku, trigger, trace, event, m.slot)?
            }
            Body::ToOrder(m) => {
                let trigger = Trigger { at: m.at, cause: m.cause };
                self.order_step(id, &m.order_id, trigger, trace, order_rules::Event::Reply { sku: &m.sku, slot: m.slot, reply: m.reply })?
            }
            Body::ShipmentUpdate(m) => {
                let trigger = Trigger { at: m.at, cause: m.cause };
                let event = order_rules::Event::Shipment { shipment_id: &m.shipment_id, vehicle_id: &m.vehicle_id, news: m.news };
                self.order_step(id, &m.order_id, trigger, trace, event)?
            }
            Body::ToFleet(m) => {
                let trigger = Trigger { at: m.at, cause: m.cause };
                self.fleet_step(id, &m.vehicle_id, trigger, trace, fleet_rules::Event::Message(m.body))?
            }
            Body::Forward(f) => {
                let headers: Vec<HeaderRef<'_>> = f.headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
                let original = Original {
                    source: f.source,
                    partition: f.partition,
                    offset: f.offset,
                    timestamp: f.timestamp,
                    key: Some(&f.key),
                    value: f.value.as_deref(),
                    headers: &headers,
                };
                self.record_time = self.record_time.max(f.timestamp);
                // The forwarding worker has read the key before.
                let key = input::decode_key(f.source, Some(&f.key))
                    .map_err(|e| Fault::Damaged { place: format!("a record forwarded to task {}", id.name()), message: e.to_string() })?;
                return self.source_decision(id, &key, &original);
            }
        };
        assert!(!matches!(verdict, Verdict::Refused(_)), "task {} refused a message of another task: {verdict:?}", id.name());
        Ok(())
    }

    fn order_step(
        &mut self,
        id: TaskId,
        order_id: &str,
        trigger: Trigger,
        trace: Option<&str>,
        event: order_rules::Event<'_>,
    ) -> Result<Verdict, Fault> {
        let (task, mut context) = self.at(id)?;
        orders::decide(task, &mut context, order_id, trigger, trace, event)
    }

    fn stock_step(
        &mut self,
        id: TaskId,
        sku: &str,
        trigger: Trigger,
        trace: Option<&str>,
        event: stock_rules::Event<'_>,
        slot: u32,
    ) -> Result<Verdict, Fault> {
        let (task, mut context) = self.at(id)?;
        stock::decide(task, &mut context, sku, trigger, trace, event, slot)
    }

    fn fleet_step(
        &mut self,
        id: TaskId,
        vehicle_id: &str,
        trigger: Trigger,
        trace: Option<&str>,
        event: fleet_rules::Event<'_>,
    ) -> Result<Verdict, Fault> {
        let (task, mut context) = self.at(id)?;
        fleet::decide(task, &mut context, vehicle_id, trigger, trace, event)
    }

    fn product_step(
        &mut self,
        id: TaskId,
        sku: &str,
        trigger: Trigger,
        trace: Option<&str>,
        event: product_rules::Event<'_>,
    ) -> Result<Verdict, Fault> {
        let (task, mut context) = self.at(id)?;
        products::decide(task, &mut context, sku, trigger, trace, event)
    }

    /// A task that is here, about to be touched, and what its step writes to.
    fn at(&mut self, id: TaskId) -> Result<(&mut Task<S::Store>, Context<'_>), Fault> {
        let Some(Slot::Ready(task)) = self.tasks.get_mut(&id) else { return Err(not_here(id)) };
        self.batch.touched.insert(id);
        let context = Context {
            plan: &self.plan,
            records: &mut self.batch.transaction.records,
            outgoing: &mut self.outgoing,
            tally: &mut self.batch.tally,
        };
        Ok((task, context))
    }

    /// Delivers what the last step said to others: in memory where the receiver is here and nothing older of ours can
    /// still be on its way to it, by way of its inbox otherwise.
    pub(super) fn route(&mut self) -> Result<(), Fault> {
        while let Some(message) = self.outgoing.pop_front() {
            let id = self.plan.task_of(message.receiver(), message.key());
            let inbox = self.plan.inbox(id);
            if self.takes_in_memory(id, inbox) {
                self.batch.tally.to_memory += 1;
                self.handle(id, message)?;
            } else {
                self.send(inbox, &message);
            }
        }
        Ok(())
    }

    /// By way of the receiver's inbox.
    pub(super) fn send(&mut self, inbox: crate::log::Tp, message: &Message) {
        self.batch.tally.to_inbox += 1;
        self.batch.transaction.records.push_with(inbox, Some(message.key()), None, &[], |out| message.encode(out));
        if let Some(own) = self.inboxes.get_mut(&inbox) {
            own.sending = true;
            self.batch.sent_to_own.insert(inbox);
        }
    }

    fn takes_in_memory(&self, id: TaskId, inbox: crate::log::Tp) -> bool {
        let Some(state) = self.inboxes.get(&inbox) else { return false };
        !state.sending
            && self.inputs.position(inbox).is_some_and(|position| position >= state.reach)
            && matches!(self.tasks.get(&id), Some(Slot::Ready(_)))
    }

    fn dead_letter(&mut self, original: &Original<'_>, reject: &Reject) {
        *self.batch.tally.dead_letters.entry(reject.reason).or_default() += 1;
        tracing::debug!(
            topic = self.plan.source_name(original.source),
            partition = original.partition,
            offset = original.offset,
            "dead letter: {reject}"
        );
        outputs::dead_letter(&self.plan, &mut self.batch.transaction.records, original, reject);
    }
}

/// A task gets records and messages only while it is here.
fn not_here(id: TaskId) -> Fault {
    Fault::Damaged { place: format!("task {}", id.name()), message: "a record came for a task that is not here".into() }
}

fn check_headers(headers: &[HeaderRef<'_>]) -> Result<(), Reject> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(Reject::new(
            Reason::TooManyHeaders,
            format!("{} headers with {bytes} bytes; at most {MAX_HEADERS} with {MAX_HEADER_BYTES} are taken", headers.len()),
        ));
    }
    Ok(())
}
