//! Makes the tools of one broker.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use everstep_tool::Tool;
use rustls::ClientConfig;
use tokio::sync::Mutex;

use super::{
    broker::Broker,
    latest::Latest,
    probe::Probe,
    publish::Publish,
    section::{MqttSection, secret_name, wire_qos},
    wait::Wait,
    watch::Watch,
};
use crate::{http::Shared, section::Wrong, tls::with_certificate, url::Url};

/// The tools of a checked section.
///
/// # Errors
///
/// The key, seen from the section, and what is wrong.
pub(crate) fn tools(
    section: &MqttSection,
    folder: &Path,
    shared: &Arc<Shared>,
) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    let url = Url::broker(&section.broker).map_err(|why| ("broker".to_owned(), why))?;
    for (key, secret) in section.secrets() {
        if !shared.vault.has(secret) {
            return Err((key.to_owned(), format!("there is no secret `{secret}`: name it in [secret]")));
        }
    }
    let config = config(section, &url, folder, shared)?;
    let broker = Arc::new(Broker {
        section: section.clone(),
        url,
        shared: Arc::clone(shared),
        config,
        publishing: Mutex::default(),
        reading: Mutex::default(),
    });
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
    for (name, publish) in &section.publish {
        let probe = publish.probe.as_ref();
        let probe = probe.and_then(|probe| Some(Probe::new(section.latest.get(&probe.latest)?, probe)));
        tools.push(Arc::new(Publish::new(name, publish, &broker, probe)));
    }
    let latest = section.latest.values().map(|one| (one.filter.clone(), wire_qos(one.qos)));
    let wait = section.wait.values().map(|one| (one.filter.clone(), wire_qos(one.qos)));
    let watch = Arc::new(Watch::new(&broker, latest.chain(wait).collect()));
    let latest =
        names(&section.latest).map(|(index, name, one)| Arc::new(Latest::new(name, one, &watch, index)) as _);
    tools.extend(latest);
    let before = section.latest.len();
    let wait = names(&section.wait)
        .map(|(index, name, one)| Arc::new(Wait::new(name, one, &watch, before + index)) as _);
    tools.extend(wait);
    Ok(tools)
}

fn names<T>(sections: &BTreeMap<String, T>) -> impl Iterator<Item = (usize, &str, &T)> {
    sections.iter().enumerate().map(|(index, (name, section))| (index, name.as_str(), section))
}

/// What TLS is spoken with: the host's trust, and the board's own certificate.
fn config(
    section: &MqttSection,
    url: &Url,
    folder: &Path,
    shared: &Shared,
) -> Result<Option<Arc<ClientConfig>>, Wrong> {
    if !url.https {
        return Ok(None);
    }
    let config = shared.trusts.config(&url.device());
    let (Some(certificate), Some(secret)) =
        (&section.certificate, section.key.as_deref().and_then(secret_name))
    else {
        return Ok(Some(config));
    };
    let path = folder.join(certificate);
    let pem = fs::read(&path)
        .map_err(|error| ("certificate".to_owned(), format!("{} can't be read: {error}", path.display())))?;
    let key = shared.vault.get(secret).unwrap_or_default();
    with_certificate(&config, &pem, key.as_bytes()).map(Some).map_err(|(key, why)| match key {
        "certificate" => (key.to_owned(), format!("{} {why}", path.display())),
        key => (key.to_owned(), format!("the secret `{secret}` {why}")),
    })
}
