//! Whether a task was done, by what came of it.

use std::collections::BTreeMap;

use super::file::{Ending, Expect, Task, When};
use crate::simulated::{Point, Ran, Standing, Story};

/// What came of a task.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// How the world stood at the start and at the end.
    pub story: &'a Story,
    /// What the agent answered; empty where it gave no answer.
    pub answer: &'a str,
    /// How many alerts it sent.
    pub alerts: u64,
}

impl Task {
    /// What is wrong, each in a few words; nothing where the task was done.
    #[must_use]
    pub fn judge(&self, ended: Ended<'_>) -> Vec<String> {
        let Story { start, end } = ended.story;
        let applies = |expect: &&Expect| expect.when.iter().all(|(name, when)| when.holds(name, start));
        let Some(expect) = self.expect.iter().find(applies) else {
            return vec!["no `expect` applies to this start".into()];
        };
        let mut wrong = Vec::new();
        expect.judge_places(start, end, &mut wrong);
        expect.judge_runs(end, &mut wrong);
        expect.judge_answer(end, ended.answer, &mut wrong);
        if !is_count(expect.alerts, ended.alerts) {
            wrong.push(format!("{} alerts, not {}", ended.alerts, expect.alerts));
        }
        wrong
    }
}

impl Expect {
    fn judge_places(&self, start: &Standing, end: &Standing, wrong: &mut Vec<String>) {
        for (name, ending) in &self.end {
            match place(name, end) {
                Some(point) if ending.holds(&point) => {}
                Some(point) => wrong.push(format!("{name} is {point}, not {ending}")),
                None => wrong.push(format!("the world has no {name}")),
            }
        }
        for (name, before) in &start.actuators {
            let after = end.actuators.get(name);
            if !self.end.contains_key(name) && after != Some(before) {
                let after = after.map_or_else(|| "gone".into(), Point::to_string);
                wrong.push(format!("{name} is {after}, it was {before} and should have stayed"));
            }
        }
    }

    fn judge_runs(&self, end: &Standing, wrong: &mut Vec<String>) {
        for (name, Ran { times, .. }) in &end.runs {
            let wanted = self.runs.get(name).copied().unwrap_or(0);
            if !is_count(wanted, *times) {
                wrong.push(format!("{name} ran {times} times, not {wanted}"));
            }
        }
        for (name, wanted) in &self.ran_s {
            let seconds = end.runs.get(name).map(|ran| ran.seconds);
            if seconds != Some(*wanted) {
                wrong.push(format!("{name} ran {} s, not {wanted} s", seconds.unwrap_or(0)));
            }
        }
        for name in self.runs.keys().filter(|name| !end.runs.contains_key(*name)) {
            wrong.push(format!("the world has no {name}"));
        }
    }

    fn judge_answer(&self, end: &Standing, answer: &str, wrong: &mut Vec<String>) {
        // What a sensor hides by rounding is no error of the answer.
        const EPSILON: f64 = 1e-6;
        for (name, within) in &self.answer {
            let Some(value) = end.quantities.get(name) else {
                wrong.push(format!("the world has no {name}"));
                continue;
            };
            let shown = end.shown.get(name).unwrap_or(value);
            let is_near = |named: f64| {
                (named - value).abs() <= within + EPSILON || (named - shown).abs() <= within + EPSILON
            };
            if !numbers(answer).into_iter().any(is_near) {
                wrong.push(format!("answer names no number within {within} of {name}, {shown}"));
            }
        }
        let answer = answer.to_lowercase();
        let words: Vec<&str> = answer.split(|letter: char| !letter.is_alphanumeric()).collect();
        let has = |word: &String| words.iter().any(|said| *said == word.to_lowercase());
        if !self.answer_has.is_empty() && !self.answer_has.iter().any(has) {
            wrong.push(format!("answer has none of the words {}", self.answer_has.join(", ")));
        }
    }
}

impl When {
    fn holds(&self, name: &str, start: &Standing) -> bool {
        if let Some(value) = start.shown.get(name) {
            // A quantity has no `is`: a file that asks for one was refused.
            return self.is.is_none()
                && self.above.is_none_or(|above| *value > above)
                && self.below.is_none_or(|below| *value < below);
        }
        self.is.is_some() && start.actuators.get(name) == self.is.as_ref()
    }
}

impl Ending {
    fn holds(&self, point: &Point) -> bool {
        match (self, point) {
            (Self::Range([low, high]), Point::Number(number)) => (*low..=*high).contains(number),
            (Self::Range(_), _) => false,
            (Self::At(wanted), point) => wanted == point,
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Range([low, high]) => write!(f, "{low} to {high}"),
            Self::At(point) => write!(f, "{point}"),
        }
    }
}

/// Where something is at the end; what runs is `on` while it does.
fn place(name: &str, end: &Standing) -> Option<Point> {
    let quantity = end.quantities.get(name).copied().map(Point::Number);
    let runs = |map: &BTreeMap<String, Ran>| map.get(name).map(|ran| Point::switch(ran.left_s > 0));
    quantity.or_else(|| end.actuators.get(name).cloned()).or_else(|| runs(&end.runs))
}

fn is_count(wanted: i64, count: u64) -> bool {
    wanted < 0 || u64::try_from(wanted) == Ok(count)
}

/// The numbers that `text` names, in order. A hyphen is a sign unless a letter, digit or point is right before.
#[must_use]
pub fn numbers(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let is_signed = letter == '-' && !before.is_alphanumeric() && before != '.';
        let unsigned = if is_signed { rest.get(1..).unwrap_or_default() } else { rest };
        let length = digits(unsigned);
        let is_part_of_a_word = before.is_alphabetic() || before == '_';
        if length > 0 && !is_part_of_a_word {
            let taken = rest.len() - unsigned.len() + length;
            let (number, after) = rest.split_at(taken);
            found.extend(number.parse::<f64>().ok());
            (before, rest) = ('0', after);
        } else {
            // The digits of a name such as `c21` are no number, none of them.
            before = if is_part_of_a_word && letter.is_ascii_digit() { '_' } else { letter };
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    found
}

/// Bytes of the unsigned number that `text` begins with.
fn digits(text: &str) -> usize {
    let count = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = count(text);
    let fraction = text.get(whole..).and_then(|rest| rest.strip_prefix('.')).map_or(0, count);
    match (whole, fraction) {
        (0, _) => 0,
        (whole, 0) => whole,
        (whole, fraction) => whole + 1 + fraction,
    }
}
