//! What the sections of registers have in common, on whichever bus: how their bytes are a number, and
//! what may be done with it.

use std::cmp::Ordering;

use everstep_tool::{Device, device::Counter};
use everstep_tools_device::{
    BootPolicy, Level, ReadSensor, Register, ScaledRegister, Scaling, Settings, State,
};

use super::{assemble::Assembly, machine::Machine};
use crate::config::Whole;

/// Longest unit.
const UNIT_BYTES_MAX: usize = 16;

/// Decimals of a number.
pub type Digits = Whole<0, 0, 9>;

/// Defines a section with its own keys, and behind them those of every register.
macro_rules! register_section {
    (
        $(#[doc = $doc:literal])+
        $name:ident { $($(#[$meta:meta])+ $key:ident: $type:ty,)+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$meta])+ pub $key: $type,)+
            /// Bytes of the register: 1, 2 or 4.
            pub bytes: ::everstep_tools_device::Width,
            /// Which byte comes first.
            #[serde(default)]
            pub order: ::everstep_tools_device::Order,
            /// Whether the highest bit is a sign.
            #[serde(default)]
            pub signed: bool,
            /// What one step of the register is worth, in `unit`.
            #[serde(default = "crate::device::register::scale")]
            pub scale: f64,
            /// The number where the register is zero, in `unit`.
            #[serde(default)]
            pub offset: f64,
            /// Printed after the number; may be empty.
            #[serde(default)]
            pub unit: String,
            /// Decimals that are told.
            #[serde(default)]
            pub digits: crate::device::register::Digits,
            /// Least that can truly be read, in `unit`.
            pub min: f64,
            /// Most that can truly be read, in `unit`.
            pub max: f64,
            /// Whether it counts something for good, so that pulses can be read back from it.
            #[serde(default, skip_serializing_if = "crate::device::register::is_not")]
            pub counter: bool,
            /// Least it may be set to, in `unit`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub set_min: Option<f64>,
            /// Most it may be set to, in `unit`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub set_max: Option<f64>,
            /// What it is set to when a run ends early, and after a boot with `boot = "safe"`, in `unit`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub safe_value: Option<f64>,
            /// What a boot does with it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub boot: Option<::everstep_tools_device::BootPolicy>,
        }

        impl $name {
            /// The keys that every register has.
            fn keys(&self) -> crate::device::register::RegisterKeys<'_> {
                crate::device::register::RegisterKeys {
                    scaling: ::everstep_tools_device::Scaling {
                        width: self.bytes,
                        order: self.order,
                        signed: self.signed,
                        scale: self.scale,
                        offset: self.offset,
                    },
                    unit: &self.unit,
                    digits: self.digits,
                    range: (self.min, self.max),
                    counter: self.counter,
                    set: (self.set_min, self.set_max, self.safe_value),
                    boot: self.boot,
                }
            }
        }
    };
}

pub(super) use register_section;

pub(super) const fn scale() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) const fn is_not(flag: &bool) -> bool {
    !*flag
}

/// The keys that every register has.
#[derive(Clone, Copy, Debug)]
pub(super) struct RegisterKeys<'a> {
    pub(super) scaling: Scaling,
    pub(super) unit: &'a str,
    pub(super) digits: Digits,
    pub(super) range: (f64, f64),
    pub(super) counter: bool,
    /// Least and most it may be set to, and the safe value.
    pub(super) set: (Option<f64>, Option<f64>, Option<f64>),
    pub(super) boot: Option<BootPolicy>,
}

/// What a register may be set to.
struct Setting {
    min: f64,
    max: f64,
    safe: f64,
}

/// Whether a register may be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// It is only read.
    Read,
    /// It is set, too.
    Write,
}

impl RegisterKeys<'_> {
    pub(super) fn check(&self, access: Access) -> Result<(), (&'static str, String)> {
        let Scaling { scale, offset, .. } = self.scaling;
        let (min, max) = self.range;
        if !scale.is_finite() || scale == 0.0 {
            return Err(("scale", format!("{scale} is no step: it must be another number than 0")));
        }
        if !offset.is_finite() {
            return Err(("offset", format!("{offset} is no number")));
        }
        if self.unit.len() > UNIT_BYTES_MAX || self.unit.contains(char::is_control) {
            return Err(("unit", format!("a unit has at most {UNIT_BYTES_MAX} bytes")));
        }
        // What is no number is not below another.
        if min.partial_cmp(&max) != Some(Ordering::Less) {
            return Err(("min", format!("{min} is not below max, {max}")));
        }
        if self.counter && (self.scaling.signed || access == Access::Write) {
            return Err(("counter", "a counter is not signed and not set by anyone: remove this key".into()));
        }
        match access {
            Access::Read => self.check_unset(),
            Access::Write => self.setting().map(drop),
        }
    }

    /// Keys that only a register with `writable = true` may have.
    fn check_unset(&self) -> Result<(), (&'static str, String)> {
        let (min, max, safe) = self.set;
        let given = [
            ("set_min", min.is_some()),
            ("set_max", max.is_some()),
            ("safe_value", safe.is_some()),
            ("boot", self.boot.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((key, _)) => Err((key, "only a register that is written has this key".into())),
            None => Ok(()),
        }
    }

    fn setting(&self) -> Result<Setting, (&'static str, String)> {
        let needed = |key: &'static str, value: Option<f64>| {
            value.ok_or_else(|| (key, "a register that is written needs this key".to_owned()))
        };
        let (min, max, safe) = self.set;
        let (min, max) = (needed("set_min", min)?, needed("set_max", max)?);
        let safe = needed("safe_value", safe)?;
        if min.partial_cmp(&max) != Some(Ordering::Less) {
            return Err(("set_min", format!("{min} is not below set_max, {max}")));
        }
        if !(min..=max).contains(&safe) {
            return Err(("safe_value", format!("{safe} is not within {min} to {max}")));
        }
        for (key, value) in [("set_min", min), ("set_max", max), ("safe_value", safe)] {
            self.scaling.encode(value).map_err(|why| (key, why))?;
        }
        Ok(Setting { min, max, safe })
    }

    /// The register as a sensor, a set-point and a counter.
    pub(super) fn scaled<R: Register>(&self, name: &str, register: R) -> ScaledRegister<R> {
        let (min, max) = self.range;
        let digits = u8::try_from(self.digits.get()).unwrap_or(u8::MAX);
        let level = Level { name: name.into(), unit: self.unit.into(), digits, range: min..=max };
        ScaledRegister::new(register, self.scaling, level)
    }

    /// Adds `read_NAME`, and `set_NAME` where it is written.
    pub(super) fn add<M: Machine, R: Register + 'static>(
        &self,
        name: &str,
        register: R,
        access: Access,
        board: &mut Assembly<'_, M>,
    ) -> Result<(), (&'static str, String)> {
        let device = Device::new(name, self.scaled(name, register));
        board.parts.tool(ReadSensor::new(device.clone(), &[name.to_owned()]));
        if access == Access::Write {
            let Setting { min, max, safe } = self.setting()?;
            let safe = State::SetTo { value: safe, unit: self.unit.into() };
            let settings = Settings::Number { unit: self.unit.into(), min, max };
            let last = board.last(name);
            board.parts.settable(device, (self.boot.unwrap_or_default(), safe), settings, last);
        }
        Ok(())
    }

    /// The register as a counter, where it is one.
    pub(super) fn counter<R: Register + 'static>(&self, name: &str, register: R) -> Option<Box<dyn Counter>> {
        self.counter.then(|| -> Box<dyn Counter> { Box::new(self.scaled(name, register)) })
    }
}
