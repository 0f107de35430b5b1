//! odavl beside what decides the same today, on the same PostgreSQL, by the same load: better-auth's check of a key over
//! HTTP, and a transaction for each request by pgbench. `scripts/bench --peers` runs it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    Outcome,
    database::{self, Database},
    http::{self, Verify},
    measure::{Run, folder},
    plot::{self, Curve, Point},
    process::Bench,
    service::{Service, free_address},
};

/// How many callers there are at once.
const LEVELS: [usize; 7] = [1, 4, 16, 32, 64, 128, 256];

/// Over how many processes better-auth is spread: one for each core of the machine that the docs quote.
const PROCESSES: &str = "2";

/// `args`: odavl, the folder in which what it is measured beside is installed, and the plot that is written.
pub async fn compare(mut args: impl Iterator<Item = String>, long: Duration) -> Outcome<()> {
    let mut path = || args.next().map(PathBuf::from).ok_or("peers: PATH-OF-ODAVL FOLDER PLOT");
    let (server, peers, plot) = (path()?, path()?, path()?);
    let curves = [
        in_process(long).await?,
        transactions(&peers, long).await?,
        over_http(&server, long).await?,
        better_auth(&peers, long).await?,
    ];
    print!("| callers |");
    curves.iter().for_each(|curve| print!(" {} |", curve.name));
    println!("\n|--:|{}", "--:|".repeat(curves.len()));
    for (nth, callers) in LEVELS.iter().enumerate() {
        print!("| {callers} |");
        for curve in &curves {
            let Point { per_second, p50, p99, .. } = curve.points[nth];
            print!(" {per_second:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms |");
        }
        println!();
    }
    println!();
    let [process, transactions, http, better_auth] = &curves;
    for (ours, theirs) in [(process, transactions), (http, better_auth)] {
        for callers in [32, 256] {
            let times = ours.at(callers)? / theirs.at(callers)?;
            println!("{}: {times:.1} times {}, {callers} callers", ours.name, theirs.name);
        }
    }
    plot::write(&plot, &curves)
}

async fn postgres() -> Outcome<Database> {
    Ok(Database::where_named().await?.ok_or("name a server in ODAVL_BENCH_POSTGRES")?)
}

async fn in_process(long: Duration) -> Outcome<Curve> {
    let database = postgres().await?;
    let bench = Bench::open(1, "http://127.0.0.1", Some(&database)).await?;
    let mut curve = Curve::new("odavl, in process");
    for callers in LEVELS {
        curve.add(callers, bench.decide(callers, false, long).await?);
    }
    drop(bench);
    database::remove(Some(database)).await?;
    Ok(curve)
}

async fn over_http(server: &Path, long: Duration) -> Outcome<Curve> {
    let database = postgres().await?;
    let verify = Verify::serve(server, Some(&database), None).await?;
    let mut curve = Curve::new("odavl, over HTTP");
    for callers in LEVELS {
        curve.add(callers, verify.load(callers, long).await?);
    }
    drop(verify);
    database::remove(Some(database)).await?;
    Ok(curve)
}

async fn better_auth(peers: &Path, long: Duration) -> Outcome<Curve> {
    let database = postgres().await?;
    let address = free_address()?;
    let mut command = Command::new("node");
    command.current_dir(peers).args(["better-auth.mjs", &database.url]);
    command.args([&address.port().to_string(), PROCESSES]).stdout(Stdio::piped());
    let mut service = Service::start(command, address)?;
    let key = service.first_line()?;
    let request = http::post(address, "/", "none", &format!(r#"{{"key":"{key}"}}"#));
    let mut curve = Curve::new("better-auth, over HTTP");
    for callers in LEVELS {
        curve.add(callers, http::load(address, &request, callers, long).await?);
    }
    drop(service);
    database::remove(Some(database)).await?;
    Ok(curve)
}

async fn transactions(peers: &Path, long: Duration) -> Outcome<Curve> {
    let database = postgres().await?;
    let tables = std::fs::read_to_string(peers.join("transaction-tables.sql"))?;
    database::connect(&database.url).await?.batch_execute(&tables).await?;
    let mut curve = Curve::new("a transaction for each, by pgbench");
    for callers in LEVELS {
        curve.add(callers, pgbench(&database, &peers.join("transaction.sql"), callers, long)?);
    }
    database::remove(Some(database)).await?;
    Ok(curve)
}

/// Lets pgbench write down how long each transaction took.
fn pgbench(database: &Database, script: &Path, clients: usize, long: Duration) -> Outcome<Run> {
    let folder = folder()?;
    let (log, threads) = (folder.path().join("log"), clients.min(2).to_string());
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol", "prepared", "--log", "--jobs", &threads])
        .args(["--client", &clients.to_string(), "--time", &long.as_secs().max(1).to_string()])
        .arg(format!("--log-prefix={}", log.display()))
        .arg(format!("--file={}", script.display()))
        .arg(&database.url)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let mut latencies = Vec::new();
    for entry in std::fs::read_dir(folder.path())? {
        for line in std::fs::read_to_string(entry?.path())?.lines() {
            latencies.push(line.split(' ').nth(2).ok_or("a line of pgbench's log is short")?.parse()?);
        }
    }
    // Its own rate leaves out the time in which it connects.
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate: f64 = rate.and_then(|rest| rest.split(' ').next()).ok_or("pgbench says no rate")?.parse()?;
    let took = Duration::from_secs_f64(latencies.len() as f64 / rate);
    Ok(Run::of(latencies, took))
}
