//! `compare`: tells whether two numbers stand in a relation.

use std::cmp::Ordering;

use everstep_core::{Class, Outcome};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Number;

use crate::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust, parse_arguments, schema_for};

/// Arguments of `compare`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The number on the left.
    value: Number,
    /// How the value should relate to the limit.
    operator: Operator,
    /// The number on the right.
    limit: Number,
}

// No comments on the variants: they would split the list of choices in the schema.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum Operator {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "==")]
    Equal,
}

impl Operator {
    const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
        }
    }
}

/// Compares two numbers exactly.
#[derive(Debug)]
pub struct Compare {
    spec: ToolSpec,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            spec: ToolSpec {
                name: "compare".into(),
                summary: "compare two numbers".into(),
                arguments: schema_for::<Args>(),
                class: Class::Observe,
                trust: Trust::Inside,
                device: None,
                run_ms_max: 1_000,
            },
        }
    }
}

impl Tool for Compare {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
        let outcome = match parse_arguments::<Args>(call) {
            Ok(Args { value, operator, limit }) => order(&value, &limit).map_or_else(
                || Outcome::NotStarted("the numbers can't be compared".into()),
                |order| Outcome::Done(operator.holds(order).to_string()),
            ),
            Err(why) => Outcome::NotStarted(why),
        };
        Box::pin(async { outcome })
    }
}

/// The exact order of two JSON numbers: whole numbers are not rounded to fit a fraction's type. Two
/// fractions written alike are equal, because both are read by the same rounding.
fn order(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => whole_to_fraction(left, right.as_f64()?),
        (None, Some(right)) => whole_to_fraction(right, left.as_f64()?).map(Ordering::reverse),
        (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// JSON's whole numbers have at most 64 bits here, so a larger fraction decides by its sign.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, far beyond any whole number here")]
fn whole_to_fraction(whole: i128, fraction: f64) -> Option<Ordering> {
    let floor = fraction.floor();
    let order = whole.cmp(&(floor as i128));
    let above_floor = fraction.partial_cmp(&floor)?;
    Some(order.then(above_floor.reverse()))
}
