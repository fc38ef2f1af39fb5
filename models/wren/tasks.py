"""Tasks over any world: a request in words, and the script that does it.

Every kind is a function of a `Speaker` and returns `(request, script)`, or None where the world has
nothing for it.
"""

import re

import frames
import words
from plant import with_unit
from policy import (
    NO_TOOL, acting, alert_if, asking, comparing, conditional, if_is, in_turn, logging_value, reaching, saying, telling,
    verifying, waiting,
)
from speaker import LIGHTS, Speaker, plural
from words import Split

OPPOSITE = {"on": "off", "off": "on", "open": "closed", "closed": "open", "locked": "unlocked", "unlocked": "locked"}
LASTING = ("relay", "open", "lock", "percent", "setpoint")
STATED = ("relay", "open", "lock")
RESTING = {"relay": False, "open": "closed", "percent": 0}


# Actions


def set_one(s):
    action = s.any_action()
    return action and (s.order(action), acting([action]))


def set_several(s):
    actions = []
    for _ in range(s.rng.choice([2, 2, 2, 3])):
        action = s.any_action((*LASTING, "timed"))
        if action and all(action[0] is not other for other, _ in actions):
            actions.append(action)
    if s.rng.random() < 0.15 and all(actuator.kind in RESTING for actuator, _ in actions):
        actions = [(actuator, RESTING[actuator.kind]) for actuator, _ in actions]
        actions.sort(key=lambda action: action[0].kind == "percent")  # "switch them off" is said of a relay first
    if len(actions) < 2:
        return None
    if len(actions) == 3:
        a, b, c = (s.act(action) for action in actions)
        return s.request(s.say(frames.JOIN3, a=a, b=b, c=c)), acting(actions)
    return say_two(s, *actions), acting(actions)


def say_two(s, first, second):
    """A request for two actions."""
    off = all(value is False or value == 0 and a.kind == "percent" for a, value in (first, second))
    same = off or first[0].kind == second[0].kind in STATED and first[1] == second[1]
    names = {"x": first[0].label, "y": second[0].label}
    named = {key: s.entity(label) for key, label in names.items()} | {key + "0": s.entity(label, article=False) for key, label in names.items()}
    if same and s.rng.random() < 0.7:
        negated = {False: frames.NEITHER, 0: frames.NEITHER, "closed": frames.NEITHER_OPEN}.get(first[1])
        if negated and s.rng.random() < 0.25:
            return s.say(negated, **named)
        both = s.say(frames.TWO_DEVICES, **named)
        return s.whole(s.act(first, both))
    style = s.rng.random()
    if style < 0.25:
        wishes = {"be1": s.wish(first), "be2": s.wish(second)} if style < 0.15 else {"must1": s.duty(first), "must2": s.duty(second)}
        return s.with_reason(s.say(frames.BOTH_ACTS, **wishes))
    return s.request(s.say(frames.JOIN, a=s.act(first), b=s.act(second)))


def group_slots(group):
    noun = group[0].noun
    return {"es": plural(noun), "e1": noun.rstrip("s") if noun in ("lamps", "blinds") else noun}


def say_group(s, group, value):
    """A command for all of a group."""
    slots = group_slots(group)
    every = s.say(frames.BOTH if len(group) == 2 and s.rng.random() < 0.6 else frames.EVERY, **slots)
    return s.act((group[0], value), every)


GROUP_WISHES = {
    "on": frames.EVERY_ON, "off": frames.EVERY_OFF, "open": frames.EVERY_OPEN, "closed": frames.EVERY_CLOSED,
    "locked": frames.EVERY_LOCKED, "unlocked": frames.EVERY_UNLOCKED,
}
LIGHT_WISHES = {"on": frames.LIGHTS_ON, "off": frames.LIGHTS_OFF}


def wish_group(s, group, value):
    """The same as a sentence of its own, such as `no light should be on`."""
    state = group[0].word(value)
    lights = group[0].noun in LIGHTS and state in LIGHT_WISHES and s.rng.random() < 0.6
    return s.say((LIGHT_WISHES if lights else GROUP_WISHES)[state], **group_slots(group))


def set_every(s):
    found = s.group()
    if not found:
        return None
    group, value = found
    wish = s.split is Split.TRAIN and s.rng.random() < 0.35
    text = s.with_reason(wish_group(s, group, value)) if wish else s.whole(say_group(s, group, value))
    return text, acting([(actuator, value) for actuator in group])


def set_except(s):
    found = s.group()
    if not found or len(found[0]) < 3:
        return None
    group, value = found
    left, slots = s.rng.choice(group), group_slots(group)
    every = s.say(["all {es}", "all the {es}", "every {e1}", "the {es}", "all of the {es}"], **slots)
    rest = s.rng.choice(["the others", "the rest", f"the other {slots['es']}", f"all other {slots['es']}", f"every other {slots['e1']}"])
    text = s.say(
        frames.EXCEPT, act=s.act((left, value), every), x=lambda: except_name(s, left), s=left.word(value),
        rest_act=lambda: s.act((left, value), rest), **slots,
    )
    return s.with_reason(text), acting([(a, value) for a in group if a is not left])


def except_name(s, left):
    """The one that is left out: by its name, or by what tells it from the others."""
    noun, label = left.noun, left.label
    where = label.replace(noun, "").strip()
    if where and label.endswith(noun) and s.rng.random() < 0.3:
        return s.rng.choice([f"the one in the {where}", f"the {where} one", f"the one at the {where}", f"the {where}"])
    return s.entity(label)


def set_everything(s):
    """Everything off, closed and at zero; one thing may be left as it is."""
    known = [a for a in s.world.actuators.values() if a.setter and a.kind in RESTING]
    if len(known) < 2:
        return None
    left = s.rng.choice(known) if s.rng.random() < 0.65 else None
    wanted = [actuator for actuator in known if actuator is not left]
    shut = [actuator for actuator in wanted if actuator.kind == "open"]
    text = say_everything(s, left, bool(shut))
    if shut and s.rng.random() < 0.3:  # what has to be closed may be named besides
        text = s.say(frames.JOIN, a=text.rstrip(".?"), b=s.act((s.rng.choice(shut), "closed")))
    return s.with_reason(text), acting(s.world.in_order([(actuator, RESTING[actuator.kind]) for actuator in wanted]))


def say_everything(s, left, closes):
    """A request to stop, and where something `closes` to close, everything but `left`."""
    act = s.say(frames.EVERYTHING_CLOSED_ACT if closes else frames.EVERYTHING_ACT)
    if not left:
        return s.whole(act) if s.rng.random() < 0.5 else s.say(frames.EVERYTHING_CLOSED_WHOLE if closes else frames.EVERYTHING_WHOLE)
    x, style = (lambda: s.entity(left.label)), s.rng.random()
    if style < 0.4:
        return s.say(frames.EXCEPT, act=act, x=x)
    if style < 0.8:
        return s.say(frames.EVERYTHING_BUT + frames.EVERYTHING_CLOSED_BUT if closes else frames.EVERYTHING_BUT, x=x)
    running = left.kind != "open" and s.rng.random() < 0.5
    return s.say(frames.EVERYTHING_BUT_ONLY_RUNNING if running else frames.EVERYTHING_BUT_ONLY, x=x)


def rest_of_kinds(s):
    """Stops or closes the devices of two nouns, and may leave one of them as it is."""
    nouns = {}
    for actuator in s.world.actuators.values():
        if actuator.setter and actuator.kind in ("relay", "open"):
            nouns.setdefault(actuator.noun, []).append(actuator)
    groups = [group for group in nouns.values() if len(group) > 1]
    if len(groups) < 2:
        return None
    first, second = s.rng.sample(groups, 2)
    said = [say_group(s, group, RESTING[group[0].kind]) for group in (first, second)]
    act = s.say(frames.JOIN, a=said[0], b=said[1])
    wanted = first + second
    if s.rng.random() < 0.6:
        left = s.rng.choice(wanted)
        wanted = [actuator for actuator in wanted if actuator is not left]
        text = s.say(frames.EXCEPT, act=act, x=lambda: s.entity(left.label))
    else:
        text = s.request(act)
    return text, acting(s.world.in_order([(actuator, RESTING[actuator.kind]) for actuator in wanted]))


def every_and_one(s):
    found = s.group()
    action = s.any_action(LASTING)
    if not (found and action) or action[0] in found[0]:
        return None
    group, value = found
    wish = s.split is Split.TRAIN and s.rng.random() < 0.35
    said = [wish_group(s, group, value), s.wish(action)] if wish else [say_group(s, group, value), s.act(action)]
    actions = [[(actuator, value) for actuator in group], [action]]
    if s.rng.random() < 0.4:
        said.reverse()
        actions.reverse()
    text = s.say(["{a}, {b}", "{a} and {b}", "{a}, and {b}", "{a}; {b}", "{a}. {b}"] if wish else frames.JOIN, a=said[0], b=said[1])
    return s.with_reason(text) if wish else s.request(text), acting(actions[0] + actions[1])


def verify(s):
    shown = [a for a in s.world.actuators.values() if a.setter and a.read and a.kind in LASTING]
    if not shown:
        return None
    actuator = s.rng.choice(shown)
    action = (actuator, s.any_value(actuator))
    text = s.say(frames.VERIFY, act=s.act(action), s=actuator.word(action[1]), e=s.entity(actuator.label))
    return s.with_reason(text), verifying(action)


# Readings


def ask(s):
    quantity = s.any_quantity()
    if not quantity:
        return None
    style, slots = s.rng.random(), s.named(quantity)
    own = s.own(quantity, "ask")
    if s.split is Split.HELD_OUT or style < 0.65:
        text = s.say(frames.ASK, frames.HELD_OUT_ASK, **slots)
    elif own and style < 0.85:
        text = s.say(own, **slots)
    elif slots["u"] and style < 0.8:
        text = s.say(frames.ASK_UNIT, **slots)
    else:
        text = s.say(frames.ADJECTIVES[s.sort(quantity)]["ask"], p=s.where(quantity), **slots)
    return s.with_reason(text), asking(quantity)


def ask_state(s):
    part, states = any_shown(s, LASTING)
    if not part:
        return None
    return s.say(frames.STATE, frames.HELD_OUT_STATE, e=s.entity(part.label), s=s.rng.choice(states)), asking(part)


def any_shown(s, kinds):
    """A device whose state can be read, and the states it may have."""
    shown = [a for a in s.world.actuators.values() if a.read and a.kind in kinds] + getattr(s.world, "shown_only", [])
    if not shown:
        return None, ()
    part = s.rng.choice(shown)
    kind = getattr(part, "kind", "open")
    return part, getattr(part, "states", ()) or {"relay": ("on", "off"), "open": ("open", "closed")}.get(kind) or (part.word(),)


def compare_two(s):
    known = [q for q in s.world.quantities.values() if q.read]
    if len(known) < 2 or not s.world.has("compare"):
        return None
    first, second = s.rng.sample(known, 2)
    return s.say(frames.COMPARE_TWO, q=s.quantity(first), r=s.quantity(second)), comparing(first, second)


def log_value(s):
    quantity = s.any_quantity()
    if not (quantity and s.world.has("log")):
        return None
    return s.whole(s.say(frames.LOG_VALUE, q=s.quantity(quantity))), logging_value(quantity)


# Conditions


def some_actions(s):
    first = s.any_action((*LASTING, "timed"))
    if not first:
        return None
    second = s.any_action(("relay", "open", "lock", "percent", "pulses")) if s.rng.random() < 0.25 else None
    return [first, second] if second and second[0] is not first[0] else [first]


def cond(s):
    quantity, actions = s.any_quantity(), some_actions(s)
    if not (quantity and actions and s.world.has("compare")):
        return None
    operator, limit = s.rng.choice([">", ">", "<", "<", ">=", "<="]), s.limit(quantity)
    slots = s.about(quantity, operator, limit) | s.acts(actions)
    script = conditional(quantity, operator, limit, actions)
    if s.world.has("wait") and s.split is Split.TRAIN and s.rng.random() < 0.15:
        seconds = s.some_seconds()
        return s.say(frames.IF_LATER, **slots, **later(s, seconds)), waiting(seconds, script)
    return s.with_reason(s.say(frames.IF, frames.HELD_OUT_IF, **slots)), script


def later(s, seconds):
    """The slots that say a wait."""
    n = lambda: s.duration(seconds)
    return {"n_wait": n, "wait": lambda: s.say(frames.WAIT, frames.HELD_OUT_WAIT, n=n)}


def cond_else(s):
    quantity, actions = s.any_quantity(), some_actions(s)
    if not (quantity and actions and s.world.has("compare")):
        return None
    actuator, value = actions[0]
    again = None
    if actuator.kind in STATED and s.rng.random() < 0.6:
        other = (actuator, not value if actuator.kind == "relay" else OPPOSITE[value])
        again = actuator.word(other[1]) if s.rng.random() < 0.15 else None
    elif actuator.kind in ("percent", "setpoint") and s.rng.random() < 0.7:
        other = (actuator, s.any_value(actuator))
        n = s.value(*other)
        again = s.rng.choice([f"to {n}", n, f"at {n}", f"{n} will do", f"make it {n}", None])
    else:
        other = s.any_action(LASTING)
        if not other:
            return None
    operator, limit = s.rng.choice([">", "<", ">=", "<="]), s.limit(quantity)
    slots = s.about(quantity, operator, limit) | s.acts(actions) | s.acts([other], "2")
    alone = other[0] is actuator and len(actions) == 1
    if alone:  # so that "it" and "off" have something to refer to
        slots |= {"act": lambda: s.act(actions[0], s.entity(actuator.label))}
    if alone and s.rng.random() < 0.6:
        slots |= {"act2": lambda: s.act(other, "it"), "be2": lambda: s.wish(other, "it"), "must2": lambda: s.duty(other, "it")}
    if again and alone:
        slots |= {"act2": again, "be2": again, "must2": None}
    text = s.say(frames.IF_ELSE, frames.HELD_OUT_IF_ELSE, **slots)
    return s.with_reason(text), conditional(quantity, operator, limit, actions, [other])


def if_state(s):
    """Acts, or alerts, by the state of a device rather than by a number."""
    part, states = any_shown(s, STATED)
    if not part:
        return None
    state = s.rng.choice(states)
    slots = s.state_of(part, state)
    if s.split is Split.HELD_OUT:
        slots["q"] = slots["e"]
    if s.world.has("alert") and s.rng.random() < 0.5:
        return s.with_reason(s.say(frames.STATE_ALERT_IF, frames.HELD_OUT_ALERT_IF, **slots)), if_is(part, state, None)
    action = s.any_action((*LASTING, "timed"))
    if not action or action[0] is part:
        return None
    text = s.say(frames.STATE_IF, frames.HELD_OUT_IF, **slots, **s.acts([action]))
    return s.with_reason(text), if_is(part, state, [action])


def alarm(s):
    quantity = s.any_quantity()
    if not (quantity and s.world.has("compare") and s.world.has("alert")):
        return None
    operator, limit = s.rng.choice([">", ">", "<", "<", ">=", "<="]), s.limit(quantity)
    slots = s.about(quantity, operator, limit)
    if not s.world.has("wait") or s.rng.random() < 0.5:
        return s.with_reason(s.say(frames.ALERT_IF, frames.HELD_OUT_ALERT_IF, **slots)), alert_if(quantity, operator, limit)
    seconds = s.some_seconds()
    if s.split is Split.TRAIN and s.rng.random() < 0.75:
        text = s.with_reason(s.say(frames.ALERT_LATER, **slots, **later(s, seconds)))
    else:
        act = s.say(frames.ALERT_IF, frames.HELD_OUT_ALERT_IF, **slots)
        text = s.say(frames.WAIT_THEN, act=act, n=lambda: s.duration(seconds), **later(s, seconds))
    return text, alert_if(quantity, operator, limit, seconds)


# Time


def wait_then(s):
    if not s.world.has("wait"):
        return None
    seconds, style = s.some_seconds(), s.rng.random()
    slots = later(s, seconds)
    if style < 0.15:
        return s.whole(slots["wait"]()), waiting(seconds, None)
    if style < 0.55:
        quantity = s.any_quantity()
        if not quantity:
            return None
        act, then = s.say(frames.READ_AGAIN, **s.named(quantity)), asking(quantity)
    else:
        action = s.any_action(LASTING)
        if not action:
            return None
        act, then = s.act(action), acting([action])
    return s.with_reason(s.say(frames.WAIT_THEN, act=act, n=slots["n_wait"], **slots)), waiting(seconds, then)


def act_and_ask(s):
    """Acts, lets some time pass where the request or a run says so, and reads."""
    action, quantity = s.any_action((*LASTING, "timed", "timed", "timed")), s.any_quantity()
    if not (action and quantity):
        return None
    slots = s.named(quantity) | {"a": s.act(action)}
    slots["b"] = s.say(frames.READ_AGAIN, **s.named(quantity))
    runs = action[0].kind == "timed"
    if runs and not s.world.has("wait"):
        return None
    if runs and s.rng.random() < 0.75:
        # A reading after a run is one after its end.
        by_noun = s.rng.random() < 0.35
        text = s.say(frames.RUN_THEN_NOUN if by_noun else frames.RUN_THEN, run=say_run(s, action), **slots)
        return s.with_reason(text), in_turn(acting([action]), waiting(action[1], asking(quantity)))
    if runs or s.rng.random() < 0.6 and s.world.has("wait"):
        seconds = action[1] if runs else s.some_seconds()
        wait = later(s, seconds)
        text = s.say(frames.ACT_WAIT_READ, w=wait["wait"], n=wait["n_wait"], **slots)
        return s.with_reason(text), in_turn(acting([action]), waiting(seconds, asking(quantity)))
    text = s.request(s.say(frames.JOIN, **slots)) if s.rng.random() < 0.5 else s.say(frames.ACT_ASK, **slots)
    return text, in_turn(acting([action]), asking(quantity))


def say_run(s, action):
    """A timed run as a noun: `300 seconds of dosing`."""
    return s.say(["{n} of {e}", "{e} for {n}", "a {e} of {n}", "{n} {e}"], n=s.duration(action[1]), e=s.entity(action[0].label, article=False))


# Words


def log(s):
    if not s.world.has("log"):
        return None
    text = words.free_text(s.rng, split=s.split)
    return s.say(frames.LOG, frames.HELD_OUT_LOG, text=text), telling("log", text)


def alert(s):
    if not s.world.has("alert"):
        return None
    text = words.free_text(s.rng, split=s.split)
    return s.say(frames.ALERT, frames.HELD_OUT_ALERT, text=text), telling("alert", text)


# What cannot be done


def no_tool(s):
    rng, style = s.rng, s.rng.random()
    if style < 0.12 and s.split is Split.TRAIN:
        return s.whole(f"{rng.choice(words.CHORES)} {rng.choice(['the', 'the', 'some', 'my', 'all', 'those'])} {rng.choice(words.OBJECTS)}"), saying(NO_TOOL)
    if style < 0.5:
        whole = s.split is Split.TRAIN and rng.random() < 0.2
        text = s.say(
            frames.NO_TOOL_WHOLE if whole else frames.NO_TOOL, frames.HELD_OUT_NO_TOOL,
            things=rng.choice(words.OBJECTS), n=str(rng.randint(2, 99)), m=str(rng.randint(2, 99)),
            name=words.made_up(rng).title(), text=words.free_text(rng, 2, 4), thing=rng.choice(list(words.THINGS)), place=rng.choice(words.PLACES),
        )
        return s.with_reason(text) if whole or "?" in text else s.request(text), saying(NO_TOOL)
    if style < 0.58 and s.split is Split.TRAIN:
        quantity = rng.choice([name for name in frames.NO_TOOL_READ if not site_nouns(s.world) & named_nouns(name)])
        return s.say(frames.ASK, q=f"the {quantity.removeprefix('the ')}", q0=quantity.removeprefix("the ")), saying(NO_TOOL)
    return no_device(s)


def site_nouns(world):
    """What the parts of a site are called, without their places."""
    nouns = {word for part in [*world.actuators.values(), *world.quantities.values()] for word in part.label.split()}
    nouns |= {word for spoken in world.spoken.values() for name in spoken.get("names", []) for word in named_nouns(name)}
    return nouns | {noun.rstrip("s") for noun in nouns}


# What people call the sites of the shipped boards.
SITE_NAMES = {"coldroom": ["cold room", "cold store"], "pump": ["pump house", "pump station", "station"]}
PLACED = re.compile(r" (?:of|in|at|on|over|by|under|behind|to|for|next|near) ")


def no_device(s):
    """A device that the site could have, but has no tool for."""
    rng = s.rng
    nouns = site_nouns(s.world)
    if s.split is Split.TRAIN and rng.random() < 0.6:
        kind = rng.choice(list(frames.NO_TOOL_NEAR))
        known = [name for name in frames.NO_TOOL_NEAR[kind] if not nouns & named_nouns(name)]
        entity = rng.choice(known) if known else None
    else:
        known = [noun for noun in words.THINGS if noun not in nouns and words.THINGS[noun] in ("relay", "open")]
        noun = "door" if "door" in known and rng.random() < 0.2 else rng.choice(known)
        lockable = noun in ("door", "gate", "hatch") and s.split is Split.TRAIN and rng.random() < 0.5
        kind = "lock" if lockable else words.THINGS[noun]
        entity = s.entity(f"{words.place(rng)} {noun}")
        if s.split is Split.TRAIN and s.world.site and rng.random() < 0.5:
            site = rng.choice(SITE_NAMES.get(s.world.site, [s.world.site]))
            entity = rng.choice([f"the {noun} of the {site}", f"the {site} {noun}", f"the {site}'s {noun}"])
    if not entity:
        return None
    how = {"relay": ["on", "off"], "open": ["open", "closed"], "lock": ["locked", "unlocked"]}.get(kind, [kind])
    n = {"percent": f"{rng.randint(0, 100)} percent", "timed": s.duration(60 * rng.randint(1, 30))}.get(kind, "")
    how = rng.choice(how)
    slots = {"e": entity, "n": n}
    wishes = {"be": s.say(frames.BE[how], **slots), "must": s.say(frames.MUST[how], **slots)} if s.split is Split.TRAIN else {}
    return s.whole(s.say(frames.ACT[how], frames.HELD_OUT_ACT[how], **slots), **wishes), saying(NO_TOOL)


def named_nouns(name):
    """The words of a device's name before its place: they tell what it is."""
    head = PLACED.split(name.removeprefix("the "))[0].split()
    return set(head) | {word.rstrip("s") for word in head}


def missing(s):
    rng, found = s.rng, s.group()
    if found and rng.random() < 0.6:
        group, value = found
        actuator, slots = group[0], group_slots(group)
        state = actuator.word(value)
        question = saying(f"Which one: {' or '.join(actuator.label for actuator in group)}?")
        if s.split is Split.TRAIN and rng.random() < 0.6:
            known = frames.MISSING_WHICH_BY_STATE[state] if rng.random() < 0.6 else frames.MISSING_WHICH
            return s.with_reason(s.say(known, act=s.act((actuator, value), f"the {slots['e1']}"), s=state, **slots)), question
        return s.whole(s.act((actuator, value), rng.choice([f"the {actuator.noun}", f"the {actuator.noun}", f"a {actuator.noun}", actuator.noun]))), question
    if s.world.hints and rng.random() < 0.2:
        _, quantity, _ = rng.choice(s.world.hints)
        return s.with_reason(s.say(frames.MISSING_TARGET, **s.named(quantity))), saying(f"To what value should I bring the {quantity.label}?")
    actuator = s.any_actuator(("percent", "setpoint", "timed"))
    if not actuator:
        return None
    timed, entity = actuator.kind == "timed", s.entity(actuator.label)
    if rng.random() < 0.3:
        text = s.with_reason(s.say(frames.MISSING_TIME_WHOLE if timed else frames.MISSING_VALUE_WHOLE, e=entity))
    else:
        text = s.request(s.say(frames.MISSING_TIME if timed else frames.MISSING_VALUE, e=entity))
    return text, saying(f"For how long should I run the {actuator.label}?" if timed else f"To what value should I set the {actuator.label}?")


# Towards a target


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
    return s.with_reason(say_reach(s, quantity, target, up, actuator, on, off, named)), reaching(quantity, target, ">=" if up else "<=", actuator, on, off)


REACH_WITH = frames.REACH_WITH + [frame for frame in frames.REACH if "{e}" in frame or "{act}" in frame]


def say_reach(s, quantity, target, up, actuator, on, off, implied):
    """A request to bring a quantity to a target; the actuator is named unless it is `implied`."""
    rng = s.rng
    slots = s.named(quantity) | {"n": lambda: s.number(target, quantity.unit), "p": s.thing(quantity)}
    own = s.own(quantity, "up" if up else "down")
    by_kind = frames.REACH_BY_KIND.get(s.sort(quantity))
    if s.split is Split.HELD_OUT and implied:
        return s.say(frames.HELD_OUT_REACH, **slots)
    if not implied:
        undo = s.act((actuator, off)) if off is not None else None
        entity = s.entity(actuator.label) if actuator.kind in ("relay", "percent") else None
        return s.say(REACH_WITH, e=entity, act=s.act((actuator, on)), undo=undo, **slots)
    style = rng.random()
    if own and style < 0.4:
        text = s.say(own, **slots)
    elif by_kind and style < 0.55:
        text = s.say(by_kind["up" if up else "down"], **slots)
    elif style < 0.8:
        text = s.say(frames.REACH, **slots)
    else:
        text = s.say(frames.RAISE if up else frames.LOWER, **slots)
    if rng.random() < 0.3 and "report" not in text and "tell" not in text and "?" not in text:
        tail = s.say(frames.REPORT if rng.random() < 0.6 else frames.REPORT_Q, **slots)
        text = f"{text}{'' if tail.startswith('and ') else ','} {tail}"
    return text


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
    "set": (set_one, 20), "several": (set_several, 10), "every": (set_every, 6), "except": (set_except, 9), "everything": (set_everything, 12),
    "rest of kinds": (rest_of_kinds, 4), "every and one": (every_and_one, 6), "if state": (if_state, 26), "ask": (ask, 12), "state": (ask_state, 3), "verify": (verify, 5),
    "if": (cond, 13), "if-else": (cond_else, 18), "alert if": (alarm, 9), "wait": (wait_then, 4), "act and ask": (act_and_ask, 10),
    "log value": (log_value, 1), "compare two": (compare_two, 2), "log": (log, 1), "alert": (alert, 1), "no tool": (no_tool, 15),
    "missing": (missing, 9), "reach": (reach, 17),
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
    elif s.split is Split.TRAIN and s.rng.random() < 0.07:
        text = frames.telegram(s.rng, text)
    return text
