//! Presigned requests for stores that have no HTTP of their own: signed here, served by odavl's HTTP door.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;

use super::{
    body::{BoxBody, Expected},
    key::StoreKey,
    media::ByteRange,
    multipart::{Multipart, MultipartId, Part},
    port::{Object, PutMode, PutOptions, Storage},
    presign::{Method, Presign, PresignedRequest, expiry},
};
use crate::{
    config::Settings,
    error::{Error, Reason, Result},
    seal::MasterKey,
    secret::{Secret, hex},
};

/// The path under which the HTTP door serves presigned requests; the store key follows.
pub const DIRECT_PATH: &str = "/api/v1/storage/direct/";

/// How long after its URL has expired a body may still come: for less long than an upload waits for it, which begins
/// to count a moment earlier.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// What is signed begins with this, so that the key's signatures mean nothing elsewhere.
const CONTEXT: &str = "odavl-direct-v1";

/// Signs requests with HMAC-SHA-256 and checks them when they come.
///
/// The signature covers method, host, path (the organisation is in it), every bound header and the expiry.
#[derive(Debug, Clone)]
pub struct DirectUrls {
    origin: String,
    authority: String,
    key: hmac::Key,
}

/// A presigned request as the HTTP door received it.
pub struct Incoming<'a> {
    /// Its method.
    pub method: &'a str,
    /// The host it was sent to, with the port where there is one.
    pub host: &'a str,
    /// Path and query, as they came.
    pub path_and_query: &'a str,
    /// The value of the header of a name in lower case.
    pub header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

/// What a presigned request may do, proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// On which key; its organisation is in it.
    pub key: StoreKey,
    /// What.
    pub what: Presign,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What came of a [`Grant`].
#[derive(Debug)]
pub enum Redeemed {
    /// The bytes are stored: an empty answer.
    Stored,
    /// The object, to be answered with this `Content-Disposition`.
    Fetched(Object, String),
}

impl DirectUrls {
    /// Signs for the service at `public_url` (scheme and host, port where it is not the scheme's own).
    pub fn new(public_url: &str, key: &Secret<[u8; 32]>) -> Result<Self> {
        let origin = public_url.trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = origin.split_once("://").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if !matches!(scheme, "http" | "https") || authority.is_empty() || !authority.bytes().all(plain) {
            let detail = format!("`{}` is not the public URL of a service", public_url.escape_default());
            return Err(Error::invalid_with(detail, "give scheme and host, like `https://odavl.example`"));
        }
        let authority = without_default_port(scheme, authority).to_owned();
        let origin = format!("{scheme}://{authority}");
        Ok(Self { origin, authority, key: hmac::Key::new(hmac::HMAC_SHA256, key.reveal()) })
    }

    /// Signs for an installation, with a key of its own under the master key.
    pub fn of(settings: &Settings, master: &MasterKey) -> Result<Self> {
        Self::new(&settings.public_url, &Secret::new(master.derive("direct urls")))
    }

    /// A request that does `what` on `key`, made now.
    pub fn presign(
        &self,
        key: &StoreKey,
        what: &Presign,
        now: Timestamp,
        lives: Duration,
    ) -> Result<PresignedRequest> {
        let expires_at = expiry(now, lives)?;
        let (method, query) = encode(what);
        let target = format!("{DIRECT_PATH}{key}?expires={}&{query}", expires_at.as_second());
        let signature = hmac::sign(&self.key, self.canonical(method.as_str(), &target).as_bytes());
        let url = format!("{}{target}&sig={}", self.origin, hex(signature.as_ref()));
        Ok(PresignedRequest { method, url, headers: bound_headers(what), expires_at })
    }

    /// What a request may do; `forbidden` unless it is one that was signed here, unexpired and sent as bound.
    pub fn verify(&self, request: &Incoming<'_>, now: Timestamp) -> Result<Grant> {
        let (target, signature) = request.path_and_query.rsplit_once("&sig=").ok_or_else(unsigned)?;
        let signature = super::Sha256::as_bytes(&signature.parse().map_err(|_| unsigned())?).to_owned();
        let scheme = self.origin.split_once("://").map_or("", |(scheme, _)| scheme);
        let host = request.host.to_ascii_lowercase();
        if without_default_port(scheme, &host) != self.authority {
            return Err(unsigned());
        }
        hmac::verify(&self.key, self.canonical(request.method, target).as_bytes(), &signature)
            .map_err(|_| unsigned())?;
        let grant = decode(target).ok_or_else(unsigned)?;
        if now >= grant.expires_at {
            return Err(Error::forbidden(Reason::Expired, "the presigned URL has expired"));
        }
        hold_to(&bound_headers(&grant.what), request)?;
        Ok(grant)
    }

    fn canonical(&self, method: &str, target: &str) -> String {
        format!("{CONTEXT}\n{method}\n{}\n{target}", self.authority)
    }
}

impl Grant {
    /// When it is too late for a body that was begun in time.
    pub fn until(&self) -> Timestamp {
        self.expires_at.checked_add(LATE).unwrap_or(Timestamp::MAX)
    }

    /// Does what was granted.
    pub async fn redeem(
        self,
        storage: &dyn Storage,
        body: BoxBody,
        range: Option<ByteRange>,
    ) -> Result<Redeemed> {
        let until = Some(self.until());
        match self.what {
            Presign::Put { length, sha256, content_type, mode } => {
                let expected = Expected::exactly(length, sha256);
                storage.put(&self.key, body, PutOptions { mode, content_type, expected, until }).await?;
                Ok(Redeemed::Stored)
            }
            Presign::Part { multipart, part } => {
                storage.put_part(&multipart, part, body).await?;
                Ok(Redeemed::Stored)
            }
            Presign::Get { attachment } => {
                let object = storage.get(&self.key, range).await?;
                let object = object.ok_or_else(|| Error::not_found("object", &self.key))?;
                Ok(Redeemed::Fetched(object, attachment))
            }
        }
    }
}

fn unsigned() -> Error {
    Error::forbidden(Reason::Malformed, "the request is not the one that its URL was signed for")
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Every bound header must have come as it was signed, and the length must be said ahead.
fn hold_to(bound: &[(String, String)], request: &Incoming<'_>) -> Result<()> {
    let sent_as_bound = bound.iter().all(|(name, value)| (request.header)(name) == Some(value));
    let chunked = (request.header)("transfer-encoding").is_some();
    if sent_as_bound && !chunked { Ok(()) } else { Err(unsigned()) }
}

fn bound_headers(what: &Presign) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let mut bind = |name: &str, value: String| headers.push((name.to_owned(), value));
    match what {
        Presign::Get { .. } => {}
        Presign::Put { length, sha256, content_type, mode } => {
            bind("content-length", length.to_string());
            bind("content-type", content_type.to_string());
            bind("x-amz-checksum-sha256", sha256.to_base64());
            if *mode == PutMode::Create {
                bind("if-none-match", "*".to_owned());
            }
        }
        Presign::Part { part, .. } => {
            bind("content-length", part.size.to_string());
            bind("x-amz-checksum-sha256", part.sha256.to_base64());
        }
    }
    headers
}

fn encode(what: &Presign) -> (Method, String) {
    let text = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    match what {
        Presign::Get { attachment } => (Method::Get, format!("op=get&attachment={}", text(attachment))),
        Presign::Put { length, sha256, content_type, mode } => {
            let mode = if *mode == PutMode::Create { "create" } else { "overwrite" };
            let kind = text(content_type.as_str());
            (Method::Put, format!("op=put&length={length}&sha256={sha256}&type={kind}&mode={mode}"))
        }
        Presign::Part { multipart, part } => {
            let Part { number, size, sha256 } = part;
            let upload = text(&multipart.id.0);
            (Method::Put, format!("op=part&upload={upload}&number={number}&length={size}&sha256={sha256}"))
        }
    }
}

/// Reads what [`encode`] wrote; the signature was checked before.
fn decode(target: &str) -> Option<Grant> {
    let (path, query) = target.split_once('?')?;
    let key: StoreKey = path.strip_prefix(DIRECT_PATH)?.parse().ok()?;
    let field = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let text = |name: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(field(name)?).ok()?).ok();
    let what = match field("op")? {
        "get" => Presign::Get { attachment: text("attachment")? },
        "put" => Presign::Put {
            length: field("length")?.parse().ok()?,
            sha256: field("sha256")?.parse().ok()?,
            content_type: text("type")?.parse().ok()?,
            mode: if field("mode")? == "create" { PutMode::Create } else { PutMode::Overwrite },
        },
        "part" => Presign::Part {
            multipart: Multipart { key: key.clone(), id: MultipartId(text("upload")?) },
            part: Part {
                number: field("number")?.parse().ok()?,
                size: field("length")?.parse().ok()?,
                sha256: field("sha256")?.parse().ok()?,
            },
        },
        _ => return None,
    };
    let expires_at = Timestamp::from_second(field("expires")?.parse().ok()?).ok()?;
    Some(Grant { key, what, expires_at })
}

#[cfg(test)]
mod tests;
