//! What goes wrong, at random from a seed: nodes, their networks, and the database.

use std::{
    fmt,
    fs::File,
    io::Write,
    ops::AddAssign,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use odavl_core::{Clock, SystemClock};
use rustix::process::Signal;

use super::{client::Field, database::Database, node::Node, store::Store};
use crate::{fire::Dice, service::Installation};

/// Longer than all nodes take to start on a busy machine.
const LONG: Duration = Duration::from_mins(2);

/// How often each of it went wrong.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) restarts: u64,
    pub(crate) cuts: u64,
    pub(crate) delays: u64,
    pub(crate) silences: u64,
    /// Answers of the store.
    pub(crate) store: u64,
}

/// What ends what went wrong, and when.
pub(crate) struct Undo {
    at: Instant,
    node: usize,
    how: How,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Start,
    Continue,
    Hear,
    Hasten,
    Cut,
    Clear,
}

/// A kind of fault, out of so many in a hundred; each of those happens once before any is left to chance.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Kill,
    Restart,
    Spoil,
    Stop,
    Deafen,
    Cut,
    Silence,
    Delay,
}

const KINDS: [(Kind, u64); 8] = [
    (Kind::Kill, 30),
    (Kind::Spoil, 12),
    (Kind::Restart, 6),
    (Kind::Stop, 14),
    (Kind::Deafen, 12),
    (Kind::Cut, 12),
    (Kind::Silence, 7),
    (Kind::Delay, 7),
];

/// Where it all happens.
pub(crate) struct Fire<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) database: &'a Database,
    pub(crate) store: &'a Store,
    pub(crate) field: &'a Field<'a>,
    /// After so many answers at most, something goes wrong again.
    pub(crate) calm: u64,
    /// The longest that a node stands still, or hears nothing.
    pub(crate) outage: u64,
    pub(crate) dice: Dice,
    pub(crate) faults: Faults,
    pub(crate) undo: Vec<Undo>,
    /// How many faults there were.
    pub(crate) turn: usize,
    /// What went wrong when, beside the nodes' logs.
    pub(crate) log: File,
}

impl<'a> Fire<'a> {
    /// Lets things go wrong until it is over, and mends them all.
    pub(crate) fn rage(&mut self, over: &AtomicBool) {
        while self.wait(over) {
            self.break_something();
        }
        self.mend();
    }

    /// Returns after some answers, however long they take; ends what is to end in the meantime, so there will be some.
    fn wait(&mut self, over: &AtomicBool) -> bool {
        let until = self.field.answered.load(Ordering::Relaxed) + 1 + self.dice.below(self.calm);
        while self.field.answered.load(Ordering::Relaxed) < until {
            if over.load(Ordering::Relaxed) {
                return false;
            }
            self.end_what_is_due(Instant::now());
            thread::sleep(Duration::from_micros(200));
        }
        thread::sleep(Duration::from_micros(self.dice.below(3000)));
        !over.load(Ordering::Relaxed)
    }

    fn end_what_is_due(&mut self, now: Instant) {
        let (due, later) = std::mem::take(&mut self.undo).into_iter().partition(|undo| undo.at <= now);
        self.undo = later;
        let due: Vec<Undo> = due;
        for node in self.field.nodes {
            node.look(self.installation);
        }
        for Undo { node: number, how, .. } in due {
            let node = self.node(number);
            self.note(number, &format!("{how:?}"));
            match how {
                How::Start => node.start(self.installation),
                How::Continue => drop(node.signal(Signal::CONT)),
                How::Hear => node.network.silent(false),
                How::Hasten => node.network.delay(Duration::ZERO),
                How::Cut => node.network.cut(),
                How::Clear => self.store.spoil(false),
            }
        }
    }

    fn node(&self, number: usize) -> &'a Node {
        &self.field.nodes[number]
    }

    fn note(&mut self, node: usize, what: &str) {
        let answered = self.field.answered.load(Ordering::Relaxed);
        writeln!(self.log, "{} {what} {node} after {answered} answers", SystemClock.now()).unwrap();
    }

    fn later(&mut self, node: usize, most: u64, how: How) {
        let at = Instant::now() + Duration::from_millis(self.dice.below(most));
        self.undo.push(Undo { at, node, how });
    }

    fn break_something(&mut self) {
        let number = usize::try_from(self.dice.below(self.field.nodes.len() as u64)).unwrap();
        let node = self.node(number);
        let kind = self.kind();
        self.note(number, &format!("{kind:?}"));
        let faults = &mut self.faults;
        match kind {
            Kind::Kill => {
                faults.kills += u64::from(node.kill());
                // Also while it starts, where the next one falls on it.
                self.later(number, 400, How::Start);
            }
            Kind::Stop => {
                faults.stops += u64::from(node.signal(Signal::STOP));
                self.later(number, self.outage, How::Continue);
            }
            Kind::Cut => {
                node.network.cut();
                faults.cuts += 1;
            }
            Kind::Deafen => {
                node.network.deafen();
                faults.cuts += 1;
                self.later(number, 50, How::Cut);
            }
            Kind::Delay => {
                node.network.delay(Duration::from_micros(self.dice.below(20_000)));
                faults.delays += 1;
                self.later(number, self.outage, How::Hasten);
            }
            Kind::Silence => {
                node.network.silent(true);
                faults.silences += 1;
                self.later(number, self.outage, How::Hear);
            }
            Kind::Spoil => {
                self.store.spoil(true);
                self.later(number, 4 * self.outage, How::Clear);
            }
            Kind::Restart => {
                faults.restarts += 1;
                self.restart();
            }
        }
    }

    /// Restarts the database, and ends what is to end in the meantime: a server does not go while somebody whose network is
    /// silent is signing in.
    fn restart(&mut self) {
        let mode = if self.dice.below(2) == 0 { "immediate" } else { "fast" };
        let database = self.database;
        thread::scope(|scope| {
            let restart = scope.spawn(|| database.restart(mode));
            while !restart.is_finished() {
                self.end_what_is_due(Instant::now());
                thread::sleep(Duration::from_millis(1));
            }
        });
    }

    fn kind(&mut self) -> Kind {
        self.turn += 1;
        if let Some((kind, _)) = KINDS.get(self.turn - 1) {
            return *kind;
        }
        let mut roll = self.dice.below(KINDS.iter().map(|(_, share)| share).sum());
        let is_it = |(_, share): &&(Kind, u64)| {
            let is_it = roll < *share;
            roll = roll.saturating_sub(*share);
            is_it
        };
        KINDS.iter().find(is_it).map_or(Kind::Kill, |(kind, _)| *kind)
    }

    /// Everything runs again.
    fn mend(&mut self) {
        for node in self.field.nodes {
            node.network.silent(false);
            node.network.delay(Duration::ZERO);
            node.network.cut();
            node.signal(Signal::CONT);
        }
        self.store.spoil(false);
        self.undo.clear();
        start_all(self.field.nodes, self.installation);
    }
}

/// Returns when all of them answer.
pub(crate) fn start_all(nodes: &[Node], installation: &Installation) {
    let begun = Instant::now();
    for node in nodes {
        node.start(installation);
        while node.address().is_none() {
            assert!(begun.elapsed() < LONG, "a node does not start although nothing is wrong");
            node.look(installation);
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, more: Self) {
        self.kills += more.kills;
        self.stops += more.stops;
        self.restarts += more.restarts;
        self.cuts += more.cuts;
        self.delays += more.delays;
        self.silences += more.silences;
        self.store += more.store;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, stops, restarts, cuts, delays, silences, store } = self;
        write!(f, "{kills} kills, {stops} stops, {restarts} restarts of the database, {cuts} cuts, ")?;
        write!(f, "{delays} delays, {silences} silences, {store} store faults")
    }
}
