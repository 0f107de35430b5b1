//! The store, and a network before it on which its answers go wrong.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use odavl_test_store::{Answer, BUCKET, TestStore, send};
use tokio::runtime::Runtime;

use crate::fire::Dice;

/// What odavl's keys begin with in the bucket.
const PREFIX: &str = "live";
/// A store's ways to say that something failed.
const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code>\
    <Message>Please reduce your request rate.</Message></Error>";
const FAILED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code>\
    <Message>We encountered an internal error. Please try again.</Message></Error>";

/// A store, reached through a network that can be bad.
pub(crate) struct Store {
    kept: TestStore,
    front: SocketAddr,
    weather: Arc<Weather>,
    pub(crate) runtime: Runtime,
}

struct Weather {
    store: SocketAddr,
    /// Whether answers go wrong now.
    bad: AtomicBool,
    /// How many did.
    faults: AtomicU64,
    dice: Mutex<Dice>,
    over: AtomicBool,
}

/// What can become of a request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Refused for now: 503, with `SlowDown`.
    Busy,
    /// An `<Error>` in a 200, as S3 does where it has begun its answer before it is done.
    ErrorIn200,
    /// Answered late.
    Slow(Duration),
    /// Answered by half of an answer.
    Truncated,
    /// Not answered.
    Cut,
    Well,
}

impl Store {
    pub(crate) fn start(dice: Dice) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let kept = runtime.block_on(TestStore::start());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = listener.local_addr().unwrap();
        let weather = Arc::new(Weather {
            store: kept.url.strip_prefix("http://").unwrap().parse().unwrap(),
            bad: AtomicBool::new(false),
            faults: AtomicU64::new(0),
            dice: Mutex::new(dice),
            over: AtomicBool::new(false),
        });
        let here = Arc::clone(&weather);
        thread::spawn(move || {
            for node in listener.incoming().map_while(Result::ok) {
                if here.over.load(Ordering::Relaxed) {
                    return;
                }
                let weather = Arc::clone(&here);
                // Whoever goes away in the middle is no fault of the store.
                thread::spawn(move || weather.serve(node).ok());
            }
        });
        Self { kept, front, weather, runtime }
    }

    /// As `ODAVL_STORAGE` names it.
    pub(crate) fn url(&self) -> String {
        format!("s3://{BUCKET}/{PREFIX}?endpoint=http://{}&profile=minio", self.front)
    }

    /// Where its network is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.front
    }

    /// Lets answers go wrong, or no more.
    pub(crate) fn spoil(&self, bad: bool) {
        self.weather.bad.store(bad, Ordering::Relaxed);
    }

    /// How many answers went wrong so far.
    pub(crate) fn faults(&self) -> u64 {
        self.weather.faults.load(Ordering::Relaxed)
    }

    /// How many bytes of an organisation there are, what lies in uploads in parts included.
    pub(crate) fn bytes(&self, org: &str) -> i64 {
        i64::try_from(self.kept.bytes(&format!("{PREFIX}/{org}/")) + self.kept.unfinished_bytes()).unwrap()
    }

    /// The answer to a presigned GET.
    pub(crate) fn get(&self, url: &str) -> Answer {
        self.runtime.block_on(send("GET", url, &[], Vec::new())).unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.weather.over.store(true, Ordering::Relaxed);
        // Whoever waits for the next connection gets one, and ends.
        let _ = TcpStream::connect(self.front);
    }
}

impl Weather {
    fn roll(&self, sides: u64) -> u64 {
        self.dice.lock().unwrap().below(sides)
    }

    /// Carries one request, and its answer, or what becomes of it.
    fn serve(&self, mut node: TcpStream) -> std::io::Result<()> {
        let request = read_request(&mut node)?;
        let fate = self.fate(&request);
        self.faults.fetch_add(u64::from(!matches!(fate, Fate::Well)), Ordering::Relaxed);
        // What goes wrong does so before it is done, or after.
        let is_done = matches!(fate, Fate::Well | Fate::Slow(_) | Fate::Truncated) || self.roll(2) == 0;
        let answer = if is_done { self.ask(&request)? } else { Vec::new() };
        match fate {
            Fate::Well => node.write_all(&answer)?,
            Fate::Busy => node.write_all(&said("503 Slow Down", SLOW_DOWN))?,
            Fate::ErrorIn200 => node.write_all(&said("200 OK", FAILED))?,
            Fate::Slow(by) => {
                thread::sleep(by);
                node.write_all(&answer)?;
            }
            Fate::Truncated => node.write_all(&answer[..answer.len() - 1 - answer.len() / 4])?,
            Fate::Cut => {}
        }
        node.shutdown(Shutdown::Both)
    }

    fn fate(&self, request: &[u8]) -> Fate {
        if !self.bad.load(Ordering::Relaxed) {
            return Fate::Well;
        }
        // A question has no 200 that says that it failed: that is for what takes its time.
        let is_write = request.starts_with(b"PUT ") || request.starts_with(b"POST ");
        match self.roll(10) {
            0 | 1 => Fate::Busy,
            2 | 3 if is_write => Fate::ErrorIn200,
            4 => Fate::Slow(Duration::from_millis(self.roll(800))),
            5 => Fate::Truncated,
            6 => Fate::Cut,
            _ => Fate::Well,
        }
    }

    /// The store's answer, whole.
    fn ask(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut store = TcpStream::connect(self.store)?;
        store.write_all(request)?;
        let mut answer = Vec::new();
        store.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn said(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request with its body, which says of its connection that it ends with the answer.
pub(crate) fn read_request(node: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 << 10]);
    let mut read = |bytes: &mut Vec<u8>| match node.read(&mut piece)? {
        0 => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
        more => {
            bytes.extend_from_slice(&piece[..more]);
            Ok(())
        }
    };
    let end = loop {
        match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => break end,
            None => read(&mut bytes)?,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let is = |line: &&str, name: &str| line.split(':').next().is_some_and(|is| is.eq_ignore_ascii_case(name));
    let length = head.lines().find(|line| is(line, "content-length"));
    let length = length.and_then(|line| line.split_once(':')?.1.trim().parse().ok()).unwrap_or(0);
    while bytes.len() < end + 4 + length {
        read(&mut bytes)?;
    }
    let kept = head.lines().filter(|line| !is(line, "connection") && !is(line, "expect"));
    let head: String = kept.flat_map(|line| [line, "\r\n"]).collect();
    Ok([head.as_bytes(), b"connection: close\r\n\r\n", &bytes[end + 4..]].concat())
}
