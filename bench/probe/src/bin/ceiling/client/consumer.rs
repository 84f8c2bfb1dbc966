//! A member of a group, and what it reads. Its rebalances are librdkafka's affair.

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::thread::Thread;
use std::time::Duration;

use rdkafka::bindings as c;

use super::{ANY, Code, Group, Offsets, PATIENCE_MS, Properties, Topic, c_string, check, client, configuration};

unsafe extern "C" fn on_message(_: *mut c::rd_kafka_t, thread: *mut c_void) {
    // Safe: `Consumer::wake` gives a thread that is never freed.
    unsafe { &*thread.cast::<Thread>() }.unpark();
}

/// What a consumer was given: a record, or an event of its own.
#[repr(transparent)]
pub(crate) struct Message(NonNull<c::rd_kafka_message_t>);

// Safe: a message belongs to no thread.
unsafe impl Send for Message {}

impl Message {
    fn get(&self) -> &c::rd_kafka_message_t {
        unsafe { self.0.as_ref() }
    }

    /// What the consumer complains of; `None`: this is a record.
    pub(crate) fn error(&self) -> Option<Code> {
        Some(self.get().err).filter(|code| *code != Code::RD_KAFKA_RESP_ERR_NO_ERROR)
    }

    pub(crate) fn topic(&self) -> Topic {
        Topic(self.get().rkt)
    }

    pub(crate) fn partition(&self) -> i32 {
        self.get().partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.get().offset
    }

    pub(crate) fn key(&self) -> &[u8] {
        let message = self.get();
        // Safe: librdkafka says how long the key is; a null says that there is none.
        if message.key.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(message.key.cast(), message.key_len) } }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        unsafe { c::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

pub(crate) struct Consumer {
    client: *mut c::rd_kafka_t,
    queue: *mut c::rd_kafka_queue_t,
}

// Safe: librdkafka's handles are thread safe.
unsafe impl Send for Consumer {}
unsafe impl Sync for Consumer {}

impl Consumer {
    pub(crate) fn new(properties: &Properties, topics: &[&str]) -> Consumer {
        unsafe {
            let client = client(c::rd_kafka_type_t::RD_KAFKA_CONSUMER, configuration(properties));
            c::rd_kafka_poll_set_consumer(client);
            let list = c::rd_kafka_topic_partition_list_new(topics.len() as c_int);
            for topic in topics {
                c::rd_kafka_topic_partition_list_add(list, c_string(topic).as_ptr(), ANY);
            }
            let list = Offsets(list);
            let subscribed = c::rd_kafka_subscribe(client, list.0);
            assert!(subscribed == Code::RD_KAFKA_RESP_ERR_NO_ERROR, "subscribe: {subscribed:?}");
            Consumer { client, queue: c::rd_kafka_queue_get_consumer(client) }
        }
    }

    /// Adds at most `max` messages; waits for the first only. They come in one call, or in one call each.
    pub(crate) fn poll(&self, messages: &mut Vec<Message>, max: usize, wait: Duration, one_by_one: bool) {
        let Some(first) = self.poll_one(wait) else { return };
        messages.push(first);
        if one_by_one {
            messages.extend(std::iter::from_fn(|| self.poll_one(Duration::ZERO)).take(max - 1));
            return;
        }
        messages.reserve(max);
        let (len, more) = (messages.len(), max - 1);
        // Safe: there is room for `more` pointers, a message is its pointer, and librdkafka says how many it has written.
        unsafe {
            let room = messages.as_mut_ptr().add(len).cast();
            let count = c::rd_kafka_consume_batch_queue(self.queue, 0, room, more);
            messages.set_len(len + usize::try_from(count).unwrap_or(0));
        }
    }

    fn poll_one(&self, wait: Duration) -> Option<Message> {
        NonNull::new(unsafe { c::rd_kafka_consumer_poll(self.client, wait.as_millis() as c_int) }).map(Message)
    }

    /// Unparks a thread whenever there is something to poll.
    pub(crate) fn wake(&self, thread: Thread) {
        // Never freed: the consumer calls to the end.
        let thread = ptr::from_mut(Box::leak(Box::new(thread)));
        unsafe { c::rd_kafka_queue_cb_event_enable(self.queue, Some(on_message), thread.cast()) };
    }

    /// How many partitions it has.
    pub(crate) fn assigned(&self) -> i32 {
        self.assignment().map_or(0, |list| unsafe { (*list.0).cnt })
    }

    fn assignment(&self) -> Option<Offsets> {
        let mut list = ptr::null_mut();
        unsafe { c::rd_kafka_assignment(self.client, &raw mut list) };
        NonNull::new(list).map(|list| Offsets(list.as_ptr()))
    }

    /// Puts all its partitions back to where its group has committed, or to their start or end: what was polled while the
    /// group settled is read again.
    pub(crate) fn rewind(&self, to_end: bool) {
        const END: i64 = c::RD_KAFKA_OFFSET_END as i64;
        const BEGINNING: i64 = c::RD_KAFKA_OFFSET_BEGINNING as i64;
        let Some(list) = self.assignment() else { return };
        unsafe {
            c::rd_kafka_committed(self.client, list.0, PATIENCE_MS);
            for index in 0..(*list.0).cnt as usize {
                let element = (*list.0).elems.add(index);
                if (*element).offset < 0 {
                    (*element).offset = if to_end { END } else { BEGINNING };
                }
            }
            check(c::rd_kafka_seek_partitions(self.client, list.0, PATIENCE_MS), "seek");
        }
    }

    pub(crate) fn group(&self) -> Group {
        Group(unsafe { c::rd_kafka_consumer_group_metadata(self.client) })
    }

    /// Does not wait, and is not told whether it came about.
    pub(crate) fn commit(&self, offsets: &Offsets) {
        unsafe { c::rd_kafka_commit(self.client, offsets.0, 1) };
    }
}
