//! What a session can do with usage: see it, charge it, hold it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use serde::Serialize;

use super::{
    limit::{Limit, Standing},
    meter::{MeterKind, MeterName, UNITS_MAX},
    port::{Answer, Bucket, Charge, Decision, Entry, HistoryQuery, Op, Record},
};
use crate::{
    action::Action,
    error::{Error, Result},
    ids::ReservationId,
    page::{Page, PageQuery},
    session::{Ask, Permit, Session, Usage as Happened, decided},
};

/// The longest that units may be held.
const HOLD_MOST: SignedDuration = SignedDuration::from_hours(24);

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
        let units = checked(&wish.meter, wish.units)?;
        check_tags(&wish.tags)?;
        if self.0.core.settings.catalog.meter(&wish.meter)?.kind == MeterKind::Gauge {
            return Err(Error::invalid(format!(
                "{} holds what is stored; it cannot be consumed",
                wish.meter
            )));
        }
        let content = format!("{}={}\0{:?}", wish.meter, wish.units, wish.tags);
        let once = self.0.once(Action::UsageConsume, wish.idempotency_key.as_deref(), &content)?;
        let ask =
            Ask::new(Action::UsageConsume).charge(vec![(wish.meter, units)]).once(once).tagged(wish.tags);
        self.0.metered(ask, async |permit| Ok((granted(permit)?, Happened::Settled))).await
    }

    /// Holds units until they are settled, released, or `lifetime` is over.
    pub async fn reserve(
        &self,
        id: ReservationId,
        units: Vec<(MeterName, u64)>,
        lifetime: SignedDuration,
    ) -> Result<Answer> {
        if units.is_empty() || units.len() > crate::gateway::CHARGES_MOST {
            return Err(Error::invalid("a reservation holds one to four meters"));
        }
        if lifetime <= SignedDuration::ZERO || lifetime > HOLD_MOST {
            return Err(Error::invalid("units are held for 1 s to 24 h"));
        }
        let held = units
            .into_iter()
            .map(|(meter, units)| Ok((meter.clone(), checked(&meter, units)?)))
            .collect::<Result<_>>()?;
        let ask = Ask::new(Action::UsageReserve).hold(id, held, lifetime);
        self.0.metered(ask, async |permit| Ok((granted(permit)?, Happened::Held))).await
    }

    /// Ends a reservation and charges what was really used, never more than was held.
    pub async fn settle(&self, id: ReservationId, actual: Vec<(MeterName, u64)>) -> Result<Answer> {
        self.end(Op::Settle { id, actual }).await
    }

    /// Ends a reservation and charges nothing.
    pub async fn release(&self, id: ReservationId) -> Result<Answer> {
        self.end(Op::Release { id }).await
    }

    async fn end(&self, op: Op) -> Result<Answer> {
        self.0
            .metered(Ask::new(Action::UsageSettle), async |permit| {
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

fn granted(permit: &Permit) -> Result<Answer> {
    permit.answer.clone().ok_or_else(|| Error::internal("a charge was admitted without an answer", None))
}

fn checked(meter: &MeterName, units: u64) -> Result<i64> {
    i64::try_from(units)
        .ok()
        .filter(|_| units <= UNITS_MAX)
        .ok_or_else(|| Error::invalid(format!("{meter}: units are 0 to 2^53 - 1")))
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
