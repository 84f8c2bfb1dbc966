//! How a reader reads what was written with another schema: the rules of Avro's schema resolution, worked out once.
//! Fields are found by name or the reader's alias, dropped, or filled from the reader's default; numbers are promoted;
//! finer instants become milliseconds. What cannot be is [`Incompatible`].

use std::fmt;

use crate::tree::{Enum, Record, Type, Unit};

/// The reader's schema cannot read the writer's: what stands in the way, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatible {
    /// The field, such as `lines[].quantity`; empty for the record itself.
    pub path: String,
    pub message: String,
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Incompatible {}

impl Incompatible {
    fn new(message: String) -> Incompatible {
        Incompatible { path: String::new(), message }
    }

    fn within(mut self, step: &str) -> Incompatible {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

/// What to do with the next bytes of a datum.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    /// An instant, in units of which so many make one of the reader's; cut towards the past.
    Instant(i64),
    /// The same as text.
    InstantText(i64, fn(i64) -> String),
    Float,
    Double,
    /// A number that is read as another one.
    IntAsFloat,
    IntAsDouble,
    LongAsFloat,
    LongAsDouble,
    FloatAsDouble,
    Bytes,
    String,
    StringAsBytes,
    Fixed(usize),
    /// The reader's symbol for each of the writer's; `Err`: the writer's symbol, which the reader does not know.
    Enum(Vec<Result<Box<str>, Box<str>>>),
    Array {
        item: Box<Node>,
        least: usize,
    },
    Map {
        value: Box<Node>,
        least: usize,
    },
    /// The writer's branches.
    Union(Vec<Node>),
    Record(Steps),
    /// A branch that the reader has no place for: only a record that chooses it is refused.
    Unresolved(Box<str>),
}

/// The writer's fields in the order of their bytes, then what the reader has of its own.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub steps: Vec<Step>,
    pub defaults: Vec<(Box<str>, serde_json::Value)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The reader's name for it, or the writer's for what the reader leaves out.
    pub name: Box<str>,
    pub kept: bool,
    pub node: Node,
}

pub(crate) fn resolve(writer: &Type, reader: &Type) -> Result<Node, Incompatible> {
    use Type as T;
    let differ = || Err(Incompatible::new(format!("written as {}, to be read as {}", writer.title(), reader.title())));
    match (writer, reader) {
        (T::Union(branches), _) => {
            let nodes: Vec<Result<Node, Incompatible>> = branches.iter().map(|branch| resolve(branch, reader)).collect();
            if nodes.iter().all(Result::is_err) {
                return differ();
            }
            let unresolved = |e: Incompatible| Node::Unresolved(e.to_string().into());
            Ok(Node::Union(nodes.into_iter().map(|node| node.unwrap_or_else(unresolved)).collect()))
        }
        (_, T::Union(branches)) => {
            // The branch of the same name, or else the first that fits.
            let same = branches.iter().filter(|branch| is_same_named(writer, branch));
            let tried: Vec<Result<Node, Incompatible>> = same.chain(branches).map(|branch| resolve(writer, branch)).collect();
            let mut why: Option<Incompatible> = None;
            for result in tried {
                match result {
                    Ok(node) => return Ok(node),
                    // The deepest reason says most: a field within a record rather than that it is no null.
                    Err(e) if why.as_ref().is_none_or(|w| e.path.len() > w.path.len()) => why = Some(e),
                    Err(_) => {}
                }
            }
            match why {
                Some(why) if !why.path.is_empty() => Err(why),
                _ => differ(),
            }
        }
        (T::Null, T::Null) => Ok(Node::Null),
        (T::Boolean, T::Boolean) => Ok(Node::Boolean),
        (T::Int, T::Int | T::Long | T::Instant(_)) => Ok(Node::Int),
        (T::Int, T::Float) => Ok(Node::IntAsFloat),
        (T::Int, T::Double) => Ok(Node::IntAsDouble),
        (T::Long | T::Instant(_), T::Long) => Ok(Node::Long),
        // A number that does not say what it is, is taken for what the reader has.
        (T::Long, T::Instant(_)) => Ok(Node::Instant(1)),
        (T::Long, T::Float) => Ok(Node::LongAsFloat),
        (T::Long, T::Double) => Ok(Node::LongAsDouble),
        (T::Instant(from), T::Instant(to)) => instant(*from, *to).map_or_else(differ, Ok),
        (T::Float, T::Float) => Ok(Node::Float),
        (T::Float, T::Double) => Ok(Node::FloatAsDouble),
        (T::Double, T::Double) => Ok(Node::Double),
        (T::Bytes, T::Bytes) => Ok(Node::Bytes),
        (T::Bytes | T::String, T::String) => Ok(Node::String),
        (T::String, T::Bytes) => Ok(Node::StringAsBytes),
        (T::Fixed(w), T::Fixed(r)) if w.size == r.size && r.name.is(&w.name) => Ok(Node::Fixed(w.size)),
        (T::Enum(w), T::Enum(r)) if r.name.is(&w.name) => symbols(w, r),
        (T::Array(w), T::Array(r)) => {
            Ok(Node::Array { item: Box::new(resolve(w, r).map_err(|e| e.within("[]"))?), least: w.least_bytes() })
        }
        (T::Map(w), T::Map(r)) => {
            // A key has a byte at least.
            Ok(Node::Map { value: Box::new(resolve(w, r).map_err(|e| e.within("{}"))?), least: w.least_bytes() + 1 })
        }
        (T::Record(w), T::Record(r)) => {
            if !r.name.is(&w.name) {
                return Err(Incompatible::new(format!("it is written as `{}`, and `{}` is to be read", w.name.full, r.name.full)));
            }
            record(w, r)
        }
        (T::Logical { name: w, plain: from }, T::Logical { name: r, plain: to }) if w == r => resolve(from, to),
        _ => differ(),
    }
}

fn is_same_named(writer: &Type, reader: &Type) -> bool {
    match (writer, reader) {
        (Type::Record(w), Type::Record(r)) => r.name.is(&w.name),
        (Type::Enum(w), Type::Enum(r)) => r.name.is(&w.name),
        (Type::Fixed(w), Type::Fixed(r)) => r.name.is(&w.name),
        _ => writer == reader,
    }
}

impl Node {
    /// Gives instants as text from now on.
    pub fn with_text(&mut self, text: fn(i64) -> String) {
        match self {
            Node::Instant(units) => *self = Node::InstantText(*units, text),
            Node::Array { item, .. } => item.with_text(text),
            Node::Map { value, .. } => value.with_text(text),
            Node::Union(branches) => branches.iter_mut().for_each(|branch| branch.with_text(text)),
            Node::Record(record) => record.steps.iter_mut().for_each(|step| step.node.with_text(text)),
            _ => {}
        }
    }
}

/// Finer instants are cut to the reader's; coarser ones would claim to know more than they do.
fn instant(from: Unit, to: Unit) -> Option<Node> {
    let factor = from.per_millisecond() / to.per_millisecond();
    match factor {
        0 => None,
        units => Some(Node::Instant(units)),
    }
}

fn symbols(writer: &Enum, reader: &Enum) -> Result<Node, Incompatible> {
    let each = writer.symbols.iter().map(|symbol| {
        if reader.symbols.contains(symbol) { Ok(symbol.clone()) } else { reader.default.clone().ok_or_else(|| symbol.clone()) }
    });
    let each: Vec<_> = each.collect();
    if each.iter().all(Result::is_err) {
        return Err(Incompatible::new(format!("none of the symbols of `{}` is known", writer.name.full)));
    }
    Ok(Node::Enum(each))
}

fn record(writer: &Record, reader: &Record) -> Result<Node, Incompatible> {
    let written = |name: &str| writer.fields.iter().position(|w| *w.name == *name);
    // Which of the writer's fields each of the reader's is: by its name, or else by an alias.
    let sources: Vec<Option<usize>> =
        reader.fields.iter().map(|r| written(&r.name).or_else(|| r.aliases.iter().find_map(|alias| written(alias)))).collect();
    let mut steps = vec![];
    for (i, field) in writer.fields.iter().enumerate() {
        let readers = reader.fields.iter().zip(&sources).filter(|(_, source)| **source == Some(i)).map(|(r, _)| r);
        let mut readers = readers.collect::<Vec<_>>().into_iter();
        match (readers.next(), readers.next()) {
            (None, _) => {
                // Passed over, and checked all the same.
                let node = resolve(&field.of, &field.of).map_err(|e| e.within(&field.name))?;
                steps.push(Step { name: field.name.clone(), kept: false, node });
            }
            (Some(r), None) => {
                let node = resolve(&field.of, &r.of).map_err(|e| e.within(&r.name))?;
                steps.push(Step { name: r.name.clone(), kept: true, node });
            }
            (Some(first), Some(second)) => {
                return Err(Incompatible::new(format!(
                    "`{}` is written, which is both `{}` and `{}`",
                    field.name, first.name, second.name
                )));
            }
        }
    }
    let mut defaults = vec![];
    for (field, source) in reader.fields.iter().zip(&sources) {
        match (source, &field.default) {
            (Some(_), _) => {}
            (None, Some(default)) => defaults.push((field.name.clone(), default.clone())),
            (None, None) => {
                return Err(Incompatible::new("it is not written and has no default".into()).within(&field.name));
            }
        }
    }
    Ok(Node::Record(Steps { steps, defaults }))
}
