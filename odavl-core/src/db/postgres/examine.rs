//! What a server is like, for whoever set it up.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::{Conn, Settings, migrate};
use crate::{
    db::{DbError, migrate::MIGRATIONS},
    error::{Error, Result},
    random,
};

/// How long an announcement is waited for.
const HEARD: Duration = Duration::from_secs(2);

const SERVER: &str = "SELECT current_setting('server_version') AS version,
    (SELECT version || ' ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS encryption";

/// What a PostgreSQL server is like.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its version.
    pub version: String,
    /// How the connection to it is encrypted; `None` where it is not.
    pub encryption: Option<String>,
    /// Its clock.
    pub time: Timestamp,
    /// The names of the migrations that are still to be applied; `None` where there are no tables yet.
    pub pending: Option<Vec<&'static str>>,
    /// Whether what one connection announces is heard on another.
    pub announces: bool,
}

/// Asks the server at `url` what it is like; nothing is made or changed.
///
/// # Errors
/// Those of [`Db::open_postgres`](crate::db::Db::open_postgres).
pub async fn examine_postgres(url: &str) -> Result<Server> {
    let settings = Settings::parse(url)?;
    let mut conn = Conn::connect(&settings).await?;
    let pending = migrate::state(&mut conn, MIGRATIONS).await?;
    let rows = conn.query(SERVER, &[]).await?;
    let announces = timeout(HEARD, announces(&settings, &conn)).await.unwrap_or(Ok(false))?;
    let row = rows.first().ok_or_else(|| Error::internal("the database says nothing of itself", None))?;
    Ok(Server {
        version: row.read("version")?,
        encryption: row.read("encryption")?,
        pending,
        announces,
        // Last, for it is held against the asker's.
        time: super::time(&mut conn).await?,
    })
}

/// Listens on one connection to what another one announces.
async fn announces(settings: &Settings, conn: &Conn) -> Result<bool> {
    let channel = format!("odavl_doctor_{}", crate::secret::hex(&random::bytes::<8>()?));
    let (_client, mut told) = settings.listen(&channel).await.map_err(DbError::of_postgres)?;
    conn.batch(&format!("NOTIFY {channel}")).await?;
    Ok(told.recv().await.is_some())
}
