//! What a session can do with usage: see it, charge it, hold it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    limit::{Limit, Standing},
    meter::MeterName,
    plan::Catalog,
    port::{Answer, Bucket, Charge, Decision, Entry, HistoryQuery, Idempotency, Op, Record, Resolution},
};
use crate::{
    action::Action,
    error::{Error, Result},
    gateway::CHARGES_MOST,
    ids::ReservationId,
    page::{Page, PageQuery},
    secret::Digest,
    session::{Ask, Permit, Session, Usage as Happened, decided},
};

/// How long ago an event may have happened.
const EVENT_PAST: SignedDuration = SignedDuration::from_hours(48);
/// How far ahead the clock of its source may be.
const EVENT_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// How long units may be held: least and most.
const HOLD: RangeInclusive<SignedDuration> = SignedDuration::from_secs(1)..=SignedDuration::from_hours(24);

/// What an organisation used, and may use.
#[derive(Debug, Clone, Serialize)]
pub struct UsageReport {
    /// Its plan.
    pub plan: String,
    /// Every meter against every limit of the organisation.
    pub limits: Vec<Standing>,
    /// How many API keys are active.
    pub api_keys: u64,
    /// How many may be; `None` is unlimited.
    pub api_keys_limit: Option<u64>,
}

/// Units to charge.
#[derive(Debug, Clone)]
pub struct Consume {
    /// The meter.
    pub meter: MeterName,
    /// How many: 0 asks whether one would pass.
    pub units: u64,
    /// Makes a retry get the same decision.
    pub idempotency_key: Option<String>,
    /// Labels for the ledger.
    pub tags: BTreeMap<String, String>,
}

impl Consume {
    /// So many units of that meter.
    pub fn new(meter: MeterName, units: u64) -> Self {
        Self { meter, units, idempotency_key: None, tags: BTreeMap::new() }
    }
}

/// What was used elsewhere, told afterwards (a `CloudEvent`, version 1.0).
#[derive(Debug, Clone)]
pub struct Event {
    /// Tells it from the other events of its source: the same again, whoever sends it, is recognised and not charged.
    pub id: String,
    /// Where it happened.
    pub source: String,
    /// When it happened: at most 48 hours ago. It is charged in the period in which it is told.
    pub time: Option<Timestamp>,
    /// The meter: the event's type.
    pub meter: MeterName,
    /// How many units.
    pub units: u64,
    /// Labels for the ledger.
    pub tags: BTreeMap<String, String>,
}

/// Units to hold until it is known what was used.
#[derive(Debug, Clone)]
pub struct Reserve {
    /// One to four meters, and the most that will be used of each: all of it is held, or none.
    pub units: Vec<(MeterName, u64)>,
    /// When they are given back by themselves: 1 s to 24 h from now.
    pub lifetime: SignedDuration,
    /// Makes a retry get the same reservation.
    pub idempotency_key: Option<String>,
    /// Labels for the ledger.
    pub tags: BTreeMap<String, String>,
}

impl Reserve {
    /// So many units of that meter, for that long.
    pub fn new(meter: MeterName, units: u64, lifetime: SignedDuration) -> Self {
        Self { units: vec![(meter, units)], lifetime, idempotency_key: None, tags: BTreeMap::new() }
    }
}

/// Units that are held.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// What to settle or release.
    pub id: ReservationId,
    /// When they are given back by themselves.
    pub expires_at: Timestamp,
    /// Where each meter stands, with what is held.
    pub answer: Answer,
}

/// The use cases of metering.
#[derive(Debug)]
pub struct Usage<'a>(&'a Session);

impl Session {
    /// Usage and limits of the organisation.
    pub fn usage(&self) -> Usage<'_> {
        Usage(self)
    }
}

impl Usage<'_> {
    /// Where every meter stands now.
    pub async fn read(&self) -> Result<UsageReport> {
        self.0
            .metered(Ask::new(Action::UsageRead), async |permit| {
                let view = permit.caller.org()?;
                let api_keys = self.0.core.auth.active_keys(view.org.id, permit.at).await?;
                let report = UsageReport {
                    plan: view.org.plan.clone(),
                    limits: self.standings(permit).await?,
                    api_keys,
                    api_keys_limit: view.api_keys,
                };
                Ok((report, Happened::Settled))
            })
            .await
    }

    /// Asks about no units against limits without a ceiling: answered always, changes nothing.
    async fn standings(&self, permit: &Permit) -> Result<Vec<Standing>> {
        let view = permit.caller.org()?;
        let open = |limit: &Limit| Limit { ceiling: None, ..limit.clone() };
        let entry = |(meter, limits): (&MeterName, &Arc<[Limit]>)| Entry {
            org: view.org.id,
            epoch: u64::MAX,
            subject: permit.caller.subject.clone(),
            op: Op::Probe(vec![Charge {
                meter: meter.clone(),
                units: 0,
                limits: limits.iter().map(open).collect(),
                since: None,
            }]),
            idempotency: None,
            tags: Arc::default(),
        };
        let entries: Vec<_> = view.limits.iter().map(entry).collect();
        let decisions = self.0.core.metering.apply(&entries).await?;
        let answers = decisions.into_iter().map(decided).collect::<Result<Vec<_>>>()?;
        Ok(answers.into_iter().flat_map(|answer| answer.standings).collect())
    }

    /// Charges units, durably, or refuses.
    pub async fn consume(&self, wish: Consume) -> Result<Answer> {
        let content = content(&wish);
        let once = self.0.once(Action::UsageConsume, wish.idempotency_key.as_deref(), &content)?;
        self.charge(wish, once).await
    }

    /// Charges for an event, durably and once, whoever tells of it and however often; or refuses.
    pub async fn record(&self, event: Event) -> Result<Answer> {
        if event.id.is_empty() || event.source.is_empty() {
            return Err(Error::invalid("an event has an `id` and a `source`"));
        }
        let now = self.0.core.clock.now();
        let recent = |time: Timestamp| (-EVENT_AHEAD..=EVENT_PAST).contains(&now.duration_since(time));
        if !event.time.is_none_or(recent) {
            let said = "the event's `time` is more than 48 hours ago, or more than 5 minutes ahead";
            return Err(Error::invalid_with(said, "tell of what happened while it is fresh"));
        }
        let Event { id, source, meter, units, tags, .. } = event;
        let wish = Consume { meter, units, idempotency_key: None, tags };
        let once = Idempotency {
            key: Digest::of(format!("usage.record\0{}\0{source}\0{id}", source.len()).as_bytes()),
            request: Digest::of(content(&wish).as_bytes()),
        };
        self.charge(wish, Some(once)).await
    }

    async fn charge(&self, wish: Consume, once: Option<Idempotency>) -> Result<Answer> {
        check_tags(&wish.tags)?;
        let charged = self.charges(vec![(wish.meter, wish.units)])?;
        let ask = Ask::new(Action::UsageConsume).charge(charged).once(once).tagged(wish.tags);
        self.0.metered(ask, async |permit| Ok((granted(permit)?, Happened::Settled))).await
    }

    /// Holds units until they are settled, released, or their lifetime is over.
    pub async fn reserve(&self, wish: Reserve) -> Result<Reserved> {
        if wish.units.is_empty() || wish.units.len() > CHARGES_MOST {
            return Err(Error::invalid(format!("a reservation holds one to {CHARGES_MOST} meters")));
        }
        if !HOLD.contains(&wish.lifetime) {
            return Err(Error::invalid("units are held for 1 s to 24 h"));
        }
        check_tags(&wish.tags)?;
        let content = format!("{:?}\0{}\0{:?}", wish.units, wish.lifetime, wish.tags);
        let once = self.0.once(Action::UsageReserve, wish.idempotency_key.as_deref(), &content)?;
        let held = self.charges(wish.units)?;
        let id = ReservationId::new(self.0.core.clock.now())?;
        let ask = Ask::new(Action::UsageReserve).hold(id, held, wish.lifetime).once(once).tagged(wish.tags);
        let answer = self.0.metered(ask, async |permit| Ok((granted(permit)?, Happened::Held))).await?;
        Ok(Reserved {
            id: answer.reservation.unwrap_or(id),
            expires_at: answer.at.checked_add(wish.lifetime).unwrap_or(Timestamp::MAX),
            answer,
        })
    }

    /// Units of meters that callers may charge, each meter once.
    fn charges(&self, units: Vec<(MeterName, u64)>) -> Result<Vec<(MeterName, i64)>> {
        check_charges(&self.0.core.settings.catalog, &units)?;
        let signed = |(meter, units)| (meter, i64::try_from(units).unwrap_or(i64::MAX));
        Ok(units.into_iter().map(signed).collect())
    }

    /// Ends a reservation that was made here and charges what was really used, never more than was held.
    pub async fn settle(&self, id: ReservationId, actual: Vec<(MeterName, u64)>) -> Result<Answer> {
        self.charges(actual.clone())?;
        self.end(id, Op::Settle { id, actual }).await
    }

    /// Ends a reservation that was made here and charges nothing.
    pub async fn release(&self, id: ReservationId) -> Result<Answer> {
        self.end(id, Op::Release { id }).await
    }

    async fn end(&self, id: ReservationId, op: Op) -> Result<Answer> {
        self.0
            .metered(Ask::new(Action::UsageSettle), async |permit| {
                // What odavl holds itself, such as the space of an upload, is no caller's to end.
                if id.is_internal() {
                    return decided(Decision::NoReservation).map(|answer| (answer, Happened::Settled));
                }
                let entry = Entry {
                    org: permit.org()?,
                    epoch: u64::MAX,
                    subject: permit.caller.subject.clone(),
                    op,
                    idempotency: None,
                    tags: Arc::default(),
                };
                let decision: Decision = self.0.core.combiner.decide(entry).await?;
                Ok((decided(decision)?, Happened::Settled))
            })
            .await
    }

    /// What was used over time, from the rollups.
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<Bucket>> {
        self.0.core.settings.catalog.meter(&query.meter)?;
        if query.from >= query.to {
            return Err(Error::invalid("`from` must be before `to`"));
        }
        let longest = SignedDuration::from_hours(24).saturating_mul(match query.resolution {
            Resolution::Hour => 92,
            Resolution::Day => 3_660,
            Resolution::Month => 36_600,
        });
        if query.to.duration_since(query.from) > longest {
            return Err(Error::invalid_with(
                "that is too long a time: 92 days by the hour, 10 years by the day, 100 by the month",
                "ask for less at a time, or cut it less finely",
            ));
        }
        self.0
            .metered(Ask::new(Action::UsageRead), async |permit| {
                Ok((self.0.core.metering.history(permit.org()?, query).await?, Happened::Settled))
            })
            .await
    }

    /// Each charge, oldest first.
    pub async fn ledger(&self, page: &PageQuery) -> Result<Page<Record>> {
        self.0
            .metered(Ask::new(Action::UsageRead), async |permit| {
                Ok((self.0.core.metering.ledger(permit.org()?, page).await?, Happened::Settled))
            })
            .await
    }
}

/// What a retry has to ask for again.
fn content(wish: &Consume) -> String {
    format!("{}={}\0{:?}", wish.meter, wish.units, wish.tags)
}

fn granted(permit: &Permit) -> Result<Answer> {
    permit.answer.clone().ok_or_else(|| Error::internal("a charge was admitted without an answer", None))
}

/// Refuses units that nobody may charge, and a meter that is named twice: its units would be bounded twice.
pub(crate) fn check_charges(catalog: &Catalog, units: &[(MeterName, u64)]) -> Result<()> {
    let mut named = BTreeSet::new();
    units.iter().try_for_each(|(meter, units)| {
        catalog.check_charge(meter, *units)?;
        let twice = || Error::invalid(format!("{meter} is charged twice; add the units up"));
        if named.insert(meter) { Ok(()) } else { Err(twice()) }
    })
}

/// Labels are few and short: at most 16, names to 64 characters, values to 256.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    let fits = |(name, value): (&String, &String)| name.chars().count() <= 64 && value.chars().count() <= 256;
    if tags.len() <= 16 && tags.iter().all(fits) {
        return Ok(());
    }
    Err(Error::invalid("tags are at most 16, with names to 64 and values to 256 characters"))
}

/// A retry's key is 1 to 255 visible characters.
pub(crate) fn check_idempotency_key(key: Option<&str>) -> Result<()> {
    let fits = |key: &str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_none_or(fits) {
        return Ok(());
    }
    Err(Error::invalid("an idempotency key is 1 to 255 visible ASCII characters"))
}
