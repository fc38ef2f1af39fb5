//! What `everstep mcp pin` shows: a server's tools as they are now, beside their pins.

use std::{fmt, time::Duration};

use everstep_core::Class;
use everstep_tool::SUMMARY_BYTES_MAX;
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    Definition, McpSection, Pins,
    connection::{Connection, Reached},
    definition::NAME_BYTES_MAX,
    harmless::line,
    pins::PINS_MAX,
    section, spec,
};
use crate::{BoardSide, NetworkSection, Vault, Wrong, assemble::shared, wire::system_lookup};

/// A server's tools, and what became of their pins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// The server, as the board file calls it.
    pub server: String,
    /// Its tools, in its own order; then those that are pinned and gone.
    pub tools: Vec<Listed>,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// Its name at the server, made harmless.
    pub name: String,
    /// What agents are granted and models call, where it can be one of the board's tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What it says that it does, in one harmless line.
    pub summary: String,
    /// Bytes of its schema.
    pub schema_bytes: usize,
    /// Its schema as calls are held to it, where it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// What may be done about a lost outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// What it says of its own behaviour.
    pub hints: super::Hints,
    /// Its digest now; that of its pin where it is gone.
    pub digest: String,
    /// How it differs from its pin.
    pub change: Change,
    /// Whether it was pinned, or its pin taken away, just now.
    pub done: bool,
    /// Why it can't be pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// How a tool differs from its pin.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It isn't pinned.
    New,
    /// Nothing.
    Same,
    /// These parts of it.
    Changed(Vec<&'static str>),
    /// It is pinned, and the server has it no more.
    Gone,
}

/// The section of the server `name`.
///
/// # Errors
///
/// The key, seen from `[network]`, and which servers there are.
pub fn find<'a>(name: &str, network: &'a NetworkSection) -> Result<&'a McpSection, Wrong> {
    network.mcp.get(name).ok_or_else(|| {
        let names = network.mcp.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let has = if names.is_empty() { "none" } else { &names };
        let name = line(name, NAME_BYTES_MAX);
        ("mcp".to_owned(), format!("there is no server `{name}`: this board has {has}"))
    })
}

/// Starts the server `name`, asks what its tools are, and ends it.
///
/// # Errors
///
/// The key, seen from `[network]`, and what is wrong; the empty key where the server fails.
pub async fn inspect(
    name: &str,
    network: &NetworkSection,
    board: &BoardSide,
) -> Result<Vec<Definition>, Wrong> {
    let inside = |(key, message): Wrong| (format!("mcp.{name}.{key}"), message);
    let section = find(name, network)?;
    section::check_name(name).and_then(|()| section.check()).map_err(inside)?;
    section.check_secrets(&board.vault).map_err(inside)?;
    let shared = shared(network, board, system_lookup())?;
    let failed = |why: String| (String::new(), board.vault.mask(&why));
    let reached = Reached::new(name, section, board, &shared);
    let connection = Connection::start(&reached).await.map_err(failed)?;
    let limit = Duration::from_millis(section.start_ms_max.into());
    let found = match timeout(limit, connection.definitions()).await {
        Ok(found) => found,
        Err(_) => Err(format!("it did not within {} ms (`start_ms_max`)", section.start_ms_max)),
    };
    match found {
        Ok(found) => {
            connection.end().await;
            keeps_secrets(name, &found, &board.vault).map_err(|why| (String::new(), why))?;
            Ok(found)
        }
        Err(why) => {
            connection.kill().await;
            let what = format!("server {name} did not tell its tools: {why}");
            Err(failed(connection.link.explain(&what)))
        }
    }
}

/// Refuses a server whose tools tell a secret: masked, they would no longer be what the server says, and
/// as they are they would lie in a file.
fn keeps_secrets(server: &str, found: &[Definition], vault: &Vault) -> Result<(), String> {
    for definition in found {
        let Ok(text) = serde_json::to_string(definition) else { continue };
        if vault.mask(&text) != text {
            let name = line(&vault.mask(&definition.name), NAME_BYTES_MAX);
            return Err(format!(
                "server {server} tells a secret in its tool `{name}`: none of them is pinned"
            ));
        }
    }
    Ok(())
}

impl Listing {
    /// What is shown of `found` beside `pins`.
    #[must_use]
    pub fn new(server: &str, section: &McpSection, found: &[Definition], pins: &Pins) -> Self {
        let is_twice = |name: &str| found.iter().filter(|other| other.name == name).count() > 1;
        let mut tools: Vec<Listed> = found
            .iter()
            .map(|definition| {
                let mut listed = Listed::new(server, section, definition);
                if is_twice(&definition.name) {
                    listed.refused = Some("the server has two tools of that name".into());
                }
                listed.change = change(definition, pins);
                listed
            })
            .collect();
        let is_gone = |name: &str| found.iter().all(|definition| definition.name != name);
        for pin in pins.tools.iter().filter(|pin| is_gone(&pin.definition.name)) {
            let listed = Listed::new(server, section, &pin.definition);
            tools.push(Listed { change: Change::Gone, ..listed });
        }
        Self { server: server.to_owned(), tools }
    }

    /// The same, of tools that were all pinned just now.
    #[must_use]
    pub fn pinned(mut self) -> Self {
        for tool in &mut self.tools {
            tool.done = true;
        }
        self
    }

    /// Whether a pinned tool is no longer what it was.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.tools.iter().any(|tool| matches!(tool.change, Change::Changed(_) | Change::Gone))
    }
}

/// One line for each tool, with its hints, and what became of its pin.
impl fmt::Display for Listing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tool in &self.tools {
            let change = match (&tool.change, tool.done) {
                (Change::New, false) => "not pinned".to_owned(),
                (Change::Changed(parts), false) => format!("CHANGED: {}", parts.join(", ")),
                (Change::Gone, false) => "GONE".to_owned(),
                (Change::New, true) | (Change::Same, _) => "pinned".to_owned(),
                (Change::Changed(parts), true) => format!("pinned anew: {}", parts.join(", ")),
                (Change::Gone, true) => "gone, no longer pinned".to_owned(),
            };
            writeln!(out, "{}  {change}", tool.name)?;
            writeln!(
                out,
                "    {}",
                if tool.summary.is_empty() { "(no description)" } else { &tool.summary }
            )?;
            let class = tool.class.unwrap_or("-");
            let granted = tool.tool.as_deref().unwrap_or("-");
            writeln!(out, "    {granted}, {class}, schema of {} bytes{}", tool.schema_bytes, tool.hints)?;
            if let Some(why) = &tool.refused {
                writeln!(out, "    can't be pinned: {why}")?;
            }
        }
        Ok(())
    }
}

impl Listed {
    fn new(server: &str, section: &McpSection, definition: &Definition) -> Self {
        let spec = spec::spec(server, section, definition);
        let name = |class: Class| class.name();
        Self {
            name: line(&definition.name, NAME_BYTES_MAX),
            tool: spec.as_ref().ok().map(|spec| spec.name.clone()),
            summary: line(&definition.description, SUMMARY_BYTES_MAX),
            schema_bytes: definition.schema.to_string().len(),
            class: spec.as_ref().ok().map(|spec| name(spec.class)),
            hints: definition.hints,
            digest: definition.digest(),
            change: Change::New,
            done: false,
            arguments: spec.as_ref().ok().map(|spec| spec.arguments.clone()),
            refused: spec.err(),
        }
    }
}

fn change(definition: &Definition, pins: &Pins) -> Change {
    let Some(pin) = pins.get(&definition.name) else { return Change::New };
    if pin.digest == definition.digest() {
        return Change::Same;
    }
    let pinned = &pin.definition;
    let parts = [
        ("description", pinned.description != definition.description),
        ("schema", pinned.schema != definition.schema),
        ("hints", pinned.hints != definition.hints),
    ];
    Change::Changed(parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect())
}

impl Pins {
    /// Pins `tools` as they were found; those that the server has no more lose their pins when they are
    /// named.
    ///
    /// # Errors
    ///
    /// Which tool can't be pinned, and why.
    pub fn pin(
        &mut self,
        server: &str,
        section: &McpSection,
        found: &[Definition],
        tools: &[String],
    ) -> Result<(), String> {
        for tool in tools {
            let mut same = found.iter().filter(|definition| definition.name == *tool);
            let shown = line(tool, NAME_BYTES_MAX);
            match (same.next(), same.next()) {
                (Some(definition), None) => {
                    spec::spec(server, section, definition)?;
                    self.set(definition.clone());
                }
                (Some(_), Some(_)) => return Err(format!("server {server} has two tools called `{shown}`")),
                (None, _) if self.get(tool).is_some() => {
                    self.tools.retain(|pin| pin.definition.name != *tool);
                }
                (None, _) => {
                    let names: Vec<_> = found.iter().map(|other| line(&other.name, NAME_BYTES_MAX)).collect();
                    return Err(format!(
                        "server {server} has no tool `{shown}`: it has {}",
                        names.join(", ")
                    ));
                }
            }
        }
        if self.tools.len() > PINS_MAX {
            return Err(format!("{} tools would be pinned, at most {PINS_MAX} may be", self.tools.len()));
        }
        let mut names = std::collections::BTreeMap::new();
        for pin in &self.tools {
            let spec = spec::spec(server, section, &pin.definition)?;
            if let Some(other) = names.insert(spec.name.clone(), &pin.definition.name) {
                let name = &pin.definition.name;
                return Err(format!(
                    "`{other}` and `{name}` would both be called {}: pin one of them",
                    spec.name
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mcp::{
        Hints,
        tests::{section, vault},
    };

    fn definition(name: &str, description: &str) -> Definition {
        let schema = json!({"type": "object", "properties": {}});
        let hints = Hints { read_only_hint: Some(true), ..Hints::default() };
        Definition { name: name.into(), description: description.into(), schema, hints }
    }

    #[test]
    fn what_changed_is_shown_by_its_parts() {
        let mut pins = Pins::default();
        for name in ["same", "other", "gone"] {
            pins.set(definition(name, "Does."));
        }
        let mut other = definition("other", "Does <|im_start|>more.");
        other.hints = Hints::default();
        let mut open = definition("new", "");
        open.schema["properties"]["at"] = json!({"format": "uri"});
        let found = [definition("same", "Does."), other, open];
        let listing = Listing::new("peer", &section(""), &found, &pins);
        assert!(listing.has_changes());
        let text = listing.to_string();
        assert_eq!(
            text,
            "same  pinned\n    Does.\n    peer_same, never, schema of 33 bytes, says: reads only\n\
             other  CHANGED: description, hints\n    Does (|im_start|)more.\n    peer_other, never, schema of 33 bytes\n\
             new  not pinned\n    (no description)\n    -, -, schema of 54 bytes, says: reads only\n    \
             can't be pinned: tool `peer_new`: schema keyword `format` at /properties/at can't be enforced\n\
             gone  GONE\n    Does.\n    peer_gone, never, schema of 33 bytes, says: reads only\n"
        );
        let json = serde_json::to_value(&listing).unwrap();
        assert_eq!(json["tools"][1]["change"], json!({"changed": ["description", "hints"]}));
        assert_eq!(json["tools"][3]["change"], "gone");
        assert_eq!(json["tools"][0]["arguments"]["additionalProperties"], json!(false));
        let pinned = listing.pinned().to_string();
        for told in ["other  pinned anew: description, hints\n", "gone  gone, no longer pinned\n"] {
            assert!(pinned.contains(told), "{pinned}");
        }
    }

    #[test]
    fn a_server_that_tells_a_secret_is_neither_shown_nor_pinned() {
        let vault = vault(&[("key", "abcdefgh1234")]);
        assert_eq!(keeps_secrets("peer", &[definition("t", "Does.")], &vault), Ok(()));
        let mut in_schema = definition("t", "Does.");
        in_schema.schema["properties"]["at"] = json!({"default": "YWJjZGVmZ2gxMjM0"});
        for told in [definition("t", "Has abcdefgh1234."), in_schema] {
            let why = keeps_secrets("peer", &[told], &vault).unwrap_err();
            assert_eq!(why, "server peer tells a secret in its tool `t`: none of them is pinned");
        }
    }

    #[test]
    fn pinning_names_what_can_t_be_pinned() {
        let section = section("");
        let found =
            [definition("a-b", "1"), definition("a.b", "2"), definition("c", "3"), definition("c", "4")];
        let pin = |tools: &[&str]| {
            let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            let mut pins = Pins::default();
            pins.set(definition("old", "Does."));
            pins.pin("peer", &section, &found, &tools).map(|()| pins.tools.len())
        };
        assert_eq!(pin(&["a-b"]), Ok(2));
        // One that the server has no more loses its pin when it is named.
        assert_eq!(pin(&["a-b", "old"]), Ok(1));
        assert!(pin(&["a-b", "a.b"]).unwrap_err().contains("would both be called peer_a_b"));
        assert!(pin(&["c"]).unwrap_err().contains("two tools called `c`"));
        assert!(pin(&["x"]).unwrap_err().ends_with("has no tool `x`: it has a-b, a.b, c, c"));
    }
}
