//! Access tokens (RFC 9068) and refresh tokens.
//!
//! An access token is a compact JWS of exactly one algorithm, `EdDSA` over Ed25519, with `typ: at+jwt`. The few
//! lines of JWS are our own: `jsonwebtoken` needs aws-lc-rs, or RSA and P-256 of `RustCrypto` as well, and installs
//! its provider for the whole process, which a library must not do.

mod jws;
mod keyring;
mod refresh;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{login::Login, opaque, scope::Scopes};
use crate::{
    error::{Error, Reason, Result},
    ids::{OrgId, SessionId, UserId},
};

pub use keyring::{Jwk, Jwks, Keyring, Rotation};
pub use refresh::{Refresh, RefreshSeal, RefreshToken};

/// How long an access token holds.
pub const ACCESS_TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// How far the clocks of two nodes may differ.
pub(crate) const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Who issues tokens, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss`: the public URL of the service.
    pub issuer: String,
    /// The `aud`: the API that takes the tokens.
    pub audience: String,
}

/// What an access token says (RFC 9068, 2.2). Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Who is to take it.
    pub aud: String,
    /// The person.
    pub sub: UserId,
    /// When it ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// The sign-in that it belongs to: ended with it.
    pub sid: SessionId,
    /// The registered client.
    pub client_id: String,
    /// The organisation.
    pub org: OrgId,
    /// What was granted, before it is cut by the present role.
    #[serde(with = "scope_text")]
    pub scope: Scopes,
}

impl Issuer {
    /// The claims of a new token for `login`, which must name an organisation.
    pub fn claims(&self, login: &Login, now: Timestamp) -> Result<AccessClaims> {
        let org = login.org.ok_or_else(|| {
            Error::internal(
                format!("the sign-in {} is for no organisation: it has no tokens", login.id),
                None,
            )
        })?;
        let iat = now.as_second();
        Ok(AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: login.user,
            exp: iat + ACCESS_TOKEN_LIFE.as_secs(),
            iat,
            jti: opaque::secret()?,
            sid: login.id,
            client_id: login.client_id.clone(),
            org,
            scope: login.scopes.clone(),
        })
    }

    /// Refuses claims of another issuer or audience, from the future, or past their end.
    fn check(&self, claims: &AccessClaims, now: Timestamp) -> Result<()> {
        if claims.iss != self.issuer || claims.aud != self.audience {
            return Err(unknown("the access token is not for this service"));
        }
        let (now, leeway) = (now.as_second(), LEEWAY.as_secs());
        if claims.iat > now.saturating_add(leeway) {
            return Err(unknown("the access token is from the future"));
        }
        if claims.exp.saturating_add(leeway) <= now {
            return Err(Error::unauthenticated(Reason::Expired, "the access token has expired"));
        }
        Ok(())
    }
}

fn unknown(detail: &str) -> Error {
    Error::unauthenticated(Reason::Unknown, detail)
}

/// A claim holds scopes as OAuth writes them: one text, separated by spaces.
mod scope_text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Scopes;

    pub(super) fn serialize<S: Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(scopes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scopes, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
