//! A whole agent and an HTTP server that misbehaves, under one seed.

mod life;
mod oracle;
mod server;

pub use life::{Story, live};
pub use server::{Fate, Server};
