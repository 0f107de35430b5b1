//! How often an address may call without a valid credential.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Addresses remembered at most; past it the memory starts anew, and nobody is refused for it.
const MOST: usize = 100_000;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts calls by address over fixed windows of a minute.
#[derive(Debug)]
pub(crate) struct Throttle {
    most: Option<u32>,
    seen: Mutex<(Instant, HashMap<IpAddr, u32>)>,
}

impl Throttle {
    pub(crate) fn new(most: Option<u32>) -> Self {
        Self { most, seen: Mutex::new((Instant::now(), HashMap::new())) }
    }

    /// Counts a call; answers how long to wait where it is one too many.
    pub(crate) fn refuse(&self, address: IpAddr) -> Option<Duration> {
        let most = self.most?;
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(seen.0) >= WINDOW || seen.1.len() >= MOST {
            *seen = (now, HashMap::new());
        }
        let wait = WINDOW.saturating_sub(now.duration_since(seen.0));
        let count = seen.1.entry(network(address)).or_insert(0);
        *count = count.saturating_add(1);
        (*count > most).then_some(wait)
    }
}

/// An IPv6 customer has a /64, so that is what counts; IPv4 in IPv6 is IPv4.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_past_its_number_and_another_is_not() {
        let throttle = Throttle::new(Some(2));
        let first = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!((throttle.refuse(first), throttle.refuse(first)), (None, None));
        assert!(throttle.refuse("10.0.0.1".parse().unwrap()).is_some());
        assert_eq!(throttle.refuse("10.0.0.2".parse().unwrap()), None);
    }

    #[test]
    fn ipv6_counts_by_the_customer_s_network() {
        let throttle = Throttle::new(Some(1));
        assert_eq!(throttle.refuse("2001:db8::1".parse().unwrap()), None);
        assert!(throttle.refuse("2001:db8::2".parse().unwrap()).is_some());
        assert_eq!(throttle.refuse("2001:db8:0:1::1".parse().unwrap()), None);
    }
}
