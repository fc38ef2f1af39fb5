//! One connection: whose it is, and what its requests do.

use serde::Serialize;
use serde_json::{Value, json};

use super::live::{Line, Live};
use crate::{
    protocol::{Reply, Request},
    world::{DeviceName, When},
};

/// What becomes of the connection after a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum After {
    /// It is answered and goes on.
    GoOn,
    /// It is answered and closed.
    Close,
    /// It is closed without an answer.
    Drop,
}

/// Which device a connection is for.
#[derive(Debug, Default)]
pub(super) struct Session {
    device: Option<(DeviceName, u64)>,
}

impl Session {
    pub(super) fn handle(&mut self, request: &Request, live: &Live) -> (Reply, After) {
        live.asked();
        let reply = match request {
            Request::Open { device } => return self.open(device, live),
            Request::Time => Reply::Ok(json!(live.time())),
            Request::Snapshot => Reply::Ok(live.with(|world| world.snapshot())),
            Request::Step { ms } if live.is_stepped() => Reply::Ok(live.with(|world| {
                world.step_to(world.now_ms().saturating_add(*ms));
                json!(world.now_ms())
            })),
            Request::Step { .. } => Reply::Error("this world's time passes by itself".into()),
            Request::Fault { fault } => reply(live.with(|world| world.fault(fault))),
            Request::LineFault { fault } => reply(live.add_line_fault(fault.clone())),
            Request::Check { target_c, answer, at_ms } => {
                reply(live.with(|world| world.check(*target_c, answer, *at_ms)))
            }
            Request::Story { at_ms } => Reply::Ok(json!(live.with(|world| world.story(*at_ms)))),
            Request::Shutdown => {
                live.end();
                Reply::Ok(Value::Null)
            }
            Request::Read
            | Request::Get
            | Request::Put { .. }
            | Request::Set { .. }
            | Request::Speed { .. }
            | Request::Start { .. }
            | Request::Pulse { .. }
            | Request::Counter => return self.command(request, live),
        };
        (reply, After::GoOn)
    }

    /// Waits until no earlier connection's request is under way, and shuts those connections out.
    fn open(&mut self, device: &DeviceName, live: &Live) -> (Reply, After) {
        let Some(mut newest) = live.line(device) else {
            return (Reply::Error(format!("there is no line to {device}")), After::GoOn);
        };
        *newest += 1;
        self.device = Some((device.clone(), *newest));
        (Reply::Ok(Value::Null), After::GoOn)
    }

    fn command(&self, request: &Request, live: &Live) -> (Reply, After) {
        let Some((device, number)) = &self.device else {
            return (Reply::Error("open a device first".into()), After::Close);
        };
        let newest = live.line(device);
        if newest.as_deref() != Some(number) {
            return (Reply::Error("a newer connection has this device".into()), After::Close);
        }
        if matches!(live.suffer(device, When::Before), Line::Drops) {
            return (Reply::Ok(Value::Null), After::Drop);
        }
        let reply = reply(live.with(|world| world.perform(device, request)));
        if matches!(live.suffer(device, When::After), Line::Drops) {
            return (reply, After::Drop);
        }
        (reply, After::GoOn)
    }
}

fn reply<T: Serialize>(done: Result<T, String>) -> Reply {
    done.map_or_else(Reply::Error, |value| Reply::Ok(json!(value)))
}
