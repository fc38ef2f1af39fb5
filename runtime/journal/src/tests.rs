//! Rules of the journal, under power cuts. `harness` holds the set-up.

mod basics;
mod cuts;
mod harness;
mod marginal;
mod soak;
mod strange;
