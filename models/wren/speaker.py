"""Puts requests about a world into words: devices, readings, actions and conditions, in many ways."""

import functools
import re

import frames
import words
from plant import place
from words import Split

NUMBER_WORDS = dict(
    zip(range(1, 21), "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split())
) | {30: "thirty", 40: "forty", 45: "forty-five", 50: "fifty", 60: "sixty", 90: "ninety"}
PLURALS = {"switch": "switches", "flush": "flushes", "blinds": "blinds", "lamps": "lamps"}
LIGHTS = {"light", "lamp", "lights", "lamps", "spotlight", "beacon"}
CONTRARY = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}
UNIT_WORDS = {"C": ["degrees", "degrees C", "C"], "percent": ["percent", "per cent", "%"], "mm": ["mm", "millimetres"]}
# Which adjectives fit a quantity, by a word of its label, else by its unit.
SORTS = {
    "soil": "soil", "moisture": "soil", "humidity": "humidity", "level": "level", "light": "light", "brightness": "light", "ice": "thickness",
    "flow": "flow", "speed": "speed", "power": "power", "load": "power", "gas": "gas", "smoke": "gas", "ozone": "gas", "weight": "weight", "stock": "weight",
}
SORTS_BY_UNIT = {"C": "temperature", "bar": "pressure"}
SLOT = re.compile(r"\{(\w+)\}")
TRIES_MAX = 1000
# How frames are drawn: 1 would draw all of a list alike; above, brief ones come more often, as with
# people. Training begins with the briefest, which are the plainest, so that copying is learnt early.
BREVITY, BREVITY_FIRST = 1.5, 4.0


@functools.lru_cache(maxsize=None)
def brief_first(known):
    return sorted(known, key=lambda frame: len(frame.split()))


def plural(noun):
    return PLURALS.get(noun, noun if noun.endswith("s") else noun + "s")


class Speaker:
    """Speaks about one world; takes held-out frames where there are some and `split` wants them."""

    brevity = BREVITY  # of all speakers of this process

    def __init__(self, rng, world, split=Split.TRAIN):
        self.rng, self.world, self.split = rng, world, split

    def say(self, train, held_out=None, **slots):
        """A sentence of a list of frames, of those whose slots are all given. A slot is a text, or a
        function that is asked for a new text each time."""
        known = brief_first(tuple(held_out if self.split is Split.HELD_OUT and held_out else train))
        for _ in range(TRIES_MAX):
            text = frames.expand(self.rng, known[int(len(known) * self.rng.random() ** self.brevity)])
            if all(slots.get(name) is not None for name in SLOT.findall(text)):
                return SLOT.sub(lambda match: self._fill(slots[match.group(1)]), text)
        raise ValueError(f"no frame has only the slots {sorted(slots)}")

    @staticmethod
    def _fill(slot):
        return slot() if callable(slot) else slot

    # Parts

    def own(self, part, key):
        """The frames a board has for a part of its own, or nothing."""
        return self.world.spoken.get(part.label.replace(" ", "_"), {}).get(key)

    def entity(self, label, article=True):
        """A device as people call it: `north pump`, `pump north`, `the pump in the north`."""
        rng, parts = self.rng, label.split()
        names = self.world.spoken.get(label.replace(" ", "_"), {}).get("names")
        text = label
        if names and rng.random() < 0.55:
            text = rng.choice(names)
        elif len(parts) == 2 and rng.random() < 0.4:
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
        names = self.own(quantity, "names")
        text = rng.choice(names) if names and rng.random() < 0.55 else rng.choice(named)
        return f"the {text}" if article and rng.random() < 0.8 else text

    def thing(self, quantity):
        """What a quantity is a property of, such as `the tank` of `tank level`."""
        label = quantity.label
        for tail in (" level", " temperature", " humidity", " light"):
            label = label.removesuffix(tail)
        return f"the {label}"

    def sort(self, quantity):
        """Which adjectives fit a quantity."""
        named = [SORTS[word] for word in quantity.label.split() if word in SORTS]
        return named[-1] if named else SORTS_BY_UNIT.get(quantity.unit, "generic")

    def named(self, quantity):
        """The slots that name a quantity."""
        return {
            "q": lambda: self.quantity(quantity), "q0": lambda: self.quantity(quantity, article=False),
            "u": self.rng.choice(UNIT_WORDS.get(quantity.unit, [quantity.unit])) or None,
        }

    # Numbers

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

    def value(self, actuator, value):
        if actuator.kind == "timed":
            return self.duration(value)
        if actuator.kind == "percent":
            return self.number(str(value), "percent")
        if actuator.kind == "setpoint":
            return self.number(f"{value:g}", actuator.unit)
        return ""

    # Actions

    def how(self, action):
        """The key of the frames that say this action."""
        actuator, value = action
        if actuator.kind == "percent" and value in (0, 100) and self.rng.random() < 0.5:
            return "off" if value == 0 else "on"
        return {"relay": actuator.word(value), "open": value, "lock": value}.get(actuator.kind, actuator.kind)

    def act(self, action, entity=None):
        """A command for `(actuator, value)`, that also fits behind `if ..., `."""
        actuator, value = action
        if actuator.kind == "pulses":
            return self.pulses(value, actuator.label)
        how = self.how(action)
        own = self.own(actuator, {"timed": "act", "percent": "set", "setpoint": "set"}.get(how, how))
        if own and not entity and self.rng.random() < 0.4:
            return self.say(own, n=self.value(actuator, value))
        known = frames.ACT[how]
        if actuator.kind == "relay" and self.rng.random() < 0.2:
            known = (frames.ACT_LIGHT if actuator.noun in LIGHTS else frames.ACT_MACHINE)[how]
        return self._said(known, frames.HELD_OUT_ACT[how], action, entity)

    def wish(self, action, entity=None):
        """The same as a telegram: `north pump on`."""
        if action[0].kind == "pulses":
            return self.pulses(action[1], action[0].label)
        return self._said(frames.BE[self.how(action)], None, action, entity)

    def duty(self, action, entity=None):
        """The same as a clause: `the north pump has to run`."""
        if action[0].kind == "pulses":
            return f"{self.pulses(action[1], action[0].label, ['{n} of {e}'])} should go in"
        return self._said(frames.MUST[self.how(action)], None, action, entity)

    def _said(self, train, held_out, action, entity):
        actuator, value = action
        e = entity or (lambda: self.entity(actuator.label))
        e0 = (lambda: self.entity(actuator.label, article=False)) if entity is None else None
        return self.say(train, held_out, e=e, e0=e0, n=lambda: self.value(actuator, value))

    def pulses(self, count, label, known=("dose {n} of {e}", "give {n} of {e}", "{n} of {e}", "add {n} of {e}", "pump {n} of {e}", "put {n} of {e} in", "dose {e}: {n}", "dose {n}")):
        """A command to dose."""
        what = f"{self.rng.choice([str(count), NUMBER_WORDS[count]])} pulse{'' if count == 1 else 's'}"
        return self.say(known, n=what, e=label)

    def acts(self, actions, tail=""):
        """The slots that say actions: as commands, and a single one also as a wish and a duty."""
        slots = {f"act{tail}": lambda: " and ".join(self.act(action) for action in actions)}
        if len(actions) == 1:
            slots |= {f"be{tail}": lambda: self.wish(actions[0]), f"must{tail}": lambda: self.duty(actions[0])}
        return slots

    def whole(self, act=None, **more):
        """A request for what is to be done."""
        text = self.say(frames.REQUEST, frames.HELD_OUT_REQUEST, act=act, **more)
        return self.with_reason(text)

    def request(self, text):
        """A request of several commands, wrapped where it is one sentence."""
        one = ". " not in text and "?" not in text and not text[:1].isdigit()
        return self.whole(text) if one and self.rng.random() < 0.5 else self.with_reason(text)

    def order(self, action):
        """A request for one action."""
        return self.whole(**self.acts([action]))

    def with_reason(self, text):
        """The request, now and then with a reason around it that changes nothing."""
        style = self.rng.random()
        if style > 0.12 or self.split is Split.HELD_OUT:
            return text
        if style < 0.05 and not text.endswith("?"):
            return f"{self.say(frames.REASON_CLAUSE)}, so {text}"
        if style < 0.09:
            return f"{_sentence(self.say(frames.REASON))} {text[:1].upper()}{text[1:]}"
        return f"{_sentence(text)} {self.say(frames.REASON)}"

    # Conditions

    def about(self, quantity, operator, limit):
        """The slots that say a condition on a quantity."""
        n = lambda: self.number(limit, quantity.unit)
        over = {"over": lambda: self.say(frames.OVER[operator], n=n), "not_over": lambda: self.say(frames.OVER[CONTRARY[operator]], n=n)}
        slots = self.named(quantity) | {"n": n} | over
        if self.split is Split.HELD_OUT:
            return slots | {"cond": lambda: self.say(frames.COND[operator], frames.HELD_OUT_COND[operator], **slots)}
        return slots | {
            "cond": lambda: self._condition(quantity, operator, slots, frames.COND, ("above", "below"), ">", "<"),
            "isit": lambda: self._condition(quantity, operator, slots, frames.ISIT, ("is_above", "is_below"), "isit>", "isit<"),
            "be_cond": lambda: self.say(frames.BE_COND[operator], **slots),
        }

    def _condition(self, quantity, operator, slots, general, own_keys, above, below):
        """A clause: the board's own words, an adjective, or the general form."""
        side = {">": 0, "<": 1}.get(operator)
        if side is not None and self.rng.random() < 0.4:
            own = self.own(quantity, own_keys[side])
            adjectives = frames.ADJECTIVES[self.sort(quantity)][(above, below)[side]]
            if own and self.rng.random() < 0.7:
                return self.say(own, **slots)
            return self.say(adjectives, p=lambda: self.where(quantity), **slots)
        return self.say(general[operator], **slots)

    def where(self, quantity):
        """A phrase for the place of a reading: `in the kitchen`."""
        label = self.thing(quantity)
        if "outside" in label:
            return "outside"
        return f"{self.rng.choice(['in', 'in', 'at'])} {label}"

    def state_of(self, part, state):
        """The slots that say the state of a part."""
        slots = {"e": lambda: self.entity(part.label), "s": state}
        clauses = {"cond": frames.STATE_COND, "isit": frames.STATE_ISIT, "be_cond": frames.STATE_BE}
        if self.split is Split.HELD_OUT:
            del clauses["isit"], clauses["be_cond"]
        return slots | {name: lambda known=known: self.say(known, **slots) for name, known in clauses.items()}

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
        self.near(quantity, text)
        return text

    def near(self, quantity, text):
        """Lets the quantity read something around a number."""
        self.world.near.append((quantity.name, float(text)))
        self.world.near = self.world.near[-3:]
        place(self.rng, quantity, float(text))

    def some_seconds(self):
        rng = self.rng
        return rng.choice([60 * rng.choice([1, 2, 5, 10, 15, 20, 30, 60]), 60 * rng.randint(1, 60), rng.randint(1, 900), 3600 * rng.randint(1, 12)])

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


def _sentence(text):
    """With a full stop, unless it ends with a mark already."""
    return text if text[-1:] in ".?!" else f"{text}."
