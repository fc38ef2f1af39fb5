//! Makes the tools of all endpoints: a probe is an endpoint of its own.

use std::{collections::BTreeMap, sync::Arc};

use everstep_core::Class;
use everstep_tool::Tool;

use super::{
    endpoint::{Endpoint, Shared},
    section::HttpSection,
};
use crate::{section::Wrong, url::Url};

/// The tools of checked sections.
///
/// # Errors
///
/// The key, seen from `[network.http]`, and what is wrong.
pub(crate) fn tools(
    sections: &BTreeMap<String, HttpSection>,
    shared: &Arc<Shared>,
) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    let mut endpoints: BTreeMap<&str, Arc<Endpoint>> = BTreeMap::new();
    // Those that are probes come first; a probe has none of its own.
    let (probing, plain): (Vec<_>, Vec<_>) =
        sections.iter().partition(|(_, section)| section.probe.is_some());
    for (name, section) in plain.into_iter().chain(probing) {
        let wrong = |key: &str, why: String| (format!("{name}.{key}"), why);
        let url = Url::new(&section.url).map_err(|why| wrong("url", why))?;
        if let Some(secret) = section.secret()
            && !shared.vault.has(secret)
        {
            return Err(wrong(
                "secret_header",
                format!("there is no secret `{secret}`: name it in [secret]"),
            ));
        }
        let mut endpoint = Endpoint::new(name, section, &url, shared);
        if let Some(probe) = &section.probe {
            let found = endpoints.get(probe.endpoint.as_str());
            let found = found.filter(|found| found.spec().class == Class::Observe);
            let found = found.ok_or_else(|| {
                wrong(
                    "probe",
                    format!("there is no endpoint `{}` that only reads", probe.endpoint.escape_debug()),
                )
            })?;
            let missing = found.parameters().iter().find(|one| {
                !one.optional && !section.parameters.iter().any(|own| own.name == one.name && !own.optional)
            });
            if let Some(missing) = missing {
                return Err(wrong(
                    "probe",
                    format!(
                        "`{}` needs `{}`, which is none of the parameters here",
                        probe.endpoint, missing.name
                    ),
                ));
            }
            endpoint = endpoint.with_probe(Arc::clone(found), probe);
        }
        endpoints.insert(name, Arc::new(endpoint));
    }
    Ok(endpoints.into_values().map(|endpoint| endpoint as Arc<dyn Tool>).collect())
}
