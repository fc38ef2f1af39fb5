"""Worlds that answer calls: quantities that flow, actuators that move them, and the tools of both.

The physics is the simulated boards' own (`plant.toml`): a quantity drifts, relaxes towards a value,
and is pushed or pulled by actuators. Worlds drawn at random have the same parts, under any names.
"""

import json
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache

from words import THINGS

STEP_S = 20.0
WAIT_S_MAX = 86_400


@dataclass(frozen=True)
class Call:
    """A tool call."""

    name: str
    arguments: tuple = ()  # of (key, value), in the schema's order

    def as_dict(self):
        return dict(self.arguments)


def call(name, /, **arguments):
    return Call(name, tuple(arguments.items()))


@dataclass
class Quantity:
    """Something a sensor shows. `label` is what people and results call it."""

    name: str
    label: str
    unit: str
    digits: int
    low: float
    high: float
    value: float
    rate_per_h: float = 0.0
    toward: float | None = None
    tau_s: float = 1.0
    read: Call = Call("read")

    def shown(self):
        """The number as a sensor shows it."""
        text = f"{self.value:.{self.digits}f}"
        return text[1:] if float(text) == 0 and text[0] == "-" else text

    def spoken(self):
        """The number with its unit."""
        return with_unit(self.shown(), self.unit)


@dataclass
class Effect:
    quantity: str
    rate_per_h: float = 0.0
    toward: float | None = None
    tau_s: float = 1.0
    follows: bool = False


@dataclass
class Actuator:
    """Something that can be moved. `kind`: relay, percent, open, lock, setpoint or timed."""

    name: str
    label: str
    kind: str
    value: object
    noun: str = ""
    states: tuple = ()
    unit: str = ""
    low: float = 0.0
    high: float = 100.0
    effects: list = field(default_factory=list)
    left_s: float = 0.0
    runs: int = 0
    # How it is called: from a value to a `Call`, and from a value to the result's text.
    setter: object = None
    result: object = None
    read: Call | None = None  # shows its state

    def examples(self):
        """Values that call every tool behind it."""
        return {"relay": (True, False)}.get(self.kind) or self.states or (1,)

    def share(self):
        if self.kind == "timed":
            return 1.0 if self.left_s > 0 else 0.0
        if self.kind == "relay":
            return 1.0 if self.value else 0.0
        if self.kind == "percent":
            return self.value / 100
        if self.kind == "setpoint":
            return 1.0
        return self.states.index(self.value) / (len(self.states) - 1)

    def word(self, value=None):
        """A state in words."""
        value = self.value if value is None else value
        if self.kind == "timed":
            return f"{max(1, round(self.left_s))} s left" if self.left_s > 0 else "off"
        if self.kind == "relay":
            return "on" if value else "off"
        if self.kind == "percent":
            return f"{value} percent"
        if self.kind == "setpoint":
            return with_unit(number_text(value), self.unit)
        return value


def with_unit(text, unit):
    return f"{text} {unit}" if unit else text


def number_text(value):
    return f"{value:g}"


def function(name, description, properties, required=None):
    """A tool as the runtime lists it."""
    parameters = {"type": "object", "properties": properties, "additionalProperties": False}
    if required is None or required:
        parameters["required"] = list(properties) if required is None else required
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


BUILT_IN = [
    function(
        "compare",
        "compare two numbers",
        {"value": {"type": "number"}, "operator": {"enum": ["<", "<=", ">", ">=", "=="]}, "limit": {"type": "number"}},
    ),
    function("wait", "wait for some time", {"seconds": {"type": "integer"}}),
    function("log", "write a line to the log", {"text": {"type": "string"}}),
    function("alert", "alert the operator", {"text": {"type": "string"}}),
]
BUILT_IN_NAMES = [tool["function"]["name"] for tool in BUILT_IN]


class World:
    """Quantities, actuators and tools; `jump` is the chance that a quantity reads anything after a wait."""

    def __init__(self, rng, site, quantities, actuators, tools, jump=0.0):
        self.rng, self.site, self.tools, self.jump = rng, site, tools, jump
        self.quantities = {quantity.name: quantity for quantity in quantities}
        self.actuators = {actuator.name: actuator for actuator in actuators}
        self.readers = {}  # Call -> names it shows, in order
        for part in [*quantities, *actuators]:
            if part.read:
                self.readers.setdefault(part.read, []).append(part.name)
        self.setters = {}  # tool name -> actuators behind it
        for actuator in actuators:
            for name in {actuator.setter(value).name for value in actuator.examples()} if actuator.setter else ():
                self.setters.setdefault(name, []).append(actuator)
        self.spoken = {}  # more ways to speak of a part, by name: see `boards`
        self.hints = []  # (actuator, quantity, "raises"), as far as the system text says so
        self.near = []  # (quantity name, value): where a jump likes to go
        self.sent = []  # alerts

    def has(self, tool):
        return any(known["function"]["name"] == tool for known in self.tools)

    def in_order(self, actions):
        """Pairs of actuator and value as the tool list has them, from the first to the last."""
        names = [tool["function"]["name"] for tool in self.tools]

        def place_of(action):
            actuator, value = action
            wanted = actuator.setter(value)
            properties = self.tools[names.index(wanted.name)]["function"]["parameters"]["properties"]
            enums = [properties[key].get("enum", []) for key, _ in wanted.arguments]
            return names.index(wanted.name), [enum.index(said) for enum, (_, said) in zip(enums, wanted.arguments) if said in enum]

        return sorted(actions, key=place_of)

    def call(self, call):
        """Carries out a call and returns the result text."""
        arguments = call.as_dict()
        if call.name == "compare":
            return compare(**arguments)
        if call.name == "wait":
            self.advance(arguments["seconds"])
            return f"waited {arguments['seconds']} seconds"
        if call.name == "log":
            return "logged"
        if call.name == "alert":
            self.sent.append(arguments["text"])
            return "alert sent"
        if call in self.readers:
            return self.reading(call)
        for actuator in self.setters.get(call.name, []):
            value = wanted_value(actuator, call)
            if value is not None:
                return self.move(actuator, value)
        return f"error: unknown arguments of {call.name}"

    def reading(self, call):
        parts = []
        for name in self.readers[call]:
            part = self.quantities.get(name) or self.actuators[name]
            parts.append(f"{part.label} {part.spoken() if isinstance(part, Quantity) else part.word()}")
        return ", ".join(parts)

    def move(self, actuator, value):
        if actuator.kind == "timed":
            actuator.left_s, actuator.runs = float(value), actuator.runs + 1
        else:
            actuator.value = value
        return actuator.result(value)

    def advance(self, seconds):
        """Lets time pass."""
        left = min(seconds, WAIT_S_MAX)
        step = max(STEP_S, left / 200)
        while left > 0:
            self._flow(min(step, left))
            left -= step
        if self.jump and seconds >= 60:
            self._jump()

    def _flow(self, seconds):
        change = {}
        for quantity in self.quantities.values():
            rate = quantity.rate_per_h / 3600
            if quantity.toward is not None:
                rate += (quantity.toward - quantity.value) / quantity.tau_s
            change[quantity.name] = rate
        for actuator in self.actuators.values():
            share = actuator.share()
            for effect in actuator.effects:
                value = self.quantities[effect.quantity].value
                rate = effect.rate_per_h / 3600
                if effect.follows:
                    rate += (actuator.value - value) / effect.tau_s
                elif effect.toward is not None:
                    rate += (effect.toward - value) / effect.tau_s
                change[effect.quantity] += share * rate
            actuator.left_s = max(0.0, actuator.left_s - seconds)
        for quantity in self.quantities.values():
            quantity.value = min(quantity.high, max(quantity.low, quantity.value + seconds * change[quantity.name]))

    def _jump(self):
        for quantity in self.quantities.values():
            if self.rng.random() < self.jump:
                place(self.rng, quantity, dict(self.near).get(quantity.name))

    def restart(self, away_s):
        """The agent was away; its boot made some actuators safe. Returns the notice."""
        self.advance(away_s)
        changed = []
        for actuator in self.actuators.values():
            if actuator.kind == "relay" and actuator.value and self.rng.random() < 0.8:
                actuator.value = False
                changed.append(f"{actuator.name} set to off")
        return "; ".join(["notice: restarted", ", ".join(changed)] if changed else ["notice: restarted"])


def compare(value, operator, limit):
    holds = {
        "<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit, "==": value == limit,
    }
    return "true" if holds[operator] else "false"


def wanted_value(actuator, call):
    """The value that this call would set this actuator to, or None where it is another's."""
    for value in candidates(actuator, call):
        if actuator.setter(value) == call:
            return value
    return None


def candidates(actuator, call):
    values = [value for _, value in call.arguments]
    if actuator.kind == "relay":
        return [True, False]
    if actuator.kind in ("open", "lock"):
        return actuator.states
    return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


def place(rng, quantity, near=None):
    """Gives a quantity another value; half of the time close to `near`."""
    span = quantity.high - quantity.low
    if near is not None and rng.random() < 0.6:
        value = near + rng.choice([rng.uniform(-0.15, 0.15) * span, rng.choice([-1, 0, 1]) * 10**-quantity.digits])
    else:
        value = rng.uniform(quantity.low, quantity.high)
    quantity.value = round(min(quantity.high, max(quantity.low, value)), quantity.digits)


# The shipped boards


SWITCH_KINDS = {("closed", "open"): "open", ("locked", "unlocked"): "lock"}


@lru_cache(maxsize=None)
def _files(folder):
    plant = tomllib.loads((folder / "plant.toml").read_text())
    board = tomllib.loads((folder / "agent.toml").read_text())
    return json.dumps([plant, board])


def load_board(rng, folder, jump=0.0):
    """The world of `board/NAME`, as its files describe it."""
    plant, board = json.loads(_files(folder))
    quantities = [_quantity(name, part) for name, part in plant["quantity"].items()]
    actuators = [_actuator(name, part) for name, part in plant["actuator"].items()]
    parts = {part.name: part for part in quantities + actuators}
    tools = []
    for device, section in board["device"].items():
        if section["kind"] == "sensor":
            shown = [parts[name] for name in section["shows"]]
            for part in shown:
                part.read = call(f"read_{device}")
            labels = ", ".join(part.label for part in shown)
            tools.append(function(f"read_{device}", f"read {labels}", {}))
        else:
            tools.append(wire(parts[device]))
    grants = board["agent"][next(iter(board["agent"]))]["grants"]
    known = {tool["function"]["name"]: tool for tool in tools + BUILT_IN}
    tools = [known[grant] for grant in grants]
    return World(rng, board["board"]["name"], quantities, actuators, tools, jump)


def _quantity(name, part):
    return Quantity(
        name, name.replace("_", " "), part.get("unit", ""), part.get("digits", 0), part["min"], part["max"], part["start"],
        part.get("rate_per_h", 0.0), part.get("toward"), part.get("tau_s", 1.0), None,
    )


def _actuator(name, part):
    states = tuple(part.get("states", ()))
    kind = SWITCH_KINDS[states] if part["kind"] == "switch" else part["kind"]
    start = part.get("start", 0)
    effects = [Effect(quantity, **effect) for quantity, effect in part.get("effect", {}).items()]
    parts = name.split("_")
    noun = next((part for part in parts if part in THINGS), parts[-1])
    return Actuator(
        name, name.replace("_", " "), kind, start == "on" if kind == "relay" else start, noun, states,
        part.get("unit", ""), part.get("min", 0.0), part.get("max", 100.0), effects,
    )


def wire(actuator, verb="set", key=None):
    """Gives an actuator a tool of its own, `set_NAME`, and returns the tool."""
    name, label, kind = actuator.name, actuator.label, actuator.kind
    tool = f"{'run' if kind == 'timed' and verb == 'set' else verb}_{name}"
    if kind == "relay":
        key = key or "on"
        actuator.setter = lambda value: call(tool, **{key: value})
        actuator.result = lambda value: f"{label} is {'on' if value else 'off'}"
        return function(tool, f"switch the {label} on or off", {key: {"type": "boolean"}})
    if kind in ("open", "lock"):
        key = key or "state"
        actuator.setter = lambda value: call(tool, **{key: value})
        actuator.result = lambda value: f"{label} is {value}"
        states = " or ".join(actuator.states)
        return function(tool, f"set the {label} to {states}", {key: {"type": "string", "enum": list(actuator.states)}})
    if kind == "setpoint":
        key = key or "value"
        actuator.setter = lambda value: call(tool, **{key: value})
        actuator.result = lambda value: f"{label} is set to {with_unit(number_text(value), actuator.unit)}"
        limits = with_unit(f"{number_text(actuator.low)} to {number_text(actuator.high)}", actuator.unit)
        return function(tool, f"set the {label}, {limits}", {key: {"type": "number"}})
    if kind == "timed":
        key = key or "seconds"
        actuator.setter = lambda value: call(tool, **{key: value})
        actuator.result = lambda value: f"{label} runs for {value} seconds"
        return function(tool, f"run the {label} for some seconds", {key: {"type": "integer"}})
    key = key or "percent"
    actuator.setter = lambda value: call(tool, **{key: value})
    actuator.result = lambda value: f"{label} is at {value} percent"
    return function(tool, f"set the {label} speed", {key: {"type": "integer"}})
