//! Which servers are believed: chains of our own, and the whole of x509-limbo where the shared data is
//! there.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, SanType,
};
use rustls::{
    CertificateError,
    client::danger::ServerCertVerifier as _,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use serde::Deserialize;
use x509_cert::der::DateTime;

use super::{
    client::explain,
    roots::Roots,
    time::{TrustedTime, built_s},
    verifier::Verifier,
};
use crate::rehearsal::{Authority, Leaf, TestClock, base64};

const HOST: &str = "api.example.com";

fn verify(roots: Roots, unix_s: Option<u64>, leaf: &Leaf, host: &str) -> Result<(), String> {
    let time = Arc::new(TrustedTime::new(TestClock::at(unix_s), None));
    let verifier = Verifier::new(roots, time, ring::default_provider().signature_verification_algorithms);
    told(&verifier, &leaf.certificate, &[], host)
}

fn told(
    verifier: &Verifier,
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    host: &str,
) -> Result<(), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "no name that a certificate can have")?;
    // The time that rustls was given plays no part.
    let wrong_time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(5));
    let taken = verifier.verify_server_cert(leaf, others, &name, &[], wrong_time);
    taken.map(drop).map_err(|error| explain(&std::io::Error::other(error), host))
}

fn trusting(authority: &Authority) -> Roots {
    Roots::default().with_pem(authority.pem().as_bytes()).unwrap()
}

#[test]
fn a_right_chain_is_taken_and_one_that_is_wrong_in_one_way_is_not() {
    let authority = Authority::new();
    let now = Some(built_s());
    let issued = |change: fn(&mut CertificateParams)| {
        verify(trusting(&authority), now, &authority.issue(&[HOST], change), HOST)
    };
    assert_eq!(issued(|_| {}), Ok(()));
    for (change, words) in [
        (
            (|params| params.use_authority_key_identifier_extension = false) as fn(&mut CertificateParams),
            "has no authority key identifier",
        ),
        (|params| params.extended_key_usages.clear(), "has no extended key usage for servers"),
        (
            |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            "has no extended key usage for servers",
        ),
        (|params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::Any), "may be used for anything"),
        (
            |params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
            "is an authority's, not a server's",
        ),
        (|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign], "may sign certificates"),
        (|params| params.subject_alt_names.clear(), "has no alternative names"),
        (
            |params| params.subject_alt_names = vec![SanType::Rfc822Name("a@b.example".try_into().unwrap())],
            "other than DNS names",
        ),
        (
            |params| params.subject_alt_names = vec![SanType::DnsName("a_b.example.com".try_into().unwrap())],
            "that is no DNS name",
        ),
        (
            |params| params.distinguished_name.push(DnType::CommonName, "other.example.com"),
            "has a common name that is none",
        ),
        (
            |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1),
            "its certificate has expired: it must be renewed there",
        ),
        (
            |params| params.not_before = rcgen::date_time_ymd(2060, 1, 1),
            "is not valid yet: check the board's clock",
        ),
        (|params| params.serial_number = Some(vec![0].into()), "serial number"),
    ] {
        let told = issued(change).unwrap_err();
        assert!(told.contains(words), "{words}: {told}");
    }
    let other = Authority::new();
    let told = verify(trusting(&other), now, &authority.issue(&[HOST], |_| {}), HOST).unwrap_err();
    assert!(told.contains("leads to no trusted root: name the right one with `ca`"), "{told}");
    let told =
        verify(trusting(&authority), now, &authority.issue(&["b.example.com"], |_| {}), HOST).unwrap_err();
    assert_eq!(told, "its certificate is for other names");
}

#[test]
fn a_wildcard_needs_the_board_file_s_word() {
    let authority = Authority::new();
    let leaf = authority.issue(&["*.example.com"], |_| {});
    let told = verify(trusting(&authority), Some(built_s()), &leaf, HOST).unwrap_err();
    assert!(told.contains("say `wildcard = true` in [network.host.\"api.example.com\"]"), "{told}");
    let roots = trusting(&authority).with_wildcard(true);
    assert_eq!(verify(roots, Some(built_s()), &leaf, HOST), Ok(()));
    // Beside the very name, it is of no importance.
    let both = authority.issue(&["*.example.com", HOST], |_| {});
    assert_eq!(verify(trusting(&authority), Some(built_s()), &both, HOST), Ok(()));
}

#[test]
fn limits_on_names_hold_and_leave_no_room_for_a_wildcard() {
    let authority = Authority::with(|params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("example.com".into())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    });
    let told = |name: &str, host: &str| {
        let roots = trusting(&authority).with_wildcard(true);
        verify(roots, Some(built_s()), &authority.issue(&[name], |_| {}), host)
    };
    assert_eq!(told(HOST, HOST), Ok(()));
    assert!(told("api.example.org", "api.example.org").is_err());
    let wildcard = told("*.example.com", HOST).unwrap_err();
    assert!(wildcard.contains("a wildcard below an authority that limits names"), "{wildcard}");
}

#[test]
fn a_list_of_revoked_certificates_is_asked_as_long_as_it_is_valid() {
    let (authority, other) = (
        Authority::new(),
        Authority::with(|params| {
            params.distinguished_name.push(DnType::CommonName, "Another authority");
        }),
    );
    let leaf = |serial: u64| authority.issue(&[HOST], |params| params.serial_number = Some(serial.into()));
    let told = |list: &str, serial: u64| {
        let roots = trusting(&authority).with_revoked_pem(list.as_bytes()).unwrap();
        verify(roots, Some(built_s()), &leaf(serial), HOST)
    };
    let list = authority.revoking(&[7, 9], 2090);
    assert_eq!(told(&list, 8), Ok(()));
    assert_eq!(told(&list, 9).unwrap_err(), "its certificate was revoked");
    let expired = authority.revoking(&[7, 9], 2021);
    for serial in [8, 9] {
        let told = told(&expired, serial).unwrap_err();
        assert!(told.contains("has expired: put a newer one into the `crl` file"), "{told}");
    }
    // What another authority says counts for none of these.
    let told = told(&other.revoking(&[8], 2090), 8).unwrap_err();
    assert!(told.contains("add that authority's list"), "{told}");
}

#[test]
fn without_the_right_time_nobody_is_believed() {
    let authority = Authority::new();
    let leaf = authority.issue(&[HOST], |_| {});
    for unix_s in [None, Some(0), Some(built_s() - 1)] {
        let told = verify(trusting(&authority), unix_s, &leaf, HOST).unwrap_err();
        assert!(told.starts_with("the board's clock is not set"), "{told}");
    }
}

#[test]
fn a_root_is_believed_as_long_as_it_is_valid() {
    let now = Some(built_s());
    let told = |change: fn(&mut CertificateParams)| {
        let authority = Authority::with(change);
        verify(trusting(&authority), now, &authority.issue(&[HOST], |_| {}), HOST)
    };
    assert_eq!(told(|_| {}), Ok(()));
    for change in [
        (|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)) as fn(&mut CertificateParams),
        |params| params.not_before = rcgen::date_time_ymd(2060, 1, 1),
    ] {
        let told = told(change).unwrap_err();
        assert!(told.contains("leads to no trusted root"), "{told}");
    }
}

#[test]
fn a_file_without_a_root_is_no_ca_file() {
    let authority = Authority::new();
    let told = |pem: &str| Roots::default().with_pem(pem.as_bytes()).err().unwrap_or_default();
    assert_eq!(told("nothing"), "holds no root: has no certificate");
    let leaf = authority.issue(&[HOST], |_| {});
    let leaf = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64(&leaf.certificate, false)
    );
    assert_eq!(told(&leaf), "holds no root: certificate 1 has no basic constraints");
    // Beside a root it is left out.
    let both = Roots::default().with_pem(format!("{leaf}{}", authority.pem()).as_bytes()).unwrap();
    assert_eq!((both.all.len(), both.left_out.len()), (1, 1));
    assert!(Roots::default().with_mozilla().all.len() > 100);
}

#[test]
fn certificates_made_as_the_page_says_are_taken() {
    // A server's certificate and its authority's, by the lines in docs/network.md; valid for a century.
    let pem = include_bytes!("tests/openssl.pem");
    let leaf = CertificateDer::from_pem_slice(pem).unwrap();
    // The first is no root, and left out.
    let roots = Roots::default().with_pem(pem).unwrap();
    assert_eq!((roots.all.len(), roots.left_out.len()), (1, 1));
    let time = Arc::new(TrustedTime::new(TestClock::at(Some(built_s() + 7 * 86_400)), None));
    let verifier = Verifier::new(roots, time, ring::default_provider().signature_verification_algorithms);
    assert_eq!(told(&verifier, &leaf, &[], "controller.lan"), Ok(()));
}

/// One case of x509-limbo.
#[derive(Deserialize)]
struct Case {
    id: String,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
    max_chain_depth: Option<usize>,
    crls: Vec<String>,
}

#[derive(Deserialize)]
struct PeerName {
    value: String,
}

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

impl Case {
    /// Whether the verifier that ships takes the server.
    fn verify(&self) -> Result<(), String> {
        // As in a file: one that is no root is left out beside others.
        let file = self.trusted_certs.join("\n");
        let mut roots =
            Roots::default().with_pem(file.as_bytes()).map_err(|why| format!("the ca file {why}"))?;
        for list in &self.crls {
            roots = roots.with_revoked_pem(list.as_bytes()).map_err(|why| format!("the crl file {why}"))?;
        }
        let der =
            |pem: &String| CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string());
        let leaf = der(&self.peer_certificate)?;
        let others = self.untrusted_intermediates.iter().map(der).collect::<Result<Vec<_>, _>>()?;
        let now_s = self.validation_time.as_deref().map_or(built_s(), seconds);
        let time = Arc::new(TrustedTime::without_bound(TestClock::at(Some(now_s))));
        let algorithms = ring::default_provider().signature_verification_algorithms;
        let mut verifier = Verifier::new(roots, time, algorithms);
        if let Some(depth) = self.max_chain_depth {
            verifier = verifier.with_intermediates_max(depth);
        }
        let name = self.expected_peer_name.as_ref().map_or("", |name| name.value.as_str());
        told(&verifier, &leaf, &others, name)
    }
}

/// `2024-01-01T00:00:00+00:00`, with a fraction or without.
fn seconds(text: &str) -> u64 {
    let time: DateTime = format!("{}Z", &text[..19]).parse().unwrap();
    time.unix_duration().as_secs()
}

#[test]
fn no_chain_of_limbo_is_taken_that_must_not_be() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tls/limbo.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("{} is not there: only the chains of our own were tried", path.display());
        return;
    };
    let suite: Suite = serde_json::from_str(&text).unwrap();
    let (mut right, mut skipped, mut accepts) = ([0, 0], Vec::new(), Vec::new());
    let mut rejects: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for case in &suite.testcases {
        if case.validation_kind != "SERVER" {
            skipped.push(case.id.as_str());
            continue;
        }
        match (case.verify(), case.expected_result.as_str()) {
            (Ok(()), "SUCCESS") => right[0] += 1,
            (Err(_), "FAILURE") => right[1] += 1,
            (Ok(()), _) => accepts.push(case.id.as_str()),
            (Err(why), _) => rejects.entry(why).or_default().push(&case.id),
        }
    }
    let count = suite.testcases.len();
    println!(
        "limbo: {count} cases, {} taken and {} refused as they must be, {} false accepts, {} false rejects, {} are about clients: {skipped:?}",
        right[0],
        right[1],
        accepts.len(),
        rejects.values().map(Vec::len).sum::<usize>(),
        skipped.len()
    );
    for (why, ids) in &rejects {
        println!("  refused although it need not be: {why}: {}", ids.join(", "));
    }
    assert_eq!(accepts, Vec::<&str>::new());
    assert!(right[0] >= 15 && right[1] > 100, "{right:?}");
}

#[test]
fn errors_that_are_no_certificate_s_are_told_as_they_are() {
    let broken = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "eof");
    assert_eq!(explain(&broken, HOST), "the TLS handshake broke off: eof");
    let revoked = std::io::Error::other(rustls::Error::InvalidCertificate(CertificateError::Revoked));
    assert_eq!(explain(&revoked, HOST), "its certificate was revoked");
    let clock = std::io::Error::other(rustls::Error::FailedToGetCurrentTime);
    assert!(explain(&clock, HOST).contains("clock is not set"));
}
