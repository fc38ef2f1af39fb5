"""The expert that wren imitates. A script is a generator: it yields calls, gets result texts, and
returns the answer; what goes wrong on the way is dealt with here, the same for every script.

- `error:` the same call once more; again an error: alert, if there is such a tool, and give up.
- `refused:` alert with the reason, give up.
- `unknown:` a script reads back what can be read, and otherwise says so.
- A restart begins the script anew, so that the world is read again; `Expert.notes` outlives it.
"""

from dataclasses import dataclass

from plant import Call, call

STEP_S, WAITS_MAX = 600, 12


@dataclass(frozen=True)
class Answer:
    """The end of a task, in words."""

    text: str


class GiveUp(Exception):
    """Ends a script with an answer."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


def number(text):
    """A number that JSON prints the way `text` is."""
    return float(text) if "." in text else int(text)


class Expert:
    """One task's expert. `act` says the next reply, `result` and `notice` tell it what came of it."""

    def __init__(self, world, script):
        self.world, self.script = world, script
        self.notes = {}
        self.forced = []
        self.last, self.errors, self.received = None, 0, None
        self.running = None

    def act(self):
        """The next reply: a `Call` or an `Answer`."""
        self.last = self.forced.pop(0) if self.forced else self._next()
        return self.last

    def _next(self):
        try:
            if self.running is None:
                self.running = self.script(self)
                return next(self.running)
            received, self.received = self.received, None
            return self.running.send(received)
        except StopIteration as end:
            return Answer(end.value)
        except GiveUp as end:
            return Answer(end.text)

    def result(self, text):
        """The outcome of the last call."""
        if text.startswith("error: "):
            self._error(text.removeprefix("error: "))
        elif text.startswith("refused: "):
            reason = text.removeprefix("refused: ")
            self._end(reason, Answer(f"Refused: {reason}."))
        else:
            self.errors = 0
            if not self.forced:
                self.received = text

    def _error(self, reason):
        self.errors += 1
        if self.errors == 1:
            self.forced = [self.last, *self.forced]
            return
        self.errors = 0
        name = self.last.name
        self._end(None if name == "alert" else f"{name} fails", Answer(f"{name} fails: {reason}."))

    def _end(self, alert, answer):
        alerts = [call("alert", text=alert)] if alert and self.world.has("alert") else []
        self.forced = [*alerts, answer]

    def notice(self):
        """The agent was restarted; the world may have changed."""
        if self.running is not None and self.received is not None:
            # The script notes what came of its last call; what it would do next is forgotten.
            try:
                self.running.send(self.received)
            except (StopIteration, GiveUp):
                pass
        self.running, self.received, self.forced, self.errors = None, None, [], 0


def is_unknown(text):
    return text.startswith("unknown: ")


# Steps of scripts


def read(x, part):
    """Reads what shows `part`; returns a quantity's number or an actuator's state as shown."""
    yield part.read
    return part.shown() if hasattr(part, "shown") else part.word()


def compare(x, value, operator, limit):
    """Whether it holds, asked of the tool; both numbers as texts."""
    return (yield call("compare", value=number(value), operator=operator, limit=number(limit))) == "true"


def wait(x, seconds):
    yield call("wait", seconds=seconds)


def alert(x, text):
    yield call("alert", text=text)


def do(x, action):
    """Carries out `(actuator, value)`; returns the result's text."""
    actuator, value = action
    wanted = actuator.setter(value)
    if actuator.kind in ("timed", "pulses"):
        return (yield from do_once(x, wanted))
    text = yield wanted
    if is_unknown(text):
        if actuator.read:
            yield actuator.read
            if actuator.value == value:
                return actuator.result(value)
        text = yield wanted
    return text


def do_once(x, wanted):
    """A call that must not be made twice: what was done before a restart stays done."""
    done = x.notes.setdefault("done", {})
    if wanted in done:
        return done[wanted]
    text = yield wanted
    if is_unknown(text):
        raise GiveUp(f"It is unknown whether {wanted.name} ran.")
    done[wanted] = text
    return text


def do_all(x, actions):
    results = []
    for action in actions:
        results.append((yield from do(x, action)))
    return ", ".join(results)


# Scripts


def acting(actions):
    def script(x):
        return f"Done: {(yield from do_all(x, actions))}."

    return script


def asking(part):
    def script(x):
        shown = yield from read(x, part)
        return f"The {part.label} is {part.spoken() if hasattr(part, 'spoken') else shown}."

    return script


def verifying(action):
    actuator, value = action

    def script(x):
        yield from do(x, action)
        shown = yield from read(x, actuator)
        if shown == actuator.word(value):
            return f"Checked: {actuator.label} is {shown}."
        return f"Not done: {actuator.label} is {shown}."

    return script


def judge(x, quantity, operator, limit):
    """Reads and compares; returns (the reading with its unit, whether it holds)."""
    shown = yield from read(x, quantity)
    spoken = quantity.spoken()
    return spoken, (yield from compare(x, shown, operator, limit))


def conditional(quantity, operator, limit, actions, otherwise=()):
    def script(x):
        spoken, holds = yield from judge(x, quantity, operator, limit)
        chosen = actions if holds else otherwise
        if not chosen:
            return f"The {quantity.label} is {spoken}, nothing was done."
        return f"The {quantity.label} is {spoken}. Done: {(yield from do_all(x, chosen))}."

    return script


def if_is(part, state, actions):
    """Acts where a part is in a state; alerts where there are no actions."""

    def script(x):
        shown = yield from read(x, part)
        is_so = f"The {part.label} is {shown}"
        if shown != state:
            return f"{is_so}, no alert was needed." if actions is None else f"{is_so}, nothing was done."
        if actions is None:
            yield from alert(x, f"{part.label} is {shown}")
            return f"{is_so}, the alert is sent."
        return f"{is_so}. Done: {(yield from do_all(x, actions))}."

    return script


def alert_if(quantity, operator, limit, first_wait=0):
    def script(x):
        if first_wait and not x.notes.get("waited"):
            yield from wait(x, first_wait)
            x.notes["waited"] = True
        spoken, holds = yield from judge(x, quantity, operator, limit)
        if not holds:
            return f"The {quantity.label} is {spoken}, no alert was needed."
        yield from alert(x, f"{quantity.label} is {spoken}")
        return f"The {quantity.label} is {spoken}, the alert is sent."

    return script


def waiting(seconds, then):
    def script(x):
        if not x.notes.get("waited"):
            yield from wait(x, seconds)
            x.notes["waited"] = True
        if then is None:
            return f"Waited {seconds} seconds."
        return (yield from then(x))

    return script


def in_turn(*scripts):
    """Several tasks after each other; the answers make one."""

    def script(x):
        answers = []
        for part in scripts:
            answers.append((yield from part(x)))
        return " ".join(answers)

    return script


def comparing(first, second):
    def script(x):
        one = yield from read(x, first)
        two = second.shown() if second.read == first.read else (yield from read(x, second))
        higher = yield from compare(x, one, ">", two)
        word = "higher" if higher else "not higher"
        return f"The {first.label} is {with_unit(one, first)}, {word} than the {second.label} at {with_unit(two, second)}."

    return script


def with_unit(shown, quantity):
    return f"{shown} {quantity.unit}" if quantity.unit else shown


def logging_value(quantity):
    def script(x):
        yield from read(x, quantity)
        text = f"{quantity.label} {quantity.spoken()}"
        yield call("log", text=text)
        return f"Logged: {text}."

    return script


def telling(tool, text):
    said = {"log": "Logged.", "alert": "The alert is sent."}[tool]

    def script(x):
        yield call(tool, text=text)
        return said

    return script


def saying(text):
    def script(x):
        return text
        yield

    return script


NO_TOOL = "I have no tool for that."


def reaching(quantity, target, operator, actuator, on, off):
    """Moves a quantity to a target: reads, compares, acts and waits until it is there.

    `off` is what the actuator is set to at the end, or None where it stays."""

    def script(x):
        seen = actuator.read == quantity.read  # the reading shows the actuator too
        state = None
        for _ in range(WAITS_MAX):
            shown = yield from read(x, quantity)
            spoken, state = quantity.spoken(), actuator.value if seen else state
            if (yield from compare(x, shown, operator, target)):
                if off is not None and (state != off if seen else x.notes.get("on")):
                    yield from do(x, (actuator, off))
                return f"The {quantity.label} is {spoken}."
            if actuator.kind == "timed":
                yield actuator.setter(on)
            elif state != on:
                yield from do(x, (actuator, on))
                state, x.notes["on"] = on, True
            yield from wait(x, STEP_S)
        target_text = with_unit(target, quantity)
        if x.world.has("alert"):
            yield from alert(x, f"the {quantity.label} does not reach {target_text}")
        return f"The {quantity.label} is {spoken} and does not reach {target_text}."

    return script
