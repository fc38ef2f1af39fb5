//! The file of a board's tasks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::subject::{Subject, Subjects};
use crate::simulated::Point;

/// Fewest other wordings of a task.
pub const UNSEEN_MIN: usize = 6;
/// Any number of alerts or runs.
const ANY: i64 = -1;

/// `tasks.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// The tasks.
    pub task: Vec<Task>,
}

/// Something a board's agent is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its name.
    pub id: String,
    /// Whether what is right depends on the world.
    pub conditional: bool,
    /// The shipped wording.
    pub text: String,
    /// Other wordings, for measuring only.
    pub unseen: Vec<String>,
    /// How the world stands at the start, as far as that is drawn.
    #[serde(default)]
    pub start: BTreeMap<String, Start>,
    /// What counts as done. The first whose `when` holds at the start.
    pub expect: Vec<Expect>,
}

/// From what a start is drawn: a range of a quantity `[low, high]`, otherwise a list of choices.
pub type Start = Vec<Point>;

/// What counts as done, under a condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// All of these hold at the start.
    pub when: BTreeMap<String, When>,
    /// Where things are at the end. Actuators that are not named are where they were at the start.
    pub end: BTreeMap<String, Ending>,
    /// The answer names a number this close to each of these quantities.
    pub answer: BTreeMap<String, f64>,
    /// The answer has one of these words, where there are any.
    pub answer_has: Vec<String>,
    /// Exactly so many alerts; -1 is any.
    pub alerts: i64,
    /// Exactly so many starts, or pulses; 0 of what is not named, -1 is any.
    pub runs: BTreeMap<String, i64>,
    /// Exactly so many seconds in all, of what is named.
    pub ran_s: BTreeMap<String, u64>,
}

/// A condition on a value as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// It is more.
    pub above: Option<f64>,
    /// It is less.
    pub below: Option<f64>,
    /// It is in this state, or at this number.
    pub is: Option<Point>,
}

/// Where something is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ending {
    /// Within these bounds, both included.
    Range([f64; 2]),
    /// Exactly there.
    At(Point),
}

/// Why a file of tasks can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TaskFileError {
    /// It can't be read.
    #[error("task file {} can't be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML, or has keys that tasks have not.
    #[error("task file {}: {what}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What, and where.
        what: String,
    },
    /// Something in it is not allowed.
    #[error("task file {}: {source}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What.
        #[source]
        source: WrongTask,
    },
}

/// A key of a task, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("task `{id}`, {key}: {what}")]
pub struct WrongTask {
    /// The task.
    pub id: String,
    /// The key.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub what: String,
}

/// A TOML error in one line, with the line it is about.
pub(crate) fn syntax(text: &str, error: &toml::de::Error) -> String {
    let line =
        error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
    let message = error.message().trim().replace('\n', ", ");
    line.map_or_else(|| message.clone(), |line| format!("line {line}: {message}"))
}

impl TaskFile {
    /// Reads a file of tasks, and checks it against the world it is for.
    ///
    /// # Errors
    ///
    /// See [`TaskFileError`].
    pub fn load(path: &Path, subjects: &Subjects) -> Result<Self, TaskFileError> {
        let path = path.to_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(TaskFileError::Read { path, source }),
        };
        let file: Self = match toml::from_str(&text) {
            Ok(file) => file,
            Err(error) => return Err(TaskFileError::Syntax { what: syntax(&text, &error), path }),
        };
        match file.check(subjects) {
            Ok(()) => Ok(file),
            Err(source) => Err(TaskFileError::Wrong { path, source }),
        }
    }

    /// The task called `id`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Task> {
        self.task.iter().find(|task| task.id == id)
    }

    /// Refuses tasks that no world of these subjects could be judged by.
    ///
    /// # Errors
    ///
    /// The task, the key and what is allowed.
    pub fn check(&self, subjects: &Subjects) -> Result<(), WrongTask> {
        let (mut ids, mut wordings) = (BTreeSet::new(), BTreeSet::new());
        for task in &self.task {
            let wrong = |(key, what): (String, String)| WrongTask { id: task.id.clone(), key, what };
            if !ids.insert(task.id.as_str()) {
                return Err(wrong(("id".into(), "two tasks have it: choose another".into())));
            }
            for wording in task.unseen.iter().chain([&task.text]) {
                if wording.trim().is_empty() || !wordings.insert(wording.as_str()) {
                    let what = format!("`{wording}` is empty or there twice");
                    return Err(wrong(("text, unseen".into(), what)));
                }
            }
            task.check(subjects).map_err(wrong)?;
        }
        Ok(())
    }
}

type Checked = Result<(), (String, String)>;

fn known<'a>(
    subjects: &'a BTreeMap<String, Subject>,
    key: &str,
    name: &str,
) -> Result<&'a Subject, (String, String)> {
    subjects.get(name).ok_or_else(|| {
        let names: Vec<_> = subjects.keys().map(String::as_str).collect();
        (format!("{key}.{name}"), format!("the world has no such name here: it has {}", names.join(", ")))
    })
}

impl Task {
    fn check(&self, subjects: &Subjects) -> Checked {
        if self.unseen.len() < UNSEEN_MIN {
            let what = format!("{} wordings, at least {UNSEEN_MIN} are needed", self.unseen.len());
            return Err(("unseen".into(), what));
        }
        for (name, start) in &self.start {
            let key = format!("start.{name}");
            let subject = known(&subjects.start, "start", name)?;
            for point in start {
                subject.allows(point).map_err(|what| (key.clone(), what))?;
            }
            match (subject, start.as_slice()) {
                (Subject::Quantity { .. }, [Point::Number(low), Point::Number(high)]) if low <= high => {}
                (Subject::Quantity { .. }, _) => {
                    return Err((key, "a quantity is drawn from a range `[low, high]`".into()));
                }
                (_, []) => return Err((key, "there is nothing to draw from".into())),
                _ => {}
            }
        }
        let last = self.expect.len().saturating_sub(1);
        if self.expect.get(last).is_none_or(|expect| !expect.when.is_empty()) {
            return Err((
                "expect".into(),
                "the last one must have no `when`, so that one always applies".into(),
            ));
        }
        for (index, expect) in self.expect.iter().enumerate() {
            if index < last && expect.when.is_empty() {
                return Err(("expect".into(), "one without `when` hides those after it".into()));
            }
            expect.check(&subjects.named)?;
        }
        Ok(())
    }
}

impl Expect {
    fn check(&self, subjects: &BTreeMap<String, Subject>) -> Checked {
        for (name, when) in &self.when {
            when.check(known(subjects, "when", name)?).map_err(|what| (format!("when.{name}"), what))?;
        }
        for (name, ending) in &self.end {
            let subject = known(subjects, "end", name)?;
            ending.check(subject).map_err(|what| (format!("end.{name}"), what))?;
        }
        for (name, within) in &self.answer {
            let is_quantity = matches!(known(subjects, "answer", name)?, Subject::Quantity { .. });
            if !is_quantity || !within.is_finite() || *within < 0.0 {
                let what = "an answer is how far its number may be from a quantity, 0 or more";
                return Err((format!("answer.{name}"), what.into()));
            }
        }
        if self.alerts < ANY {
            return Err(("alerts".into(), format!("{} is not -1 or more", self.alerts)));
        }
        for (name, runs) in &self.runs {
            if *known(subjects, "runs", name)? != Subject::Runs || *runs < ANY {
                return Err((format!("runs.{name}"), "it counts runs of a timed actuator, -1 is any".into()));
            }
        }
        for name in self.ran_s.keys() {
            if *known(subjects, "ran_s", name)? != Subject::Runs {
                return Err((format!("ran_s.{name}"), "it sums up seconds of a timed actuator".into()));
            }
        }
        Ok(())
    }
}

impl When {
    fn check(&self, subject: &Subject) -> Result<(), String> {
        match (subject, self) {
            (_, Self { above: None, below: None, is: None }) => {
                Err("a condition is `above`, `below` or `is`".into())
            }
            (Subject::Runs | Subject::Choice, _) => Err("nothing of this can be asked at the start".into()),
            (Subject::Actuator(actuator), Self { above: None, below: None, is: Some(is) }) => {
                actuator.allows(is)
            }
            (Subject::Actuator(_), _) => Err("of an actuator only `is` can be asked".into()),
            (Subject::Quantity { .. }, Self { is: None, .. }) => Ok(()),
            (Subject::Quantity { .. }, _) => {
                Err("of a quantity only `above` and `below` can be asked".into())
            }
        }
    }
}

impl Ending {
    fn check(&self, subject: &Subject) -> Result<(), String> {
        match (self, subject) {
            (Self::Range([low, high]), Subject::Quantity { .. }) if low <= high => Ok(()),
            (_, Subject::Quantity { .. }) => Err("a quantity ends within a range `[low, high]`".into()),
            (Self::At(point), subject) => subject.allows(point),
            (Self::Range(_), _) => Err("only a quantity ends within a range".into()),
        }
    }
}
