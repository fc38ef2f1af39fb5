//! What is wrong with `[network.mqtt.NAME]`, by key.

use serde_json::Value;

use super::{
    super::{frames::PACKET_BYTES_MAX, topic},
    LatestSection, MqttSection, PublishSection, VersionKind, WaitSection, secret_name,
};
use crate::{
    http::{BodySection, ClassKind, KeepSection, names_in},
    parameter::{self, Kind},
    section::{Wrong, check_range},
    template::Template,
    url::Url,
};

/// Bytes of a client id; each purpose adds a word to it.
const CLIENT_ID_BYTES_MAX: usize = 64;
const USERNAME_BYTES_MAX: usize = 256;
const KEEP_ALIVE_S_MIN: u16 = 5;
const KEEP_ALIVE_S_LIMIT: u16 = 3_600;
/// A year.
const SESSION_S_LIMIT: u32 = 31_536_000;
/// Longest that an acknowledgement or a connection is waited for, in milliseconds.
const ANSWER_MS_LIMIT: u32 = 300_000;
/// Longest that a message is waited for: a tool has ten minutes.
const WAIT_MS_LIMIT: u32 = 590_000;
const SETTLE_MS_LIMIT: u32 = 600_000;
/// Subscriptions of one broker.
const FILTERS_MAX: usize = 32;
/// Bytes of a message that the model reads.
const KEEP_BYTES_MAX: u32 = 60_000;

const _: () =
    assert!((KEEP_BYTES_MAX as usize) < PACKET_BYTES_MAX, "what is read of a message is kept of it");

impl MqttSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let url = Url::broker(&self.broker).map_err(|why| ("broker".to_owned(), why))?;
        if !url.https && !self.private {
            return wrong(
                "broker",
                "mqtt:// is for the local network: use mqtts://, or say `private = true`",
            );
        }
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=CLIENT_ID_BYTES_MAX).contains(&self.client_id.len())
            || !self.client_id.bytes().all(is_letter)
        {
            return wrong(
                "client_id",
                format!("it has 1 to {CLIENT_ID_BYTES_MAX} of a-z, A-Z, 0-9, - and _"),
            );
        }
        check_range("keep_alive_s", self.keep_alive_s, KEEP_ALIVE_S_MIN..=KEEP_ALIVE_S_LIMIT)?;
        match self.session_s {
            Some(1..) if self.version == VersionKind::V3 => {
                return wrong(
                    "session_s",
                    "MQTT 3.1.1 knows no end of a session: leave it out, or say 0 to have none kept",
                );
            }
            Some(session_s) => check_range("session_s", session_s, 0..=SESSION_S_LIMIT)?,
            None => {}
        }
        self.check_login(&url)?;
        if self.publish.is_empty() && self.latest.is_empty() && self.wait.is_empty() {
            return wrong("broker", "no tool uses it: add `publish`, `latest` or `wait`");
        }
        self.check_tools()
    }

    fn check_login(&self, url: &Url) -> Result<(), Wrong> {
        if let Some(name) = &self.username
            && (!(1..=USERNAME_BYTES_MAX).contains(&name.len()) || name.contains(char::is_control))
        {
            return wrong(
                "username",
                format!("it has 1 to {USERNAME_BYTES_MAX} bytes, and no control characters"),
            );
        }
        for (key, value) in [("password", &self.password), ("key", &self.key)] {
            if value.as_deref().is_some_and(|value| secret_name(value).is_none()) {
                return wrong(key, "write `{secret.NAME}`, and the secret itself in [secret]");
            }
        }
        match (&self.certificate, &self.key) {
            (Some(_), None) => wrong("key", "the certificate needs its key"),
            (None, Some(_)) => wrong("certificate", "the key needs its certificate"),
            (Some(_), Some(_)) if !url.https => wrong("certificate", "only mqtts:// has certificates"),
            _ => Ok(()),
        }
    }

    fn check_tools(&self) -> Result<(), Wrong> {
        for (name, publish) in &self.publish {
            publish.check(self).map_err(|wrong| inside("publish", name, wrong))?;
        }
        for (name, latest) in &self.latest {
            latest.check().map_err(|wrong| inside("latest", name, wrong))?;
        }
        for (name, wait) in &self.wait {
            wait.check().map_err(|wrong| inside("wait", name, wrong))?;
        }
        let filters = self.latest.len() + self.wait.len();
        if filters > FILTERS_MAX {
            return wrong(
                "latest",
                format!("a broker has at most {FILTERS_MAX} subscriptions, not {filters}"),
            );
        }
        Ok(())
    }
}

impl PublishSection {
    fn check(&self, broker: &MqttSection) -> Result<(), Wrong> {
        topic::check_topic(&self.topic).map_err(|why| ("topic".to_owned(), why))?;
        parameter::check(&self.parameters)?;
        if let Some(one) = self.parameters.iter().find(|one| one.place.is_some()) {
            let message =
                format!("`{}`: only HTTP endpoints have `in`: a message has `topic` and `payload`", one.name);
            return wrong("parameters", message);
        }
        check_range("qos", self.qos, 0..=2)?;
        check_range("answer_ms_max", self.answer_ms_max, 1..=ANSWER_MS_LIMIT)?;
        self.check_places()?;
        self.check_class(broker)
    }

    fn check_places(&self) -> Result<(), Wrong> {
        let topic = Template::new(&self.topic);
        let mut used: Vec<(&str, String)> = topic.names().map(|name| ("topic", name.to_owned())).collect();
        let mut in_payload = Vec::new();
        match &self.payload {
            None => {}
            Some(BodySection::Text(text)) => {
                for name in Template::new(text).names() {
                    let is_text =
                        |one: &parameter::ParameterSection| one.name == name && one.kind == Kind::Text;
                    // Alone it is the whole message; beside other letters it could look like them.
                    if self.parameters.iter().any(is_text) && Template::new(text).only_name().is_none() {
                        let message = format!(
                            "`{{{name}}}` is a free text, which could leave its place: write the payload as a table, which is sent as JSON"
                        );
                        return wrong("payload", message);
                    }
                    in_payload.push(name.to_owned());
                }
            }
            Some(BodySection::Json(map)) => names_in(&Value::Object(map.clone()), &mut in_payload),
        }
        used.extend(in_payload.into_iter().map(|name| ("payload", name)));
        if used.iter().any(|(_, name)| name.starts_with("secret.")) || self.says_secret() {
            return wrong("payload", "a secret has no place in a message: everyone who subscribes reads it");
        }
        for (key, name) in &used {
            match self.parameters.iter().find(|one| one.name == *name) {
                Some(one) if !one.optional => {}
                _ => {
                    return wrong(key, format!("`{{{name}}}` is none of the parameters, or an optional one"));
                }
            }
        }
        let is_unused = |name: &str| self.payload.is_some() && !used.iter().any(|(_, used)| used == name);
        match self.parameters.iter().find(|one| is_unused(&one.name)) {
            Some(one) => wrong("payload", format!("neither it nor the topic has `{{{}}}`", one.name)),
            None => Ok(()),
        }
    }

    fn says_secret(&self) -> bool {
        let payload = match &self.payload {
            None => String::new(),
            Some(BodySection::Text(text)) => text.clone(),
            Some(BodySection::Json(map)) => Value::Object(map.clone()).to_string(),
        };
        payload.contains("{secret.") || self.topic.contains("{secret.")
    }

    fn check_class(&self, broker: &MqttSection) -> Result<(), Wrong> {
        match self.class {
            ClassKind::Safe | ClassKind::ReadBack | ClassKind::Never => {}
            ClassKind::Keyed => {
                return wrong("class", "MQTT has no key by which a broker knows a repeated message");
            }
            ClassKind::Observe => {
                return wrong("class", "a message is no reading: say `safe`, `read_back` or `never`");
            }
        }
        if self.class == ClassKind::Safe && self.qos == 0 {
            return wrong("qos", "what may be sent again is acknowledged: `safe` needs 1 or 2");
        }
        let is_probed = self.class == ClassKind::ReadBack;
        for (key, is_there) in [("settle_ms", self.settle_ms.is_some()), ("probe", self.probe.is_some())] {
            match (is_there, is_probed) {
                (true, false) => return wrong(key, "this key is for `read_back`"),
                (false, true) => return wrong(key, "`read_back` needs it"),
                _ => {}
            }
        }
        if let Some(settle_ms) = self.settle_ms {
            check_range("settle_ms", settle_ms, 0..=SETTLE_MS_LIMIT)?;
        }
        let Some(probe) = &self.probe else { return Ok(()) };
        match broker.latest.get(&probe.latest) {
            Some(latest) if topic::is_wild(&latest.filter) => {
                return wrong("probe", format!("`{}` has more than one topic", probe.latest));
            }
            Some(_) => {}
            None => {
                let message = format!("this broker has no `latest` tool `{}`", probe.latest.escape_debug());
                return wrong("probe", message);
            }
        }
        let expect = Template::new(&probe.expect);
        let unknown = expect
            .names()
            .find(|name| !self.parameters.iter().any(|one| one.name == **name && !one.optional));
        unknown.map_or(Ok(()), |name| {
            wrong("probe", format!("`{{{name}}}` is none of the parameters, or an optional one"))
        })
    }
}

impl LatestSection {
    fn check(&self) -> Result<(), Wrong> {
        check_subscription(&self.filter, self.qos, &self.keep)?;
        check_range("answer_ms_max", self.answer_ms_max, 1..=ANSWER_MS_LIMIT)
    }
}

impl WaitSection {
    fn check(&self) -> Result<(), Wrong> {
        check_subscription(&self.filter, self.qos, &self.keep)?;
        check_range("wait_ms_max", self.wait_ms_max, 1..=WAIT_MS_LIMIT)
    }
}

fn check_subscription(filter: &str, qos: u8, keep: &KeepSection) -> Result<(), Wrong> {
    topic::check_filter(filter).map_err(|why| ("filter".to_owned(), why))?;
    check_range("qos", qos, 0..=1)?;
    keep.check(KEEP_BYTES_MAX)
}

fn inside(kind: &str, name: &str, (key, message): Wrong) -> Wrong {
    (format!("{kind}.{name}.{key}"), message)
}

fn wrong<T>(key: &str, message: impl Into<String>) -> Result<T, Wrong> {
    Err((key.to_owned(), message.into()))
}

#[cfg(test)]
mod tests;
