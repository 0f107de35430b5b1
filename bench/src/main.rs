//! Measures what odavl promises about speed, beside a floor that only combines. `scripts/bench` runs it.

mod floor;
mod http;
mod ledger;
mod measure;
mod process;

use std::{path::PathBuf, time::Duration};

/// How long each figure is measured.
const LONG: Duration = Duration::from_secs(4);

pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let server = args.next().ok_or("usage: odavl-bench PATH-OF-ODAVL [MILLISECONDS]")?;
    if server == http::FLOOR {
        return http::serve_floor(args).await;
    }
    if server == "ledger" {
        return ledger::thick(args, LONG).await;
    }
    let server = PathBuf::from(server);
    let long = args.next().map_or(Ok(LONG), |text| text.parse().map(Duration::from_millis))?;
    println!("| figure | result |\n|---|--:|");
    process::decisions(long).await?;
    http::requests(&server, long).await?;
    Ok(())
}
