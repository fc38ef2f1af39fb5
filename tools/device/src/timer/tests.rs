use everstep_core::CallId;
use everstep_tool::{Cancel, DeviceError};
use serde_json::Value;

use super::*;

struct Fake(Vec<u32>);

impl Timer for Fake {
    fn start(&mut self, seconds: u32) -> Result<(), DeviceError> {
        self.0.push(seconds);
        Ok(())
    }
}

async fn run(arguments: Value) -> (Outcome, Vec<u32>) {
    let tool = RunTimer::new(Device::new("irrigation", Fake(vec![])), 1_800);
    assert_eq!((tool.spec().name.as_str(), tool.spec().class), ("run_irrigation", Class::Never));
    assert_eq!(tool.spec().summary, "run the irrigation for some seconds");
    let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
    let deadline = std::time::Duration::from_mins(1);
    let outcome = tool.run(&call, &Context { attempt: 1, deadline, cancel: Cancel::default() }).await;
    let started = tool.device.use_for(deadline, |fake| Ok(fake.0.clone())).await.unwrap();
    (outcome, started)
}

#[tokio::test]
async fn it_runs_for_as_long_as_it_is_allowed_to() {
    let (outcome, started) = run(json!({"seconds": 600})).await;
    assert_eq!((outcome, started), (Outcome::Done("irrigation runs for 600 seconds".into()), vec![600]));
    for seconds in [0, 1_801] {
        let (outcome, started) = run(json!({"seconds": seconds})).await;
        let why = format!("irrigation runs for 1 to 1800 seconds, got {seconds}");
        assert_eq!((outcome, started), (Outcome::NotStarted(why), vec![]));
    }
}
