//! The books of an organisation as they are in the database, and whether they agree with each other.

use std::collections::BTreeMap;

use odavl_core::metering::Period;
use serde_json::Value;
use tokio_postgres::Row;

use super::database::Database;

/// The period of what is held now, which has no end.
const HELD: &str = "held";

/// What the database says of an organisation.
#[derive(Debug, Default, Clone)]
pub(crate) struct Books {
    pub(crate) ledger: Vec<Line>,
    pub(crate) counters: Vec<Counter>,
    /// Units and entries by meter, resolution, start and subject.
    pub(crate) rollups: BTreeMap<(String, String, i64, String), (i64, i64)>,
    pub(crate) thresholds: Vec<Threshold>,
    /// The last place in the ledger, and in the thresholds' outbox.
    pub(crate) last: (i64, i64),
    /// Reservations that are open, as the organisation's row and as their own rows say.
    pub(crate) open: (i64, i64),
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) seq: i64,
    pub(crate) counted_at: i64,
    pub(crate) subject: String,
    pub(crate) charges: BTreeMap<String, i64>,
    /// The wish that it was granted for; a settlement has none.
    pub(crate) name: Option<String>,
    pub(crate) reservation: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Counter {
    pub(crate) meter: String,
    pub(crate) scope: String,
    pub(crate) period: String,
    pub(crate) start: i64,
    pub(crate) used: i64,
    pub(crate) reserved: i64,
}

/// Meter, key, period, when that ends, and how many percent.
pub(crate) type Threshold = (String, String, String, String, i64);

impl Books {
    pub(crate) fn read(database: &Database, org: &str) -> Self {
        let rows = |sql: &str| database.rows(sql, &[&org]);
        let ledger = rows(
            "SELECT seq, counted_at, subject, charges, tags, reservation FROM ledger WHERE org = $1 ORDER BY seq",
        );
        let counters =
            rows("SELECT meter, scope, period, start, used, reserved FROM counters WHERE org = $1");
        let rollups =
            rows("SELECT meter, resolution, start, subject, units, count FROM rollups WHERE org = $1");
        let thresholds = rows("SELECT standing, threshold FROM thresholds WHERE org = $1");
        let account = rows(
            "SELECT seq, events, open, (SELECT COUNT(*) FROM reservations WHERE org = $1 AND state = 'open')
             FROM metering_orgs WHERE org = $1",
        );
        let account = account.first().map_or([0; 4], |row| [0, 1, 2, 3].map(|at| row.get(at)));
        Self {
            ledger: ledger.iter().map(line).collect(),
            counters: counters.iter().map(counter).collect(),
            rollups: rollups
                .iter()
                .map(|row| ((row.get(0), row.get(1), row.get(2), row.get(3)), (row.get(4), row.get(5))))
                .collect(),
            thresholds: thresholds.iter().map(threshold).collect(),
            last: (account[0], account[1]),
            open: (account[2], account[3]),
        }
    }

    /// What is charged of a meter in the period of that start.
    pub(crate) fn charged(&self, meter: &str, period: &str, start: i64) -> i64 {
        self.sum(meter, |line| start_of(period, line.counted_at) == start)
    }

    fn sum(&self, meter: &str, counts: impl Fn(&Line) -> bool) -> i64 {
        let lines = self.ledger.iter().filter(|line| counts(line));
        lines.filter_map(|line| line.charges.get(meter)).sum()
    }

    /// What is charged of a meter in each of its periods.
    pub(crate) fn by_period(&self, meter: &str, period: &str) -> BTreeMap<i64, i64> {
        let mut sums = BTreeMap::new();
        for line in &self.ledger {
            if let Some(units) = line.charges.get(meter) {
                *sums.entry(start_of(period, line.counted_at)).or_default() += units;
            }
        }
        sums
    }

    /// Where the ledger, the rollups, the counters and the organisation's row disagree.
    pub(crate) fn disagree(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.ledger.iter().zip(1..).all(|(line, seq)| line.seq == seq) {
            wrong.push("the ledger has a gap".to_owned());
        }
        let last = (self.ledger.len(), self.thresholds.len());
        if last != (self.last.0.try_into().unwrap(), self.last.1.try_into().unwrap()) {
            wrong.push(format!("the ledger and the outbox have {last:?} rows, not {:?}", self.last));
        }
        if self.rollups != self.summed() {
            wrong.push(format!(
                "the rollups {:?} are not the ledger's sums {:?}",
                self.rollups,
                self.summed()
            ));
        }
        for counter in &self.counters {
            let Counter { meter, scope, period, start, used, .. } = counter;
            // What is held has no period, and whoever removes it need not be whose it was.
            let is_held = period == HELD;
            if is_held && !scope.is_empty() {
                continue;
            }
            let is_of = |line: &Line| scope.is_empty() || line.subject == *scope;
            let is_then = |line: &Line| is_held || start_of(period, line.counted_at) == *start;
            let sum = self.sum(meter, |line| is_of(line) && is_then(line));
            if sum != *used {
                wrong.push(format!("{counter:?} is not the ledger's sum {sum}"));
            }
        }
        wrong
    }

    /// What the rollups should be.
    pub(crate) fn summed(&self) -> BTreeMap<(String, String, i64, String), (i64, i64)> {
        let mut sums = BTreeMap::<_, (i64, i64)>::new();
        for line in &self.ledger {
            for (meter, units) in &line.charges {
                for (resolution, period) in [("hour", "3600s"), ("day", "day")] {
                    let start = start_of(period, line.counted_at);
                    let key = (meter.clone(), resolution.to_owned(), start, line.subject.clone());
                    let sum = sums.entry(key).or_default();
                    *sum = (sum.0 + units, sum.1 + 1);
                }
            }
        }
        sums
    }

    /// What is held although nobody holds it.
    pub(crate) fn held(&self) -> Vec<String> {
        let mut wrong: Vec<_> = self.counters.iter().filter(|counter| counter.reserved != 0).collect();
        wrong.sort_by(|one, other| one.meter.cmp(&other.meter));
        let mut wrong: Vec<_> = wrong.iter().map(|counter| format!("{counter:?} holds units")).collect();
        if self.open != (0, 0) {
            wrong.push(format!("{:?} reservations are open", self.open));
        }
        wrong
    }
}

/// When the period began that holds an instant (micros).
pub(crate) fn start_of(period: &str, at: i64) -> i64 {
    let at = jiff::Timestamp::from_microsecond(at).unwrap();
    period.parse::<Period>().unwrap().bounds(at).unwrap().0.as_microsecond()
}

fn json(row: &Row, column: usize) -> Value {
    serde_json::from_str(row.get(column)).unwrap()
}

fn line(row: &Row) -> Line {
    Line {
        seq: row.get(0),
        counted_at: row.get(1),
        subject: row.get(2),
        charges: serde_json::from_str::<Vec<(String, i64)>>(row.get(3)).unwrap().into_iter().collect(),
        name: json(row, 4)["name"].as_str().map(str::to_owned),
        reservation: row.get(5),
    }
}

fn counter(row: &Row) -> Counter {
    Counter {
        meter: row.get(0),
        scope: row.get(1),
        period: row.get(2),
        start: row.get(3),
        used: row.get(4),
        reserved: row.get(5),
    }
}

fn threshold(row: &Row) -> Threshold {
    let standing = json(row, 0);
    let text = |name: &str| standing[name].as_str().unwrap_or_default().to_owned();
    (text("meter"), text("key_id"), text("period"), text("resets_at"), row.get(1))
}
