//! What stands before a datum and says with which schema it was written: Confluent's framing (a registry's id), or
//! Avro's single-object encoding (the schema's fingerprint).

use std::fmt;

/// The first byte of Confluent's framing; four bytes of id follow, big-endian.
const CONFLUENT: u8 = 0;
/// The first bytes of the single-object encoding; eight bytes of CRC-64-AVRO follow, little-endian.
const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];

/// Who knows the schema that a record was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Writer {
    /// A Schema Registry, under this id.
    Id(u32),
    /// Whoever has a schema with this CRC-64-AVRO fingerprint of its canonical form.
    Fingerprint(u64),
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writer::Id(id) => write!(f, "id {id}"),
            Writer::Fingerprint(print) => write!(f, "fingerprint {print:016x}"),
        }
    }
}

/// A record's value, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub writer: Writer,
    pub datum: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// It begins with neither magic; the first byte.
    Magic(u8),
    /// It ends within the header; the number of bytes there are.
    Truncated(usize),
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameFault::Magic(first) => write!(
                f,
                "the value begins with {first:#04x}; Avro begins with 0x00 and a registry's schema id, or with 0xc3 0x01 and a \
                 schema's fingerprint"
            ),
            FrameFault::Truncated(bytes) => write!(f, "the value has {bytes} bytes and ends within its header"),
        }
    }
}

impl<'a> Frame<'a> {
    pub fn read(value: &'a [u8]) -> Result<Frame<'a>, FrameFault> {
        let cut = FrameFault::Truncated(value.len());
        match value {
            [] => Err(cut),
            [CONFLUENT, rest @ ..] => {
                let (id, datum) = rest.split_first_chunk().ok_or(cut)?;
                Ok(Frame { writer: Writer::Id(u32::from_be_bytes(*id)), datum })
            }
            [first, rest @ ..] if *first == SINGLE_OBJECT[0] => match rest {
                [] => Err(cut),
                [second, rest @ ..] if *second == SINGLE_OBJECT[1] => {
                    let (print, datum) = rest.split_first_chunk().ok_or(cut)?;
                    Ok(Frame { writer: Writer::Fingerprint(u64::from_le_bytes(*print)), datum })
                }
                _ => Err(FrameFault::Magic(*first)),
            },
            [first, ..] => Err(FrameFault::Magic(*first)),
        }
    }

    /// Appends the header; the datum follows.
    pub fn write(writer: Writer, out: &mut Vec<u8>) {
        match writer {
            Writer::Id(id) => {
                out.push(CONFLUENT);
                out.extend_from_slice(&id.to_be_bytes());
            }
            Writer::Fingerprint(print) => {
                out.extend_from_slice(&SINGLE_OBJECT);
                out.extend_from_slice(&print.to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_headers_are_read_as_written_and_everything_else_is_named() {
        for writer in [Writer::Id(0x0102_0304), Writer::Fingerprint(0x0102_0304_0506_0708)] {
            let mut value = vec![];
            Frame::write(writer, &mut value);
            let header = value.len();
            value.push(7);
            assert_eq!(Frame::read(&value), Ok(Frame { writer, datum: &[7] }));
            for cut in 0..header {
                assert_eq!(Frame::read(&value[..cut]), Err(FrameFault::Truncated(cut)));
            }
        }
        // The example of Confluent's documentation, and the byte order of the Avro specification.
        assert_eq!(Frame::read(&[0, 0, 0, 0, 23, 6]), Ok(Frame { writer: Writer::Id(23), datum: &[6] }));
        assert_eq!(Frame::read(&[0xC3, 1, 1, 0, 0, 0, 0, 0, 0, 0]), Ok(Frame { writer: Writer::Fingerprint(1), datum: &[] }));
        assert_eq!(Frame::read(b"{}"), Err(FrameFault::Magic(b'{')));
        assert_eq!(Frame::read(&[0xC3, 2, 0, 0]), Err(FrameFault::Magic(0xC3)));
        assert_eq!(Frame::read(&[1, 0, 0, 0, 1]), Err(FrameFault::Magic(1)));
    }
}
