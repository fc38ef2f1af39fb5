//! HTTP endpoints that the board file declares, each a tool. No tool takes a free address: the model
//! fills in parameters, which stay in their places.

mod answer;
mod endpoint;
mod keep;
mod request;
mod section;
mod tools;

pub use section::{
    BodySection, ClassKind, HttpSection, KeepSection, KeepText, Method, ProbeSection, SecretHeader,
};

pub(crate) use endpoint::Shared;
pub(crate) use keep::{kept, plain};
pub(crate) use section::names_in;
pub(crate) use tools::tools;

#[cfg(test)]
mod tests;
