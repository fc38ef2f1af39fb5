//! Performs what an agent decides, and keeps its records.
//!
//! One step is a one-way path: event → `decide` → record → flash → `apply` → effect → event. This
//! crate owns the loop and everything around it that may block. It leaves out what to do (that is
//! `everstep-core`), the bytes on flash (`everstep-journal`), and every concrete model, tool and
//! board: the binary picks those.

mod activity;
mod board_log;
mod boot;
mod config;
mod driver;
mod keep;
mod observe;
mod operator;
mod pace;
mod prompt;
mod shared_flash;
mod store;

pub use board_log::{BoardLog, BoardRecord};
pub use boot::{Actuators, BootError, Change, Heartbeat, Parts, boot};
pub use config::{AgentConfig, Approvals, Budget};
pub use driver::Driver;
pub use observe::{Observer, Report, Silent};
pub use operator::{Command, DriveError, Pause, StatusReport, call_digest};
pub use shared_flash::{Sealing, SharedFlash};
pub use store::{Flash, Stop, Store, StoreError};
