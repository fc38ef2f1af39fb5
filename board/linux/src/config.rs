//! `agent.toml`: what a board is and what its agents may do.
//!
//! Leaves out the world's and the devices' own sections: their crates own those types, and the caller
//! names them. Leaves out what a tool's name means, too: the caller checks grants with
//! [`BoardFile::check_grants`].

mod check;
mod file;
mod locate;
mod number;
mod section;

pub use file::{BoardFile, BoardFileError, Layout};
pub use number::{Ratio, Whole};
pub use section::{
    AgentSection, Board, BoardKind, BoardSection, ClockSection, ConstraintKind, FlashPart, FlashSection,
    LimitsSection, MediumKind, ModelSection, NoSection,
};

/// Bytes of a board file; a longer one is no board file.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Agents on one board.
pub const AGENTS_MAX: usize = 16;
/// Tools granted to one agent.
pub const GRANTS_MAX: usize = 64;
/// Bytes of an agent's instructions.
pub const SYSTEM_BYTES_MAX: usize = 16 * 1024;
/// Bytes of the name of a board or an agent.
pub const NAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
