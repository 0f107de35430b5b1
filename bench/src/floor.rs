//! The floor: callers are combined into durable transactions, in which a counter is raised below a limit. No key, scope,
//! rate, ledger or history.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{Outcome, database};

type Caller = oneshot::Sender<i64>;

/// How many callers one transaction takes.
const MOST: usize = 1024;

/// A combiner with one rule.
#[derive(Clone)]
pub struct Floor(mpsc::Sender<Caller>);

impl Floor {
    /// On `place`: the URL of an empty PostgreSQL database, or a folder.
    pub async fn open(place: &str) -> Outcome<Self> {
        let (sender, callers) = mpsc::channel(4096);
        if place.contains("://") {
            on_postgres(place, callers).await?;
        } else {
            on_sqlite(Path::new(place), callers)?;
        }
        Ok(Self(sender))
    }

    pub async fn decide(&self) -> Outcome<i64> {
        let (sender, answer) = oneshot::channel();
        self.0.send(sender).await?;
        Ok(answer.await?)
    }
}

/// Each caller's unit by a statement of its own, in one transaction.
fn on_sqlite(folder: &Path, mut callers: mpsc::Receiver<Caller>) -> Outcome<()> {
    let mut connection = Connection::open(folder.join("floor.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE counter (org INTEGER PRIMARY KEY, used INTEGER NOT NULL) STRICT;
         INSERT INTO counter VALUES (1, 0);",
    )?;
    std::thread::spawn(move || -> Outcome<()> {
        while let Some(first) = callers.blocking_recv() {
            let batch = batch(first, &mut callers);
            let transaction = connection.transaction()?;
            let mut used = Vec::with_capacity(batch.len());
            for _ in &batch {
                let raise = "UPDATE counter SET used = used + 1 WHERE org = 1 AND used < ?1 RETURNING used";
                let mut raise = transaction.prepare_cached(raise)?;
                used.push(raise.query_row([i64::MAX], |row| row.get::<_, i64>(0))?);
            }
            transaction.commit()?;
            answer(batch, used);
        }
        Ok(())
    });
    Ok(())
}

/// All callers' units by one statement: a statement is a round trip.
async fn on_postgres(url: &str, mut callers: mpsc::Receiver<Caller>) -> Outcome<()> {
    let client = database::connect(url).await?;
    client
        .batch_execute(
            "CREATE TABLE counter (org BIGINT PRIMARY KEY, used BIGINT NOT NULL);
             INSERT INTO counter VALUES (1, 0)",
        )
        .await?;
    let raise = client
        .prepare("UPDATE counter SET used = used + $1 WHERE org = 1 AND used + $1 <= $2 RETURNING used")
        .await?;
    tokio::spawn(async move {
        while let Some(first) = callers.recv().await {
            let batch = batch(first, &mut callers);
            let units = batch.len() as i64;
            // Whoever waits is told by the answer that does not come.
            let Ok(row) = client.query_one(&raise, &[&units, &i64::MAX]).await else { return };
            let used: i64 = row.get(0);
            answer(batch, (used - units + 1..=used).collect());
        }
    });
    Ok(())
}

fn batch(first: Caller, callers: &mut mpsc::Receiver<Caller>) -> Vec<Caller> {
    let mut batch = vec![first];
    while batch.len() < MOST {
        let Ok(next) = callers.try_recv() else { break };
        batch.push(next);
    }
    batch
}

fn answer(batch: Vec<Caller>, used: Vec<i64>) {
    for (caller, used) in batch.into_iter().zip(used) {
        // Whoever left is counted all the same: a floor has no rules.
        let _ = caller.send(used);
    }
}
