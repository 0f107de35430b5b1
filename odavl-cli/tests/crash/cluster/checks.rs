//! What must hold once the fire is over: what clients were told, and what is in the books.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::AddAssign,
};

use super::{
    books::{Books, Line, Threshold},
    client::{Ended, Outcome, Told},
    demand::{BURSTS, CALLS, End, JOBS, Limits, TOKENS, WINDOW, What, Wish},
};

/// What was found wrong, and how much was looked at.
#[derive(Debug, Default, Clone)]
pub(crate) struct Found {
    /// Answers to wishes.
    pub(crate) decisions: u64,
    pub(crate) granted: u64,
    /// Units beyond a limit.
    pub(crate) overshoot: i64,
    /// Granted to a client, and not in the ledger.
    pub(crate) lost: u64,
    /// In the ledger more than once.
    pub(crate) doubled: u64,
    /// Held although nobody holds it.
    pub(crate) leaked: u64,
    /// Every fault in words, these included.
    pub(crate) wrong: Vec<String>,
}

/// What clients were told of an organisation, and its books.
pub(crate) struct Case<'a> {
    pub(crate) limits: Limits,
    pub(crate) told: Vec<&'a Told>,
    pub(crate) books: Books,
    /// The month in which all of it happened; `None` where that ended on the way, and limits began anew.
    pub(crate) month: Option<i64>,
}

impl Case<'_> {
    pub(crate) fn check(&self) -> Found {
        let mut found = Found {
            decisions: self.told.len() as u64,
            granted: self.told.iter().filter(|told| told.outcome.is_yes()).count() as u64,
            ..Found::default()
        };
        self.limits_are_reached_and_never_passed(&mut found);
        self.rates_are_never_passed(&mut found);
        self.what_was_told_is_in_the_ledger(&mut found);
        self.nothing_else_is_in_the_ledger(&mut found);
        self.settlements_are_in_the_ledger(&mut found);
        self.thresholds_were_recorded_once(&mut found);
        found.wrong.extend(self.books.disagree());
        let held = self.books.held();
        found.leaked += held.len() as u64;
        found.wrong.extend(held);
        found
    }

    fn limits_are_reached_and_never_passed(&self, found: &mut Found) {
        for meter in [CALLS, TOKENS, JOBS] {
            let limit = i64::try_from(self.limits.month(meter).unwrap()).unwrap();
            for (_, charged) in self.books.by_period(meter, "month") {
                found.overshoot += (charged - limit).max(0);
                if charged > limit {
                    found.wrong.push(format!("{charged} of {meter} were granted, of {limit}"));
                }
            }
            let charged = self.month.map_or(limit, |month| self.books.charged(meter, "month", month));
            if charged < limit {
                found
                    .wrong
                    .push(format!("only {charged} of {meter} were granted, of {limit}, and more refused"));
            }
        }
    }

    fn rates_are_never_passed(&self, found: &mut Found) {
        let limit = i64::try_from(self.limits.bursts).unwrap();
        let windows = self.books.by_period(BURSTS, &format!("{WINDOW}s"));
        for (start, charged) in &windows {
            found.overshoot += (charged - limit).max(0);
            if *charged > limit {
                found
                    .wrong
                    .push(format!("{charged} of {BURSTS} were granted in the window {start}, of {limit}"));
            }
        }
        // Whoever was refused was so by a window that is full.
        for told in &self.told {
            let Outcome::No(code, Some(until)) = &told.outcome else { continue };
            if code == "rate_limited" {
                let until: jiff::Timestamp = until.parse().unwrap();
                let charged =
                    windows.get(&(until.as_microsecond() - WINDOW * 1_000_000)).copied().unwrap_or(0);
                if charged != limit {
                    let name = &told.wish.name;
                    found
                        .wrong
                        .push(format!("{name} was refused by a window in which {charged} are, of {limit}"));
                }
            }
        }
    }

    /// The lines of each wish.
    fn lines(&self) -> BTreeMap<&str, Vec<&Line>> {
        let mut lines = BTreeMap::<_, Vec<_>>::new();
        for line in &self.books.ledger {
            if let Some(name) = &line.name {
                lines.entry(name.as_str()).or_default().push(line);
            }
        }
        lines
    }

    fn what_was_told_is_in_the_ledger(&self, found: &mut Found) {
        let lines = self.lines();
        for Told { wish, outcome, .. } in &self.told {
            let name = &wish.name;
            let lines = lines.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            if lines.len() > 1 {
                found.doubled += 1;
                found.wrong.push(format!("{name} is in the ledger {} times", lines.len()));
            }
            match outcome {
                Outcome::Yes(_) if lines.is_empty() => {
                    found.lost += 1;
                    found.wrong.push(format!("{name} was granted, and is not in the ledger: {wish:?}"));
                }
                Outcome::No(code, _) if !lines.is_empty() && !wish.may_come_later() => {
                    found.wrong.push(format!("{name} was refused as {code}, and is in the ledger"));
                }
                _ => {}
            }
            if let Some(line) = lines.iter().find(|line| line.charges != charges(wish)) {
                found.wrong.push(format!("{line:?} is not what was asked for: {wish:?}"));
            }
        }
    }

    fn nothing_else_is_in_the_ledger(&self, found: &mut Found) {
        let asked: BTreeSet<_> = self.told.iter().map(|told| told.wish.name.as_str()).collect();
        let settled: BTreeSet<_> =
            self.told.iter().filter_map(|told| settled(told)).map(|(id, _)| id).collect();
        for line in &self.books.ledger {
            let known = match (&line.name, &line.reservation) {
                (Some(name), _) => asked.contains(name.as_str()),
                (None, Some(id)) => settled.contains(id.as_str()),
                (None, None) => false,
            };
            if !known {
                found.wrong.push(format!("nobody asked for {line:?}"));
            }
        }
    }

    fn settlements_are_in_the_ledger(&self, found: &mut Found) {
        let mut lines = BTreeMap::<_, Vec<_>>::new();
        for line in self.books.ledger.iter().filter(|line| line.name.is_none()) {
            lines.entry(line.reservation.as_deref().unwrap_or_default()).or_default().push(&line.charges);
        }
        for (id, units) in self.told.iter().filter_map(|told| settled(told)) {
            let lines = lines.get(id).map_or(&[][..], Vec::as_slice);
            let expected = BTreeMap::from([(JOBS.to_owned(), i64::try_from(units).unwrap())]);
            let expected: &[_] = if units == 0 { &[] } else { &[&expected] };
            found.lost += u64::from(lines.len() < expected.len());
            found.doubled += u64::from(lines.len() > expected.len());
            if lines != expected {
                found.wrong.push(format!("{id} was settled with {units}, and the ledger has {lines:?}"));
            }
        }
    }

    fn thresholds_were_recorded_once(&self, found: &mut Found) {
        let mut times = BTreeMap::<&Threshold, usize>::new();
        for threshold in &self.books.thresholds {
            *times.entry(threshold).or_default() += 1;
        }
        for (threshold, count) in times.iter().filter(|(_, count)| **count > 1) {
            found.wrong.push(format!("{threshold:?} was recorded {count} times"));
        }
        let recorded: Vec<_> = times
            .keys()
            .map(|(meter, key, period, _, percent)| (&**meter, &**key, &**period, *percent))
            .collect();
        let expected =
            [CALLS, JOBS, TOKENS].map(|meter| [80, 90, 100].map(|percent| (meter, "", "month", percent)));
        let mut expected: Vec<_> = expected.concat();
        expected.sort_unstable();
        let mut sorted = recorded;
        sorted.sort_unstable();
        if self.month.is_some() && sorted != expected {
            found.wrong.push(format!("the thresholds are {sorted:?}"));
        }
    }
}

/// What a line of the ledger says of a wish that was granted.
fn charges(wish: &Wish) -> BTreeMap<String, i64> {
    let charge = |(meter, units): (&str, u64)| (meter.to_owned(), i64::try_from(units).unwrap());
    wish.charges().into_iter().map(charge).collect()
}

/// The reservation that a client was told it settled, and what is charged for it.
fn settled(told: &Told) -> Option<(&str, u64)> {
    let (Outcome::Yes(made), What::Reserve((_, held), End::Settle(used))) = (&told.outcome, &told.wish.what)
    else {
        return None;
    };
    matches!(told.ended, Some(Ended::So(_))).then(|| (made["id"].as_str().unwrap(), *used.min(held)))
}

impl AddAssign for Found {
    fn add_assign(&mut self, more: Self) {
        self.decisions += more.decisions;
        self.granted += more.granted;
        self.overshoot += more.overshoot;
        self.lost += more.lost;
        self.doubled += more.doubled;
        self.leaked += more.leaked;
        self.wrong.extend(more.wrong);
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decisions, granted, overshoot, lost, doubled, leaked, wrong } = self;
        write!(f, "{decisions} decisions, {granted} granted, overshoot {overshoot}, lost {lost}, ")?;
        write!(f, "doubled {doubled}, leaked {leaked}")?;
        if wrong.is_empty() { Ok(()) } else { write!(f, ", {} faults in all", wrong.len()) }
    }
}
