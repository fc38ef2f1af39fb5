//! `everstep flash`: how the flash is divided, how full it is, and how long it lasts.

use std::{fs, path::Path};

use everstep_board_linux::flash::{Erases, FlashCounts};
use everstep_journal::FORMAT_VERSION;
use serde_json::{Value, json};

use crate::{
    args::{Flash, FlashCommand, Place},
    exit::{Exit, Failure, Outcome},
    life::{self, PARTS, Part, Wear, as_f64},
    offline::{self, Records, Source},
    out,
    site::Site,
};

/// Records on flash from which averages are drawn at least.
const RECORDS_MIN: usize = 16;

pub(crate) fn perform(place: &Place, args: &Flash) -> Outcome {
    let site = Site::find(place)?;
    if let Some(FlashCommand::Image { file }) = &args.command {
        return export(&site, file);
    }
    let source = Source::of(&site, args.from.image.as_deref());
    let view = View::of(&site, &source)?;
    if args.json.json {
        out::json(&view.object())?;
    } else {
        for line in view.lines() {
            out::line(&line)?;
        }
    }
    for warning in view.warnings() {
        out::note(&format!("everstep: {warning}"));
    }
    Ok(Exit::Done)
}

/// Copies the flash to a file that `--image` reads, here or on another machine.
fn export(site: &Site, file: &Path) -> Outcome {
    let Some(image) = offline::image(site, &Source::of(site, None))? else {
        return Err(Failure::flash(anyhow::anyhow!(
            "flash {} isn't there yet: the first run makes it",
            site.flash_path().display()
        )));
    };
    let written = fs::File::create_new(file).and_then(|mut copy| {
        std::io::Write::write_all(&mut copy, &image.to_copy())?;
        copy.sync_all()
    });
    written.map_err(|error| {
        let what = format!("{} can't be written: name a file that isn't there yet", file.display());
        Failure::usage(anyhow::Error::new(error).context(what))
    })?;
    out::line(&format!("the flash is copied to {}", file.display()))?;
    Ok(Exit::Done)
}

/// Everything the command shows.
struct View<'a> {
    site: &'a Site,
    source: &'a Source,
    exists: bool,
    records: Records,
    counts: FlashCounts,
    erases: Option<Erases>,
    wear: Option<Wear>,
    generations: u64,
}

impl<'a> View<'a> {
    fn of(site: &'a Site, source: &'a Source) -> Outcome<Self> {
        let records = offline::records(site, source)?;
        let exists = source.path().exists();
        let agent = offline::read(site, source)?;
        let counts = match source {
            Source::Board(place) => place.counts_path(),
            Source::Image(path) => path.clone(),
        };
        let wear = records.usage.map(|usage| Wear {
            usage,
            frames: records.frames,
            elapsed_ms: agent.state().timeline.elapsed_ms,
        });
        Ok(Self {
            site,
            source,
            exists,
            counts: FlashCounts::read(&counts),
            erases: Erases::read(&counts, &site.agent_region(), records.sector_bytes),
            wear,
            generations: agent.state().generations.0.into(),
            records,
        })
    }

    /// Bytes of flash for one step of the model, snapshots and headers included.
    fn step_bytes(&self) -> Option<u64> {
        self.wear.as_ref()?.used_bytes().checked_div(self.generations)
    }

    /// Bytes of flash for each byte of a record, as far as the records on flash tell their mean size.
    fn write_amplification(&self) -> Option<f64> {
        let wear = self.wear.as_ref()?;
        let behind = &self.records.behind;
        if behind.len() < RECORDS_MIN {
            return None;
        }
        let bytes: usize = behind.iter().map(|(_, record)| record.encode().len()).sum();
        let mean = as_f64(bytes as u64) / as_f64(behind.len() as u64);
        // Fragments of snapshots are frames, too; there are few of them.
        Some(as_f64(wear.used_bytes()) / (mean * as_f64(wear.frames)))
    }

    fn lives(&self) -> impl Iterator<Item = (&'static Part, Option<f64>)> {
        PARTS.iter().map(|part| (part, self.wear.as_ref().and_then(|wear| wear.life_years(part))))
    }

    fn warnings(&self) -> Vec<String> {
        self.wear.as_ref().map_or_else(Vec::new, |wear| life::warnings(&self.site.file.board.flash, wear))
    }

    fn object(&self) -> Value {
        let layout = self.site.file.layout();
        let agents: Vec<_> = layout
            .agents
            .iter()
            .map(|(name, region)| json!({"agent": name, "start": region.start, "end": region.end}))
            .collect();
        let erases =
            self.erases.map(|erases| json!({"min": erases.min, "mean": erases.mean, "max": erases.max}));
        let lives: Vec<_> = self
            .lives()
            .map(|(part, years)| json!({"part": part.name, "cycles": part.cycles, "years": years}))
            .collect();
        let usage = self.wear.map(|wear| wear.usage);
        json!({
            "path": self.source.path(),
            "exists": self.exists,
            "bytes": self.site.file.board.flash.bytes.get(),
            "sector_bytes": self.records.sector_bytes,
            "format_version": FORMAT_VERSION,
            "board_region": {"start": layout.board.start, "end": layout.board.end},
            "agent_regions": agents,
            "agent": self.site.agent_name,
            "sectors": usage.map(|usage| usage.sectors),
            "sectors_used": usage.map(|usage| usage.sectors_used),
            "records": self.records.behind.len(),
            "snapshot_bytes": self.records.snapshot_bytes,
            "bytes_free": self.records.bytes_free,
            "torn": self.records.found.torn,
            "programs": self.counts.programs,
            "journal_bytes": self.counts.programmed_bytes,
            "erases": self.counts.erases,
            "region_erases": erases,
            "region_erases_mean_from_records": self.wear.map(|wear| mean_erases(&wear)),
            "write_amplification": self.write_amplification(),
            "bytes_a_step": self.step_bytes(),
            "elapsed_s": self.wear.map(|wear| wear.elapsed_ms / 1_000),
            "life": lives,
            "life_years_min": self.site.file.board.flash.life_years_min.get(),
            "warnings": self.warnings(),
        })
    }

    fn lines(&self) -> Vec<String> {
        let layout = self.site.file.layout();
        let bytes = self.site.file.board.flash.bytes.get();
        let sector_bytes = self.records.sector_bytes.max(1);
        let state = if self.exists { "" } else { " (the first run makes it)" };
        let mut lines = vec![
            format!("file         {}{state}", self.source.path().display()),
            format!("size         {bytes} bytes, {} sectors of {sector_bytes}", bytes / sector_bytes),
            format!("format       version {FORMAT_VERSION}"),
            format!("board        {}..{}", layout.board.start, layout.board.end),
        ];
        for (name, region) in &layout.agents {
            lines.push(format!("agent        {}..{} {name}", region.start, region.end));
        }
        let Some(wear) = self.wear else { return lines };
        let (count, snapshot) = (self.records.behind.len(), self.records.snapshot_bytes);
        lines.push(format!(
            "{:<12} {count} records behind a snapshot of {snapshot} bytes",
            self.site.agent_name
        ));
        lines.push(format!("used         {} of {} sectors", wear.usage.sectors_used, wear.usage.sectors));
        if let Some(free) = self.records.bytes_free {
            lines.push(format!("free         {free} bytes before an old snapshot is erased"));
        }
        if self.records.found.torn {
            lines.push("tail         a write was cut short; nothing that was accepted is lost".into());
        }
        let FlashCounts { programs, programmed_bytes, erases } = self.counts;
        if programs > 0 {
            lines.push(format!(
                "written      {programmed_bytes} bytes in {programs} programs, {erases} sectors erased"
            ));
        }
        lines.push(match self.erases {
            Some(Erases { min, mean, max }) => {
                format!(
                    "erases       min {min}, mean {mean:.1}, max {max} a sector of {}",
                    self.site.agent_name
                )
            }
            None => format!("erases       mean {:.1} a sector, as the records tell", mean_erases(&wear)),
        });
        if let Some(bytes) = self.step_bytes() {
            lines.push(format!("a step       {bytes} bytes of flash, over {} steps", self.generations));
        }
        if let Some(amplification) = self.write_amplification() {
            lines.push(format!("amplified    {amplification:.2} bytes of flash for a byte of records"));
        }
        lines.push(format!("life         at the rate of {} so far:", span(wear.elapsed_ms)));
        for (part, years) in self.lives() {
            let years = years.map_or("not known yet".into(), years_text);
            lines.push(format!("  {:<10} {years} ({} erases a sector)", part.name, part.cycles));
        }
        lines
    }
}

/// How often a sector was erased on the average, by the number of the newest opening.
fn mean_erases(wear: &Wear) -> f64 {
    f64::from(wear.usage.openings) / f64::from(wear.usage.sectors.max(1))
}

fn years_text(years: f64) -> String {
    if years >= 1_000.0 { "more than 1,000 years".into() } else { format!("{years:.1} years") }
}

fn span(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7_200 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
