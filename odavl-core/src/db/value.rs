//! Values as they are bound and stored.

use jiff::Timestamp;

use crate::{
    error::{Error, Result},
    ids::{
        AuditId, BackupId, EventId, KeyId, ObjectId, OrgId, ProjectId, ReservationId, SessionId, UploadId,
        UserId, WebhookId,
    },
    metering::MeterName,
    secret::Digest,
};

/// A value of a column: what TEXT, BIGINT and BLOB hold.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number, a time in micros, or a yes (1) or no (0).
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// A number of units, bytes or the like; `invalid_input` where a BIGINT cannot hold it.
    pub fn count(number: u64) -> Result<Self> {
        i64::try_from(number).map(Self::Int).map_err(|_| Error::invalid(format!("{number} is too large")))
    }

    /// The text form of `value`, for ids, periods and other types that are stored as they are written.
    pub fn text(value: &(impl ToString + ?Sized)) -> Self {
        Self::Text(value.to_string())
    }
}

/// Never the value itself: it may be a secret.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int(..)",
            Self::Text(_) => "Text(..)",
            Self::Blob(_) => "Blob(..)",
        })
    }
}

macro_rules! from {
    ($($source:ty => $value:ident: $make:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $make
            }
        }
    )*};
}

from! {
    i64 => number: Self::Int(number);
    u32 => number: Self::Int(number.into());
    bool => yes: Self::Int(yes.into());
    Timestamp => at: Self::Int(at.as_microsecond());
    String => text: Self::Text(text);
    &str => text: Self::Text(text.to_owned());
    &String => text: Self::Text(text.clone());
    Vec<u8> => bytes: Self::Blob(bytes);
    &[u8] => bytes: Self::Blob(bytes.to_vec());
    Digest => digest: Self::Blob(digest.as_bytes().to_vec());
    &MeterName => name: Self::text(name);
    UserId => id: Self::text(&id);
    OrgId => id: Self::text(&id);
    ProjectId => id: Self::text(&id);
    KeyId => id: Self::text(&id);
    SessionId => id: Self::text(&id);
    ObjectId => id: Self::text(&id);
    UploadId => id: Self::text(&id);
    BackupId => id: Self::text(&id);
    AuditId => id: Self::text(&id);
    ReservationId => id: Self::text(&id);
    WebhookId => id: Self::text(&id);
    EventId => id: Self::text(&id);
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
