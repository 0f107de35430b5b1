//! How often an address may call without a valid credential.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use odavl_core::network;

/// Addresses remembered at most; past it the memory starts anew, and nobody is refused for it.
const MOST: usize = 100_000;
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// Counts calls by address over windows of a minute.
#[derive(Debug)]
pub(crate) struct Throttle {
    most: Option<u32>,
    /// Since when it counts, and what.
    seen: Mutex<(Timestamp, HashMap<IpAddr, u32>)>,
}

impl Throttle {
    pub(crate) fn new(most: Option<u32>) -> Self {
        Self { most, seen: Mutex::new((Timestamp::MIN, HashMap::new())) }
    }

    /// Counts a call; answers until when to wait where it is one too many.
    pub(crate) fn refuse(&self, address: IpAddr, now: Timestamp) -> Option<Timestamp> {
        let most = self.most?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.duration_since(seen.0);
        // A clock that was set back starts anew too, rather than refuse until it has caught up.
        if !(SignedDuration::ZERO..WINDOW).contains(&since) || seen.1.len() >= MOST {
            *seen = (now, HashMap::new());
        }
        let until = seen.0 + WINDOW;
        let count = seen.1.entry(network(address)).or_insert(0);
        *count = count.saturating_add(1);
        (*count > most).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn refuses(throttle: &Throttle, address: &str, after: i64) -> bool {
        let now = START + SignedDuration::from_secs(after);
        throttle.refuse(address.parse().unwrap(), now).is_some()
    }

    #[test]
    fn an_address_is_refused_past_its_number_and_another_is_not() {
        let throttle = Throttle::new(Some(2));
        let refused = [(); 3].map(|()| refuses(&throttle, "10.0.0.1", 0));
        assert_eq!(refused, [false, false, true]);
        assert!(refuses(&throttle, "::ffff:10.0.0.1", 59));
        assert!(!refuses(&throttle, "10.0.0.2", 59));
    }

    #[test]
    fn a_minute_later_it_may_call_again() {
        let throttle = Throttle::new(Some(1));
        assert!(!refuses(&throttle, "10.0.0.1", 0));
        let until = throttle.refuse("10.0.0.1".parse().unwrap(), START).unwrap();
        assert_eq!(until, START + WINDOW);
        assert!(!refuses(&throttle, "10.0.0.1", 60));
    }

    #[test]
    fn ipv6_counts_by_the_customer_s_network() {
        let throttle = Throttle::new(Some(1));
        assert!(!refuses(&throttle, "2001:db8::1", 0));
        assert!(refuses(&throttle, "2001:db8::2", 0));
        assert!(!refuses(&throttle, "2001:db8:0:1::1", 0));
    }
}
