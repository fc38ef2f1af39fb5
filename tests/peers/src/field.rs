//! What a life's devices are to it: something that misbehaves when told to, and keeps a log of its own.

use everstep_tool::BoxFuture;
use everstep_tools_device::BoardParts;
use serde_json::Value;
use tokio::runtime::Runtime;

/// Devices under a seed.
pub trait Field: Send + Sync {
    /// The tools and actuators of `board`, for one start of the process.
    fn parts(&self, board: &str) -> BoardParts;

    /// What a process runs on; whether time is real there depends on the devices.
    ///
    /// # Panics
    ///
    /// If the system gives no threads.
    fn runtime(&self) -> Runtime;

    /// Makes everything new, with an empty log.
    fn reset(&self);

    /// What happens to the next writes and reads; afterwards all goes well.
    fn fates(&self, write: &[Value], read: &[Value]);

    /// Ends once the power is to go now.
    fn cut(&self) -> BoxFuture<'_, ()>;

    /// Lets time pass for what hangs. It never ends.
    fn pass_time(&self) -> BoxFuture<'_, ()>;

    /// The process is gone.
    fn drop_process(&self);

    /// Brings everything that is on its way to its end: what a device promises to have done by
    /// `settle_ms`.
    fn settle(&self);

    /// Everything that happened, in order.
    fn log(&self) -> Vec<Value>;
}
