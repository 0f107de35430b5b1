//! The Metering port: batches of entries in, one decision each out, all durable before they are answered.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    limit::{Limit, Refusal, Standing},
    meter::MeterName,
};
use crate::{
    error::Result,
    ids::{OrgId, ReservationId},
    page::{Page, PageQuery},
    secret::Digest,
};

/// Units of one meter, and the limits that bound them.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The meter.
    pub meter: MeterName,
    /// How many: 0 asks whether one would stand within the limits; negative gives back what a gauge holds.
    pub units: i64,
    /// Every limit that bounds it, the organisation's first; at least one, which counts even if it is unlimited.
    pub limits: Arc<[Limit]>,
    /// Of what is given back: when it was charged. It goes back into the periods of that time, where they last; what
    /// another has charged since is not given back in its stead.
    pub since: Option<Timestamp>,
}

/// What an entry wants.
#[derive(Debug, Clone)]
pub enum Op {
    /// Charge all, or none.
    Charge(Vec<Charge>),
    /// Answer as `Charge` would, and change nothing.
    Probe(Vec<Charge>),
    /// Hold the units until settled, released or expired.
    Reserve {
        /// The reservation's id, made by the caller so that a retry names the same.
        id: ReservationId,
        /// What is held, all or none.
        charges: Vec<Charge>,
        /// When the sweeper may release it; making it again can only put it off.
        expires_at: Timestamp,
    },
    /// Hold more under a reservation that is open.
    Extend {
        /// The reservation.
        id: ReservationId,
        /// What is held besides, all or none.
        charges: Vec<Charge>,
    },
    /// End a reservation and charge what really happened, never more than was held.
    Settle {
        /// The reservation.
        id: ReservationId,
        /// The units of each meter; a meter that is absent is charged nothing.
        actual: Vec<(MeterName, u64)>,
    },
    /// End a reservation and charge nothing.
    Release {
        /// The reservation.
        id: ReservationId,
    },
}

/// Makes a retry get the first answer instead of a second charge.
#[derive(Debug, Clone, Copy)]
pub struct Idempotency {
    /// Digest of caller, operation and the caller's key.
    pub key: Digest,
    /// Digest of the request's content.
    pub request: Digest,
}

/// One caller's wish.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whose units.
    pub org: OrgId,
    /// The organisation's epoch that the caller's limits and credential were read at.
    pub epoch: u64,
    /// Who caused it, for history by subject: a key's or user's id, or empty.
    pub subject: Arc<str>,
    /// What is wanted.
    pub op: Op,
    /// Set where a retry must get the same answer.
    pub idempotency: Option<Idempotency>,
    /// The caller's labels, kept in the ledger.
    pub tags: Arc<BTreeMap<String, String>>,
}

/// The answer to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes, and durable.
    Granted(Answer),
    /// No: this limit refuses. Nothing was charged.
    Denied(Box<Refusal>),
    /// The entry's epoch is older than the organisation's: read again and ask again.
    Stale {
        /// The organisation's epoch.
        epoch: u64,
    },
    /// The idempotency key was used for another request.
    Conflict,
    /// No such reservation is open, or a meter was settled that it does not hold.
    NoReservation,
    /// The organisation has [`OPEN_RESERVATIONS_MAX`] reservations open.
    TooManyReservations,
}

/// How many reservations an organisation may have open.
pub const OPEN_RESERVATIONS_MAX: u64 = 10_000;

/// What a yes says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When it was decided: in a replay, the first time.
    pub at: Timestamp,
    /// Where each charge stands against each of its limits, in order.
    pub standings: Vec<Standing>,
    /// The reservation that was made, grown or ended: in a replay the first one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
    /// Whether this is the first answer given again.
    pub replayed: bool,
}

/// A line of the ledger: one granted entry that charged or gave back something, or that a retry must be answered
/// from. A settlement has a line for each hour in which its units were reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its place in the organisation's ledger, from 1, without gaps; the oldest are removed in time.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The instant whose period it counts in: a settlement counts when its units were reserved.
    pub counted_at: Timestamp,
    /// Who caused it.
    pub subject: String,
    /// What was charged: never nothing, and never more given back than was there.
    pub charges: Vec<(MeterName, i64)>,
    /// The reservation that it settles.
    pub reservation: Option<ReservationId>,
    /// The caller's labels.
    pub tags: BTreeMap<String, String>,
}

/// How finely history is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Resolution {
    Hour,
    Day,
    Month,
}

/// What history is split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Nothing: one value a window.
    Total,
    /// Who caused it.
    Subject,
}

/// Which part of an organisation's history is asked for.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// The meter.
    pub meter: MeterName,
    /// From the window that holds this instant.
    pub from: Timestamp,
    /// To the last window that begins before this instant.
    pub to: Timestamp,
    /// How finely it is cut (UTC).
    pub resolution: Resolution,
    /// What it is split by.
    pub grouping: Grouping,
}

/// One window of history. A gauge's total has one for every window since its first; else only those in which
/// something happened are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// When the window began.
    pub start: Timestamp,
    /// Who caused it; empty for the total.
    pub subject: String,
    /// Units charged, less those given back; for a gauge the change in the window.
    pub units: i64,
    /// How many entries.
    pub count: u64,
    /// For a gauge, what was held when the window closed; `None` for a sum or a subject.
    pub closing: Option<u64>,
}

/// A threshold that was reached: once per meter, limit and period. Rates have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThresholdEvent {
    /// Its place in the organisation's outbox.
    pub seq: u64,
    /// When it was reached.
    pub at: Timestamp,
    /// 80, 90 or 100.
    pub threshold: u8,
    /// Where the meter stood.
    pub standing: Standing,
}

/// A threshold that nobody was told of yet.
#[derive(Debug)]
pub struct Untold {
    /// Whose it is.
    pub org: OrgId,
    /// Its place in the organisation's outbox.
    pub seq: u64,
    /// What was reached; an error where what is stored of it makes no sense.
    pub event: Result<ThresholdEvent>,
}

/// How long raw rows are kept: 35 days past the end of the longest period that they can count in, a month from whatever
/// day it begins. Rates, days and gauges, whose periods are over sooner or never, are no exception.
pub const KEPT: SignedDuration = SignedDuration::from_hours((31 + 35) * 24);

/// Which part of the books is pruned next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pruning {
    /// Reservations.
    #[default]
    Reservations,
    /// The ledgers and thresholds of the organisations after that one, in order.
    Ledgers(Option<OrgId>),
}

/// Counts units and decides, exactly.
///
/// # Behavior
/// - Decides entry by entry in the order given; all charges of an entry or none.
/// - Never admits past a limit's ceiling: not by one unit, not with several writers.
/// - A refusal names the first rate that refuses, else the first quota.
/// - What `apply` answered is durable, and the ledger, the rollups, the counters and the thresholds agree.
/// - Where `apply` fails as `unavailable`, all of the batch is there or nothing; where it fails otherwise, nothing.
/// - A denied, stale or conflicting entry changes nothing.
/// - An idempotency key that was granted gets its answer again, even at the limit; with another request it is a
///   conflict; a key that was denied is free.
/// - A limit counts what its own period holds; a new period starts at zero; a clock that goes back starts none.
/// - A reservation holds its units until it is settled, released or swept, and counts in the period in which it
///   was made; it charges at most what it holds; settling or releasing twice answers as the first time. One that makes no
///   sense fails the sweep, and holds up no other.
/// - Making an open reservation again answers as the first time, also at the limit, and lets it live until the later
///   time; so does one that was settled, which holds nothing more. One that was released or swept is made afresh.
/// - An organisation has at most [`OPEN_RESERVATIONS_MAX`] reservations open.
/// - Giving back never goes below zero, and is never refused. It goes back into the periods that it was charged in.
/// - Each threshold is recorded once per meter, limit and period, a gauge's once a calendar month; a jump records
///   every one it passes. It is untold until it is told; one that makes no sense holds up no other.
/// - An entry whose epoch is older than the fence is stale, unless it settles or releases what was admitted
///   before; fences only rise.
/// - Pruning removes what is older than [`KEPT`]: the ledger's lines with the idempotency keys in them, thresholds, and
///   reservations that ended; never a counter, a rollup, or what is held. A retry whose key was removed is a new request,
///   and a line's place in the ledger is never given again.
#[async_trait]
pub trait Metering: Debug + Send + Sync + 'static {
    /// Decides a batch: one decision per entry, in the entries' order.
    async fn apply(&self, batch: &[Entry]) -> Result<Vec<Decision>>;

    /// Makes every entry of `org` with an epoch below `epoch` stale.
    async fn fence(&self, org: OrgId, epoch: u64) -> Result<()>;

    /// Releases the reservations that expired; answers how many of at most `most`. Those that make no sense are passed over,
    /// and fail it where nothing else is left.
    async fn sweep(&self, most: u32) -> Result<u32>;

    /// Removes what is over, a bounded part of it; answers which part is next, `None` after the last. Safe to run on many
    /// nodes at once, and to stop anywhere.
    async fn prune(&self, part: Pruning) -> Result<Option<Pruning>>;

    /// The organisation's history from rollups, in time order.
    async fn history(&self, org: OrgId, query: &HistoryQuery) -> Result<Vec<Bucket>>;

    /// The organisation's ledger, oldest first; the cursor is a record's `seq`.
    async fn ledger(&self, org: OrgId, page: &PageQuery) -> Result<Page<Record>>;

    /// The thresholds that were reached, oldest first; the cursor is an event's `seq`.
    async fn thresholds(&self, org: OrgId, page: &PageQuery) -> Result<Page<ThresholdEvent>>;

    /// Up to `most` thresholds of any organisation that nobody was told of yet, the oldest first.
    async fn untold(&self, most: u32) -> Result<Vec<Untold>>;

    /// Remembers that whoever wants to know was told of a threshold.
    async fn told(&self, org: OrgId, seq: u64) -> Result<()>;
}
