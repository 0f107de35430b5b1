//! Clients: what they want, how they ask, and what they were told.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    super::*,
    world::{BURSTS, CALLS, JOBS, LIMIT, World},
};
use crate::{
    ids::ReservationId,
    metering::{Idempotency, MeterName, Op},
    secret::Digest,
};

const CLIENTS: u64 = 8;
/// Whoever has asked so often is never answered.
const TRIES: u32 = 1000;

#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// Its idempotency key, and its label in the ledger.
    pub(super) name: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// Asked again until it is answered.
    Charge(&'static str, u64),
    /// Without a key, and once.
    Once(&'static str, u64),
    Hold(u64, End),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Settle(u64),
    Release,
    Leave,
}

/// What a client was told: nothing where it was not answered.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) wish: Wish,
    pub(super) decision: Option<Decision>,
    pub(super) ended: Option<Decision>,
}

impl What {
    /// Whether what was denied is so for good: no units come back, nor does their time.
    pub(super) const fn is_final(self) -> bool {
        matches!(self, Self::Charge(meter, _) | Self::Once(meter, _) if matches!(meter.as_bytes(), b"calls"))
    }
}

impl Wish {
    /// What the ledger says where it is granted.
    pub(super) fn charges(&self) -> Vec<(MeterName, i64)> {
        match self.what {
            What::Charge(meter, units) | What::Once(meter, units) => {
                vec![(meter.parse().unwrap(), units.cast_signed())]
            }
            What::Hold(..) => Vec::new(),
        }
    }

    fn entry(&self, world: &World) -> Entry {
        let op = match self.what {
            What::Charge(meter, units) | What::Once(meter, units) => Op::Charge(World::charges(meter, units)),
            What::Hold(units, _) => Op::Reserve {
                id: ReservationId::new(world.clock.now()).unwrap(),
                charges: World::charges(JOBS, units),
                expires_at: world.clock.now() + SignedDuration::from_secs(2),
            },
        };
        let key = Idempotency { key: Digest::of(self.name.as_bytes()), request: Digest::of(b"") };
        Entry {
            idempotency: (!matches!(self.what, What::Once(..))).then_some(key),
            tags: Arc::new(BTreeMap::from([("name".to_owned(), self.name.clone())])),
            ..entry(world, op)
        }
    }
}

fn entry(world: &World, op: Op) -> Entry {
    Entry { org: world.org, epoch: 0, subject: "key_1".into(), op, idempotency: None, tags: Arc::default() }
}

/// Three times of what there is, from several clients at once, while nodes are killed and what expires is swept.
pub(super) async fn demand(world: &Arc<World>) -> Vec<Told> {
    let clients = (0..CLIENTS).map(|number| tokio::spawn(client(Arc::clone(world), number)));
    let clients: Vec<_> = clients.collect();
    while !clients.iter().all(JoinHandle::is_finished) {
        match world.roll(60) {
            0 => world.kill_one(),
            1..5 => world.tidy(),
            5..11 => world.clock.advance(SignedDuration::from_millis(300)),
            _ => {}
        }
        tokio::task::yield_now().await;
    }
    let mut told = Vec::new();
    for client in clients {
        told.extend(client.await.unwrap());
    }
    told
}

async fn client(world: Arc<World>, number: u64) -> Vec<Told> {
    let mut told = Vec::new();
    let mut asked = BTreeMap::from([(CALLS, 0), (JOBS, 0)]);
    for turn in 0.. {
        let what = what(&world);
        match what {
            What::Charge(meter, units) | What::Once(meter, units) => {
                *asked.entry(meter).or_default() += units;
            }
            What::Hold(units, _) => *asked.entry(JOBS).or_default() += units,
        }
        told.push(act(&world, Wish { name: format!("{number}-{turn}"), what }).await);
        if [CALLS, JOBS].iter().all(|meter| asked[meter] * CLIENTS >= 3 * LIMIT) {
            break;
        }
    }
    told
}

fn what(world: &World) -> What {
    let units = 1 + world.roll(3);
    match world.roll(10) {
        0..3 => What::Charge(CALLS, units),
        3 => What::Once(CALLS, units),
        4 => What::Charge(BURSTS, 1),
        5 => What::Once(BURSTS, 1),
        6 => What::Charge(JOBS, units),
        7 => What::Hold(units, End::Leave),
        8 => What::Hold(units, End::Release),
        _ => What::Hold(units, End::Settle(world.roll(units + 2))),
    }
}

/// Asks, and ends what is held.
async fn act(world: &World, wish: Wish) -> Told {
    let decision = match wish.what {
        What::Once(..) => try_once(world, wish.entry(world)).await,
        What::Charge(..) | What::Hold(..) => Some(ask(world, || wish.entry(world)).await),
    };
    let ended = end(world, &wish, decision.as_ref()).await;
    Told { wish, decision, ended }
}

async fn end(world: &World, wish: &Wish, decision: Option<&Decision>) -> Option<Decision> {
    let (What::Hold(_, how), Some(Decision::Granted(made))) = (wish.what, decision) else { return None };
    let id = made.reservation.unwrap();
    let op = match how {
        End::Settle(used) => Op::Settle { id, actual: vec![(JOBS.parse().unwrap(), used)] },
        End::Release => Op::Release { id },
        End::Leave => return None,
    };
    Some(ask(world, || entry(world, op.clone())).await)
}

/// Asks one node after the other, until it is answered.
async fn ask(world: &World, entry: impl Fn() -> Entry) -> Decision {
    for _ in 0..TRIES {
        if let Some(decision) = try_once(world, entry()).await {
            return decision;
        }
    }
    panic!("there is no answer to {:?}", entry());
}

/// Asks once, and may leave, or go on with something else while it is still under way.
async fn try_once(world: &World, entry: Entry) -> Option<Decision> {
    let node = world.any();
    let call = tokio::spawn(async move { node.decide(entry).await });
    let patience = 5 + world.roll(60);
    for _ in 0..patience {
        if call.is_finished() {
            return call.await.unwrap().ok();
        }
        tokio::task::yield_now().await;
    }
    if world.roll(2) == 0 {
        call.abort();
        world.note("left");
    } else {
        world.note("asked twice at once");
    }
    None
}

/// Asks for what is left, unit by unit, until it is refused.
pub(super) async fn drain(world: &World, told: &mut Vec<Told>) {
    for meter in [CALLS, JOBS] {
        for turn in 0.. {
            let wish = Wish { name: format!("{meter}-{turn}"), what: What::Charge(meter, 1) };
            let drained = act(world, wish).await;
            let granted = matches!(drained.decision, Some(Decision::Granted(_)));
            told.push(drained);
            if !granted {
                break;
            }
        }
    }
}

/// Asks everything once more; answers what was answered otherwise.
pub(super) async fn ask_again(world: &World, told: &[Told]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Told { wish, decision, ended } in told {
        let (Some(first), false) = (decision, matches!(wish.what, What::Once(..) | What::Charge(BURSTS, _)))
        else {
            continue;
        };
        let again = ask(world, || wish.entry(world)).await;
        let ended_again = end(world, wish, Some(&again)).await;
        if !is_same(first, &again)
            || !ended.iter().zip(&ended_again).all(|(first, again)| is_same(first, again))
        {
            wrong.push(format!("{wish:?}: first {first:?}, {ended:?}; then {again:?}, {ended_again:?}"));
        }
    }
    wrong
}

fn is_same(first: &Decision, again: &Decision) -> bool {
    match (first, again) {
        (Decision::Granted(first), Decision::Granted(again)) => {
            (first.at, &first.standings, first.reservation) == (again.at, &again.standings, again.reservation)
        }
        // Where the limit stands is told as it is now.
        (Decision::Denied(_), Decision::Denied(_)) => true,
        (first, again) => first == again,
    }
}
