//! Tokens for clients that people sign in: the device flow, refreshing, revoking, looking at (RFC 8628, 6749, 7009,
//! 7662). Forms in, and errors as RFC 6749 writes them, so that any OAuth client works.

use jiff::Timestamp;
use odavl_core::{
    auth::{DeviceCodes, Introspection, Scopes, Tokens},
    secret::Secret,
};
use poem_openapi::{
    Object, OpenApi,
    payload::{Form, Json},
};
use serde::Deserialize;

use super::Tag;
use crate::{
    caller::{Caller, Visitor},
    oauth::OAuthFailure,
    shape::{Any, Given, ScopeList, Shape, Text},
};

pub(super) struct Api;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REFRESH_TOKEN: &str = "refresh_token";

/// The grants that the token path takes.
pub(super) const GRANTS: [&str; 2] = [DEVICE_CODE, REFRESH_TOKEN];

enum Grant {}

impl Shape for Grant {
    const WORDS: &'static [&'static str] = &GRANTS;
}

/// A device asks to be signed in (RFC 8628, 3.1).
#[derive(Object, Deserialize)]
struct DeviceCodeRequest {
    /// The registered client.
    #[serde(default)]
    client_id: Text<Given>,
    /// What it asks for, separated by spaces; all that the person may do unless said.
    scope: Option<Text<ScopeList>>,
}

/// What the device shows, and polls with (RFC 8628, 3.2).
#[derive(Object)]
#[oai(rename = "DeviceCode")]
struct DeviceCodeBody {
    /// What the device polls with.
    device_code: String,
    /// What the person types.
    user_code: String,
    /// Where they type it.
    verification_uri: String,
    /// The same, with the code typed already.
    verification_uri_complete: String,
    /// How many seconds the codes work.
    expires_in: i64,
    /// How many seconds to wait between polls.
    interval: u32,
}

impl From<DeviceCodes> for DeviceCodeBody {
    fn from(codes: DeviceCodes) -> Self {
        Self {
            verification_uri_complete: format!("{}?user_code={}", codes.verification_uri, codes.user_code),
            device_code: codes.device_code.reveal().clone(),
            user_code: codes.user_code.to_string(),
            verification_uri: codes.verification_uri,
            expires_in: codes.expires_in,
            interval: codes.interval,
        }
    }
}

/// A client asks for tokens (RFC 8628, 3.4; RFC 6749, 6).
#[derive(Object, Deserialize)]
struct TokenRequest {
    /// `urn:ietf:params:oauth:grant-type:device_code` or `refresh_token`.
    #[serde(default)]
    grant_type: Text<Grant>,
    /// The registered client.
    #[serde(default)]
    client_id: Text<Given>,
    /// For the first grant: the device's code.
    device_code: Option<Text<Any>>,
    /// For the second: the refresh token, which is replaced.
    refresh_token: Option<Text<Any>>,
    /// What is asked for; the answer says what was granted.
    scope: Option<Text<ScopeList>>,
}

/// Tokens (RFC 6749, 5.1).
#[derive(Object)]
#[oai(rename = "Tokens")]
struct TokenBody {
    /// For the API: a JWT (RFC 9068).
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// How many seconds the access token holds.
    expires_in: i64,
    /// For the next access token; the one before stops working.
    refresh_token: String,
    /// What was granted, separated by spaces.
    scope: String,
}

impl From<Tokens> for TokenBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token.reveal().clone(),
            token_type: "Bearer".to_owned(),
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token.reveal().clone(),
            scope: tokens.scopes.to_string(),
        }
    }
}

/// A token to end, or to look at (RFC 7009, 2.1; RFC 7662, 2.1).
#[derive(Object, Deserialize)]
struct TokenForm {
    /// The token.
    #[serde(default)]
    token: Text<Given>,
    /// What it is, such as `access_token`: found out without, so any word is taken.
    token_type_hint: Option<String>,
}

/// What a token is worth now (RFC 7662, 2.2); of one that does not hold, nothing is said.
#[derive(Object, Default)]
#[oai(rename = "Introspection", skip_serializing_if_is_none)]
struct IntrospectionBody {
    /// Whether it holds, and is the caller's own organisation's.
    active: bool,
    /// What it allows now, separated by spaces.
    scope: Option<String>,
    /// Whose it is: the id of a person or a key.
    sub: Option<String>,
    /// When it ends, in seconds since 1970.
    exp: Option<i64>,
    /// `Bearer`.
    token_type: Option<String>,
}

impl From<Option<Introspection>> for IntrospectionBody {
    fn from(found: Option<Introspection>) -> Self {
        found.map_or_else(Self::default, |found| Self {
            active: true,
            scope: Some(found.scopes.to_string()),
            sub: Some(found.subject),
            exp: found.expires_at.map(Timestamp::as_second),
            token_type: Some("Bearer".to_owned()),
        })
    }
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::SignIn")]
impl Api {
    /// Starts the device flow: codes to show to the person, and to poll with (RFC 8628).
    #[oai(path = "/device/code", method = "post", operation_id = "device_code")]
    async fn device_code(
        &self,
        Visitor(session): Visitor,
        Form(form): Form<DeviceCodeRequest>,
    ) -> Result<Json<DeviceCodeBody>, OAuthFailure> {
        let client_id = given(form.client_id, "client_id")?;
        let scopes = scopes(form.scope)?;
        let codes = session.devices().ask(&client_id, scopes).await.map_err(refused_device)?;
        Ok(Json(codes.into()))
    }

    /// Exchanges an approved device code, or a refresh token, for tokens.
    #[oai(path = "/token", method = "post", operation_id = "token")]
    async fn token(
        &self,
        Visitor(session): Visitor,
        Form(form): Form<TokenRequest>,
    ) -> Result<Json<TokenBody>, OAuthFailure> {
        let grant_type = given(form.grant_type, "grant_type")?;
        let client_id = given(form.client_id, "client_id")?;
        scopes(form.scope)?;
        let tokens = match grant_type.as_str() {
            DEVICE_CODE => {
                let code = Secret::new(given(form.device_code.unwrap_or_default(), "device_code")?);
                session.device_token(&client_id, &code).await?
            }
            REFRESH_TOKEN => {
                let token = Secret::new(given(form.refresh_token.unwrap_or_default(), "refresh_token")?);
                session.refresh(&client_id, &token).await?
            }
            _ => {
                let grants = GRANTS.join(" or ");
                return Err(OAuthFailure::new("unsupported_grant_type", format!("use {grants}")));
            }
        };
        Ok(Json(tokens?.into()))
    }

    /// Ends the sign-in that a token belongs to. Of a token that does not hold, nothing is said (RFC 7009).
    #[oai(path = "/revoke", method = "post", operation_id = "token_revoke")]
    async fn revoke(
        &self,
        Visitor(session): Visitor,
        Form(form): Form<TokenForm>,
    ) -> Result<(), OAuthFailure> {
        Ok(session.revoke_token(&Secret::new(given(form.token, "token")?)).await?)
    }

    /// What a token or key of the caller's own organisation is worth now (RFC 7662).
    #[oai(path = "/introspect", method = "post", operation_id = "token_introspect")]
    async fn introspect(
        &self,
        Caller(session): Caller,
        Form(form): Form<TokenForm>,
    ) -> Result<Json<IntrospectionBody>, OAuthFailure> {
        Ok(Json(session.introspect(&Secret::new(given(form.token, "token")?)).await?.into()))
    }
}

/// RFC 6749, 3.2: a parameter without a value is as good as none.
fn given<S>(value: Text<S>, name: &str) -> Result<String, OAuthFailure> {
    if value.is_empty() { Err(OAuthFailure::missing(name)) } else { Ok(value.0) }
}

fn scopes(text: Option<Text<ScopeList>>) -> Result<Scopes, OAuthFailure> {
    let parsed = text.unwrap_or_default().parse::<Scopes>();
    parsed.map_err(|error| OAuthFailure::new("invalid_scope", error.to_string()))
}

/// The client and the scopes are all that a device says, so they are all that can be refused.
fn refused_device(error: odavl_core::Error) -> OAuthFailure {
    match error.code() {
        odavl_core::ErrorCode::NotFound => odavl_core::auth::TokenRefusal::InvalidClient.into(),
        odavl_core::ErrorCode::InvalidInput => OAuthFailure::new("invalid_scope", error.to_string()),
        _ => error.into(),
    }
}
