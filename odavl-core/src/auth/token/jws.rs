//! Compact JWS (RFC 7515): three parts in base64url, the last one a signature over the other two.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{Error, Reason, Result};

/// The one algorithm (RFC 8037).
pub(super) const ALGORITHM: &str = "EdDSA";
/// The one type (RFC 9068): no other token that is signed with these keys passes for an access token.
const TYPE: &str = "at+jwt";
/// The longest token that is read, in bytes.
const MOST: usize = 4096;

/// A token that was taken apart but not verified yet.
pub(super) struct Parts<'a> {
    /// Which key it says it was signed with.
    pub(super) kid: String,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// `deny_unknown_fields` would refuse what RFC 7515 says to ignore; `crit` it says to understand or to refuse.
#[derive(Deserialize)]
struct ReadHeader {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default)]
    crit: Option<Value>,
}

/// The claims, signed.
pub(super) fn sign(kid: &str, key: &Ed25519KeyPair, claims: &impl Serialize) -> Result<String> {
    let part = |json: serde_json::Result<Vec<u8>>| {
        json.map(|bytes| BASE64URL.encode(bytes))
            .map_err(|error| Error::internal("an access token could not be written", Some(error.into())))
    };
    let header = part(serde_json::to_vec(&Header { alg: ALGORITHM, typ: TYPE, kid }))?;
    let signed = header + "." + &part(serde_json::to_vec(claims))?;
    let signature = BASE64URL.encode(key.sign(signed.as_bytes()));
    Ok(signed + "." + &signature)
}

impl<'a> Parts<'a> {
    /// Takes `token` apart. Refuses any other algorithm, type or critical header.
    pub(super) fn of(token: &'a str) -> Result<Self> {
        Self::read(token).ok_or_else(|| {
            Error::unauthenticated(Reason::Malformed, "that is not an access token of this service")
        })
    }

    fn read(token: &'a str) -> Option<Self> {
        if token.len() > MOST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: ReadHeader = serde_json::from_slice(&BASE64URL.decode(header).ok()?).ok()?;
        if header.alg != ALGORITHM || header.typ != TYPE || header.crit.is_some() {
            return None;
        }
        let (payload, signature) = (BASE64URL.decode(payload).ok()?, BASE64URL.decode(signature).ok()?);
        Some(Self { kid: header.kid, signed, payload, signature })
    }

    /// The claims, if `key` signed them.
    pub(super) fn verify<T: DeserializeOwned>(&self, key: &[u8; 32]) -> Result<T> {
        UnparsedPublicKey::new(&ED25519, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| super::unknown("the signature of the access token is wrong"))?;
        serde_json::from_slice(&self.payload).map_err(|_| {
            Error::unauthenticated(Reason::Malformed, "the access token lacks a claim, or has a wrong one")
        })
    }
}
