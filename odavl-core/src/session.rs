//! A session: who is calling, and the one gate through which every use case goes.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;

use crate::{
    action::Action,
    ask::{Demand, authorise},
    auth::{AuditDraft, KeyToken},
    caller::{Caller, Source},
    error::{Error, Result},
    ids::{AuditId, OrgId, ReservationId},
    metering::{
        Answer, Charge, Decision, Entry, Idempotency, Op, RefusalKind, Standing, check_idempotency_key,
    },
    odavl::Core,
    secret::{Digest, Secret},
};

pub(crate) use crate::ask::Ask;

/// How often a decision that met a newer epoch is asked again with what is true now.
const STALE_TRIES: u32 = 5;

/// Where a call comes from.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The caller's address, where it is known.
    pub address: Option<IpAddr>,
    /// The request's id, for logs and audit.
    pub request_id: String,
    /// Another organisation to act on: its id, slug or `external:<external_id>`.
    pub organization: Option<String>,
}

/// What a caller shows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credential {
    /// An API key.
    Key(KeyToken),
    /// An access token.
    Token(Secret<String>),
    /// A browser's cookie.
    Cookie(Secret<String>),
}

/// Someone who may act: every use case of the library starts here.
///
/// A session holds no state of its own: who the caller is and what they may do is looked up at every use, so a
/// revoked key or a changed role bites at once, however long a session is kept.
#[derive(Debug)]
pub struct Session {
    pub(crate) core: Arc<Core>,
    pub(crate) source: Source,
    pub(crate) context: Context,
    standings: Standings,
}

/// Where the limits stood after a session's last charge. A clone shows the same.
#[derive(Debug, Clone, Default)]
pub struct Standings(Arc<Mutex<Vec<Standing>>>);

impl Standings {
    /// The limits that were charged last, or that refused.
    pub fn read(&self) -> Vec<Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, standings: Vec<Standing>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = standings;
    }
}

/// What the gate gave: who acts, since when, and where the limits stand.
#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) caller: Caller,
    pub(crate) at: Timestamp,
    /// The answer to the charge, where one was made.
    pub(crate) answer: Option<Answer>,
    action: Action,
    charged: Charged,
    kept: AtomicBool,
}

#[derive(Debug)]
enum Charged {
    Nothing,
    Fixed(Vec<Charge>),
    Held {
        id: ReservationId,
        charges: Vec<Charge>,
        /// Whether this request made it: what another one made is not given back when this one fails.
        made_here: bool,
    },
}

/// What really happened with what was asked for.
#[derive(Debug)]
pub(crate) enum Usage {
    /// The fixed charge stands, or nothing was charged.
    Settled,
    /// What is held outlives the request, or was settled by it.
    Held,
}

impl Charged {
    /// An answer given again charged nothing, so nothing of it is given back.
    fn again(self) -> Self {
        match self {
            Self::Held { id, charges, .. } => Self::Held { id, charges, made_here: false },
            Self::Nothing | Self::Fixed(_) => Self::Nothing,
        }
    }
}

impl Permit {
    fn new(caller: Caller, at: Timestamp, action: Action) -> Self {
        Self { caller, at, answer: None, action, charged: Charged::Nothing, kept: AtomicBool::new(false) }
    }

    /// Lets what is held stay held although the act fails: what it was for may be there.
    pub(crate) fn keep_hold(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// The reservation that was made, and what it holds; `None` where nothing is counted.
    pub(crate) fn held(&self) -> Option<(ReservationId, &[Charge])> {
        match &self.charged {
            Charged::Held { id, charges, .. } => Some((*id, charges)),
            Charged::Nothing | Charged::Fixed(_) => None,
        }
    }

    /// Whether the charge was made before, so that this is a retry.
    pub(crate) fn is_retry(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.replayed)
    }

    /// The organisation that is acted on.
    pub(crate) fn org(&self) -> Result<OrgId> {
        self.caller.org_id()
    }
}

impl Session {
    pub(crate) fn new(core: Arc<Core>, source: Source, context: Context) -> Self {
        Self { core, source, context, standings: Standings::default() }
    }

    /// The same caller, acting on another organisation: its id, slug or `external:<external_id>`.
    #[must_use]
    pub fn acting_on(&self, organization: &str) -> Self {
        let context = Context { organization: Some(organization.to_owned()), ..self.context.clone() };
        Self::new(self.core.clone(), self.source.clone(), context)
    }

    /// Where the limits stood after this session's last charge; for the headers of an answer.
    pub fn standings(&self) -> Standings {
        self.standings.clone()
    }

    /// THE gate: credential, scope, address, rate, quota; then the act; then what really happened.
    pub(crate) async fn metered<T>(
        &self,
        ask: Ask,
        act: impl AsyncFnOnce(&Permit) -> Result<(T, Usage)>,
    ) -> Result<T> {
        let permit = self.admit(ask).await?;
        match act(&permit).await {
            Ok((value, usage)) => {
                self.settle(&permit, usage).await?;
                Ok(value)
            }
            Err(error) => {
                self.note_denied(&permit.caller, permit.action, &error);
                self.give_back(&permit).await?;
                Err(error)
            }
        }
    }

    /// The gate for what may have been done before: `before` looks for it once the caller is authorised, and what it
    /// finds is the answer, beyond any quota.
    pub(crate) async fn metered_once<T>(
        &self,
        ask: Ask,
        before: impl AsyncFnOnce(&Permit) -> Result<Option<T>>,
        act: impl AsyncFnOnce(&Permit) -> Result<(T, Usage)>,
    ) -> Result<T> {
        let at = self.core.clock.now();
        let caller = self.authorised(&ask).await?;
        match before(&Permit::new(caller, at, ask.action)).await? {
            Some(done) => Ok(done),
            None => self.metered(ask, act).await,
        }
    }

    /// The caller, who may do what is asked from where they are. Refusals are noted for the audit.
    async fn authorised(&self, ask: &Ask) -> Result<Caller> {
        let caller = self.core.resolve(&self.source, &self.context).await?;
        let allowed = authorise(&caller, ask).and_then(|()| caller.check_address(self.context.address));
        if let Err(error) = &allowed {
            self.note_denied(&caller, ask.action, error);
        }
        allowed.map(|()| caller)
    }

    fn note_denied(&self, caller: &Caller, action: Action, error: &Error) {
        if let Ok(org) = caller.org_id() {
            self.core.note_denied((org, caller.actor), action.row().name, &self.context, error);
        }
    }

    async fn admit(&self, ask: Ask) -> Result<Permit> {
        let mut fresh = self.core.fresh();
        loop {
            let at = self.core.clock.now();
            let caller = self.authorised(&ask).await?;
            let Some((op, charged)) = self.operation(&caller, &ask, at)? else {
                return Ok(Permit::new(caller, at, ask.action));
            };
            let org = caller.org()?;
            let entry = Entry {
                org: org.org.id,
                epoch: org.org.epoch,
                subject: caller.subject.clone(),
                op,
                idempotency: ask.idempotency,
                tags: ask.tags.clone(),
            };
            if let Some(decision) = fresh.decide(entry).await? {
                let answer = self.answered(decision)?;
                let charged = if answer.replayed { charged.again() } else { charged };
                return Ok(Permit { answer: Some(answer), charged, ..Permit::new(caller, at, ask.action) });
            }
        }
    }

    /// The metering operation that the ask comes to; `None` where nothing is charged.
    fn operation(&self, caller: &Caller, ask: &Ask, at: Timestamp) -> Result<Option<(Op, Charged)>> {
        let asked = match &ask.demand {
            Demand::Nothing => Vec::new(),
            Demand::Charge(units) | Demand::Hold { units, .. } => units.clone(),
        };
        let catalog = &self.core.settings.catalog;
        let wanted = self.core.with_request(ask.action, asked, 1);
        if wanted.is_empty() {
            return Ok(None);
        }
        let charges = wanted
            .into_iter()
            .map(|(meter, units)| {
                catalog.meter(&meter)?;
                Ok(Charge { limits: caller.limits(&meter)?, meter, units, since: None })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(match &ask.demand {
            Demand::Hold { id, lifetime, .. } => {
                let expires_at = at.checked_add(*lifetime).unwrap_or(Timestamp::MAX);
                let held = Charged::Held { id: *id, charges: charges.clone(), made_here: true };
                (Op::Reserve { id: *id, charges, expires_at }, held)
            }
            _ if charges.iter().all(|charge| charge.units == 0) => (Op::Probe(charges), Charged::Nothing),
            _ => (Op::Charge(charges.clone()), Charged::Fixed(charges)),
        }))
    }

    /// The answer of a yes; the error of a no.
    pub(crate) fn answered(&self, decision: Decision) -> Result<Answer> {
        let answer = decided(decision);
        let standings = match &answer {
            Ok(answer) => answer.standings.clone(),
            Err(error) => error.refusal().map(|refusal| refusal.standing.clone()).into_iter().collect(),
        };
        self.standings.keep(standings);
        answer
    }

    async fn settle(&self, permit: &Permit, usage: Usage) -> Result<()> {
        match (&permit.charged, usage) {
            (Charged::Held { .. }, Usage::Settled) => self.give_back(permit).await,
            _ => Ok(()),
        }
    }

    async fn give_back(&self, permit: &Permit) -> Result<()> {
        match &permit.charged {
            Charged::Nothing | Charged::Held { made_here: false, .. } => Ok(()),
            Charged::Held { .. } if permit.kept.load(Ordering::Relaxed) => Ok(()),
            Charged::Held { id, .. } => self.end(permit, Op::Release { id: *id }).await,
            Charged::Fixed(charges) => {
                let since = permit.answer.as_ref().map(|answer| answer.at);
                let back = |charge: &Charge| Charge { units: -charge.units, since, ..charge.clone() };
                self.end(permit, Op::Charge(charges.iter().map(back).collect())).await
            }
        }
    }

    /// What ends a charge is never refused, whatever has changed since.
    async fn end(&self, permit: &Permit, op: Op) -> Result<()> {
        decided(self.core.decide(permit.org()?, u64::MAX, &permit.caller.subject, op).await?).map(drop)
    }

    /// What a retry of this caller's is told by.
    pub(crate) fn once(
        &self,
        action: Action,
        key: Option<&str>,
        content: &str,
    ) -> Result<Option<Idempotency>> {
        check_idempotency_key(key)?;
        let caller = self.source.name();
        Ok(key.map(|key| Idempotency {
            key: Digest::of(format!("{}\0{caller}\0{key}", action.row().name).as_bytes()),
            request: Digest::of(content.as_bytes()),
        }))
    }

    /// The record of what `permit` allows, done to `target`.
    pub(crate) fn record(&self, permit: &Permit, target: &(impl ToString + ?Sized)) -> Result<AuditDraft> {
        self.record_in(permit, permit.org()?, target)
    }

    /// The record in another organisation's chain.
    pub(crate) fn record_in(
        &self,
        permit: &Permit,
        org: OrgId,
        target: &(impl ToString + ?Sized),
    ) -> Result<AuditDraft> {
        Ok(AuditDraft {
            id: AuditId::new(permit.at)?,
            org,
            at: permit.at,
            actor: permit.caller.actor.to_string(),
            action: permit.action.row().name.to_owned(),
            target: target.to_string(),
            address: self.context.address.map(|address| address.to_canonical().to_string()),
            request_id: self.context.request_id.clone(),
            detail: std::collections::BTreeMap::new(),
        })
    }
}

/// Decisions by what is true now: an entry that met a newer epoch is made again, and decided again.
#[derive(Debug)]
pub(crate) struct Fresh<'a> {
    core: &'a Core,
    tries: u32,
}

impl Core {
    pub(crate) fn fresh(&self) -> Fresh<'_> {
        Fresh { core: self, tries: 0 }
    }
}

impl Fresh<'_> {
    /// Decides; `None` where the organisation has changed since the entry was made.
    pub(crate) async fn decide(&mut self, entry: Entry) -> Result<Option<Decision>> {
        let (org, moment) = (entry.org, self.core.views.moment(self.core.clock.now()));
        let decision = self.core.combiner.decide(entry).await?;
        let Decision::Stale { epoch } = decision else { return Ok(Some(decision)) };
        self.core.views.learn(org, epoch, moment);
        self.tries += 1;
        if self.tries == STALE_TRIES {
            // Whoever asks again in a moment finds it at rest.
            return Err(Error::unavailable("the organisation changes faster than it can be read", None));
        }
        Ok(None)
    }
}

/// A decision as a result.
pub(crate) fn decided(decision: Decision) -> Result<Answer> {
    match decision {
        Decision::Granted(answer) => Ok(answer),
        Decision::Denied(refusal) => Err(match refusal.kind() {
            RefusalKind::Rate => Error::RateLimited(refusal),
            RefusalKind::Quota => Error::QuotaExceeded(refusal),
        }),
        Decision::Conflict => {
            Err(Error::Conflict("that idempotency key was used for another request".to_owned()))
        }
        Decision::NoReservation => Err(Error::not_found("reservation", "of that id, with those units")),
        Decision::TooManyReservations => {
            Err(Error::Conflict("too many reservations are open; settle or release some".to_owned()))
        }
        Decision::Stale { .. } => Err(Error::unavailable("the organisation changed meanwhile", None)),
    }
}
