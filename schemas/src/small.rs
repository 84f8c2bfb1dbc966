//! How small things are held in memory: in the value that has them, without an allocation of their own. An order's way
//! through the rules has some sixty ids and names, and a dozen lists with one entry.

/// An id, a SKU, the name of a place, a currency: up to 24 bytes stand in the value itself.
pub type ShortText = compact_str::CompactString;

/// A list that usually has one entry: that one stands in the value itself.
pub type Few<T> = smallvec::SmallVec<[T; 1]>;
