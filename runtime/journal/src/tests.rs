//! Rules of the journal, under power cuts. `harness` holds the set-up.

mod basics;
mod cuts;
mod cutter;
mod every;
mod faults;
mod group;
mod harness;
mod marginal;
mod rot;
mod scale;
#[cfg(feature = "seal")]
mod seal;
mod sectors;
mod soak;
mod strange;
