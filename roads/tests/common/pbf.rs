//! Writes OpenStreetMap PBF files, as small as the format allows, and wrong ones where a test asks for it.

use schemas::plan::Point;

#[derive(Clone, Copy)]
pub enum Member {
    Node(i64),
    Way(i64),
    /// A kind that the format does not have.
    Unknown(i64),
}

/// A node, way or relation.
#[derive(Clone)]
pub struct Object {
    /// Field of the object in a `PrimitiveGroup`: 1 node, 3 way, 4 relation.
    field: u64,
    id: i64,
    tags: Vec<(String, String)>,
    point: Point,
    nodes: Vec<i64>,
    members: Vec<(String, Member)>,
}

impl Object {
    fn new(field: u64, id: i64, tags: &[(&str, &str)]) -> Object {
        let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Object { field, id, tags, point: Point::default(), nodes: Vec::new(), members: Vec::new() }
    }

    pub fn node(id: i64, point: Point, tags: &[(&str, &str)]) -> Object {
        Object { point, ..Object::new(1, id, tags) }
    }

    pub fn way(id: i64, nodes: impl Iterator<Item = i64>, tags: &[(&str, &str)]) -> Object {
        Object { nodes: nodes.collect(), ..Object::new(3, id, tags) }
    }

    pub fn relation(id: i64, members: &[(&str, Member)], tags: &[(&str, &str)]) -> Object {
        Object { members: members.iter().map(|(r, m)| ((*r).to_owned(), *m)).collect(), ..Object::new(4, id, tags) }
    }

    pub fn node_id(&self) -> Option<i64> {
        (self.field == 1).then_some(self.id)
    }

    fn write(&self, strings: &mut Vec<String>) -> Vec<u8> {
        let mut text = |s: &str| {
            strings.iter().position(|x| x == s).unwrap_or_else(|| {
                strings.push(s.to_owned());
                strings.len() - 1
            }) as u64
        };
        let keys: Vec<u64> = self.tags.iter().map(|(k, _)| text(k)).collect();
        let values: Vec<u64> = self.tags.iter().map(|(_, v)| text(v)).collect();
        let mut out = Vec::new();
        // A node's id is zigzag-coded, the others' are not.
        number(&mut out, 1, if self.field == 1 { zigzag(self.id) } else { self.id as u64 });
        packed(&mut out, 2, &keys);
        packed(&mut out, 3, &values);
        match self.field {
            1 => {
                number(&mut out, 8, zigzag(i64::from(self.point.lat)));
                number(&mut out, 9, zigzag(i64::from(self.point.lon)));
            }
            3 => packed(&mut out, 8, &deltas(self.nodes.iter().copied())),
            _ => {
                let roles: Vec<u64> = self.members.iter().map(|(role, _)| text(role)).collect();
                let kind = |m: &Member| match m {
                    Member::Node(id) => (0, *id),
                    Member::Way(id) => (1, *id),
                    Member::Unknown(id) => (7, *id),
                };
                packed(&mut out, 8, &roles);
                packed(&mut out, 9, &deltas(self.members.iter().map(|(_, m)| kind(m).1)));
                packed(&mut out, 10, &self.members.iter().map(|(_, m)| kind(m).0).collect::<Vec<_>>());
            }
        }
        out
    }
}

/// A whole file.
pub fn file(objects: &[Object]) -> Vec<u8> {
    let mut out = header(&["OsmSchema-V0.6", "DenseNodes"]);
    for field in [1, 3, 4] {
        out.extend(block(objects.iter().filter(|o| o.field == field)));
    }
    out
}

pub fn header(features: &[&str]) -> Vec<u8> {
    let mut content = Vec::new();
    for feature in features {
        bytes(&mut content, 4, feature.as_bytes());
    }
    blob("OSMHeader", &content)
}

pub fn block<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<u8> {
    let mut strings = vec![String::new()];
    let mut group = Vec::new();
    for object in objects {
        bytes(&mut group, object.field, &object.write(&mut strings));
    }
    let mut table = Vec::new();
    for string in &strings {
        bytes(&mut table, 1, string.as_bytes());
    }
    let mut content = Vec::new();
    bytes(&mut content, 1, &table);
    bytes(&mut content, 2, &group);
    blob("OSMData", &content)
}

/// A blob that is not compressed.
pub fn blob(kind: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    bytes(&mut body, 1, content);
    blob_of(kind, &body)
}

pub fn blob_of(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    bytes(&mut head, 1, kind.as_bytes());
    number(&mut head, 3, body.len() as u64);
    let mut out = (head.len() as u32).to_be_bytes().to_vec();
    out.extend(head);
    out.extend(body);
    out
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

fn number(out: &mut Vec<u8>, field: u64, n: u64) {
    varint(out, field << 3);
    varint(out, n);
}

pub fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn packed(out: &mut Vec<u8>, field: u64, numbers: &[u64]) {
    let mut content = Vec::new();
    for &n in numbers {
        varint(&mut content, n);
    }
    bytes(out, field, &content);
}

fn deltas(ids: impl Iterator<Item = i64>) -> Vec<u64> {
    let mut last = 0;
    ids.map(|id| zigzag(id - std::mem::replace(&mut last, id))).collect()
}
