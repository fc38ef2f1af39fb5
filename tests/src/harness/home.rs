//! What the agent of a life has to live in: most have room, one in eight has the least that boots.

use std::{ops::Range, sync::OnceLock};

use everstep_board_sim::SimFlash;
use everstep_core::Limits;
use everstep_driver::{AgentConfig, Budget, SharedFlash, Store};
use everstep_model::{Constraint, Sampling};

const SECTOR_BYTES: u32 = 4_096;
/// Sectors of the whole flash.
pub(super) const SECTORS: u32 = 48;
const BOARD_SECTORS: u32 = 8;
/// Where the board's own log is.
pub(super) const BOARD_REGION: Range<u32> = 0..BOARD_SECTORS * SECTOR_BYTES;
/// Most tokens that a cut may lose.
pub(super) const RUN_TOKENS_MAX: u32 = 16;

/// An agent's region and budget, and how much it has to take in.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// Where the agent's journal is.
    pub region: Range<u32>,
    /// The agent.
    pub config: AgentConfig,
    /// Bytes that a device's answer has in addition.
    pub answer_bytes: usize,
    /// Replies before the model may answer.
    pub steps_min: usize,
    /// Bytes of conversation that the model holds.
    pub context_bytes: usize,
    /// Whether the region may fill up.
    pub is_small: bool,
}

impl Home {
    /// The home of the life under `seed`.
    pub(super) fn of(seed: u64) -> Self {
        // In one life of three the model's context is small, too: five steps or so.
        let context = |bytes: usize| if seed.is_multiple_of(3) { bytes } else { usize::MAX };
        let room = Budget { snapshot_records: 40, snapshot_bytes_max: 24 * 1024 };
        if seed % 8 != 7 {
            let limits = Limits { steps_max: 14, calls_max: 12, powered_s_max: 3_600, ..Limits::default() };
            let (config, region) = (config(limits, room), region(SECTORS - BOARD_SECTORS));
            let context_bytes = context(750);
            return Self { region, config, answer_bytes: 0, steps_min: 3, context_bytes, is_small: false };
        }
        // Long answers, and a state that is larger than a snapshot may be before long.
        let limits = Limits {
            steps_max: 40,
            calls_max: 40,
            powered_s_max: 3_600,
            result_bytes_max: 2_048,
            ..Limits::default()
        };
        let config = config(limits, Budget { snapshot_bytes_max: 3 * 1024, ..room });
        let region = region(sectors_min(&config));
        let context_bytes = context(8_000);
        Self { region, config, answer_bytes: 1_500, steps_min: 16, context_bytes, is_small: true }
    }
}

fn region(sectors: u32) -> Range<u32> {
    BOARD_REGION.end..BOARD_REGION.end + sectors * SECTOR_BYTES
}

/// The smallest region that boots.
fn sectors_min(config: &AgentConfig) -> u32 {
    static SECTORS_MIN: OnceLock<u32> = OnceLock::new();
    let opens = |sectors: &u32| {
        let flash = SharedFlash::new(SimFlash::<4, 4096>::new(SECTORS as usize));
        Store::open(&flash, region(*sectors), config.limits, config.budget).is_ok()
    };
    *SECTORS_MIN.get_or_init(|| (1..=SECTORS - BOARD_SECTORS).find(opens).unwrap_or(SECTORS))
}

fn config(limits: Limits, budget: Budget) -> AgentConfig {
    AgentConfig {
        name: "life".into(),
        system: "You live.".into(),
        limits,
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
        constraint: Constraint::Calls,
        run_tokens_max: RUN_TOKENS_MAX,
        budget,
        approvals: everstep_driver::Approvals::Return,
    }
}
