//! What is wrong with `[network.http.NAME]`, by key.

use serde_json::Value;

use super::{BodySection, ClassKind, HttpSection, KeepSection, KeepText, Method};
use crate::{
    parameter::{self, Kind, Place},
    section::{Wrong, check_range},
    template::Template,
    url::Url,
};

/// Longest that an answer is waited for, in milliseconds.
const ANSWER_MS_LIMIT: u32 = 300_000;
/// Most bytes of an answer that are read.
const ANSWER_BYTES_LIMIT: u32 = 1024 * 1024;
/// Redirects of one call.
const REDIRECTS_LIMIT: u8 = 5;
/// Parts of an answer that the model reads.
const POINTERS_MAX: usize = 16;
/// A day.
const KEY_VALID_S_LIMIT: u32 = 31_536_000;
const SETTLE_MS_LIMIT: u32 = 600_000;
const HEADERS_MAX: usize = 16;
const HEADER_BYTES_MAX: usize = 1_024;
/// Headers that the request itself decides.
const OWN_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "trailer",
    "expect",
    "accept-encoding",
    "content-type",
    "keep-alive",
    "proxy-connection",
];

impl HttpSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let url = Url::new(&self.url).map_err(|why| ("url".to_owned(), why))?;
        if !url.https && !self.private {
            return wrong("url", "http:// is for the local network: use https://, or say `private = true`");
        }
        parameter::check(&self.parameters)?;
        self.check_places(&url)?;
        self.check_headers()?;
        self.check_body()?;
        self.check_class()?;
        self.keep.check(self.answer_bytes_max)?;
        check_range("answer_ms_max", self.answer_ms_max, 1..=ANSWER_MS_LIMIT)?;
        check_range("answer_bytes_max", self.answer_bytes_max, 1..=ANSWER_BYTES_LIMIT)?;
        check_range("redirects_max", self.redirects_max, 0..=REDIRECTS_LIMIT)?;
        if self.redirects_max > 0 && self.class_kind() != Some(ClassKind::Observe) {
            return wrong("redirects_max", "only an endpoint that reads follows redirects");
        }
        if self.redirects_max == 0 && !self.redirect_hosts.is_empty() {
            return wrong("redirect_hosts", "nothing is followed without `redirects_max`");
        }
        for host in &self.redirect_hosts {
            let is_host = Url::new(&format!("https://{host}")).is_ok_and(|url| url.target() == "/");
            if !is_host || host.ends_with('/') {
                return wrong("redirect_hosts", format!("`{}` is no host", host.escape_debug()));
            }
        }
        Ok(())
    }

    fn check_places(&self, url: &Url) -> Result<(), Wrong> {
        if self.url.contains("{secret.") {
            return wrong("url", "a secret in an address ends in logs: use `secret_header`");
        }
        let (path, query) = (Template::new(&url.path), Template::new(url.query.as_deref().unwrap_or("")));
        for (template, place, word) in [(&path, Place::Path, "path"), (&query, Place::Query, "query")] {
            for name in template.names() {
                let found = self.parameters.iter().find(|parameter| parameter.name == name);
                match found {
                    Some(parameter) if parameter.place == Some(place) && !parameter.optional => {}
                    Some(_) => {
                        return wrong(
                            "url",
                            format!(
                                "`{{{name}}}` stands in the {word}: its parameter says `in = \"{word}\"` and isn't optional"
                            ),
                        );
                    }
                    None => return wrong("url", format!("`{{{name}}}` is none of the parameters")),
                }
            }
        }
        if path.has_braces() || query.has_braces() {
            return wrong("url", "what stands in braces is the name of a parameter, of a-z, 0-9 and _");
        }
        for parameter in &self.parameters {
            let name = &parameter.name;
            match parameter.place {
                None => {
                    return wrong(
                        "parameters",
                        format!("`{name}`: say `in = \"path\"`, \"query\" or \"body\""),
                    );
                }
                Some(Place::Path) if !path.names().any(|found| found == name) => {
                    return wrong("parameters", format!("`{name}`: the path of `url` has no `{{{name}}}`"));
                }
                Some(Place::Body) if self.method == Method::Get => {
                    return wrong("parameters", format!("`{name}`: a GET has no body"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn check_headers(&self) -> Result<(), Wrong> {
        if self.headers.len() > HEADERS_MAX {
            return wrong("headers", format!("at most {HEADERS_MAX}"));
        }
        for (name, value) in &self.headers {
            check_header(name, value)
                .map_err(|why| ("headers".to_owned(), format!("`{}`: {why}", name.escape_debug())))?;
            if value.contains("{secret.") {
                return wrong("headers", "a secret goes into `secret_header`");
            }
        }
        let Some(header) = &self.secret_header else { return Ok(()) };
        check_header(&header.name, &header.value).map_err(|why| ("secret_header".to_owned(), why))?;
        if header.parts().is_none() {
            return wrong("secret_header", "its value has `{secret.NAME}` in it, once");
        }
        if self.headers.keys().any(|name| name.eq_ignore_ascii_case(&header.name)) {
            return wrong("secret_header", "`headers` has the same name");
        }
        Ok(())
    }

    fn check_body(&self) -> Result<(), Wrong> {
        let in_body = |name: &str| {
            self.parameters
                .iter()
                .find(|parameter| parameter.name == name && parameter.place == Some(Place::Body))
        };
        let mut used = Vec::new();
        match &self.body {
            None => {
                if self.content_type.is_some()
                    && !self.parameters.iter().any(|one| one.place == Some(Place::Body))
                {
                    return wrong("content_type", "there is no body");
                }
                return Ok(());
            }
            Some(_) if self.method == Method::Get => return wrong("body", "a GET has no body"),
            Some(BodySection::Text(text)) if text.contains("{secret.") => {
                return wrong("body", "a secret goes into `secret_header`");
            }
            Some(BodySection::Json(map)) if Value::Object(map.clone()).to_string().contains("{secret.") => {
                return wrong("body", "a secret goes into `secret_header`");
            }
            Some(BodySection::Text(text)) => {
                for name in Template::new(text).names() {
                    if in_body(name).is_some_and(|parameter| parameter.kind == Kind::Text) {
                        return wrong(
                            "body",
                            format!(
                                "`{{{name}}}` is a free text, which could leave its place: write the body as a table, which is sent as JSON"
                            ),
                        );
                    }
                    used.push(name.to_owned());
                }
            }
            Some(BodySection::Json(map)) => names_in(&Value::Object(map.clone()), &mut used),
        }
        for name in &used {
            match in_body(name) {
                Some(parameter) if !parameter.optional => {}
                _ => {
                    return wrong(
                        "body",
                        format!("`{{{name}}}` is no parameter with `in = \"body\"`, or an optional one"),
                    );
                }
            }
        }
        let unused =
            self.parameters.iter().find(|one| one.place == Some(Place::Body) && !used.contains(&one.name));
        unused.map_or(Ok(()), |one| wrong("body", format!("it has no `{{{}}}`", one.name)))
    }

    fn check_class(&self) -> Result<(), Wrong> {
        let Some(kind) = self.class_kind() else {
            return wrong(
                "class",
                format!(
                    "a {} may change something: say `safe`, `keyed`, `read_back` or `never`, or `observe` where it only reads",
                    self.method.name()
                ),
            );
        };
        let only = |key: &str, is_there: bool, class: ClassKind, always: bool| match (is_there, kind == class)
        {
            (true, false) => wrong(key, "this key is for another class"),
            (false, true) if always => wrong(key, "this class needs it"),
            _ => Ok(()),
        };
        only("key_valid_s", self.key_valid_s.is_some(), ClassKind::Keyed, true)?;
        only("key_header", self.key_header.is_some(), ClassKind::Keyed, false)?;
        only("settle_ms", self.settle_ms.is_some(), ClassKind::ReadBack, true)?;
        only("probe", self.probe.is_some(), ClassKind::ReadBack, true)?;
        if let Some(key_valid_s) = self.key_valid_s {
            check_range("key_valid_s", key_valid_s, 1..=KEY_VALID_S_LIMIT)?;
            if self.repeatable_s() == 0 {
                return wrong(
                    "key_valid_s",
                    "a key that is forgotten so soon is of no use: a repetition may wait for longer before it leaves (`answer_ms_max` twice, and half a minute)",
                );
            }
        }
        if let Some(settle_ms) = self.settle_ms {
            check_range("settle_ms", settle_ms, 0..=SETTLE_MS_LIMIT)?;
        }
        if let Some(header) = &self.key_header {
            check_header(header, "x").map_err(|why| ("key_header".to_owned(), why))?;
        }
        if let Some(probe) = &self.probe {
            let unknown = Template::new(&probe.expect);
            let unknown = unknown.names().find(|name| !self.parameters.iter().any(|one| one.name == **name));
            if let Some(name) = unknown {
                return wrong("probe", format!("`{{{name}}}` is none of the parameters"));
            }
        }
        Ok(())
    }
}

impl KeepSection {
    /// What is wrong with it, where at most `bytes_max` bytes are read.
    pub(crate) fn check(&self, bytes_max: u32) -> Result<(), Wrong> {
        let pointers = match self {
            Self::Text(KeepText { text_bytes }) => return check_range("keep", *text_bytes, 1..=bytes_max),
            Self::Pointer(pointer) => std::slice::from_ref(pointer),
            Self::Pointers(pointers) => pointers,
        };
        if !(1..=POINTERS_MAX).contains(&pointers.len()) {
            return wrong("keep", format!("1 to {POINTERS_MAX} JSON pointers"));
        }
        match pointers.iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            Some(pointer) => {
                wrong("keep", format!("`{}`: a JSON pointer begins with `/`", pointer.escape_debug()))
            }
            None => Ok(()),
        }
    }
}

/// Names that stand in the texts of a value.
pub(crate) fn names_in(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => names.extend(Template::new(text).names().map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        Value::Object(map) => map.values().for_each(|item| names_in(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > HEADER_BYTES_MAX || !name.bytes().all(is_token) {
        return Err(format!("`{}` is no header's name", name.escape_debug()));
    }
    if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("the request itself decides `{name}`"));
    }
    if value.len() > HEADER_BYTES_MAX || !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(format!("a header's value is one line of at most {HEADER_BYTES_MAX} ASCII letters"));
    }
    Ok(())
}

fn wrong<T>(key: &str, message: impl Into<String>) -> Result<T, Wrong> {
    Err((key.to_owned(), message.into()))
}
