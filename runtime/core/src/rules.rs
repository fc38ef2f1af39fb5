//! What an agent's board file and its tools say about single tools, as far as decisions depend on it.

use alloc::{string::String, vec::Vec};

/// What holds for one tool of one agent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ToolRule {
    /// The tool.
    pub tool: String,
    /// Its results carry text from outside the board: from its first call on, the run is tainted.
    pub outside: bool,
    /// In a tainted run each of its calls waits for an operator.
    pub sensitive: bool,
    /// Calls in one run, where they are limited.
    pub calls_per_run_max: Option<u32>,
    /// Calls in a [day](crate::DAY_MS), where they are limited.
    pub calls_per_day_max: Option<u32>,
    /// What it shares a budget with: a host that several tools ask.
    pub shared: Option<SharedBudget>,
}

/// Calls in a [day](crate::DAY_MS) that several tools share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharedBudget {
    /// Whose budget it is. Tools with the same name here share it.
    pub name: String,
    /// Calls of all of them.
    pub calls_per_day_max: u32,
}

/// The rules of one agent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ToolRules(Vec<ToolRule>);

impl ToolRules {
    /// One rule for each tool; a tool without one is none of this agent's.
    #[must_use]
    pub const fn new(rules: Vec<ToolRule>) -> Self {
        Self(rules)
    }

    /// The tools that share the budget called `name`.
    pub(crate) fn sharing<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let shares = move |rule: &&ToolRule| rule.shared.as_ref().is_some_and(|shared| shared.name == name);
        self.0.iter().filter(shares).map(|rule| rule.tool.as_str())
    }

    /// The rule for `tool`, if there is one.
    #[must_use]
    pub fn get(&self, tool: &str) -> Option<&ToolRule> {
        self.0.iter().find(|rule| rule.tool == tool)
    }
}
