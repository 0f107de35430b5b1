//! How often something may be guessed: after a few failures, the next try waits longer and longer.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Error, Result},
    metering::Refusal,
};

/// Names remembered at most; past it those whose wait is over are forgotten, and if there is none, all.
const MOST: usize = 50_000;
/// Failures that cost nothing.
const FREE: u32 = 5;
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// What a name begins with that counts everybody together.
pub(crate) const EVERYBODY: &str = "everybody";
/// Failures of everybody that cost nothing.
const FREE_TO_ALL: u32 = 100;
/// How long everybody waits after one more: it slows guessing from many addresses down, and locks nobody out.
const WAIT_OF_ALL: SignedDuration = SignedDuration::from_secs(1);

/// Counts failures by name: an account, an address, everyone.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    /// Until when the next try is refused: a second after the sixth failure, twice that after each more.
    fn until(self, name: &str) -> Timestamp {
        let over = self.count.saturating_sub(FREE);
        let wait = match over {
            _ if name.starts_with(EVERYBODY) && self.count <= FREE_TO_ALL => SignedDuration::ZERO,
            _ if name.starts_with(EVERYBODY) => WAIT_OF_ALL,
            0 => SignedDuration::ZERO,
            over => SignedDuration::from_secs(1_i64 << (over - 1).min(20)).min(LONGEST),
        };
        self.last.checked_add(wait).unwrap_or(Timestamp::MAX)
    }
}

impl Attempts {
    /// Refuses where one of the names has to wait; counts nothing.
    pub(crate) fn check(&self, names: &[String], now: Timestamp) -> Result<()> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = names
            .iter()
            .filter_map(|name| Some((name, known.get(name)?)))
            .map(|(name, failures)| (failures.until(name), failures.count));
        match waits.max() {
            Some((until, count)) if now < until => Err(Error::RateLimited(Box::new(Refusal::rate(
                "sign_in_attempts",
                u64::from(count),
                until,
                now,
            )?))),
            _ => Ok(()),
        }
    }

    /// Counts a failure of each name.
    pub(crate) fn failed(&self, names: &[String], now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|name, failures| now < failures.until(name));
            if known.len() >= MOST {
                known.clear();
            }
        }
        for name in names {
            let failures = known.entry(name.clone()).or_insert(Failures { count: 0, last: now });
            // What lies further back than the longest wait no longer counts.
            let since = now.duration_since(failures.last);
            failures.count = if since > LONGEST { 1 } else { failures.count.saturating_add(1) };
            failures.last = now;
        }
    }

    /// Forgets the failures of a name that succeeded.
    pub(crate) fn succeeded(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_every_failure_past_the_free_ones_and_ends() {
        let attempts = Attempts::default();
        let names = ["a".to_owned()];
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..FREE {
            attempts.check(&names, now).unwrap();
            attempts.failed(&names, now);
        }
        attempts.check(&names, now).unwrap();
        attempts.failed(&names, now);
        assert!(attempts.check(&names, now).is_err());
        assert!(attempts.check(&["b".to_owned()], now).is_ok());
        assert!(attempts.check(&names, now + SignedDuration::from_secs(1)).is_ok());
        for _ in 0..40 {
            attempts.failed(&names, now);
        }
        assert!(attempts.check(&names, now + LONGEST - SignedDuration::from_secs(1)).is_err());
        assert!(attempts.check(&names, now + LONGEST).is_ok());
    }

    #[test]
    fn everybody_together_is_slowed_down_and_not_locked_out() {
        let attempts = Attempts::default();
        let (now, names) = (Timestamp::UNIX_EPOCH, [format!("{EVERYBODY} codes")]);
        for _ in 0..FREE_TO_ALL {
            attempts.failed(&names, now);
        }
        assert!(attempts.check(&names, now).is_ok());
        for _ in 0..1000 {
            attempts.failed(&names, now);
        }
        assert!(attempts.check(&names, now).is_err());
        assert!(attempts.check(&names, now + WAIT_OF_ALL).is_ok());
    }

    #[test]
    fn success_forgets() {
        let attempts = Attempts::default();
        for _ in 0..10 {
            attempts.failed(&["a".to_owned()], Timestamp::UNIX_EPOCH);
        }
        attempts.succeeded("a");
        assert!(attempts.check(&["a".to_owned()], Timestamp::UNIX_EPOCH).is_ok());
    }
}
