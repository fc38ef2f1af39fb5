//! Rules between the keys of a board file, which no single type can tell.

use std::collections::BTreeMap;

use everstep_core::TASK_BYTES_MAX;

use super::{
    AGENTS_MAX, GRANTS_MAX, NAME_BYTES_MAX, SYSTEM_BYTES_MAX,
    section::{AgentSection, Board, BoardKind, FlashSection, MediumKind},
};
use crate::flash::{Medium, SECTOR_BYTES};

/// The first rule that is broken, and by which key.
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) message: String,
}

fn broken(key: impl Into<String>, message: impl Into<String>) -> Result<(), Problem> {
    Err(Problem { key: key.into(), message: message.into() })
}

pub(super) fn problem<W, D, N>(board: &Board<W, D, N>) -> Option<Problem> {
    check(board).err()
}

fn check<W, D, N>(board: &Board<W, D, N>) -> Result<(), Problem> {
    check_name("board.name", &board.board.name)?;
    match (board.board.kind, &board.world) {
        (BoardKind::Sim, None) => broken("board.kind", "a board of kind `sim` needs a `[world]` section")?,
        (BoardKind::Linux, Some(_)) => {
            broken(
                "world",
                "only a board of kind `sim` has a world: remove this section or change `board.kind`",
            )?;
        }
        _ => {}
    }
    for name in board.secret.keys() {
        check_name(&format!("secret.{name}"), name)?;
    }
    if board.flash.path.file_name().is_none() {
        broken("flash.path", "must name a file")?;
    }
    if board.agent.is_empty() || board.agent.len() > AGENTS_MAX {
        broken("agent", format!("a board has from 1 to {AGENTS_MAX} agents, not {}", board.agent.len()))?;
    }
    for (name, agent) in &board.agent {
        check_agent(name, agent)?;
    }
    check_flash(&board.flash, &board.agent)
}

fn check_name(key: &str, name: &str) -> Result<(), Problem> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Ok(());
    }
    broken(
        key,
        format!(
            "a name has 1 to {NAME_BYTES_MAX} letters, digits, `-` or `_`, not `{}`",
            name.escape_debug()
        ),
    )
}

fn check_agent(name: &str, agent: &AgentSection) -> Result<(), Problem> {
    let key = format!("agent.{name}");
    check_name(&key, name)?;
    let bytes = agent.task.as_ref().map_or(0, String::len);
    if bytes > TASK_BYTES_MAX {
        broken(format!("{key}.task"), format!("a task has at most {TASK_BYTES_MAX} bytes, not {bytes}"))?;
    }
    let bytes = agent.system.len();
    if bytes > SYSTEM_BYTES_MAX {
        broken(
            format!("{key}.system"),
            format!("instructions have at most {SYSTEM_BYTES_MAX} bytes, not {bytes}"),
        )?;
    }
    let grants = &agent.grants;
    if grants.len() > GRANTS_MAX {
        broken(
            format!("{key}.grants"),
            format!("an agent has at most {GRANTS_MAX} tools, not {}", grants.len()),
        )?;
    }
    for (index, grant) in grants.iter().enumerate() {
        if grants.iter().take(index).any(|earlier| earlier == grant) {
            broken(format!("{key}.grants"), format!("`{grant}` is granted twice"))?;
        }
    }
    if let Some(tool) = agent.tool.keys().find(|tool| !grants.contains(tool)) {
        broken(
            format!("{key}.tool.{tool}"),
            format!("`{tool}` is not granted: add it to `{key}.grants`, or remove this section"),
        )?;
    }
    let (reply, all) = (agent.limits.reply_tokens_max.get(), agent.limits.tokens_max.get());
    if reply > all {
        broken(
            format!("{key}.limits.reply_tokens_max"),
            format!("a reply of {reply} tokens is more than `tokens_max` allows for the whole run, {all}"),
        )?;
    }
    Ok(())
}

fn check_flash(flash: &FlashSection, agents: &BTreeMap<String, AgentSection>) -> Result<(), Problem> {
    let sizes = [
        ("flash.bytes", flash.bytes.get()),
        ("flash.board_bytes", flash.board_bytes.get()),
        ("flash.region_bytes", flash.region_bytes.get()),
    ];
    if flash.block_bytes.is_some() && flash.medium != MediumKind::Block {
        broken("flash.block_bytes", "only `flash.medium = \"block\"` has blocks: remove this key")?;
    }
    // What a raw part erases at once is only known once it is open.
    let sector_bytes = match flash.medium() {
        Medium::Block(bytes) => bytes.sector_bytes(),
        Medium::File | Medium::Mtd => SECTOR_BYTES,
    };
    for (key, bytes) in sizes {
        if flash.medium != MediumKind::Mtd && !bytes.is_multiple_of(sector_bytes) {
            broken(key, format!("must be a multiple of {sector_bytes}, not {bytes}"))?;
        }
    }
    let slots = flash.bytes.get().saturating_sub(flash.board_bytes.get()) / flash.region_bytes.get();
    if slots == 0 {
        broken("flash.bytes", "has no room for `board_bytes` and one region of `region_bytes`")?;
    }
    let mut owners: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, agent) in agents {
        let key = format!("agent.{name}.region");
        let Some(slot) = agent.region.or((agents.len() == 1).then_some(0)) else {
            return broken(
                key,
                "a board with several agents needs a `region` for each, which stays the same for good",
            );
        };
        if slot >= slots {
            broken(
                &key,
                format!("must be from 0 to {}, not {slot}: the flash has {slots} agent regions", slots - 1),
            )?;
        }
        if let Some(other) = owners.insert(slot, name) {
            broken(&key, format!("region {slot} is the agent `{other}`'s"))?;
        }
    }
    Ok(())
}
