//! Metering in memory: for tests, and for what need not outlive the process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    decide::{Books, expire, post},
    history::{Held, ROLLUPS, Rollup, buckets},
    limit::Scope,
    meter::MeterName,
    period::Period,
    port::{
        Answer, Bucket, Decision, Entry, Grouping, HistoryQuery, KEPT, Metering, Pruning, Record, Resolution,
        ThresholdEvent, Untold,
    },
    sheet::{CounterKey, Effects, Reservation, Sheet, State},
};
use crate::{
    clock::Clock,
    error::Result,
    ids::{OrgId, ReservationId},
    page::{Page, PageQuery},
    secret::Digest,
};

/// A [`Metering`] whose books are gone with the process.
#[derive(Debug)]
pub struct MemoryMetering {
    clock: Arc<dyn Clock>,
    books: Mutex<Shelf>,
}

impl MemoryMetering {
    /// Empty books.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Shelf> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Metering for MemoryMetering {
    async fn apply(&self, batch: &[Entry]) -> Result<Vec<Decision>> {
        let mut books = self.books();
        let now = self.clock.now();
        batch.iter().map(|entry| post(&mut *books, entry, now)).collect()
    }

    async fn fence(&self, org: OrgId, epoch: u64) -> Result<()> {
        let mut books = self.books();
        let account = &mut books.book(org).sheet.account;
        account.epoch = account.epoch.max(epoch);
        Ok(())
    }

    async fn sweep(&self, most: u32) -> Result<u32> {
        let mut books = self.books();
        let now = self.clock.now();
        let due = books.due(now, most);
        let mut released = 0;
        for (org, id) in due {
            let book = books.book(org);
            if let Some(effects) = expire(&book.sheet, id, now) {
                book.sheet.apply(effects);
                released += 1;
            }
        }
        Ok(released)
    }

    async fn prune(&self, _: Pruning) -> Result<Option<Pruning>> {
        let until = self.clock.now().checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        self.books().0.values_mut().for_each(|book| book.prune(until));
        Ok(None)
    }

    async fn history(&self, org: OrgId, query: &HistoryQuery) -> Result<Vec<Bucket>> {
        let now = self.clock.now();
        Ok(self.books().0.get(&org).map(|book| book.history(query, now)).unwrap_or_default())
    }

    async fn ledger(&self, org: OrgId, page: &PageQuery) -> Result<Page<Record>> {
        let books = self.books();
        let ledger = books.0.get(&org).map_or(&[][..], |book| &book.ledger);
        cut(ledger, page, |record| record.seq)
    }

    async fn thresholds(&self, org: OrgId, page: &PageQuery) -> Result<Page<ThresholdEvent>> {
        let books = self.books();
        let events = books.0.get(&org).map_or(&[][..], |book| &book.thresholds);
        cut(events, page, |event| event.seq)
    }

    async fn untold(&self, most: u32) -> Result<Vec<Untold>> {
        let books = self.books();
        let of_book = |(org, book): (&OrgId, &Book)| {
            let untold = book.thresholds.iter().filter(|event| !book.told.contains(&event.seq)).cloned();
            untold.map(|event| (*org, event)).collect::<Vec<_>>()
        };
        let mut untold: Vec<_> = books.0.iter().flat_map(of_book).collect();
        untold.sort_by_key(|(org, event)| (event.at, *org, event.seq));
        untold.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let untold = untold.into_iter().map(|(org, event)| Untold { org, seq: event.seq, event: Ok(event) });
        Ok(untold.collect())
    }

    async fn told(&self, org: OrgId, seq: u64) -> Result<()> {
        self.books().book(org).told.insert(seq);
        Ok(())
    }
}

fn cut<T: Clone>(items: &[T], page: &PageQuery, seq: impl Fn(&T) -> u64) -> Result<Page<T>> {
    let after: u64 = page.after()?.unwrap_or(0);
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let read = items.iter().filter(|item| seq(item) > after).take(most.saturating_add(1)).cloned();
    Ok(Page::cut(read.collect(), page.limit, |item| seq(item).to_string()))
}

/// Every organisation's book.
#[derive(Debug, Default)]
struct Shelf(HashMap<OrgId, Book>);

#[derive(Debug, Default)]
struct Book {
    sheet: Sheet,
    ledger: Vec<Record>,
    answers: HashMap<[u8; 32], (Digest, Answer)>,
    rollups: BTreeMap<(MeterName, Resolution, Timestamp, String), (i64, u64)>,
    thresholds: Vec<ThresholdEvent>,
    told: BTreeSet<u64>,
}

impl Shelf {
    fn book(&mut self, org: OrgId) -> &mut Book {
        self.0.entry(org).or_default()
    }

    /// The open reservations that expired, the longest expired first.
    fn due(&self, now: Timestamp, most: u32) -> Vec<(OrgId, ReservationId)> {
        let mut due: Vec<_> = self
            .0
            .iter()
            .flat_map(|(org, book)| book.sheet.reservations.iter().map(|(id, made)| (*org, *id, made)))
            .filter(|(_, _, made)| made.state == State::Open && made.expires_at <= now)
            .map(|(org, id, made)| (made.expires_at, org, id))
            .collect();
        due.sort_unstable();
        due.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        due.into_iter().map(|(_, org, id)| (org, id)).collect()
    }
}

impl Books for Shelf {
    fn load(&mut self, _: &Entry) -> Result<()> {
        Ok(())
    }

    fn sheet(&mut self, org: OrgId) -> &mut Sheet {
        &mut self.book(org).sheet
    }

    fn remembered(&mut self, org: OrgId, key: &Digest) -> Result<Option<(Digest, Answer)>> {
        Ok(self.book(org).answers.get(key.as_bytes()).cloned())
    }

    fn write(&mut self, entry: &Entry, effects: &Effects) -> Result<bool> {
        let book = self.book(entry.org);
        if let Some(idempotency) = entry.idempotency {
            let key = *idempotency.key.as_bytes();
            if book.answers.contains_key(&key) {
                return Ok(false);
            }
            book.answers.insert(key, (idempotency.request, effects.answer.clone()));
        }
        book.record(entry, effects);
        Ok(true)
    }
}

impl Book {
    fn record(&mut self, entry: &Entry, effects: &Effects) {
        for (line, seq) in effects.lines.iter().zip(self.sheet.account.seq + 1..) {
            for (meter, units) in &line.charges {
                for resolution in ROLLUPS {
                    let start = resolution.start(line.counted_at);
                    let key = (meter.clone(), resolution, start, entry.subject.to_string());
                    let sum = self.rollups.entry(key).or_default();
                    *sum = (sum.0.saturating_add(*units), sum.1 + 1);
                }
            }
            self.ledger.push(Record {
                seq,
                at: effects.at,
                counted_at: line.counted_at,
                subject: entry.subject.to_string(),
                charges: line.charges.clone(),
                reservation: effects.answer.reservation,
                tags: (*entry.tags).clone(),
            });
        }
        for ((threshold, standing), seq) in effects.events.iter().zip(self.sheet.account.events + 1..) {
            let (threshold, standing) = (*threshold, standing.clone());
            self.thresholds.push(ThresholdEvent { seq, at: effects.at, threshold, standing });
        }
    }

    fn prune(&mut self, until: Timestamp) {
        self.ledger.retain(|record| record.at >= until);
        self.answers.retain(|_, (_, answer)| answer.at >= until);
        self.thresholds.retain(|event| event.at >= until);
        let is_kept = |made: &Reservation| made.state == State::Open || made.expires_at >= until;
        self.sheet.reservations.retain(|_, made| is_kept(made));
    }

    fn history(&self, query: &HistoryQuery, now: Timestamp) -> Vec<Bucket> {
        let (from, to) = query.span();
        let of_meter = |resolution: Resolution| {
            let rollups = self
                .rollups
                .iter()
                .filter(move |((meter, cut, ..), _)| *meter == query.meter && *cut == resolution);
            rollups.map(|((_, _, start, subject), (units, count))| Rollup {
                start: *start,
                subject: subject.clone(),
                units: *units,
                count: *count,
            })
        };
        let span =
            of_meter(query.resolution.rollup()).filter(|rollup| from <= rollup.start && rollup.start < to);
        let key = CounterKey { meter: query.meter.clone(), scope: Scope::Organization, period: Period::Held };
        let gauge = self.sheet.counters.get(&key).filter(|_| query.grouping == Grouping::Total);
        let held = gauge.and_then(|counter| {
            let later =
                of_meter(Resolution::Hour).filter(|rollup| rollup.start >= to).map(|rollup| rollup.units);
            Some(Held {
                at_end: i64::try_from(counter.used).ok()?.saturating_sub(later.sum()),
                since: of_meter(Resolution::Hour).next()?.start,
                now,
            })
        });
        buckets(query, span.collect(), held)
    }
}
