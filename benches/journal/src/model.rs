//! How long a W25Q128 would take: the data sheet's typical times, and reads over a 20 MB/s bus.

use everstep_board_sim::SimFlashCounts;

const PROGRAM_MS: f64 = 0.4;
const ERASE_MS: f64 = 45.0;
const READ_MS: f64 = 0.01;
const READ_BYTES_A_MS: f64 = 20_000.0;

/// Milliseconds that these operations take.
pub(crate) fn ms(counts: SimFlashCounts) -> f64 {
    counts.programs as f64 * PROGRAM_MS
        + counts.erases as f64 * ERASE_MS
        + counts.reads as f64 * READ_MS
        + counts.read_bytes as f64 / READ_BYTES_A_MS
}

/// What was done between two counts.
pub(crate) fn between(before: SimFlashCounts, after: SimFlashCounts) -> SimFlashCounts {
    SimFlashCounts {
        reads: after.reads - before.reads,
        read_bytes: after.read_bytes - before.read_bytes,
        programs: after.programs - before.programs,
        programmed_bytes: after.programmed_bytes - before.programmed_bytes,
        erases: after.erases - before.erases,
        syncs: after.syncs - before.syncs,
        block_writes: after.block_writes - before.block_writes,
    }
}
