"""The expert that wren imitates: what to do next in the cold room, given all that has happened.

An expert sees results and notices and answers with `Call` or `Answer`. The rules for cooling, from
the first that applies:

1. Error: the same call once more; again an error: alert, then give up with the reason.
   Refused: alert with the reason, then give up.
2. Start or restart: read the room.
3. A defrost runs (said by its result or by a reading): wait for as long as it has left.
4. A defrost has run and its melt water has no antifreeze yet: dose one pulse.
5. The reading is older than the last wait, dose or defrost: read the room.
6. The door is open: alert, wait 120 s, read; after three alarms: give up.
7. The ice has not been compared since the start, a restart, a door alarm or a defrost: compare it
   with 4 mm. Above: defrost 600 s, twice at most, later an alert.
8. Compare the air with the target. Not reached: compressor on, fan to 100, wait 600 s, twelve times
   at most. Reached: compressor off, fan to 30, report.

A defrost whose outcome is unknown is waited for; the ice tells afterwards whether it ran.
"""

import re
from dataclasses import dataclass, field

ICE_LIMIT_MM = 4
DEFROST_S, COOL_S, DOOR_S = 600, 600, 120
DEFROSTS_MAX, COOLS_MAX, DOOR_ALARMS_MAX = 2, 12, 3
FAN_COOL, FAN_IDLE = 100, 30

_READING = re.compile(
    r"air (-?\d+\.\d) C, ice (\d+) mm, door (\w+), compressor (\w+), fan (\d+) percent(?:, defrost (\d+) s left)?"
)


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    text: str


@dataclass
class Reading:
    """The last reading; numbers that are repeated to others stay text, as printed."""

    air: str
    ice: str
    door_open: bool
    compressor_on: bool
    fan: int
    left: int

    @classmethod
    def parse(cls, text):
        air, ice, door, compressor, fan, left = _READING.fullmatch(text).groups()
        return cls(air, ice, door == "open", compressor == "on", int(fan), int(left or 0))


def number(text):
    """A number that is printed the way `text` is."""
    return float(text) if "." in text else int(text)


class Expert:
    """Retries, failures, restarts and readings; what the task needs is added by `plan`."""

    def __init__(self):
        self.reading = None
        self.fresh = False  # the reading is newer than anything that changes the room
        self.restarted = False
        self.melting = 0  # seconds to wait for a defrost
        self.dose_owed = False
        self.defrost_unknown = False
        self.last = None
        self.errors = 0
        self.forced = []  # replies that come next, whatever the room says

    def act(self):
        """The next reply."""
        self.last = self._choose()
        return self.last

    def _choose(self):
        if self.forced:
            return self.forced.pop(0)
        if self.restarted:
            return Call("read_room")
        if self.melting:
            return Call("wait", {"seconds": self.melting})
        if self.dose_owed:
            return Call("dose_antifreeze", {"pulses": 1})
        return self.plan()

    def notice(self):
        """The agent was restarted; the room may have changed."""
        self.restarted, self.fresh, self.errors = True, False, 0
        self.forced, self.melting = [], 0
        self.on_restart()

    def result(self, text):
        """The outcome of the last call."""
        call = self.last
        if text.startswith("error: "):
            self._error(call, text.removeprefix("error: "))
            return
        self.errors = 0
        if text.startswith("refused: "):
            reason = text.removeprefix("refused: ")
            self.forced = [Call("alert", {"text": reason}), Answer(f"refused: {reason}.")]
        elif text.startswith("unknown: "):
            self.fresh = False
            if call.name == "run_defrost":
                self.melting, self.defrost_unknown = call.arguments["seconds"], True
            elif call.name == "dose_antifreeze":
                self.dose_owed = False
            self.on_unknown(call)
        else:
            self._done(call, text)
            self.on_done(call, text)

    def _error(self, call, reason):
        self.errors += 1
        if self.errors == 1:
            self.forced = [call] + self.forced
            return
        self.errors = 0
        answer = Answer(f"{call.name} fails: {reason}.")
        self.forced = [answer] if call.name == "alert" else [Call("alert", {"text": f"{call.name} fails"}), answer]

    def _done(self, call, text):
        if call.name == "read_room":
            self.reading, self.fresh, self.restarted = Reading.parse(text), True, False
            if self.reading.left:
                self.melting = self.reading.left
                self.dose_owed |= self.defrost_unknown
                self.defrost_unknown = False
        elif call.name == "run_defrost":
            self.melting, self.dose_owed, self.fresh = call.arguments["seconds"], True, False
            self.defrost_unknown = False
        elif call.name == "wait":
            self.melting, self.fresh = 0, False
        elif call.name == "dose_antifreeze":
            self.dose_owed, self.fresh = False, False

    def plan(self):
        raise NotImplementedError

    def on_restart(self):
        """For a task's own state."""

    def on_unknown(self, call):
        """For a task's own state."""

    def on_done(self, call, text):
        """For a task's own state."""


class Bring(Expert):
    """Bring the room to a temperature and report."""

    def __init__(self, target):
        super().__init__()
        self.target = target  # as the task prints it
        self.door_alarms = self.defrosts = self.cools = 0
        self.ice_known = self.ice_high = False
        self.reached = None

    def plan(self):
        if not self.fresh:
            return Call("read_room")
        reading = self.reading
        if reading.door_open:
            return self._door(reading)
        if not self.ice_known:
            return Call("compare", {"value": number(reading.ice), "operator": ">", "limit": ICE_LIMIT_MM})
        if self.ice_high:
            return self._ice()
        if self.reached is None:
            return Call("compare", {"value": number(reading.air), "operator": "<=", "limit": number(self.target)})
        return self._finish(reading) if self.reached else self._cool(reading)

    def _door(self, reading):
        if self.door_alarms >= DOOR_ALARMS_MAX:
            return Answer(f"The door is open and the air is at {reading.air} C. The room cannot be cooled.")
        self.door_alarms += 1
        self.ice_known = False
        self.forced = [Call("wait", {"seconds": DOOR_S})]
        return Call("alert", {"text": "the cold room door is open"})

    def _ice(self):
        self.ice_high = False
        if self.defrosts >= DEFROSTS_MAX:
            return Call("alert", {"text": "the defrost does not melt the ice"})
        self.ice_known = False
        return Call("run_defrost", {"seconds": DEFROST_S})

    def _cool(self, reading):
        if self.cools >= COOLS_MAX:
            sorry = f"The cold room is at {reading.air} C and does not reach {self.target} C."
            self.forced = [Answer(sorry)]
            return Call("alert", {"text": "the cold room does not get cold"})
        if not reading.compressor_on:
            return Call("set_compressor", {"on": True})
        if reading.fan != FAN_COOL:
            return Call("set_fan", {"percent": FAN_COOL})
        return Call("wait", {"seconds": COOL_S})

    def _finish(self, reading):
        if reading.compressor_on:
            return Call("set_compressor", {"on": False})
        if reading.fan != FAN_IDLE:
            return Call("set_fan", {"percent": FAN_IDLE})
        return Answer(f"The cold room is at {reading.air} C.")

    def on_restart(self):
        self.ice_known, self.ice_high, self.reached = False, False, None

    def on_unknown(self, call):
        self.ice_known, self.reached = self.ice_known and call.name != "run_defrost", None

    def on_done(self, call, text):
        if call.name == "read_room":
            self.reached = None
        elif call.name == "run_defrost":
            self.defrosts += 1
        elif call.name == "set_compressor":
            self.reading.compressor_on = call.arguments["on"]
        elif call.name == "set_fan":
            self.reading.fan = call.arguments["percent"]
        elif call.name == "wait" and call.arguments["seconds"] == COOL_S and self.reached is False:
            self.cools += 1
        elif call.name == "compare" and call.arguments["operator"] == ">":
            self.ice_known, self.ice_high = True, text == "true"
            self.dose_owed, self.defrost_unknown = self.defrost_unknown and not self.ice_high, False
        elif call.name == "compare":
            self.reached = text == "true"


class Steps(Expert):
    """A short task: fixed calls in order, then whatever `ask` makes of the reading and the results.

    After a restart the room is read; where `undone` then says so, the steps are done again.
    """

    def __init__(self, steps, ask, undone=None):
        super().__init__()
        self.steps, self.todo, self.ask, self.undone = steps, list(steps), ask, undone
        self.results = {}
        self.in_doubt = None

    def plan(self):
        if self.in_doubt and not self.fresh:
            return Call("read_room")
        if self.in_doubt and "dose_antifreeze" not in self.results:
            return Answer(f"It is unknown whether {self.in_doubt} ran.")
        if self.todo:
            return self.todo[0]
        return self.ask(self)

    def on_restart(self):
        self.results.pop("compare", None)

    def on_unknown(self, call):
        self.todo, self.in_doubt, self.melting = [], call.name, 0

    def on_done(self, call, text):
        self.results[call.name] = text
        if self.todo and call.name == self.todo[0].name:
            self.todo.pop(0)
        elif call.name == "read_room" and self.undone and self.undone(self.reading):
            self.todo = list(self.steps)
