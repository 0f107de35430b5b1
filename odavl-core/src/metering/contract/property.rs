//! Long random sequences: every adapter decides as the books in memory do, and its books agree with each other.

use std::collections::BTreeSet;

use super::{
    super::MemoryMetering, Arc, BTreeMap, Charge, Clock, Digest, Entry, Grouping, Idempotency, KeyId, Limit,
    ManualClock, MeterName, Metering, Op, OrgId, PageQuery, Period, Pruning, Record, ReservationId,
    Resolution, Room, Scope, SignedDuration, Standing, ThresholdEvent, Timestamp, charge, held, month, rate,
};

/// A small generator (`SplitMix64`), so that a failure names the seed that repeats it.
#[derive(Debug)]
pub(in crate::metering) struct Dice(pub(in crate::metering) u64);

impl Dice {
    pub(in crate::metering) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub(in crate::metering) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()].clone()
    }
}

/// What random entries are made of.
struct Game {
    dice: Dice,
    orgs: Vec<OrgId>,
    keys: Vec<KeyId>,
    reservations: Vec<ReservationId>,
    epoch: u64,
}

impl Game {
    fn new(room: &Room, seed: u64) -> Self {
        let now = room.clock.now();
        let orgs = vec![room.org, OrgId::new(now).unwrap(), OrgId::new(now).unwrap()];
        let keys = (0..2).map(|_| KeyId::new(now).unwrap()).collect();
        Self { dice: Dice(seed), orgs, keys, reservations: Vec::new(), epoch: 0 }
    }

    fn entry(&mut self, now: Timestamp) -> Entry {
        let op = self.op(now);
        // Few keys and few requests, so that they meet.
        let idempotency = (self.dice.roll(3) == 0).then(|| Idempotency {
            key: Digest::of(&self.dice.roll(400).to_be_bytes()),
            request: Digest::of(&self.dice.roll(2).to_be_bytes()),
        });
        let epoch = self.epoch.saturating_sub(u64::from(self.dice.roll(20) == 0));
        let subject = self.dice.pick(&["key_1", "key_2", "usr_1"]).into();
        Entry {
            org: self.dice.pick(&self.orgs.clone()),
            epoch,
            subject,
            op,
            idempotency,
            tags: Arc::default(),
        }
    }

    fn op(&mut self, now: Timestamp) -> Op {
        match self.dice.roll(12) {
            0..6 => Op::Charge(self.charges()),
            6 => Op::Probe(self.charges()),
            7 | 8 => {
                let id = ReservationId::new(now).unwrap();
                self.reservations.push(id);
                let expires_at = now + SignedDuration::from_mins(self.dice.roll(600).cast_signed());
                Op::Reserve { id, charges: self.charges(), expires_at }
            }
            9 => Op::Extend { id: self.known(now), charges: self.charges() },
            10 => {
                let meters = ["api_calls", "tokens", "storage_bytes"].map(|name| name.parse().unwrap());
                let actual = meters.map(|meter: MeterName| (meter, self.dice.roll(12)));
                let count = usize::try_from(self.dice.roll(3)).unwrap();
                Op::Settle { id: self.known(now), actual: actual[..count].to_vec() }
            }
            _ => Op::Release { id: self.known(now) },
        }
    }

    /// A reservation that was made lately, perhaps of another organisation.
    fn known(&mut self, now: Timestamp) -> ReservationId {
        let lately = self.reservations.len().saturating_sub(20);
        match self.reservations.get(lately..) {
            Some(known) if !known.is_empty() => self.dice.pick(known),
            _ => ReservationId::new(now).unwrap(),
        }
    }

    fn charges(&mut self) -> Vec<Charge> {
        (0..=self.dice.roll(2)).map(|_| self.charge()).collect()
    }

    fn charge(&mut self) -> Charge {
        let units = self.dice.pick(&[-5, 0, 1, 1, 2, 3, 7]);
        let meter = self.dice.pick(&["api_calls", "tokens", "storage_bytes"]);
        let natural = if meter == "storage_bytes" { held(60) } else { month(150) };
        let mut limits = vec![natural.clone()];
        if self.dice.roll(2) == 0 {
            limits.push(rate(20));
        }
        if self.dice.roll(3) == 0 {
            let scope = Scope::Key(self.dice.pick(&self.keys.clone()));
            limits.push(Limit { scope, max: Some(40), ceiling: Some(70), ..natural });
        }
        if meter != "storage_bytes" && self.dice.roll(4) == 0 {
            limits.push(Limit::hard(Scope::Organization, Period::Day, Some(50)));
            limits.push(Limit::hard(Scope::Organization, Period::Month(15), None));
        }
        charge(meter, units, &limits)
    }

    /// Time passes, now and then into another hour, day or month, or back.
    fn pass(&mut self, clock: &ManualClock) {
        let minutes = match self.dice.roll(40) {
            0 => 24 * 60 * 9,
            1 => 24 * 60,
            2..6 => 55,
            6 => -120,
            7..20 => 1,
            _ => 0,
        };
        clock.advance(SignedDuration::from_mins(minutes));
    }
}

/// Thousands of random entries, in batches, over the ends of periods: every decision and every book as in memory.
pub async fn it_decides_as_the_books_in_memory_do(room: Room) {
    for seed in [1, 2] {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&room.clock);
        let model = MemoryMetering::new(clock);
        let mut game = Game::new(&room, seed);
        // Seeds share no organisation, so neither does what came before.
        game.orgs[0] = OrgId::new(room.clock.now()).unwrap();
        for step in 0..500 {
            game.pass(&room.clock);
            let size = 1 + game.dice.roll(16);
            let batch: Vec<_> = (0..size).map(|_| game.entry(room.clock.now())).collect();
            let (ours, expected) = (room.metering.apply(&batch).await, model.apply(&batch).await);
            assert_eq!(ours.unwrap(), expected.unwrap(), "seed {seed}, step {step}: {batch:#?}");
            if step % 25 == 24 {
                let most = u32::try_from(game.dice.roll(10)).unwrap();
                let swept = (room.metering.sweep(most).await.unwrap(), model.sweep(most).await.unwrap());
                assert_eq!(swept.0, swept.1, "seed {seed}, step {step}");
            }
            if step % 50 == 49 {
                room.prune().await;
                model.prune(Pruning::default()).await.unwrap();
            }
            if step % 100 == 99 {
                game.epoch += 1;
                for org in &game.orgs {
                    room.metering.fence(*org, game.epoch).await.unwrap();
                    model.fence(*org, game.epoch).await.unwrap();
                }
            }
        }
        for org in &game.orgs {
            assert_eq!(
                books(&room, &*room.metering, *org).await,
                books(&room, &model, *org).await,
                "seed {seed}"
            );
        }
        // The next seed's sweep finds nothing of this one's.
        room.advance(SignedDuration::from_hours(24));
        room.metering.sweep(u32::MAX).await.unwrap();
    }
}

/// All that is told of an organisation.
async fn books(room: &Room, metering: &dyn Metering, org: OrgId) -> Vec<String> {
    let page = PageQuery { limit: 100_000, cursor: None };
    let mut told = vec![
        format!("{:#?}", metering.ledger(org, &page).await.unwrap().items),
        format!("{:#?}", metering.thresholds(org, &page).await.unwrap().items),
    ];
    for meter in ["api_calls", "tokens", "storage_bytes"] {
        for resolution in [Resolution::Hour, Resolution::Day, Resolution::Month] {
            for grouping in [Grouping::Total, Grouping::Subject] {
                let query = room.history(meter, resolution, grouping);
                told.push(format!("{:#?}", metering.history(org, &query).await.unwrap()));
            }
        }
    }
    told
}

/// The ledger, the rollups and the counters tell the same story, after any sequence.
pub async fn rollups_are_the_sum_of_the_ledger_and_counters_of_both(room: Room) {
    let mut game = Game::new(&room, 3);
    game.orgs.truncate(1);
    for _ in 0..400 {
        game.pass(&room.clock);
        let batch: Vec<_> = (0..8).map(|_| game.entry(room.clock.now())).collect();
        room.metering.apply(&batch).await.unwrap();
    }
    let ledger = room.ledger().await;
    assert!(ledger.iter().zip(1..).all(|(record, seq)| record.seq == seq), "the ledger has a gap");
    for meter in ["api_calls", "tokens", "storage_bytes"] {
        for resolution in [Resolution::Hour, Resolution::Day, Resolution::Month] {
            let query = room.history(meter, resolution, Grouping::Subject);
            let told: BTreeSet<_> = room
                .metering
                .history(room.org, &query)
                .await
                .unwrap()
                .into_iter()
                .map(|bucket| (bucket.start, bucket.subject, bucket.units, bucket.count))
                .collect();
            assert_eq!(told, summed(&ledger, meter, resolution), "{meter} by {resolution:?}");
        }
    }
    // Once nothing is reserved any more, what is used is what was charged in the period.
    room.advance(SignedDuration::from_hours(24));
    room.metering.sweep(u32::MAX).await.unwrap();
    let this_month = Resolution::Month.start(room.clock.now());
    let since = [
        ("storage_bytes", held(60), Timestamp::UNIX_EPOCH),
        ("api_calls", month(150), this_month),
        ("tokens", month(150), this_month),
    ];
    for (meter, limit, since) in since {
        assert_eq!(room.used(meter, &limit).await.cast_signed(), charged(&ledger, meter, since), "{meter}");
    }
    each_threshold_once(&room.thresholds().await);
}

fn charged(ledger: &[Record], meter: &str, since: Timestamp) -> i64 {
    let counted = ledger.iter().filter(|record| record.counted_at >= since);
    counted
        .flat_map(|record| &record.charges)
        .filter(|(name, _)| name.as_str() == meter)
        .map(|(_, n)| n)
        .sum()
}

/// No threshold twice in its period, and none before it was reached.
fn each_threshold_once(events: &[ThresholdEvent]) {
    assert!(events.len() > 10, "the sequence reached too few thresholds to tell");
    let mut seen = BTreeSet::new();
    for ThresholdEvent { at, threshold, standing, .. } in events {
        let Standing { meter, used, limit, period, key_id, resets_at, .. } = standing;
        assert!(
            used * 100 >= limit.unwrap() * u64::from(*threshold),
            "{standing:?} has not reached {threshold} %"
        );
        let ends = resets_at.unwrap_or_else(|| Resolution::Month.end(*at));
        assert!(seen.insert((meter, key_id, period, ends, threshold)), "{threshold} % twice: {standing:?}");
    }
}

/// The ledger's sums by window and subject.
fn summed(ledger: &[Record], meter: &str, resolution: Resolution) -> BTreeSet<(Timestamp, String, i64, u64)> {
    let mut sums: BTreeMap<(Timestamp, String), (i64, u64)> = BTreeMap::new();
    for record in ledger {
        for (_, units) in record.charges.iter().filter(|(name, _)| name.as_str() == meter) {
            let key = (resolution.start(record.counted_at), record.subject.clone());
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + units, sum.1 + 1);
        }
    }
    sums.into_iter().map(|((start, subject), (units, count))| (start, subject, units, count)).collect()
}
