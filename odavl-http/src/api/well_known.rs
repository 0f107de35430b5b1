//! What a client finds out by itself: where things are (RFC 8414), and the keys of the tokens (RFC 7517).

use odavl_core::{
    Odavl,
    auth::{Jwk, RESOURCES},
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    payload::{Json, Response},
};

use super::{Tag, auth::GRANTS};
use crate::problem::Failure;

pub(super) struct Api;

/// A new signing key is published a day before it signs, so five minutes are never too long.
const CACHING: &str = "public, max-age=300";

/// The authorisation server (RFC 8414, 2).
#[derive(Object)]
struct ServerMetadata {
    /// Who issues the tokens.
    issuer: String,
    /// Where a device asks to be signed in.
    device_authorization_endpoint: String,
    /// Where codes and refresh tokens are exchanged.
    token_endpoint: String,
    /// Where tokens are ended.
    revocation_endpoint: String,
    /// Where tokens are looked at.
    introspection_endpoint: String,
    /// Where the keys of the tokens are.
    jwks_uri: String,
    /// The scopes that there are.
    scopes_supported: Vec<String>,
    /// Empty: there is no authorisation by redirect.
    response_types_supported: Vec<String>,
    /// The grants that the token endpoint takes.
    grant_types_supported: Vec<String>,
    /// `none`: clients are public.
    token_endpoint_auth_methods_supported: Vec<String>,
    /// `none`: whoever holds a token may end it.
    revocation_endpoint_auth_methods_supported: Vec<String>,
    /// `Bearer`: an API key or an access token.
    introspection_endpoint_auth_methods_supported: Vec<String>,
    /// Where the interface is described.
    service_documentation: String,
}

impl ServerMetadata {
    fn of(odavl: &Odavl) -> Self {
        let settings = odavl.settings();
        let issuer = &settings.public_url;
        let own = settings.catalog.resources.iter().map(String::as_str);
        let scopes = RESOURCES
            .into_iter()
            .chain(own)
            .flat_map(|resource| ["read", "write", "admin"].map(|access| format!("{resource}:{access}")));
        let list = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            device_authorization_endpoint: format!("{issuer}/api/auth/device/code"),
            token_endpoint: format!("{issuer}/api/auth/token"),
            revocation_endpoint: format!("{issuer}/api/auth/revoke"),
            introspection_endpoint: format!("{issuer}/api/auth/introspect"),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            scopes_supported: scopes.collect(),
            response_types_supported: Vec::new(),
            grant_types_supported: list(&GRANTS),
            token_endpoint_auth_methods_supported: list(&["none"]),
            revocation_endpoint_auth_methods_supported: list(&["none"]),
            introspection_endpoint_auth_methods_supported: list(&["Bearer"]),
            service_documentation: format!("{issuer}/api/docs"),
            issuer: issuer.clone(),
        }
    }
}

/// A public key (RFC 8037).
#[derive(Object)]
#[oai(rename = "Jwk")]
struct JwkBody {
    /// `OKP`.
    kty: String,
    /// `Ed25519`.
    crv: String,
    /// `EdDSA`.
    alg: String,
    /// `sig`.
    #[oai(rename = "use")]
    usage: String,
    /// Its name, as tokens say it.
    kid: String,
    /// The key itself, in base64url.
    x: String,
}

impl From<Jwk> for JwkBody {
    fn from(key: Jwk) -> Self {
        Self {
            kty: key.kty.to_owned(),
            crv: key.crv.to_owned(),
            alg: key.alg.to_owned(),
            usage: key.usage.to_owned(),
            kid: key.kid,
            x: key.x,
        }
    }
}

/// The keys that access tokens are signed with.
#[derive(Object)]
struct JwkSet {
    /// The keys, the oldest first.
    keys: Vec<JwkBody>,
}

#[OpenApi(prefix_path = "/.well-known", tag = "Tag::SignIn")]
impl Api {
    /// Where the authorisation server's endpoints are, and what they can (RFC 8414).
    #[oai(path = "/oauth-authorization-server", method = "get", operation_id = "oauth_metadata")]
    #[expect(clippy::unused_async, reason = "poem-openapi takes async functions only")]
    async fn metadata(&self, odavl: Data<&Odavl>) -> Result<Response<Json<ServerMetadata>>, Failure> {
        Ok(Response::new(Json(ServerMetadata::of(&odavl))).header("cache-control", CACHING))
    }

    /// The public keys that access tokens are signed with (RFC 7517).
    #[oai(path = "/jwks.json", method = "get", operation_id = "jwks")]
    async fn jwks(&self, odavl: Data<&Odavl>) -> Result<Response<Json<JwkSet>>, Failure> {
        let keys = odavl.jwks().await?.keys.into_iter().map(JwkBody::from).collect();
        Ok(Response::new(Json(JwkSet { keys })).header("cache-control", CACHING))
    }
}
