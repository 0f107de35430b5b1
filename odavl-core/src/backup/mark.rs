//! What a database is to us: only what we made bears a mark, and only that is ever removed.

use super::port::Purpose;

/// What we did with a database that we made or put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A restore has begun and not ended.
    Restoring,
    /// Restored to be looked at.
    Scratch,
    /// Restored to stay.
    Restored,
    /// It was live, until another was put in its place.
    Aside,
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl Mark {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Restoring, Self::Scratch, Self::Restored, Self::Aside];

    /// As it is written down.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Restoring => "is being restored",
            Self::Scratch => "restored to be verified",
            Self::Restored => "restored",
            Self::Aside => "put aside",
        }
    }
}

impl From<Purpose> for Mark {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Scratch => Self::Scratch,
            Purpose::Keep => Self::Restored,
        }
    }
}

/// What is under the name of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// One that bears no mark of ours: the live one, or others'.
    Theirs,
    /// One that bears this mark.
    Ours(Mark),
}

impl State {
    /// The state of a database that is there.
    pub(super) fn of(mark: Option<Mark>) -> Self {
        mark.map_or(Self::Theirs, Self::Ours)
    }
}
