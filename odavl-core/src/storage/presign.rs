//! Requests that carry their own permission: what they may do, and how they are sent.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    digest::Sha256,
    media::MediaType,
    multipart::{Multipart, Part},
    port::PutMode,
};
use crate::error::{Error, Result};

/// The longest that a presigned request lives.
pub const PRESIGN_MOST: Duration = Duration::from_hours(1);

/// What a presigned request does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presign {
    /// Puts exactly these bytes.
    Put {
        /// How many.
        length: u64,
        /// Their digest.
        sha256: Sha256,
        /// What they are.
        content_type: MediaType,
        /// Whether it works once ([`PutMode::Create`]) or again.
        mode: PutMode,
    },
    /// Gets the object, for saving under a name and never for showing.
    Get {
        /// The `Content-Disposition` of the answer; see [`super::ObjectName::attachment`].
        attachment: String,
    },
    /// Puts exactly this part.
    Part {
        /// Of which upload.
        multipart: Multipart,
        /// The part.
        part: Part,
    },
}

/// How the request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Put,
}

impl Method {
    /// The method as HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
        }
    }
}

/// A request that whoever holds it can send. `Debug` does not show its signature.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PresignedRequest {
    /// How it is sent.
    pub method: Method,
    /// Where to. It is a credential: it belongs in no log.
    pub url: String,
    /// Headers that must be sent as they are; names in lower case.
    pub headers: Vec<(String, String)>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, _) = self.url.split_once('?').unwrap_or((&self.url, ""));
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .field("url", &format_args!("{place}?.."))
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// When a request made `now` that lives so long expires, to the second; refused beyond [`PRESIGN_MOST`].
pub fn expiry(now: Timestamp, lives: Duration) -> Result<Timestamp> {
    if lives.is_zero() || lives > PRESIGN_MOST {
        let detail = format!("a presigned URL lives 1 to {} seconds", PRESIGN_MOST.as_secs());
        return Err(Error::invalid(detail));
    }
    let seconds = i64::try_from(lives.as_secs()).unwrap_or_default().max(1);
    Timestamp::from_second(now.as_second().saturating_add(seconds))
        .map_err(|error| Error::internal("the clock is out of range", Some(error.into())))
}
