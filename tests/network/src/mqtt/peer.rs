//! Somebody else at the broker, who publishes and listens: rumqttc's own client.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    time::timeout,
};

use super::broker::Broker;

/// Longest that a message is waited for.
const LIMIT: Duration = Duration::from_mins(1);
/// Bytes of a packet, which a client of rumqttc keeps small by itself.
const PACKET_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests that wait.
const QUEUE: usize = 64;

/// A client.
pub struct Peer {
    client: AsyncClient,
    state: watch::Receiver<State>,
    /// Ends with the client.
    runtime: Option<Runtime>,
}

/// What it came across.
#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    subscriptions: u64,
    acknowledged: u64,
}

/// A message that came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Its topic.
    pub topic: String,
    /// What it says.
    pub payload: String,
    /// Whether the broker retained it.
    pub retained: bool,
}

impl Peer {
    /// One called `name` that listens to `filter`, exactly once. It comes again when the broker does.
    ///
    /// # Panics
    ///
    /// If the broker does not take it in.
    pub async fn new(broker: &Broker, name: &str, filter: &str) -> Self {
        let mut options = MqttOptions::new(name, "127.0.0.1", broker.port());
        options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        let (client, mut events) = AsyncClient::new(options, QUEUE);
        let (sender, mut state) = watch::channel(State::default());
        let (own, filter) = (client.clone(), filter.to_owned());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(packet)) => match packet {
                        Packet::ConnAck(_) => own.subscribe(filter.clone(), QoS::ExactlyOnce).await.unwrap(),
                        Packet::SubAck(_) => sender.send_modify(|state| state.subscriptions += 1),
                        Packet::PubAck(_) => sender.send_modify(|state| state.acknowledged += 1),
                        Packet::Publish(publish) => sender.send_modify(|state| {
                            state.seen.push(Seen {
                                topic: publish.topic,
                                payload: String::from_utf8_lossy(&publish.payload).into_owned(),
                                retained: publish.retain,
                            });
                        }),
                        _ => {}
                    },
                    Ok(Event::Outgoing(_)) => {}
                    // The broker is gone, and may come again.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        let subscribed = timeout(LIMIT, state.wait_for(|state| state.subscriptions > 0)).await;
        assert!(subscribed.is_ok_and(|state| state.is_ok()), "the broker does not take {name} in");
        Self { client, state, runtime: Some(runtime) }
    }

    /// Publishes a message, and waits until the broker has it.
    ///
    /// # Panics
    ///
    /// If the broker does not take it.
    pub async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        self.publish_all(topic, [payload.into()], retain).await;
    }

    /// The same with many messages.
    ///
    /// # Panics
    ///
    /// If the broker does not take them.
    pub async fn publish_all(&self, topic: &str, payloads: impl IntoIterator<Item = Vec<u8>>, retain: bool) {
        let mut state = self.state.clone();
        let before = state.borrow().acknowledged;
        let mut count = 0;
        for payload in payloads {
            count += 1;
            self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.unwrap();
        }
        let all = timeout(LIMIT, state.wait_for(|state| state.acknowledged >= before + count)).await;
        assert!(all.is_ok_and(|state| state.is_ok()), "the broker does not take {topic}");
    }

    /// What came in at `topic` so far.
    #[must_use]
    pub fn seen(&self, topic: &str) -> Vec<Seen> {
        self.state.borrow().seen.iter().filter(|seen| seen.topic == topic).cloned().collect()
    }

    /// Waits for something at `topic`.
    ///
    /// # Panics
    ///
    /// If nothing comes.
    pub async fn until(&self, topic: &str) -> Seen {
        let mut state = self.state.clone();
        let found =
            timeout(LIMIT, state.wait_for(|state| state.seen.iter().any(|seen| seen.topic == topic))).await;
        assert!(found.is_ok_and(|state| state.is_ok()), "nothing came at {topic}");
        self.seen(topic).swap_remove(0)
    }

    /// How many that are `wanted` came in at `topic`, once there are `count` of them or none came for long.
    pub async fn count_to(&self, topic: &str, wanted: impl Fn(&Seen) -> bool, count: usize) -> usize {
        let counted =
            |state: &State| state.seen.iter().filter(|seen| seen.topic == topic && wanted(seen)).count();
        let mut state = self.state.clone();
        // What is missing is the caller's to tell.
        let _ = timeout(LIMIT, state.wait_for(|state| counted(state) >= count)).await;
        counted(&self.state.borrow())
    }

    /// Waits until it is connected for the `count`th time.
    ///
    /// # Panics
    ///
    /// If it never is.
    pub async fn connected(&self, count: u64) {
        let mut state = self.state.clone();
        let found = timeout(LIMIT, state.wait_for(|state| state.subscriptions >= count)).await;
        assert!(found.is_ok_and(|state| state.is_ok()), "no connection {count}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
