//! PostgreSQL under the contract: each test has a database of its own, and those that it makes go with it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use async_trait::async_trait;
use odavl_core::{
    Result,
    backup::{Backup, DatabaseName, PostgresBackup, contract::BackupHarness},
    random_id,
};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::server;

#[path = "postgres_faults.rs"]
mod faults;

#[path = "postgres_schemas.rs"]
mod schemas;

#[path = "postgres_others.rs"]
mod others;

#[path = "postgres_lost.rs"]
mod lost;

pub(crate) struct Harness {
    pub(crate) backup: PostgresBackup,
    prefix: String,
    folder: TempDir,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        let prefix = format!("bk_{}", &random_id()[..12]);
        run(&server::url(), &format!("CREATE DATABASE \"{prefix}_live\"")).await;
        let backup = PostgresBackup::new(&url_of(&format!("{prefix}_live"))).unwrap();
        Self { backup, prefix, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn live(&self) -> String {
        url_of(&format!("{}_live", self.prefix))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs statements in the live database.
    pub(crate) async fn run(&self, sql: &str) {
        run(&self.live(), sql).await;
    }
}

/// The tests' server, another database.
pub(crate) fn url_of(database: &str) -> String {
    let url = server::url();
    let (base, _) = url.rsplit_once('/').unwrap();
    format!("{base}/{database}")
}

pub(crate) async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// The first column of the rows, as text.
pub(crate) async fn rows(url: &str, sql: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// A program in a folder: a script in place of one of PostgreSQL's.
pub(crate) fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Where the real programs are.
pub(crate) fn programs() -> String {
    let mut found: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("pg_dump").exists())
        .collect();
    found.sort();
    found.pop().unwrap().display().to_string()
}

impl Drop for Harness {
    /// The test's runtime may be at its end, so they are dropped on another.
    fn drop(&mut self) {
        let prefix = self.prefix.clone();
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let all =
                    format!("SELECT datname::TEXT FROM pg_database WHERE strpos(datname, '{prefix}') > 0");
                for name in rows(&server::url(), &all).await {
                    run(&server::url(), &format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
                }
            });
        });
        gone.join().unwrap();
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[async_trait]
impl BackupHarness for Harness {
    fn backup(&self) -> &dyn Backup {
        &self.backup
    }

    fn name(&self, of: &str) -> DatabaseName {
        format!("{}_{of}", self.prefix).parse().unwrap()
    }

    async fn insert(&self, table: &str, rows: &[&str]) -> Result<()> {
        let table = quoted(table);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| format!("INSERT INTO {table} VALUES ('{}')", row.replace('\'', "''")))
            .collect();
        let sql = format!("CREATE TABLE IF NOT EXISTS {table} (value TEXT); {}", rows.join("; "));
        self.run(&sql).await;
        Ok(())
    }

    async fn truncate(&self, table: &str) -> Result<()> {
        self.run(&format!("TRUNCATE {}", quoted(table))).await;
        Ok(())
    }

    async fn break_dumps(&mut self) -> Result<()> {
        let real = programs();
        script(
            self.folder(),
            "pg_dump",
            &format!(
                "[ \"$1\" = --version ] && exec {real}/pg_dump --version\n{real}/pg_dump \"$@\" | head -c 500\nkill -9 $$"
            ),
        );
        script(self.folder(), "pg_dumpall", &format!("exec {real}/pg_dumpall \"$@\""));
        self.backup = self.backup.clone().with_programs(self.folder());
        Ok(())
    }

    async fn leave_half_restored(&self, name: &DatabaseName) -> Result<()> {
        run(&server::url(), &format!("CREATE DATABASE \"{name}\"")).await;
        run(&url_of(name.as_str()), "CREATE TABLE half (value TEXT)").await;
        run(&server::url(), &format!("COMMENT ON DATABASE \"{name}\" IS 'odavl: is being restored'")).await;
        Ok(())
    }

    async fn make_foreign(&self, name: &DatabaseName) -> Result<()> {
        run(&server::url(), &format!("CREATE DATABASE \"{name}\"")).await;
        run(&url_of(name.as_str()), "CREATE TABLE theirs (value TEXT)").await;
        Ok(())
    }
}

odavl_core::backup_contract!(Harness::new().await);
