//! Webhooks' rows in maps.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    delivery::{Delivery, DeliveryState},
    endpoint::Endpoint,
    port::{Claim, WebhookRows, after, cut, on_its_way},
};
use crate::{
    error::Result,
    ids::{EventId, OrgId, WebhookId},
    page::{Page, PageQuery},
};

/// Webhooks' rows that live as long as the process.
#[derive(Debug, Default)]
pub struct MemoryWebhooks(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    endpoints: BTreeMap<(OrgId, WebhookId), Endpoint>,
    deliveries: BTreeMap<(OrgId, WebhookId, EventId), Delivery>,
}

impl MemoryWebhooks {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When it is tried; `None` where it ended.
const fn due_at(delivery: &Delivery) -> Option<Timestamp> {
    if let DeliveryState::Pending { next_at } = delivery.state { Some(next_at) } else { None }
}

#[async_trait]
impl WebhookRows for MemoryWebhooks {
    async fn add(&self, org: OrgId, endpoint: &Endpoint, most: u32) -> Result<bool> {
        let mut rows = self.rows();
        let there = rows.endpoints.keys().filter(|(owner, _)| *owner == org).count();
        let fits = u32::try_from(there).is_ok_and(|there| there < most);
        if fits {
            rows.endpoints.insert((org, endpoint.id), endpoint.clone());
        }
        Ok(fits)
    }

    async fn endpoint(&self, org: OrgId, id: WebhookId) -> Result<Option<Endpoint>> {
        Ok(self.rows().endpoints.get(&(org, id)).cloned())
    }

    async fn endpoints(&self, org: OrgId) -> Result<Vec<Endpoint>> {
        let rows = self.rows();
        let own = rows.endpoints.iter().filter(|((owner, _), _)| *owner == org);
        let mut own: Vec<_> = own.map(|(_, endpoint)| endpoint.clone()).collect();
        own.sort_by_key(|endpoint| (endpoint.created_at, endpoint.id));
        Ok(own)
    }

    async fn remove(&self, org: OrgId, id: WebhookId) -> Result<bool> {
        let mut rows = self.rows();
        rows.deliveries.retain(|(owner, endpoint, _), _| (*owner, *endpoint) != (org, id));
        Ok(rows.endpoints.remove(&(org, id)).is_some())
    }

    async fn enqueue(&self, org: OrgId, deliveries: &[Delivery]) -> Result<()> {
        let mut rows = self.rows();
        for delivery in deliveries {
            if rows.endpoints.contains_key(&(org, delivery.endpoint)) {
                let key = (org, delivery.endpoint, delivery.event);
                rows.deliveries.entry(key).or_insert_with(|| delivery.clone());
            }
        }
        Ok(())
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<WebhookId>,
        most: u32,
    ) -> Result<Vec<(OrgId, WebhookId)>> {
        let rows = self.rows();
        let due = rows.deliveries.iter().filter(|(_, delivery)| due_at(delivery).is_some_and(|at| at <= now));
        let endpoints: BTreeSet<_> = due.map(|((org, endpoint, _), _)| (*endpoint, *org)).collect();
        let rest = endpoints.into_iter().filter(|(endpoint, _)| after.is_none_or(|after| *endpoint > after));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(rest.map(|(endpoint, org)| (org, endpoint)).take(most).collect())
    }

    async fn claim(&self, org: OrgId, endpoint: WebhookId, claim: Claim) -> Result<Vec<Result<Delivery>>> {
        let mut rows = self.rows();
        let own = rows.deliveries.iter_mut().filter(|((owner, to, _), _)| (*owner, *to) == (org, endpoint));
        let due = own.filter_map(|(_, delivery)| Some((due_at(delivery)?, delivery)));
        let mut due: Vec<_> = due.filter(|(at, _)| *at <= claim.now).collect();
        due.sort_by_key(|(at, _)| *at);
        due.truncate(usize::try_from(claim.most).unwrap_or(usize::MAX));
        let take = |(_, delivery): (_, &mut Delivery)| {
            delivery.state = DeliveryState::Pending { next_at: claim.until };
            Ok(delivery.clone())
        };
        Ok(due.into_iter().map(take).collect())
    }

    async fn report(&self, org: OrgId, after: &Delivery) -> Result<bool> {
        let mut rows = self.rows();
        let known = rows.deliveries.get_mut(&(org, after.endpoint, after.event));
        let pending = |known: &&mut Delivery| matches!(known.state, DeliveryState::Pending { .. });
        let Some(known) = known.filter(|known| known.attempts + 1 == after.attempts).filter(pending) else {
            return Ok(false);
        };
        *known = after.clone();
        Ok(true)
    }

    async fn replay(
        &self,
        org: OrgId,
        endpoint: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<Option<Delivery>> {
        let mut rows = self.rows();
        let Some(known) = rows.deliveries.get_mut(&(org, endpoint, event)) else { return Ok(None) };
        if due_at(known).is_some() {
            return Err(on_its_way());
        }
        known.attempts = 0;
        known.state = DeliveryState::Pending { next_at: now };
        Ok(Some(known.clone()))
    }

    async fn deliveries(&self, org: OrgId, endpoint: WebhookId, page: &PageQuery) -> Result<Page<Delivery>> {
        let after = after(page)?;
        let rows = self.rows();
        let own = rows.deliveries.iter().filter(|((owner, to, _), _)| (*owner, *to) == (org, endpoint));
        let place = |delivery: &Delivery| (delivery.created_at.as_microsecond(), delivery.event.to_string());
        let mut own: Vec<_> = own
            .map(|(_, delivery)| delivery.clone())
            .filter(|delivery| after.as_ref().is_none_or(|after| place(delivery) < *after))
            .collect();
        own.sort_by_key(|delivery| Reverse(place(delivery)));
        own.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX).saturating_add(1));
        Ok(cut(own, page))
    }

    async fn forget(&self, before: Timestamp, most: u32) -> Result<u32> {
        let mut rows = self.rows();
        let over = |delivery: &Delivery| {
            delivery.created_at < before && !matches!(delivery.state, DeliveryState::Pending { .. })
        };
        let all = rows.deliveries.iter().filter(|(_, delivery)| over(delivery)).map(|(key, _)| *key);
        let some: Vec<_> = all.take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
        for key in &some {
            rows.deliveries.remove(key);
        }
        Ok(u32::try_from(some.len()).unwrap_or(u32::MAX))
    }
}
