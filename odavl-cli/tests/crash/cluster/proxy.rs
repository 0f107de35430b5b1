//! A network between a node and its database that can be slow, silent, and cut.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a silent network looks whether it is silent still.
const LOOK: Duration = Duration::from_millis(5);

/// A proxy before the database: TCP, with weather.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    weather: Arc<Weather>,
}

#[derive(Default)]
struct Weather {
    /// How long whatever is sent takes, each way, in microseconds.
    delay: AtomicU64,
    /// Whether nothing arrives: it does once this is over, as it would be sent again.
    silent: AtomicBool,
    over: AtomicBool,
    links: Mutex<Vec<Weak<Link>>>,
}

/// A connection through it.
struct Link {
    node: TcpStream,
    database: TcpStream,
    /// Whether the database's answers are lost.
    deaf: AtomicBool,
}

impl Proxy {
    /// One before the database at that port of this machine.
    pub(crate) fn before(database: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = Arc::new(Weather::default());
        let here = Arc::clone(&weather);
        thread::spawn(move || {
            for node in listener.incoming() {
                if here.over.load(Ordering::Relaxed) {
                    return;
                }
                if let (Ok(node), Ok(database)) = (node, TcpStream::connect(("127.0.0.1", database))) {
                    link(node, database, &here);
                }
            }
        });
        Self { port, weather }
    }

    /// Makes everything take so long, each way.
    pub(crate) fn delay(&self, delay: Duration) {
        self.weather.delay.store(u64::try_from(delay.as_micros()).unwrap(), Ordering::Relaxed);
    }

    /// Holds everything back, or lets it go on.
    pub(crate) fn silent(&self, silent: bool) {
        self.weather.silent.store(silent, Ordering::Relaxed);
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        self.links().iter().for_each(|link| link.cut());
    }

    /// Loses every answer from now on; [`Proxy::cut`] says so to the node.
    pub(crate) fn deafen(&self) {
        self.links().iter().for_each(|link| link.deaf.store(true, Ordering::Relaxed));
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.weather.links.lock().unwrap().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.weather.over.store(true, Ordering::Relaxed);
        self.silent(false);
        self.cut();
        // Whoever waits for the next connection gets one, and ends.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Link {
    fn cut(&self) {
        for end in [&self.node, &self.database] {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn link(node: TcpStream, database: TcpStream, weather: &Arc<Weather>) {
    for end in [&node, &database] {
        end.set_nodelay(true).unwrap();
    }
    let link = Arc::new(Link { node, database, deaf: AtomicBool::new(false) });
    let mut links = weather.links.lock().unwrap();
    links.retain(|link| link.strong_count() > 0);
    links.push(Arc::downgrade(&link));
    drop(links);
    let (back, there) = (Arc::clone(weather), Arc::clone(weather));
    let other = Arc::clone(&link);
    thread::spawn(move || pump(&link.node, &link.database, (&link, &there), |_| false));
    thread::spawn(move || {
        pump(&other.database, &other.node, (&other, &back), |link| link.deaf.load(Ordering::Relaxed));
    });
}

/// Carries what is sent one way, until either end is gone.
fn pump(
    mut from: &TcpStream,
    mut to: &TcpStream,
    (link, weather): (&Link, &Weather),
    is_lost: impl Fn(&Link) -> bool,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut bytes)
        && read > 0
    {
        while weather.silent.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
        let delay = weather.delay.load(Ordering::Relaxed);
        if delay > 0 {
            thread::sleep(Duration::from_micros(delay));
        }
        if !is_lost(link) && to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    link.cut();
}
