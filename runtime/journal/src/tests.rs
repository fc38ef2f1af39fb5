//! Rules of the journal, under power cuts. `harness` holds the set-up.

mod basics;
mod cuts;
mod group;
mod harness;
mod marginal;
#[cfg(feature = "seal")]
mod seal;
mod sectors;
mod soak;
mod strange;
