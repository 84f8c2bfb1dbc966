//! Numbers, texts and blocks from bytes. Each is read only if it is written as an encoder writes it, so that whoever
//! writes what was read gets the same bytes again. The one freedom that encoders have is where an array's blocks begin.

use crate::fault::{Fault, FaultKind};

/// A place in a datum. Copying it is a way to come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Bytes of the longest number: 64 bits, seven at a time.
const MAX_VARINT: usize = 10;

impl<'a> Cursor<'a> {
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        match self.bytes[self.at..].get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.cut(count)),
        }
    }

    #[cold]
    fn cut(&self, count: usize) -> Fault {
        Fault::new(FaultKind::Truncated, self.at, format!("{count} bytes are needed and {} are left", self.left()))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    #[inline]
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        let at = self.at;
        match self.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Fault::new(FaultKind::Malformed, at, format!("a boolean is 0 or 1, not {other}"))),
        }
    }

    /// A zig-zag number of at most 64 bits, in as few bytes as it needs.
    #[inline]
    pub fn long(&mut self) -> Result<i64, Fault> {
        // Most are small.
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            _ => self.longer(),
        }
    }

    fn longer(&mut self) -> Result<i64, Fault> {
        let bytes = &self.bytes[self.at..];
        let mut raw = 0u64;
        for (i, &byte) in bytes.iter().take(MAX_VARINT).enumerate() {
            raw |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                if i > 0 && byte == 0 {
                    return Err(Fault::new(FaultKind::Malformed, self.at, "a number is longer than need be"));
                }
                if i == MAX_VARINT - 1 && byte > 1 {
                    break;
                }
                self.at += i + 1;
                return Ok((raw >> 1) as i64 ^ -((raw & 1) as i64));
            }
        }
        if bytes.len() < MAX_VARINT {
            return Err(Fault::new(FaultKind::Truncated, self.at, "the bytes end within a number"));
        }
        Err(Fault::new(FaultKind::Malformed, self.at, "a number has more than 64 bits"))
    }

    #[inline]
    pub fn int(&mut self) -> Result<i32, Fault> {
        let at = self.at;
        let long = self.long()?;
        i32::try_from(long).map_err(|_| Fault::new(FaultKind::Malformed, at, format!("an int has 32 bits, and {long} has more")))
    }

    #[inline]
    pub fn float(&mut self) -> Result<f32, Fault> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    #[inline]
    pub fn double(&mut self) -> Result<f64, Fault> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let at = self.at;
        let length = self.long()?;
        let length = usize::try_from(length).map_err(|_| Fault::new(FaultKind::Malformed, at, format!("a length is {length}")))?;
        self.take(length)
    }

    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        let at = self.at;
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|e| Fault::new(FaultKind::Malformed, at, format!("a text is not UTF-8: {e}")))
    }

    /// Which of `count` branches or symbols.
    #[inline]
    pub fn index(&mut self, count: usize, what: &str) -> Result<usize, Fault> {
        let at = self.at;
        let index = self.int()?;
        usize::try_from(index)
            .ok()
            .filter(|i| *i < count)
            .ok_or_else(|| Fault::new(FaultKind::Malformed, at, format!("{what} {index} is chosen and there are {count}, from 0")))
    }

    /// The whole datum has been read.
    pub fn finish(&self) -> Result<(), Fault> {
        match self.left() {
            0 => Ok(()),
            left => Err(Fault::new(FaultKind::Trailing, self.at, format!("{left} bytes follow the record"))),
        }
    }
}

/// The blocks of an array or map: how many items are still to come.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// Bytes that an item has at least; never 0, or a few bytes could claim any number of items.
    least: usize,
    /// Items left in the block.
    items: u64,
    /// Where the block has to end, if it says so.
    end: Option<usize>,
    done: bool,
}

impl Blocks {
    #[inline]
    pub fn new(least: usize) -> Blocks {
        Blocks { least: least.max(1), items: 0, end: None, done: false }
    }

    /// `true`: an item is next. `false`: that was all.
    #[inline]
    pub fn next(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, Fault> {
        if self.items == 0 && !self.done {
            self.begin(cursor)?;
        }
        if self.done {
            return Ok(false);
        }
        self.items -= 1;
        Ok(true)
    }

    fn begin(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        let at = cursor.at();
        if self.end.is_some_and(|end| end != at) {
            return Err(Fault::new(FaultKind::Malformed, at, "a block does not end where it says it does"));
        }
        let count = cursor.long()?;
        self.items = count.unsigned_abs();
        self.done = count == 0;
        self.end = None;
        if count < 0 {
            let size = cursor.long()?;
            let size = usize::try_from(size).map_err(|_| Fault::new(FaultKind::Malformed, at, format!("a block's size is {size}")))?;
            self.end = cursor.at().checked_add(size);
        }
        let left = cursor.left();
        if self.items.saturating_mul(self.least as u64) > left as u64 {
            return Err(Fault::new(FaultKind::Truncated, at, format!("a block of {} items begins and {left} bytes are left", self.items)));
        }
        Ok(())
    }

    /// Items that are sure to come: never more than there are bytes for.
    #[inline]
    pub fn known(&self) -> usize {
        usize::try_from(self.items).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(bytes: &[u8]) -> Result<i64, FaultKind> {
        let mut cursor = Cursor::new(bytes);
        let value = cursor.long().map_err(|e| e.kind())?;
        cursor.finish().map_err(|e| e.kind())?;
        Ok(value)
    }

    #[test]
    fn a_number_has_one_spelling() {
        // The examples of the specification, then the ends of the range.
        for (value, bytes) in [(0, &[0][..]), (-1, &[1]), (1, &[2]), (-2, &[3]), (-64, &[0x7f]), (64, &[0x80, 1])] {
            assert_eq!(long(bytes), Ok(value));
        }
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(long(&most), Ok(i64::MIN));
        assert_eq!(long(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), Ok(i64::MAX));
        for cut in 0..10 {
            assert_eq!(long(&most[..cut]), Err(FaultKind::Truncated));
        }
        assert_eq!(long(&[0x80, 0]), Err(FaultKind::Malformed), "0 in two bytes");
        assert_eq!(long(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(FaultKind::Malformed), "65 bits");
        assert_eq!(long(&[0xff; 12]), Err(FaultKind::Malformed));
        assert_eq!(long(&[2, 0]), Err(FaultKind::Trailing));
        assert_eq!(Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).int().map_err(|e| e.kind()), Err(FaultKind::Malformed), "33 bits");
    }

    #[test]
    fn a_block_claims_no_more_than_the_bytes_can_hold() {
        let mut blocks = Blocks::new(1);
        // 2^62 items, and one byte.
        let bytes = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0];
        assert_eq!(blocks.next(&mut Cursor::new(&bytes)).map_err(|e| e.kind()), Err(FaultKind::Truncated));
        // -i64::MIN items of one byte in all.
        let bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 0];
        assert_eq!(Blocks::new(1).next(&mut Cursor::new(&bytes)).map_err(|e| e.kind()), Err(FaultKind::Truncated));
    }
}
