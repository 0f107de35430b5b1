//! `gateway/verify` over HTTP, against a server process, beside a floor in another behind the same HTTP library.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    path::Path,
    process::{Child, Command, Stdio},
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
    floor::Floor,
    measure::{Run, run},
    process::{Bench, CONFIG},
};

/// What tells this program to be the floor.
pub const FLOOR: &str = "--floor";

pub async fn requests(server: &Path, long: Duration) -> Outcome<()> {
    let address = free_address()?;
    let bench = Bench::open(1, &format!("http://{address}")).await?;
    let body = format!(
        r#"{{"key":"{}","scope":"work:write","charges":[{{"meter":"calls","units":1}}]}}"#,
        bench.keys[0].reveal()
    );
    let request = post(address, "/api/v1/gateway/verify", bench.gateway_key.reveal(), &body);
    let Bench { odavl, folder, .. } = bench;
    drop(odavl);
    let config = folder.path().join("odavl.toml");
    std::fs::write(&config, CONFIG)?;
    let begun = Instant::now();
    let service = Service::start(server, folder.path(), &config, address)?.wait(address).await?;
    println!("| serving after | {} ms |", begun.elapsed().as_millis());
    println!("| idle memory | {:.1} MiB |", service.memory()?);
    let floor = free_address()?;
    let _floor = Service::start_floor(folder.path(), floor)?.wait(floor).await?;
    let floor_request = post(floor, "/", "none", &body);
    for connections in [32, 256] {
        let mut bare = load(floor, &floor_request, connections, long).await?;
        let mut real = load(address, &request, connections, long).await?;
        bare.row(&format!("HTTP: floor, {connections} connections"));
        real.row(&format!("HTTP: gateway/verify, {connections} connections"));
        let ratio = real.per_second() / bare.per_second();
        println!("| HTTP: verify of the floor, {connections} connections | {ratio:.2} |");
    }
    println!("| memory after the load | {:.1} MiB |", service.memory()?);
    Ok(())
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(StdListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn post(address: SocketAddr, path: &str, key: &str, body: &str) -> Arc<Vec<u8>> {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    Arc::new(request.into_bytes())
}

/// Serves a poem route that only combines; `args`: its address and its folder.
pub async fn serve_floor(mut args: impl Iterator<Item = String>) -> Outcome<()> {
    let (address, folder) = (args.next(), args.next());
    let floor = Floor::open(Path::new(&folder.ok_or("a floor has a folder")?))?;
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

async fn load(
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

/// A server process; ended when it is dropped.
struct Service(Child);

impl Service {
    fn start(server: &Path, data: &Path, config: &Path, address: SocketAddr) -> Outcome<Self> {
        let child = Command::new(server)
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(data)
            .arg("--config")
            .arg(config)
            .env("ODAVL_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    fn start_floor(folder: &Path, address: SocketAddr) -> Outcome<Self> {
        let itself = std::env::current_exe()?;
        Ok(Self(Command::new(itself).args([FLOOR, &address.to_string()]).arg(folder).spawn()?))
    }

    async fn wait(mut self, address: SocketAddr) -> Outcome<Self> {
        for _ in 0..2000 {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(self);
            }
            if let Some(status) = self.0.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the server does not answer".into())
    }

    /// Resident memory in MiB.
    fn memory(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
