//! Whom a host is trusted by: Mozilla's roots, a file of the board's own, or both.

use std::{fs::File, io::Read as _, path::Path};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, pem::PemObject as _};
use webpki::{CertRevocationList, OwnedCertRevocationList, anchor_from_trusted_cert};

use super::profile;

/// Bytes of a file of certificates or of a list of revoked ones.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A root.
pub(super) struct Root {
    pub(super) anchor: TrustAnchor<'static>,
    /// When it is valid, in seconds since 1970 UTC; Mozilla's come without.
    pub(super) valid_s: Option<(u64, u64)>,
    pub(super) constrains_names: bool,
    pub(super) may_sign_lists: bool,
}

/// Roots, lists of revoked certificates, and whether a wildcard will do.
#[derive(Default)]
pub(crate) struct Roots {
    pub(super) all: Vec<Root>,
    /// Certificates of the board's file that are no roots, and why.
    pub(super) left_out: Vec<String>,
    pub(super) revoked: Vec<CertRevocationList<'static>>,
    pub(super) wildcard: bool,
}

impl Roots {
    /// Adds the roots that Mozilla trusts, as of the build.
    pub(crate) fn with_mozilla(mut self) -> Self {
        self.all.extend(webpki_roots::TLS_SERVER_ROOTS.iter().map(|anchor| Root {
            anchor: anchor.clone(),
            valid_s: None,
            constrains_names: anchor.name_constraints.is_some(),
            may_sign_lists: true,
        }));
        self
    }

    /// Takes names with a wildcard, too. Who it is that may have one for a whole zone is not known here:
    /// the board file vouches for it.
    pub(crate) fn with_wildcard(mut self, wildcard: bool) -> Self {
        self.wildcard = wildcard;
        self
    }

    /// Adds the certificates of a PEM file. One that is no root is left out, and named when a host can't
    /// be verified.
    ///
    /// # Errors
    ///
    /// Why the file is of no use.
    pub(crate) fn with_file(self, path: &Path) -> Result<Self, String> {
        let text = read(path)?;
        self.with_pem(&text).map_err(|why| format!("{} {why}", path.display()))
    }

    pub(super) fn with_pem(mut self, text: &[u8]) -> Result<Self, String> {
        let before = self.all.len();
        for (index, certificate) in CertificateDer::pem_slice_iter(text).enumerate() {
            let certificate =
                certificate.map_err(|error| format!("is no PEM file of certificates: {error}"))?;
            match root(&certificate) {
                Ok(root) => self.all.push(root),
                Err(why) => self.left_out.push(format!("certificate {} {why}", index + 1)),
            }
        }
        if self.all.len() == before {
            let why = self.left_out.first().map_or("has no certificate", String::as_str);
            return Err(format!("holds no root: {why}"));
        }
        Ok(self)
    }

    /// Adds the lists of revoked certificates of a PEM file. With one, every certificate below its
    /// authority is looked up, and one whose list has expired is refused.
    ///
    /// # Errors
    ///
    /// Why the file is of no use.
    pub(crate) fn with_revoked_file(self, path: &Path) -> Result<Self, String> {
        let text = read(path)?;
        self.with_revoked_pem(&text).map_err(|why| format!("{} {why}", path.display()))
    }

    pub(super) fn with_revoked_pem(mut self, text: &[u8]) -> Result<Self, String> {
        for list in CertificateRevocationListDer::pem_slice_iter(text) {
            let list = list.map_err(|error| format!("is no PEM file of revoked certificates: {error}"))?;
            profile::check_crl(&list).map_err(str::to_owned)?;
            let list = OwnedCertRevocationList::from_der(&list)
                .map_err(|error| format!("is no list of revoked certificates: {error}"))?;
            self.revoked.push(list.into());
        }
        if self.revoked.is_empty() { Err("has no list of revoked certificates".into()) } else { Ok(self) }
    }
}

fn root(der: &CertificateDer<'_>) -> Result<Root, &'static str> {
    let certificate = profile::read(der)?;
    profile::check_root(&certificate)?;
    let certificate = certificate.tbs_certificate();
    let anchor = anchor_from_trusted_cert(der).map_err(|_| "is malformed")?.to_owned();
    Ok(Root {
        anchor,
        valid_s: Some(profile::valid_s(certificate)),
        constrains_names: profile::constrains_names(certificate),
        may_sign_lists: profile::may_sign_lists(certificate),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{} can't be read: {error}", path.display());
    let mut text = Vec::new();
    File::open(path).map_err(failed)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("{} has more than {FILE_BYTES_MAX} bytes", path.display()));
    }
    Ok(text)
}
