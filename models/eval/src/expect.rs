//! Which call is right: acceptable values for each parameter, and when a given one is one of them.
//!
//! Numbers compare by value, strings exactly. Leaves out schemas: whether a call fits its tool's is
//! another question.

use std::fmt;

use serde_json::{Map, Number, Value};

/// A call that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedCall {
    /// The tool.
    pub name: String,
    /// What each parameter may be; a parameter that isn't here is wrong.
    pub arguments: Vec<(String, Choices)>,
}

/// What one parameter may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// Whether it may be missing, too.
    pub may_be_left_out: bool,
    /// The values that are right.
    pub values: Vec<Acceptable>,
}

/// One value that is right.
#[derive(Clone, Debug, PartialEq)]
pub enum Acceptable {
    /// Null, a truth value, a number or a string.
    Plain(Value),
    /// A list, element by element.
    List(Vec<Acceptable>),
    /// An object; its members have their own choices, as the arguments of a call have.
    Object(Vec<(String, Choices)>),
}

/// An expectation that can't be read, and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) place: String,
    pub(crate) what: &'static str,
}

impl ExpectedCall {
    /// Reads `{param: [acceptable values]}`; `place` is where that stands, for errors.
    pub(crate) fn read(name: String, arguments: &Map<String, Value>, place: &str) -> Result<Self, Wrong> {
        Ok(Self { name, arguments: read_members(arguments, place)? })
    }

    /// The arguments as a file of cases writes them.
    #[must_use]
    pub fn arguments_json(&self) -> Value {
        members_json(&self.arguments)
    }

    /// Whether `arguments` are right: each parameter acceptable, none missing that must be there, none
    /// beyond the expected ones.
    #[must_use]
    pub fn accepts(&self, arguments: &Value) -> bool {
        arguments.as_object().is_some_and(|given| accepts_members(&self.arguments, given))
    }
}

impl fmt::Display for ExpectedCall {
    /// As a file of cases writes it: the name, then the acceptable values of each parameter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.arguments_json())
    }
}

impl Choices {
    fn read(value: &Value, place: &str) -> Result<Self, Wrong> {
        let wrong = |what| Wrong { place: place.to_owned(), what };
        let list = value.as_array().ok_or_else(|| wrong("is no list of acceptable values: write [value]"))?;
        if list.is_empty() {
            return Err(wrong("has no acceptable value: no call could be right"));
        }
        let values = list.iter().map(|value| Acceptable::read(value, place));
        Ok(Self { may_be_left_out: list.contains(&Value::Null), values: values.collect::<Result<_, _>>()? })
    }

    fn accept(&self, given: Option<&Value>) -> bool {
        match given {
            None => self.may_be_left_out,
            Some(given) => self.values.iter().any(|value| value.accepts(given)),
        }
    }
}

impl Acceptable {
    fn read(value: &Value, place: &str) -> Result<Self, Wrong> {
        Ok(match value {
            Value::Array(items) => {
                Self::List(items.iter().map(|item| Self::read(item, place)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => Self::Object(read_members(members, place)?),
            plain => Self::Plain(plain.clone()),
        })
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(members) => members_json(members),
        }
    }

    fn accepts(&self, given: &Value) -> bool {
        match (self, given) {
            (Self::Plain(Value::Number(wanted)), Value::Number(given)) => is_same_number(wanted, given),
            (Self::Plain(wanted), given) => wanted == given,
            (Self::List(wanted), Value::Array(given)) => {
                wanted.len() == given.len()
                    && wanted.iter().zip(given).all(|(wanted, given)| wanted.accepts(given))
            }
            (Self::Object(wanted), Value::Object(given)) => accepts_members(wanted, given),
            (Self::List(_) | Self::Object(_), _) => false,
        }
    }
}

fn read_members(members: &Map<String, Value>, place: &str) -> Result<Vec<(String, Choices)>, Wrong> {
    members
        .iter()
        .map(|(name, value)| Ok((name.clone(), Choices::read(value, &format!("{place}.{name}"))?)))
        .collect()
}

fn members_json(members: &[(String, Choices)]) -> Value {
    let members = members.iter();
    let json = |choices: &Choices| choices.values.iter().map(Acceptable::to_json).collect();
    Value::Object(members.map(|(name, choices)| (name.clone(), json(choices))).collect())
}

fn accepts_members(wanted: &[(String, Choices)], given: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, choices)| choices.accept(given.get(name)))
        && given.keys().all(|name| wanted.iter().any(|(known, _)| known == name))
}

/// `10` and `10.0` are one number; `9007199254740993` and `9007199254740992.0` are two.
fn is_same_number(one: &Number, other: &Number) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        _ => false,
    }
}

/// The number as an integer, where it is one. Floats beyond every integer of JSON's are not.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^64")]
fn whole(number: &Number) -> Option<i128> {
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    exact.or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= BEYOND)?;
        Some(float as i128)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
    fn expected(arguments: Value) -> ExpectedCall {
        ExpectedCall::read("tool".to_owned(), arguments.as_object().unwrap(), "expect[0].arguments").unwrap()
    }

    #[track_caller]
    fn check(wanted: Value, right: &[Value], wrong: &[Value]) {
        let expected = expected(wanted);
        for given in right {
            assert!(expected.accepts(given), "{given} is right");
        }
        for given in wrong {
            assert!(!expected.accepts(given), "{given} is wrong");
        }
    }

    #[test]
    fn numbers_compare_by_value() {
        check(
            json!({"x": [10]}),
            &[json!({"x": 10}), json!({"x": 10.0}), json!({"x": 1e1})],
            &[json!({"x": 10.5}), json!({"x": -10}), json!({"x": "10"}), json!({"x": [10]})],
        );
        check(json!({"x": [-4.50]}), &[json!({"x": -4.5})], &[json!({"x": 4.5}), json!({"x": -4})]);
        check(json!({"x": [0]}), &[json!({"x": -0.0})], &[json!({"x": false}), json!({"x": null})]);
        check(json!({"x": [1]}), &[], &[json!({"x": true}), json!({"x": "1"})]);
        // Beyond 2^53, a float is not every integer it is written as.
        check(
            json!({"x": [9_007_199_254_740_993_i64]}),
            &[json!({"x": 9_007_199_254_740_993_i64})],
            &[json!({"x": 9_007_199_254_740_992.0}), json!({"x": 9_007_199_254_740_992_i64})],
        );
        check(json!({"x": [u64::MAX]}), &[json!({"x": u64::MAX})], &[json!({"x": -1})]);
        check(json!({"x": [1e300]}), &[json!({"x": 1e300})], &[json!({"x": 1.1e300})]);
    }

    #[test]
    fn strings_compare_exactly() {
        check(
            json!({"x": ["Front Door", "front door"]}),
            &[json!({"x": "Front Door"}), json!({"x": "front door"})],
            &[json!({"x": "FRONT DOOR"}), json!({"x": "Front Door "}), json!({"x": ["Front Door"]})],
        );
    }

    #[test]
    fn missing_only_where_null_is_listed_and_nothing_extra() {
        check(
            json!({"x": [1], "y": ["a", null]}),
            &[
                json!({"x": 1}),
                json!({"x": 1, "y": "a"}),
                json!({"y": "a", "x": 1}),
                json!({"x": 1, "y": null}),
            ],
            &[
                json!({}),
                json!({"y": "a"}),
                json!({"x": 1, "y": "b"}),
                json!({"x": 1, "z": 2}),
                json!({"x": 1, "y": "a", "z": null}),
                json!([1]),
            ],
        );
        check(json!({}), &[json!({})], &[json!({"x": 1}), json!(null)]);
    }

    #[test]
    fn lists_and_objects_compare_deeply() {
        check(
            json!({"x": [[1, 2], ["a"]]}),
            &[json!({"x": [1.0, 2]}), json!({"x": ["a"]})],
            &[json!({"x": [2, 1]}), json!({"x": [1]}), json!({"x": [1, 2, 3]}), json!({"x": "a"})],
        );
        check(
            json!({"x": [{"to": ["north", "n"], "by": [2, null]}]}),
            &[json!({"x": {"to": "n"}}), json!({"x": {"by": 2.0, "to": "north"}})],
            &[
                json!({"x": {}}),
                json!({"x": {"to": "south"}}),
                json!({"x": {"to": "n", "by": 3}}),
                json!({"x": {"to": "n", "at": 1}}),
            ],
        );
        check(
            json!({"x": [[{"a": [1]}]]}),
            &[json!({"x": [{"a": 1}]})],
            &[json!({"x": [{"a": 2}]}), json!({"x": [{}]})],
        );
        check(json!({"x": [[null]]}), &[json!({"x": [null]})], &[json!({}), json!({"x": []})]);
    }

    #[test]
    fn expected_call_reads_as_it_was_written() {
        let written = json!({"x": [1, 2.5, null], "y": [["a"], {"z": [true]}]});
        assert_eq!(expected(written.clone()).arguments_json(), written);
        assert_eq!(expected(json!({"x": ["a"]})).to_string(), r#"tool {"x":["a"]}"#);
    }

    #[test]
    fn expectation_that_no_call_could_meet_is_refused_with_its_place() {
        for (arguments, place, word) in [
            (json!({"x": 1}), "here.x", "no list"),
            (json!({"x": []}), "here.x", "no acceptable value"),
            (json!({"x": [{"y": 1}]}), "here.x.y", "no list"),
            (json!({"x": [[{"y": []}]]}), "here.x.y", "no acceptable value"),
        ] {
            let wrong =
                ExpectedCall::read(String::new(), arguments.as_object().unwrap(), "here").unwrap_err();
            assert_eq!(wrong.place, place);
            assert!(wrong.what.contains(word), "{wrong:?}");
        }
    }
}
