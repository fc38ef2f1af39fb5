//! Which addresses may be reached. A name can be made to lead anywhere; so what it leads to is looked
//! at, and the connection goes to that very address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of addresses a connection may go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Those of the public internet.
    Public,
    /// Also those of the local network, of the link, and the board itself.
    Any,
    /// Only those of the local network, of the link, and the board itself: for what is not encrypted.
    Private,
}

/// What an address is, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sort {
    Public,
    /// On the local network, the link or the board itself.
    Private(&'static str),
    /// No single machine is there.
    Nobody(&'static str),
}

impl Reach {
    /// Whether a connection may go to `address`; otherwise what the address is.
    pub(crate) fn check(self, address: IpAddr) -> Result<(), &'static str> {
        match (self, sort(address)) {
            (Self::Public | Self::Any, Sort::Public) | (Self::Any | Self::Private, Sort::Private(_)) => {
                Ok(())
            }
            (Self::Public, Sort::Private(what)) | (_, Sort::Nobody(what)) => Err(what),
            (Self::Private, Sort::Public) => Err("public"),
        }
    }
}

fn sort(address: IpAddr) -> Sort {
    match address {
        IpAddr::V4(address) => sort_v4(address),
        IpAddr::V6(address) => sort_v6(address),
    }
}

fn sort_v4(address: Ipv4Addr) -> Sort {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Sort::Nobody("unspecified"),
        (127, ..) => Sort::Private("the board itself"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Sort::Private("private"),
        (169, 254, _) => Sort::Private("link-local"),
        (100, 64..=127, _) => Sort::Private("shared by a carrier's customers"),
        (192, 0, 0) => Sort::Nobody("reserved for protocols"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Sort::Nobody("for documentation"),
        (198, 18..=19, _) => Sort::Nobody("for benchmarks"),
        (192, 88, 99) => Sort::Nobody("a relay's"),
        (224..=239, ..) => Sort::Nobody("multicast"),
        (240..=255, ..) => Sort::Nobody("reserved"),
        _ => Sort::Public,
    }
}

fn sort_v6(address: Ipv6Addr) -> Sort {
    let parts @ [a, b, _, _, _, _, g, h] = address.segments();
    let [g1, g2] = g.to_be_bytes();
    let [h1, h2] = h.to_be_bytes();
    let inside = Ipv4Addr::new(g1, g2, h1, h2);
    match parts {
        [0, 0, 0, 0, 0, 0, 0, 0] => Sort::Nobody("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Sort::Private("the board itself"),
        // An IPv4 address in the clothes of another, or what a translator makes of one on networks that
        // have IPv6 alone: it is what is inside.
        [0, 0, 0, 0, 0, 0xFFFF, ..] | [0x64, 0xFF9B, 0, 0, 0, 0, ..] => sort_v4(inside),
        [0x64, 0xFF9B, ..] => Sort::Private("a local translator's"),
        _ if a & 0xFE00 == 0xFC00 => Sort::Private("unique local"),
        _ if a & 0xFFC0 == 0xFE80 => Sort::Private("link-local"),
        _ if a & 0xFFC0 == 0xFEC0 => Sort::Private("site-local"),
        _ if a & 0xFF00 == 0xFF00 => Sort::Nobody("multicast"),
        // Tunnels lead to whatever address is inside.
        [0x2002, ..] | [0x2001, 0, ..] => Sort::Nobody("a tunnel's"),
        [0x2001, 0xDB8, ..] => Sort::Nobody("for documentation"),
        _ if a == 0x3FFF && b < 0x1000 => Sort::Nobody("for documentation"),
        [0x2001, 2, 0, ..] => Sort::Nobody("for benchmarks"),
        [0x2001, 0x10..=0x3F, ..] => Sort::Nobody("no machine's"),
        [0x100, 0, 0, 0, ..] => Sort::Nobody("a black hole"),
        _ if a & 0xE000 == 0x2000 => Sort::Public,
        // Nothing else is given out yet.
        _ => Sort::Nobody("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_they_lead_to() {
        let reaches = |text: &str| {
            let address = text.parse().unwrap();
            [Reach::Public, Reach::Any, Reach::Private].map(|reach| reach.check(address).is_ok())
        };
        for public in [
            "93.184.216.34",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(reaches(public), [true, true, false], "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.255.0.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
        ] {
            assert_eq!(reaches(private), [false, true, true], "{private}");
        }
        for nobody in [
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.9",
            "198.18.0.1",
            "192.0.0.8",
            "::",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "2002:7f00:1::",
            "2001::1",
            "::7f00:1",
            "::ffff:0.0.0.0",
            "64:ff9b::e000:1",
            "100::1",
            "4000::1",
            "2001:20::1",
        ] {
            assert_eq!(reaches(nobody), [false; 3], "{nobody}");
        }
    }
}
