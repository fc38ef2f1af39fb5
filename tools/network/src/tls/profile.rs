//! What a certificate must look like, beyond what webpki asks: RFC 5280 and the rules of the CA/Browser
//! Forum, taken by the letter. A certificate that breaks one is refused and the rule is named, whatever
//! other clients do with it.

mod names;

use super::der::{BIT_STRING, Certificate, Extension, INTEGER, OID, Reader, SEQUENCE, crl_extensions};

/// A rule that a certificate breaks, in words behind "the certificate ...".
pub(super) type Flaw = &'static str;

const AUTHORITY_KEY: &[u8] = &[0x55, 0x1D, 0x23];
const SUBJECT_KEY: &[u8] = &[0x55, 0x1D, 0x0E];
const KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x0F];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const CRL_NUMBER: &[u8] = &[0x55, 0x1D, 0x14];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x1E];
const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x24];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x25];
const AUTHORITY_ACCESS: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 1, 1];
/// Extensions that may be critical, because they are looked at.
const UNDERSTOOD: &[&[u8]] = &[KEY_USAGE, ALTERNATIVE_NAMES, BASIC_CONSTRAINTS, NAME_CONSTRAINTS];

const SERVER_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 1];
const ANY_USAGE: &[u8] = &[0x55, 0x1D, 0x25, 0];
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
const ELLIPTIC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
const P384: &[u8] = &[0x2B, 0x81, 4, 0, 0x22];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
const RSA_BITS_MIN: usize = 2_048;
const SERIAL_BYTES_MAX: usize = 20;

/// Looks at a trusted root of the board's own file.
pub(super) fn check_root(root: &Certificate<'_>) -> Result<(), Flaw> {
    check_any(root)?;
    check_authority(root)?;
    let own = root.extension(SUBJECT_KEY).and_then(|extension| Reader(extension.value).take(4));
    match root.extension(AUTHORITY_KEY) {
        None if !root.is_self_issued() => return Err("has no authority key identifier"),
        None => {}
        Some(extension) => {
            let id = key_id(extension)?;
            if root.is_self_issued() && Some(id) != own {
                return Err("names another key than its own as its authority's");
            }
        }
    }
    if root.extension(EXTENDED_KEY_USAGE).is_some() {
        return Err("is a root with an extended key usage");
    }
    Ok(())
}

/// Looks at an authority between the root and the server.
pub(super) fn check_intermediate(authority: &Certificate<'_>) -> Result<(), Flaw> {
    check_any(authority)?;
    check_authority(authority)?;
    key_id(authority.extension(AUTHORITY_KEY).ok_or("has no authority key identifier")?).map(drop)
}

/// Looks at a server's own certificate.
pub(super) fn check_leaf(leaf: &Certificate<'_>) -> Result<(), Flaw> {
    check_any(leaf)?;
    key_id(leaf.extension(AUTHORITY_KEY).ok_or("has no authority key identifier")?)?;
    if let Some(constraints) = leaf.extension(BASIC_CONSTRAINTS)
        && basic_constraints(constraints)?
    {
        return Err("is an authority's, not a server's");
    }
    if leaf.extension(KEY_USAGE).map(may_sign_certificates).transpose()? == Some(true) {
        return Err("may sign certificates, and is a server's");
    }
    if leaf.extension(NAME_CONSTRAINTS).is_some() {
        return Err("has name constraints, and is a server's");
    }
    check_server_usage(leaf)?;
    names::check_names(leaf, leaf.extension(ALTERNATIVE_NAMES).ok_or("has no alternative names")?)
}

/// Whether a list of revoked certificates has its number, as it must.
pub(super) fn check_crl(der: &[u8]) -> Result<(), Flaw> {
    let extensions = crl_extensions(der).ok_or("is no list of revoked certificates")?;
    match extensions.iter().find(|extension| extension.oid == CRL_NUMBER) {
        None => Err("has no CRL number"),
        Some(Extension { critical: true, .. }) => Err("has a critical CRL number"),
        Some(_) => Ok(()),
    }
}

/// Whether it limits the names below it.
pub(super) fn constrains_names(certificate: &Certificate<'_>) -> bool {
    certificate.extension(NAME_CONSTRAINTS).is_some()
}

/// Whether it may sign lists of revoked certificates.
pub(super) fn may_sign_lists(certificate: &Certificate<'_>) -> bool {
    const CRL_SIGN: u8 = 0x02;
    certificate.extension(KEY_USAGE).is_none_or(|extension| has_usage(extension, CRL_SIGN).unwrap_or(false))
}

/// Whether a server's certificate has a name with a wildcard.
pub(super) fn has_wildcard(leaf: &Certificate<'_>) -> bool {
    leaf.extension(ALTERNATIVE_NAMES).is_some_and(names::has_wildcard)
}

/// Whether one of its names is `host`, letter by letter: no wildcard is needed.
pub(super) fn names_exactly(leaf: &Certificate<'_>, host: &str) -> bool {
    leaf.extension(ALTERNATIVE_NAMES).is_some_and(|extension| names::names_exactly(extension, host))
}

/// What every certificate must be.
fn check_any(certificate: &Certificate<'_>) -> Result<(), Flaw> {
    let serial = certificate.serial;
    let is_positive =
        serial.first().is_some_and(|first| *first < 0x80) && serial.iter().any(|byte| *byte != 0);
    if !is_positive || serial.len() > SERIAL_BYTES_MAX {
        return Err("has no positive serial number of at most 20 bytes");
    }
    if certificate.signed_with != certificate.signed_with_outside {
        return Err("names two algorithms of its signature");
    }
    if certificate.issuer.is_empty() {
        return Err("has an empty issuer");
    }
    for (index, extension) in certificate.extensions.iter().enumerate() {
        if certificate.extensions.iter().take(index).any(|earlier| earlier.oid == extension.oid) {
            return Err("has an extension twice");
        }
        if extension.critical && !UNDERSTOOD.contains(&extension.oid) {
            return Err("has a critical extension that is not understood");
        }
        if extension.oid == POLICY_CONSTRAINTS && !extension.critical {
            return Err("has policy constraints that are not critical");
        }
    }
    if certificate.extension(AUTHORITY_ACCESS).is_some_and(|extension| access(extension).is_none()) {
        return Err("has a malformed authority information access");
    }
    check_key(certificate.key)
}

/// What every certificate must be that signs others.
fn check_authority(authority: &Certificate<'_>) -> Result<(), Flaw> {
    if authority.subject.is_empty() {
        return Err("is an authority's without a name");
    }
    let constraints = authority.extension(BASIC_CONSTRAINTS).ok_or("has no basic constraints")?;
    if !constraints.critical || !basic_constraints(constraints)? {
        return Err("has no critical basic constraints that make it an authority's");
    }
    if authority.extension(KEY_USAGE).map(may_sign_certificates).transpose()? == Some(false) {
        return Err("is an authority's and may not sign certificates");
    }
    if authority.extension(SUBJECT_KEY).is_none() {
        return Err("has no subject key identifier");
    }
    authority.extension(NAME_CONSTRAINTS).map_or(Ok(()), names::check_constraints)
}

/// The key that an authority key identifier names; nothing but the key may be in it.
fn key_id<'a>(extension: &Extension<'a>) -> Result<&'a [u8], Flaw> {
    const WRONG: Flaw = "has an authority key identifier that is more or less than a key's";
    let mut parts = Reader(Reader(extension.value).take(SEQUENCE).ok_or(WRONG)?);
    let id = parts.take(0x80).ok_or(WRONG)?;
    if parts.is_empty() { Ok(id) } else { Err(WRONG) }
}

/// Whether it is an authority's.
fn basic_constraints(extension: &Extension<'_>) -> Result<bool, Flaw> {
    const WRONG: Flaw = "has malformed basic constraints";
    let mut parts = Reader(Reader(extension.value).take(SEQUENCE).ok_or(WRONG)?);
    let is_authority = parts.take(1).is_some_and(|value| value != [0]);
    let has_length = parts.take(INTEGER).is_some();
    if !parts.is_empty() || (has_length && !is_authority) {
        return Err(WRONG);
    }
    Ok(is_authority)
}

fn may_sign_certificates(extension: &Extension<'_>) -> Result<bool, Flaw> {
    const CERT_SIGN: u8 = 0x04;
    has_usage(extension, CERT_SIGN)
}

fn has_usage(extension: &Extension<'_>, usage: u8) -> Result<bool, Flaw> {
    let bits = Reader(extension.value).take(BIT_STRING).ok_or("has a malformed key usage")?;
    Ok(bits.get(1).is_some_and(|bits| bits & usage != 0))
}

fn check_server_usage(leaf: &Certificate<'_>) -> Result<(), Flaw> {
    const WRONG: Flaw = "has a malformed extended key usage";
    let usage = leaf.extension(EXTENDED_KEY_USAGE).ok_or("has no extended key usage for servers")?;
    let mut usages = Reader(Reader(usage.value).take(SEQUENCE).ok_or(WRONG)?);
    let mut is_server = false;
    while !usages.is_empty() {
        let usage = usages.take(OID).ok_or(WRONG)?;
        if usage == ANY_USAGE {
            return Err("may be used for anything");
        }
        is_server |= usage == SERVER_AUTH;
    }
    if is_server { Ok(()) } else { Err("has no extended key usage for servers") }
}

fn access(extension: &Extension<'_>) -> Option<()> {
    let mut list = Reader(Reader(extension.value).take(SEQUENCE)?);
    (!list.is_empty()).then_some(())?;
    while !list.is_empty() {
        let mut description = Reader(list.take(SEQUENCE)?);
        let (_, (tag, _)) = (description.take(OID)?, description.any()?);
        (tag & 0xC0 == 0x80 && description.is_empty()).then_some(())?;
    }
    Some(())
}

/// RSA of at least 2048 bits in whole bytes, P-256, P-384 or Ed25519.
fn check_key(key: &[u8]) -> Result<(), Flaw> {
    const WRONG: Flaw = "has a malformed key";
    let mut parts = Reader(key);
    let mut algorithm = Reader(parts.take(SEQUENCE).ok_or(WRONG)?);
    let bits = parts.take(BIT_STRING).ok_or(WRONG)?;
    match algorithm.take(OID).ok_or(WRONG)? {
        RSA => {
            let bytes = bits.strip_prefix(&[0]).ok_or(WRONG)?;
            let modulus = Reader(Reader(bytes).take(SEQUENCE).ok_or(WRONG)?).take(INTEGER).ok_or(WRONG)?;
            let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
            let zeros = modulus.first().map_or(8, |first| first.leading_zeros());
            if modulus.len() * 8 < RSA_BITS_MIN || zeros != 0 {
                return Err("has an RSA key of less than 2048 bits, or not of whole bytes");
            }
            Ok(())
        }
        ELLIPTIC => match algorithm.take(OID) {
            Some(P256 | P384) => Ok(()),
            _ => Err("has a key on another curve than P-256 and P-384"),
        },
        ED25519 => Ok(()),
        _ => Err("has a key that is neither RSA, ECDSA nor Ed25519"),
    }
}
