//! One node among others on a database: whose turn the common work is, and whether its clock is right.

use jiff::SignedDuration;

use crate::{
    auth::LeaseWish,
    error::{Error, Result},
    odavl::{Core, Odavl},
};

/// What is done for all nodes by one of them.
const WORK: &str = "sweep";
/// How long a node that is gone keeps the others from it: some of a service's sweeps.
const TURN: SignedDuration = SignedDuration::from_secs(30);
/// From where on a node whose clock is off is not ready.
const READY: SignedDuration = SignedDuration::from_secs(5);

impl Odavl {
    /// From where on a clock that is off the database's is worth telling of.
    pub const SKEW_TOLD: SignedDuration = SignedDuration::from_secs(2);
    /// From where on nothing is to be served by it, and the common work is left to others.
    pub const SKEW_REFUSED: SignedDuration = SignedDuration::from_secs(60);

    /// Whether the common work, [`Odavl::sweep`] and [`Odavl::forget_ended`], is this node's at present: it holds the lease
    /// for it, from now on or for longer. It saves the others the work, no more: each step can be taken again, by any
    /// node at the same time.
    ///
    /// # Errors
    /// `unavailable` where this node's clock is further than [`Odavl::SKEW_REFUSED`] from the database's: it holds the
    /// lease no longer, and another node takes it.
    pub async fn leads(&self) -> Result<bool> {
        self.core().check_clock_to_remove().await?;
        self.core().hold_turn(TURN).await
    }

    /// What a service does every few seconds on each node: it writes what this node alone knows, also where its clock leaves
    /// the common work to others, and [sweeps](Odavl::sweep) where it [leads](Odavl::leads).
    pub async fn tidy(&self) -> Result<()> {
        let noted = self.note().await;
        let swept = match self.leads().await {
            Ok(true) => self.sweep().await,
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        swept.and(noted)
    }

    /// Leaves the common work to another node at once.
    pub async fn step_down(&self) -> Result<()> {
        self.core().hold_turn(SignedDuration::ZERO).await.map(drop)
    }

    /// How far this node's clock is ahead of the database's (behind, where negative), at least: how long the question
    /// took is not counted. Nothing where they have one clock.
    pub async fn clock_skew(&self) -> Result<SignedDuration> {
        self.core().clock_skew().await
    }
}

impl Core {
    async fn hold_turn(&self, lives: SignedDuration) -> Result<bool> {
        let (name, holder) = (WORK.to_owned(), self.node.clone());
        let wish = LeaseWish { name, holder, at: self.clock.now(), lives };
        Ok(self.auth.take_lease(&wish).await?.is_some())
    }

    async fn clock_skew(&self) -> Result<SignedDuration> {
        let before = self.clock.now();
        let Some(there) = self.auth.time().await? else { return Ok(SignedDuration::ZERO) };
        let nearest = there.min(self.clock.now()).max(before);
        Ok(nearest.duration_since(there))
    }

    /// Refuses to go on as ready where presigned requests, periods and expiries would be wrong.
    pub(crate) async fn check_clock(&self) -> Result<()> {
        self.trust_clock(READY).await
    }

    /// Refuses to remove for good what only a wrong clock says is over.
    pub(crate) async fn check_clock_to_remove(&self) -> Result<()> {
        self.trust_clock(Odavl::SKEW_REFUSED).await
    }

    async fn trust_clock(&self, most: SignedDuration) -> Result<()> {
        let skew = self.clock_skew().await?;
        if skew.abs() <= most {
            return Ok(());
        }
        let what = format!("this node's clock is {:#} from the database's: set both by NTP", skew.abs());
        Err(Error::unavailable(what, None))
    }
}
