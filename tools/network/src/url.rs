//! An address of the web: scheme, host, port, path. Written out in the board file, or sent by a server
//! that redirects.
//!
//! Leaves out everything that lets one address look like another: user names, fragments, letters outside
//! ASCII, numbers that only old C libraries take for addresses.

use std::{fmt, net::IpAddr};

/// Bytes of an address, filled in.
pub(crate) const URL_BYTES_MAX: usize = 4_096;
/// Bytes of a host's name.
const HOST_BYTES_MAX: usize = 253;

/// An address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Url {
    pub(crate) https: bool,
    /// A name in lower case, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Begins with `/`.
    pub(crate) path: String,
    /// What stands behind the `?`, if anything.
    pub(crate) query: Option<String>,
}

impl Url {
    /// Reads an absolute address.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.len() > URL_BYTES_MAX {
            return Err(format!("an address has at most {URL_BYTES_MAX} bytes"));
        }
        let (https, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err("an address begins with https:// or http://".into()),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (host, port) = authority_of(authority, if https { 443 } else { 80 })?;
        let (path, query) = path_of(rest)?;
        Ok(Self { https, host, port, path, query })
    }

    /// Reads where a broker is: `mqtts://host:port`, or `mqtt://host:port` for one without TLS.
    pub(crate) fn broker(text: &str) -> Result<Self, String> {
        let (https, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mqtts") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mqtt") => (false, rest),
            _ => return Err("a broker is at mqtts://host:port, or at mqtt://host:port without TLS".into()),
        };
        if rest.contains(['/', '?', '#', '\\']) {
            return Err("a broker's address ends behind its port".into());
        }
        let (host, port) = authority_of(rest, if https { 8883 } else { 1883 })?;
        Ok(Self { https, host, port, path: "/".into(), query: None })
    }

    /// Where a server that was asked at this address sends the client.
    pub(crate) fn join(&self, location: &str) -> Result<Self, String> {
        if location.len() > URL_BYTES_MAX {
            return Err(format!("an address has at most {URL_BYTES_MAX} bytes"));
        }
        let location = location.split('#').next().unwrap_or("");
        let scheme = if self.https { "https" } else { "http" };
        if location.contains("://") && !location.starts_with('/') && !location.starts_with('?') {
            return Self::new(location);
        }
        if location.starts_with("//") {
            return Self::new(&format!("{scheme}:{location}"));
        }
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let relative = match location.chars().next() {
            Some('/') => location.to_owned(),
            Some('?') => format!("{}{location}", self.path),
            _ => format!("{folder}/{location}"),
        };
        let (path, query) = path_of(&relative)?;
        Ok(Self { path, query, ..self.clone() })
    }

    /// The host as a request names it, with the port where it isn't the scheme's own.
    pub(crate) fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let own = if self.https { 443 } else { 80 };
        if self.port == own { host } else { format!("{host}:{}", self.port) }
    }

    /// `host:port`, in lower case: what calls are counted by.
    pub(crate) fn device(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether both are the same server, reached the same way.
    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }

    /// Path and query, as a request's first line has them.
    pub(crate) fn target(&self) -> String {
        self.query.as_ref().map_or_else(|| self.path.clone(), |query| format!("{}?{query}", self.path))
    }
}

/// Without its query, which may carry what a call was given.
impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(out, "{scheme}://{}{}", self.host_header(), self.path)
    }
}

fn authority_of(authority: &str, own_port: u16) -> Result<(String, u16), String> {
    if authority.contains('@') {
        return Err("an address has no user name: use `secret_header`, or a broker's `username`".into());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("an address in brackets ends with ]")?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| "what stands in brackets is no IPv6 address")?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    let port = match port.ok_or("behind brackets stands a port or a path")? {
        "" => own_port,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or("a port is from 1 to 65535")?
        }
        _ => return Err("a port is from 1 to 65535".into()),
    };
    let host = host.to_ascii_lowercase();
    if host.parse::<IpAddr>().is_err() {
        check_host(&host)?;
    }
    Ok((host, port))
}

/// Labels of letters, digits, hyphens and underscores; the last is no number, so that `0x7f.1` and
/// `2130706433` are no names.
fn check_host(host: &str) -> Result<(), String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let last = host.rsplit('.').next().unwrap_or("");
    let is_number = last.starts_with(|letter: char| letter.is_ascii_digit());
    if host.len() <= HOST_BYTES_MAX && !is_number && host.split('.').all(is_label) {
        return Ok(());
    }
    Err(format!("`{}` is no host: names are in ASCII (xn--...), addresses in full", host.escape_debug()))
}

fn path_of(rest: &str) -> Result<(String, Option<String>), String> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\\#\"<>^`|".contains(&byte);
    if let Some(wrong) = rest.chars().find(|letter| !letter.is_ascii() || !is_allowed(*letter as u8)) {
        return Err(format!("`{}` must be percent-encoded in an address", wrong.escape_debug()));
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (rest, None),
    };
    let path = if path.is_empty() { "/" } else { path };
    check_segments(path)?;
    Ok((path.to_owned(), query))
}

/// `.` and `..` would lead to another place than what is written, however they are encoded.
pub(crate) fn check_segments(path: &str) -> Result<(), String> {
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    if plain.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("a path has no `.` or `..`".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_paths_are_told_apart() {
        let read = |text: &str| {
            let url = Url::new(text).unwrap();
            (url.device(), url.host_header(), url.target())
        };
        let of =
            |device: &str, host: &str, target: &str| (device.to_owned(), host.to_owned(), target.to_owned());
        assert_eq!(
            read("https://API.example.com/v1?x=1"),
            of("api.example.com:443", "api.example.com", "/v1?x=1")
        );
        assert_eq!(read("http://10.0.0.7:8080"), of("10.0.0.7:8080", "10.0.0.7:8080", "/"));
        assert_eq!(read("https://[::1]/a"), of("[::1]:443", "[::1]", "/a"));
        assert_eq!(Url::new("https://a/b?secret=1").unwrap().to_string(), "https://a/b");
    }

    #[test]
    fn addresses_that_look_like_others_are_refused() {
        for text in [
            "ftp://a/",
            "//a/",
            "https://",
            "https://user@a/",
            "https://a@b/",
            "https://a:0/",
            "https://a:99999/",
            "https://a:x/",
            "https://[::1/",
            "https://[1.2.3.4]/",
            "https://[::1]x/",
            "https://exämple.com/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://017700000001/",
            "https://1.2.3/",
            "https://a..b/",
            "https://a/../b",
            "https://a/%2E%2e/b",
            "https://a/x%2f..%2fb",
            "https://a/b c",
            "https://a/\u{e4}",
            "https://a\\b/",
            "https://a/#b",
            "https://a/\r\nX: y",
            "https://a b/",
        ] {
            assert!(Url::new(text).is_err(), "{text}");
        }
        assert!(Url::new(&format!("https://a/{}", "x".repeat(URL_BYTES_MAX))).is_err());
    }

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        let read = |text: &str| Url::broker(text).map(|url| (url.https, url.device()));
        assert_eq!(read("mqtts://Broker.example.com").unwrap(), (true, "broker.example.com:8883".into()));
        assert_eq!(read("mqtt://10.0.0.7").unwrap(), (false, "10.0.0.7:1883".into()));
        assert_eq!(read("mqtt://[::1]:99").unwrap(), (false, "[::1]:99".into()));
        for wrong in
            ["https://a", "mqtt://a/b", "mqtt://u@a", "mqtt://a:0", "mqtt://", "mqtt://1.2.3", "a:1883"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redirect_is_seen_from_where_it_was_sent() {
        let from = Url::new("https://a.example/v1/rooms?x=1").unwrap();
        let joined =
            |location: &str| from.join(location).map(|url| url.to_string() + &url.query.unwrap_or_default());
        assert_eq!(joined("/v2").unwrap(), "https://a.example/v2");
        assert_eq!(joined("other?y").unwrap(), "https://a.example/v1/othery");
        assert_eq!(joined("?z").unwrap(), "https://a.example/v1/roomsz");
        assert_eq!(joined("//b.example/c").unwrap(), "https://b.example/c");
        assert_eq!(joined("http://b.example:81/c#part").unwrap(), "http://b.example:81/c");
        for wrong in ["../x", "/a/../b", "https://user@b/", "ftp://b/", "javascript:alert(1)//://", "/a b"] {
            assert!(joined(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_address_or_refused(text in "\\PC*", at in "https?://[a-z.:@\\[\\]0-9/?#%]{0,40}") {
            for text in [text, at] {
                if let Ok(url) = Url::new(&text) {
                    proptest::prop_assert!(url.path.starts_with('/') && !url.target().contains(['\r', '\n', ' ']));
                    let _ = url.join(&text);
                }
            }
        }
    }
}
