//! Rules of a block device, and the real journal on one that fails and loses blocks with the power.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use super::*;
use crate::flash::{
    Geometry,
    life::{Life, region},
};

const BLOCK: BlockBytes = BlockBytes::B512;
const SECTOR: u32 = BLOCK.sector_bytes();

/// A disk in memory. What is under way when the power goes is old, new or unreadable, block by block.
#[derive(Clone, Debug)]
struct FakeDisk(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    bytes: Vec<u8>,
    block_bytes: usize,
    unreadable: BTreeSet<usize>,
    reads: u32,
    /// Address and length of every write.
    writes: Vec<(u32, usize)>,
    plan: Option<Plan>,
    powered: bool,
}

/// What comes behind so many writes.
#[derive(Clone, Copy, Debug)]
struct Plan {
    writes: u32,
    what: What,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum What {
    /// The write fails, and none of it is there.
    Failure,
    /// The power goes; the seed decides about each block.
    Cut(u64),
}

impl FakeDisk {
    fn new(bytes: Vec<u8>, block_bytes: BlockBytes) -> Self {
        let block_bytes = block_bytes.get() as usize;
        let unreadable = BTreeSet::new();
        let inner =
            Inner { bytes, block_bytes, unreadable, reads: 0, writes: Vec::new(), plan: None, powered: true };
        Self(Arc::new(Mutex::new(inner)))
    }

    fn erased(sectors: u32, block_bytes: BlockBytes) -> Self {
        Self::new(vec![ERASED; (sectors * block_bytes.sector_bytes()) as usize], block_bytes)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn plan(&self, writes: u32, what: What) {
        self.inner().plan = Some(Plan { writes, what });
    }

    fn power_on(&self) {
        let mut inner = self.inner();
        (inner.powered, inner.plan) = (true, None);
    }

    fn flash(&self, block_bytes: BlockBytes) -> BlockFlash<Self> {
        let folder = tempfile::tempdir().unwrap();
        let bytes = len32(self.inner().bytes.len());
        BlockFlash::new(self.clone(), bytes, block_bytes, Wear::open(&folder.path().join("disk")).unwrap())
    }
}

impl Inner {
    fn check(&self, address: u32, blocks: &[u8]) -> io::Result<std::ops::Range<usize>> {
        assert!((address as usize).is_multiple_of(self.block_bytes), "not whole blocks");
        assert!(!blocks.is_empty() && blocks.len().is_multiple_of(self.block_bytes), "not whole blocks");
        if !self.powered {
            return Err(io::Error::other("power is off"));
        }
        Ok(address as usize..address as usize + blocks.len())
    }
}

impl Disk for FakeDisk {
    fn read(&mut self, address: u32, blocks: &mut [u8]) -> io::Result<()> {
        let mut inner = self.inner();
        let range = inner.check(address, blocks)?;
        inner.reads += 1;
        if inner.unreadable.range(range.clone()).next().is_some() {
            return Err(io::Error::from_raw_os_error(libc::ENODATA));
        }
        blocks.copy_from_slice(&inner.bytes[range]);
        Ok(())
    }

    fn write(&mut self, address: u32, blocks: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        let range = inner.check(address, blocks)?;
        inner.writes.push((address, blocks.len()));
        let due = inner.plan.filter(|plan| plan.writes == 0);
        inner.plan = inner.plan.map(|plan| Plan { writes: plan.writes.saturating_sub(1), ..plan });
        let Some(Plan { what, .. }) = due else {
            inner.unreadable.retain(|block| !range.contains(block));
            inner.bytes[range].copy_from_slice(blocks);
            return Ok(());
        };
        inner.plan = None;
        let What::Cut(seed) = what else { return Err(io::Error::from_raw_os_error(libc::EREMOTEIO)) };
        inner.powered = false;
        let block_bytes = inner.block_bytes;
        for (number, (start, block)) in
            (range.start..).step_by(block_bytes).zip(blocks.chunks(block_bytes)).enumerate()
        {
            match (seed >> (2 * (number % 32))) % 4 {
                0 => {}
                1 => {
                    inner.unreadable.insert(start);
                }
                _ => {
                    inner.unreadable.remove(&start);
                    inner.bytes[start..start + block_bytes].copy_from_slice(block);
                }
            }
        }
        Err(io::Error::other("power is off"))
    }
}

#[test]
fn nothing_reaches_the_disk_before_it_is_asked_for_and_neighbours_go_together() {
    let disk = FakeDisk::erased(8, BLOCK);
    let mut flash = disk.flash(BLOCK);
    flash.erase(0, SECTOR).unwrap();
    flash.write(8, &[1; 8]).unwrap();
    flash.write(512, &[2; 1024]).unwrap();
    flash.write(3 * SECTOR, &[3; 4]).unwrap();
    assert!(disk.inner().writes.is_empty());
    let mut found = [0; 16];
    flash.read(4, &mut found).unwrap();
    assert_eq!(found, [[0xFF; 4], [1; 4], [1; 4], [0xFF; 4]].concat()[..]);
    flash.write(0, &[]).unwrap();
    assert_eq!(disk.inner().writes, [(0, SECTOR as usize), (3 * SECTOR, 512)]);
    flash.write(0, &[]).unwrap();
    assert_eq!(disk.inner().writes.len(), 2, "there was nothing left to write");
    assert_eq!(disk.inner().bytes[8..16], [1; 8]);
    assert_eq!(disk.inner().bytes[512..1536], [2; 1024]);
    assert_eq!(flash.counts(), FlashCounts { programs: 2, programmed_bytes: 8192 + 512, erases: 1 });
}

#[test]
fn bits_are_never_set_and_ranges_are_checked() {
    let disk = FakeDisk::erased(8, BLOCK);
    let mut flash = disk.flash(BLOCK);
    flash.write(508, &[0xF0; 8]).unwrap();
    flash.write(508, &[0x30; 8]).unwrap();
    assert!(matches!(flash.write(504, &[0xFF; 12]), Err(FlashError::SetsBits { address: 508 })));
    assert!(matches!(flash.write(2, &[0; 4]), Err(FlashError::NotAligned { unit: 4, .. })));
    assert!(matches!(flash.erase(4096, 8192), Err(FlashError::NotAligned { unit: SECTOR, .. })));
    assert!(matches!(flash.erase(SECTOR, 0), Err(FlashError::OutOfBounds { .. })));
    assert!(matches!(flash.write(8 * SECTOR, &[0; 4]), Err(FlashError::OutOfBounds { .. })));
    assert!(matches!(flash.read(8 * SECTOR - 1, &mut [0; 2]), Err(FlashError::OutOfBounds { .. })));
    let mut found = [0; 12];
    flash.read(504, &mut found).unwrap();
    assert_eq!(found, [&[0xFF; 4][..], &[0x30; 8]].concat()[..], "a refused write left something");
}

#[test]
fn memory_is_bounded_and_everything_is_there_all_the_same() {
    let disk = FakeDisk::erased(200, BLOCK);
    let mut flash = disk.flash(BLOCK);
    let held = |flash: &BlockFlash<FakeDisk>| flash.kept.len() * 512;
    for sector in 0..200 {
        flash.erase(sector * SECTOR, (sector + 1) * SECTOR).unwrap();
        flash.write(sector * SECTOR + 1000, &[u8::try_from(sector).unwrap(); 2000]).unwrap();
        assert!(held(&flash) <= KEPT_BYTES_MAX);
    }
    assert!(!disk.inner().writes.is_empty());
    let mut all = vec![0; 200 * SECTOR as usize];
    flash.read(0, &mut all).unwrap();
    assert!(held(&flash) <= KEPT_BYTES_MAX);
    for (sector, bytes) in all.chunks(SECTOR as usize).enumerate() {
        assert_eq!(bytes[1000..3000], [u8::try_from(sector).unwrap(); 2000]);
        assert!(bytes[..1000].iter().all(|byte| *byte == ERASED));
    }
    flash.write(0, &[]).unwrap();
    assert!(disk.inner().bytes == all);
    assert!(disk.inner().writes.iter().all(|(_, bytes)| *bytes <= RUN_BYTES_MAX));
}

#[test]
fn a_block_that_can_not_be_read_reads_as_zeros_and_its_neighbours_as_they_are() {
    let disk = FakeDisk::new(vec![0x5A; 8 * SECTOR as usize], BLOCK);
    disk.inner().unreadable.insert(1024);
    let mut flash = disk.flash(BLOCK);
    let mut found = [1; 1536];
    flash.read(512, &mut found).unwrap();
    assert_eq!(found, [[0x5A; 512], [0; 512], [0x5A; 512]].concat()[..]);
    flash.erase(0, SECTOR).unwrap();
    flash.write(0, &[]).unwrap();
    drop(flash);
    disk.flash(BLOCK).read(1024, &mut found).unwrap();
    assert_eq!(found, [ERASED; 1536], "it is written again");
}

#[test]
fn after_a_failed_write_reads_tell_what_is_there() {
    let disk = FakeDisk::erased(8, BLOCK);
    let mut flash = disk.flash(BLOCK);
    flash.write(0, &[1; 4]).unwrap();
    flash.write(SECTOR, &[2; 4]).unwrap();
    disk.plan(1, What::Failure);
    let failed = flash.write(0, &[]);
    assert!(matches!(failed, Err(FlashError::Io { address: SECTOR, .. })), "{failed:?}");
    let mut found = [0; 4];
    flash.read(0, &mut found).unwrap();
    assert_eq!(found, [1; 4]);
    flash.read(SECTOR, &mut found).unwrap();
    assert_eq!(found, [ERASED; 4]);
}

#[test]
fn only_what_is_blank_is_made_a_flash() {
    let look =
        |bytes: &[u8]| content(&mut FakeDisk::new(bytes.to_vec(), BLOCK), len32(bytes.len()), BLOCK).unwrap();
    let size = 2 * LOOK as usize;
    assert_eq!(look(&vec![ERASED; size]), Content::Erased);
    assert_eq!(look(&vec![0; size]), Content::Blank);
    // A cut ended the preparation: some blocks are erased, the others still zeros.
    let begun = [vec![ERASED; 1024], vec![0; 512], vec![ERASED; 512], vec![0; size - 2048]].concat();
    assert_eq!(look(&begun), Content::Blank);
    // One byte of a file system, in a block or between them.
    for at in [0, 510, 1080, 65_536 + 64, size - 1] {
        for kind in [0, ERASED] {
            let mut used = vec![kind; size];
            used[at] = 0x53;
            assert_eq!(look(&used), Content::Something, "{at}");
        }
    }
    let torn = [vec![0; 100], vec![ERASED; 412], vec![0; 512]].concat();
    assert_eq!(look(&torn), Content::Something, "no block of ours is half one and half the other");
}

const LOOK: u32 = prepare::LOOK_BYTES_MIN;

#[test]
fn a_disk_that_can_not_be_read_at_all_is_not_blank() {
    let mut disk = FakeDisk::new(vec![0; LOOK as usize], BLOCK);
    disk.inner().unreadable.extend((0..LOOK as usize).step_by(512));
    assert!(matches!(content(&mut disk, LOOK, BLOCK), Err(FlashError::Io { .. })));
    disk.inner().unreadable.remove(&512);
    assert_eq!(content(&mut disk, LOOK, BLOCK).unwrap(), Content::Blank);
}

#[test]
fn a_preparation_that_a_cut_ended_is_gone_on_with() {
    for writes in 0..16 {
        let mut disk = FakeDisk::new(vec![0; LOOK as usize], BLOCK);
        disk.plan(writes, What::Cut(0x1234_5678_9ABC_DEF0));
        assert!(prepare(&mut disk, LOOK).is_err());
        disk.power_on();
        assert_eq!(content(&mut disk, LOOK, BLOCK).unwrap(), Content::Blank);
        prepare(&mut disk, LOOK).unwrap();
        assert_eq!(content(&mut disk, LOOK, BLOCK).unwrap(), Content::Erased);
    }
}

/// Power cuts at random writes, decided by one seed each; every block under way by itself.
fn cuts(block_bytes: BlockBytes, seed: u64) {
    let disk = FakeDisk::erased(12, block_bytes);
    let region = region(Geometry::block(block_bytes), 12 * block_bytes.sector_bytes());
    let mut life = Life::default();
    let mut state = seed;
    let mut roll = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    for turn in 0..150 {
        let far = if turn % 4 == 0 { 100 } else { 8 };
        disk.plan(u32::try_from(roll(far)).unwrap(), What::Cut(roll(u64::MAX) << 31 ^ roll(u64::MAX)));
        let ended = life.live(disk.flash(block_bytes), &region, 1000);
        assert!(ended.is_err() && !disk.inner().powered, "seed {seed}, turn {turn}: {ended:?}");
        disk.power_on();
    }
    assert!(life.accepted() > 300, "seed {seed}: {}", life.accepted());
}

#[test]
fn power_cuts_lose_nothing_that_was_accepted() {
    for seed in 0..6 {
        cuts(BlockBytes::B512, seed);
        cuts(BlockBytes::B4096, seed);
    }
}

#[test]
fn a_failed_write_is_told_and_the_next_boot_goes_on() {
    for writes in 0..40 {
        let disk = FakeDisk::erased(12, BLOCK);
        let region = region(Geometry::block(BLOCK), 12 * SECTOR);
        let mut life = Life::default();
        disk.plan(writes, What::Failure);
        let failed = life.live(disk.flash(BLOCK), &region, 60);
        assert!(matches!(failed, Err(FlashError::Io { .. })), "{writes}: {failed:?}");
        life.live(disk.flash(BLOCK), &region, 60).unwrap();
        life.live(disk.flash(BLOCK), &region, 0).unwrap();
        assert_eq!(life.accepted() % 60, life.accepted() - 60);
    }
}

#[test]
fn one_record_is_one_write() {
    let disk = FakeDisk::erased(12, BlockBytes::B4096);
    let region = region(Geometry::block(BlockBytes::B4096), 12 * 32_768);
    let mut life = Life::default();
    life.live(disk.flash(BlockBytes::B4096), &region, 3).unwrap();
    disk.inner().writes.clear();
    let records = 40;
    life.live(disk.flash(BlockBytes::B4096), &region, records).unwrap();
    let inner = disk.inner();
    // Each sector of six takes an erase beside its records, and a mark written ahead or with its opening.
    let most = records as usize + 40 / 6 * 3 + 6;
    assert!(inner.writes.len() <= most, "{} writes", inner.writes.len());
}
