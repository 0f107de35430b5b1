//! Upkeep: what an installation needs beside its requests, once or for as long as somebody keeps it.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::{
    auth::Change,
    error::Result,
    metering::Pruning,
    odavl::{Core, Odavl},
    webhooks::Courier,
};

/// How often what expired is ended, and who waits for word is told.
const SOON: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_hours(1);
/// How many reservations one transaction releases.
const SWEEP_BATCH: u32 = 500;

impl Odavl {
    /// [Tidies](Odavl::tidy) every 5 seconds and [forgets](Odavl::forget_ended) every hour what is over, where this node
    /// [leads](Odavl::leads): until it is dropped. What fails is told in the log and tried again.
    pub async fn keep_tidy(&self) {
        let (mut soon, mut hourly) = (every(SOON), Instant::now());
        loop {
            soon.tick().await;
            told(self.tidy().await, "what expired could not be swept; it is tried again");
            if Instant::now() >= hourly {
                hourly = Instant::now() + HOUR;
                told(
                    self.forget_in_turn().await,
                    "what is over could not be forgotten; it is tried again in an hour",
                );
            }
        }
    }

    /// Tells whoever wants to know of what happened, by `courier`, every 5 seconds: until it is dropped. A receiver that is
    /// slow holds up nothing else; what fails is told in the log and tried again.
    pub async fn keep_telling(&self, courier: Arc<dyn Courier>) {
        let (mut soon, mut sender) = (every(SOON), self.sender(courier));
        loop {
            soon.tick().await;
            told(sender.deliver().await, "webhooks could not be delivered; it is tried again");
        }
    }

    /// Ends uploads that expired, removes bytes that nothing names any more, looks through a thousand keys of the store for
    /// such that landed when nobody waited for them any more, gives back what reservations hold that nobody settled in
    /// time. Safe to run on every node, at any time; a service [tidies](Odavl::tidy) every few seconds.
    ///
    /// # Errors
    /// `conflict` where the store has become another database's: nothing is removed from it, see
    /// [`Objects::adopt_store`](crate::storage::Objects::adopt_store). Else whatever failed first; the rest is not held up,
    /// and all of it is tried again by the next.
    pub async fn sweep(&self) -> Result<()> {
        let core = self.core();
        // Whatever fails is tried again at the next sweep; the rest is not held up. Uploads come before reservations: what
        // one holds is settled or released with it.
        let noted = self.note().await;
        let owned = core.own_store(self.now()).await;
        let stored = if owned.is_ok() { core.sweep_storage().await } else { Ok(()) };
        let released = core.release_expired().await;
        // Last: nobody waits for it, and a large folder takes its time.
        let found = if owned.is_ok() { core.sweep_strays(self.now()).await } else { Ok(()) };
        owned.and(stored).and(released).and(noted).and(found)
    }

    /// Writes what this node alone knows: when keys were last used, and who was refused. [`Odavl::sweep`] and
    /// [`Odavl::tidy`] do so, too.
    pub async fn note(&self) -> Result<()> {
        let core = self.core();
        let recorded = core.record_denials().await;
        let used = core.views.take_used();
        let touched = if used.is_empty() { Ok(()) } else { core.auth.touch_keys(&used).await };
        recorded.and(touched)
    }

    /// Forgets sign-ins and codes that are over, removes raw records of use from before [`KEPT`](crate::metering::KEPT),
    /// drops uploads in parts that nobody will end, and once a day signs where each organisation's records end. A service
    /// does it every hour, on the node that [leads](Odavl::leads).
    pub async fn forget_ended(&self) -> Result<()> {
        let core = self.core();
        let ended = Change::DropEnded { at: core.clock.now() };
        // Whatever fails is tried again in an hour; the rest is not held up.
        let forgotten = core.write(vec![ended], Vec::new(), Vec::new()).await;
        let aborted = core.abort_stale_multiparts().await;
        let deliveries = core.forget_deliveries().await;
        let pruned = core.prune_books().await;
        core.sign_heads().await.and(forgotten).and(aborted).and(deliveries).and(pruned)
    }

    async fn forget_in_turn(&self) -> Result<()> {
        if self.leads().await? { self.forget_ended().await } else { Ok(()) }
    }
}

impl Core {
    /// Releases the reservations that nobody settled in time.
    async fn release_expired(&self) -> Result<()> {
        while self.metering.sweep(SWEEP_BATCH).await? == SWEEP_BATCH {}
        Ok(())
    }

    /// Removes what the books no longer need, part by part.
    async fn prune_books(&self) -> Result<()> {
        self.check_clock_to_remove().await?;
        let mut next = Some(Pruning::default());
        while let Some(part) = next {
            next = self.metering.prune(part).await?;
        }
        Ok(())
    }
}

fn every(pause: Duration) -> Interval {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Says in the log what failed: nobody waits for it.
fn told(done: Result<()>, what: &str) {
    #[cfg(feature = "tracing")]
    if let Err(error) = &done {
        tracing::warn!(error = %crate::Chain(error), "{what}");
    }
    let _ = (done, what);
}
