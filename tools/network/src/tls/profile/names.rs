//! The names of a server's certificate, and what authorities say about the names below them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    super::der::{Certificate, Extension, Reader, SEQUENCE},
    Flaw,
};

/// Tag of a DNS name.
const DNS: u8 = 0x82;
/// Tag of an address.
const ADDRESS: u8 = 0x87;
/// Names of one certificate, and limits that one authority sets.
const NAMES_MAX: usize = 512;

/// Every name is a DNS name or an address, well formed, and the common name is one of them.
pub(super) fn check_names(leaf: &Certificate<'_>, extension: &Extension<'_>) -> Result<(), Flaw> {
    if extension.critical != leaf.subject.is_empty() {
        return Err("has alternative names that must be critical where there is no subject, and only there");
    }
    let names = read(extension.value).ok_or("has malformed alternative names")?;
    if names.is_empty() || names.len() > NAMES_MAX {
        return Err("has no alternative names, or hundreds of them");
    }
    for (tag, name) in &names {
        match *tag {
            DNS if !is_dns(name, true) => return Err("has an alternative name that is no DNS name"),
            ADDRESS if text_of(name).is_none() => return Err("has an alternative name that is no address"),
            DNS | ADDRESS => {}
            _ => return Err("has alternative names other than DNS names and addresses"),
        }
    }
    for common in leaf.common_names().ok_or("has a malformed subject")? {
        // With a space it is a name for people.
        if !common.contains(&b' ') && !names.iter().any(|name| is_same(*name, common)) {
            return Err("has a common name that is none of its alternative names");
        }
    }
    Ok(())
}

pub(super) fn has_wildcard(extension: &Extension<'_>) -> bool {
    let names = read(extension.value).unwrap_or_default();
    names.iter().any(|(tag, name)| *tag == DNS && name.starts_with(b"*"))
}

pub(super) fn names_exactly(extension: &Extension<'_>, host: &str) -> bool {
    let names = read(extension.value).unwrap_or_default();
    names.iter().any(|(tag, name)| *tag == DNS && name.eq_ignore_ascii_case(host.as_bytes()))
}

/// Limits are on DNS names and addresses alone, well formed, and few.
pub(super) fn check_constraints(extension: &Extension<'_>) -> Result<(), Flaw> {
    const WRONG: Flaw = "has malformed name constraints";
    if !extension.critical {
        return Err("has name constraints that are not critical");
    }
    let mut kinds = Reader(Reader(extension.value).take(SEQUENCE).ok_or(WRONG)?);
    let mut count = 0;
    for tag in [0xA0, 0xA1] {
        let Some(subtrees) = kinds.take(tag) else { continue };
        let mut subtrees = Reader(subtrees);
        if subtrees.is_empty() {
            return Err(WRONG);
        }
        while !subtrees.is_empty() {
            let mut subtree = Reader(subtrees.take(SEQUENCE).ok_or(WRONG)?);
            let (kind, base) = subtree.any().ok_or(WRONG)?;
            let is_right = match kind {
                DNS => base.is_empty() || is_dns(base, false),
                ADDRESS => is_network(base),
                _ => return Err("has constraints on names other than DNS names and addresses"),
            };
            if !is_right || !subtree.is_empty() {
                return Err(WRONG);
            }
            count += 1;
        }
    }
    if !kinds.is_empty() || count == 0 || count > NAMES_MAX { Err(WRONG) } else { Ok(()) }
}

fn read(value: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut outer = Reader(value);
    let mut list = Reader(outer.take(SEQUENCE)?);
    let mut names = Vec::new();
    while !list.is_empty() {
        names.push(list.any()?);
    }
    outer.is_empty().then_some(names)
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

fn is_same((tag, name): (u8, &[u8]), common: &[u8]) -> bool {
    match tag {
        DNS => name == common,
        _ => text_of(name).is_some_and(|text| text.as_bytes() == common),
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
