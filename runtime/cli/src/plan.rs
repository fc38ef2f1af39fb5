//! What `run` is about to do, decided from what is on flash before anything is loaded or moved.

use everstep_core::{Finished, State};

/// What `run` does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plan {
    /// Begins this task.
    Start(String),
    /// Goes on with the run under way.
    Resume,
    /// Prints this result again.
    Again(Finished),
}

/// Why `run` does nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    /// Another task is under way.
    #[error(
        "run {run} is unfinished: {task:?}; `everstep run` without a task goes on with it, `everstep stop` ends it"
    )]
    Unfinished { run: u32, task: String },
    /// The run under way has another name.
    #[error(
        "run {run} is unfinished and its task id is {found}, not {asked:?}; `everstep run` goes on with it, `everstep stop` ends it"
    )]
    OtherId { run: u32, found: String, asked: String },
    /// There is nothing to do.
    #[error(
        "there is no task: write one, as in `everstep run \"What is the temperature?\"`, or set `agent.{agent}.task`"
    )]
    NoTask { agent: String },
}

/// What the operator asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) agent: &'a str,
    pub(crate) task: Option<&'a str>,
    pub(crate) task_id: Option<&'a str>,
    /// The board file's task.
    pub(crate) default_task: Option<&'a str>,
}

/// Decides.
pub(crate) fn plan(asked: Asked<'_>, state: &State) -> Result<Plan, Refused> {
    let Asked { agent, task, task_id, default_task } = asked;
    if let Some(run) = &state.run {
        let id = run.id.0;
        if let Some(task_id) = task_id
            && run.task_id.as_deref() != Some(task_id)
        {
            let found = run.task_id.as_ref().map_or("not set".into(), |found| format!("{found:?}"));
            return Err(Refused::OtherId { run: id, found, asked: task_id.into() });
        }
        return match task {
            Some(task) if task != run.task() => Err(Refused::Unfinished { run: id, task: run.task().into() }),
            _ => Ok(Plan::Resume),
        };
    }
    if let Some(last) = &state.last {
        let same_id = task_id.is_some() && last.task_id.as_deref() == task_id;
        let nothing_asked = task.is_none() && task_id.is_none();
        if same_id || nothing_asked {
            return Ok(Plan::Again(last.clone()));
        }
    }
    match task.or(default_task) {
        Some(task) => Ok(Plan::Start(task.into())),
        None => Err(Refused::NoTask { agent: agent.into() }),
    }
}

#[cfg(test)]
mod tests {
    use everstep_core::{Agent, Digests, End, Kind, Limits, Moment, Record, RunId, StepId, Used};

    use super::*;

    fn under_way(task_id: Option<&str>) -> State {
        let mut agent = Agent::new(Limits::default());
        let kind = Kind::Started {
            run: RunId(1),
            task: "cool".into(),
            task_id: task_id.map(Into::into),
            seed: 1,
            digests: Digests::default(),
        };
        agent.apply(&Record { at: Moment::default(), kind }).unwrap();
        agent.state().clone()
    }

    fn finished(task_id: Option<&str>) -> State {
        let last = Finished {
            run: RunId(3),
            task_id: task_id.map(Into::into),
            task: "cool".into(),
            how: End::Done,
            answer: Some("cold".into()),
            steps: StepId(2),
            used: Used::default(),
        };
        State { last: Some(last), ..State::default() }
    }

    fn ask(task: Option<&str>, task_id: Option<&str>, state: &State) -> Result<Plan, Refused> {
        plan(Asked { agent: "room", task, task_id, default_task: Some("default") }, state)
    }

    #[test]
    fn unfinished_run_goes_on_and_never_gives_way_to_another_task() {
        let state = under_way(None);
        assert_eq!(ask(None, None, &state), Ok(Plan::Resume));
        assert_eq!(ask(Some("cool"), None, &state), Ok(Plan::Resume));
        assert_eq!(ask(Some("heat"), None, &state), Err(Refused::Unfinished { run: 1, task: "cool".into() }));
        assert!(matches!(ask(Some("cool"), Some("a"), &state), Err(Refused::OtherId { .. })));
        let named = under_way(Some("a"));
        assert_eq!(ask(Some("cool"), Some("a"), &named), Ok(Plan::Resume));
        assert_eq!(ask(None, Some("a"), &named), Ok(Plan::Resume));
        assert!(matches!(ask(None, Some("b"), &named), Err(Refused::OtherId { .. })));
    }

    #[test]
    fn same_task_id_never_runs_twice() {
        let state = finished(Some("a"));
        assert!(matches!(ask(Some("cool"), Some("a"), &state), Ok(Plan::Again(_))));
        assert_eq!(ask(Some("cool"), Some("b"), &state), Ok(Plan::Start("cool".into())));
        assert_eq!(ask(Some("cool"), None, &state), Ok(Plan::Start("cool".into())));
    }

    #[test]
    fn bare_run_prints_the_last_result_or_begins_the_board_s_task() {
        assert!(matches!(ask(None, None, &finished(None)), Ok(Plan::Again(_))));
        assert_eq!(ask(None, None, &State::default()), Ok(Plan::Start("default".into())));
        let asked = Asked { agent: "room", task: None, task_id: None, default_task: None };
        assert_eq!(plan(asked, &State::default()), Err(Refused::NoTask { agent: "room".into() }));
    }
}
