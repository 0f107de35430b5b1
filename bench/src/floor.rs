//! The floor: callers are combined, one counter is raised in one durable transaction a batch, and nothing else.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::Outcome;

type Caller = oneshot::Sender<u64>;

/// A combiner with no rule, no ledger and no key.
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
                let used: i64 = transaction
                    .prepare_cached("UPDATE counter SET used = used + ?1 WHERE org = 1 RETURNING used")?
                    .query_row([batch.len() as i64], |row| row.get(0))?;
                transaction.commit()?;
                for caller in batch {
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
