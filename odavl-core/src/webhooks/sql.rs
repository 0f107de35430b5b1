//! Webhooks' rows in a SQL database.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    delivery::{Attempt, Delivery, DeliveryState},
    endpoint::Endpoint,
    port::{Claim, WebhookRows, after, cut, on_its_way},
};
use crate::{
    db::{Db, Lock, Row, Value},
    error::Result,
    ids::{EventId, OrgId, WebhookId},
    page::{Page, PageQuery},
};

/// Webhooks' rows in the tables of `0007_webhooks.sql`.
#[derive(Debug, Clone)]
pub struct SqlWebhooks {
    db: Db,
}

impl SqlWebhooks {
    /// Keeps its rows in `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

macro_rules! columns {
    () => {
        "org, endpoint, event, payload, created_at, attempts, state, next_at, tried_at, status, error"
    };
}

const COUNT: &str = "SELECT COUNT(*) AS count FROM webhook_endpoints WHERE org = $1";
const ADD: &str = "INSERT INTO webhook_endpoints (org, id, url, description, secret, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const ENDPOINT: &str =
    "SELECT id, url, description, secret, created_at FROM webhook_endpoints WHERE org = $1 AND id = $2";
const ENDPOINTS: &str = "SELECT id, url, description, secret, created_at FROM webhook_endpoints
    WHERE org = $1 ORDER BY created_at, id";
const REMOVE: &str = "DELETE FROM webhook_endpoints WHERE org = $1 AND id = $2";
const ENQUEUE: &str =
    "INSERT INTO webhook_deliveries (org, endpoint, event, payload, created_at, attempts, state, next_at)
    VALUES ($1, $2, $3, $4, $5, 0, 'pending', $6)
    ON CONFLICT (org, endpoint, event) DO NOTHING";
/// Steps from endpoint to endpoint in the index: however much is on its way to one, it is one step.
const DUE: &str = "WITH RECURSIVE turns (endpoint) AS (
        SELECT MIN(endpoint) FROM webhook_deliveries WHERE next_at IS NOT NULL AND endpoint > $2
            AND EXISTS (SELECT 1 FROM webhook_deliveries WHERE next_at <= $1)
        UNION ALL
        SELECT (SELECT MIN(later.endpoint) FROM webhook_deliveries AS later
            WHERE later.next_at IS NOT NULL AND later.endpoint > turns.endpoint)
        FROM turns WHERE turns.endpoint IS NOT NULL)
    SELECT org, endpoint FROM (SELECT turns.endpoint, (SELECT due.org FROM webhook_deliveries AS due
            WHERE due.endpoint = turns.endpoint AND due.next_at <= $1 LIMIT 1) AS org
        FROM turns WHERE turns.endpoint IS NOT NULL) AS those
    WHERE org IS NOT NULL LIMIT $3";
/// The few that are chosen are found by their key, not again among all that is due: so the plus.
const CLAIM: &str = concat!(
    "UPDATE webhook_deliveries SET next_at = $4 WHERE org = $1 AND endpoint = $2 AND +next_at <= $3 AND event IN
        (SELECT event FROM webhook_deliveries WHERE endpoint = $2 AND next_at <= $3 ORDER BY next_at LIMIT $5)
    RETURNING ",
    columns!()
);
const REPORT: &str = "UPDATE webhook_deliveries
    SET attempts = $4, state = $5, next_at = $6, tried_at = $7, status = $8, error = $9
    WHERE org = $1 AND endpoint = $2 AND event = $3 AND attempts = $4 - 1 AND state = 'pending'";
const REPLAY: &str = concat!(
    "UPDATE webhook_deliveries SET attempts = 0, state = 'pending', next_at = $4
    WHERE org = $1 AND endpoint = $2 AND event = $3 AND state <> 'pending' RETURNING ",
    columns!()
);
const IS_THERE: &str = "SELECT event FROM webhook_deliveries WHERE org = $1 AND endpoint = $2 AND event = $3";
const DELIVERIES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM webhook_deliveries WHERE org = $1 AND endpoint = $2
    AND (created_at < $3 OR (created_at = $3 AND event < $4))
    ORDER BY created_at DESC, event DESC LIMIT $5"
);
const FORGET: &str = "DELETE FROM webhook_deliveries WHERE (org, endpoint, event) IN
    (SELECT org, endpoint, event FROM webhook_deliveries WHERE next_at IS NULL AND created_at < $1 LIMIT $2)";

#[async_trait]
impl WebhookRows for SqlWebhooks {
    async fn add(&self, org: OrgId, endpoint: &Endpoint, most: u32) -> Result<bool> {
        let params = [
            org.into(),
            endpoint.id.into(),
            endpoint.url.clone().into(),
            endpoint.description.clone().into(),
            endpoint.sealed.clone().into(),
            endpoint.created_at.into(),
        ];
        let mut tx = self.db.begin().await?;
        // Two that count at once would both fit.
        tx.lock([endpoints_of(org)]).await?;
        let there: u32 = match tx.query_one(COUNT, &[org.into()]).await? {
            Some(row) => row.read("count")?,
            None => 0,
        };
        if there >= most {
            return Ok(false);
        }
        tx.execute(ADD, &params).await?;
        tx.commit().await.map(|()| true)
    }

    async fn endpoint(&self, org: OrgId, id: WebhookId) -> Result<Option<Endpoint>> {
        self.db.query_one(ENDPOINT, &[org.into(), id.into()]).await?.as_ref().map(endpoint).transpose()
    }

    async fn endpoints(&self, org: OrgId) -> Result<Vec<Endpoint>> {
        self.db.query(ENDPOINTS, &[org.into()]).await?.iter().map(endpoint).collect()
    }

    async fn remove(&self, org: OrgId, id: WebhookId) -> Result<bool> {
        Ok(self.change(Some(endpoints_of(org)), REMOVE, &[org.into(), id.into()]).await? == 1)
    }

    async fn enqueue(&self, org: OrgId, deliveries: &[Delivery]) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.lock([endpoints_of(org)]).await?;
        for delivery in deliveries {
            if tx.query_one(ENDPOINT, &[org.into(), delivery.endpoint.into()]).await?.is_none() {
                continue;
            }
            let (_, next_at) = state(&delivery.state);
            let params = [
                org.into(),
                delivery.endpoint.into(),
                delivery.event.into(),
                delivery.payload.clone().into(),
                delivery.created_at.into(),
                next_at.into(),
            ];
            tx.execute(ENQUEUE, &params).await?;
        }
        tx.commit().await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<WebhookId>,
        most: u32,
    ) -> Result<Vec<(OrgId, WebhookId)>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.db.query(DUE, &[now.into(), after.into(), most.into()]).await?;
        let endpoint =
            |row: &Row| Ok((row.parse("webhook_deliveries.org")?, row.parse("webhook_deliveries.endpoint")?));
        rows.iter().map(endpoint).collect()
    }

    async fn claim(&self, org: OrgId, endpoint: WebhookId, claim: Claim) -> Result<Vec<Result<Delivery>>> {
        let params = [org.into(), endpoint.into(), claim.now.into(), claim.until.into(), claim.most.into()];
        let mut tx = self.db.begin().await?;
        tx.lock([Lock::on("webhooks claim", &endpoint)]).await?;
        let rows = tx.query(CLAIM, &params).await?;
        tx.commit().await?;
        Ok(rows.iter().map(delivery).collect())
    }

    async fn report(&self, org: OrgId, after: &Delivery) -> Result<bool> {
        let (state, next_at) = state(&after.state);
        let last = after.last.as_ref();
        let params = [
            org.into(),
            after.endpoint.into(),
            after.event.into(),
            after.attempts.into(),
            state.into(),
            next_at.into(),
            last.map(|last| last.at).into(),
            last.and_then(|last| last.status).map(u32::from).into(),
            last.and_then(|last| last.error.clone()).into(),
        ];
        Ok(self.change(None, REPORT, &params).await? == 1)
    }

    async fn replay(
        &self,
        org: OrgId,
        endpoint: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<Option<Delivery>> {
        let mut tx = self.db.begin().await?;
        let params = [org.into(), endpoint.into(), event.into(), now.into()];
        let row = tx.query_one(REPLAY, &params).await?;
        if row.is_none() && tx.query_one(IS_THERE, &params[..3]).await?.is_some() {
            return Err(on_its_way());
        }
        tx.commit().await?;
        row.as_ref().map(delivery).transpose()
    }

    async fn deliveries(&self, org: OrgId, endpoint: WebhookId, page: &PageQuery) -> Result<Page<Delivery>> {
        let (at, event) = after(page)?.unwrap_or((i64::MAX, String::new()));
        let most = i64::from(page.limit) + 1;
        let params = [org.into(), endpoint.into(), at.into(), event.into(), most.into()];
        let rows = self.db.query(DELIVERIES, &params).await?;
        Ok(cut(rows.iter().map(delivery).collect::<Result<_>>()?, page))
    }

    async fn forget(&self, before: Timestamp, most: u32) -> Result<u32> {
        let gone = self.change(None, FORGET, &[before.into(), most.into()]).await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}

impl SqlWebhooks {
    /// How many rows a statement changed.
    async fn change(&self, lock: Option<Lock>, sql: &'static str, params: &[Value]) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        tx.lock(lock).await?;
        let changed = tx.execute(sql, params).await?;
        tx.commit().await.map(|()| changed)
    }
}

/// Which endpoints an organisation has.
fn endpoints_of(org: OrgId) -> Lock {
    Lock::on("webhooks", &org)
}

fn state(state: &DeliveryState) -> (&'static str, Option<Timestamp>) {
    let next_at = match state {
        DeliveryState::Pending { next_at } => Some(*next_at),
        DeliveryState::Delivered | DeliveryState::Failed => None,
    };
    (state.as_str(), next_at)
}

fn endpoint(row: &Row) -> Result<Endpoint> {
    Ok(Endpoint {
        id: row.parse("webhook_endpoints.id")?,
        url: row.read("webhook_endpoints.url")?,
        description: row.read("webhook_endpoints.description")?,
        sealed: row.read("webhook_endpoints.secret")?,
        created_at: row.read("webhook_endpoints.created_at")?,
    })
}

fn delivery(row: &Row) -> Result<Delivery> {
    let next_at = row.read::<Option<Timestamp>>("webhook_deliveries.next_at")?;
    let status = row.read::<Option<u32>>("webhook_deliveries.status")?;
    let status = status.and_then(|status| status.try_into().ok());
    let error = row.read("webhook_deliveries.error")?;
    let last = row.read::<Option<Timestamp>>("webhook_deliveries.tried_at")?;
    Ok(Delivery {
        event: row.parse("webhook_deliveries.event")?,
        endpoint: row.parse("webhook_deliveries.endpoint")?,
        payload: row.read("webhook_deliveries.payload")?,
        created_at: row.read("webhook_deliveries.created_at")?,
        attempts: row.read("webhook_deliveries.attempts")?,
        state: match (row.read::<String>("webhook_deliveries.state")?.as_str(), next_at) {
            ("pending", Some(next_at)) => DeliveryState::Pending { next_at },
            ("delivered", None) => DeliveryState::Delivered,
            ("failed", None) => DeliveryState::Failed,
            _ => return Err(row.nonsense("webhook_deliveries.state", None)),
        },
        last: last.map(|at| Attempt { at, status, error }),
    })
}
