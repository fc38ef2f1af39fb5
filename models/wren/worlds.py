"""Gateways drawn at random: what is connected, what it is called, and how its tools are cut.

A device has a tool of its own, shares one with its kind, or is one of many targets of a pair of verbs;
names are spelled in several ways, and some tools are called by words that mean nothing, so that only
the description tells what they do.
"""

import words
from plant import BUILT_IN, BUILT_IN_NAMES, Actuator, Effect, Quantity, World, call, function, number_text, place, wire, with_unit
from words import Split

SITES = """plant station farm house workshop barn harbour depot hotel school clinic bakery brewery mill mine garage office
tower bridge ferry camp nursery dairy quarry laundry kitchen theatre market pool rink lab cellar vineyard hatchery""".split()

READ_VERBS = ["read", "read", "read", "get", "measure", "check", "query", "show", "poll", "fetch"]
SET_VERBS = ["set", "set", "set", "set", "switch", "control", "drive", "put", "change", "adjust", "write"]
ON_OFF = [("turn_on", "turn_off"), ("switch_on", "switch_off"), ("start", "stop"), ("enable", "disable"), ("activate", "deactivate"), ("power_on", "power_off")]
TARGETS = ["name", "device", "target", "which", "id", "unit", "item", "what", "tag", "channel"]
RELAY_KEYS = ["on", "on", "on", "enabled", "active", "power", "running"]
LEVEL_KEYS = ["percent", "percent", "level", "position", "value", "speed", "power", "output", "opening"]
SETPOINT_KEYS = ["value", "value", "target", "setpoint", "degrees", "goal", "wanted"]
TIMED_KEYS = ["seconds", "seconds", "duration_s", "time_s", "secs", "duration"]
STATE_KEYS = ["state", "state", "position", "to", "value"]
RENAMED_SHARES = [0.0, 0.0, 0.12, 0.12, 0.12, 0.3, 0.6, 1.0, 1.0]
STATES = {"open": ("closed", "open"), "lock": ("locked", "unlocked")}


def draw_world(rng, split=Split.TRAIN, renamed=None):
    """A random gateway of 3 to 12 tools, named in words of `split`; a share of the tools is `renamed`,
    drawn where it isn't given."""
    size = rng.choice([2, 3, 3, 4, 4, 5, 6, 7])
    nouns = rng.sample(list(words.THINGS), rng.choice([1, 2, 2, 3]))
    labels, actuators = set(), []
    while len(actuators) < size:
        noun = rng.choice([noun for noun in nouns if noun not in labels] or [rng.choice(list(words.THINGS))])
        label = _label(rng, noun, split, labels)
        actuators.append(_actuator(rng, label, noun))
    quantities = [_quantity(rng, labels, split) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4]))]
    tools = _readers(rng, quantities, actuators) + _setters(rng, actuators)
    hints = _effects(rng, quantities, actuators)
    rng.shuffle(tools)
    tools = tools[:10]
    _unplug(tools, quantities, actuators)
    built_in = [tool for tool in BUILT_IN if rng.random() < 0.85]
    tools = tools + built_in if rng.random() < 0.7 else built_in + tools
    if rng.random() < 0.3:
        rng.shuffle(tools)
    _rename(rng, tools, actuators, quantities, rng.choice(RENAMED_SHARES) if renamed is None else renamed, split)
    jump = rng.choice([0.0, 0.3, 0.7, 1.0])
    world = World(rng, rng.choice(SITES), quantities, actuators, tools, jump)
    world.hints = hints
    return world


def _label(rng, noun, split, taken):
    while True:
        style = rng.random()
        if style < 0.1 and not any(noun in label.split() for label in taken):
            label = noun  # nobody can tell it from others of its kind
        elif style < 0.2:
            label = f"{noun} {rng.choice([words.code(rng), str(rng.randint(1, 9)), rng.choice('abcdef')])}"
        elif style < 0.3:
            label = f"{words.place(rng, split)} {words.place(rng, split)} {noun}"
        elif style < 0.45:
            label = f"{noun} {words.place(rng, split)}"
        else:
            label = f"{words.place(rng, split)} {noun}"
        if label not in taken and len(set(label.split())) == len(label.split()):
            taken.add(label)
            return label


def _name(label):
    return label.replace(" ", "_")


def _actuator(rng, label, noun):
    kind = words.THINGS[noun]
    states = STATES.get(kind, ())
    value = {
        "relay": rng.random() < 0.5, "percent": 10 * rng.randint(0, 10), "setpoint": rng.randint(5, 30), "timed": 0,
    }.get(kind) if not states else rng.choice(states)
    actuator = Actuator(_name(label), label, kind, value, noun, states)
    if kind == "setpoint":
        actuator.unit, actuator.low, actuator.high = rng.choice([("C", 5, 30), ("C", -25, 60), ("percent", 0, 100), ("bar", 0, 10), ("", 0, 50)])
        actuator.value = rng.randint(actuator.low, actuator.high)
    return actuator


def _quantity(rng, taken, split):
    while True:
        noun = rng.choice(list(words.MEASURES))
        label = noun if rng.random() < 0.3 else f"{words.place(rng, split)} {noun}"
        alike = [known for known in taken if noun in known.split()]
        if label not in taken and noun not in taken and not (label == noun and alike):
            break
    taken.add(label)
    unit, digits, low, high = words.MEASURES[noun]
    quantity = Quantity(_name(label), label, unit, digits, low, high, low)
    place(rng, quantity)
    if rng.random() < 0.5:
        quantity.rate_per_h = rng.uniform(-0.3, 0.3) * (high - low)
    return quantity


def _effects(rng, quantities, actuators):
    """Lets some actuators move a quantity; returns what can be said about it."""
    hints = []
    for quantity in quantities:
        movers = [a for a in actuators if a.kind in ("relay", "percent", "open", "setpoint", "timed") and not a.effects]
        if not movers or rng.random() < 0.3:
            continue
        mover, up = rng.choice(movers), rng.random() < 0.6
        span = quantity.high - quantity.low
        if mover.kind == "setpoint":
            if mover.unit != quantity.unit:
                continue
            mover.low, mover.high = round(quantity.low) + 1, round(quantity.high) - 1
            mover.effects.append(Effect(quantity.name, follows=True, tau_s=rng.choice([600.0, 1200.0])))
            hints.append((mover, quantity, "sets"))
        else:
            mover.effects.append(Effect(quantity.name, rate_per_h=(1 if up else -1) * rng.uniform(0.5, 2.0) * span))
            hints.append((mover, quantity, "raises" if up else "lowers"))
    return hints


# Tools


def _readers(rng, quantities, actuators):
    """Sensor tools; actuators may be shown by the same ones."""
    shown = [a for a in actuators if a.kind != "timed"] if rng.random() < 0.5 else []
    if not quantities and not shown:
        return []
    verb = rng.choice(READ_VERBS)
    style = rng.random()
    if style < 0.45 or not quantities:
        site = rng.choice(["all", "status", "state", "sensors", "values", "inputs", rng.choice(SITES), words.made_up(rng)])
        parts = quantities + shown
        for part in parts:
            part.read = call(f"{verb}_{site}")
        return [function(f"{verb}_{site}", "read " + ", ".join(part.label for part in parts), {})]
    if style < 0.75:
        tools = []
        for quantity in quantities:
            quantity.read = call(f"{verb}_{quantity.name}")
            tools.append(function(f"{verb}_{quantity.name}", f"{verb} the {quantity.label}", {}))
        return tools
    tool, key = f"{verb}_{rng.choice(['sensor', 'value', 'input', 'tag', 'point'])}", rng.choice(["sensor", *TARGETS])
    spelled = _spelling(rng)
    for quantity in quantities:
        quantity.read = call(tool, **{key: spelled(quantity.label)})
    values = [spelled(quantity.label) for quantity in quantities]
    return [function(tool, rng.choice(["read a sensor", "read one of the sensors", "get a value"]), {key: {"type": "string", "enum": values}})]


def _spelling(rng):
    return rng.choice([str, str, str.title, lambda label: label.replace(" ", "_"), lambda label: label.replace(" ", "-")])


def _setters(rng, actuators):
    """The actuators' tools, kind by kind."""
    tools, by_noun = [], {}
    for actuator in actuators:
        by_noun.setdefault(actuator.noun, []).append(actuator)
    pair_all = rng.random() < 0.15
    relays = [a for a in actuators if a.kind == "relay"]
    if pair_all and len(relays) > 1:
        tools += _pair(rng, relays, rng.choice(ON_OFF), (True, False))
    for noun, group in by_noun.items():
        if pair_all and group[0].kind == "relay" and len(relays) > 1:
            continue
        style = rng.random()
        if style < 0.5:
            tools += _single(rng, group)
        elif style < 0.6 and group[0].kind in ("relay", "open"):
            for actuator in group:
                tools += _two_verbs(rng, actuator)
        elif style < 0.75 and group[0].kind in ("relay", "open", "lock"):
            verbs = {"relay": rng.choice(ON_OFF), "open": ("open", "close"), "lock": ("unlock", "lock")}[group[0].kind]
            states = {"relay": (True, False), "open": ("open", "closed"), "lock": ("unlocked", "locked")}[group[0].kind]
            verbs = [f"{verb}_{noun}" for verb in verbs]
            tools += _pair(rng, group, verbs, states)
        else:
            tools.append(_grouped(rng, noun, group))
    return tools


def _single(rng, group):
    """A tool for each, with one way of naming the argument."""
    kind = group[0].kind
    keys = {"relay": RELAY_KEYS, "percent": LEVEL_KEYS, "setpoint": SETPOINT_KEYS, "timed": TIMED_KEYS}.get(kind, STATE_KEYS)
    verb, key, tools = rng.choice(SET_VERBS), rng.choice(keys), []
    for actuator in group:
        tool = wire(actuator, verb, key)
        if kind == "relay" and rng.random() < 0.2:
            tool = _worded_relay(actuator, tool["function"]["name"], rng.choice(STATE_KEYS))
        tool["function"]["description"] = _described(rng, actuator, tool["function"]["description"])
        tools.append(tool)
    return tools


def _worded_relay(actuator, name, key):
    """A relay whose argument is a word rather than true or false."""
    actuator.setter = lambda value: call(name, **{key: "on" if value else "off"})
    return function(name, f"switch the {actuator.label} on or off", {key: {"type": "string", "enum": ["on", "off"]}})


def _described(rng, actuator, usual):
    style, label = rng.random(), actuator.label
    if style < 0.5:
        return usual
    more = {
        "relay": ["{l} on or off", "control the {l}", "turn the {l} on or off", "power of the {l}", "relay of the {l}"],
        "percent": ["{l} in percent", "move the {l}", "level of the {l}, 0 to 100", "control the {l}", "drive the {l}"],
        "open": ["open or close the {l}", "move the {l}", "{l} open or closed", "control the {l}"],
        "lock": ["lock or unlock the {l}", "{l}, locked or not", "control the {l}"],
        "setpoint": ["target of the {l}", "{l} set point", "what the {l} holds", "adjust the {l}"],
        "timed": ["run the {l} for a time", "start the {l} for some seconds", "{l} with a timer"],
    }[actuator.kind]
    text = rng.choice(more).format(l=label)
    return text[:1].upper() + text[1:] + "." if style > 0.85 else text


def _two_verbs(rng, actuator):
    """`start_x()` and `stop_x()`."""
    verbs = rng.choice(ON_OFF) if actuator.kind == "relay" else ("open", "close")
    states = (True, False) if actuator.kind == "relay" else ("open", "closed")
    names = [f"{verb}_{actuator.name}" for verb in verbs]
    by_state = dict(zip(states, names))
    actuator.setter = lambda value: call(by_state[value])
    actuator.result = _results(rng, actuator)
    words_of = [verb.replace("_", " ") for verb in verbs]
    return [function(name, f"{verb} the {actuator.label}", {}) for name, verb in zip(names, words_of)]


def _pair(rng, group, verbs, states):
    """Two tools for all of a group: `turn_on(name: ...)` and `turn_off(name: ...)`."""
    key, spelled = rng.choice(TARGETS), _spelling(rng)
    by_state = dict(zip(states, verbs))
    for actuator in group:
        target = spelled(actuator.label)
        actuator.setter = lambda value, target=target: call(by_state[value], **{key: target})
        actuator.result = _results(rng, actuator)
    values = [spelled(actuator.label) for actuator in group]
    return [function(verb, _pair_text(rng, verb), {key: {"type": "string", "enum": values}}) for verb in verbs]


def _pair_text(rng, verb):
    text = verb.replace("_", " ")
    return rng.choice([text, f"{text} a device", f"{text} one of them", f"{text} something"])


def _grouped(rng, noun, group):
    """One tool for all of a noun: `set_pump(pump: ..., on)`."""
    kind, verb = group[0].kind, rng.choice(SET_VERBS)
    target, spelled = rng.choice([noun, noun, *TARGETS]), _spelling(rng)
    keys = {"relay": RELAY_KEYS, "percent": LEVEL_KEYS, "setpoint": SETPOINT_KEYS, "timed": TIMED_KEYS}.get(kind, STATE_KEYS)
    key, tool = rng.choice([key for key in keys if key != target]), f"{verb}_{noun}"
    worded = kind == "relay" and rng.random() < 0.4
    for actuator in group:
        def setter(value, label=spelled(actuator.label)):
            value = ("on" if value else "off") if worded else value
            return call(tool, **{target: label, key: value})

        actuator.setter, actuator.result = setter, _results(rng, actuator)
    labels = [spelled(actuator.label) for actuator in group]
    schema = {
        "relay": {"type": "string", "enum": ["on", "off"]} if worded else {"type": "boolean"}, "percent": {"type": "integer"},
        "setpoint": {"type": "number"}, "timed": {"type": "integer"},
    }.get(kind) or {"type": "string", "enum": list(group[0].states)}
    text = rng.choice(["set {n}", "control the {n}s", "move a {n}", "set one of the {n}s", "{n} control"]).format(n=noun)
    return function(tool, text, {target: {"type": "string", "enum": labels}, key: schema})


def _results(rng, actuator):
    """How a tool confirms: in words, or just so."""
    style, label = rng.random(), actuator.label
    if style < 0.2:
        plain = rng.choice(["ok", "done", "accepted", "success"])
        return lambda value: plain
    if actuator.kind == "timed":
        return lambda value: f"{label} runs for {value} seconds"
    if actuator.kind == "relay":
        return lambda value: f"{label} is {'on' if value else 'off'}"
    if actuator.kind == "percent":
        return lambda value: f"{label} is at {value} percent"
    if actuator.kind == "setpoint":
        return lambda value: f"{label} is set to {with_unit(number_text(value), actuator.unit)}"
    return lambda value: f"{label} is {value}"


def _unplug(tools, quantities, actuators):
    """Forgets the tools that were cut from the list."""
    known = {tool["function"]["name"] for tool in tools}
    for part in [*quantities, *actuators]:
        if part.read and part.read.name not in known:
            part.read = None
    for actuator in actuators:
        if not all(actuator.setter(value).name in known for value in actuator.examples()):
            actuator.setter = None


def _rename(rng, tools, actuators, quantities, share, split):
    """Gives some tools a name that means nothing; their description stays."""
    new = {}
    for tool in tools:
        name = tool["function"]["name"]
        if rng.random() < share and name not in BUILT_IN_NAMES:
            new[name] = tool["function"]["name"] = _meaningless(rng, split, new.values())
    if not new:
        return
    for part in [*quantities, *actuators]:
        if part.read and part.read.name in new:
            part.read = type(part.read)(new[part.read.name], part.read.arguments)
    for actuator in actuators:
        if actuator.setter:
            actuator.setter = _renamed(actuator.setter, new)


def _meaningless(rng, split, taken):
    """A name for a tool that no other has and that tells nothing."""
    while True:
        one, two = words.made_up(rng, split), words.made_up(rng, split)
        name = rng.choice([one, f"{one}_{two}", words.code(rng)] if split is Split.TRAIN else [one, f"{one}_{two}"])
        if name not in taken and name not in BUILT_IN_NAMES:
            return name


def _renamed(setter, new):
    def renamed(value):
        made = setter(value)
        return type(made)(new.get(made.name, made.name), made.arguments)

    return renamed
