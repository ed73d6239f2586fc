//! A value that is never shown.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

/// A key, token, password or address that holds one. Its `Debug` and `Display` never show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, to be sent to whom it is for and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// 64 bits of a hash under a key: enough to tell another value, too few to find this one from.
    pub fn keyed_hash(&self, key: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(key);
        hasher.write(self.0.as_bytes());
        hasher.finish()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody_but_who_asks() {
        let secret = Secret::new("s3cr3t");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[secret] [secret] Some([secret])");
        assert_eq!(secret.expose(), "s3cr3t");
    }
}
