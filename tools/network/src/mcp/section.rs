//! `[network.mcp.NAME]` of a board file.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::definition::NAME_BYTES_MAX;
use crate::{Wrong, http::SecretHeader, url::Url, vault::Vault};

/// Bytes of a server's name: it stands before the name of each of its tools.
const SERVER_BYTES_MAX: usize = 24;
/// Words of a command.
const WORDS_MAX: usize = 64;
/// Variables of a server's environment.
const VARIABLES_MAX: usize = 32;
/// What every server's environment has anyway.
pub(super) const FIXED_VARIABLES: [&str; 3] = ["PATH", "HOME", "LANG"];

/// An MCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpSection {
    /// The program and its arguments. A program with a `/` in it is found from the board file, any other
    /// on the `PATH`. Either this or `url` is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The address of a server that speaks streamable HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A header with a secret in it; only with `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_header: Option<SecretHeader>,
    /// Whether the address may be on the local network or this board; `http://` is for nothing else.
    #[serde(default)]
    pub private: bool,
    /// Variables of its environment; `{secret.NAME}` becomes the secret. Beside them it has `PATH`,
    /// `HOME=/nonexistent` and `LANG=C.UTF-8`, and nothing else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The folder it runs in; relative to the board file, whose folder it is by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// The file with what its tools promise; relative to the board file. `everstep mcp pin` writes it.
    pub pins: PathBuf,
    /// Whether what its tools say of themselves decides what may be done about a lost outcome.
    #[serde(default)]
    pub trusted: bool,
    /// Milliseconds from its start until it has told its tools.
    #[serde(default = "start_ms_max")]
    pub start_ms_max: u32,
    /// Milliseconds for the answer to a call.
    #[serde(default = "answer_ms_max")]
    pub answer_ms_max: u32,
    /// Bytes of one message. A list of tools is one, too.
    #[serde(default = "answer_bytes_max")]
    pub answer_bytes_max: u32,
    /// Starts within an hour beyond the first one.
    #[serde(default = "restarts_max")]
    pub restarts_max: u32,
    /// What the board file says of single tools, by the name that the server gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tool: BTreeMap<String, ToolSection>,
}

/// `[network.mcp.NAME.tool.TOOL]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSection {
    /// What may be done about a lost outcome, whatever the server says.
    pub class: ToolClass,
}

/// What may be done about a lost outcome. A server knows no idempotency keys and can't be read back in a
/// way that is known here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolClass {
    /// It only reads.
    Observe,
    /// It sets an absolute state, and nothing of an earlier try can arrive late.
    Safe,
    /// It never runs twice.
    Never,
}

const fn start_ms_max() -> u32 {
    10_000
}

const fn answer_ms_max() -> u32 {
    30_000
}

const fn answer_bytes_max() -> u32 {
    262_144
}

const fn restarts_max() -> u32 {
    5
}

impl McpSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let wrong = |key: &str, message: String| Err((key.to_owned(), message));
        self.check_place()?;
        if self.env.len() > VARIABLES_MAX {
            return wrong(
                "env",
                format!("has {} variables, at most {VARIABLES_MAX} are allowed", self.env.len()),
            );
        }
        for (name, value) in &self.env {
            let key = format!("env.{name}");
            if FIXED_VARIABLES.contains(&name.as_str()) {
                return wrong(&key, format!("{name} is always the same: leave it out"));
            }
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_name) || value.contains('\0') {
                return wrong(&key, "a variable is called by letters, digits and _, and holds text".into());
            }
            secrets_in(value).map_err(|message| (key, message))?;
        }
        if let Some(name) = self.tool.keys().find(|name| name.len() > NAME_BYTES_MAX) {
            return wrong(&format!("tool.{name}"), format!("a name has at most {NAME_BYTES_MAX} bytes"));
        }
        let ranges = [
            ("start_ms_max", self.start_ms_max, 100, 120_000),
            ("answer_ms_max", self.answer_ms_max, 100, 300_000),
            ("answer_bytes_max", self.answer_bytes_max, 4_096, 4_194_304),
            ("restarts_max", self.restarts_max, 0, 1_000),
        ];
        for (key, number, min, max) in ranges {
            if !(min..=max).contains(&number) {
                return wrong(key, format!("must be from {min} to {max}, not {number}"));
            }
        }
        Ok(())
    }

    /// The host that calls are counted by, where the server has one.
    pub(super) fn device(&self) -> Option<String> {
        self.url.as_ref().and_then(|url| Url::new(url).ok()).map(|url| url.device())
    }

    /// A program or an address, and what belongs to it.
    fn check_place(&self) -> Result<(), Wrong> {
        let wrong = |key: &str, message: &str| Err((key.to_owned(), message.to_owned()));
        let Some(url) = &self.url else {
            let is_word = |word: &String| !word.contains('\0');
            let program = self.command.first().map_or("", String::as_str);
            let is_command =
                !program.is_empty() && self.command.len() <= WORDS_MAX && self.command.iter().all(is_word);
            return match (is_command, &self.secret_header, self.private) {
                (false, ..) => wrong("command", "must be a program and its arguments, 1 to 64 texts"),
                (_, Some(_), _) => wrong("secret_header", "belongs to a server with a `url`: use `env`"),
                (_, _, true) => wrong("private", "belongs to a server with a `url`"),
                (true, None, false) => Ok(()),
            };
        };
        let of_process = [
            ("command", !self.command.is_empty()),
            ("env", !self.env.is_empty()),
            ("dir", self.dir.is_some()),
        ];
        if let Some((key, _)) = of_process.iter().find(|(_, is_there)| *is_there) {
            return wrong(key, "a server with a `url` is no process of this board: leave one of them out");
        }
        let url = Url::new(url).map_err(|why| ("url".to_owned(), why))?;
        if !url.https && !self.private {
            return wrong("url", "http:// is not encrypted: use https://, or say `private = true`");
        }
        match &self.secret_header {
            None => Ok(()),
            Some(header) if http::HeaderName::try_from(&header.name).is_err() => {
                wrong("secret_header.name", "is no name of a header")
            }
            Some(header) => match secrets_in(&header.value) {
                Ok(parts) if parts.len() > 1 => Ok(()),
                Ok(_) => wrong("secret_header.value", "has no {secret.NAME} in it"),
                Err(why) => wrong("secret_header.value", &why),
            },
        }
    }

    /// Whether the vault has all secrets that the section names.
    pub(super) fn check_secrets(&self, vault: &Vault) -> Result<(), Wrong> {
        for (name, value) in &self.env {
            filled(value, vault).map_err(|message| (format!("env.{name}"), message))?;
        }
        let header = self.secret_header.as_ref();
        header.map_or(Ok(()), |header| {
            filled(&header.value, vault)
                .map(|_| ())
                .map_err(|message| ("secret_header.value".to_owned(), message))
        })
    }
}

/// Refuses a name that can't stand before the names of tools.
pub(super) fn check_name(name: &str) -> Result<(), Wrong> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=SERVER_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_letter) {
        return Ok(());
    }
    let message = format!("a server is called by 1 to {SERVER_BYTES_MAX} of a-z, 0-9 and _");
    Err((String::new(), message))
}

/// `value` with its secrets in place.
pub(super) fn filled(value: &str, vault: &Vault) -> Result<String, String> {
    let mut text = String::new();
    for (before, secret) in secrets_in(value)? {
        text.push_str(before);
        if let Some(name) = secret {
            text.push_str(
                vault.get(name).ok_or_else(|| {
                    format!("there is no secret `{name}`: say where it is under `[secret]`")
                })?,
            );
        }
    }
    Ok(text)
}

/// The parts of a value: text, and the name of the secret behind it.
fn secrets_in(value: &str) -> Result<Vec<(&str, Option<&str>)>, String> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once("{secret.") {
        let (name, behind) = behind.split_once('}').ok_or("a secret is written as {secret.NAME}")?;
        if name.is_empty() {
            return Err("a secret is written as {secret.NAME}".into());
        }
        parts.push((before, Some(name)));
        rest = behind;
    }
    parts.push((rest, None));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tests::{section, vault};

    #[test]
    fn keys_out_of_their_limits_are_named() {
        let wrong = |more: &str| section(more).check().unwrap_err();
        assert!(section("").check().is_ok());
        for (more, key) in [
            ("start_ms_max = 99", "start_ms_max"),
            ("answer_ms_max = 300_001", "answer_ms_max"),
            ("answer_bytes_max = 4095", "answer_bytes_max"),
            ("restarts_max = 1001", "restarts_max"),
            ("env = { PATH = \"/tmp\" }", "env.PATH"),
            ("env = { LANG = \"de\" }", "env.LANG"),
            ("env = { \"A-B\" = \"x\" }", "env.A-B"),
            ("env = { A = \"{secret.}\" }", "env.A"),
            ("env = { A = \"{secret.x\" }", "env.A"),
        ] {
            assert_eq!(wrong(more).0, key, "{more}");
        }
        let empty: McpSection = toml::from_str("command = []\npins = \"x\"").unwrap();
        assert_eq!(empty.check().unwrap_err().0, "command");
        let at = |more: &str| {
            let section: McpSection = toml::from_str(&format!("pins = \"x\"\n{more}")).unwrap();
            section.check().err().map(|(key, _)| key).unwrap_or_default()
        };
        assert_eq!(at("url = \"https://a.example/mcp\""), "");
        assert_eq!(at("url = \"http://127.0.0.1:1/mcp\"\nprivate = true"), "");
        assert_eq!(at("url = \"http://127.0.0.1:1/mcp\""), "url");
        assert_eq!(at("url = \"ftp://a\""), "url");
        assert_eq!(at("url = \"https://a\"\ncommand = [\"x\"]"), "command");
        assert_eq!(at("url = \"https://a\"\nenv = { A = \"x\" }"), "env");
        assert_eq!(at("command = [\"x\"]\nprivate = true"), "private");
        assert_eq!(
            at("url = \"https://a\"\nsecret_header = { name = \"A B\", value = \"{secret.k}\" }"),
            "secret_header.name"
        );
        assert_eq!(
            at("url = \"https://a\"\nsecret_header = { name = \"A\", value = \"k\" }"),
            "secret_header.value"
        );
    }

    #[test]
    fn secrets_are_put_in_and_missing_ones_named() {
        let vault = vault(&[("key", "abcdefgh1234")]);
        assert_eq!(filled("a{secret.key}b{secret.key}", &vault).unwrap(), "aabcdefgh1234babcdefgh1234");
        assert_eq!(filled("{}", &vault).unwrap(), "{}");
        let (key, message) = section("env = { A = \"{secret.other}\" }").check_secrets(&vault).unwrap_err();
        assert_eq!((key.as_str(), message.contains("no secret `other`")), ("env.A", true));
    }

    #[test]
    fn names_of_servers_can_stand_before_names_of_tools() {
        assert!(check_name("time_2").is_ok());
        for name in ["", "Time", "a-b", "a.b", "a_server_with_a_long_name"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
