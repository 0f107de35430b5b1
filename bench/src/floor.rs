//! The floor: callers are combined into durable transactions, in which each has one counter raised below a limit by one
//! statement. No key, scope, rate, ledger or history.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::Outcome;

type Caller = oneshot::Sender<u64>;

/// A combiner with one rule.
#[derive(Clone)]
pub struct Floor(mpsc::Sender<Caller>);

impl Floor {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let mut connection = Connection::open(folder.join("floor.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE counter (org INTEGER PRIMARY KEY, used INTEGER NOT NULL) STRICT;
             INSERT INTO counter VALUES (1, 0);",
        )?;
        let (sender, mut callers) = mpsc::channel::<Caller>(4096);
        std::thread::spawn(move || -> Outcome<()> {
            while let Some(first) = callers.blocking_recv() {
                let mut batch = vec![first];
                while batch.len() < 1024 {
                    let Ok(next) = callers.try_recv() else { break };
                    batch.push(next);
                }
                let transaction = connection.transaction()?;
                let mut used = Vec::with_capacity(batch.len());
                for _ in &batch {
                    let raise =
                        "UPDATE counter SET used = used + 1 WHERE org = 1 AND used < ?1 RETURNING used";
                    let mut raise = transaction.prepare_cached(raise)?;
                    used.push(raise.query_row([i64::MAX], |row| row.get::<_, i64>(0))?);
                }
                transaction.commit()?;
                for (caller, used) in batch.into_iter().zip(used) {
                    // Whoever left is counted all the same: a floor has no rules.
                    let _ = caller.send(used as u64);
                }
            }
            Ok(())
        });
        Ok(Self(sender))
    }

    pub async fn decide(&self) -> Outcome<u64> {
        let (sender, answer) = oneshot::channel();
        self.0.send(sender).await?;
        Ok(answer.await?)
    }
}
