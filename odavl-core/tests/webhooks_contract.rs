//! The behaviour of webhooks' rows, on every adapter.

#[cfg(test)]
mod memory {
    use std::sync::Arc;

    use odavl_core::webhooks::{MemoryWebhooks, contract::Subject};

    odavl_core::webhooks_contract!(async || Arc::new(MemoryWebhooks::default()) as Subject);
}

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod server;

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres {
    use std::sync::Arc;

    use odavl_core::{
        ManualClock,
        ids::{OrgId, WebhookId},
        webhooks::{Claim, SqlWebhooks, WebhookRows, contract::Subject},
    };

    async fn rows() -> Subject {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        Arc::new(SqlWebhooks::new(super::server::database(&clock).await))
    }

    odavl_core::webhooks_contract!(async || rows().await);

    const ENDPOINT: &str = "INSERT INTO webhook_endpoints (org, id, url, description, secret, created_at)
        VALUES ($1, $2, '', '', '', 0)";
    const DUE: &str = "INSERT INTO webhook_deliveries
        (org, endpoint, event, payload, created_at, attempts, state, next_at)
        VALUES ($1, $2, 'v', '{}', 0, 0, 'pending', 0)";
    const ARRIVED: &str = "UPDATE webhook_deliveries SET attempts = 1, state = 'delivered', next_at = NULL";
    const PID: &str = "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid";
    const WAIT: &str = "SELECT COUNT(*) AS n FROM pg_stat_activity
        WHERE CAST($1 AS BIGINT) = ANY (CAST(pg_blocking_pids(pid) AS BIGINT[]))";

    #[tokio::test]
    async fn what_is_reported_while_it_is_claimed_is_not_claimed() {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let db = super::server::database(&clock).await;
        let rows = SqlWebhooks::new(db.clone());
        let mut made = db.begin().await.unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let (org, endpoint) = (OrgId::new(now).unwrap(), WebhookId::new(now).unwrap());
        made.execute(ENDPOINT, &[org.into(), endpoint.into()]).await.unwrap();
        made.execute(DUE, &[org.into(), endpoint.into()]).await.unwrap();
        made.commit().await.unwrap();
        // By a node that was stopped for longer than what it had claimed was its own.
        let mut late = db.begin().await.unwrap();
        let pid: i64 = late.query_one(PID, &[]).await.unwrap().unwrap().read("pid").unwrap();
        late.execute(ARRIVED, &[]).await.unwrap();
        let report = async {
            while db.query_one(WAIT, &[pid.into()]).await.unwrap().unwrap().read::<i64>("n").unwrap() == 0 {
                tokio::task::yield_now().await;
            }
            late.commit().await.unwrap();
        };
        let claim = rows.claim(org, endpoint, Claim { now, until: now, most: 10 });
        let (claimed, ()) = tokio::join!(claim, report);
        assert!(claimed.unwrap().is_empty());
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sql {
    use std::sync::Arc;

    use odavl_core::{
        ManualClock,
        db::Db,
        webhooks::{SqlWebhooks, contract::Subject},
    };

    async fn rows() -> Subject {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        Arc::new(SqlWebhooks::new(Db::temporary(&clock).await.unwrap()))
    }

    odavl_core::webhooks_contract!(async || rows().await);
}
