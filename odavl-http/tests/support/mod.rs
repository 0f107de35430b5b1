//! A service on a port of its own, and a client that sends exactly what it is told, byte by byte.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::{fmt::Write, net::SocketAddr};

use odavl_core::{
    Odavl, Settings,
    auth::{NewKeyRequest, SetUp},
    metering::Allowance,
    secret::Secret,
    session::{Context, Session},
};
use odavl_http::Door;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) odavl: Odavl,
    /// A key of the organisation `one` that may do everything that its products need.
    pub(crate) key: String,
    pub(crate) folder: TempDir,
    server: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Limits of the plan, besides those of the preset.
pub(crate) async fn serve(limits: &[(&str, Option<u64>)]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let mut settings = Settings::preset(format!("http://{address}")).unwrap();
    let free = settings.catalog.plans.get_mut("FREE").unwrap();
    for (meter, max) in [("api_calls", None)].iter().chain(limits) {
        let allowance = Allowance { max: *max, per: None, soft: false, ceiling: None };
        free.allowances.insert(meter.parse().unwrap(), vec![allowance]);
    }
    let odavl = Odavl::open(&folder.path().join("data"), settings).await.unwrap();
    let set_up = SetUp {
        email: "first@example.com".parse().unwrap(),
        name: "First".into(),
        password: Secret::new("correct horse battery".into()),
        organization: "one".parse().unwrap(),
    };
    odavl.set_up(set_up).await.unwrap();
    let session = odavl.system(&"one".parse().unwrap(), Context::default()).await.unwrap();
    let scopes = "storage:admin uploads:admin usage:read org:read".parse().unwrap();
    let key = session.keys().create(NewKeyRequest::new("test", scopes)).await.unwrap();
    let door = Door::new(odavl.clone(), odavl_http::Settings::default());
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let server = tokio::spawn(door.serve(listener, std::future::pending()));
    Service { address, odavl, key: key.token.unwrap().secret().reveal().clone(), folder, server }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The body of a success.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Holds the answer to a problem document.
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{}", self.json());
    }
}

impl Service {
    pub(crate) async fn session(&self) -> Session {
        self.odavl.system(&"one".parse().unwrap(), Context::default()).await.unwrap()
    }

    pub(crate) async fn used(&self, meter: &str) -> u64 {
        let report = self.session().await.usage().read().await.unwrap();
        report.limits.iter().find(|standing| standing.meter.as_str() == meter).unwrap().used
    }

    /// The head of a request, with the headers given and no others but `Host`.
    pub(crate) fn head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head + "\r\n"
    }

    pub(crate) async fn open(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    /// Sends a head and a body as they are.
    pub(crate) async fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.open(head).await;
        // A service that has refused already may have stopped reading.
        let _ = stream.write_all(body).await;
        answer(stream).await
    }

    /// A request with the key, and a body of JSON where there is one.
    pub(crate) async fn api(&self, method: &str, target: &str, body: Option<Value>) -> Answer {
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        let (authorization, length) = (format!("Bearer {}", self.key), bytes.len().to_string());
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("content-length", &length),
        ];
        self.send(&self.head(method, target, &headers), bytes.as_bytes()).await
    }

    /// The head of a presigned request, as it was answered; `change` may change its headers.
    pub(crate) fn presigned(&self, request: &Value, change: impl Fn(&mut Vec<(String, String)>)) -> String {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let url = text(&request["url"]);
        let target = url.strip_prefix(&format!("http://{}", self.address)).unwrap();
        let headers = request["headers"].as_array().unwrap().iter();
        let mut headers: Vec<_> =
            headers.map(|header| (text(&header["name"]), text(&header["value"]))).collect();
        change(&mut headers);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.head(&text(&request["method"]), target, &headers)
    }
}

/// Reads the answer to its end.
pub(crate) async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{read:?}"));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let headers: Vec<_> = lines.map(header).collect();
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    let rest = &bytes[end + 4..];
    let body = if chunked { dechunked(rest) } else { rest.to_vec() };
    Answer { status, headers, body }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
    body
}
