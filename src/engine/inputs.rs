//! What has been read and not yet decided, per partition, and which record comes next: the oldest.
//!
//! Sources are read in the order of their record timestamps as far as what is there allows, so that a backlog is
//! decided as it would have been live: the restock before the order that needs it, the payment before the shipment.
//! While a worker catches up it waits until every partition has a record or has reached its end once; afterwards it
//! never waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::log::{Message, Tp};

/// One assigned partition.
#[derive(Debug)]
struct Input<M> {
    tp: Tp,
    queue: VecDeque<M>,
    /// The offset after the last record taken from `queue`, or the end that was reached with nothing queued.
    position: i64,
    /// Its task takes records; nothing is read before.
    is_open: bool,
    /// Its end was reached once since it was assigned.
    caught_up: bool,
    /// An end that was heard of while records were still queued.
    heard: Option<i64>,
}

impl<M: Message> Input<M> {
    /// Passes over the control records before an end that was heard of, once everything before it has been taken.
    fn settle_end(&mut self) {
        if let Some(next) = self.heard
            && (self.position >= next || self.queue.front().is_none_or(|head| head.offset() >= next))
        {
            self.position = self.position.max(next);
            self.heard = None;
        }
    }
}

/// Unread records of all assigned partitions.
#[derive(Debug)]
pub struct Inputs<M> {
    partitions: Vec<Input<M>>,
    /// (timestamp, index) of the head of every queue that is not empty.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    queued: usize,
}

impl<M: Message> Inputs<M> {
    pub fn new() -> Inputs<M> {
        Inputs { partitions: vec![], heads: BinaryHeap::new(), queued: 0 }
    }

    /// Starts over with these partitions at these offsets. Those that are not open yet are not waited for.
    pub fn assign(&mut self, starts: &[(Tp, i64)], is_open: impl Fn(Tp) -> bool) {
        self.clear();
        self.partitions = starts
            .iter()
            .map(|&(tp, position)| Input { tp, queue: VecDeque::new(), position, is_open: is_open(tp), caught_up: false, heard: None })
            .collect();
        self.partitions.sort_by_key(|input| input.tp);
    }

    /// From now on these are read.
    pub fn open(&mut self, partitions: &[Tp]) {
        for tp in partitions {
            if let Some(i) = self.index(*tp) {
                self.partitions[i].is_open = true;
            }
        }
    }

    pub fn clear(&mut self) {
        self.partitions.clear();
        self.heads.clear();
        self.queued = 0;
    }

    fn index(&self, tp: Tp) -> Option<usize> {
        self.partitions.binary_search_by_key(&tp, |input| input.tp).ok()
    }

    /// Takes a record that was read. One of a partition that is not assigned any more is dropped: it will be read by
    /// whoever has it now.
    pub fn push(&mut self, message: M) {
        let Some(i) = self.index(message.tp()) else { return };
        let input = &mut self.partitions[i];
        if input.queue.is_empty() {
            self.heads.push(Reverse((message.timestamp(), i)));
        }
        input.queue.push_back(message);
        self.queued += 1;
    }

    /// A partition's end was reached; `next` is the offset read next.
    pub fn end(&mut self, tp: Tp, next: i64) {
        let Some(i) = self.index(tp) else { return };
        let input = &mut self.partitions[i];
        input.caught_up = true;
        input.heard = Some(next);
        input.settle_end();
    }

    /// What [`Inputs::next`] would return.
    pub fn peek(&self) -> Option<&M> {
        if self.queued < MOST_WAITING && self.is_waiting() {
            return None;
        }
        let Reverse((_, i)) = self.heads.peek()?;
        self.partitions[*i].queue.front()
    }

    /// The next record to decide. `None`: there is none, or waiting will bring an older one.
    pub fn next(&mut self) -> Option<M> {
        if self.queued < MOST_WAITING && self.is_waiting() {
            return None;
        }
        let Reverse((_, i)) = self.heads.pop()?;
        let input = &mut self.partitions[i];
        let message = input.queue.pop_front()?;
        self.queued -= 1;
        input.position = message.offset() + 1;
        input.settle_end();
        if let Some(head) = input.queue.front() {
            self.heads.push(Reverse((head.timestamp(), i)));
        }
        Some(message)
    }

    /// Some partition has neither brought a record nor reached its end since it was assigned.
    pub fn is_waiting(&self) -> bool {
        self.partitions.iter().any(|input| input.is_open && !input.caught_up && input.queue.is_empty())
    }

    /// Partitions with so much queued that they should not bring more while others are waited for.
    pub fn ahead(&self) -> impl Iterator<Item = Tp> {
        self.partitions.iter().filter(|input| input.queue.len() >= AHEAD).map(|input| input.tp)
    }

    pub fn queued(&self) -> usize {
        self.queued
    }

    /// The offset to read next.
    pub fn position(&self, tp: Tp) -> Option<i64> {
        self.index(tp).map(|i| self.partitions[i].position)
    }

    pub fn positions(&self) -> impl Iterator<Item = (Tp, i64)> {
        self.partitions.iter().map(|input| (input.tp, input.position))
    }
}

/// A partition with so many records queued is ahead of the others.
const AHEAD: usize = 500;
/// With this many records queued, the oldest is decided even though a partition has not answered yet.
const MOST_WAITING: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{HeaderRef, TopicId};

    #[derive(Debug)]
    struct At(i32, i64, i64);
    impl Message for At {
        fn tp(&self) -> Tp {
            tp(self.0)
        }
        fn offset(&self) -> i64 {
            self.1
        }
        fn timestamp(&self) -> i64 {
            self.2
        }
        fn key(&self) -> Option<&[u8]> {
            None
        }
        fn value(&self) -> Option<&[u8]> {
            None
        }
        fn headers(&self) -> Vec<HeaderRef<'_>> {
            vec![]
        }
    }

    fn tp(partition: i32) -> Tp {
        Tp::new(TopicId(0), partition)
    }

    fn drain(inputs: &mut Inputs<At>) -> Vec<(i32, i64)> {
        std::iter::from_fn(|| inputs.next()).map(|m| (m.0, m.1)).collect()
    }

    #[test]
    fn the_oldest_record_comes_first_and_partitions_keep_their_order() {
        let mut inputs = Inputs::new();
        inputs.assign(&[(tp(0), 0), (tp(1), 5)], |_| true);
        inputs.push(At(0, 0, 100));
        inputs.push(At(0, 1, 50)); // out of order in its own partition: stays behind its predecessor
        assert!(inputs.next().is_none(), "partition 1 may still bring an older one");
        inputs.push(At(1, 5, 70));
        assert_eq!(drain(&mut inputs), [(1, 5)]);
        inputs.end(tp(1), 6);
        assert_eq!(drain(&mut inputs), [(0, 0), (0, 1)]);
        inputs.end(tp(0), 4);
        assert_eq!(inputs.position(tp(0)), Some(4), "control records at the end are passed over");
        inputs.push(At(1, 6, 1));
        inputs.end(tp(1), 9);
        assert_eq!(inputs.position(tp(1)), Some(6), "what came to partition 1 since is not decided");
        assert_eq!(drain(&mut inputs), [(1, 6)], "after catching up it waits for nobody");
        assert_eq!(inputs.position(tp(1)), Some(9));
        inputs.push(At(9, 0, 0));
        assert_eq!(inputs.queued(), 0, "a partition that is not assigned");
    }

    #[test]
    fn nobody_waits_for_a_task_that_is_being_restored() {
        let mut inputs = Inputs::new();
        inputs.assign(&[(tp(0), 0), (tp(1), 0)], |tp| tp.partition == 0);
        inputs.push(At(0, 0, 100));
        assert_eq!(drain(&mut inputs), [(0, 0)]);
        inputs.open(&[tp(1)]);
        inputs.push(At(0, 1, 100));
        assert_eq!(drain(&mut inputs), [], "now it may bring an older one");
        inputs.end(tp(1), 0);
        assert_eq!(drain(&mut inputs), [(0, 1)]);
    }
}
