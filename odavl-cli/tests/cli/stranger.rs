//! A server of somebody else's.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

/// A server that answers what it was told to, and keeps what it was sent.
pub(crate) struct Stranger {
    pub(crate) url: String,
    seen: thread::JoinHandle<String>,
}

impl Stranger {
    /// One that answers everything the same.
    pub(crate) fn answering(status: &str, body: &str) -> Self {
        Self::answering_in_turn(status, vec![body.to_owned()])
    }

    /// One that answers with one body after the other, and with the last for ever.
    pub(crate) fn answering_in_turn(status: &str, bodies: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let status = status.to_owned();
        let kind = if status.starts_with('2') { "application/json" } else { "application/problem+json" };
        let seen = thread::spawn(move || {
            let (mut seen, mut turn) = (String::new(), 0);
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = [0; 8192];
                let count = stream.read(&mut bytes).unwrap();
                let request = String::from_utf8_lossy(&bytes[..count]).into_owned();
                if request.starts_with("STOP") {
                    break;
                }
                seen.push_str(&request);
                let body = &bodies[turn.min(bodies.len() - 1)];
                let length = body.len();
                turn += 1;
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all((head + body).as_bytes()).unwrap();
            }
            seen
        });
        Self { url, seen }
    }

    /// Everything that it was sent.
    pub(crate) fn seen(self) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        std::net::TcpStream::connect(address).unwrap().write_all(b"STOP").unwrap();
        self.seen.join().unwrap()
    }
}
