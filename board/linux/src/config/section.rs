//! The sections of a board file.

use std::{collections::BTreeMap, path::PathBuf};

use everstep_core::{Limits, RECENT_MAX, RESULT_BYTES_LIMIT};
use everstep_tool::{ArgumentLimit, Grant, Terms};
use serde::{Deserialize, Serialize};

use super::number::{Ratio, Whole};
use crate::{
    flash::{BlockBytes, FLASH_BYTES_MAX, Medium, SECTOR_BYTES, SECTORS_MIN},
    secret::{KeySource, SecretSource},
};

/// A whole board file. `W` is the section of the simulated world, `D` that of one device, `N` that of
/// everything outside the board.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    bound(deserialize = "W: Deserialize<'de>, D: Deserialize<'de>, N: Deserialize<'de>")
)]
pub struct Board<W, D, N = NoSection> {
    /// What the board is.
    pub board: BoardSection,
    /// Its clock.
    #[serde(default)]
    pub clock: ClockSection,
    /// Its flash.
    #[serde(default)]
    pub flash: FlashSection,
    /// The model its agents think with.
    #[serde(default)]
    pub model: ModelSection,
    /// The simulated world; only, and always, on a board of kind `sim`.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub world: Option<W>,
    /// Devices by name.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    pub device: BTreeMap<String, D>,
    /// What is outside the board.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub network: Option<N>,
    /// Where secrets are, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret: BTreeMap<String, SecretSource>,
    /// Agents by name.
    pub agent: BTreeMap<String, AgentSection>,
}

fn none<W>() -> Option<W> {
    None
}

/// A section no key is allowed in: for boards without devices or without a world.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSection {}

/// `[board]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardSection {
    /// Name, for people and logs.
    pub name: String,
    /// Where its devices are.
    pub kind: BoardKind,
    /// Folder of everything the board remembers; relative to the board file.
    #[serde(default = "default_state_dir")]
    pub state_dir: PathBuf,
}

fn default_state_dir() -> PathBuf {
    "state".into()
}

/// Where a board's devices are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardKind {
    /// In a simulated world, a process of its own.
    Sim,
    /// On this machine's pins and buses.
    Linux,
}

/// `[clock]`
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSection {
    /// Believe the date even though no time service confirmed it.
    pub trust_rtc: bool,
}

/// `[flash]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlashSection {
    /// What holds it.
    pub medium: MediumKind,
    /// The file or the device; relative to the state folder.
    pub path: PathBuf,
    /// Bytes that a block device writes at once; only, and always, where `medium` is `block`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_bytes: Option<BlockBytes>,
    /// Bytes of the whole flash.
    pub bytes: Whole<1_048_576, { SECTORS_MIN * SECTOR_BYTES }, FLASH_BYTES_MAX>,
    /// Bytes of the board region, which comes first.
    pub board_bytes: Whole<32_768, { 4 * SECTOR_BYTES }, 16_777_216>,
    /// Bytes of each agent's region.
    pub region_bytes: Whole<524_288, { 4 * SECTOR_BYTES }, FLASH_BYTES_MAX>,
    /// Records after which a snapshot is taken.
    pub snapshot_records: Whole<256, 16, 65_536>,
    /// The part the records are on, or will be; without it, all known ones are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<FlashPart>,
    /// Years the flash has to last at the rate so far; `everstep flash` warns below.
    pub life_years_min: Whole<10, 0, 1_000>,
    /// Where the key is that every record is encrypted and authenticated with; unsealed without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<KeySource>,
    /// Names this device: records that were sealed for another name are refused.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device: String,
}

/// What holds a board's flash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediumKind {
    /// A plain file.
    #[default]
    File,
    /// A block partition, or an image file, written past the system's memory.
    Block,
    /// A raw flash part, `/dev/mtdN`.
    Mtd,
}

impl FlashSection {
    /// What holds it, with what that needs to know.
    #[must_use]
    pub fn medium(&self) -> Medium {
        match self.medium {
            MediumKind::File => Medium::File,
            MediumKind::Block => Medium::Block(self.block_bytes.unwrap_or_default()),
            MediumKind::Mtd => Medium::Mtd,
        }
    }

    /// Fills in the default that depends on another key.
    pub(super) fn fill_in(&mut self) {
        if let Medium::Block(bytes) = self.medium() {
            self.block_bytes = Some(bytes);
        }
    }
}

impl Default for FlashSection {
    fn default() -> Self {
        Self {
            medium: MediumKind::default(),
            path: "flash.bin".into(),
            block_bytes: None,
            bytes: Whole::default(),
            board_bytes: Whole::default(),
            region_bytes: Whole::default(),
            snapshot_records: Whole::default(),
            part: None,
            life_years_min: Whole::default(),
            seal: None,
            device: String::new(),
        }
    }
}

/// A flash part whose wear is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlashPart {
    /// Serial NOR, 16 MiB.
    W25q128,
    /// Parallel NOR, 64 MiB.
    S29gl512,
    /// Serial SLC NAND, 128 MiB.
    W25n01,
    /// Managed NAND behind a block device.
    Emmc,
}

/// `[model]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSection {
    /// A GGUF file, relative to the board file, or `scripted:FILE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The family the model is spoken to in, by name, whichever file it is; by default what the file tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Tokens of context; 0 takes what the model was trained for, within the engine's own limit.
    pub context_tokens_max: Whole<0, 0, 131_072>,
    /// Threads that compute; 0 leaves it to the engine, which takes one for a small model and the free
    /// cores for others.
    pub threads: Whole<0, 0, 256>,
    /// MiB of memory the model may take, by an estimate before it is loaded; 0 sets no limit.
    pub memory_mb_max: Whole<0, 0, 16_777_216>,
    /// Largest snapshot of the KV cache, in bytes; 0 keeps none. Two lie in `kv/AGENT` of the state
    /// folder, beside one that is being written.
    pub kv_snapshot_bytes_max: Whole<67_108_864, 0, 4_294_967_295>,
    /// Bytes of snapshots written in an hour at most, because flash wears.
    pub kv_snapshot_bytes_per_hour_max: Whole<134_217_728, 0, 4_294_967_295>,
    /// How freely tokens are drawn; 0 takes the most likely one.
    pub temperature: Ratio<0, 20>,
    /// Share of probability kept before a draw.
    pub top_p: Ratio<10, 10>,
}

/// `[agent.NAME]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSection {
    /// What it works on when `run` names no task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Instructions the model reads before the task.
    pub system: String,
    /// Tools it may call, in the order the model sees them. Everything else is denied.
    pub grants: Vec<String>,
    /// Which of the flash's agent regions is its own, from 0. Must stay the same for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<u32>,
    /// Whether calls are held to their schemas while they are sampled.
    #[serde(default)]
    pub constraint: ConstraintKind,
    /// Terms of single grants, by tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tool: BTreeMap<String, TermsSection>,
    /// When a run ends, finished or not.
    #[serde(default)]
    pub limits: LimitsSection,
}

/// `[agent.NAME.tool.TOOL]`: what a tool is granted for, beyond that it may be called.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TermsSection {
    /// Limits of its arguments: `arguments.percent = { max = 80 }`, `arguments.state = { only = ["off"] }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, ArgumentLimit>,
    /// Calls in one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_run_max: Option<Whole<0, 0, 10_000>>,
    /// Calls in 24 hours from the first of them. Power cuts don't shorten a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_day_max: Option<Whole<0, 0, 100_000>>,
    /// Seconds from one call to the next, at least.
    pub interval_s_min: Whole<0, 0, 86_400>,
    /// Tries that may be open at once, those included that were given up and have not returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_max: Option<Whole<1, 1, 64>>,
    /// Whether each call waits for an operator once the run holds text from outside the board. By default
    /// whatever moves something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
}

impl From<&TermsSection> for Terms {
    fn from(section: &TermsSection) -> Self {
        Self {
            arguments: section.arguments.clone(),
            calls_per_run_max: section.calls_per_run_max.map(Whole::get),
            calls_per_day_max: section.calls_per_day_max.map(Whole::get),
            interval_s_min: section.interval_s_min.get(),
            concurrent_max: section.concurrent_max.map(Whole::get),
            sensitive: section.sensitive,
        }
    }
}

impl AgentSection {
    /// The grants with their terms, in the order the model sees them.
    #[must_use]
    pub fn granted(&self) -> Vec<Grant> {
        let grant = |tool: &String| Grant {
            tool: tool.clone(),
            terms: self.tool.get(tool).map_or_else(Terms::default, Into::into),
        };
        self.grants.iter().map(grant).collect()
    }
}

/// Whether calls are held to their schemas while they are sampled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintKind {
    /// Every call, token by token.
    #[default]
    Calls,
    /// Not while they are sampled; calls are still checked before they run.
    Off,
}

/// `[agent.NAME.limits]`
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// Replies of the model in one run.
    pub steps_max: Whole<100, 1, 10_000>,
    /// Tokens sampled in one run.
    pub tokens_max: Whole<50_000, 1, 10_000_000>,
    /// Tokens in one reply.
    pub reply_tokens_max: Whole<512, 8, 8_192>,
    /// Seconds that one attempt at a reply may take, reading the prompt included. Real ones, in a
    /// simulated world too.
    pub reply_s_max: Whole<600, 1, 86_400>,
    /// Tokens in one journaled run, and most that a cut may lose.
    pub run_tokens_max: Whole<16, 1, 256>,
    /// Calls performed in one run.
    pub calls_max: Whole<100, 0, 10_000>,
    /// Seconds with power on in one run.
    pub powered_s_max: Whole<86_400, 1, 31_536_000>,
    /// Bytes of one result that the model reads and the journal keeps.
    pub result_bytes_max: Whole<1_024, 64, RESULT_BYTES_LIMIT>,
    /// Tries of one repeatable call.
    pub tries_max: Whole<3, 1, 100>,
    /// Age in seconds beyond which no lost call runs again.
    pub rerun_s_max: Whole<600, 0, 86_400>,
    /// Generations in a row that may fail before the run does.
    pub generation_failures_max: Whole<3, 1, 100>,
    /// Seconds an operator has to decide about a call; then it counts as refused.
    pub approval_s_max: Whole<3_600, 1, 604_800>,
    /// Times in a row that the same call may give the same result: then the model is told so, and the next
    /// time the run ends. A wait between them makes looking again no repetition.
    pub repeats_max: Whole<5, 2, 32>,
    /// The same of two calls that take turns, in pairs.
    pub alternations_max: Whole<4, 2, 32>,
    /// The same of calls in a row that come to nothing.
    pub errors_max: Whole<8, 2, 1_000>,
}

// A circle that is longer than what is remembered would never be found.
const _: () = assert!(2 * 32 <= RECENT_MAX);

impl From<LimitsSection> for Limits {
    fn from(section: LimitsSection) -> Self {
        Self {
            steps_max: section.steps_max.get(),
            tokens_max: section.tokens_max.get(),
            reply_tokens_max: section.reply_tokens_max.get(),
            reply_s_max: section.reply_s_max.get(),
            calls_max: section.calls_max.get(),
            powered_s_max: section.powered_s_max.get(),
            result_bytes_max: section.result_bytes_max.get(),
            tries_max: section.tries_max.get(),
            rerun_s_max: section.rerun_s_max.get(),
            generation_failures_max: section.generation_failures_max.get(),
            approval_s_max: section.approval_s_max.get(),
            repeats_max: section.repeats_max.get(),
            alternations_max: section.alternations_max.get(),
            errors_max: section.errors_max.get(),
        }
    }
}
