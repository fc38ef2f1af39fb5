//! `everstep flash`: how the flash is divided, how full it is, and how worn it would be.

use everstep_board_linux::flash::FlashCounts;
use everstep_journal::FORMAT_VERSION;
use serde_json::json;

use crate::{
    args::{Json, Place},
    exit::{Exit, Outcome},
    offline, out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: Json) -> Outcome {
    let site = Site::find(place)?;
    let flash = &site.file.board.flash;
    let (path, bytes) = (site.flash_path(), flash.bytes.get());
    let (exists, layout) = (path.exists(), site.file.layout());
    let records = offline::records(&site)?;
    let counts = FlashCounts::read(&site.flash_place().counts_path());
    let sector_bytes = records.sector_bytes;
    if args.json {
        let agents: Vec<_> = layout
            .agents
            .iter()
            .map(|(name, region)| json!({"agent": name, "start": region.start, "end": region.end}))
            .collect();
        out::json(&json!({
            "path": path,
            "exists": exists,
            "bytes": bytes,
            "sector_bytes": sector_bytes,
            "format_version": FORMAT_VERSION,
            "board_region": {"start": layout.board.start, "end": layout.board.end},
            "agent_regions": agents,
            "agent": site.agent_name,
            "records": records.behind.len(),
            "snapshot_bytes": records.snapshot_bytes,
            "bytes_free": records.bytes_free,
            "torn": records.found.torn,
            "programs": counts.programs,
            "journal_bytes": counts.programmed_bytes,
            "erases": counts.erases,
        }))?;
        return Ok(Exit::Done);
    }
    let state = if exists { "" } else { " (the first run makes it)" };
    out::line(&format!("file         {}{state}", path.display()))?;
    out::line(&format!("size         {bytes} bytes, {} sectors of {sector_bytes}", bytes / sector_bytes))?;
    out::line(&format!("format       version {FORMAT_VERSION}"))?;
    out::line(&format!("board        {}..{}", layout.board.start, layout.board.end))?;
    for (name, region) in &layout.agents {
        out::line(&format!("agent        {}..{} {name}", region.start, region.end))?;
    }
    let (count, snapshot) = (records.behind.len(), records.snapshot_bytes);
    out::line(&format!("{:<12} {count} records behind a snapshot of {snapshot} bytes", site.agent_name))?;
    if let Some(free) = records.bytes_free {
        out::line(&format!("free         {free} bytes"))?;
    }
    if records.found.torn {
        out::line("tail         a write was cut short; nothing that was accepted is lost")?;
    }
    let FlashCounts { programs, programmed_bytes, erases } = counts;
    out::line(&format!(
        "written      {programmed_bytes} bytes in {programs} programs, {erases} sectors erased"
    ))?;
    Ok(Exit::Done)
}
