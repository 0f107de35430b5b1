//! A plain TCP proxy: each connection goes to the next of those behind it. What passes is counted, and can be held up.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Such a proxy. It goes with the test's process.
pub(crate) struct Relay {
    pub(crate) url: String,
    way: Arc<Way>,
}

#[derive(Default)]
struct Way {
    behind: Mutex<Vec<SocketAddr>>,
    /// To which of them each connection went.
    turns: Mutex<Vec<usize>>,
    /// Bytes that went to those behind, and back from them.
    there: AtomicU64,
    back: AtomicU64,
    valve: Mutex<Valve>,
    turned: Condvar,
}

/// Where bytes to those behind are held up.
#[derive(Default)]
struct Valve {
    /// How many may pass; all, where none is set.
    left: Option<u64>,
    stuck: bool,
    /// Connections of before it was opened again are cut.
    opened: u64,
}

impl Relay {
    /// One with nobody behind it yet.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let way = Arc::<Way>::default();
        let taken = way.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let way = taken.clone();
                thread::spawn(move || way.pass(&stream));
            }
        });
        Self { url, way }
    }

    /// One to a store or a node that is there already.
    pub(crate) fn to(url: &str) -> Self {
        let relay = Self::start();
        relay.add(url);
        relay
    }

    /// One more behind it.
    pub(crate) fn add(&self, url: &str) {
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        self.way.behind.lock().unwrap().push(address);
    }

    /// From now on nobody is behind it: connections that come are closed, and so are those that there are.
    pub(crate) fn leave(&self) {
        self.way.behind.lock().unwrap().clear();
        self.cut();
    }

    /// To which of those behind each connection went, in order.
    pub(crate) fn turns(&self) -> Vec<usize> {
        self.way.turns.lock().unwrap().clone()
    }

    /// How many bytes have passed, there and back.
    pub(crate) fn passed(&self) -> (u64, u64) {
        (self.way.there.load(Ordering::Relaxed), self.way.back.load(Ordering::Relaxed))
    }

    /// Lets so many bytes more go there, and holds up all others.
    pub(crate) fn let_through(&self, bytes: u64) {
        let mut valve = self.way.valve.lock().unwrap();
        (valve.left, valve.stuck) = (Some(valve.left.unwrap_or_default() + bytes), false);
        self.way.turned.notify_all();
    }

    /// Waits until something is held up.
    pub(crate) fn wait(&self) {
        let valve = self.way.valve.lock().unwrap();
        drop(self.way.turned.wait_while(valve, |valve| !valve.stuck).unwrap());
    }

    /// Lets everything through, after it has cut all connections that there are.
    pub(crate) fn cut(&self) {
        let mut valve = self.way.valve.lock().unwrap();
        *valve = Valve { left: None, stuck: false, opened: valve.opened + 1 };
        self.way.turned.notify_all();
    }

    /// Lets everything through.
    pub(crate) fn open(&self) {
        self.way.valve.lock().unwrap().left = None;
        self.way.turned.notify_all();
    }
}

impl Way {
    /// One connection. Whoever goes away in the middle is no fault of the proxy.
    fn pass(&self, client: &TcpStream) {
        let Some(server) = self.next() else { return };
        let opened = self.valve.lock().unwrap().opened;
        thread::scope(|scope| {
            scope.spawn(|| copy(&server, client, |bytes| add(&self.back, bytes)));
            let went_on =
                copy(client, &server, |bytes| self.may_pass(bytes, opened) && add(&self.there, bytes));
            if !went_on {
                let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
            }
        });
    }

    fn next(&self) -> Option<TcpStream> {
        let behind = self.behind.lock().unwrap();
        let mut turns = self.turns.lock().unwrap();
        let turn = turns.len().checked_rem(behind.len())?;
        turns.push(turn);
        TcpStream::connect(behind[turn]).ok()
    }

    /// Waits until so many bytes may go there; whether they may at all.
    fn may_pass(&self, bytes: u64, opened: u64) -> bool {
        let mut valve = self.valve.lock().unwrap();
        while valve.opened == opened && valve.left.is_some_and(|left| left < bytes) {
            valve.stuck = true;
            self.turned.notify_all();
            valve = self.turned.wait(valve).unwrap();
        }
        valve.left = valve.left.map(|left| left.saturating_sub(bytes));
        valve.opened == opened
    }
}

fn add(counter: &AtomicU64, bytes: u64) -> bool {
    counter.fetch_add(bytes, Ordering::Relaxed);
    true
}

/// Copies to the end; whether it was let.
fn copy(mut from: &TcpStream, mut to: &TcpStream, mut may: impl FnMut(u64) -> bool) -> bool {
    let mut piece = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if !may(count as u64) {
            return false;
        }
        if to.write_all(&piece[..count]).is_err() {
            let _ = from.shutdown(Shutdown::Read);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    true
}
