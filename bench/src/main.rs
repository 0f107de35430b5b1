//! Measures what odavl promises about speed, beside a floor that only combines. `scripts/bench` runs it.

mod backup;
mod database;
mod embedded;
mod floor;
mod http;
mod ledger;
mod measure;
mod peers;
mod plot;
mod process;
mod protect;
mod proxy;
mod service;
mod store;

use std::{path::PathBuf, time::Duration};

pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let first = args.next().ok_or(
        "usage: odavl-bench PATH-OF-ODAVL | protect | ledger .. | consume .. | transfer .. | peers .. | fingerprint ..",
    )?;
    let long = std::env::var("ODAVL_BENCH_MILLISECONDS").map_or(Ok(4000), |text| text.parse());
    let long = Duration::from_millis(long?);
    match first.as_str() {
        http::FLOOR => http::serve_floor(args).await,
        store::STORE => store::serve().await,
        "protect" => protect::layer().await,
        "ledger" => ledger::thick(args, long).await,
        "fingerprint" => backup::fingerprint(args).await,
        "consume" => embedded::consume(args.next().ok_or("how many callers?")?.parse()?, long).await,
        "transfer" => embedded::transfer(args.next().ok_or("how many MiB?")?.parse()?).await,
        "peers" => peers::compare(args, long).await,
        server => everything(PathBuf::from(server), long).await,
    }
}

async fn everything(server: PathBuf, long: Duration) -> Outcome<()> {
    println!("| figure | result |\n|---|--:|");
    process::decisions(long).await?;
    protect::layer().await?;
    http::requests(&server, long).await?;
    store::puts(long).await
}
