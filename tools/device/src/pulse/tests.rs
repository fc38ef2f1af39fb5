use std::sync::{Arc, Mutex};

use everstep_core::CallId;
use everstep_tool::Cancel;
use serde_json::json;

use super::*;
use crate::pump::{PULSES_MAX, dose_antifreeze};

/// A pump that gives some of the pulses asked for, and may lose its answers.
#[derive(Clone, Debug)]
struct Fake {
    counter: Arc<Mutex<u64>>,
    gives: u64,
    answer: Result<(), DeviceError>,
}

impl Pulser for Fake {
    fn pulse(&mut self, _pulses: u32, _cancel: &Cancel) -> Result<(), DeviceError> {
        *self.counter.lock().unwrap() += self.gives;
        self.answer.clone()
    }
}

impl Counter for Fake {
    fn count(&mut self) -> Result<u64, DeviceError> {
        Ok(*self.counter.lock().unwrap())
    }
}

fn pump(gives: u64, answer: Result<(), DeviceError>) -> CountedPulses<Fake> {
    dose_antifreeze(Device::new("pump", Fake { counter: Arc::new(Mutex::new(6)), gives, answer }))
}

async fn call(tool: &CountedPulses<Fake>, pulses: u32) -> ToolCall {
    let arguments = json!({"pulses": pulses});
    let baseline = tool.baseline(&arguments).await.unwrap();
    ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None }
}

async fn run(tool: &CountedPulses<Fake>, call: &ToolCall) -> Outcome {
    let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel: Cancel::default() };
    tool.run(call, &cx).await
}

#[tokio::test]
async fn dose_is_told_with_the_counter() {
    let tool = pump(1, Ok(()));
    let call = call(&tool, 1).await;
    assert_eq!(run(&tool, &call).await, Outcome::Done("dosed 1 pulse, counter 7".into()));
    let tool = pump(2, Ok(()));
    let call = self::call(&tool, 2).await;
    assert_eq!(run(&tool, &call).await, Outcome::Done("dosed 2 pulses, counter 8".into()));
}

#[tokio::test]
async fn lost_outcome_is_settled_by_the_counter() {
    let lost = || Err(DeviceError::Unknown("the line went dead".into()));
    for (gives, expected) in [
        (3, Settlement::Done("dosed 3 pulses, counter 9".into())),
        (0, Settlement::NotDone),
        (2, Settlement::CantTell("the pump's counter went from 6 to 8 for 3 pulses".into())),
        (4, Settlement::CantTell("the pump's counter went from 6 to 10 for 3 pulses".into())),
    ] {
        let tool = pump(gives, lost());
        let call = call(&tool, 3).await;
        assert_eq!(run(&tool, &call).await, Outcome::MayHaveRun("the line went dead".into()));
        assert_eq!(tool.probe(&call).await, expected, "{gives} given");
    }
}

#[tokio::test]
async fn answer_that_the_counter_contradicts_is_not_believed() {
    for gives in [0, 2] {
        let tool = pump(gives, Ok(()));
        let call = call(&tool, 1).await;
        let outcome = run(&tool, &call).await;
        assert!(matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("counter")), "{outcome:?}");
    }
}

#[tokio::test]
async fn dose_that_could_not_be_read_back_does_not_start() {
    let tool = pump(1, Ok(()));
    let blind = ToolCall { baseline: None, ..call(&tool, 1).await };
    assert!(matches!(run(&tool, &blind).await, Outcome::NotStarted(_)));
    assert!(matches!(tool.probe(&blind).await, Settlement::CantTell(_)));
    let greedy = call(&tool, PULSES_MAX + 1).await;
    assert!(matches!(run(&tool, &greedy).await, Outcome::NotStarted(_)));
    assert_eq!(
        *tool
            .device
            .use_for(Duration::ZERO, |pump| Ok(Arc::clone(&pump.counter)))
            .await
            .unwrap()
            .lock()
            .unwrap(),
        6
    );
}

#[test]
fn schema_names_the_most_pulses_of_a_call() {
    let pulses = |tool: &dyn Tool| tool.spec().arguments["properties"]["pulses"].to_string();
    let dose = pump(1, Ok(()));
    assert_eq!(
        pulses(&dose),
        r#"{"type":"integer","minimum":1,"description":"How many pulses.","maximum":5}"#
    );
    assert_eq!(dose.spec().class, Class::ReadBack { settle_ms: 2_000 });
    assert_eq!(pulses(&feeder(Ok(()))).matches("\"maximum\":9").count(), 1);
}

fn feeder(answer: Result<(), DeviceError>) -> Pulses<Fake> {
    let fake = Fake { counter: Arc::new(Mutex::new(0)), gives: 1, answer };
    let words = PulseWords {
        tool: "pulse_feeder".into(),
        summary: "give pulses to the feeder".into(),
        gave: "feeder gave".into(),
        pulses_max: 9,
        run_ms_max: 5_000,
    };
    Pulses::new(Device::new("feeder", fake), words)
}

#[tokio::test]
async fn pulses_that_nothing_counts_never_run_twice() {
    let run = async |answer, pulses: u32| {
        let tool = feeder(answer);
        assert_eq!(tool.spec().class, Class::Never);
        let arguments = json!({"pulses": pulses});
        assert_eq!(tool.baseline(&arguments).await, Ok(None));
        let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
        let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel: Cancel::default() };
        let outcome = tool.run(&call, &cx).await;
        assert!(matches!(tool.probe(&call).await, Settlement::CantTell(_)));
        (outcome, tool.device.use_for(Duration::ZERO, Counter::count).await.unwrap())
    };
    assert_eq!(run(Ok(()), 9).await, (Outcome::Done("feeder gave 9 pulses".into()), 1));
    let lost = Err(DeviceError::Unknown("the line is stuck".into()));
    assert_eq!(run(lost, 1).await, (Outcome::MayHaveRun("the line is stuck".into()), 1));
    for pulses in [0, 10] {
        let why = format!("pulses must be 1 to 9, got {pulses}");
        assert_eq!(run(Ok(()), pulses).await, (Outcome::NotStarted(why), 0));
    }
}
