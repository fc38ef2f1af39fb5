//! What the drivers need of a machine, so that tests put a fake in its stead.

/// Pins and buses.
pub(crate) trait Machine: Clone + Send + Sync + 'static {}

/// This one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThisMachine;

impl Machine for ThisMachine {}
