//! Where a value of a configuration comes from, in words. Finds no value.

/// What gives a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin<'a> {
    /// The app's file.
    Text,
    /// Another file, of this name.
    File(&'a str),
    /// A variable of this name.
    Variable(&'a str),
}

impl Origin<'_> {
    /// In words, with a line; `None` for the app's own file, which whoever shows a problem names.
    pub(super) fn shown(self, line: Option<usize>) -> Option<String> {
        match self {
            Self::Text => None,
            Self::File(name) => Some(line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))),
            Self::Variable(name) => Some(format!("{name} in the environment")),
        }
    }
}
