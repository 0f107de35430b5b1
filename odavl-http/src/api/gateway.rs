//! Decisions for other services.

use odavl_core::{
    auth::Scopes,
    gateway::{Identity, Verdict, VerifyRequest},
    secret::Secret,
};
use poem_openapi::{Object, OpenApi, param::Header, payload::Json};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{ChargeBody, StandingBody, idempotency, texts},
    shape::{self, IdempotencyKey, Label, Named, Note, Text},
};

pub(super) struct Api;

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
            ip: ip.map_err(|_| odavl_core::Error::invalid("`ip` is not an address"))?,
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
            Verdict::Invalid { code, reason, detail, limits, retry_after } => Self {
                code: Some(code.as_str().to_owned()),
                reason: reason.map(|reason| reason.as_str().to_owned()),
                detail: Some(detail),
                retry_after: retry_after.map(|wait| wait.as_secs()),
                limits: limits.into_iter().map(StandingBody::from).collect(),
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

#[OpenApi(prefix_path = "/api/v1/gateway", tag = "Tag::Gateway")]
impl Api {
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
