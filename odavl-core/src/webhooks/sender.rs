//! Sending what is due: endpoints take turns, and a slow one delays nobody else's.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, timeout_at},
};

use super::{
    delivery::{Attempt, Delivery, Letter},
    endpoint::Endpoint,
    port::{Claim, Courier},
};
use crate::{
    error::{Error, ErrorCode, Result},
    ids::{OrgId, WebhookId},
    odavl::{Core, Odavl},
};

/// How many messages are under way at once.
const WINDOW: usize = 64;
/// How many of them to one endpoint.
const SHARE: usize = 4;
/// How many of them for one organisation, however many endpoints it has.
const ORG_SHARE: usize = 16;
/// How many endpoints are looked at together: more than can have their share under way.
const TURNS: usize = 32;
/// How long those that are under way are waited for: a slow one is left to go on.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long a delivery is a node's own: longer than a try takes.
const CLAIMED: SignedDuration = SignedDuration::from_mins(1);
/// The longest that is kept of an error.
const ERROR_MOST: usize = 200;

/// Whom a message is for.
type Receiver = (OrgId, WebhookId);

/// Sends messages to those who want to know of what happened, some at once; dropping it cuts off what is under way, which
/// is tried again a minute later.
#[derive(Debug)]
pub struct Sender {
    odavl: Odavl,
    courier: Arc<dyn Courier>,
    under_way: JoinSet<Result<()>>,
    /// Whom each of them is for.
    to: HashMap<Id, Receiver>,
    /// Whose turn it was last.
    last: Option<WebhookId>,
}

impl Odavl {
    /// Who tells by `courier`, for a service to keep.
    pub fn sender(&self, courier: Arc<dyn Courier>) -> Sender {
        let odavl = self.clone();
        Sender { odavl, courier, under_way: JoinSet::new(), to: HashMap::new(), last: None }
    }

    /// Tells whoever wants to know of what happened, by `courier`, of up to a thousand things, and waits for all of it. Safe to run on every node, at
    /// any time.
    pub async fn deliver(&self, courier: &Arc<dyn Courier>) -> Result<()> {
        let mut sender = self.sender(courier.clone());
        let mut done = sender.deliver().await;
        while !sender.under_way.is_empty() {
            done = done.and(sender.deliver().await);
        }
        done
    }
}

impl Sender {
    /// Tells whoever wants to know of what happened and is due, for some seconds at most: whoever does not answer by then
    /// is waited for beside the next calls. Safe to run on every node, at any time; a service does it every few seconds.
    ///
    /// # Errors
    /// The first thing that failed on this side; the rest was not held up, and it is tried again.
    pub async fn deliver(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut done = self.odavl.core().post_thresholds().await;
        let mut more = true;
        loop {
            if more {
                match self.fill().await {
                    Ok(due) => more = due,
                    Err(error) => done = done.and(Err(error)),
                }
            }
            if Instant::now() >= until {
                return done;
            }
            let ended = timeout_at(until, self.under_way.join_next_with_id()).await;
            let Ok(Some(ended)) = ended else { return done };
            done = done.and(self.ended(ended));
            // Those that ended meanwhile make room together.
            while let Some(ended) = self.under_way.try_join_next_with_id() {
                done = done.and(self.ended(ended));
            }
        }
    }

    /// Notes the end of a message's task.
    fn ended(&mut self, ended: Result<(Id, Result<()>), JoinError>) -> Result<()> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        self.to.remove(&id);
        let (_, sent) =
            ended.map_err(|error| Error::internal("a delivery was cut off", Some(error.into())))?;
        sent
    }

    /// Puts as many messages under way as there is room for, each endpoint's at its turn; answers whether anything was due.
    async fn fill(&mut self) -> Result<bool> {
        let (mut seen, mut done) = (BTreeSet::new(), Ok(true));
        loop {
            let turns = self.turns().await?;
            if turns.is_empty() && seen.is_empty() {
                return Ok(false);
            }
            let all = turns.len() < TURNS;
            let turns: Vec<_> = turns.into_iter().filter(|to| seen.insert(*to)).collect();
            let none = turns.is_empty();
            for to in turns {
                if self.to.len() >= WINDOW {
                    return done;
                }
                self.last = Some(to.1);
                if let Err(error) = self.take(to).await {
                    done = done.and(Err(error));
                }
            }
            if all || none {
                return done;
            }
        }
    }

    /// Whose turn it is: endpoints with something due, round and round; all of them, where there are few.
    async fn turns(&self) -> Result<Vec<Receiver>> {
        let core = self.odavl.core();
        let (now, most) = (core.clock.now(), u32::try_from(TURNS).unwrap_or(u32::MAX));
        let mut turns = core.webhooks.due(now, self.last, most).await?;
        if turns.len() < TURNS && self.last.is_some() {
            turns.extend(core.webhooks.due(now, None, most).await?);
        }
        Ok(turns)
    }

    /// How many more messages to that endpoint may be under way.
    fn share(&self, to: Receiver) -> usize {
        let under_way = |like: &dyn Fn(&Receiver) -> bool| self.to.values().filter(|to| like(to)).count();
        let of_endpoint = SHARE.saturating_sub(under_way(&|other| *other == to));
        // Whoever has nothing under way has one message in any case: four that hang keep no sixteen places from their kin.
        let of_org = ORG_SHARE.saturating_sub(under_way(&|other| other.0 == to.0));
        let of_org = of_org.max(usize::from(of_endpoint == SHARE));
        of_endpoint.min(of_org).min(WINDOW.saturating_sub(self.to.len()))
    }

    /// Puts what is due to an endpoint under way, up to its share.
    async fn take(&mut self, to: Receiver) -> Result<()> {
        let core = self.odavl.core().clone();
        let now = core.clock.now();
        let until = now.checked_add(CLAIMED).unwrap_or(now);
        let (share, mut done) = (self.share(to), Ok(()));
        if share == 0 {
            return done;
        }
        let most = u32::try_from(share).unwrap_or(u32::MAX);
        for delivery in core.webhooks.claim(to.0, to.1, Claim { now, until, most }).await? {
            match delivery {
                Ok(delivery) => {
                    let (core, courier) = (core.clone(), self.courier.clone());
                    let task =
                        self.under_way.spawn(async move { core.send(&*courier, to.0, delivery).await });
                    self.to.insert(task.id(), to);
                }
                Err(error) => done = done.and(Err(error)),
            }
        }
        done
    }
}

impl Core {
    /// Sends a message, and reports what came of it; also where it could not be sent for a reason of our own.
    async fn send(&self, courier: &dyn Courier, org: OrgId, delivery: Delivery) -> Result<()> {
        let (sent, failed) = match self.letter(org, &delivery).await {
            Ok(Some(letter)) => (courier.send(&letter).await, Ok(())),
            Ok(None) => return Ok(()),
            // What cannot be read now is tried again when the claim has ended.
            Err(error) if error.code() == ErrorCode::Unavailable => return Err(error),
            Err(error) => (Err(unsigned()), Err(error)),
        };
        let (status, error) = match sent {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error.to_string().chars().take(ERROR_MOST).collect())),
        };
        let attempt = Attempt { at: self.clock.now(), status, error };
        self.webhooks.report(org, &delivery.after(attempt)).await.map(drop).and(failed)
    }

    /// The message, signed now; `None` where its endpoint is gone.
    async fn letter(&self, org: OrgId, delivery: &Delivery) -> Result<Option<Letter>> {
        let endpoint = self.webhooks.endpoint(org, delivery.endpoint).await?;
        endpoint.map(|endpoint| self.sign(endpoint, delivery)).transpose()
    }

    fn sign(&self, endpoint: Endpoint, delivery: &Delivery) -> Result<Letter> {
        let (message, seconds) = (delivery.event.to_string(), self.clock.now().as_second());
        let signature = endpoint.sign(&self.master, &message, seconds, &delivery.payload)?;
        Ok(Letter {
            url: endpoint.url,
            headers: vec![
                ("webhook-id", message),
                ("webhook-timestamp", seconds.to_string()),
                ("webhook-signature", signature),
            ],
            body: delivery.payload.clone(),
        })
    }
}

/// What the organisation is told of a fault of ours; what it was is in the log.
fn unsigned() -> Error {
    Error::internal("not sent: the service could not sign it with this endpoint's secret", None)
}
