//! One broker, as the board file has it.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::Mutex;

use super::{
    link::Purpose,
    packet::Refused,
    section::{MqttSection, secret_name},
};
use crate::{address::Reach, http::Shared, url::Url};

/// A broker, shared by its tools.
pub(super) struct Broker {
    pub(super) section: MqttSection,
    /// `https` where TLS is spoken.
    pub(super) url: Url,
    pub(super) shared: Arc<Shared>,
    /// What TLS is spoken with.
    pub(super) config: Option<Arc<ClientConfig>>,
    /// Who has it publishes. A second connection under the same client id would end the first.
    pub(super) publishing: Mutex<()>,
    /// Who has it reads one value.
    pub(super) reading: Mutex<()>,
}

impl Broker {
    pub(super) fn reach(&self) -> Reach {
        match (self.section.private, self.url.https) {
            (false, _) => Reach::Public,
            (true, true) => Reach::Any,
            (true, false) => Reach::Private,
        }
    }

    pub(super) fn client_id(&self, purpose: Purpose) -> String {
        let own = &self.section.client_id;
        match purpose {
            Purpose::Watch => own.clone(),
            Purpose::Publish => format!("{own}-publish"),
            Purpose::Read => format!("{own}-read"),
        }
    }

    /// User name and password.
    pub(super) fn login(&self) -> Option<(&str, &str)> {
        let name = self.section.username.as_deref();
        let password = self.section.password.as_deref().and_then(secret_name);
        let password = password.and_then(|secret| self.shared.vault.get(secret));
        (name.is_some() || password.is_some()).then(|| (name.unwrap_or(""), password.unwrap_or("")))
    }

    /// Why a sign-on was refused, and what to do.
    pub(super) fn explain(&self, refused: &Refused) -> String {
        let device = self.url.device();
        let why = &refused.why;
        let advice = match (refused.over_login, self.section.password.as_deref().and_then(secret_name)) {
            (true, Some(secret)) => format!(": check `username` and the secret `{secret}`"),
            (true, None) => ": it may want `username` and `password`".into(),
            (false, _) => String::new(),
        };
        format!("{device} refuses the sign-on as `{}`: {why}{advice}", self.section.client_id)
    }
}
