//! A schema as a tree of types: references replaced by what they refer to, logical types reduced to what matters here.
//! Its size and depth are bounded, and so is whatever walks it.

use std::collections::HashMap;

use apache_avro::Schema as Parsed;
use apache_avro::schema::{FixedSchema, InnerDecimalSchema, Name, UuidSchema};

use crate::schema::{MAX_DEPTH, MAX_TYPES, SchemaFault};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// A long: an instant since the epoch.
    Instant(Unit),
    Fixed(Fixed),
    Enum(Enum),
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    Record(Record),
    /// Of a logical type whose values mean something else than the plain type's do (a decimal, a day, a local time):
    /// it resolves with the same only.
    Logical {
        name: String,
        plain: Box<Type>,
    },
}

/// How many of an instant's units make a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    pub fn per_millisecond(self) -> i64 {
        match self {
            Unit::Millis => 1,
            Unit::Micros => 1_000,
            Unit::Nanos => 1_000_000,
        }
    }
}

/// The full name of a named type, and others that it goes by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    pub full: Box<str>,
    pub aliases: Vec<Box<str>>,
}

impl Named {
    /// Whether a type that another wrote under `writer` can be this one: the names without their namespaces, as the
    /// specification has it, or an alias.
    pub fn is(&self, writer: &Named) -> bool {
        let wanted = simple(&writer.full);
        simple(&self.full) == wanted || self.aliases.iter().any(|alias| **alias == *writer.full || **alias == *wanted)
    }
}

fn simple(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub name: Named,
    pub size: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enum {
    pub name: Named,
    pub symbols: Vec<Box<str>>,
    /// What a symbol is read as that is not among them.
    pub default: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub name: Named,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub name: Box<str>,
    pub aliases: Vec<Box<str>>,
    pub default: Option<serde_json::Value>,
    pub of: Type,
}

impl Type {
    /// Bytes that a value has at least.
    pub fn least_bytes(&self) -> usize {
        match self {
            Type::Null => 0,
            Type::Float => 4,
            Type::Double => 8,
            Type::Fixed(fixed) => fixed.size,
            Type::Record(record) => record.fields.iter().map(|f| f.of.least_bytes()).sum(),
            Type::Logical { plain, .. } => plain.least_bytes(),
            Type::Boolean | Type::Int | Type::Long | Type::Instant(_) | Type::Enum(_)
            // A length, a count, the number of a branch.
            | Type::Bytes | Type::String | Type::Array(_) | Type::Map(_) | Type::Union(_) => 1,
        }
    }

    /// For messages.
    pub fn title(&self) -> String {
        match self {
            Type::Null => "null".into(),
            Type::Boolean => "boolean".into(),
            Type::Int => "int".into(),
            Type::Long => "long".into(),
            Type::Float => "float".into(),
            Type::Double => "double".into(),
            Type::Bytes => "bytes".into(),
            Type::String => "string".into(),
            Type::Instant(Unit::Millis) => "timestamp-millis".into(),
            Type::Instant(Unit::Micros) => "timestamp-micros".into(),
            Type::Instant(Unit::Nanos) => "timestamp-nanos".into(),
            Type::Fixed(fixed) => format!("fixed({})", fixed.size),
            Type::Enum(of) => of.name.full.to_string(),
            Type::Array(item) => format!("array of {}", item.title()),
            Type::Map(value) => format!("map of {}", value.title()),
            Type::Union(branches) => format!("[{}]", branches.iter().map(Type::title).collect::<Vec<_>>().join(", ")),
            Type::Record(record) => record.name.full.to_string(),
            Type::Logical { name, .. } => name.clone(),
        }
    }
}

/// The tree of `schema`, whose references are to itself or to `others`.
pub(crate) fn build(schema: &Parsed, others: &[Parsed]) -> Result<Type, SchemaFault> {
    let mut known = HashMap::new();
    for each in others.iter().chain([schema]) {
        collect(each, &mut known);
    }
    let mut builder = Builder { known: &known, open: vec![], types: 0 };
    builder.of(schema, 0)
}

/// Every named type by its full name. As deep as the schema's JSON, whose parser has a limit.
fn collect<'a>(schema: &'a Parsed, known: &mut HashMap<String, &'a Parsed>) {
    if let (Some(name), false) = (schema.name(), matches!(schema, Parsed::Ref { .. })) {
        known.insert(name.fullname(None), schema);
        for alias in schema.aliases().into_iter().flatten() {
            known.entry(alias.fullname(None)).or_insert(schema);
        }
    }
    match schema {
        Parsed::Array(array) => collect(&array.items, known),
        Parsed::Map(map) => collect(&map.types, known),
        Parsed::Union(union) => union.variants().iter().for_each(|branch| collect(branch, known)),
        Parsed::Record(record) => record.fields.iter().for_each(|field| collect(&field.schema, known)),
        _ => {}
    }
}

struct Builder<'a> {
    known: &'a HashMap<String, &'a Parsed>,
    /// Named types that are being built.
    open: Vec<String>,
    types: usize,
}

impl Builder<'_> {
    fn of(&mut self, schema: &Parsed, depth: usize) -> Result<Type, SchemaFault> {
        self.types += 1;
        if self.types > MAX_TYPES {
            return Err(SchemaFault(format!("the schema has more than {MAX_TYPES} types, each counted where it is used")));
        }
        if depth > MAX_DEPTH {
            return Err(SchemaFault(format!("the schema has types within types within types; at most {MAX_DEPTH} levels are taken")));
        }
        let logical = |name: &str, plain: Type| Ok(Type::Logical { name: name.into(), plain: Box::new(plain) });
        match schema {
            Parsed::Null => Ok(Type::Null),
            Parsed::Boolean => Ok(Type::Boolean),
            Parsed::Int => Ok(Type::Int),
            Parsed::Long => Ok(Type::Long),
            Parsed::Float => Ok(Type::Float),
            Parsed::Double => Ok(Type::Double),
            Parsed::Bytes => Ok(Type::Bytes),
            // A UUID is text in a canonical form: ids may well be that.
            Parsed::String | Parsed::Uuid(UuidSchema::String) => Ok(Type::String),
            Parsed::TimestampMillis => Ok(Type::Instant(Unit::Millis)),
            Parsed::TimestampMicros => Ok(Type::Instant(Unit::Micros)),
            Parsed::TimestampNanos => Ok(Type::Instant(Unit::Nanos)),
            Parsed::Array(array) => Ok(Type::Array(Box::new(self.item(&array.items, depth)?))),
            Parsed::Map(map) => Ok(Type::Map(Box::new(self.of(&map.types, depth + 1)?))),
            Parsed::Union(union) => {
                union.variants().iter().map(|branch| self.of(branch, depth + 1)).collect::<Result<_, _>>().map(Type::Union)
            }
            Parsed::Fixed(of) => Ok(fixed(of)),
            Parsed::Enum(of) => Ok(Type::Enum(Enum {
                name: named(&of.name, schema),
                symbols: of.symbols.iter().map(|s| s.as_str().into()).collect(),
                default: of.default.as_deref().map(Into::into),
            })),
            Parsed::Record(of) => {
                let full = of.name.fullname(None);
                if self.open.contains(&full) {
                    return Err(SchemaFault(format!("the schema's `{full}` contains itself; recursive records are not taken")));
                }
                self.open.push(full);
                let fields = of.fields.iter().map(|field| {
                    Ok(Field {
                        name: field.name.as_str().into(),
                        aliases: field.aliases.iter().map(|a| a.as_str().into()).collect(),
                        default: field.default.clone(),
                        of: self.of(&field.schema, depth + 1)?,
                    })
                });
                let fields = fields.collect::<Result<_, SchemaFault>>()?;
                self.open.pop();
                Ok(Type::Record(Record { name: named(&of.name, schema), fields }))
            }
            Parsed::Ref { name } => {
                let full = name.fullname(None);
                let known = self.known.get(&full).ok_or_else(|| SchemaFault(format!("the schema's `{full}` is not defined")))?;
                self.of(known, depth)
            }
            Parsed::Decimal(of) => {
                let plain = match &of.inner {
                    InnerDecimalSchema::Bytes => Type::Bytes,
                    InnerDecimalSchema::Fixed(of) => fixed(of),
                };
                logical(&format!("decimal({}, {})", of.precision, of.scale), plain)
            }
            Parsed::BigDecimal => logical("big-decimal", Type::Bytes),
            Parsed::Uuid(UuidSchema::Bytes) => logical("uuid", Type::Bytes),
            Parsed::Uuid(UuidSchema::Fixed(of)) => logical("uuid", fixed(of)),
            Parsed::Duration(of) => logical("duration", fixed(of)),
            Parsed::Date => logical("date", Type::Int),
            Parsed::TimeMillis => logical("time-millis", Type::Int),
            Parsed::TimeMicros => logical("time-micros", Type::Long),
            Parsed::LocalTimestampMillis => logical("local-timestamp-millis", Type::Long),
            Parsed::LocalTimestampMicros => logical("local-timestamp-micros", Type::Long),
            Parsed::LocalTimestampNanos => logical("local-timestamp-nanos", Type::Long),
        }
    }

    fn item(&mut self, schema: &Parsed, depth: usize) -> Result<Type, SchemaFault> {
        let item = self.of(schema, depth + 1)?;
        if item.least_bytes() == 0 {
            return Err(SchemaFault(format!(
                "the schema has an array of `{}`, which has no bytes: a record of ten could claim 2^62 of them",
                item.title()
            )));
        }
        Ok(item)
    }
}

fn fixed(of: &FixedSchema) -> Type {
    let aliases = of.aliases.iter().flatten().map(|a| a.fullname(None).into()).collect();
    Type::Fixed(Fixed { name: Named { full: of.name.fullname(None).into(), aliases }, size: of.size })
}

fn named(name: &Name, schema: &Parsed) -> Named {
    let aliases = schema.aliases().into_iter().flatten().map(|alias| alias.fullname(None).into()).collect();
    Named { full: name.fullname(None).into(), aliases }
}
