//! The names of a server's certificate, and what authorities say about the names below them.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_cert::{
    TbsCertificate,
    der::oid::db::rfc4519,
    ext::pkix::{NameConstraints, SubjectAltName, name::GeneralName},
};

use super::{Flaw, find};

/// Names of one certificate, and limits that one authority sets.
const NAMES_MAX: usize = 512;

/// Every name is a DNS name or an address, well formed, and the common name is one of them.
pub(super) fn check_names(leaf: &TbsCertificate) -> Result<(), Flaw> {
    let names = find::<SubjectAltName>(leaf, "has malformed alternative names")?;
    let (is_critical, SubjectAltName(names)) = names.ok_or("has no alternative names")?;
    if is_critical != leaf.subject().is_empty() {
        return Err("has alternative names that must be critical where there is no subject, and only there");
    }
    if names.is_empty() || names.len() > NAMES_MAX {
        return Err("has no alternative names, or hundreds of them");
    }
    for name in &names {
        match name {
            GeneralName::DnsName(name) if is_dns(name.as_str().as_bytes(), true) => {}
            GeneralName::DnsName(_) => return Err("has an alternative name that is no DNS name"),
            GeneralName::IpAddress(address) if text_of(address.as_bytes()).is_some() => {}
            GeneralName::IpAddress(_) => return Err("has an alternative name that is no address"),
            _ => return Err("has alternative names other than DNS names and addresses"),
        }
    }
    for common in leaf.subject().iter().filter(|part| part.oid == rfc4519::COMMON_NAME) {
        let common = common.value.value();
        // With a space it is a name for people.
        if !common.contains(&b' ') && !names.iter().any(|name| is_same(name, common)) {
            return Err("has a common name that is none of its alternative names");
        }
    }
    Ok(())
}

/// Limits are on DNS names and addresses alone, well formed, and few.
pub(super) fn check_constraints(authority: &TbsCertificate) -> Result<(), Flaw> {
    const WRONG: Flaw = "has malformed name constraints";
    let Some((is_critical, constraints)) = find::<NameConstraints>(authority, WRONG)? else { return Ok(()) };
    if !is_critical {
        return Err("has name constraints that are not critical");
    }
    let mut count = 0;
    for subtrees in [constraints.permitted_subtrees, constraints.excluded_subtrees].into_iter().flatten() {
        if subtrees.is_empty() {
            return Err(WRONG);
        }
        for subtree in &subtrees {
            let is_right = match &subtree.base {
                GeneralName::DnsName(base) => {
                    base.as_str().is_empty() || is_dns(base.as_str().as_bytes(), false)
                }
                GeneralName::IpAddress(base) => is_network(base.as_bytes()),
                _ => return Err("has constraints on names other than DNS names and addresses"),
            };
            if !is_right || subtree.minimum != 0 || subtree.maximum.is_some() {
                return Err(WRONG);
            }
            count += 1;
        }
    }
    if count == 0 || count > NAMES_MAX { Err(WRONG) } else { Ok(()) }
}

/// Labels of letters, digits and hyphens; the last is no number, so that no address passes. A wildcard
/// stands alone at the left of at least two labels.
fn is_dns(name: &[u8], wildcard: bool) -> bool {
    const NAME_BYTES_MAX: usize = 253;
    const LABEL_BYTES_MAX: usize = 63;
    let (labels, fewest) = match name.strip_prefix(b"*.") {
        Some(rest) if wildcard => (rest, 2),
        _ => (name, 1),
    };
    let is_label = |label: &[u8]| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    let count = labels.split(|byte| *byte == b'.').count();
    let last_is_number =
        labels.rsplit(|byte| *byte == b'.').next().is_some_and(|last| last.iter().all(u8::is_ascii_digit));
    name.len() <= NAME_BYTES_MAX
        && count >= fewest
        && !last_is_number
        && labels.split(|byte| *byte == b'.').all(is_label)
}

/// An address and a mask whose ones are all at its left.
fn is_network(base: &[u8]) -> bool {
    let (4 | 16, Some((_, mask))) = (base.len() / 2, base.split_at_checked(base.len() / 2)) else {
        return false;
    };
    if !base.len().is_multiple_of(2) {
        return false;
    }
    let ones: u32 = mask.iter().map(|byte| byte.leading_ones()).take_while(|ones| *ones == 8).sum();
    let set: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let next = usize::try_from(ones / 8)
        .ok()
        .and_then(|index| mask.get(index))
        .map_or(0, |byte| byte.leading_ones());
    set == ones + next
}

/// An address as people write it.
fn text_of(address: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(address) {
        return Some(Ipv4Addr::from(octets).to_string());
    }
    <[u8; 16]>::try_from(address).ok().map(|octets| Ipv6Addr::from(octets).to_string())
}

fn is_same(name: &GeneralName, common: &[u8]) -> bool {
    match name {
        GeneralName::DnsName(name) => name.as_str().as_bytes() == common,
        GeneralName::IpAddress(address) => {
            text_of(address.as_bytes()).is_some_and(|text| text.as_bytes() == common)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names_are_labels_with_a_wildcard_only_at_their_left() {
        for name in [
            "localhost",
            "example.com",
            "a-b.example.com",
            "*.example.com",
            "xn--628h.example.com",
            "EXAMPLE.com",
        ] {
            assert!(is_dns(name.as_bytes(), true), "{name}");
        }
        for name in [
            "",
            ".",
            ".example.com",
            "example.com.",
            "*",
            "*.com",
            "ba*.example.com",
            "foo.*.example.com",
            "a_b.example.com",
            "-a.example.com",
            "127.0.0.1",
            "exämple.com",
            "a..b",
        ] {
            assert!(!is_dns(name.as_bytes(), true), "{name}");
        }
        assert!(!is_dns(b"*.example.com", false));
    }

    #[test]
    fn networks_have_a_mask_of_ones_at_the_left() {
        for (base, right) in [
            (&[192, 0, 2, 0, 255, 255, 255, 0][..], true),
            (&[192, 0, 2, 0, 255, 255, 240, 0], true),
            (&[192, 0, 2, 0, 0, 0, 0, 0], true),
            (&[192, 0, 2, 0, 255, 255, 255, 255], true),
            (&[192, 0, 2, 0, 255, 0, 255, 0], false),
            (&[192, 0, 2, 0, 255, 241, 0, 0], false),
            (&[192, 0, 2, 0], false),
            (&[192, 0, 2, 0, 255, 255, 255], false),
        ] {
            assert_eq!(is_network(base), right, "{base:?}");
        }
    }
}
