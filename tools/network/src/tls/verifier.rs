//! Verifies a server: webpki builds the path, and every certificate of it must keep the profile.

use std::{cell::RefCell, fmt, sync::Arc, time::Duration};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime},
};
use webpki::{EndEntityCert, ExpirationPolicy, KeyUsage, RevocationOptionsBuilder, VerifiedPath};
use x509_cert::TbsCertificate;

use super::{
    profile::{self, Flaw},
    roots::{Root, Roots},
    time::TrustedTime,
};

/// Certificates that a server may send beside its own. Self-signed loops and long detours are cut here.
const INTERMEDIATES_MAX: usize = 8;

/// Decides whether a server is who its name says.
pub(crate) struct Verifier {
    trust: Roots,
    time: Arc<TrustedTime>,
    algorithms: WebPkiSupportedAlgorithms,
    intermediates_max: usize,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Verifier").field("roots", &self.trust.all.len()).finish_non_exhaustive()
    }
}

/// A server's certificate isn't taken, for a reason that rustls has no name for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotTaken(pub(super) String);

impl Verifier {
    pub(super) fn new(trust: Roots, time: Arc<TrustedTime>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { trust, time, algorithms, intermediates_max: INTERMEDIATES_MAX }
    }

    /// Takes fewer certificates beside a server's own.
    #[cfg(test)]
    pub(super) fn with_intermediates_max(mut self, intermediates_max: usize) -> Self {
        self.intermediates_max = intermediates_max;
        self
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        // Whatever clock the connection was given, only this one counts.
        let now_s = self.time.now().map_err(|error| not_taken(error.to_string()))?;
        let parsed = profile::read(leaf).map_err(flawed)?;
        profile::check_leaf(&parsed).map_err(flawed)?;
        let parsed = parsed.tbs_certificate();
        let certificate = EndEntityCert::try_from(leaf).map_err(translated)?;
        certificate.verify_is_valid_for_subject_name(name).map_err(translated)?;
        self.check_wildcard(parsed, name)?;
        self.check_path(&certificate, profile::has_wildcard(parsed), intermediates, now_s)
    }

    /// A wildcard stands for every host of a zone, and whose zone that is, is not known here.
    fn check_wildcard(&self, leaf: &TbsCertificate, name: &ServerName<'_>) -> Result<(), Error> {
        let ServerName::DnsName(host) = name else { return Ok(()) };
        if self.trust.wildcard || profile::names_exactly(leaf, host.as_ref()) {
            return Ok(());
        }
        Err(not_taken(format!(
            "its certificate is for a whole zone: say `wildcard = true` in [network.host.\"{}\"] if all of it is one owner's",
            host.as_ref()
        )))
    }

    fn check_path(
        &self,
        certificate: &EndEntityCert<'_>,
        wildcard: bool,
        intermediates: &[CertificateDer<'_>],
        now_s: u64,
    ) -> Result<(), Error> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_s));
        let anchors = self.anchors_at(now_s);
        let lists: Vec<_> = self.trust.revoked.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists)
            .ok()
            .map(|options| options.with_expiration_policy(ExpirationPolicy::Enforce).build());
        // Among several paths the first that keeps all rules will do; the last flaw is told otherwise.
        let flaw = RefCell::new(None);
        let keeps_rules = |path: &VerifiedPath<'_>| {
            self.check_authorities(path, wildcard).map_err(|found| {
                flaw.replace(Some(found));
                webpki::Error::ExtensionValueInvalid
            })
        };
        let verified = certificate.verify_for_usage(
            self.algorithms.all,
            &anchors,
            intermediates,
            now,
            KeyUsage::server_auth(),
            revocation,
            Some(&keeps_rules),
        );
        match (verified, flaw.take()) {
            (Ok(_), _) => Ok(()),
            (Err(_), Some(flaw)) => Err(flawed(flaw)),
            (Err(webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey), None) => {
                Err(self.unknown_issuer())
            }
            (Err(error), None) => Err(translated(error)),
        }
    }

    fn anchors_at(&self, now_s: u64) -> Vec<TrustAnchor<'static>> {
        let is_valid =
            |root: &&Root| root.valid_s.is_none_or(|(from_s, to_s)| (from_s..=to_s).contains(&now_s));
        self.trust.all.iter().filter(is_valid).map(|root| root.anchor.clone()).collect()
    }

    fn check_authorities(&self, path: &VerifiedPath<'_>, wildcard: bool) -> Result<(), Flaw> {
        let mut roots = self.trust.all.iter();
        let root = roots.find(|root| {
            root.anchor.subject == path.anchor().subject
                && root.anchor.subject_public_key_info == path.anchor().subject_public_key_info
        });
        let root = root.ok_or("leads to no root of these")?;
        let (mut constrains_names, mut may_sign_lists) = (root.constrains_names, root.may_sign_lists);
        let mut count = 0;
        for authority in path.intermediate_certificates() {
            let der = authority.der();
            let authority = profile::read(&der)?;
            profile::check_intermediate(&authority)?;
            let authority = authority.tbs_certificate();
            constrains_names |= profile::constrains_names(authority);
            may_sign_lists &= profile::may_sign_lists(authority);
            count += usize::from(!profile::is_self_issued(authority));
        }
        if !self.trust.revoked.is_empty() && !may_sign_lists {
            return Err("is an authority's and may not sign lists of revoked certificates");
        }
        if count > self.intermediates_max {
            return Err("has too many authorities between it and a root");
        }
        if wildcard && constrains_names {
            return Err("has a name with a wildcard below an authority that limits names");
        }
        Ok(())
    }

    fn unknown_issuer(&self) -> Error {
        match self.trust.left_out.first() {
            Some(why) => {
                not_taken(format!("its certificate leads to no trusted root; of the `ca` file, {why}"))
            }
            None => CertificateError::UnknownIssuer.into(),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, server_name).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn flawed(flaw: Flaw) -> Error {
    not_taken(format!("a certificate of its chain {flaw}"))
}

fn not_taken(why: String) -> Error {
    CertificateError::Other(OtherError(Arc::new(NotTaken(why)))).into()
}

/// The words of rustls where it has one; the rest are told as webpki says them.
fn translated(error: webpki::Error) -> Error {
    use webpki::Error as E;
    match error {
        E::CertExpired { .. } | E::InvalidCertValidity => CertificateError::Expired.into(),
        E::CertNotValidYet { .. } => CertificateError::NotValidYet.into(),
        E::CertNotValidForName(_) => CertificateError::NotValidForName.into(),
        E::CertRevoked => CertificateError::Revoked.into(),
        E::CrlExpired { .. } => not_taken(
            "the list of revoked certificates has expired: put a newer one into the `crl` file".into(),
        ),
        E::UnknownRevocationStatus => not_taken(
            "no list in the `crl` file is of its certificate's authority: add that authority's list".into(),
        ),
        E::UnknownIssuer => CertificateError::UnknownIssuer.into(),
        E::BadDer | E::BadDerTime => CertificateError::BadEncoding.into(),
        other => not_taken(format!("its certificate is refused: {other}")),
    }
}
