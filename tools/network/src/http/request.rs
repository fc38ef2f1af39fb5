//! Makes a request from a section and the values of one call.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT},
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::section::{self, BodySection, HttpSection};
use crate::{
    parameter::{Kind, Place, Values, value_of},
    template::Template,
    url::{Url, check_segments},
    vault::Vault,
};

/// Name of this client.
const AGENT: &str = concat!("everstep/", env!("CARGO_PKG_VERSION"));
const KEY_HEADER: &str = "Idempotency-Key";

/// A request that is ready to be sent.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Sent to the declared host alone.
    pub(super) secret: Option<(HeaderName, HeaderValue)>,
    pub(super) body: String,
}

impl Request {
    /// Fills in the section. `key` is what the server recognises a repetition by.
    pub(super) fn new(
        section: &HttpSection,
        values: &Values,
        vault: &Vault,
        key: Option<&str>,
    ) -> Result<Self, String> {
        let body = body(section, values)?;
        let mut headers = headers(section)?;
        if let (Some(_), Some(key)) = (section.key_valid_s, key) {
            let name = section.key_header.as_deref().unwrap_or(KEY_HEADER);
            headers.insert(header_name(name)?, header_value(key)?);
        }
        if !body.is_empty() {
            let plain = matches!(section.body, Some(BodySection::Text(_)));
            let own = if plain { "text/plain; charset=utf-8" } else { "application/json" };
            headers.insert(CONTENT_TYPE, header_value(section.content_type.as_deref().unwrap_or(own))?);
        }
        let url = address(section, values)?;
        headers.insert(HOST, header_value(&url.host_header())?);
        let method =
            Method::from_bytes(section.method.name().as_bytes()).map_err(|_| "the method is unknown")?;
        Ok(Self { method, url, headers, secret: secret(section, vault)?, body })
    }

    /// The same request at another address: where a server sends it. The secret stays at home.
    pub(super) fn redirected(&self, url: Url) -> Result<Self, String> {
        let mut headers = self.headers.clone();
        headers.insert(HOST, header_value(&url.host_header())?);
        let secret = self.secret.clone().filter(|_| url.is_same_origin(&self.url));
        Ok(Self { method: self.method.clone(), url, headers, secret, body: self.body.clone() })
    }
}

/// The address with the values in it, none of which leaves its place.
fn address(section: &HttpSection, values: &Values) -> Result<Url, String> {
    let mut url = Url::new(&section.url)?;
    for parameter in &section.parameters {
        let text = value_of(values, &parameter.name).map(crate::parameter::Given::text).unwrap_or_default();
        let in_address = matches!(parameter.place, Some(Place::Path | Place::Query));
        if in_address && parameter.kind == Kind::Text && text.contains(char::is_control) {
            return Err(format!("{} must have no control characters", parameter.name));
        }
    }
    let path = Template::new(&url.path).fill(values, encoded)?;
    check_segments(&path).map_err(|_| "a value in the path must not be, or hold, `.` or `..` as a part")?;
    url.path = path;
    let own = url.query.take().unwrap_or_default();
    let template = Template::new(&own);
    let mut query = template.fill(values, encoded)?;
    let named: Vec<_> = template.names().collect();
    for parameter in &section.parameters {
        let is_free = parameter.place == Some(Place::Query) && !named.contains(&parameter.name.as_str());
        if let (true, Some(value)) = (is_free, value_of(values, &parameter.name)) {
            let separator = if query.is_empty() { "" } else { "&" };
            query.push_str(separator);
            query.extend([parameter.name.as_str(), "=", encoded(&value.text()).as_str()]);
        }
    }
    url.query = (!query.is_empty()).then_some(query);
    if url.target().len() > crate::url::URL_BYTES_MAX {
        return Err("the values make the address too long".into());
    }
    Ok(url)
}

/// Percent-encodes everything but letters, digits and `-._~`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
    }
    out
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

fn body(section: &HttpSection, values: &Values) -> Result<String, String> {
    if let Some(body) = &section.body {
        return body.fill(values);
    }
    let mut object = Map::new();
    let parameters = section.parameters.iter().filter(|one| one.place == Some(Place::Body));
    let mut any = false;
    for parameter in parameters {
        any = true;
        if let Some(value) = value_of(values, &parameter.name) {
            object.insert(parameter.name.clone(), value.json());
        }
    }
    Ok(if any { Value::Object(object).to_string() } else { String::new() })
}

impl BodySection {
    /// The body with the values in it.
    pub(crate) fn fill(&self, values: &Values) -> Result<String, String> {
        match self {
            Self::Text(text) => Template::new(text).fill(values, str::to_owned),
            Self::Json(map) => Ok(filled(&Value::Object(map.clone()), values)?.to_string()),
        }
    }
}

/// JSON with values in place of `{name}`: a text that is nothing else becomes the value itself.
fn filled(value: &Value, values: &Values) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => {
            let template = Template::new(text);
            match template.only_name().and_then(|name| value_of(values, name)) {
                Some(value) => value.json(),
                None => template.fill(values, str::to_owned)?.into(),
            }
        }
        Value::Array(items) => items.iter().map(|item| filled(item, values)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let filled = map.iter().map(|(name, item)| Ok((name.clone(), filled(item, values)?)));
            Value::Object(filled.collect::<Result<_, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn headers(section: &HttpSection) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/*;q=0.9, */*;q=0.1"));
    // Nothing is unpacked: a small answer could become a large one.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // Each call has a connection of its own.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in &section.headers {
        headers.insert(header_name(name)?, header_value(value)?);
    }
    Ok(headers)
}

fn secret(section: &HttpSection, vault: &Vault) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let Some(section::SecretHeader { name, .. }) = &section.secret_header else { return Ok(None) };
    let parts = section.secret_header.as_ref().and_then(section::SecretHeader::parts);
    let (before, secret, behind) = parts.ok_or("`secret_header` has no secret")?;
    let value = vault.get(secret).ok_or_else(|| format!("there is no secret `{secret}`"))?;
    let value = Zeroizing::new([before, value, behind].concat());
    let mut value = HeaderValue::from_str(&value).map_err(|_| {
        format!("the secret `{secret}` can't stand in a header: it is more than one line of ASCII")
    })?;
    value.set_sensitive(true);
    Ok(Some((header_name(name)?, value)))
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("`{}` is no header's name", name.escape_debug()))
}

fn header_value(value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(value).map_err(|_| "a header has a value of more than one line".into())
}

#[cfg(test)]
mod tests;
