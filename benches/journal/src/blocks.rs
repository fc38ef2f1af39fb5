//! What group commit saves on a block device: blocks written and requests, for groups of several sizes.

use anyhow::{Result, anyhow};
use everstep_board_sim::{SimFlash, SimFlashHandle};
use everstep_journal::{BUFFER_BYTES, Budget, Journal, Region, format};
use serde_json::{Value, json};

use crate::workload::{Item, SNAPSHOT_BYTES_MAX, Workload};

const STEPS: u64 = 2_000;
const SECTOR: usize = 65_536;
const SECTORS: usize = 64;
const FLASH_BYTES: u32 = 4 << 20;
const BLOCKS: [u32; 2] = [512, 4_096];
const GROUPS: [usize; 4] = [1, 2, 8, 32];
const BUDGET: Budget = Budget { snapshot_bytes_max: SNAPSHOT_BYTES_MAX, reserve_bytes: 4096 };

const _: () = assert!(FLASH_BYTES as usize == SECTOR * SECTORS);

/// What one size of group costs.
pub(crate) struct Group {
    block_bytes: u32,
    events: usize,
    requests: f64,
    blocks: f64,
    payload_bytes: f64,
}

/// Keeps the workload in groups of every size, on blocks of every size.
pub(crate) fn measure() -> Result<Vec<Group>> {
    let all = BLOCKS.into_iter().flat_map(|block_bytes| GROUPS.map(|events| (block_bytes, events)));
    all.map(|(block_bytes, events)| measure_one(block_bytes, events)).collect()
}

fn measure_one(block_bytes: u32, events: usize) -> Result<Group> {
    let flash: SimFlash<4, SECTOR> = SimFlash::new(SECTORS).buffered(block_bytes as usize, true);
    let flash = SimFlashHandle::new(flash);
    let region = || Region::buffered(0..FLASH_BYTES).blocks(block_bytes);
    format(flash.clone(), region(), 0).map_err(|error| anyhow!("{error}"))?;
    let mut buffer = [0; BUFFER_BYTES];
    let found = Journal::recover(flash.clone(), region(), BUDGET, &mut buffer, |_| {
        Ok::<(), core::convert::Infallible>(())
    });
    let mut journal = found.map_err(|error| anyhow!("{error}"))?.0;
    let mut workload = Workload::new(1).filter(|item| matches!(item, Item::Event(_)));
    let (mut steps, mut payload_bytes) = (0, 0);
    let (mut requests, mut blocks) = (0, 0);
    while steps < STEPS {
        if journal.needs_snapshot() {
            let mut writer = journal.snapshot()?;
            writer.write(&[0; 2048])?;
            writer.commit()?;
            while journal.erase_ahead()? {}
        }
        let before = flash.lock().counts();
        for item in workload.by_ref().take(events) {
            journal.stage(item.bytes())?;
            payload_bytes += item.bytes().len();
            steps += 1;
        }
        journal.commit()?;
        let after = flash.lock().counts();
        requests += after.syncs - before.syncs;
        blocks += after.block_writes - before.block_writes;
    }
    let a_step = |count: u64| count as f64 / steps as f64;
    Ok(Group {
        block_bytes,
        events,
        requests: a_step(requests),
        blocks: a_step(blocks),
        payload_bytes: a_step(payload_bytes as u64),
    })
}

impl Group {
    /// Bytes of the blocks that an event takes, for each byte of it.
    fn amplification(&self) -> f64 {
        self.blocks * f64::from(self.block_bytes) / self.payload_bytes
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "block_bytes": self.block_bytes, "group": self.events, "requests_per_event": self.requests,
            "blocks_per_event": self.blocks, "amplification": self.amplification(),
        })
    }
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
pub(crate) fn print(groups: &[Group]) {
    println!("\neverstep-journal on a block device: what is committed together, an event\n");
    println!("{:<26} {:>9} {:>9} {:>14}", "", "requests", "blocks", "bytes a byte");
    for group in groups {
        println!(
            "{:<26} {:>9.3} {:>9.3} {:>14.2}",
            format!("blocks of {}, by {}", group.block_bytes, group.events),
            group.requests,
            group.blocks,
            group.amplification(),
        );
    }
}
