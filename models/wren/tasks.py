"""Tasks over any world: a request in words, and the script that does it.

Every kind is a function of a `Speaker` and returns `(request, script)`, or None where the world has
nothing for it.
"""

import frames
import words
from plant import place, with_unit
from policy import (
    NO_TOOL, acting, alert_if, asking, comparing, conditional, if_is, in_turn, logging_value, reaching, saying, telling,
    verifying, waiting,
)
from words import Split

NUMBER_WORDS = dict(
    zip(range(1, 21), "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split())
) | {30: "thirty", 40: "forty", 45: "forty-five", 50: "fifty", 60: "sixty", 90: "ninety"}
PLURALS = {"switch": "switches", "flush": "flushes", "blinds": "blinds", "lamps": "lamps"}
OPPOSITE = {"on": "off", "off": "on", "open": "closed", "closed": "open", "locked": "unlocked", "unlocked": "locked"}


class Speaker:
    """Puts requests about a world into words."""

    def __init__(self, rng, world, split=Split.TRAIN):
        self.rng, self.world, self.split = rng, world, split

    def frame(self, train, held_out=None):
        """One sentence of a list; of the held-out list where that is measured."""
        if self.split is Split.HELD_OUT and held_out:
            return frames.expand(self.rng, self.rng.choice(held_out))
        return frames.expand(self.rng, self.rng.choice(train))

    def other_name(self, label):
        """What people call a part instead of its label, where the world knows that."""
        names = self.world.spoken.get(label.replace(" ", "_"), {}).get("names")
        return self.rng.choice(names) if names and self.rng.random() < 0.55 else None

    def entity(self, label, article=True):
        """A device as people call it: `north pump`, `pump north`, `the pump in the north`."""
        rng, parts = self.rng, label.split()
        other = self.other_name(label)
        if other:
            return f"the {other}" if article and rng.random() < 0.75 else other
        text = label
        if len(parts) == 2 and rng.random() < 0.4:
            text = f"{parts[1]} {parts[0]}" if parts[0] in words.THINGS or rng.random() < 0.15 else label
        return f"the {text}" if article and rng.random() < 0.75 else text

    def quantity(self, quantity, article=True):
        rng, label = self.rng, quantity.label
        named = [label] * 4
        if quantity.unit == "C" and "temperature" not in label:
            named += [f"{label} temperature", f"temperature of the {label}", f"temperature in the {label}", f"{label} temp"]
        elif quantity.unit == "percent" and not label.endswith("level"):
            named += [f"{label} level", f"{label} value"]
        elif label.endswith(" level"):
            named += [f"level of the {label[:-6]}", label[:-6], f"level in the {label[:-6]}", f"{label[:-6]} fill"]
        elif len(label.split()) == 2:
            first, second = label.split()
            named += [f"{second} of the {first}", f"{second} at the {first}", f"{first} {second} value"]
        else:
            named += [f"{label} value", f"{label} reading"]
        text = self.other_name(label) or rng.choice(named)
        return f"the {text}" if article and rng.random() < 0.8 else text

    def number(self, text, unit):
        """A number as people write it with its unit; the digits stay."""
        style = self.rng.random()
        if not unit or style < 0.12:
            return text
        spelled = {
            "C": [" C", " degrees", " degrees C", "°C", " °C", "C", " deg"], "percent": [" percent", "%", " %", " per cent"],
        }.get(unit, [f" {unit}", unit])
        return text + self.rng.choice(spelled)

    def duration(self, seconds):
        """A time as people write it."""
        rng, forms = self.rng, [f"{seconds} seconds", f"{seconds} s", f"{seconds} sec"]
        if seconds in NUMBER_WORDS:
            forms.append(f"{NUMBER_WORDS[seconds]} seconds")
        if seconds % 60 == 0 and seconds <= 3600:
            minutes = seconds // 60
            forms += [f"{minutes} minutes", f"{minutes} min"] * 2 if minutes > 1 else ["a minute", "one minute", "1 minute"]
            if minutes in NUMBER_WORDS and minutes > 1:
                forms += [f"{NUMBER_WORDS[minutes]} minutes"] * 2
        if seconds % 3600 == 0:
            hours = seconds // 3600
            forms += [f"{hours} hours", f"{NUMBER_WORDS.get(hours, hours)} hours"] if hours > 1 else ["an hour", "one hour", "1 hour"]
        forms += {1800: ["half an hour"], 900: ["a quarter of an hour"], 90: ["a minute and a half"]}.get(seconds, [])
        return rng.choice(forms)

    def act(self, action, entity=None):
        """A command for `(actuator, value)`, that also fits behind `if ..., `."""
        actuator, value = action
        own = self.world.spoken.get(actuator.name, {}).get("act")
        if own and not entity and self.rng.random() < 0.5:
            return frames.expand(self.rng, self.rng.choice(own)).format(n=self.value(actuator, value))
        entity = entity or self.entity(actuator.label)
        how = {"relay": actuator.word(value), "open": value, "lock": value}.get(actuator.kind, actuator.kind)
        if actuator.kind == "percent" and value in (0, 100) and self.rng.random() < 0.5:
            how = "off" if value == 0 else "on"
        if actuator.kind == "pulses":
            return self.pulses(actuator, value)
        text = self.frame(frames.ACT[how], frames.HELD_OUT_ACT[how])
        return text.format(e=entity, n=self.value(actuator, value))

    def pulses(self, actuator, count):
        """A command to dose."""
        what = f"{self.rng.choice([str(count), NUMBER_WORDS[count]])} pulse{'' if count == 1 else 's'}"
        text = self.frame(["dose {n} of {e}", "give {n} of {e}", "{n} of {e}", "add {n} of {e}", "pump {n} of {e}", "put {n} of {e} in", "dose {e}: {n}", "dose {n}"])
        return text.format(n=what, e=actuator.label)

    def value(self, actuator, value):
        if actuator.kind == "timed":
            return self.duration(value)
        if actuator.kind == "percent":
            return self.number(str(value), "percent")
        if actuator.kind == "setpoint":
            return self.number(f"{value:g}", actuator.unit)
        return ""

    def whole(self, act):
        return self.frame(frames.REQUEST, frames.HELD_OUT_REQUEST).format(act=act)

    def condition(self, quantity, operator, limit):
        text = self.frame(frames.COND[operator], frames.HELD_OUT_COND[operator])
        n = self.number(limit, quantity.unit)
        return text.format(q=self.quantity(quantity), q0=self.quantity(quantity, article=False), n=n)

    # What a task is about

    def any_actuator(self, kinds=None):
        known = [a for a in self.world.actuators.values() if a.setter and (not kinds or a.kind in kinds)]
        return self.rng.choice(known) if known else None

    def any_quantity(self):
        known = [q for q in self.world.quantities.values() if q.read]
        return self.rng.choice(known) if known else None

    def any_value(self, actuator):
        rng = self.rng
        if actuator.kind == "relay":
            return rng.random() < 0.5
        if actuator.kind in ("open", "lock"):
            return rng.choice(actuator.states)
        if actuator.kind == "pulses":
            return rng.randint(1, 5)
        if actuator.kind == "timed":
            return rng.choice([60 * rng.choice([1, 2, 3, 5, 10, 15, 20, 30]), 60 * rng.randint(1, 30), 10 * rng.randint(1, 60), rng.randint(5, 900)])
        if actuator.kind == "percent":
            return rng.choice([0, 100, 10 * rng.randint(0, 10), 5 * rng.randint(0, 20), rng.randint(0, 100)])
        whole = rng.randint(round(actuator.low), round(actuator.high))
        return whole if rng.random() < 0.7 else round(rng.uniform(actuator.low, actuator.high), 1)

    def any_action(self, kinds=None):
        actuator = self.any_actuator(kinds)
        return actuator and (actuator, self.any_value(actuator))

    def limit(self, quantity):
        """A number to compare with; the quantity is then placed around it."""
        rng, digits = self.rng, quantity.digits
        low, high = quantity.low, quantity.high
        if rng.random() < 0.5:
            span = 5 if high - low > 40 else 1
            value = span * round(rng.uniform(low, high) / span)
            text = str(round(value))
        elif digits and rng.random() < 0.7:
            text = f"{rng.uniform(low, high):.1f}"
        else:
            text = str(round(rng.uniform(low, high)))
        text = text[1:] if float(text) == 0 and text[0] == "-" else text
        self.world.near.append((quantity.name, float(text)))
        self.world.near = self.world.near[-3:]
        place(rng, quantity, float(text))
        return text

    def group(self):
        """Actuators of one noun with a state they can all be given, or None."""
        nouns = {}
        for actuator in self.world.actuators.values():
            if actuator.setter and actuator.kind in ("relay", "open", "lock"):
                nouns.setdefault((actuator.noun, actuator.kind), []).append(actuator)
        nouns = [group for group in nouns.values() if len(group) > 1]
        if not nouns:
            return None
        group = self.rng.choice(nouns)
        value = self.any_value(group[0])
        return [actuator for actuator, _ in self.world.in_order([(actuator, value) for actuator in group])], value


def plural(noun):
    return PLURALS.get(noun, noun if noun.endswith("s") else noun + "s")


# Kinds


def set_one(s):
    action = s.any_action()
    if not action:
        return None
    return s.whole(s.act(action)), acting([action])


def set_several(s):
    actions = []
    for _ in range(s.rng.choice([2, 2, 2, 3])):
        action = s.any_action(("relay", "open", "lock", "percent", "setpoint", "timed"))
        if action and all(action[0] is not other for other, _ in actions):
            actions.append(action)
    if len(actions) < 2:
        return None
    said = [s.act(action) for action in actions]
    if len(said) == 3:
        return s.whole(s.frame(frames.JOIN3).format(a=said[0], b=said[1], c=said[2])), acting(actions)
    text = s.frame(frames.JOIN).format(a=said[0], b=said[1])
    same = actions[0][0].kind == actions[1][0].kind in ("relay", "open", "lock") and actions[0][1] == actions[1][1]
    if same and s.rng.random() < 0.7:
        both = " and ".join(s.entity(actuator.label) for actuator, _ in actions)
        text = s.act(actions[0], both)
    return s.whole(text), acting(actions)


def set_every(s):
    found = s.group()
    if not found:
        return None
    group, value = found
    noun = group[0].noun
    every = s.frame(frames.BOTH if len(group) == 2 and s.rng.random() < 0.6 else frames.EVERY)
    text = s.act((group[0], value), every.format(es=plural(noun), e1=noun))
    return s.whole(text), acting([(actuator, value) for actuator in group])


def set_except(s):
    found = s.group()
    if not found or len(found[0]) < 3:
        return None
    group, value = found
    left = s.rng.choice(group)
    every = s.frame(frames.EVERY).format(es=plural(left.noun), e1=left.noun)
    text = s.frame(frames.EXCEPT).format(act=s.act((left, value), every), x=s.entity(left.label))
    return s.whole(text) if s.rng.random() < 0.3 else text, acting([(a, value) for a in group if a is not left])


def set_everything(s):
    """Everything off, closed and at zero; one thing may be left as it is."""
    resting = {"relay": False, "open": "closed", "percent": 0}
    known = [a for a in s.world.actuators.values() if a.setter and a.kind in resting]
    if len(known) < 2:
        return None
    left = s.rng.choice(known) if s.rng.random() < 0.6 else None
    kinds = {actuator.kind for actuator in known}
    act = s.frame(frames.EVERYTHING if "open" not in kinds else frames.EVERYTHING_CLOSED)
    text = s.frame(frames.EXCEPT).format(act=act, x=s.entity(left.label)) if left else s.whole(act)
    return text, acting(s.world.in_order([(actuator, resting[actuator.kind]) for actuator in known if actuator is not left]))


def every_and_one(s):
    found = s.group()
    action = s.any_action(("relay", "open", "lock", "percent", "setpoint"))
    if not (found and action) or action[0] in found[0]:
        return None
    group, value = found
    every = s.frame(frames.EVERY).format(es=plural(group[0].noun), e1=group[0].noun)
    said, actions = [s.act((group[0], value), every), s.act(action)], [[(actuator, value) for actuator in group], [action]]
    if s.rng.random() < 0.4:
        said.reverse()
        actions.reverse()
    return s.whole(s.frame(frames.JOIN).format(a=said[0], b=said[1])), acting(actions[0] + actions[1])


def if_state(s):
    """Acts, or alerts, by the state of an actuator rather than by a number."""
    shown = [a for a in s.world.actuators.values() if a.read and a.kind in ("relay", "open", "lock")]
    shown += getattr(s.world, "shown_only", [])
    if not shown:
        return None
    part = s.rng.choice(shown)
    states = getattr(part, "states", ()) or (("on", "off") if getattr(part, "kind", "") == "relay" else ("open", "closed"))
    state = s.rng.choice(states)
    condition = s.frame(frames.STATE_COND).format(e=s.entity(part.label), s=state)
    if s.world.has("alert") and s.rng.random() < 0.5:
        text = s.frame(frames.ALERT_IF, frames.HELD_OUT_ALERT_IF)
        return text.format(cond=condition, q=s.entity(part.label)), if_is(part, state, None)
    action = s.any_action(("relay", "open", "lock", "percent", "setpoint", "timed"))
    if not action or action[0] is part:
        return None
    text = s.frame(frames.IF, frames.HELD_OUT_IF)
    return text.format(cond=condition, act=s.act(action), q=s.entity(part.label)), if_is(part, state, [action])


def ask(s):
    quantity = s.any_quantity()
    if not quantity:
        return None
    text = s.frame(frames.ASK, frames.HELD_OUT_ASK)
    return text.format(q=s.quantity(quantity), q0=s.quantity(quantity, article=False)), asking(quantity)


def ask_state(s):
    shown = [a for a in s.world.actuators.values() if a.read and a.kind in ("relay", "open", "lock", "percent", "setpoint")]
    shown += getattr(s.world, "shown_only", [])
    if not shown:
        return None
    part = s.rng.choice(shown)
    states = getattr(part, "states", ()) or (("on", "off") if getattr(part, "kind", "") == "relay" else (part.word(),))
    text = s.frame(frames.STATE, frames.HELD_OUT_STATE)
    return text.format(e=s.entity(part.label), s=s.rng.choice(states)), asking(part)


def verify(s):
    shown = [a for a in s.world.actuators.values() if a.setter and a.read and a.kind in ("relay", "open", "lock", "percent", "setpoint")]
    if not shown:
        return None
    actuator = s.rng.choice(shown)
    action = (actuator, s.any_value(actuator))
    text = s.frame(frames.VERIFY).format(act=s.act(action), s=actuator.word(action[1]))
    return s.whole(text) if s.rng.random() < 0.3 else text, verifying(action)


def cond(s):
    quantity, actions = s.any_quantity(), some_actions(s)
    if not (quantity and actions and s.world.has("compare")):
        return None
    operator = s.rng.choice([">", ">", "<", "<", ">=", "<="])
    limit = s.limit(quantity)
    text = s.frame(frames.IF, frames.HELD_OUT_IF)
    condition = s.condition(quantity, operator, limit)
    text = text.format(cond=condition, act=say_actions(s, actions), q=s.quantity(quantity))
    return text, conditional(quantity, operator, limit, actions)


def some_actions(s):
    first = s.any_action(("relay", "open", "lock", "percent", "setpoint", "timed"))
    if not first:
        return None
    second = s.any_action(("relay", "open", "lock", "percent", "pulses")) if s.rng.random() < 0.2 else None
    return [first, second] if second and second[0] is not first[0] else [first]


def say_actions(s, actions):
    return " and ".join(s.act(action) for action in actions)


def cond_else(s):
    quantity, actions = s.any_quantity(), some_actions(s)
    if not (quantity and actions and s.world.has("compare")):
        return None
    actuator, value = actions[0]
    again = None
    if actuator.kind in ("relay", "open", "lock") and s.rng.random() < 0.6:
        other = (actuator, not value if actuator.kind == "relay" else OPPOSITE[value])
    elif actuator.kind in ("percent", "setpoint") and s.rng.random() < 0.7:
        other = (actuator, s.any_value(actuator))
        n = s.value(*other)
        again = s.rng.choice([f"to {n}", n, f"at {n}", f"{n} will do", f"make it {n}", None])
    else:
        other = s.any_action(("relay", "open", "lock", "percent", "setpoint"))
        if not other:
            return None
    operator, limit = s.rng.choice([">", "<", ">=", "<="]), s.limit(quantity)
    text = s.frame(frames.IF_ELSE, frames.HELD_OUT_IF_ELSE)
    said = again or s.act(other, s.rng.choice(["it", s.entity(other[0].label)]) if other[0] is actuator else None)
    text = text.format(
        cond=s.condition(quantity, operator, limit), act=say_actions(s, actions), other=said, q=s.quantity(quantity)
    )
    return text, conditional(quantity, operator, limit, actions, [other])


def alarm(s):
    quantity = s.any_quantity()
    if not (quantity and s.world.has("compare") and s.world.has("alert")):
        return None
    operator, limit = s.rng.choice([">", ">", "<", "<", ">=", "<="]), s.limit(quantity)
    condition = s.condition(quantity, operator, limit)
    text = s.frame(frames.ALERT_IF, frames.HELD_OUT_ALERT_IF).format(cond=condition, q=s.quantity(quantity))
    if not s.world.has("wait") or s.rng.random() < 0.6:
        return text, alert_if(quantity, operator, limit)
    seconds = some_seconds(s)
    text = s.frame(frames.WAIT_THEN).format(wait=s.frame(frames.WAIT).format(n=s.duration(seconds)), act=text, n=s.duration(seconds))
    return text, alert_if(quantity, operator, limit, seconds)


def some_seconds(s):
    rng = s.rng
    return rng.choice([60 * rng.choice([1, 2, 5, 10, 15, 20, 30, 60]), 60 * rng.randint(1, 60), rng.randint(1, 900), 3600 * rng.randint(1, 12)])


def wait_then(s):
    if not s.world.has("wait"):
        return None
    seconds, style = some_seconds(s), s.rng.random()
    said = s.frame(frames.WAIT, frames.HELD_OUT_WAIT).format(n=s.duration(seconds))
    if style < 0.15:
        return s.whole(said), waiting(seconds, None)
    if style < 0.55:
        quantity = s.any_quantity()
        if not quantity:
            return None
        act, then = s.frame(frames.READ_AGAIN).format(q=s.quantity(quantity)), asking(quantity)
    else:
        action = s.any_action(("relay", "open", "lock", "percent", "setpoint"))
        if not action:
            return None
        act, then = s.act(action), acting([action])
    return s.frame(frames.WAIT_THEN).format(wait=said, act=act, n=s.duration(seconds)), waiting(seconds, then)


def act_and_ask(s):
    """Acts, lets some time pass where the request or a run says so, and reads."""
    action, quantity = s.any_action(("relay", "open", "lock", "percent", "setpoint", "timed", "timed")), s.any_quantity()
    if not (action and quantity):
        return None
    read, act = s.frame(frames.READ_AGAIN).format(q=s.quantity(quantity)), s.act(action)
    runs = action[0].kind == "timed"
    if runs and not s.world.has("wait"):
        return None
    if runs and s.rng.random() < 0.6:
        # A reading after a run is one after its end.
        text = s.frame(frames.RUN_THEN).format(a=act, b=read)
        return text, in_turn(acting([action]), waiting(action[1], asking(quantity)))
    if runs or s.rng.random() < 0.5 and s.world.has("wait"):
        seconds = action[1] if runs else some_seconds(s)
        said, n = s.frame(frames.WAIT).format(n=s.duration(seconds)), s.duration(seconds)
        text = s.frame(frames.ACT_WAIT_READ).format(a=act, w=said, b=read, n=n)
        return text, in_turn(acting([action]), waiting(seconds, asking(quantity)))
    return s.whole(s.frame(frames.JOIN).format(a=act, b=read)), in_turn(acting([action]), asking(quantity))


def log_value(s):
    quantity = s.any_quantity()
    if not (quantity and s.world.has("log")):
        return None
    return s.whole(s.frame(frames.LOG_VALUE).format(q=s.quantity(quantity))), logging_value(quantity)


def compare_two(s):
    known = [q for q in s.world.quantities.values() if q.read]
    if len(known) < 2 or not s.world.has("compare"):
        return None
    first, second = s.rng.sample(known, 2)
    text = s.frame(frames.COMPARE_TWO).format(q=s.quantity(first), r=s.quantity(second))
    return text, comparing(first, second)


def log(s):
    if not s.world.has("log"):
        return None
    text = words.free_text(s.rng, split=s.split)
    return s.frame(frames.LOG, frames.HELD_OUT_LOG).format(text=text), telling("log", text)


def alert(s):
    if not s.world.has("alert"):
        return None
    text = words.free_text(s.rng, split=s.split)
    return s.frame(frames.ALERT, frames.HELD_OUT_ALERT).format(text=text), telling("alert", text)


def no_tool(s):
    rng = s.rng
    style = rng.random()
    if style < 0.2 and s.split is Split.TRAIN:
        text = f"{rng.choice(words.CHORES)} {rng.choice(['the', 'the', 'some', 'my', 'all', 'those'])} {rng.choice(words.OBJECTS)}"
        return s.whole(text), saying(NO_TOOL)
    if style < 0.5:
        text = s.frame(frames.NO_TOOL, frames.HELD_OUT_NO_TOOL)
        text = text.format(
            things=words.pick(rng, words.PLAIN) + "s", n=rng.randint(2, 99), m=rng.randint(2, 99), name=words.made_up(rng).title(),
            text=words.free_text(rng, 2, 4), thing=rng.choice(list(words.THINGS)), place=rng.choice(words.PLACES),
        )
        return s.whole(text) if rng.random() < 0.3 else text, saying(NO_TOOL)
    nouns = {word for part in [*s.world.actuators.values(), *s.world.quantities.values()] for word in part.label.split()}
    nouns |= {noun.rstrip("s") for noun in nouns}
    noun = rng.choice([noun for noun in words.THINGS if noun not in nouns and words.THINGS[noun] in ("relay", "open")])
    label = f"{words.place(rng)} {noun}"
    how = rng.choice(["on", "off"] if words.THINGS[noun] == "relay" else ["open", "closed", "locked", "unlocked"])
    text = s.frame(frames.ACT[how], frames.HELD_OUT_ACT[how]).format(e=s.entity(label))
    return s.whole(text), saying(NO_TOOL)


def missing(s):
    rng, found = s.rng, s.group()
    if found and rng.random() < 0.6:
        group, value = found
        act = s.act((group[0], value), rng.choice([f"the {group[0].noun}", f"the {group[0].noun}", f"a {group[0].noun}", group[0].noun]))
        return s.whole(act), saying(f"Which one: {' or '.join(actuator.label for actuator in group)}?")
    actuator = s.any_actuator(("percent", "setpoint", "timed"))
    if not actuator:
        return None
    if actuator.kind == "timed":
        text = s.frame(["run {e} for a while", "run {e} for some time", "start {e} for a bit", "let {e} run for some time", "do some {e}"])
        return s.whole(text.format(e=s.entity(actuator.label))), saying(f"For how long should I run the {actuator.label}?")
    text = s.frame(["set {e}", "change {e}", "adjust {e}", "set {e} to something else", "put {e} to another value", "set a new value for {e}", "move {e}"])
    return s.whole(text.format(e=s.entity(actuator.label))), saying(f"To what value should I set the {actuator.label}?")


def reach(s):
    """Moves a quantity with the actuator that the world, or the request, names for it."""
    pairs = [
        (quantity, actuator, effect)
        for actuator in s.world.actuators.values() if actuator.setter and actuator.kind != "lock"
        for effect in actuator.effects
        for quantity in [s.world.quantities[effect.quantity]] if quantity.read
    ]
    if not pairs or not (s.world.has("compare") and s.world.has("wait")):
        return None
    rng = s.rng
    # Mostly what a site is for, such as filling its tank with the pump that does.
    meant = [pair for pair in pairs if any(pair[1] is mover and pair[0] is moved for mover, moved, _ in s.world.hints)]
    quantity, actuator, effect = rng.choice(meant if meant and rng.random() < 0.75 else pairs)
    target = s.limit(quantity)
    goal = float(target)
    if not quantity.low < goal < quantity.high or effect.follows and not actuator.low <= goal <= actuator.high:
        return None
    pulled = effect.rate_per_h or (0 if effect.toward is None else effect.toward - goal)
    up = pulled > 0 if not effect.follows else rng.random() < 0.5
    span = quantity.high - quantity.low
    distance = rng.choice([0.02, 0.1, 0.2, 0.3]) * span * rng.random()
    here = goal - distance if up else goal + distance
    quantity.value = round(min(quantity.high, max(quantity.low, here)), quantity.digits)
    if effect.toward is not None and abs(effect.toward - goal) < 0.1 * span:
        return None  # would take for ever
    on, off = drive(actuator, goal, rng)
    known = (actuator, quantity, "raises" if up else "lowers") in s.world.hints or (actuator, quantity, "sets") in s.world.hints
    named = known and rng.random() < 0.8
    lists = [frames.REACH] if not named else [frames.REACH, frames.RAISE if up else frames.LOWER]
    own = s.world.spoken.get(quantity.name, {}).get("up" if up else "down")
    text = s.frame(own if own and rng.random() < 0.5 else rng.choice(lists), frames.HELD_OUT_REACH)
    if "{e}" not in text and "{act}" not in text and not named:
        text = s.frame([line for line in frames.REACH if "{e}" in line or "{act}" in line])
    n = s.number(target, quantity.unit)
    text = text.format(
        q=s.quantity(quantity), q0=s.quantity(quantity, article=False), n=n, e=s.entity(actuator.label),
        act=s.act((actuator, on)), undo=s.act((actuator, off)) if off is not None else "report",
    )
    return text, reaching(quantity, target, ">=" if up else "<=", actuator, on, off)


def drive(actuator, goal, rng):
    """What an actuator is set to while a quantity moves, and afterwards."""
    if actuator.kind == "relay":
        return True, False
    if actuator.kind == "open":
        return "open", "closed"
    if actuator.kind == "percent":
        return 100, 0
    if actuator.kind == "timed":
        return 600, None
    goal = min(actuator.high, max(actuator.low, goal))
    return int(goal) if goal == int(goal) else goal, None


KINDS = {
    "set": (set_one, 11), "several": (set_several, 7), "every": (set_every, 6), "except": (set_except, 6), "everything": (set_everything, 7),
    "every and one": (every_and_one, 5), "if state": (if_state, 7), "ask": (ask, 9), "state": (ask_state, 4), "verify": (verify, 4),
    "if": (cond, 11), "if-else": (cond_else, 10), "alert if": (alarm, 7), "wait": (wait_then, 6), "act and ask": (act_and_ask, 9),
    "log value": (log_value, 2), "compare two": (compare_two, 3), "log": (log, 2), "alert": (alert, 2), "no tool": (no_tool, 11),
    "missing": (missing, 9), "reach": (reach, 16),
}


def draw(s, kind=None):
    """A request and its script; returns `(kind, request, script)`."""
    while True:
        chosen = kind or s.rng.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
        made = KINDS[chosen][0](s)
        if made:
            text, script = made
            return chosen, finish(s, text, chosen in ("log", "alert")), script
        if kind:
            return None


def finish(s, text, exact):
    """The request with a filler, another spelling, or a typo now and then; none where its words matter."""
    if exact:
        return text[:1].upper() + text[1:] if s.rng.random() < 0.3 else text
    text = frames.filler(s.rng, text)
    if s.split is Split.TRAIN and s.rng.random() < 0.06:
        keep = {word for part in [*s.world.actuators.values(), *s.world.quantities.values()] for word in part.label.lower().split()}
        text = frames.typo(s.rng, text, keep)
    return text
