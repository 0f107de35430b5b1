//! Units that are held beyond one request: while an upload is under way, or while bytes of unknown length stream.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    action::Action,
    auth::Scopes,
    caller::{Caller, Source},
    error::{Error, Reason, Result},
    ids::{OrgId, ReservationId},
    metering::{Charge, Decision, Entry, Limit, MeterName, Op, Period, Scope},
    odavl::Core,
    session::{Context, Permit, Session, decided},
};

/// A reservation, and all that it takes to put it off, to let it grow and to end it.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    core: Arc<Core>,
    org: OrgId,
    epoch: u64,
    subject: Arc<str>,
    id: ReservationId,
    /// What was asked when it was made; nothing where nothing is counted.
    charges: Vec<Charge>,
    holder: Holder,
}

/// Whoever holds it, looked up anew when their organisation has changed.
#[derive(Debug, Clone)]
struct Holder {
    source: Source,
    context: Context,
    /// What they could do when they began.
    scopes: Scopes,
}

impl Holder {
    fn new(session: &Session, caller: &Caller) -> Self {
        let (source, context) = (session.source.clone(), session.context.clone());
        Self { source, context, scopes: caller.scopes.clone() }
    }

    /// The caller as they stand now; refused where they may no longer do all that they could there. (`instance` ends as
    /// a sign-in ages, and stores nothing.)
    async fn now(&self, core: &Core, org: OrgId) -> Result<Caller> {
        let caller = core.resolve(&self.source, &self.context).await?;
        caller.check_address(self.context.address)?;
        if caller.org_id()? == org && caller.scopes.cover(&self.scopes.clone().without("instance")) {
            return Ok(caller);
        }
        Err(Error::forbidden(Reason::InsufficientScope, "what the caller may do was reduced meanwhile"))
    }
}

impl Hold {
    /// What `permit` of that session holds.
    pub(crate) fn of(session: &Session, permit: &Permit) -> Result<Option<Self>> {
        let org = &permit.caller.org()?.org;
        Ok(permit.held().map(|(id, charges)| Self {
            core: session.core.clone(),
            org: org.id,
            epoch: org.epoch,
            subject: permit.caller.subject.clone(),
            id,
            charges: charges.to_vec(),
            holder: Holder::new(session, &permit.caller),
        }))
    }

    /// What a request that did `action` and asked for `units` holds under that id, for the caller of that session.
    pub(crate) fn again(
        session: &Session,
        caller: &Caller,
        id: ReservationId,
        action: Action,
        units: Vec<(MeterName, i64)>,
    ) -> Result<Self> {
        let org = &caller.org()?.org;
        let charge = |(meter, units): (MeterName, i64)| {
            Ok(Charge { limits: caller.limits(&meter)?, meter, units, since: None })
        };
        Ok(Self {
            core: session.core.clone(),
            org: org.id,
            epoch: org.epoch,
            subject: caller.subject.clone(),
            id,
            charges: session
                .core
                .with_request(action, units, 1)
                .into_iter()
                .map(charge)
                .collect::<Result<_>>()?,
            holder: Holder::new(session, caller),
        })
    }

    /// Sees to it that the units are held until then at least. Where the reservation has expired they are asked for
    /// anew, and may be refused; where it was settled nothing is held by it, nor ever will be.
    pub(crate) async fn keep(&self, until: Timestamp) -> Result<()> {
        let again = |charges| Op::Reserve { id: self.id, charges, expires_at: until };
        let Some(decision) = self.decide(self.charges.clone(), again).await? else { return Ok(()) };
        // What has ended is answered as when it was made.
        if decided(decision)?.replayed && !self.is_open().await? {
            return Err(Error::Conflict(
                "what was held for this has been settled; begin it again".to_owned(),
            ));
        }
        Ok(())
    }

    /// Holds more of the meter that is first; `NotFound` where the reservation is no longer open.
    pub(crate) async fn grow(&self, units: u64) -> Result<()> {
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        let more = self.charges.first().map(|first| Charge { units, ..first.clone() });
        let extend = |charges| Op::Extend { id: self.id, charges };
        let decision = self.decide(more.into_iter().collect(), extend).await?;
        decision.map_or(Ok(()), |decision| decided(decision).map(drop))
    }

    /// Decides by what is true now: where the organisation has changed since, its holder and its limits are read again.
    /// `None` where nothing is counted.
    async fn decide(
        &self,
        mut charges: Vec<Charge>,
        op: impl Fn(Vec<Charge>) -> Op,
    ) -> Result<Option<Decision>> {
        if charges.is_empty() {
            return Ok(None);
        }
        let (mut fresh, mut epoch) = (self.core.fresh(), self.epoch);
        loop {
            let entry = entry(self.org, epoch, &self.subject, op(charges.clone()));
            if let Some(decision) = fresh.decide(entry).await? {
                return Ok(Some(decision));
            }
            let caller = self.holder.now(&self.core, self.org).await?;
            epoch = caller.org()?.org.epoch;
            for charge in &mut charges {
                charge.limits = caller.limits(&charge.meter)?;
            }
        }
    }

    /// Whether the reservation is open.
    pub(crate) async fn is_open(&self) -> Result<bool> {
        if self.charges.is_empty() {
            return Ok(true);
        }
        let op = Op::Extend { id: self.id, charges: Vec::new() };
        match self.core.decide(self.org, u64::MAX, &self.subject, op).await? {
            Decision::NoReservation => Ok(false),
            decision => decided(decision).map(|_| true),
        }
    }
}

impl Core {
    /// `units`, with the request itself where the action counts as one.
    pub(crate) fn with_request<N: From<u8>>(
        &self,
        action: Action,
        mut units: Vec<(MeterName, N)>,
        requests: u8,
    ) -> Vec<(MeterName, N)> {
        let meter = action.row().request.then(|| self.settings.catalog.requests.clone()).flatten();
        units.extend(meter.map(|meter| (meter, N::from(requests))));
        units
    }

    pub(crate) async fn decide(
        &self,
        org: OrgId,
        epoch: u64,
        subject: &Arc<str>,
        op: Op,
    ) -> Result<Decision> {
        self.combiner.decide(entry(org, epoch, subject, op)).await
    }

    /// Ends a reservation with what was really used of it. One that has ended, or never was, is left as it is.
    pub(crate) async fn end_hold(
        &self,
        org: OrgId,
        subject: &Arc<str>,
        id: ReservationId,
        actual: Option<Vec<(MeterName, u64)>>,
    ) -> Result<bool> {
        let op = match actual {
            Some(actual) => Op::Settle { id, actual },
            None => Op::Release { id },
        };
        match self.decide(org, u64::MAX, subject, op).await? {
            Decision::NoReservation => Ok(false),
            decision => decided(decision).map(|_| true),
        }
    }
}

fn entry(org: OrgId, epoch: u64, subject: &Arc<str>, op: Op) -> Entry {
    Entry { org, epoch, subject: subject.clone(), op, idempotency: None, tags: Arc::default() }
}

/// Limits that count what is held and refuse nothing: for giving back, and for what is there already.
pub(crate) fn open_limits(scopes: impl IntoIterator<Item = Scope>) -> Arc<[Limit]> {
    scopes.into_iter().map(|scope| Limit::hard(scope, Period::Held, None)).collect()
}
