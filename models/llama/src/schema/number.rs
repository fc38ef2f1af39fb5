//! Numbers in schemas: bounds, steps and constants that a grammar holds to the digit.
//!
//! llguidance computes with `f64` and 32-bit integers. What it would round, overflow on or get wrong is
//! refused or made stricter here.

use serde_json::{Map, Number, Value};

use super::{
    SchemaError,
    walk::{Here, shown},
};

/// Largest number, either way: all integers up to it are exact in an `f64`. Where a schema sets no bound,
/// this is it; a bound beyond it is brought down to it.
pub(super) const NUMBER_MAX: i64 = 1_000_000_000_000_000;
/// The same as what bounds are compared with.
#[expect(clippy::cast_precision_loss, reason = "it is exact")]
const NUMBER_MAX_F64: f64 = NUMBER_MAX as f64;
/// What asks something of numbers alone.
pub(super) const KEYWORDS: &[&str] =
    &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
/// Most digits behind the point of a `multipleOf`.
const STEP_DIGITS_MAX: u32 = 9;
/// Largest common multiple, in units of the last digit, of steps that may meet in one number: llguidance
/// multiplies two of them in 32 bits.
const STEPS_MAX: u64 = 65_535;

/// What all numbers of a schema ask for. Schemas that speak about the same value are merged by llguidance
/// after this check, so any two may meet where there are such.
#[derive(Default)]
pub(super) struct Numbers {
    lower: Vec<Bound>,
    upper: Vec<Bound>,
    steps: Vec<(Step, String)>,
    is_merged: bool,
}

#[derive(Clone)]
struct Bound {
    value: f64,
    is_exclusive: bool,
    place: String,
}

/// `units * 10^-digits`, in lowest terms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Step {
    units: u64,
    digits: u32,
}

impl Numbers {
    /// Takes down what one schema asks of numbers, and checks what meets in it.
    pub(super) fn note(&mut self, kept: &Map<String, Value>, place: &str) -> Result<(), SchemaError> {
        let bound = |keyword: &str, is_exclusive| {
            let value = kept.get(keyword).and_then(Value::as_f64)?;
            Some(Bound { value, is_exclusive, place: shown(place) })
        };
        let both = |plain: &str, exclusive: &str| -> Vec<Bound> {
            bound(plain, false).into_iter().chain(bound(exclusive, true)).collect()
        };
        let lower = both("minimum", "exclusiveMinimum");
        let upper = both("maximum", "exclusiveMaximum");
        if kept.get("type").and_then(Value::as_str) != Some("integer") {
            check_bounds(&lower, &upper)?;
        }
        self.lower.extend(lower);
        self.upper.extend(upper);
        if let Some(step) = kept.get("multipleOf").and_then(Value::as_number).and_then(Step::read)
            && !self.steps.iter().any(|(known, _)| *known == step)
        {
            self.steps.push((step, shown(place)));
        }
        let refers = kept.contains_key("$ref") || kept.contains_key("anyOf");
        self.is_merged |= kept.contains_key("allOf") || (refers && kept.len() > 1);
        Ok(())
    }

    /// Checks what may meet.
    pub(super) fn check(&self) -> Result<(), SchemaError> {
        if !self.is_merged {
            return Ok(());
        }
        check_bounds(&self.lower, &self.upper)?;
        let digits = self.steps.iter().map(|(step, _)| step.digits).max().unwrap_or(0);
        let mut common = 1_u64;
        for (step, place) in &self.steps {
            let here = Here { keyword: "multipleOf", place };
            let too_large = || here.because("with the others it has too many digits");
            let units = 10_u64.checked_pow(digits.saturating_sub(step.digits));
            let units = units.and_then(|scale| scale.checked_mul(step.units)).ok_or_else(too_large)?;
            let next = common.checked_div(greatest_divisor(common, units)).unwrap_or(0).checked_mul(units);
            common = next.filter(|next| *next <= STEPS_MAX).ok_or_else(too_large)?;
        }
        Ok(())
    }
}

/// A bound that excludes a whole number, with the other less than one away on zero's far side, is taken by
/// llguidance as if it included it: `0 < x <= 0.5` takes 0.
fn check_bounds(lower: &[Bound], upper: &[Bound]) -> Result<(), SchemaError> {
    let is_whole = |bound: &&Bound| bound.is_exclusive && bound.value.fract() == 0.0;
    let why = "with the other bound less than one away, it would be taken as inclusive";
    for low in lower.iter().filter(is_whole).filter(|low| low.value >= 0.0) {
        if upper.iter().any(|high| high.value > low.value && high.value < low.value + 1.0) {
            return Err(Here { keyword: "exclusiveMinimum", place: &low.place }.because(why));
        }
    }
    for high in upper.iter().filter(is_whole).filter(|high| high.value <= 0.0) {
        if lower.iter().any(|low| low.value < high.value && low.value > high.value - 1.0) {
            return Err(Here { keyword: "exclusiveMaximum", place: &high.place }.because(why));
        }
    }
    Ok(())
}

/// Gives a number the bounds it lacks. Without them a grammar allows `1e999`, which no parser reads.
pub(super) fn bound(schema: &mut Map<String, Value>) {
    for (least, keyword, value) in
        [("exclusiveMinimum", "minimum", -NUMBER_MAX), ("exclusiveMaximum", "maximum", NUMBER_MAX)]
    {
        if !schema.contains_key(least) && !schema.contains_key(keyword) {
            schema.insert(keyword.to_owned(), Value::from(value));
        }
    }
}

/// A bound: whole where it is whole, and never beyond [`NUMBER_MAX`].
pub(super) fn limit(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    let number = value.as_f64().ok_or_else(|| here.form("a bound is no number"))?;
    let is_lower = matches!(here.keyword, "minimum" | "exclusiveMinimum");
    if number.abs() <= NUMBER_MAX_F64 {
        return Ok(whole(value).map_or_else(|| value.clone(), Value::from));
    }
    if is_lower == (number < 0.0) {
        return Ok(Value::from(if is_lower { -NUMBER_MAX } else { NUMBER_MAX }));
    }
    Err(here.because("no number beyond a quadrillion is written"))
}

/// A number that is asked for to the digit.
pub(super) fn constant(here: Here<'_>, number: &Number) -> Result<Value, SchemaError> {
    let value = Value::Number(number.clone());
    match number.as_f64() {
        Some(float) if float.abs() <= NUMBER_MAX_F64 => Ok(whole(&value).map_or(value, Value::from)),
        _ => Err(here.because("no number beyond a quadrillion is written")),
    }
}

/// A step that llguidance reads as it is written.
pub(super) fn multiple(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    let number = value.as_number().ok_or_else(|| here.form("a step is no number"))?;
    if number.as_f64().is_none_or(|number| number <= 0.0) {
        return Err(here.form("a step is not above zero"));
    }
    let step = Step::read(number).filter(|step| Step::as_guessed(number) == Some(*step));
    match step {
        Some(step) if step.units <= STEPS_MAX && step.digits <= STEP_DIGITS_MAX => {
            Ok(whole(value).map_or_else(|| value.clone(), Value::from))
        }
        _ => Err(here.because("the step has too many digits")),
    }
}

/// The value of a number that is whole, however it is written.
pub(super) fn whole(value: &Value) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    let float = value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= NUMBER_MAX_F64)?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    Some(float as i64)
}

impl Step {
    fn new(mut units: u64, mut digits: u32) -> Self {
        while digits > 0 && units.is_multiple_of(10) {
            units /= 10;
            digits = digits.saturating_sub(1);
        }
        Self { units, digits }
    }

    /// The step as its digits say.
    fn read(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text.as_str(), 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut units: u64 = format!("{whole}{fraction}").parse().ok()?;
        let digits = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if digits < 0 {
            units = units.checked_mul(10_u64.checked_pow(digits.unsigned_abs())?)?;
        }
        Some(Self::new(units, u32::try_from(digits).unwrap_or(0)))
    }

    /// The step as llguidance finds it, by steps of ten.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
    fn as_guessed(number: &Number) -> Option<Self> {
        let mut value = number.as_f64()?;
        let mut digits = 0;
        while value.fract() != 0.0 {
            if digits > STEP_DIGITS_MAX {
                return None;
            }
            value *= 10.0;
            digits += 1;
        }
        (value.abs() <= NUMBER_MAX_F64).then(|| Self::new(value as u64, digits))
    }
}

fn greatest_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
