//! A boot that is refused: nothing is written, at the first start and in the middle of a run.

use everstep_board_sim::SimFlash;
use everstep_core::{ActivityId, Class, TokenId};
use everstep_driver::{BootError, Pause};
use everstep_model::{
    Model, ModelCard, NextEvent, Reply, Request, ScriptedModel, ToolDefinition, ToolsRefused,
};
use system_tests::stand::{Stand, TestDevice, scripted};

const SCRIPT: &str = r#"
    [[reply]]
    call = "open_valve"
    [[reply]]
    say = "Done."
    [[reply]]
    say = "Done, after all."
"#;

/// The scripted model, but for one tool that it can't be held to.
struct Refusing {
    model: ScriptedModel,
    tool: &'static str,
}

impl Model for Refusing {
    fn card(&self) -> &ModelCard {
        self.model.card()
    }

    fn check_tools(&mut self, tools: &[ToolDefinition]) -> Result<(), ToolsRefused> {
        match tools.iter().find(|tool| tool.name == self.tool) {
            Some(tool) => Err(ToolsRefused { reason: format!("{}: `pattern` can't be enforced", tool.name) }),
            None => Ok(()),
        }
    }

    fn submit(&mut self, request: Request) {
        self.model.submit(request);
    }

    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        self.model.accepted(activity, tokens);
    }

    fn cancel(&mut self, activity: ActivityId) {
        self.model.cancel(activity);
    }

    fn next_event(&mut self) -> NextEvent<'_> {
        self.model.next_event()
    }

    fn text(&self, tokens: &[TokenId]) -> String {
        self.model.text(tokens)
    }

    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        self.model.parse(text, tools)
    }
}

/// A boot with a model that refuses `open_valve` names the tool and leaves every byte as it was.
async fn boot_is_refused_and_writes_nothing(stand: &Stand<SimFlash>) {
    let before = stand.flash.lock().image().to_vec();
    let counts = stand.flash.lock().counts();
    let refused = stand.boot(Refusing { model: scripted(SCRIPT), tool: "open_valve" }).await;
    let Err(BootError::Tools(refused)) = refused.map(drop) else { unreachable!("the tool was not refused") };
    assert!(refused.to_string().contains("open_valve"), "{refused}");
    assert!(stand.flash.lock().image() == before, "the flash was changed");
    let after = stand.flash.lock().counts();
    assert_eq!((after.programs, after.erases), (counts.programs, counts.erases));
}

#[tokio::test(start_paused = true)]
async fn model_that_can_t_be_held_to_a_tool_s_schema_is_refused_before_anything_is_written() {
    let valve = TestDevice::new("open_valve", Class::Never, 0, "open");
    let stand = Stand::new(SimFlash::<4, 4096>::new(64), vec![valve.clone()]);
    boot_is_refused_and_writes_nothing(&stand).await;

    // Nor does it go on with a run that another model began.
    let (mut driver, _commands) = stand.booted(SCRIPT).await;
    driver.start("open it".into(), None, 1).unwrap();
    drop(driver);
    boot_is_refused_and_writes_nothing(&stand).await;
    assert_eq!(valve.begun(), 0);

    // A model that can be held to it goes on.
    let model = Refusing { model: scripted(SCRIPT), tool: "another" };
    let Ok((mut driver, _commands)) = stand.boot(model).await else { unreachable!("no tool is refused") };
    let pause = driver.drive().await.unwrap();
    assert!(matches!(pause, Pause::AtRest(Some(_))), "{pause:?}");
    assert_eq!((valve.begun(), stand.heard.count("started")), (1, 1));
}
