//! TLS to named hosts: whom a host is trusted by, what time it is for a certificate, and the verifier.
//!
//! Leaves out the connection itself. Nothing is skipped: a clock that isn't set ends a connection, and
//! no session is resumed without its certificate.

mod client;
mod profile;
mod roots;
mod time;
mod verifier;

pub(crate) use client::{client_config, explain, with_certificate};
pub(crate) use roots::Roots;
#[cfg(test)]
pub(crate) use time::built_s;
pub use time::{ClockError, TrustedTime};

#[cfg(test)]
mod tests;
