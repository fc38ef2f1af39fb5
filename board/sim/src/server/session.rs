//! One connection: whose it is, and what its requests do.

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
            Request::Open { device } => return self.open(*device, live),
            Request::Time => Reply::Ok(json!(live.time())),
            Request::Snapshot => Reply::Ok(json!(live.with(|world| world.snapshot()))),
            Request::Step { ms } if live.is_stepped() => Reply::Ok(live.with(|world| {
                world.step(*ms);
                json!(world.now_ms())
            })),
            Request::Step { .. } => Reply::Error("this world's time passes by itself".into()),
            Request::Fault { fault } => Reply::Ok(live.with(|world| {
                world.fault(*fault);
                Value::Null
            })),
            Request::LineFault { fault } => {
                live.add_line_fault(*fault);
                Reply::Ok(Value::Null)
            }
            Request::Check { target_c, answer, at_ms } => {
                Reply::Ok(json!(live.with(|world| world.check(*target_c, answer, *at_ms))))
            }
            Request::Shutdown => {
                live.end();
                Reply::Ok(Value::Null)
            }
            Request::Read
            | Request::Get
            | Request::Set { .. }
            | Request::Speed { .. }
            | Request::Start { .. }
            | Request::Pulse { .. }
            | Request::Counter => return self.command(request, live),
        };
        (reply, After::GoOn)
    }

    /// Waits until no earlier connection's request is under way, and shuts those connections out.
    fn open(&mut self, device: DeviceName, live: &Live) -> (Reply, After) {
        let Some(mut newest) = live.line(device) else {
            return (Reply::Error(format!("there is no line to {}", json!(device))), After::GoOn);
        };
        *newest += 1;
        self.device = Some((device, *newest));
        (Reply::Ok(Value::Null), After::GoOn)
    }

    fn command(&self, request: &Request, live: &Live) -> (Reply, After) {
        let Some((device, number)) = self.device else {
            return (Reply::Error("open a device first".into()), After::Close);
        };
        let newest = live.line(device);
        if newest.as_deref() != Some(&number) {
            return (Reply::Error("a newer connection has this device".into()), After::Close);
        }
        if matches!(live.suffer(device, When::Before), Line::Drops) {
            return (Reply::Ok(Value::Null), After::Drop);
        }
        let reply = perform(device, request, live);
        if matches!(live.suffer(device, When::After), Line::Drops) {
            return (reply, After::Drop);
        }
        (reply, After::GoOn)
    }
}

fn perform(device: DeviceName, request: &Request, live: &Live) -> Reply {
    live.with(|world| {
        match (device, request) {
            (DeviceName::Room, Request::Read) => {
                return world
                    .read()
                    .map_or_else(|why| Reply::Error(why.into()), |seen| Reply::Ok(json!(seen)));
            }
            (DeviceName::Compressor, Request::Get) => return Reply::Ok(json!(world.compressor_commanded())),
            (DeviceName::Pump, Request::Counter) => return Reply::Ok(json!(world.pump_counter())),
            (DeviceName::Compressor, Request::Set { on }) => world.set_compressor(*on),
            (DeviceName::Fan, Request::Speed { percent: percent @ 0..=100 }) => world.set_fan(*percent),
            (DeviceName::Heater, Request::Start { seconds }) => world.start_defrost(*seconds),
            (DeviceName::Pump, Request::Pulse { pulses }) => world.pulse(*pulses),
            _ => return Reply::Error(format!("{} does not take this request", json!(device))),
        }
        Reply::Ok(Value::Null)
    })
}
