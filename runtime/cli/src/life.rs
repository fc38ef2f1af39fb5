//! How long flash parts would last at the rate at which an agent's records have come so far.
//!
//! Leaves out what the file system or the block layer below a file does: the table is of parts that
//! hold the records themselves.

use everstep_board_linux::config::{FlashPart, FlashSection};
use everstep_journal::Usage;

/// What is known of a part. Typical figures of data sheets; parts differ, and heat shortens all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) id: FlashPart,
    pub(crate) name: &'static str,
    /// Erases that a sector or block stands.
    pub(crate) cycles: u32,
    /// Bytes that a commit programs at least: no byte of them is programmed again before an erase.
    page_bytes: u64,
    /// What wears evenly.
    spread: Spread,
}

/// What wears evenly.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// The agent's region, because the journal goes round in it.
    Region,
    /// So many bytes, because the part moves blocks about by itself.
    Device(u64),
}

/// The parts of the table. W25N01: the lower of the figures its data sheets gave. eMMC: no standard
/// promises cycles; 3,000 is usual for MLC, a synchronous write costs a page of 16 KiB, and 4 GiB is
/// the smallest device still made.
pub(crate) const PARTS: [Part; 4] = [
    Part { id: FlashPart::W25q128, name: "W25Q128", cycles: 100_000, page_bytes: 4, spread: Spread::Region },
    // Written in lines of 32 bytes, each once.
    Part {
        id: FlashPart::S29gl512,
        name: "S29GL512",
        cycles: 100_000,
        page_bytes: 32,
        spread: Spread::Region,
    },
    Part { id: FlashPart::W25n01, name: "W25N01", cycles: 60_000, page_bytes: 2_048, spread: Spread::Region },
    Part {
        id: FlashPart::Emmc,
        name: "eMMC",
        cycles: 3_000,
        page_bytes: 16_384,
        spread: Spread::Device(4 << 30),
    },
];

/// What was written so far, and in how much time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wear {
    pub(crate) usage: Usage,
    /// Frames written so far.
    pub(crate) frames: u64,
    pub(crate) elapsed_ms: u64,
}

impl Wear {
    /// Bytes of flash that were used up, headers and spoilt rests included.
    pub(crate) fn used_bytes(&self) -> u64 {
        // Formatting opens a sector that holds nothing.
        let opened = u64::from(self.usage.openings.saturating_sub(1)) * u64::from(self.usage.sector_bytes);
        opened.saturating_sub(u64::from(self.usage.rest_bytes))
    }

    /// Years until `part` is worn out, if it goes on like that. `None` while too little is known.
    pub(crate) fn life_years(&self, part: &Part) -> Option<f64> {
        let frame_bytes = self.used_bytes().checked_div(self.frames)?;
        let written = self.frames * frame_bytes.max(1).next_multiple_of(part.page_bytes);
        let spread = match part.spread {
            Spread::Region => u64::from(self.usage.sectors) * u64::from(self.usage.sector_bytes),
            Spread::Device(bytes) => bytes,
        };
        let stands = u64::from(part.cycles).saturating_mul(spread);
        (self.elapsed_ms >= RATE_MS_MIN).then(|| {
            let so_far_years = as_f64(self.elapsed_ms) / MS_A_YEAR;
            so_far_years * as_f64(stands.saturating_sub(written)) / as_f64(written)
        })
    }
}

/// A warning for each part that wears out before its time: the board's own, or any where the board file
/// names none.
pub(crate) fn warnings(flash: &FlashSection, wear: &Wear) -> Vec<String> {
    let min = flash.life_years_min.get();
    PARTS
        .iter()
        .filter(|part| flash.part.is_none_or(|wanted| wanted == part.id))
        .filter_map(|part| Some((part, wear.life_years(part).filter(|years| *years < f64::from(min))?)))
        .map(|(part, years)| {
            format!(
                "{} would last {years:.1} years at the rate so far, `flash.life_years_min` is {min}: \
                 enlarge `flash.region_bytes`, give the agent less to do, or name the board's own part \
                 with `flash.part`",
                part.name
            )
        })
        .collect()
}

/// Less time than that says nothing about a rate.
const RATE_MS_MIN: u64 = 60_000;
const MS_A_YEAR: f64 = 365.25 * 86_400_000.0;

#[expect(clippy::cast_precision_loss, reason = "estimates for people")]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wear(openings: u32, frames: u64, elapsed_ms: u64) -> Wear {
        let usage = Usage { sectors: 256, sector_bytes: 4_096, sectors_used: 3, openings, rest_bytes: 0 };
        Wear { usage, frames, elapsed_ms }
    }

    /// 1 MiB of W25Q128 stands 100,000 times 1 MiB. At 4 KiB a day that is 100,000 × 256 days.
    #[test]
    fn a_part_lasts_as_long_as_its_region_goes_round() {
        let days = 10;
        let wear = wear(days + 1, u64::from(days) * 16, u64::from(days) * 86_400_000);
        let years = wear.life_years(&PARTS[0]).unwrap();
        assert!((years - 100_000.0 * 256.0 / 365.25).abs() < 1.0, "{years}");
        // Frames of 256 bytes take whole pages: eight times as many bytes, and fewer cycles.
        let nand = wear.life_years(&PARTS[2]).unwrap();
        assert!((nand - years * 0.6 / 8.0).abs() < 1.0, "{nand}");
    }

    #[test]
    fn nothing_is_known_before_anything_was_written_or_a_minute_passed() {
        assert_eq!(wear(0, 0, 60_000).life_years(&PARTS[0]), None);
        assert_eq!(wear(2, 5, 59_999).life_years(&PARTS[0]), None);
    }

    #[test]
    fn a_part_that_is_worn_out_has_no_years_left() {
        let worn = wear(u32::MAX, 1 << 40, 60_000);
        assert_eq!(worn.life_years(&PARTS[0]), Some(0.0));
    }

    #[test]
    fn a_part_that_would_not_last_is_warned_of_where_it_is_the_boards_own() {
        let busy = wear(100, 1_600, 3_600_000);
        let mut flash = FlashSection::default();
        let names = |flash: &FlashSection| -> Vec<String> {
            let first = |warning: String| warning.split(' ').next().unwrap_or_default().to_owned();
            warnings(flash, &busy).into_iter().map(first).collect()
        };
        assert_eq!(names(&flash), ["W25N01"]);
        flash.part = Some(FlashPart::W25q128);
        assert!(names(&flash).is_empty(), "another part's life is none of this board's");
    }
}
