//! What an address is: who counts as one caller where nothing else is known, and whether it is of the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network that is counted as one: an IPv6 customer has a /64 to call from; IPv4 in IPv6 is IPv4.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Whether an address is one of the internet, and not of a machine, a network or a purpose of its own (IANA's registries
/// of special-purpose addresses, RFC 6890). IPv4 in IPv6, of whatever kind, is what it stands for.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let own = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !own
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    // The well-known prefix of NAT64 leads to the IPv4 behind it.
    const NAT64: [u8; 12] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
    if let Some((&NAT64, behind)) = v6.octets().split_first_chunk()
        && let Ok(behind) = <[u8; 4]>::try_from(behind)
    {
        return is_public_v4(behind.into());
    }
    // Global unicast, without what is set aside in it: 2001::/23 (Teredo among it), documentation, 6to4.
    let [first, second, ..] = v6.segments();
    let own = matches!((first, second), (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0xfff));
    (0x2000..=0x3fff).contains(&first) && !own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_machines_networks_and_purposes_of_their_own_are_not() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::1",
            "100::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }
}
