//! A JSON list, read up to a number of entries. What comes after them is skipped and not kept, so that a list takes no
//! more memory than its reader allows, however long the answer is. Knows no API.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// Entries of a list, and whether they are all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<T> {
    /// The entries, in the order of the list.
    pub items: Vec<T>,
    /// False where the list goes on beyond what was read.
    pub complete: bool,
}

/// A list of which at most `MOST` entries are kept.
pub(crate) struct AtMost<T, const MOST: usize>(pub(crate) Listed<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

struct Entries<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Entries<T, MOST> {
    type Value = AtMost<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < MOST {
            match list.next_element()? {
                Some(item) => items.push(item),
                None => return Ok(AtMost(Listed { items, complete: true })),
            }
        }
        let mut complete = true;
        while list.next_element::<IgnoredAny>()?.is_some() {
            complete = false;
        }
        Ok(AtMost(Listed { items, complete }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_up_to_its_limit_and_says_whether_it_goes_on() {
        let read = |text: &str| serde_json::from_str::<AtMost<u8, 3>>(text).map(|list| list.0);
        assert_eq!(read("[1,2]").unwrap(), Listed { items: vec![1, 2], complete: true });
        assert_eq!(read("[1,2,3]").unwrap(), Listed { items: vec![1, 2, 3], complete: true });
        // What is skipped need not even be of the right kind.
        assert_eq!(read(r#"[1,2,3,"x",{"y":[]}]"#).unwrap(), Listed { items: vec![1, 2, 3], complete: false });
        assert!(read(r#"[1,"x"]"#).is_err());
        assert_eq!(read("{}").unwrap_err().to_string(), "invalid type: map, expected a list at line 1 column 0");
    }
}
