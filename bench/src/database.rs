//! PostgreSQL databases of the benchmark's own, on the server that ODAVL_BENCH_POSTGRES names:
//! `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, whose user may make databases.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio_postgres::{Client, NoTls};

use crate::Outcome;

static MADE: AtomicU32 = AtomicU32::new(0);

/// An empty database, until it is removed.
pub struct Database {
    pub url: String,
    name: String,
    server: String,
}

impl Database {
    /// Where a server is named; else the measurements are on SQLite.
    pub async fn where_named() -> Outcome<Option<Self>> {
        match std::env::var("ODAVL_BENCH_POSTGRES") {
            Ok(server) => Ok(Some(Self::create(&server).await?)),
            Err(_) => Ok(None),
        }
    }

    async fn create(server: &str) -> Outcome<Self> {
        let name = format!("odavl_bench_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        connect(server).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (place, _) = server.rsplit_once('/').ok_or("ODAVL_BENCH_POSTGRES names no database")?;
        // Nothing is measured while the server writes what another measurement left.
        connect(server).await?.batch_execute("CHECKPOINT").await?;
        // What is beside it is measured without TLS, too, and what counts round trips could not tell them.
        Ok(Self { url: format!("{place}/{name}?sslmode=disable"), name, server: server.to_owned() })
    }

    /// The same database by way of another port of this machine.
    pub fn through(&self, port: u16) -> Outcome<String> {
        let mut url: url::Url = self.url.parse()?;
        url.set_port(Some(port)).map_err(|()| "the URL of the database has no port")?;
        Ok(url.into())
    }

    /// How many transactions it has committed; the server says it when those are some while ago.
    pub async fn commits(&self) -> Outcome<i64> {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let of = "SELECT xact_commit FROM pg_stat_database WHERE datname = $1";
        Ok(connect(&self.server).await?.query_one(of, &[&self.name]).await?.get(0))
    }

    /// The port that it listens on.
    pub fn port(&self) -> Outcome<u16> {
        Ok(self.url.parse::<url::Url>()?.port().unwrap_or(5432))
    }
}

pub async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub async fn remove(database: Option<Database>) -> Outcome<()> {
    let Some(Database { name, server, .. }) = database else { return Ok(()) };
    Ok(connect(&server).await?.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
}
