//! What the books' columns hold, the same on both engines.

use std::fmt::Display;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Cause, Error, Result},
    ids::KeyId,
    metering::{
        limit::{Limit, Scope, Standing},
        meter::MeterName,
        period::Period,
        port::{Answer, Entry},
        sheet::{Counter, CounterKey, Effects, State},
    },
};

/// An error for a value that makes no sense, naming table, column and row.
pub(super) fn nonsense(column: &str, row: &dyn Display, source: impl Into<Option<Cause>>) -> Error {
    Error::corrupted(format!("{column} of row {row} makes no sense"), source)
}

/// A count as it is stored.
pub(super) fn number(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|error| Error::internal("a count is out of range", Some(error.into())))
}

#[cfg(feature = "sqlite")]
pub(super) fn count(stored: i64, column: &str, row: &dyn Display) -> Result<u64> {
    u64::try_from(stored).map_err(|error| nonsense(column, row, Some(error.into())))
}

pub(super) fn time(stored: i64, column: &str, row: &dyn Display) -> Result<Timestamp> {
    Timestamp::from_microsecond(stored).map_err(|error| nonsense(column, row, Some(error.into())))
}

pub(super) fn json<T: DeserializeOwned>(stored: &str, column: &str, row: &dyn Display) -> Result<T> {
    serde_json::from_str(stored).map_err(|error| nonsense(column, row, Some(error.into())))
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal("a row cannot be written", Some(error.into())))
}

/// The counter of a key that was never counted: an empty one of a period that is long over.
pub(super) const NOT_COUNTED: Counter = Counter { start: Timestamp::MIN, used: 0, reserved: 0, fired: 0 };

pub(super) fn scope(key: &CounterKey) -> String {
    Option::<KeyId>::from(key.scope).map_or_else(String::new, |id| id.to_string())
}

/// A row of the ledger, without its organisation.
#[derive(Debug)]
pub(super) struct LedgerRow<'a> {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) counted_at: i64,
    pub(super) subject: &'a str,
    pub(super) charges: String,
    pub(super) tags: String,
    pub(super) reservation: Option<String>,
    pub(super) idem: Option<[u8; 32]>,
    pub(super) request: Option<[u8; 32]>,
    pub(super) answer: Option<String>,
}

/// The entry's rows after `seq`; the first remembers its idempotency key for all of them.
pub(super) fn ledger_rows<'a>(
    seq: u64,
    entry: &'a Entry,
    effects: &'a Effects,
) -> impl Iterator<Item = Result<LedgerRow<'a>>> {
    let mut idempotency = entry.idempotency;
    effects.lines.iter().zip(seq + 1..).map(move |(line, seq)| {
        let key = idempotency.take();
        let told = || effects.answer.standings.iter().map(Told::from).collect::<Vec<_>>();
        Ok(LedgerRow {
            seq: number(seq)?,
            at: effects.at.as_microsecond(),
            counted_at: line.counted_at.as_microsecond(),
            subject: &entry.subject,
            charges: to_json(&line.charges)?,
            tags: if entry.tags.is_empty() { "{}".to_owned() } else { to_json(&*entry.tags)? },
            reservation: effects.answer.reservation.map(|id| id.to_string()),
            idem: key.map(|key| *key.key.as_bytes()),
            request: key.map(|key| *key.request.as_bytes()),
            answer: key.map(|_| to_json(&told())).transpose()?,
        })
    })
}

/// The answer that a row of the ledger of `org` remembers.
pub(super) fn remembered(
    org: &dyn Display,
    (answer, at, reservation): (&str, i64, Option<&str>),
) -> Result<Answer> {
    let at = time(at, "ledger.at", org)?;
    let told: Vec<Told> = json(answer, "ledger.answer", org)?;
    let wrong = |error: Error| nonsense("ledger.reservation", org, Some(error.into()));
    let reservation = reservation.map(str::parse).transpose().map_err(wrong)?;
    let standings = told.into_iter().map(|told| told.again(at)).collect();
    Ok(Answer { at, standings, reservation, replayed: false })
}

/// What a standing said that the ledger's row does not: meter, units, used, limit, period, key.
#[derive(Serialize, Deserialize)]
struct Told(MeterName, u64, u64, Option<u64>, Period, Scope);

impl From<&Standing> for Told {
    fn from(standing: &Standing) -> Self {
        let Standing { meter, units, used, limit, period, key_id, .. } = standing;
        Self(meter.clone(), *units, *used, *limit, *period, (*key_id).into())
    }
}

impl Told {
    fn again(self, at: Timestamp) -> Standing {
        let Self(meter, units, used, limit, period, scope) = self;
        Standing::new(meter, units, &Limit::hard(scope, period, limit), used, at)
    }
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Released => "released",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Settled, Self::Released].into_iter().find(|state| state.as_str() == text)
    }
}
