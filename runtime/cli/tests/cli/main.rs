//! The real binary, on boards without devices and with scripted models.

#[cfg(test)]
mod approval;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod boards;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod eval;
#[cfg(test)]
mod flash;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod http_server;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod media;
#[cfg(test)]
mod mqtt;
#[cfg(test)]
mod network;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod tools;
