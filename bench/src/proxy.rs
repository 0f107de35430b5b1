//! A way to a database that counts round trips, and makes them longer.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::Outcome;

/// Listens on a port of this machine for as long as the program runs. Threads wait to the microsecond, a runtime's
/// timers to the millisecond.
pub struct Proxy {
    pub port: u16,
    trips: Arc<AtomicU64>,
}

impl Proxy {
    /// To that port of this machine; every answer comes `later`.
    pub fn start(to: u16, later: Duration) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (port, trips) = (listener.local_addr()?.port(), Arc::<AtomicU64>::default());
        let counted = trips.clone();
        thread::spawn(move || {
            for asking in listener.incoming() {
                // Whoever cannot be connected sees the connection close.
                let _ = asking.map(|asking| connect(asking, to, later, &counted));
            }
        });
        Ok(Self { port, trips })
    }

    /// How often something was asked after an answer.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }
}

fn connect(asking: TcpStream, to: u16, later: Duration, trips: &Arc<AtomicU64>) -> std::io::Result<()> {
    let answering = TcpStream::connect(("127.0.0.1", to))?;
    asking.set_nodelay(true)?;
    answering.set_nodelay(true)?;
    let answered = Arc::new(AtomicBool::new(true));
    let (from, into) = (asking.try_clone()?, answering.try_clone()?);
    let (trips, turn) = (trips.clone(), answered.clone());
    let ask = move || {
        if turn.swap(false, Ordering::Relaxed) {
            trips.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::spawn(move || pass(from, into, Duration::ZERO, ask));
    thread::spawn(move || pass(answering, asking, later, move || answered.store(true, Ordering::Relaxed)));
    Ok(())
}

/// Passes on what comes, each piece so much later, until one side is at its end.
fn pass(mut from: TcpStream, mut into: TcpStream, later: Duration, seen: impl Fn()) {
    let (send, pieces) = mpsc::channel::<(Instant, Vec<u8>)>();
    let writing = thread::spawn(move || {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if into.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = into.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        seen();
        if send.send((Instant::now() + later, buffer[..length].to_vec())).is_err() {
            break;
        }
    }
    drop(send);
    let _ = writing.join();
    let _ = from.shutdown(Shutdown::Both);
}
