//! What each log loses when the power goes, under every cut model.

use anyhow::Result;
use everstep_board_sim::{CutModel, PowerCut};

use crate::{
    log::{Flash, Kept, Log, erased},
    workload::{Dice, Item, Workload},
};

/// Operations between two cuts, at most.
const OPERATIONS_MAX: u64 = 400;
/// Refusals in a row after which a log counts as stuck.
const REFUSED_MAX: u64 = 100;
/// Cuts in one life of a flash.
const CUTS_PER_LIFE: u64 = 50;

/// What happened to one log under one model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    pub(crate) cuts: u64,
    /// Accepted items that were gone.
    pub(crate) lost_items: u64,
    /// Flashes that couldn't be opened again, or not be written any more.
    pub(crate) dead: u64,
    /// Items that weren't kept although nothing was wrong with the power.
    pub(crate) refused: u64,
}

/// Cuts the power `cuts` times.
pub(crate) fn cut<L: Log>(model: CutModel, cuts: u64) -> Losses {
    let mut losses = Losses::default();
    let mut seed = 0;
    while losses.cuts < cuts {
        seed += 1;
        live::<L>(model, seed, cuts, &mut losses);
    }
    losses
}

/// A flash from its first item to its death, or to its last cut.
fn live<L: Log>(model: CutModel, seed: u64, cuts: u64, losses: &mut Losses) {
    let flash = erased();
    let mut dice = Dice(seed);
    let mut workload = Workload::new(seed);
    let mut accepted = Kept::default();
    let Ok(mut log) = L::create(flash.clone()) else { return };
    for _ in 0..CUTS_PER_LIFE {
        if losses.cuts >= cuts {
            return;
        }
        plan(&flash, model, &mut dice);
        let doubt = work(&mut log, &flash, &mut workload, &mut accepted, losses);
        losses.cuts += 1;
        drop(log);
        let Ok((opened, found)) = reopen::<L>(&flash, model, &mut dice, losses) else {
            losses.dead += 1;
            return;
        };
        settle(&mut accepted, doubt.as_ref(), found, losses);
        log = opened;
    }
}

fn plan(flash: &Flash, model: CutModel, dice: &mut Dice) {
    let operation = dice.roll(OPERATIONS_MAX);
    let bytes = usize::try_from(dice.roll(4097)).unwrap_or(0) >> dice.roll(8);
    flash.lock().cut_power(PowerCut { operation, bytes, model, seed: dice.next() });
}

/// Works until the power goes; the item under way then is in doubt.
fn work<L: Log>(
    log: &mut L,
    flash: &Flash,
    workload: &mut Workload,
    accepted: &mut Kept,
    losses: &mut Losses,
) -> Option<Item> {
    let mut refused = 0;
    for item in workload {
        let kept = log.try_keep(&item);
        if !flash.lock().is_powered() {
            return Some(item);
        }
        if kept.is_ok() {
            accept(accepted, &item);
        } else {
            losses.refused += 1;
            refused += 1;
            if refused > REFUSED_MAX {
                // It refuses everything: the power goes all the same.
                flash.lock().power_off();
                return Some(item);
            }
        }
        if log.idle().is_err() && !flash.lock().is_powered() {
            return None;
        }
    }
    None
}

fn accept(accepted: &mut Kept, item: &Item) {
    match item {
        Item::Event(bytes) => accepted.events.push(bytes.clone()),
        Item::Snapshot(bytes) => *accepted = Kept { snapshot: Some(bytes.clone()), events: Vec::new() },
    }
}

/// Boots, now and then with another cut in between.
fn reopen<L: Log>(flash: &Flash, model: CutModel, dice: &mut Dice, losses: &mut Losses) -> Result<(L, Kept)> {
    flash.lock().power_on();
    if dice.roll(4) == 0 {
        let operation = dice.roll(4);
        let bytes = usize::try_from(dice.roll(257)).unwrap_or(0);
        flash.lock().cut_power(PowerCut { operation, bytes, model, seed: dice.next() });
        let opened = L::try_open(flash.clone());
        if !flash.lock().is_powered() {
            losses.cuts += 1;
            drop(opened);
        }
        flash.lock().power_on();
    }
    L::try_open(flash.clone())
}

/// Counts what is gone, and goes on from what is there.
fn settle(accepted: &mut Kept, doubt: Option<&Item>, found: Kept, losses: &mut Losses) {
    let newer = match doubt {
        Some(Item::Snapshot(bytes)) => found.snapshot.as_ref() == Some(bytes),
        _ => false,
    };
    if !newer {
        losses.lost_items += u64::from(accepted.snapshot.is_some() && accepted.snapshot != found.snapshot);
        let gone = accepted.events.iter().filter(|event| !found.events.contains(event)).count();
        losses.lost_items += gone as u64;
    }
    *accepted = found;
}
