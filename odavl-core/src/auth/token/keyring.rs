//! The keys that sign access tokens: made, rotated with an overlap, published.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use jiff::{SignedDuration, Timestamp};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::Serialize;

use super::{AccessClaims, Issuer, LEEWAY, jws, unknown};
use crate::{
    auth::login::SigningKey,
    error::{Error, Result},
    seal::{MasterKey, Place},
    secret::Secret,
};

/// The signing keys, opened: signs with the newest that is active, verifies with any that has not retired.
///
/// Only rows that open under the master key count, so that nobody who can write to the database can add a key of
/// their own; and a copy that was restored under another master key signs with new keys.
pub struct Keyring {
    /// The newest last.
    keys: Vec<Opened>,
    unopened: Vec<SigningKey>,
}

struct Opened {
    row: SigningKey,
    pair: Ed25519KeyPair,
}

/// What is to be done about the signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// From when a new key is to sign; `None` where none is needed.
    pub add_from: Option<Timestamp>,
    /// Whether there are keys to drop.
    pub drop_retired: bool,
}

/// The published keys (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwks {
    /// The keys, the oldest first.
    pub keys: Vec<Jwk>,
}

/// A published key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the members are those of RFC 7517 and RFC 8037")]
pub struct Jwk {
    pub kty: &'static str,
    pub crv: &'static str,
    pub alg: &'static str,
    #[serde(rename = "use")]
    pub usage: &'static str,
    pub kid: String,
    pub x: String,
}

/// How long a key signs.
const SIGNS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long before it signs a key is published: longer than anyone caches the JWKS.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// How long after the next one signs a key is still published: longer than a token holds.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

impl SigningKey {
    /// A new key that signs from `active_from` on, its private half sealed.
    pub fn generate(master: &MasterKey, active_from: Timestamp) -> Result<Self> {
        let failed = || Error::internal("a signing key could not be made", None);
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| failed())?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| failed())?;
        let kid = thumbprint(&public);
        let sealed = master.seal(place(&kid), pkcs8.as_ref())?;
        Ok(Self { kid, public, sealed, active_from, retires_at: active_from + SIGNS + OVERLAP })
    }

    /// Until when it signs, where no newer key does before.
    fn signs_until(&self) -> Timestamp {
        self.retires_at - OVERLAP
    }

    /// A request may have begun a little before the key that it needs was made, here or by a node whose clock differs.
    fn signs(&self, now: Timestamp) -> bool {
        self.active_from <= now + LEEWAY && now < self.signs_until()
    }
}

impl Keyring {
    /// Opens the rows under the master key.
    pub fn open(rows: Vec<SigningKey>, master: &MasterKey) -> Self {
        let mut ring = Self { keys: Vec::new(), unopened: Vec::new() };
        for row in rows {
            match open(&row, master) {
                Some(pair) => ring.keys.push(Opened { row, pair }),
                None => ring.unopened.push(row),
            }
        }
        ring.keys.sort_by_key(|key| key.row.active_from);
        ring
    }

    /// The names of the rows that did not open: made under another master key, or forged.
    pub fn unopened(&self) -> impl Iterator<Item = &str> {
        self.unopened.iter().map(|row| row.kid.as_str())
    }

    /// Signs `claims`, with the newest key that is active when they are issued.
    pub fn sign(&self, claims: &AccessClaims) -> Result<Secret<String>> {
        let at = Timestamp::from_second(claims.iat).unwrap_or(Timestamp::MIN);
        let key = self.keys.iter().rev().find(|key| key.row.signs(at));
        let key =
            key.ok_or_else(|| Error::unavailable("there is no key to sign access tokens with", None))?;
        jws::sign(&key.row.kid, &key.pair, claims).map(Secret::new)
    }

    /// Whether the key that `token` names is here. Another node may have made a newer one: read the rows again.
    pub fn knows(&self, token: &str) -> bool {
        jws::Parts::of(token).is_ok_and(|parts| self.find(&parts.kid).is_some())
    }

    /// What `token` says, if one of these keys signed it for that issuer and audience, and it holds at `now`.
    pub fn verify(&self, token: &str, issuer: &Issuer, now: Timestamp) -> Result<AccessClaims> {
        let parts = jws::Parts::of(token)?;
        let key = self.find(&parts.kid).filter(|key| now < key.row.retires_at);
        let key = key.ok_or_else(|| unknown("the key that signed the access token is not known"))?;
        let claims = parts.verify(&key.row.public)?;
        issuer.check(&claims, now)?;
        Ok(claims)
    }

    fn find(&self, kid: &str) -> Option<&Opened> {
        self.keys.iter().find(|key| key.row.kid == kid)
    }

    /// The keys to publish at `now`: those to come as well, so that verifiers know them in time.
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        let published = self.keys.iter().filter(|key| now < key.row.retires_at);
        Jwks { keys: published.map(|key| jwk(&key.row)).collect() }
    }

    /// What is to be done at `now`. Two nodes that do it at once make two keys, which does no harm.
    pub fn rotation(&self, now: Timestamp) -> Rotation {
        let newest = self.keys.last().map(|key| key.row.signs_until());
        let add_from = match newest {
            _ if !self.keys.iter().any(|key| key.row.signs(now)) => Some(now),
            Some(until) if until <= now + AHEAD => Some(until),
            _ => None,
        };
        let mut rows = self.keys.iter().map(|key| &key.row).chain(&self.unopened);
        Rotation { add_from, drop_retired: rows.any(|row| row.retires_at <= now) }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.row.kid)).finish()
    }
}

fn place(kid: &str) -> Place<'_> {
    Place { table: "signing_keys", row: kid, column: "sealed" }
}

/// The pair, if the row was made under this master key and says the truth about it.
fn open(row: &SigningKey, master: &MasterKey) -> Option<Ed25519KeyPair> {
    let pkcs8 = master.open(place(&row.kid), &row.sealed).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.reveal()).ok()?;
    (pair.public_key().as_ref() == row.public && row.kid == thumbprint(&row.public)).then_some(pair)
}

fn jwk(row: &SigningKey) -> Jwk {
    let x = BASE64URL.encode(row.public);
    Jwk { kty: "OKP", crv: "Ed25519", alg: jws::ALGORITHM, usage: "sig", kid: row.kid.clone(), x }
}

/// The JWK's thumbprint (RFC 7638; RFC 8037, A.3).
fn thumbprint(public: &[u8; 32]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64URL.encode(public));
    BASE64URL.encode(digest(&SHA256, canonical.as_bytes()))
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
