//! Backups that are made by themselves: by the schedule of each source, on the node that leads.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::{
    place::Place,
    sources::{Job, Routine, Sources, Work},
    watch::{Figures, Health},
};
use crate::{causes::Chain, error::Result, odavl::Odavl, webhooks::Courier};

/// How often it is asked what is due.
const TICK: Duration = Duration::from_secs(20);
/// How often the store is looked at where nothing happens.
const LOOKED: SignedDuration = SignedDuration::from_hours(1);
/// How soon whoever could not be told is told again.
const TOLD: SignedDuration = SignedDuration::from_mins(1);
/// How soon a backup is made again that failed, or is bad.
const RETRIED: SignedDuration = SignedDuration::from_hours(1);
/// How soon it is tried again where another backup is being made, or the store is away.
const BUSY: SignedDuration = SignedDuration::from_mins(5);

/// Makes the backups that are due, and tells what is new about them; for a service to keep. Dropping it cuts off those that
/// are being made: nothing of them is there, and the next run begins anew.
#[derive(Debug)]
pub struct Keeper {
    odavl: Odavl,
    sources: Arc<Sources>,
    courier: Arc<dyn Courier>,
    turns: BTreeMap<Place, Turn>,
    under_way: JoinSet<Option<Place>>,
}

/// What this node knows of a source until it looks again.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    looks_at: Timestamp,
    is_unreachable: bool,
    begun: Option<Timestamp>,
    /// When what was under way was last seen to have ended.
    ended: Option<Timestamp>,
    retries_at: Option<Timestamp>,
    rests_until: Timestamp,
    /// Whether something was under way when it was asked last.
    was_at_work: bool,
}

impl Turn {
    /// Whether it is time to look: a clock that went back does not make it look away.
    fn looks(&self, now: Timestamp) -> bool {
        self.looks_at <= now || self.looks_at > later(now, LOOKED)
    }

    fn rests(&self, now: Timestamp) -> bool {
        self.rests_until > now && self.rests_until <= later(now, BUSY)
    }

    fn note(&mut self, seen: &Health, now: Timestamp) {
        self.is_unreachable = seen.is_unreachable();
        self.looks_at = later(now, if self.is_unreachable { BUSY } else { LOOKED });
        self.begun = seen.begun();
        self.retries_at = seen.in_vain().map(|begun| later(self.ended.unwrap_or(begun).max(begun), RETRIED));
    }
}

impl Odavl {
    /// Who makes the backups of the installation, and tells of them by `courier`; `None` where it has no sources.
    pub fn keeper(&self, courier: Arc<dyn Courier>) -> Option<Keeper> {
        let sources = self.core().backups.clone()?;
        let (turns, under_way) = (BTreeMap::new(), JoinSet::new());
        Some(Keeper { odavl: self.clone(), sources, courier, turns, under_way })
    }

    /// How the backups of each scheduled source stood when this node looked last: on the node that leads, some minutes ago at
    /// most where something happened, else an hour.
    pub fn backups_seen(&self) -> BTreeMap<Place, Figures> {
        self.core().backups.as_ref().map(|sources| sources.seen_last()).unwrap_or_default()
    }

    /// Makes backups as their schedules say, and tells what is new about them, for as long as it is waited for.
    pub async fn keep_backups(&self, courier: Arc<dyn Courier>) {
        let Some(mut keeper) = self.keeper(courier) else { return };
        let mut soon = tokio::time::interval(TICK);
        soon.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // What came of a backup is told as soon as it has ended.
            tokio::select! {
                _ = soon.tick() => {}
                () = keeper.ended(), if keeper.is_at_work() => {}
            }
            if let Err(error) = keeper.turn().await {
                tracing::warn!(error = %Chain(&error), "backups could not be looked after; it is tried again");
            }
        }
    }
}

impl Keeper {
    /// Begins what is due, where this node [leads](Odavl::leads), and tells what is new. A service does it every few seconds.
    pub async fn turn(&mut self) -> Result<()> {
        self.note_ended();
        if !self.odavl.leads().await? {
            self.turns.clear();
            self.sources.forget_seen();
            self.sources.write_rest().await;
            return Ok(());
        }
        let sources = self.sources.clone();
        let mut done = Ok(());
        for job in sources.jobs() {
            let Some(routine) = &job.routine else { continue };
            done = done.and(self.turn_of(job, routine).await);
        }
        done
    }

    /// Waits for what is under way.
    pub async fn finish(&mut self) {
        while self.is_at_work() {
            self.ended().await;
        }
    }

    fn is_at_work(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Waits until something has ended.
    async fn ended(&mut self) {
        if let Some(ended) = self.under_way.join_next().await {
            self.rest(ended.ok().flatten());
        }
    }

    async fn turn_of(&mut self, job: &Job, routine: &Routine) -> Result<()> {
        let now = self.odavl.now();
        let mut turn = self.turns.get(&job.place).copied().unwrap_or_default();
        let is_at_work = self.sources.running(&job.place).is_some();
        // What came of a work is looked at as soon as it has ended.
        let has_ended = std::mem::replace(&mut turn.was_at_work, is_at_work) && !is_at_work;
        turn.ended = has_ended.then_some(now).or(turn.ended);
        if has_ended || turn.looks(now) {
            let seen = self.sources.seen(job, now).await;
            let heard = self.sources.tell(job, &seen, (&*self.courier, now)).await;
            turn.note(&seen, now);
            if !heard {
                turn.looks_at = later(now, TOLD);
            }
            self.sources.keep_seen(&job.place, &seen);
        }
        self.turns.insert(job.place.clone(), turn);
        // Where nobody knows what there is, nothing is made on a guess.
        if is_at_work || turn.is_unreachable || turn.rests(now) {
            return Ok(());
        }
        let due = routine.schedule.due(turn.begun, now)?;
        if due.is_some() || turn.retries_at.is_some_and(|at| at <= now) {
            (turn.was_at_work, turn.retries_at) = (true, None);
            self.begin(job, now)?;
            self.turns.insert(job.place.clone(), turn);
        }
        Ok(())
    }

    fn begin(&mut self, job: &Job, now: Timestamp) -> Result<()> {
        let (under_way, _) = self.sources.begin(&job.place, Work::Backup, now)?;
        let (sources, job) = (self.sources.clone(), job.clone());
        self.under_way.spawn(async move {
            // Nobody sees that it has ended before it can be seen what came of it.
            let _ended = under_way.clone();
            match sources.run(&job, under_way, now).await {
                Ok(backup) => {
                    tracing::info!(source = %job.place, %backup, "a backup was made");
                    None
                }
                Err(error) => {
                    let is_noted = sources.note_failed(&job, (Work::Backup, now), &error).await;
                    // Somebody else makes one.
                    (!is_noted).then_some(job.place)
                }
            }
        });
        Ok(())
    }

    fn note_ended(&mut self) {
        while let Some(ended) = self.under_way.try_join_next() {
            self.rest(ended.ok().flatten());
        }
    }

    fn rest(&mut self, busy: Option<Place>) {
        if let Some(turn) = busy.and_then(|place| self.turns.get_mut(&place)) {
            turn.rests_until = later(self.odavl.now(), BUSY);
        }
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
