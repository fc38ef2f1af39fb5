//! Packets of MQTT 3.1.1 and 5, as far as this client sends and reads them, in words that both share.
//! rumqttc writes and reads their bytes.
//!
//! Leaves out where a packet ends (`frames`), and what follows from one.

mod v3;
mod v5;

use bytes::{Bytes, BytesMut};
use zeroize::{Zeroize as _, Zeroizing};

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    /// 3.1.1
    V3,
    /// 5
    V5,
}

/// How often a message is delivered.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(clippy::enum_variant_names, reason = "so the protocol calls them")]
pub(super) enum Qos {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

/// What a client says first.
pub(super) struct SignOn<'a> {
    pub(super) client_id: &'a str,
    pub(super) keep_alive_s: u16,
    /// Seconds for which the broker keeps the session behind the connection; without it, none is kept
    /// and none is gone on with. 3.1.1 knows no end of a session.
    pub(super) session_s: Option<u32>,
    /// User name and password; either may be empty.
    pub(super) login: Option<(&'a str, &'a str)>,
}

/// A message to be published.
pub(super) struct Sent<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) qos: Qos,
    pub(super) retain: bool,
    pub(super) id: u16,
}

/// What this client sends.
pub(super) enum Outgoing<'a> {
    SignOn(SignOn<'a>),
    Publish(Sent<'a>),
    Acknowledge(u16),
    Receive(u16),
    Release(u16),
    Complete(u16),
    Subscribe { id: u16, filters: &'a [(String, Qos)] },
    Ping,
    Disconnect,
}

/// What a broker sends.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    Welcome(Welcome),
    Publish(Received),
    /// The answer to a publish of QoS 1.
    Acknowledged(Answer),
    /// The first answer to a publish of QoS 2.
    Received(Answer),
    Release(u16),
    /// The last answer to a publish of QoS 2.
    Completed(Answer),
    /// The answer to a subscription: for each filter, why it was refused.
    Subscribed {
        id: u16,
        refused: Vec<Option<String>>,
    },
    Pong,
    /// The broker ends the connection, and why.
    Disconnect(String),
}

/// The answer to a sign-on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Welcome {
    pub(super) refused: Option<Refused>,
    /// Whether it goes on with a session that it kept.
    pub(super) session: bool,
    pub(super) qos_max: Qos,
    pub(super) retains: bool,
    pub(super) packet_bytes_max: usize,
    /// Set where the broker wants another time than was asked for.
    pub(super) keep_alive_s: Option<u16>,
}

/// Why a sign-on was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    pub(super) why: String,
    /// Whether other credentials would help.
    pub(super) over_login: bool,
}

impl Welcome {
    /// No limits are told.
    fn plain(session: bool) -> Self {
        Self {
            refused: None,
            session,
            qos_max: Qos::ExactlyOnce,
            retains: true,
            packet_bytes_max: usize::MAX,
            keep_alive_s: None,
        }
    }
}

/// What a broker says about one packet.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) id: u16,
    pub(super) verdict: Verdict,
}

#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Taken,
    /// Taken, and nobody subscribed to it.
    Unheard,
    Refused(String),
}

/// A message from a broker.
#[derive(Debug, PartialEq)]
pub(super) struct Received {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: Qos,
    pub(super) retained: bool,
    pub(super) id: u16,
}

impl Version {
    /// The bytes of a packet. They may hold a password, and are wiped.
    ///
    /// # Errors
    ///
    /// Where the packet has no form, such as one that is too long.
    pub(super) fn write(self, packet: &Outgoing<'_>) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut bytes = BytesMut::new();
        let written = match self {
            Self::V3 => v3::write(packet, &mut bytes).map_err(|error| error.to_string()),
            Self::V5 => v5::write(packet, &mut bytes).map_err(|error| error.to_string()),
        };
        let copy = Zeroizing::new(bytes.to_vec());
        bytes.zeroize();
        written.map(|()| copy)
    }

    /// Reads a packet from exactly its bytes.
    ///
    /// # Errors
    ///
    /// Why it is none, or none that a broker sends.
    pub(super) fn read(self, bytes: BytesMut) -> Result<Incoming, String> {
        match self {
            Self::V3 => v3::read(bytes),
            Self::V5 => v5::read(bytes),
        }
    }
}

/// `NotAuthorized` as people write it.
fn words(code: &impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// What a packet is called that a broker has no business sending.
fn unexpected(name: &str) -> String {
    format!("it sent a packet that brokers don't send: {name}")
}

#[cfg(test)]
mod tests;
