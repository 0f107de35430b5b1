//! A store that answers what a test wants it to: refusals, nonsense, half answers and none.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method, path and query.
    pub line: String,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many came before.
    pub number: usize,
}

impl Seen {
    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Said {
    status: Option<u16>,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Said {
    /// An answer of that status and body, whose length is said.
    pub fn new(status: u16, body: &str) -> Self {
        let headers = vec![("content-length", body.len().to_string())];
        Self { status: Some(status), headers, body: body.to_owned() }
    }

    /// A connection that closes.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The same with that header; without it, where it is empty.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }
}

/// Such a store. It stops when it is dropped.
#[derive(Debug)]
pub struct FaultyStore {
    /// Where it is.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    serving: JoinHandle<()>,
}

impl FaultyStore {
    /// Starts one that answers each request by `answer`.
    pub async fn start(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| crate::fail(&error));
        let address = listener.local_addr().unwrap_or_else(|error| crate::fail(&error));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (all, answer) = (seen.clone(), Arc::new(answer));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, answer) = (all.clone(), answer.clone());
                // Who goes away in the middle is no fault of the store.
                tokio::spawn(async move { serve(stream, &all, &*answer).await.ok() });
            }
        });
        Self { url: format!("http://{address}"), seen, serving }
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FaultyStore {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request, one answer.
async fn serve(
    stream: TcpStream,
    all: &Mutex<Vec<Seen>>,
    answer: &(dyn Fn(&Seen) -> Said + Send + Sync),
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut seen = Seen { line: String::new(), headers: BTreeMap::new(), number: 0 };
    stream.read_line(&mut seen.line).await?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        seen.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; seen.header("content-length").parse().unwrap_or_default()];
    stream.read_exact(&mut body).await?;
    {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        seen.number = all.len();
        all.push(seen.clone());
    }
    let Said { status: Some(status), headers, body } = answer(&seen) else { return Ok(()) };
    let headers: String = headers.iter().flat_map(|(name, value)| [*name, ": ", value, "\r\n"]).collect();
    let head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n{headers}");
    let body = if seen.line.starts_with("HEAD ") { String::new() } else { body };
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
    stream.shutdown().await
}
