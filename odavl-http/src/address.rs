//! Where a request comes from, when some peers are proxies.

use std::net::IpAddr;

/// The peer; behind trusted proxies, the rightmost address that is not one of them.
///
/// `None` where a trusted proxy said something that does not read as an address: what it hides is not known, and
/// a key with an allow-list is then refused.
pub(crate) fn client<'a>(
    peer: IpAddr,
    trusted: &[IpAddr],
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    let is_proxy = |address: &IpAddr| trusted.iter().any(|proxy| proxy.to_canonical() == *address);
    if !is_proxy(&peer) {
        return Some(peer);
    }
    for hop in forwarded.flat_map(|list| list.split(',')).rev() {
        let address = hop.trim().parse::<IpAddr>().ok()?.to_canonical();
        if !is_proxy(&address) {
            return Some(address);
        }
    }
    Some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> Option<String> {
        let trusted = ["10.0.0.1".parse().unwrap(), "::ffff:10.0.0.2".parse().unwrap()];
        client(peer.parse().unwrap(), &trusted, forwarded.iter().copied()).map(|address| address.to_string())
    }

    #[test]
    fn a_stranger_s_forwarded_header_does_not_count() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]).unwrap(), "203.0.113.9");
    }

    #[test]
    fn behind_a_trusted_proxy_the_rightmost_stranger_counts() {
        let lists = ["192.0.2.66, 198.51.100.1", "198.51.100.7 , 10.0.0.2"];
        assert_eq!(seen("10.0.0.1", &lists).unwrap(), "198.51.100.7");
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]).unwrap(), "198.51.100.7");
    }

    #[test]
    fn a_proxy_that_forwards_nothing_is_the_client_itself() {
        assert_eq!(seen("10.0.0.1", &[]).unwrap(), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["10.0.0.2"]).unwrap(), "10.0.0.1");
    }

    #[test]
    fn what_does_not_read_as_an_address_hides_everything_before_it() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, unknown"]), None);
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, "]), None);
    }
}
