//! Decisions for other services.

use std::collections::BTreeMap;

use jiff::Timestamp;
use odavl_core::{
    Error, Odavl, Reason,
    auth::Scopes,
    gateway::{Identity, Verdict, VerifyRequest},
    metering::MeterName,
    secret::Secret,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Query},
    payload::Json,
};

use super::Tag;
use crate::{
    caller::{Caller, Origin, Proxy, Shown},
    limits,
    problem::Failure,
    schema::{ChargeBody, StandingBody, idempotency, texts},
    shape::{self, IdempotencyKey, Label, Named, Note, Text},
};

pub(super) struct Api;

/// What is written as itself in a header: ASCII without controls, and `%` as an escape alone.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// What another service asks about a request that it got.
#[derive(Object)]
#[oai(rename = "VerifyRequest", deny_unknown_fields)]
struct VerifyBody {
    /// The API key that the request carried.
    key: Text<shape::Any>,
    /// The scopes that the key must have, separated by spaces.
    scope: Option<Text<shape::ScopeList>>,
    /// What the request costs, at most four meters: all of it is charged, or none.
    #[oai(default, validator(max_items = 4))]
    charges: Vec<ChargeBody>,
    /// The environment that the key must be of: `live` or `test`.
    environment: Option<Text<shape::Environment>>,
    /// The address that the request came from, for the key's allow-list.
    ip: Option<Text<shape::Address>>,
    /// Makes a retry get the same decision.
    idempotency_key: Option<Text<IdempotencyKey>>,
    /// Labels for the ledger.
    tags: Option<Named<Label>>,
}

impl VerifyBody {
    fn parse(self, header: Option<Text<IdempotencyKey>>) -> Result<VerifyRequest, Failure> {
        let ip = self.ip.map(|text| text.parse()).transpose();
        Ok(VerifyRequest {
            key: Secret::new(self.key.0),
            scope: self.scope.unwrap_or_default().parse::<Scopes>()?,
            charges: self.charges.into_iter().map(ChargeBody::parse).collect::<Result<_, _>>()?,
            environment: self.environment.map(|text| text.parse()).transpose()?,
            ip: ip.map_err(|_| Error::invalid("`ip` is not an address"))?,
            idempotency_key: idempotency(header, self.idempotency_key)?,
            tags: texts(self.tags),
        })
    }
}

/// The decision. `valid` false is an answer too: `code` says why, and nothing was charged.
#[derive(Object, Default)]
#[oai(rename = "Verdict", skip_serializing_if_is_none)]
struct VerdictBody {
    /// Whether the request may pass.
    valid: bool,
    /// Why not: a code of the error table.
    code: Option<String>,
    /// Why the credential was refused.
    reason: Option<String>,
    /// Why not, in words.
    detail: Option<String>,
    /// In how many seconds a retry may pass, where waiting at most an hour helps.
    retry_after: Option<u64>,
    /// The key.
    key_id: Option<String>,
    /// Its organisation.
    organization: Option<String>,
    /// The team's own id for the organisation.
    external_id: Option<String>,
    /// The organisation's plan.
    plan: Option<String>,
    /// What the key may do.
    scopes: Option<Vec<String>>,
    /// What the key is for.
    environment: Option<String>,
    /// The team's notes on the key.
    metadata: Option<Named<Note>>,
    /// Where the charged meters stand; of a refused limit, where it stands.
    limits: Vec<StandingBody>,
    /// Whether this is an earlier decision given again.
    replayed: bool,
}

impl From<Verdict> for VerdictBody {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Valid(identity) => (*identity).into(),
            Verdict::Invalid(error) => Self {
                code: Some(error.code().as_str().to_owned()),
                reason: error.reason().map(|reason| reason.as_str().to_owned()),
                detail: Some(error.to_string()),
                retry_after: error.retry_after().map(|wait| wait.as_secs()),
                limits: error.refusal().map(|refused| refused.standing.clone().into()).into_iter().collect(),
                ..Self::default()
            },
        }
    }
}

impl From<Identity> for VerdictBody {
    fn from(identity: Identity) -> Self {
        Self {
            valid: true,
            key_id: Some(identity.key_id.to_string()),
            organization: Some(identity.organization.to_string()),
            external_id: identity.external_id,
            plan: Some(identity.plan),
            scopes: Some(identity.scopes.to_vec()),
            environment: Some(identity.environment.as_str().to_owned()),
            metadata: Some(Named::new(identity.metadata)),
            limits: identity.limits.into_iter().map(StandingBody::from).collect(),
            replayed: identity.replayed,
            ..Self::default()
        }
    }
}

/// Let it pass. Every header is there, empty where there is nothing to say, so that none of the request's own takes its
/// place.
#[derive(ApiResponse)]
enum Allowed {
    /// The request may pass; whose it is, and what is left.
    #[oai(status = 204)]
    Yes(
        /// The key.
        #[oai(header = "Odavl-Key-Id")]
        String,
        /// Its organisation.
        #[oai(header = "Odavl-Key-Organization")]
        String,
        /// The team's own id for the organisation, percent-encoded where it is not ASCII.
        #[oai(header = "Odavl-Key-External-Id")]
        String,
        /// The organisation's plan.
        #[oai(header = "Odavl-Key-Plan")]
        String,
        /// What the key may do, separated by spaces.
        #[oai(header = "Odavl-Key-Scopes")]
        String,
        /// What the key is for: `live` or `test`.
        #[oai(header = "Odavl-Key-Environment")]
        String,
        /// The limits that were charged.
        #[oai(header = "RateLimit-Policy")]
        Option<String>,
        /// What is left of them.
        #[oai(header = "RateLimit")]
        Option<String>,
    ),
}

impl Allowed {
    fn of(identity: &Identity, now: Timestamp) -> Self {
        let text = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let [policies, rates] =
            limits::values(&identity.limits, now).map_or([None, None], |both| both.map(Some));
        Self::Yes(
            identity.key_id.to_string(),
            identity.organization.to_string(),
            text(identity.external_id.as_deref().unwrap_or_default()),
            text(&identity.plan),
            identity.scopes.to_string(),
            identity.environment.as_str().to_owned(),
            policies,
            rates,
        )
    }
}

/// A meter, or a meter and its units: `tokens`, `tokens:20`.
fn parse(cost: &str) -> odavl_core::Result<(MeterName, u64)> {
    let (meter, units) = cost.split_once(':').unwrap_or((cost, "1"));
    let wrong = |_| Error::invalid_with("`charge` names no units", "write it as `tokens:20`");
    Ok((meter.parse()?, units.parse().map_err(wrong)?))
}

#[OpenApi(prefix_path = "/api/v1/gateway", tag = "Tag::Gateway")]
impl Api {
    /// Decides about a request that a proxy got: forward-auth for nginx, Caddy, Traefik and the like.
    ///
    /// The request's key is its bearer; the proxy's own, with `gateway:write`, is in `Odavl-Gateway-Key`, and the query
    /// says what the route needs. 204 lets it pass and says whose it is; 401, 403 and 429 are for whoever made it. An
    /// address is taken from `X-Forwarded-For` where the proxy is trusted. What else the request carries, an
    /// `Idempotency-Key` too, decides nothing.
    #[oai(path = "/authorize", method = "get", operation_id = "gateway_authorize")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a parameter of the query, or what a request comes with"
    )]
    async fn authorize(
        &self,
        Proxy(session): Proxy,
        Data(odavl): Data<&Odavl>,
        Data(origin): Data<&Origin>,
        Shown(key): Shown,
        /// The scopes that the key must have, separated by spaces.
        Query(scope): Query<Option<Text<shape::ScopeList>>>,
        /// What the request costs: a meter, or a meter and its units as in `tokens:20`. At most four; all is charged, or
        /// none.
        #[oai(default, validator(max_items = 4))]
        Query(charge): Query<Vec<Text<shape::Cost>>>,
        /// The environment that the key must be of: `live` or `test`.
        Query(environment): Query<Option<Text<shape::Environment>>>,
        /// Makes a retry of the proxy's get the same decision.
        Query(idempotency_key): Query<Option<Text<IdempotencyKey>>>,
    ) -> Result<Allowed, Failure> {
        let missing = || Error::unauthenticated(Reason::Missing, "this needs an API key");
        let request = VerifyRequest {
            key: key.ok_or_else(missing)?,
            scope: scope.unwrap_or_default().parse()?,
            charges: charge.iter().map(|cost| parse(cost)).collect::<Result<_, _>>()?,
            environment: environment.map(|text| text.parse()).transpose()?,
            ip: origin.address,
            idempotency_key: idempotency_key.map(|key| key.0),
            tags: BTreeMap::new(),
        };
        match session.gateway().verify(request).await? {
            Verdict::Valid(identity) => Ok(Allowed::of(&identity, odavl.now())),
            Verdict::Invalid(error) => Err(error.into()),
        }
    }

    /// Decides about a request that another service got: key, scope, address, rate and quota in one call.
    ///
    /// Needs `gateway:write`. The answer is 200 whether the decision is yes or no.
    #[oai(path = "/verify", method = "post", operation_id = "gateway_verify")]
    async fn verify(
        &self,
        Caller(session): Caller,
        /// Makes a retry get the same decision.
        #[oai(name = "Idempotency-Key")]
        Header(key): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<VerifyBody>,
    ) -> Result<Json<VerdictBody>, Failure> {
        Ok(Json(session.gateway().verify(body.parse(key)?).await?.into()))
    }
}
