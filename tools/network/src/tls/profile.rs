//! What a certificate must look like, beyond what webpki asks: RFC 5280 and the rules of the CA/Browser
//! Forum, taken by the letter. A certificate that breaks one is refused and the rule is named, whatever
//! other clients do with it.

mod names;

use rustls::pki_types::CertificateDer;
use x509_cert::{
    Certificate, TbsCertificate, Version,
    der::{
        self, Decode, Reader as _, SliceReader,
        asn1::{Any, ContextSpecific, ObjectIdentifier, OctetString, UintRef},
        oid::{
            AssociatedOid,
            db::{rfc5280, rfc5912, rfc8410},
        },
    },
    ext::{
        Extension, Extensions,
        pkix::{
            AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CrlNumber, ExtendedKeyUsage,
            KeyUsage, NameConstraints, PolicyConstraints, SubjectAltName, SubjectKeyIdentifier,
            name::GeneralName,
        },
    },
    spki::SubjectPublicKeyInfoOwned,
};

/// A rule that a certificate breaks, in words behind "the certificate ...".
pub(super) type Flaw = &'static str;

/// Extensions that may be critical, because they are looked at.
const UNDERSTOOD: &[ObjectIdentifier] =
    &[KeyUsage::OID, SubjectAltName::OID, BasicConstraints::OID, NameConstraints::OID];
const RSA_BITS_MIN: usize = 2_048;
const SERIAL_BYTES_MAX: usize = 20;

/// The certificate in `der`, which is one of version 3 and nothing more.
pub(super) fn read(der: &CertificateDer<'_>) -> Result<Certificate, Flaw> {
    let certificate = Certificate::from_der(der).map_err(
        |_| "can't be read: it is malformed, or has object identifiers that are longer than anybody's",
    )?;
    match certificate.tbs_certificate().version() {
        Version::V3 => Ok(certificate),
        Version::V1 | Version::V2 => Err("is not of version 3"),
    }
}

/// Looks at a trusted root of the board's own file.
pub(super) fn check_root(root: &Certificate) -> Result<(), Flaw> {
    check_any(root)?;
    let root = root.tbs_certificate();
    check_authority(root)?;
    let is_own = is_self_issued(root);
    match find::<AuthorityKeyIdentifier>(root, KEY_ID_WRONG)? {
        None if !is_own => return Err("has no authority key identifier"),
        None => {}
        Some((_, id)) => {
            let id = key_id(id)?;
            let own = find::<SubjectKeyIdentifier>(root, "has a malformed subject key identifier")?;
            if is_own && own.is_none_or(|(_, own)| own.0 != id) {
                return Err("names another key than its own as its authority's");
            }
        }
    }
    if has::<ExtendedKeyUsage>(root) {
        return Err("is a root with an extended key usage");
    }
    Ok(())
}

/// Looks at an authority between the root and the server.
pub(super) fn check_intermediate(authority: &Certificate) -> Result<(), Flaw> {
    check_any(authority)?;
    check_authority(authority.tbs_certificate())?;
    check_authority_key(authority.tbs_certificate())
}

/// Looks at a server's own certificate.
pub(super) fn check_leaf(leaf: &Certificate) -> Result<(), Flaw> {
    check_any(leaf)?;
    let leaf = leaf.tbs_certificate();
    check_authority_key(leaf)?;
    if basic_constraints(leaf)?.is_some_and(|(_, is_authority)| is_authority) {
        return Err("is an authority's, not a server's");
    }
    if key_usage(leaf)?.is_some_and(|usage| usage.key_cert_sign()) {
        return Err("may sign certificates, and is a server's");
    }
    if constrains_names(leaf) {
        return Err("has name constraints, and is a server's");
    }
    check_server_usage(leaf)?;
    names::check_names(leaf)
}

/// Whether a list of revoked certificates has its number, as it must.
pub(super) fn check_crl(der: &[u8]) -> Result<(), Flaw> {
    let extensions = crl_extensions(der).map_err(|_| "is no list of revoked certificates")?;
    match extensions.iter().find(|extension| extension.extn_id == CrlNumber::OID) {
        None => Err("has no CRL number"),
        Some(Extension { critical: true, .. }) => Err("has a critical CRL number"),
        Some(_) => Ok(()),
    }
}

/// The extensions of the whole list. Its entries may be very many, and are webpki's to read.
fn crl_extensions(der: &[u8]) -> der::Result<Extensions> {
    SliceReader::new(der)?.sequence(|list| {
        let found = list.sequence(|body| {
            while let Some(tag) = body.peek_byte() {
                if tag == 0xA0 {
                    let explicit = ContextSpecific::<Extensions>::decode(body)?;
                    return Ok(explicit.value);
                }
                body.tlv_bytes()?;
            }
            Ok::<_, der::Error>(Extensions::new())
        })?;
        while !list.is_finished() {
            list.tlv_bytes()?;
        }
        Ok(found)
    })
}

/// Whether it limits the names below it.
pub(super) fn constrains_names(certificate: &TbsCertificate) -> bool {
    has::<NameConstraints>(certificate)
}

/// Whether it may sign lists of revoked certificates.
pub(super) fn may_sign_lists(certificate: &TbsCertificate) -> bool {
    key_usage(certificate).is_ok_and(|usage| usage.is_none_or(|usage| usage.crl_sign()))
}

/// Whether a server's certificate has a name with a wildcard.
pub(super) fn has_wildcard(leaf: &TbsCertificate) -> bool {
    dns_names(leaf).iter().any(|name| name.starts_with('*'))
}

/// Whether one of its names is `host`, letter by letter: no wildcard is needed.
pub(super) fn names_exactly(leaf: &TbsCertificate, host: &str) -> bool {
    dns_names(leaf).iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// Whether it says that it signed itself.
pub(super) fn is_self_issued(certificate: &TbsCertificate) -> bool {
    certificate.issuer() == certificate.subject()
}

/// When it is valid, in seconds since 1970 UTC, both inclusive.
pub(super) fn valid_s(certificate: &TbsCertificate) -> (u64, u64) {
    let validity = certificate.validity();
    (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs())
}

/// The names of a server's certificate that passed its check.
fn dns_names(leaf: &TbsCertificate) -> Vec<String> {
    let names = find::<SubjectAltName>(leaf, "").ok().flatten().map_or_else(Vec::new, |(_, names)| names.0);
    let dns = names.into_iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        _ => None,
    });
    dns.collect()
}

/// An extension and whether it is critical; `wrong` where it isn't what its name says.
fn find<T>(certificate: &TbsCertificate, wrong: Flaw) -> Result<Option<(bool, T)>, Flaw>
where
    T: for<'a> Decode<'a> + AssociatedOid,
{
    certificate.get_extension().map_err(|_| wrong)
}

fn has<T: AssociatedOid>(certificate: &TbsCertificate) -> bool {
    extensions(certificate).iter().any(|extension| extension.extn_id == T::OID)
}

fn extensions(certificate: &TbsCertificate) -> &[Extension] {
    certificate.extensions().map_or(&[], Vec::as_slice)
}

/// What every certificate must be.
fn check_any(certificate: &Certificate) -> Result<(), Flaw> {
    let body = certificate.tbs_certificate();
    let serial = body.serial_number().as_bytes();
    let is_positive =
        serial.first().is_some_and(|first| *first < 0x80) && serial.iter().any(|byte| *byte != 0);
    if !is_positive || serial.len() > SERIAL_BYTES_MAX {
        return Err("has no positive serial number of at most 20 bytes");
    }
    if body.signature() != certificate.signature_algorithm() {
        return Err("names two algorithms of its signature");
    }
    if body.issuer().is_empty() {
        return Err("has an empty issuer");
    }
    for (index, extension) in extensions(body).iter().enumerate() {
        let mut earlier = extensions(body).iter().take(index);
        if earlier.any(|earlier| earlier.extn_id == extension.extn_id) {
            return Err("has an extension twice");
        }
        if extension.critical && !UNDERSTOOD.contains(&extension.extn_id) {
            return Err("has a critical extension that is not understood");
        }
        if extension.extn_id == PolicyConstraints::OID && !extension.critical {
            return Err("has policy constraints that are not critical");
        }
    }
    let access = find::<AuthorityInfoAccessSyntax>(body, ACCESS_WRONG)?;
    if access.is_some_and(|(_, access)| access.0.is_empty()) {
        return Err(ACCESS_WRONG);
    }
    check_key(body.subject_public_key_info())
}

const ACCESS_WRONG: Flaw = "has a malformed authority information access";

/// What every certificate must be that signs others.
fn check_authority(authority: &TbsCertificate) -> Result<(), Flaw> {
    if authority.subject().is_empty() {
        return Err("is an authority's without a name");
    }
    if basic_constraints(authority)?.ok_or("has no basic constraints")? != (true, true) {
        return Err("has no critical basic constraints that make it an authority's");
    }
    if key_usage(authority)?.is_some_and(|usage| !usage.key_cert_sign()) {
        return Err("is an authority's and may not sign certificates");
    }
    if !has::<SubjectKeyIdentifier>(authority) {
        return Err("has no subject key identifier");
    }
    names::check_constraints(authority)
}

fn check_authority_key(certificate: &TbsCertificate) -> Result<(), Flaw> {
    let id = find::<AuthorityKeyIdentifier>(certificate, KEY_ID_WRONG)?;
    key_id(id.ok_or("has no authority key identifier")?.1).map(drop)
}

const KEY_ID_WRONG: Flaw = "has an authority key identifier that is more or less than a key's";

/// The key that an authority key identifier names; nothing but the key may be in it.
fn key_id(id: AuthorityKeyIdentifier) -> Result<OctetString, Flaw> {
    match id {
        AuthorityKeyIdentifier {
            key_identifier: Some(key),
            authority_cert_issuer: None,
            authority_cert_serial_number: None,
        } => Ok(key),
        _ => Err(KEY_ID_WRONG),
    }
}

/// Whether they are critical, and make it an authority's.
fn basic_constraints(certificate: &TbsCertificate) -> Result<Option<(bool, bool)>, Flaw> {
    const WRONG: Flaw = "has malformed basic constraints";
    match find::<BasicConstraints>(certificate, WRONG)? {
        Some((_, BasicConstraints { ca: false, path_len_constraint: Some(_) })) => Err(WRONG),
        found => Ok(found.map(|(is_critical, constraints)| (is_critical, constraints.ca))),
    }
}

fn key_usage(certificate: &TbsCertificate) -> Result<Option<KeyUsage>, Flaw> {
    Ok(find::<KeyUsage>(certificate, "has a malformed key usage")?.map(|(_, usage)| usage))
}

fn check_server_usage(leaf: &TbsCertificate) -> Result<(), Flaw> {
    const NONE: Flaw = "has no extended key usage for servers";
    let usages = find::<ExtendedKeyUsage>(leaf, "has a malformed extended key usage")?;
    let usages = usages.ok_or(NONE)?.1.0;
    if usages.contains(&rfc5280::ANY_EXTENDED_KEY_USAGE) {
        return Err("may be used for anything");
    }
    if usages.contains(&rfc5280::ID_KP_SERVER_AUTH) { Ok(()) } else { Err(NONE) }
}

/// RSA of at least 2048 bits in whole bytes, P-256, P-384 or Ed25519.
fn check_key(key: &SubjectPublicKeyInfoOwned) -> Result<(), Flaw> {
    const WRONG: Flaw = "has a malformed key";
    match key.algorithm.oid {
        rfc5912::RSA_ENCRYPTION => {
            let bits = rsa_bits(key.subject_public_key.as_bytes().ok_or(WRONG)?).map_err(|_| WRONG)?;
            if bits < RSA_BITS_MIN || !bits.is_multiple_of(8) {
                return Err("has an RSA key of less than 2048 bits, or not of whole bytes");
            }
            Ok(())
        }
        rfc5912::ID_EC_PUBLIC_KEY => match key.algorithm.parameters.as_ref().map(Any::decode_as) {
            Some(Ok(rfc5912::SECP_256_R_1 | rfc5912::SECP_384_R_1)) => Ok(()),
            _ => Err("has a key on another curve than P-256 and P-384"),
        },
        rfc8410::ID_ED_25519 => Ok(()),
        _ => Err("has a key that is neither RSA, ECDSA nor Ed25519"),
    }
}

/// Bits of the modulus of an RSA key (RFC 8017, A.1.1).
fn rsa_bits(key: &[u8]) -> der::Result<usize> {
    let mut reader = SliceReader::new(key)?;
    let modulus = reader.sequence(|numbers| {
        let (modulus, _exponent) = (UintRef::decode(numbers)?, UintRef::decode(numbers)?);
        Ok::<_, der::Error>(modulus)
    })?;
    let zeros = modulus.as_bytes().first().map_or(0, |first| first.leading_zeros() as usize);
    Ok(modulus.as_bytes().len() * 8 - zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(bytes in proptest::collection::vec(0_u8.., 0..300)) {
            let certificate = read(&CertificateDer::from(bytes.as_slice()));
            let _ = (certificate.map(|one| check_leaf(&one)), check_crl(&bytes), rsa_bits(&bytes));
        }

        #[test]
        fn a_certificate_with_a_byte_changed_ends_without_a_panic(at in 0_usize..10_000, byte: u8) {
            use rustls::pki_types::pem::PemObject as _;
            let der = CertificateDer::from_pem_slice(include_bytes!("tests/openssl.pem")).unwrap();
            let mut bytes = der.to_vec();
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(one) = read(&CertificateDer::from(bytes)) {
                let _ = (check_leaf(&one), check_root(&one), check_intermediate(&one));
                let body = one.tbs_certificate();
                let _ = (has_wildcard(body), names_exactly(body, "a.example"), may_sign_lists(body), valid_s(body));
            }
        }
    }
}
