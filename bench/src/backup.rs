//! A fingerprint by itself; the rest of backups is measured from outside, by `bench/backup.py`.

use std::time::Instant;

use odavl_core::backup::{Backup, DatabaseName, PostgresBackup};

use crate::Outcome;

/// Reads the fingerprint of the database at `ODAVL_BENCH_POSTGRES`; says how many seconds it took.
pub async fn fingerprint(mut args: impl Iterator<Item = String>) -> Outcome<()> {
    let name: DatabaseName = args.next().ok_or("usage: odavl-bench fingerprint DATABASE")?.parse()?;
    let database = PostgresBackup::new(&std::env::var("ODAVL_BENCH_POSTGRES")?)?;
    let begun = Instant::now();
    database.fingerprint(&name).await?;
    println!("{:.3}", begun.elapsed().as_secs_f64());
    Ok(())
}
