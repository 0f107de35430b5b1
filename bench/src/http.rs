//! `gateway/verify` over HTTP, against a server process, beside a floor in another behind the same HTTP library.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use poem::{Route, Server, endpoint::make, listener::TcpListener};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
};

use crate::{
    Outcome,
    database::{self, Database},
    measure::{Run, folder, run},
    process::{Bench, CONFIG},
    proxy::Proxy,
    service::{Service, free_address},
};

/// What tells this program to be the floor.
pub const FLOOR: &str = "--floor";

/// How often both are measured, by turns; the pair in the middle counts.
const ROUNDS: usize = 3;

/// How much further away the database is put.
const FURTHER: Duration = Duration::from_millis(1);

pub async fn requests(server: &Path, long: Duration) -> Outcome<()> {
    let database = Database::where_named().await?;
    let verify = Verify::serve(server, database.as_ref(), None).await?;
    println!("| serving after | {} ms |", verify.start.as_millis());
    println!("| idle memory | {:.1} MiB |", verify.service.memory()?);
    let (place, floor_database) = (folder()?, Database::where_named().await?);
    let folder = place.path().display().to_string();
    let place = floor_database.as_ref().map_or(folder.as_str(), |it| it.url.as_str());
    let floor = Service::itself(&[FLOOR, place]).await?;
    let floor_request = post(floor.address, "/", "none", &verify.body);
    for connections in [32, 256] {
        let mut pairs = Vec::new();
        for _ in 0..ROUNDS {
            let bare = load(floor.address, &floor_request, connections, long).await?;
            let real = verify.load(connections, long).await?;
            pairs.push((real.per_second() / bare.per_second(), bare, real));
        }
        pairs.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        let (ratio, bare, real) = &mut pairs[ROUNDS / 2];
        bare.row(&format!("HTTP: floor, {connections} connections"));
        real.row(&format!("HTTP: gateway/verify, {connections} connections"));
        println!("| HTTP: verify of the floor, {connections} connections | {ratio:.2} |");
    }
    println!("| memory after the load | {:.1} MiB |", verify.service.memory()?);
    drop((floor, verify));
    if let Some(database) = &database {
        round_trips(server, database, long).await?;
    }
    database::remove(floor_database).await?;
    database::remove(database).await
}

/// How often the database is asked, and what it is to be further away from it.
async fn round_trips(server: &Path, used: &Database, long: Duration) -> Outcome<()> {
    for (further, name) in [(Duration::ZERO, ""), (FURTHER, " with 1 ms more to each round trip")] {
        let database = Database::where_named().await?.ok_or("the measurements are on SQLite")?;
        let proxy = Proxy::start(used.port()?, further)?;
        let verify = Verify::serve(server, Some(&database), Some(database.through(proxy.port)?)).await?;
        for connections in [32, 256] {
            verify.load(connections, long / 4).await?;
            let (trips, commits) = (proxy.trips(), database.commits().await?);
            let mut real = verify.load(connections, long).await?;
            let trips = (proxy.trips() - trips) as f64;
            let commits = (database.commits().await? - commits) as f64;
            real.row(&format!("HTTP: gateway/verify{name}, {connections} connections"));
            println!(
                "| HTTP: round trips to the database{name}, {connections} connections | {:.1} a thousand verifies, {:.1} a transaction |",
                trips * 1000.0 / real.count as f64,
                trips / commits
            );
        }
        drop(verify);
        database::remove(Some(database)).await?;
    }
    Ok(())
}

/// A service that decides, and what asks it to.
pub struct Verify {
    service: Service,
    /// How long it took to serve.
    start: Duration,
    body: String,
    request: Arc<Vec<u8>>,
    _folder: tempfile::TempDir,
}

impl Verify {
    /// On `database`, which it reaches by `way`, or else on SQLite.
    pub async fn serve(server: &Path, database: Option<&Database>, way: Option<String>) -> Outcome<Self> {
        let address = free_address()?;
        let bench = Bench::open(1, &format!("http://{address}"), database).await?;
        let body = format!(
            r#"{{"key":"{}","scope":"work:write","charges":[{{"meter":"calls","units":1}}]}}"#,
            bench.keys[0].reveal()
        );
        let request = post(address, "/api/v1/gateway/verify", bench.gateway_key.reveal(), &body);
        let Bench { odavl, folder, .. } = bench;
        drop(odavl);
        std::fs::write(folder.path().join("odavl.toml"), CONFIG)?;
        let url = way.or_else(|| database.map(|database| database.url.clone()));
        let begun = Instant::now();
        let service = Service::odavl(server, folder.path(), url.as_deref(), address).await?;
        Ok(Self { service, start: begun.elapsed(), body, request, _folder: folder })
    }

    pub async fn load(&self, connections: usize, long: Duration) -> Outcome<Run> {
        load(self.service.address, &self.request, connections, long).await
    }
}

pub fn post(address: SocketAddr, path: &str, key: &str, body: &str) -> Arc<Vec<u8>> {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    Arc::new(request.into_bytes())
}

/// Serves a poem route that only combines; `args`: its folder or database, and its address.
pub async fn serve_floor(mut args: impl Iterator<Item = String>) -> Outcome<()> {
    let (place, address) = (args.next(), args.next());
    let floor = crate::floor::Floor::open(&place.ok_or("a floor has a place")?).await?;
    let route = make(move |request| {
        let floor = floor.clone();
        async move {
            // The body is read, as a decision needs it.
            request.into_body().into_bytes().await?;
            let used = floor.decide().await.map_err(|error| {
                poem::Error::from_string(error.to_string(), poem::http::StatusCode::INTERNAL_SERVER_ERROR)
            })?;
            Ok::<_, poem::Error>(format!("{{\"used\":{used}}}"))
        }
    });
    let listener = TcpListener::bind(address.ok_or("a floor has an address")?);
    Ok(Server::new(listener).run(Route::new().at("/", poem::post(route))).await?)
}

pub async fn load(
    address: SocketAddr,
    request: &Arc<Vec<u8>>,
    connections: usize,
    long: Duration,
) -> Outcome<Run> {
    let mut lines = Vec::new();
    for _ in 0..connections {
        let line = TcpStream::connect(address).await?;
        line.set_nodelay(true)?;
        lines.push(Arc::new(Mutex::new((line, vec![0; 16 * 1024]))));
    }
    let (lines, request) = (Arc::new(lines), request.clone());
    run(connections, long, move |caller, _| {
        let (line, request) = (lines[caller].clone(), request.clone());
        async move {
            let mut line = line.lock().await;
            let (stream, buffer) = &mut *line;
            stream.write_all(&request).await?;
            answer(stream, buffer).await
        }
    })
    .await
}

/// Reads one answer; anything but a 200 that is a yes ends the run.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Outcome<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err("the server closed the connection".into());
        }
        filled += read;
        let text = std::str::from_utf8(&buffer[..filled])?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
        if body.len() < length {
            continue;
        }
        let yes = head.starts_with("HTTP/1.1 200") && !body.contains("\"valid\":false");
        return if yes { Ok(()) } else { Err(text.to_owned().into()) };
    }
}
