//! What a service decided, as the library has it.

use jiff::{SignedDuration, Timestamp};
use odavl_client::types;
use odavl_core::{
    Clock as _, Error, ErrorCode, Reason, Result, SystemClock,
    auth::Scopes,
    gateway::{Identity, Verdict},
    metering::{Refusal, Standing},
};

/// The decision of a service; what this version does not know of it, it does not pass.
pub(super) fn verdict(wire: types::Verdict, is_replayed: bool) -> Result<Verdict> {
    if !wire.valid {
        return refusal(wire).map(Verdict::Invalid);
    }
    let scopes: Scopes = wire.scopes.join(" ").parse()?;
    Ok(Verdict::Valid(Box::new(Identity {
        key_id: known(wire.key_id, "key")?.parse()?,
        organization: known(wire.organization, "organization")?.parse()?,
        external_id: wire.external_id,
        plan: known(wire.plan, "plan")?,
        scopes,
        environment: known(wire.environment, "environment")?.parse()?,
        metadata: wire.metadata.map_or_else(Default::default, |notes| notes.0.into_iter().collect()),
        limits: wire.limits.into_iter().map(standing).collect::<Result<_>>()?,
        replayed: is_replayed,
    })))
}

fn known<T>(said: Option<T>, what: &str) -> Result<T> {
    said.ok_or_else(|| Error::internal(format!("the service decided without a word of the {what}"), None))
}

fn refusal(wire: types::Verdict) -> Result<Error> {
    let code = wire.code.as_deref().and_then(ErrorCode::parse);
    let (detail, wait) = (wire.detail.unwrap_or_default(), wire.retry_after);
    let reason = || reason(wire.reason.as_deref());
    match code {
        Some(ErrorCode::Unauthenticated) => Ok(Error::unauthenticated(reason()?, detail)),
        Some(ErrorCode::Forbidden) => Ok(Error::forbidden(reason()?, detail)),
        Some(code @ (ErrorCode::QuotaExceeded | ErrorCode::RateLimited)) => {
            let standing = standing(known(wire.limits.into_iter().next(), "limit")?)?;
            let refusal = Box::new(Refusal { at: refused_at(standing.resets_at, wait), standing });
            let is_rate = code == ErrorCode::RateLimited;
            Ok(if is_rate { Error::RateLimited(refusal) } else { Error::QuotaExceeded(refusal) })
        }
        _ => Err(Error::internal(format!("the service refused as {:?}", wire.code), None)),
    }
}

fn reason(said: Option<&str>) -> Result<Reason> {
    let reason = serde_json::from_value(said.into());
    reason.map_err(|error| Error::internal("the service refused for another reason", Some(error.into())))
}

/// When it was, by the service's clock: as long before the limit starts anew as it says to wait.
fn refused_at(resets_at: Option<Timestamp>, wait: Option<u64>) -> Timestamp {
    let wait = wait.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
    let at = resets_at.zip(wait).and_then(|(resets_at, wait)| resets_at.checked_sub(wait).ok());
    at.unwrap_or_else(|| SystemClock.now())
}

fn standing(wire: types::Standing) -> Result<Standing> {
    Ok(Standing {
        meter: wire.meter.parse()?,
        units: wire.units,
        used: wire.used,
        limit: wire.limit,
        remaining: wire.remaining,
        resets_at: wire.resets_at,
        warning: wire.warning,
        period: wire.period.parse()?,
        key_id: wire.key_id.map(|id| id.parse()).transpose()?,
    })
}
