//! A service that is killed again and again while clients ask and retry.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    service::{Installation, Service},
    wire::{Answer, Call},
};

/// A test that takes longer than that hangs.
const MOST: Duration = Duration::from_mins(1);

/// Numbers that a failure can be repeated with: `ODAVL_CRASH_SEED` makes them the same again.
pub(crate) struct Seed {
    seed: u64,
    dice: Dice,
}

/// Numbers of one thread.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Seed {
    pub(crate) fn new() -> Self {
        let given = std::env::var("ODAVL_CRASH_SEED").ok();
        let seed = given.map_or_else(random, |text| text.parse().unwrap());
        Self { seed, dice: Dice(seed) }
    }

    /// What it is repeated with.
    pub(crate) fn number(&self) -> u64 {
        self.seed
    }

    /// A number below `most`.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.dice.below(most)
    }

    /// Numbers for another thread.
    pub(crate) fn dice(&mut self) -> Dice {
        self.dice.another()
    }
}

impl Dice {
    /// Others, for somebody else.
    pub(crate) fn another(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }

    /// A number below `most` (splitmix64).
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("repeat it with ODAVL_CRASH_SEED={}", self.seed);
        }
    }
}

fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("seed")
}

/// How often and when the service is killed.
pub(crate) struct Fire {
    /// How many times.
    pub(crate) kills: u64,
    /// After at most so many answers more.
    pub(crate) answers: u64,
}

/// Where clients find the service, while there is one.
pub(crate) struct Target {
    address: Mutex<Option<SocketAddr>>,
    answered: AtomicU64,
    unanswered: AtomicU64,
    clients: AtomicU64,
    begun: Instant,
}

impl Target {
    fn address(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        self.address.lock().unwrap()
    }

    /// The answer to a request, however often it must be sent: what was not answered, or could not be decided, is
    /// sent again as it was.
    pub(crate) fn ask(&self, call: &Call) -> Answer {
        loop {
            assert!(self.begun.elapsed() < MOST, "there is no answer to {call:?}");
            let address = *self.address();
            match address.map(|address| call.send(address)) {
                Some(Ok(answer)) if answer.status != 503 => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return answer;
                }
                Some(_) => drop(self.unanswered.fetch_add(1, Ordering::Relaxed)),
                None => {}
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Kills at a point that the seed chooses: after some answers, and some moments more.
    fn wait(&self, fire: &Fire, seed: &mut Seed) -> bool {
        let until = self.answered.load(Ordering::Relaxed) + 1 + seed.below(fire.answers);
        let moment = Duration::from_micros(seed.below(3000));
        while self.answered.load(Ordering::Relaxed) < until {
            if self.clients.load(Ordering::Relaxed) == 0 {
                return false;
            }
            thread::sleep(Duration::from_micros(50));
        }
        thread::sleep(moment);
        true
    }
}

/// What happened.
pub(crate) struct Report<T> {
    /// What each client has to say.
    pub(crate) clients: Vec<T>,
    /// The service after it all.
    pub(crate) service: Service,
}

/// Runs `clients` clients against a service that is killed and started again; answers once all of them are done.
pub(crate) fn under_fire<T: Send>(
    installation: &Installation,
    fire: &Fire,
    seed: &mut Seed,
    clients: usize,
    client: impl Fn(usize, &Target) -> T + Sync,
) -> Report<T> {
    let target = Target {
        address: Mutex::new(None),
        answered: AtomicU64::new(0),
        unanswered: AtomicU64::new(0),
        clients: AtomicU64::new(clients as u64),
        begun: Instant::now(),
    };
    thread::scope(|scope| {
        let (client, target) = (&client, &target);
        let work = |number| {
            scope.spawn(move || {
                let _left = Left(target);
                client(number, target)
            })
        };
        let work: Vec<_> = (0..clients).map(work).collect();
        let (service, kills) = rage(installation, fire, seed, target);
        let clients = work.into_iter().map(|work| work.join().unwrap()).collect();
        eprintln!("killed {kills} times: {target}");
        assert!(kills >= fire.kills.min(3), "too few kills to show anything: {kills}");
        Report { clients, service }
    })
}

/// Kills and starts until it was enough, or the clients are done.
fn rage(installation: &Installation, fire: &Fire, seed: &mut Seed, target: &Target) -> (Service, u64) {
    let mut service = installation.serve();
    for kill in 0..fire.kills {
        *target.address() = Some(service.address);
        if !target.wait(fire, seed) {
            return (service, kill);
        }
        *target.address() = None;
        service.kill();
        // While it starts it can be killed too.
        if seed.below(3) == 0 {
            let starting = installation.start();
            thread::sleep(Duration::from_millis(seed.below(80)));
            starting.kill();
        }
        service = installation.serve();
    }
    *target.address() = Some(service.address);
    (service, fire.kills)
}

/// Says that a client is done, also where it panicked: nobody must wait for it then.
struct Left<'a>(&'a Target);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (answered, unanswered) = (count(&self.answered), count(&self.unanswered));
        write!(f, "{answered} requests were answered, {unanswered} tries were not")
    }
}
