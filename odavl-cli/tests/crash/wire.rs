//! HTTP/1.1 by hand: a request on a connection of its own is answered whole, or was not answered.

use std::{
    fmt::Write as _,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Where the service believes that it is; it listens on another port at every start.
pub(crate) const HOST: &str = "odavl.test";

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    head: String,
    body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self::at(HOST, method, target)
    }

    fn at(host: &str, method: &str, target: &str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        Self { head, body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str, body: &Value) -> Self {
        Self::new("POST", target).header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").unwrap();
        self
    }

    pub(crate) fn bearer(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    /// The body, and its length ahead.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { body: body.clone(), ..self.header("Content-Length", &body.len().to_string()) }
    }

    /// What a presigned request says, with those bytes: to the service, or to the store that it names.
    pub(crate) fn presigned(request: &Value, bytes: &[u8]) -> Self {
        let (method, url) = (request["method"].as_str().unwrap(), request["url"].as_str().unwrap());
        let rest = url.strip_prefix("http://").unwrap();
        let (host, target) = rest.split_at(rest.find('/').unwrap());
        let mut call = Self::at(host, method, target);
        for header in request["headers"].as_array().unwrap() {
            call = call.header(header["name"].as_str().unwrap(), header["value"].as_str().unwrap());
        }
        Self { body: bytes.to_vec(), ..call }
    }

    /// The head alone, to be sent by hand.
    pub(crate) fn head(&self) -> Vec<u8> {
        format!("{}\r\n", self.head).into_bytes()
    }

    /// Sends it; an answer that broke off is none.
    pub(crate) fn send(&self, to: SocketAddr) -> io::Result<Answer> {
        self.send_within(to, PATIENCE)
    }

    /// Sends it, and leaves where nothing comes for so long: then it may be under way still.
    pub(crate) fn send_within(&self, to: SocketAddr, patience: Duration) -> io::Result<Answer> {
        let mut stream = connect(to)?;
        stream.set_read_timeout(Some(patience))?;
        // A refusal may come before the body was taken: what it says counts.
        let sent = stream.write_all(&self.head()).and_then(|()| stream.write_all(&self.body));
        match Answer::read(&mut stream) {
            Ok(answer) => Ok(answer),
            Err(error) => sent.and(Err(error)),
        }
    }
}

/// A connection whose other end may take its time, but not for ever.
pub(crate) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads to the end of the connection.
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        // A connection that is reset after an answer said it all.
        let read = stream.read_to_end(&mut bytes);
        match Self::parse(&bytes) {
            Some(answer) => Ok(answer),
            None => read.and(Err(ErrorKind::UnexpectedEof.into())),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let answer = Self { status, head, body: bytes[end + 4..].to_vec() };
        let whole = answer.header("content-length")?.parse() == Ok(answer.body.len());
        whole.then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// What it answers, after a success.
    #[track_caller]
    pub(crate) fn well(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    /// Holds it to be that problem, in its form, with a way out where the table has one.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{self}");
        problem
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n\n{}", self.head, self.text())
    }
}
