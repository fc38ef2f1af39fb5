//! Whom each host is trusted by. Files are read once, at the start.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use rustls::ClientConfig;

use crate::{
    section::{HostSection, Wrong},
    tls::{Roots, TrustedTime, client_config},
};

/// What TLS connections are made with, by host.
pub(crate) struct Trusts {
    /// Hosts with a section of their own, by `host` or `host:port`.
    own: BTreeMap<String, Arc<ClientConfig>>,
    /// All others: Mozilla's roots, no wildcards.
    other: Arc<ClientConfig>,
}

impl Trusts {
    /// Reads what the sections name. `folder` is what relative paths begin at.
    ///
    /// # Errors
    ///
    /// The key, seen from `[network.host]`, and what is wrong.
    pub(crate) fn new(
        sections: &BTreeMap<String, HostSection>,
        folder: &Path,
        time: &Arc<TrustedTime>,
    ) -> Result<Self, Wrong> {
        let mut own = BTreeMap::new();
        for (host, section) in sections {
            let roots = section.trusted(folder).map_err(|(key, why)| (format!("{host}.{key}"), why))?;
            let config = client_config(roots, time).map_err(|why| (host.clone(), why))?;
            own.insert(host.clone(), config);
        }
        let other =
            client_config(Roots::default().with_mozilla(), time).map_err(|why| (String::new(), why))?;
        Ok(Self { own, other })
    }

    /// What a connection to `device`, as `host:port`, is made with.
    pub(crate) fn config(&self, device: &str) -> Arc<ClientConfig> {
        let name = device.rsplit_once(':').map_or(device, |(host, _)| host);
        let found = self.own.get(device).or_else(|| self.own.get(name)).unwrap_or(&self.other);
        Arc::clone(found)
    }
}
