//! How it is found out whether a lost message was acted on: another topic, retained, tells the state.

use std::time::Duration;

use everstep_core::Settlement;
use tokio::time::timeout;

use super::{
    broker::Broker,
    link::{Link, Purpose},
    packet::{Incoming, Outgoing, Qos, Received},
    section::{LatestSection, MqttProbeSection},
};
use crate::{http::kept, parameter::Values, template::Template, wire::Progress};

/// The only subscription of a connection.
const ID: u16 = 1;

/// What is read, and what it shows once the message was acted on.
pub(super) struct Probe {
    latest: LatestSection,
    expect: Template,
}

impl Probe {
    pub(super) fn new(latest: &LatestSection, probe: &MqttProbeSection) -> Self {
        Self { latest: latest.clone(), expect: Template::new(&probe.expect) }
    }

    /// What the topic shows now. It is asked for anew: what is remembered may be older than a connection
    /// that was lost.
    ///
    /// # Errors
    ///
    /// Why it can't be read.
    pub(super) async fn shown(&self, broker: &Broker) -> Result<String, String> {
        let limit = Duration::from_millis(self.latest.answer_ms_max.into());
        let read = async {
            let _turn = broker.reading.lock().await;
            self.read(broker).await
        };
        let filter = &self.latest.filter;
        timeout(limit, read).await.unwrap_or_else(|_| {
            let host = broker.url.device();
            Err(format!("{host} showed nothing at {filter} within {} ms: is it retained?", limit.as_millis()))
        })
    }

    async fn read(&self, broker: &Broker) -> Result<String, String> {
        let filter = &self.latest.filter;
        let (mut link, _) = Link::new(broker, Purpose::Read, &Progress::default()).await?;
        let filters = [(filter.clone(), Qos::AtMostOnce)];
        link.send(&Outgoing::Subscribe { id: ID, filters: &filters }).await?;
        link.send(&Outgoing::Ping).await?;
        let mut newest: Option<(Received, bool)> = None;
        let mut is_settled = false;
        loop {
            let packet = link.next().await?;
            match packet.packet {
                Incoming::Publish(received) if received.topic == *filter => {
                    newest = Some((received, packet.is_whole));
                }
                Incoming::Subscribed { id: ID, refused } => {
                    if let Some(why) = refused.into_iter().flatten().next() {
                        return Err(format!("the subscription of {filter} is refused: {why}"));
                    }
                }
                // What was retained is there by now, or comes as the first behind it.
                Incoming::Pong => is_settled = true,
                Incoming::Disconnect(why) => return Err(format!("the broker ended the connection: {why}")),
                _ => {}
            }
            if let (true, Some((received, is_whole))) = (is_settled, &newest) {
                let shown = kept(&self.latest.keep, &received.payload, *is_whole, &broker.shared.vault);
                tokio::spawn(link.end());
                return shown.map_err(|why| format!("the message at {filter} {why}"));
            }
        }
    }

    /// Whether the message was acted on. `before` is what the topic showed before it was sent.
    pub(super) async fn settle(&self, broker: &Broker, values: &Values, before: Option<&str>) -> Settlement {
        let shown = match self.shown(broker).await {
            Ok(shown) => shown,
            Err(why) => return Settlement::CantTell(why),
        };
        let expected = match self.expect.fill(values, str::to_owned) {
            Ok(expected) => expected,
            Err(why) => return Settlement::CantTell(why),
        };
        let Some(before) = before else {
            return Settlement::CantTell("what it showed before the message is not known".into());
        };
        if before == expected {
            Settlement::CantTell(format!("it showed {shown} before the message already"))
        } else if shown == expected {
            Settlement::Done(format!("it shows {shown} now"))
        } else if shown == before {
            Settlement::NotDone
        } else {
            Settlement::CantTell(format!("it shows {shown}, neither what it did before nor {expected}"))
        }
    }
}
