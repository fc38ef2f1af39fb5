//! A connection to a broker that was signed on to.
//!
//! Leaves out making it anew: whoever holds it decides what a lost one means.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    broker::Broker,
    frames::Frames,
    packet::{Incoming, Outgoing, SignOn, Version, Welcome},
};
use crate::wire::{Connection, Progress, Step, connect};

/// Longest that a broker takes no byte.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 4 * 1024;

/// What a connection is for. Each has a client id of its own, so that one never ends the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// One message is sent. Nothing is kept behind it: no broker goes on with it, and no client.
    Publish,
    /// One value is read.
    Read,
    /// Messages are received, within a session that the broker keeps.
    Watch,
}

/// A connection.
pub(super) struct Link {
    stream: Connection,
    frames: Frames,
    version: Version,
}

/// A packet, and whether it came whole.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) packet: Incoming,
    pub(super) is_whole: bool,
}

impl Link {
    /// Connects and signs on.
    ///
    /// # Errors
    ///
    /// Why there is no connection, in words for the model and the technician.
    pub(super) async fn new(
        broker: &Broker,
        purpose: Purpose,
        progress: &Progress,
    ) -> Result<(Self, Welcome), String> {
        let device = broker.url.device();
        if broker.url.https {
            // Said before the connection, in words that name the clock.
            broker.shared.time.now().map_err(|error| error.to_string())?;
        }
        let stream =
            connect(&broker.url, broker.reach(), &broker.shared.lookup, broker.config.clone(), progress)
                .await?;
        progress.reach(Step::SigningOn);
        let mut link = Self { stream, frames: Frames::default(), version: broker.section.version.wire() };
        let client_id = broker.client_id(purpose);
        let session_s = match purpose {
            Purpose::Publish | Purpose::Read => None,
            Purpose::Watch => broker.section.session_s(),
        };
        let sign_on = SignOn {
            client_id: &client_id,
            keep_alive_s: broker.section.keep_alive_s,
            session_s,
            login: broker.login(),
        };
        let lost = |why: String| format!("{device} did not take the sign-on: {why}");
        link.send(&Outgoing::SignOn(sign_on)).await.map_err(lost)?;
        let welcome = match link.next().await.map_err(lost)?.packet {
            Incoming::Welcome(welcome) => welcome,
            Incoming::Disconnect(why) => return Err(lost(why)),
            _ => return Err(lost("it sent something else than an answer".into())),
        };
        match &welcome.refused {
            Some(refused) => Err(broker.explain(refused)),
            None => Ok((link, welcome)),
        }
    }

    /// Hands a packet to the connection.
    ///
    /// # Errors
    ///
    /// Why the connection is lost.
    pub(super) async fn send(&mut self, packet: &Outgoing<'_>) -> Result<(), String> {
        let bytes = self.version.write(packet)?;
        let written = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        match timeout(WRITE_LIMIT, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the connection broke off: {error}")),
            Err(_) => Err(format!("it took no byte for {} s", WRITE_LIMIT.as_secs())),
        }
    }

    /// The next packet. Nothing is lost where this is dropped before it is done.
    ///
    /// # Errors
    ///
    /// Why the connection is lost.
    pub(super) async fn next(&mut self) -> Result<Packet, String> {
        loop {
            if let Some(frame) = self.frames.next()? {
                let packet = self.version.read(frame.bytes)?;
                return Ok(Packet { packet, is_whole: frame.is_whole });
            }
            let room = self.frames.room();
            room.reserve(CHUNK_BYTES);
            match self.stream.read_buf(room).await {
                Ok(0) => return Err("the broker closed the connection".into()),
                Ok(_) => {}
                Err(error) => return Err(format!("the connection broke off: {error}")),
            }
        }
    }

    /// Says goodbye, if the broker listens.
    pub(super) async fn end(mut self) {
        // Nothing depends on it: everything that was to be acknowledged is.
        let _ = self.send(&Outgoing::Disconnect).await;
        let _ = timeout(WRITE_LIMIT, self.stream.shutdown()).await;
    }
}
