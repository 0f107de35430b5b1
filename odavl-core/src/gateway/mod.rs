//! The gateway: one decision about someone else's key, scope and quota, for another service's API.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use serde::Serialize;

use crate::{
    action::Action,
    auth::{Environment, KeyToken, Scopes},
    error::{Error, ErrorCode, Reason, Result},
    ids::{KeyId, OrgId},
    metering::{
        self, Catalog, Charge, Entry, Idempotency, MeterName, Op, Standing, check_idempotency_key, check_tags,
    },
    secret::{Digest, Secret},
    session::{Ask, Session, Usage, decided},
    view::KeyView,
};

/// The most meters that one decision charges.
pub const CHARGES_MOST: usize = 4;

/// What another service asks about a request that it got.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// The API key that the request carried.
    pub key: Secret<String>,
    /// The scopes that the key must have.
    pub scope: Scopes,
    /// What the request costs: all of it is charged, or none. Units of 0 ask whether one would pass.
    pub charges: Vec<(MeterName, u64)>,
    /// The environment that the key must be of.
    pub environment: Option<Environment>,
    /// The address that the request came from.
    pub ip: Option<IpAddr>,
    /// Makes a retry get the same decision.
    pub idempotency_key: Option<String>,
    /// Labels for the ledger.
    pub tags: BTreeMap<String, String>,
}

impl VerifyRequest {
    /// Whether the key is good at all; what else is asked is set field by field.
    pub fn new(key: Secret<String>) -> Self {
        Self {
            key,
            scope: Scopes::none(),
            charges: Vec::new(),
            environment: None,
            ip: None,
            idempotency_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// The decision.
#[derive(Debug)]
pub enum Verdict {
    /// Let it pass; the charges are durable.
    Valid(Box<Identity>),
    /// Refuse it; nothing was charged. The error says why: `unauthenticated`, `forbidden`, `quota_exceeded` or
    /// `rate_limited`.
    Invalid(Error),
}

/// Whose request it is.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// The key.
    pub key_id: KeyId,
    /// Its organisation.
    pub organization: OrgId,
    /// The team's own id for the organisation.
    pub external_id: Option<String>,
    /// The organisation's plan.
    pub plan: String,
    /// What the key may do.
    pub scopes: Scopes,
    /// What the key is for.
    pub environment: Environment,
    /// The team's notes on the key.
    pub metadata: BTreeMap<String, String>,
    /// Where each charged meter stands against each of its limits.
    pub limits: Vec<Standing>,
    /// Whether this is an earlier decision given again.
    pub replayed: bool,
}

/// The gateway's use cases.
#[derive(Debug)]
pub struct Gateway<'a>(&'a Session);

impl Session {
    /// Decisions for other services.
    pub fn gateway(&self) -> Gateway<'_> {
        Gateway(self)
    }
}

impl Gateway<'_> {
    /// Decides: key, scope, address, rate, quota, in that order; a refusal charges nothing.
    ///
    /// # Errors
    /// Only where the question could not be answered: `forbidden` without `gateway:write`, `invalid_input` for
    /// charges of unknown meters, `conflict` for an idempotency key of another request, `unavailable`. A key that
    /// is refused is an answer.
    pub async fn verify(&self, request: VerifyRequest) -> Result<Verdict> {
        check(&self.0.core.settings.catalog, &request)?;
        self.0
            .metered(Ask::new(Action::GatewayVerify), async |_| {
                let verdict = match self.decide(&request).await {
                    Ok(identity) => Verdict::Valid(Box::new(identity)),
                    Err(error) => refused(error)?,
                };
                Ok((verdict, Usage::Settled))
            })
            .await
    }

    async fn decide(&self, request: &VerifyRequest) -> Result<Identity> {
        let core = &self.0.core;
        let token = KeyToken::parse(&core.settings.key_prefix, request.key.reveal())?;
        let mut fresh = core.fresh();
        loop {
            let view = core.authentic(&token).await?;
            permit(&view, request)?;
            if request.charges.is_empty() {
                return Ok(identity(&view, Vec::new(), false));
            }
            if let Some(decision) = fresh.decide(entry(&view, request)?).await? {
                let answer = decided(decision)?;
                return Ok(identity(&view, answer.standings, answer.replayed));
            }
        }
    }
}

/// Whether the key may do what is asked, from where it is asked.
fn permit(view: &KeyView, request: &VerifyRequest) -> Result<()> {
    if request.environment.is_some_and(|asked| asked != view.key.environment) {
        let detail = format!("the API key is a {} key", view.key.environment.as_str());
        return Err(Error::unauthenticated(Reason::WrongEnvironment, detail));
    }
    if !view.scopes.cover(&request.scope) {
        let detail = format!("the API key lacks the scope {}", request.scope);
        return Err(Error::forbidden(Reason::InsufficientScope, detail));
    }
    view.key.check_address(request.ip)
}

fn entry(view: &KeyView, request: &VerifyRequest) -> Result<Entry> {
    let charges = request
        .charges
        .iter()
        .map(|(meter, units)| {
            let limits = view.limits.get(meter).cloned().ok_or_else(|| unknown(meter))?;
            let units = i64::try_from(*units).map_err(|_| Error::invalid("units are at most 2^53 - 1"))?;
            Ok(Charge { meter: meter.clone(), units, limits, since: None })
        })
        .collect::<Result<Vec<_>>>()?;
    let probe = charges.iter().all(|charge| charge.units == 0);
    Ok(Entry {
        org: view.org.org.id,
        epoch: view.org.org.epoch,
        subject: view.subject.clone(),
        idempotency: request
            .idempotency_key
            .as_deref()
            .filter(|_| !probe)
            .map(|key| once(view, request, key)),
        op: if probe { Op::Probe(charges) } else { Op::Charge(charges) },
        tags: Arc::new(request.tags.clone()),
    })
}

/// The retry's key is the subject's own; the request is what is charged, and what was asked for with it.
fn once(view: &KeyView, request: &VerifyRequest, key: &str) -> Idempotency {
    let charges: Vec<_> = request.charges.iter().map(|(meter, units)| format!("{meter}={units}")).collect();
    let content = format!("{}\0{}\0{:?}", charges.join(","), request.scope, request.tags);
    Idempotency {
        key: Digest::of(format!("gateway.verify\0{}\0{key}", view.key.id).as_bytes()),
        request: Digest::of(content.as_bytes()),
    }
}

fn unknown(meter: &MeterName) -> Error {
    Error::invalid(format!("there is no meter `{meter}`"))
}

/// Refuses what no decision could charge.
///
/// # Errors
/// `invalid_input` for more than [`CHARGES_MOST`] meters, for one that is not there, is named twice or that callers may not
/// charge, and for more than 2^53 - 1 units.
pub fn check_charges(catalog: &Catalog, charges: &[(MeterName, u64)]) -> Result<()> {
    if charges.len() > CHARGES_MOST {
        return Err(Error::invalid(format!("one decision charges at most {CHARGES_MOST} meters")));
    }
    metering::check_charges(catalog, charges)
}

fn check(catalog: &Catalog, request: &VerifyRequest) -> Result<()> {
    check_charges(catalog, &request.charges)?;
    check_tags(&request.tags)?;
    check_idempotency_key(request.idempotency_key.as_deref())
}

fn identity(view: &KeyView, limits: Vec<Standing>, replayed: bool) -> Identity {
    Identity {
        key_id: view.key.id,
        organization: view.org.org.id,
        external_id: view.org.org.external_id.clone(),
        plan: view.org.org.plan.clone(),
        scopes: view.scopes.clone(),
        environment: view.key.environment,
        metadata: view.key.metadata.clone(),
        limits,
        replayed,
    }
}

/// A refusal is an answer; what kept the question from being answered stays an error.
fn refused(error: Error) -> Result<Verdict> {
    use ErrorCode::{Forbidden, QuotaExceeded, RateLimited, Unauthenticated};
    match error.code() {
        Unauthenticated | Forbidden | QuotaExceeded | RateLimited => Ok(Verdict::Invalid(error)),
        _ => Err(error),
    }
}
