//! `everstep mcp pin`: what a server's tools promise, beside what was pinned.

use std::path::Path;

use everstep_tools_network::{
    McpSection, NetworkSection, Wrong,
    mcp::{Definition, Listing, Pins, PinsError, find, inspect},
};
use serde_json::json;

use crate::{
    args::{Mcp, McpCommand, McpPin, Place},
    exit::{Exit, Failure, Outcome},
    network, offline, out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Mcp) -> Outcome {
    let McpCommand::Pin(args) = &args.command;
    let site = Site::find(place)?;
    let section = site.file.board.network.clone().unwrap_or_default();
    let server = find(&args.server, &section).map_err(|wrong| failure(&site, wrong))?;
    let path = site.file.resolve(&server.pins);
    let pins = match Pins::load(&path) {
        Ok(pins) => pins,
        Err(PinsError::Missing { .. }) => Pins::default(),
        Err(error) => {
            let wrong = (format!("mcp.{}.pins", args.server), error.advice(&args.server));
            return Err(failure(&site, wrong));
        }
    };
    let found = look(&site, &args.server, &section)?;
    if args.tools.is_empty() {
        show(args, server, &found, &pins)
    } else {
        pin(args, server, &found, pins, &path)
    }
}

/// Asks the server what its tools are.
fn look(site: &Site, server: &str, section: &NetworkSection) -> Outcome<Vec<Definition>> {
    let board = network::board_side(site, offline::trusted_s(site)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = runtime.map_err(Failure::failed)?.block_on(inspect(server, section, &board));
    found.map_err(|wrong| failure(site, wrong))
}

/// The board file is wrong, or the server failed: then there is no key.
fn failure(site: &Site, (key, message): Wrong) -> Failure {
    if key.is_empty() {
        return Failure::failed(anyhow::anyhow!(message));
    }
    network::wrong(site, "network", &key, message)
}

fn show(args: &McpPin, server: &McpSection, found: &[Definition], pins: &Pins) -> Outcome {
    let listing = Listing::new(&args.server, server, found, pins);
    print(args, &listing)?;
    Ok(if listing.has_changes() { Exit::Failed } else { Exit::Done })
}

fn pin(args: &McpPin, server: &McpSection, found: &[Definition], mut pins: Pins, path: &Path) -> Outcome {
    let is_named = |name: &String| args.tools.contains(name);
    let named: Vec<_> = found.iter().filter(|definition| is_named(&definition.name)).cloned().collect();
    let before = pins.tools.iter().filter(|pin| is_named(&pin.definition.name)).cloned().collect();
    let listing = Listing::new(&args.server, server, &named, &Pins { tools: before });
    pins.pin(&args.server, server, found, &args.tools)
        .map_err(|why| Failure::usage(anyhow::anyhow!("nothing was pinned: {why}")))?;
    pins.save(path).map_err(Failure::failed)?;
    print(args, &listing.pinned())?;
    out::note(&format!(
        "wrote {}: agents read it at their next start, and an unfinished run goes on with `everstep run --accept-change`",
        path.display()
    ));
    Ok(Exit::Done)
}

fn print(args: &McpPin, listing: &Listing) -> Outcome<()> {
    if args.json.json { out::json(&json!(listing)) } else { out::text(&listing.to_string()) }
}
