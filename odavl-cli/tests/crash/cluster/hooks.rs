//! Who is told of thresholds: a receiver that answers now and then that it could not take a message, or nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use odavl_core::webhooks::{Courier, Letter};
use serde_json::json;

use super::{client::Field, database::Database, store::read_request};
use crate::{fire::Dice, wire::Call};

/// What was received: how often, by `webhook-id`.
pub(crate) type Received = BTreeMap<String, u64>;

/// Where organisations are told.
pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// What was taken, by `webhook-id`.
    taken: Mutex<Received>,
    dice: Mutex<Dice>,
    over: AtomicBool,
}

impl Receiver {
    pub(crate) fn start(dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen { taken: Mutex::default(), dice: Mutex::new(dice), over: AtomicBool::new(false) };
        let seen = Arc::new(seen);
        let here = Arc::clone(&seen);
        thread::spawn(move || {
            for mut node in listener.incoming().map_while(Result::ok) {
                if here.over.load(Ordering::Relaxed) {
                    return;
                }
                // A node that is killed while it tells does so again.
                let _ = here.receive(&mut node);
            }
        });
        Self { address, seen }
    }

    /// Lets an organisation be told here.
    pub(crate) fn subscribe(&self, field: &Field<'_>, key: &str, dice: &mut Dice) {
        let wish = json!({"url": format!("http://{}/", self.address)});
        field.ask(&Call::post("/api/v1/webhooks", &wish).bearer(key), dice).well();
    }

    /// Somebody who carries what is still on its way, without any network.
    pub(crate) fn courier(&self) -> Arc<dyn Courier> {
        Arc::new(ByHand(Arc::clone(&self.seen)))
    }

    pub(crate) fn taken(&self) -> Received {
        self.seen.taken.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Relaxed);
        // Whoever waits for the next connection gets one, and ends.
        let _ = TcpStream::connect(self.address);
    }
}

impl Seen {
    fn take(&self, id: &str) {
        *self.taken.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }

    fn receive(&self, node: &mut TcpStream) -> std::io::Result<()> {
        let request = read_request(node)?;
        let head = String::from_utf8_lossy(&request).into_owned();
        let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap_or_default();
        let roll = self.dice.lock().unwrap().below(6);
        // Half of what fails was understood all the same.
        if roll != 0 {
            self.take(id);
        }
        let status = match roll {
            0 | 1 => "500 Internal Server Error",
            2 => return Ok(()),
            _ => "204 No Content",
        };
        node.write_all(
            format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
        )
    }
}

/// A courier who always arrives.
#[derive(Debug)]
struct ByHand(Arc<Seen>);

#[async_trait]
impl Courier for ByHand {
    async fn send(&self, letter: &Letter) -> odavl_core::Result<u16> {
        let id = letter.headers.iter().find(|(name, _)| *name == "webhook-id");
        self.0.take(id.map_or("", |(_, id)| id.as_str()));
        Ok(204)
    }
}

/// What the post says of an organisation.
#[derive(Debug, Default, Clone)]
pub(crate) struct Outbox {
    /// Thresholds that were reached, and those of them that nobody was told of.
    pub(crate) reached: usize,
    pub(crate) untold: usize,
    /// Every delivery: of which event, and how it stands.
    pub(crate) deliveries: Vec<(String, String)>,
}

impl Outbox {
    pub(crate) fn read(database: &Database, org: &str) -> Self {
        let told = database.rows("SELECT told FROM thresholds WHERE org = $1", &[&org]);
        let deliveries = database.rows("SELECT event, state FROM webhook_deliveries WHERE org = $1", &[&org]);
        Self {
            reached: told.len(),
            untold: told.iter().filter(|row| row.get::<_, i64>(0) == 0).count(),
            deliveries: deliveries.iter().map(|row| (row.get(0), row.get(1))).collect(),
        }
    }

    /// What is wrong: each threshold was one event, which arrived.
    pub(crate) fn wrong(&self, received: &Received) -> Vec<String> {
        let mut wrong = Vec::new();
        let events: BTreeSet<_> = self.deliveries.iter().map(|(event, _)| event).collect();
        if (events.len(), self.deliveries.len(), self.untold) != (self.reached, self.reached, 0) {
            wrong.push(format!("{} thresholds were reached, and the post has {self:?}", self.reached));
        }
        for (event, state) in &self.deliveries {
            let times = received.get(event).copied().unwrap_or(0);
            if state != "delivered" || times == 0 {
                wrong.push(format!("the delivery of {event} is {state}, and it arrived {times} times"));
            }
        }
        wrong
    }
}
