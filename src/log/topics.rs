//! Topic names as small numbers, so that the hot path compares and copies numbers.

use std::fmt;

/// Index of a topic in [`Topics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(pub u16);

/// A topic's partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tp {
    pub topic: TopicId,
    pub partition: i32,
}

impl Tp {
    pub fn new(topic: TopicId, partition: i32) -> Tp {
        Tp { topic, partition }
    }
}

/// Every topic that Waybill reads or writes: its name and number of partitions on the broker.
#[derive(Clone, Debug, Default)]
pub struct Topics {
    names: Vec<String>,
    partitions: Vec<i32>,
}

impl Topics {
    /// Adds a topic and returns its id.
    pub fn add(&mut self, name: &str, partitions: i32) -> TopicId {
        self.names.push(name.to_owned());
        self.partitions.push(partitions);
        TopicId((self.names.len() - 1) as u16)
    }

    pub fn name(&self, id: TopicId) -> &str {
        &self.names[usize::from(id.0)]
    }

    pub fn partitions(&self, id: TopicId) -> i32 {
        self.partitions[usize::from(id.0)]
    }

    pub fn find(&self, name: &str) -> Option<TopicId> {
        self.names.iter().position(|n| n == name).map(|i| TopicId(i as u16))
    }

    pub fn ids(&self) -> impl Iterator<Item = TopicId> + use<> {
        (0..self.names.len() as u16).map(TopicId)
    }

    /// All partitions of one topic.
    pub fn all(&self, id: TopicId) -> impl Iterator<Item = Tp> + use<> {
        (0..self.partitions(id)).map(move |p| Tp::new(id, p))
    }

    /// `orders[3]`, for messages to people.
    pub fn show(&self, tp: Tp) -> impl fmt::Display + '_ {
        struct Show<'a>(&'a str, i32);
        impl fmt::Display for Show<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}[{}]", self.0, self.1)
            }
        }
        Show(self.name(tp.topic), tp.partition)
    }
}
