//! Usage, and decisions for other services.

use std::{collections::BTreeMap, num::NonZeroU32};

use jiff::SignedDuration;
use odavl_client::{
    Client,
    types::{
        Charge, ConsumeRequest, GroupBy, ReservationRequest, SettleRequest, Tags, VerifyRequest as Ask,
        Window,
    },
};
use odavl_core::{
    Error,
    gateway::{Verdict, VerifyRequest},
    ids::ReservationId,
    metering::{Consume, Grouping, HistoryQuery, MeterName, Reserve, Resolution},
};

use super::{Remote, keys::environment, known_by, verdict::verdict};
use crate::{
    failure::{Failure, Result},
    values::{Bucket, Consumed, Ended, LedgerEntry, Page, Reserved, Several, UsageReport},
};

type Charges = Vec<(MeterName, u64)>;

fn charges(charges: &Charges) -> Vec<Charge> {
    charges.iter().map(|(meter, units)| Charge { meter: meter.to_string(), units: *units }).collect()
}

fn tags(tags: BTreeMap<String, String>) -> Option<Tags> {
    (!tags.is_empty()).then(|| Tags(tags.into_iter().collect()))
}

/// A lifetime as it is sent: whole seconds, never less than was asked.
fn seconds(lifetime: SignedDuration) -> Result<NonZeroU32> {
    let whole = u32::try_from(lifetime.as_secs()).ok().and_then(NonZeroU32::new);
    let whole = whole.ok_or_else(|| Error::invalid("units are held for 1 s to 24 h"))?;
    Ok(whole.saturating_add(u32::from(lifetime.subsec_nanos() > 0)))
}

impl Remote {
    pub(crate) async fn usage_read(&self) -> Result<UsageReport> {
        Ok(self.call(Client::usage).await?.into())
    }

    pub(crate) async fn consume(&self, wish: Consume) -> Result<Consumed> {
        let is_own = wish.idempotency_key.is_none();
        let body = ConsumeRequest {
            meter: wish.meter.to_string(),
            units: Some(wish.units),
            idempotency_key: Some(known_by(wish.idempotency_key)),
            tags: tags(wish.tags),
        };
        let done: Consumed = self.call(|api| api.usage_consume(None, &body)).await?.into();
        Ok(Consumed { replayed: done.replayed && !is_own, ..done })
    }

    pub(crate) async fn reserve(&self, wish: Reserve) -> Result<Reserved> {
        let is_own = wish.idempotency_key.is_none();
        let body = ReservationRequest {
            charges: charges(&wish.units),
            expires_in: Some(seconds(wish.lifetime)?),
            idempotency_key: Some(known_by(wish.idempotency_key)),
            tags: tags(wish.tags),
        };
        let held: Reserved = self.call(|api| api.usage_reserve(None, &body)).await?.into();
        Ok(Reserved { replayed: held.replayed && !is_own, ..held })
    }

    pub(crate) async fn settle(&self, id: ReservationId, used: Charges) -> Result<Ended> {
        let (id, body) = (id.to_string(), SettleRequest { charges: charges(&used) });
        Ok(self.call(|api| api.usage_settle(&id, &body)).await?.into())
    }

    pub(crate) async fn release(&self, id: ReservationId) -> Result<Ended> {
        let id = id.to_string();
        Ok(self.call(|api| api.usage_release(&id)).await?.into())
    }

    pub(crate) async fn history(&self, query: HistoryQuery) -> Result<Several<Bucket>> {
        let group_by = match query.grouping {
            Grouping::Total => None,
            Grouping::Subject => Some(GroupBy::Subject),
        };
        let window = Some(match query.resolution {
            Resolution::Hour => Window::Hour,
            Resolution::Day => Window::Day,
            Resolution::Month => Window::Month,
        });
        let (from, to, meter) = (query.from, query.to, query.meter.to_string());
        let found = self.call(|api| api.usage_history(&from, group_by, &meter, &to, window));
        Ok(found.await?.items.into())
    }

    pub(crate) fn ledger(&self) -> Result<Page<LedgerEntry>> {
        let origin = &self.server.origin;
        let what = format!("{origin} does not show the ledger: it is read where the installation is open");
        Err(Failure::unsupported(what, "history has what was used, by the hour and by who caused it"))
    }

    pub(crate) async fn verify(&self, request: VerifyRequest) -> Result<Verdict> {
        let is_own = request.idempotency_key.is_none();
        let body = Ask {
            key: request.key.reveal().clone(),
            scope: Some(request.scope.to_string()).filter(|scope| !scope.is_empty()),
            charges: Some(charges(&request.charges)),
            environment: request.environment.map(environment),
            ip: request.ip.map(|ip| ip.to_string()),
            idempotency_key: Some(known_by(request.idempotency_key)),
            tags: tags(request.tags),
        };
        let decided = self.call(|api| api.gateway_verify(None, &body)).await?;
        let is_replayed = decided.replayed && !is_own;
        Ok(verdict(decided, is_replayed)?)
    }
}
