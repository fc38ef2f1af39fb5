//! A tool that publishes a message.
//!
//! Each message has a connection of its own, whose session nobody keeps: once the call is over nothing of
//! it is left anywhere that could be sent later, by this client or by the broker. The next connection
//! ends one that still hangs, so that a repetition comes after the try before it.

use std::{sync::Arc, time::Duration};

use everstep_core::{Outcome, Settlement};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::{
    broker::Broker,
    link::{Link, Purpose},
    packet::{Answer, Incoming, Outgoing, Qos, Sent, Verdict, Welcome},
    probe::Probe,
    section::PublishSection,
    topic,
};
use crate::{
    parameter::{self, Given, Values},
    template::Template,
    wire::{Progress, Step},
};

/// Milliseconds beyond its limit within which the tool itself tells what came of the call.
const MARGIN_MS: u32 = 1_000;
/// Share of a call's time for which it waits for its turn: one in this many.
const WAIT_SHARE: u32 = 2;
/// The only message of a connection.
const ID: u16 = 1;
/// Bytes of a message.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// The tool.
pub(super) struct Publish {
    spec: ToolSpec,
    section: PublishSection,
    broker: Arc<Broker>,
    probe: Option<Probe>,
}

/// A message that is ready to be sent.
struct Message {
    topic: String,
    payload: String,
}

/// Why a message was not acknowledged, before it may have left or after.
enum Failed {
    /// The broker's word is that it did not take the message.
    Refused(String),
    Lost(String),
}

impl Publish {
    pub(super) fn new(
        name: &str,
        section: &PublishSection,
        broker: &Arc<Broker>,
        probe: Option<Probe>,
    ) -> Self {
        let spec = ToolSpec {
            name: name.to_owned(),
            summary: section.summary.clone(),
            arguments: parameter::schema(&section.parameters),
            class: section.core_class(),
            trust: Trust::Outside,
            device: Some(broker.url.device()),
            run_ms_max: section.answer_ms_max.saturating_add(MARGIN_MS),
        };
        Self { spec, section: section.clone(), broker: Arc::clone(broker), probe }
    }

    fn message(&self, values: &Values) -> Result<Message, String> {
        let template = Template::new(&self.section.topic);
        let topic = topic::fill(&template, values)?;
        let payload = if let Some(payload) = &self.section.payload {
            payload.fill(values)?
        } else {
            let in_topic: Vec<_> = template.names().collect();
            let free = values.iter().filter(|(name, _)| !in_topic.contains(&name.as_str()));
            let object: Map<_, _> = free.map(|(name, value)| (name.clone(), Given::json(value))).collect();
            if object.is_empty() { String::new() } else { Value::Object(object).to_string() }
        };
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(format!(
                "the message has {} bytes, at most {PAYLOAD_BYTES_MAX} may be sent",
                payload.len()
            ));
        }
        Ok(Message { topic, payload })
    }

    async fn perform(&self, arguments: &Value, deadline: Duration, is_repeated: bool) -> Outcome {
        let message = parameter::read(&self.section.parameters, arguments);
        let message = match message.and_then(|values| self.message(&values)) {
            Ok(message) => message,
            Err(why) => return Outcome::NotStarted(why),
        };
        let limit = deadline.min(Duration::from_millis(self.section.answer_ms_max.into()));
        // A repetition that is turned away would leave the earlier try unknown for good.
        let wait_max = if is_repeated { limit } else { limit / WAIT_SHARE };
        let until = Instant::now() + limit;
        let host = self.broker.url.device();
        let _pass = match self.broker.shared.hosts.enter(&host, wait_max).await {
            Ok(pass) => pass,
            Err(why) => return Outcome::NotStarted(why),
        };
        let Ok(_turn) = timeout_at(until, self.broker.publishing.lock()).await else {
            return Outcome::NotStarted(format!(
                "{host} is still busy with earlier messages: try again later"
            ));
        };
        let progress = Progress::default();
        match timeout_at(until, self.send(&message, &progress)).await {
            Ok(Ok(verdict)) => Outcome::Done(self.told(&message.topic, &verdict)),
            Ok(Err(Failed::Lost(why))) if progress.may_have_left() => {
                Outcome::MayHaveRun(format!("{host} did not acknowledge the message: {why}"))
            }
            Ok(Err(Failed::Refused(why) | Failed::Lost(why))) => Outcome::NotStarted(why),
            Err(_) if progress.may_have_left() => Outcome::MayHaveRun(format!(
                "{host} did not acknowledge the message within {} ms",
                limit.as_millis()
            )),
            Err(_) => {
                let missing = progress.step().missing();
                Outcome::NotStarted(format!(
                    "no {missing} from {host} within {} ms (`answer_ms_max`)",
                    limit.as_millis()
                ))
            }
        }
    }

    /// Sends the message on a connection of its own, and waits until the broker has it.
    async fn send(&self, message: &Message, progress: &Progress) -> Result<Verdict, Failed> {
        let (mut link, welcome) =
            Link::new(&self.broker, Purpose::Publish, progress).await.map_err(Failed::Lost)?;
        self.check(message, &welcome).map_err(Failed::Refused)?;
        let qos = self.section.wire_qos();
        let sent = Sent {
            topic: &message.topic,
            payload: message.payload.as_bytes(),
            qos,
            retain: self.section.retain,
            id: if qos == Qos::AtMostOnce { 0 } else { ID },
        };
        // Before the bytes go, so that no cut falls between.
        progress.reach(Step::Sent);
        link.send(&Outgoing::Publish(sent)).await.map_err(Failed::Lost)?;
        if qos == Qos::AtMostOnce {
            // Nobody acknowledges such a message; but what stands behind it is read after it.
            link.send(&Outgoing::Ping).await.map_err(Failed::Lost)?;
        }
        let verdict = acknowledged(&mut link, qos).await?;
        // Whoever waits for the goodbye would keep the result.
        tokio::spawn(link.end());
        Ok(verdict)
    }

    /// What the broker said that it can't do.
    fn check(&self, message: &Message, welcome: &Welcome) -> Result<(), String> {
        let host = self.broker.url.device();
        if self.section.wire_qos() > welcome.qos_max {
            return Err(format!("{host} has no QoS {}: lower `qos`", self.section.qos));
        }
        if self.section.retain && !welcome.retains {
            return Err(format!("{host} keeps no messages: leave out `retain`"));
        }
        // Head and properties fit in what is added.
        let bytes = message.topic.len() + message.payload.len() + 16;
        if bytes > welcome.packet_bytes_max {
            return Err(format!(
                "{host} takes at most {} bytes, the message has {bytes}",
                welcome.packet_bytes_max
            ));
        }
        Ok(())
    }

    fn told(&self, topic: &str, verdict: &Verdict) -> String {
        let host = self.broker.url.device();
        match (self.section.wire_qos(), verdict) {
            (Qos::AtMostOnce, _) => {
                format!("{host} has read the message to {topic}; with QoS 0 it confirms nothing")
            }
            (_, Verdict::Unheard) => {
                format!("{host} took the message to {topic}; nobody subscribes to it now")
            }
            _ => format!("{host} took the message to {topic}"),
        }
    }
}

/// Waits until the broker has the message.
async fn acknowledged(link: &mut Link, qos: Qos) -> Result<Verdict, Failed> {
    loop {
        let packet = link.next().await.map_err(Failed::Lost)?.packet;
        match (qos, packet) {
            (Qos::AtMostOnce, Incoming::Pong) => return Ok(Verdict::Taken),
            (Qos::AtLeastOnce, Incoming::Acknowledged(Answer { id: ID, verdict })) => return taken(verdict),
            (Qos::ExactlyOnce, Incoming::Received(Answer { id: ID, verdict })) => {
                taken(verdict)?;
                // Only now does the broker pass it on.
                link.send(&Outgoing::Release(ID)).await.map_err(Failed::Lost)?;
            }
            (Qos::ExactlyOnce, Incoming::Completed(Answer { id: ID, verdict })) => {
                return match verdict {
                    Verdict::Refused(why) => Err(Failed::Lost(why)),
                    taken => Ok(taken),
                };
            }
            (_, Incoming::Disconnect(why)) => {
                return Err(Failed::Lost(format!("the broker ended the connection: {why}")));
            }
            _ => {}
        }
    }
}

fn taken(verdict: Verdict) -> Result<Verdict, Failed> {
    match verdict {
        Verdict::Refused(why) => Err(Failed::Refused(format!("the broker refuses the message: {why}"))),
        taken => Ok(taken),
    }
}

impl Tool for Publish {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if cx.cancel.is_asked() {
                return Outcome::NotStarted("the call was cancelled before it began".into());
            }
            self.perform(&call.arguments, cx.deadline, cx.attempt > 1).await
        })
    }

    fn baseline<'a>(&'a self, _arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            match &self.probe {
                Some(probe) => probe.shown(&self.broker).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            let Some(probe) = &self.probe else {
                return Settlement::CantTell("a message can't be read back".into());
            };
            let values = match parameter::read(&self.section.parameters, &call.arguments) {
                Ok(values) => values,
                Err(why) => return Settlement::CantTell(why),
            };
            probe.settle(&self.broker, &values, call.baseline.as_deref()).await
        })
    }
}
