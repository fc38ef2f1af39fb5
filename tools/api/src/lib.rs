//! The tool interface: what a tool promises, how it is granted, checked and called.
//!
//! Leaves out any concrete device or network, and the decision whether a lost call may run again:
//! that is `everstep-core`'s.

pub mod arguments;
pub mod builtin;
mod clock;
pub mod device;
mod grant;
mod sink;
mod tool;
mod toolbox;

pub use arguments::{parse_arguments, read_arguments, schema_for};
pub use clock::Clock;
pub use device::{Device, DeviceError};
pub use grant::{ArgumentLimit, Grant, Terms, is_sensitive};
pub use sink::{FileSink, LineSink, SINK_BYTES_MAX, SinkError};
pub use tool::{BoxFuture, Cancel, Context, RETRY_MS_MAX, Tool, ToolCall, ToolSpec, Trust};
pub use toolbox::{
    Checked, Definition, RUN_MS_LIMIT, Refusal, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX, SUMMARY_BYTES_MAX,
    TOOLS_MAX, Toolbox, ToolboxError,
};
