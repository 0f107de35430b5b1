//! Who counts as one caller where nothing but an address is known.

use std::net::{IpAddr, Ipv6Addr};

/// The network that is counted as one: an IPv6 customer has a /64 to call from; IPv4 in IPv6 is IPv4.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}
