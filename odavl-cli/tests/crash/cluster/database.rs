//! A PostgreSQL of the cluster's own, which can be restarted under it.

use std::{path::PathBuf, process::Command};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Row, types::ToSql};

/// A server that nobody else uses; it goes with this.
pub(crate) struct Database {
    home: TempDir,
    pub(crate) port: u16,
    runtime: Runtime,
}

impl Database {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut database = Self { home, port: 0, runtime };
        let said = database.services(&["start"]);
        let port = said.lines().find_map(|line| line.split_once("@127.0.0.1:")?.1.split('/').next());
        database.port = port.unwrap_or_else(|| panic!("scripts/services: {said}")).parse().unwrap();
        database
    }

    /// Restarts it: `fast`, or `immediate` as after a crash.
    pub(crate) fn restart(&self, mode: &str) {
        self.services(&["restart", mode]);
    }

    /// Where it is; behind another port, where one is before it.
    pub(crate) fn url(port: u16) -> String {
        format!("postgres://odavl:odavl@127.0.0.1:{port}/postgres")
    }

    /// The rows of a statement.
    pub(crate) fn rows(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let ask = async { self.connect().await?.query(sql, params).await };
        self.runtime.block_on(ask).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The one number of a statement.
    pub(crate) fn number(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> i64 {
        self.rows(sql, params)[0].get(0)
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&Self::url(self.port), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    fn services(&self, args: &[&str]) -> String {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/services");
        let mut command = Command::new(script);
        let output = command.args(args).env("ODAVL_SERVICES", self.home.path()).output().unwrap();
        assert!(output.status.success(), "scripts/services {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.services(&["stop"]);
    }
}
