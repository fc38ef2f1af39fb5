//! The client's side of a TLS connection, and its errors in words for a technician.

use std::{io, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, Error,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::{
    roots::Roots,
    time::TrustedTime,
    verifier::{NotTaken, Verifier},
};

/// What a connection to a host trusted by `roots` is made with. Ciphers are ring's.
///
/// # Errors
///
/// Only where the ciphers can't be had.
pub(crate) fn client_config(roots: Roots, time: &Arc<TrustedTime>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(Verifier::new(roots, Arc::clone(time), algorithms));
    let config = ClientConfig::builder_with_details(provider, Arc::<TrustedTime>::clone(time))
        .with_safe_default_protocol_versions();
    let mut config = config
        .map_err(|error| format!("TLS can't be used: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // A resumed session would not look at the certificate again, nor at the clock.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The same, with a certificate of the board's own, which it shows where it is asked for one.
///
/// # Errors
///
/// `certificate` or `key`, and what is wrong with it; the text says nothing of a key's content.
pub(crate) fn with_certificate(
    config: &ClientConfig,
    certificate: &[u8],
    key: &[u8],
) -> Result<Arc<ClientConfig>, (&'static str, String)> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| ("certificate", format!("is no PEM file of certificates: {error}")))?;
    if chain.is_empty() {
        return Err(("certificate", "has no certificate".into()));
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| ("key", "is no private key in PEM".to_owned()))?;
    let both = CertifiedKey::from_der(chain, key, config.crypto_provider());
    let both = both.map_err(|error| match error {
        Error::InconsistentKeys(_) => ("key", "does not belong to the certificate".to_owned()),
        Error::InvalidCertificate(error) => ("certificate", format!("is malformed: {error}")),
        _ => ("key", "is of a kind that can't be used: RSA, ECDSA or Ed25519 in PKCS#8 can".to_owned()),
    })?;
    let mut config = config.clone();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(both));
    Ok(Arc::new(config))
}

/// Why a TLS handshake with `host` failed.
pub(crate) fn explain(error: &io::Error, host: &str) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(error)) => certificate(error, host),
        Some(Error::FailedToGetCurrentTime) => super::time::ClockError::NotSet.to_string(),
        Some(other) => format!("the TLS handshake failed: {other}"),
        None => format!("the TLS handshake broke off: {error}"),
    }
}

fn certificate(error: &CertificateError, host: &str) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: it must be renewed there".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: check the board's clock".into()
        }
        CertificateError::UnknownIssuer => format!(
            "its certificate leads to no trusted root: name the right one with `ca` in [network.host.\"{host}\"]"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for other names".into()
        }
        CertificateError::Revoked => "its certificate was revoked".into(),
        CertificateError::Other(other) => match other.0.downcast_ref::<NotTaken>() {
            Some(NotTaken(why)) => why.clone(),
            None => format!("its certificate is refused: {other}"),
        },
        other => format!("its certificate is refused: {other}"),
    }
}
