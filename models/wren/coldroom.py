"""The cold room of `board/coldroom`: its world, and the expert that brings it to a temperature.

The rules for cooling, from the first that applies to a fresh reading:

1. A defrost runs: wait for as long as it has left.
2. A defrost has run and its melt water has no antifreeze yet: dose one pulse.
3. The door is open: alert, wait 120 s; after three alarms give up.
4. The ice has not been compared since the start, a door alarm or a defrost: compare it with 4 mm.
   Above: defrost 600 s, twice at most, later an alert.
5. Compare the air with the target. Not reached: compressor on, fan to 100, wait 600 s, twelve times
   at most. Reached: compressor off, fan to 30, report.

A defrost whose outcome is unknown is waited for; the ice tells afterwards whether it ran.
"""

from plant import BUILT_IN, Actuator, Quantity, World, call, function, place, wire
from policy import GiveUp, compare, is_unknown, wait

ICE_LIMIT_MM = 4
DEFROST_S, COOL_S, DOOR_S = 600, 600, 120
DEFROSTS_MAX, COOLS_MAX, DOOR_ALARMS_MAX = 2, 12, 3
FAN_COOL, FAN_IDLE = 100, 30

AMBIENT_C, COLD_C = 20.0, -24.0
LEAK_S, OPEN_S, PULL_S = 8 * 3600.0, 20 * 60.0, 20 * 60.0
ICE_MM_MAX = 15
READ = call("read_room")


class ColdRoom(World):
    """Air, ice, a door, and what moves them. `door_for` seconds later the door closes; a `weak` room
    never gets cold; `frozen` ice does not melt."""

    def __init__(self, rng, start, jump=0.0, door_for=0.0, weak=False, frozen=False):
        air = Quantity("air", "air", "C", 1, -32.0, 32.0, start["air"], read=READ)
        ice = Quantity("ice", "ice", "mm", 0, 0.0, ICE_MM_MAX, start["ice"], read=READ)
        compressor = Actuator("compressor", "compressor", "relay", start["compressor"], "compressor", read=READ)
        fan = Actuator("fan", "fan", "percent", start["fan"], "fan", read=READ)
        defrost = Actuator("defrost", "defrost", "timed", 0, "defrost", read=READ)
        pump = Actuator("antifreeze", "antifreeze", "pulses", 0, "antifreeze")
        tools = [
            function("read_room", "read air, ice, door, compressor and fan of the cold room", {}),
            wire(compressor),
            function("set_fan", "set the fan speed", wire(fan)["function"]["parameters"]["properties"]),
            function("run_defrost", "run the defrost heater", wire(defrost)["function"]["parameters"]["properties"]),
            function("dose_antifreeze", "dose antifreeze into the drain pan", {"pulses": {"type": "integer"}}),
            *BUILT_IN,
        ]
        defrost.result = lambda value: f"defrost started for {value} seconds"
        pump.setter = lambda value: call("dose_antifreeze", pulses=value)
        pump.result = self._dosed
        self.door_for, self.weak, self.frozen = door_for, weak, frozen
        self.door_open, self.door_share = door_for > 0, rng.choice([0.0, 0.0, 0.1, 0.5])
        self.counter, self.doses = rng.randint(0, 90), 0
        self.air, self.ice, self.compressor, self.fan, self.defrost = air, ice, compressor, fan, defrost
        super().__init__(rng, "coldroom", [air, ice], [compressor, fan, defrost, pump], tools, jump)

    def _dosed(self, pulses):
        return f"dosed {pulses} pulse{'' if pulses == 1 else 's'}, counter {self.counter}"

    def reading(self, _):
        text = (
            f"air {self.air.spoken()}, ice {self.ice.spoken()}, door {'open' if self.door_open else 'closed'}, "
            f"compressor {self.compressor.word()}, fan {self.fan.word()}"
        )
        return text + f", defrost {self.defrost.word()}" if self.defrost.left_s > 0 else text

    def move(self, actuator, value):
        if actuator.kind == "pulses":
            self.counter, self.doses = self.counter + value, self.doses + value
        elif actuator is self.defrost:
            self.compressor.value = False
        return super().move(actuator, value)

    def _flow(self, seconds):
        air, ice = self.air.value, self.ice.value
        rate = (AMBIENT_C - air) / LEAK_S
        if self.door_open:
            rate += (AMBIENT_C - air) / OPEN_S
            self.door_for -= seconds
            self.door_open = self.door_for > 0
        if self.defrost.left_s > 0:
            self.defrost.left_s = max(0.0, self.defrost.left_s - seconds)
            rate += 0.05 / 60
            ice -= 0.0 if self.frozen else seconds / 60
        elif self.compressor.value:
            power = (0.35 + 0.65 * self.fan.value / 100) / (1 + ice / 20)
            rate += (COLD_C - air) / PULL_S * power * (0.2 if self.weak else 1)
            ice += seconds * 0.2 / 3600 * (5 if self.door_open else 1)
        self.ice.value = min(ICE_MM_MAX, max(0.0, ice))
        self.air.value = air + rate * seconds

    def _jump(self):
        rng = self.rng
        if rng.random() < self.jump:
            place(rng, self.air, dict(self.near).get("air"))
        if rng.random() < self.jump:
            self.ice.value = rng.choice([rng.randint(0, 4), rng.randint(0, 6), rng.randint(0, ICE_MM_MAX)])
        if rng.random() < self.jump:
            self.door_open = rng.random() < self.door_share
            self.door_for = rng.uniform(60, 1000) if self.door_open else 0.0
        if rng.random() < self.jump:
            self.compressor.value = rng.random() < 0.5 and self.defrost.left_s == 0
        if rng.random() < self.jump:
            self.fan.value = rng.choice([0, 30, 100, 100, rng.randint(0, 100)])

    def restart(self, away_s):
        self.advance(away_s)
        was_on, self.compressor.value = self.compressor.value, False
        return "notice: restarted; compressor set to off" if was_on else "notice: restarted"


def door(room):
    """The door as something that can be asked for."""
    return Door(room)


class Door:
    label, name, read = "door", "door", READ

    def __init__(self, room):
        self.room = room

    def word(self):
        return "open" if self.room.door_open else "closed"


def bringing(room, target):
    """Brings the cold room to `target`, a number as the task prints it, and reports."""

    def script(x):
        notes = x.notes
        ice_known = False
        while True:
            yield READ
            air, ice = room.air.shown(), room.ice.shown()
            left_s = max(1, round(room.defrost.left_s)) if room.defrost.left_s > 0 else 0
            if left_s:
                notes["owed"] = notes.pop("doubt", False) or notes.get("owed", False)
                yield from wait(x, left_s)
                yield from dose_owed(notes)
                continue
            if notes.get("owed"):
                yield from dose_owed(notes)
                continue
            if room.door_open:
                yield from door_alarm(x, notes, air)
                ice_known = False
                continue
            if not ice_known:
                high, ice_known = (yield from compare(x, ice, ">", str(ICE_LIMIT_MM))), True
                if notes.pop("doubt", False) and not high:
                    notes["owed"] = True
                    yield from dose_owed(notes)
                    continue
                if high and (yield from defrost(x, notes)):
                    ice_known = False
                    continue
            if (yield from compare(x, air, "<=", target)):
                return (yield from finish(x, room, air))
            sorry = yield from cool(x, room, notes, air, target)
            if sorry:
                return sorry

    return script


def dose_owed(notes):
    if notes.get("owed"):
        yield call("dose_antifreeze", pulses=1)
        notes["owed"] = False


def door_alarm(x, notes, air):
    if notes.get("alarms", 0) >= DOOR_ALARMS_MAX:
        raise GiveUp(f"The door is open and the air is at {air} C. The room cannot be cooled.")
    yield call("alert", text="the cold room door is open")
    notes["alarms"] = notes.get("alarms", 0) + 1
    yield from wait(x, DOOR_S)


def defrost(x, notes):
    """Defrosts and doses; False where that was done often enough."""
    if notes.get("defrosts", 0) >= DEFROSTS_MAX:
        yield call("alert", text="the defrost does not melt the ice")
        return False
    text = yield call("run_defrost", seconds=DEFROST_S)
    notes["defrosts"] = notes.get("defrosts", 0) + (not is_unknown(text))
    notes["doubt" if is_unknown(text) else "owed"] = True
    yield from wait(x, DEFROST_S)
    yield from dose_owed(notes)
    return True


def cool(x, room, notes, air, target):
    """Cools for ten minutes; what to say where that was done often enough."""
    if notes.get("cools", 0) >= COOLS_MAX:
        yield call("alert", text="the cold room does not get cold")
        return f"The cold room is at {air} C and does not reach {target} C."
    if not room.compressor.value:
        yield call("set_compressor", on=True)
    if room.fan.value != FAN_COOL:
        yield call("set_fan", percent=FAN_COOL)
    yield from wait(x, COOL_S)
    notes["cools"] = notes.get("cools", 0) + 1
    return None


def finish(x, room, air):
    if room.compressor.value:
        yield call("set_compressor", on=False)
    if room.fan.value != FAN_IDLE:
        yield call("set_fan", percent=FAN_IDLE)
    return f"The cold room is at {air} C."
