"""Cold rooms that answer the tools: one with physics, one that jumps about.

`Physics` follows the simulated board. `Jumpy` shows the model readings in every order and mixture,
so that what it learns is to read them, not how they usually go on.
"""

AMBIENT_C, COLD_C = 20.0, -24.0
LEAK_S, DOOR_S, PULL_S = 8 * 3600.0, 20 * 60.0, 20 * 60.0
STEP_S = 10.0
ICE_MAX = 15


class Room:
    """State and tools that both kinds of room share. Errors, refusals and restarts come from outside."""

    def __init__(self, rng, air=2.0, ice=6.0, door=False, compressor=False, fan=0):
        self.rng = rng
        self.air, self.ice, self.door = air, ice, door
        self.compressor, self.fan, self.defrost_left = compressor, fan, 0.0
        self.doses, self.defrosts = 0, 0
        self.counter = rng.randint(0, 90)

    def reading(self):
        text = (
            f"air {self.air + 0.0:.1f} C, ice {round(self.ice)} mm, door {'open' if self.door else 'closed'}, "
            f"compressor {'on' if self.compressor else 'off'}, fan {self.fan} percent"
        )
        text = text.replace("air -0.0", "air 0.0")
        if self.defrost_left > 0:
            text += f", defrost {max(1, round(self.defrost_left))} s left"
        return text

    def call(self, name, arguments):
        """Carries out a call and returns the result text."""
        return getattr(self, "do_" + name)(**arguments)

    def do_read_room(self):
        self.advance(self.rng.uniform(0, 5))
        return self.reading()

    def do_set_compressor(self, on):
        self.compressor = on
        return f"compressor is {'on' if on else 'off'}"

    def do_set_fan(self, percent):
        self.fan = percent
        return f"fan is at {percent} percent"

    def do_run_defrost(self, seconds):
        self.defrost_left = float(seconds)
        self.compressor = False
        self.defrosts += 1
        return f"defrost started for {seconds} seconds"

    def do_dose_antifreeze(self, pulses):
        self.doses += pulses
        self.counter += pulses
        return f"dosed {pulses} pulse{'' if pulses == 1 else 's'}, counter {self.counter}"

    def do_compare(self, value, operator, limit):
        holds = {
            "<": value < limit,
            "<=": value <= limit,
            ">": value > limit,
            ">=": value >= limit,
            "==": value == limit,
        }
        return "true" if holds[operator] else "false"

    def do_wait(self, seconds):
        self.advance(seconds)
        return f"waited {seconds} seconds"

    def do_log(self, text):
        return "logged"

    def do_alert(self, text):
        return "alert sent"

    def restart(self, seconds):
        """The agent was away for some time; its boot switches the compressor off. Returns the notice."""
        self.advance(seconds)
        was_on, self.compressor = self.compressor, False
        return "notice: restarted; compressor set to off" if was_on else "notice: restarted"

    def advance(self, seconds):
        raise NotImplementedError


class Physics(Room):
    """The board's physics, roughly. `door_for` seconds later the door closes; `weak` never gets cold;
    `frozen` ice does not melt."""

    def __init__(self, rng, door_for=0.0, weak=False, frozen=False, **start):
        super().__init__(rng, door=door_for > 0, **start)
        self.door_for, self.weak, self.frozen = door_for, weak, frozen

    def advance(self, seconds):
        while seconds > 0:
            step = min(STEP_S, seconds)
            seconds -= step
            self._step(step)

    def _step(self, step):
        rate = (AMBIENT_C - self.air) / LEAK_S
        if self.door:
            rate += (AMBIENT_C - self.air) / DOOR_S
            self.door_for -= step
            self.door = self.door_for > 0
        if self.defrost_left > 0:
            self.defrost_left = max(0.0, self.defrost_left - step)
            rate += 0.05 / 60
            if not self.frozen:
                self.ice = max(0.0, self.ice - step / 60)
        elif self.compressor:
            power = (0.35 + 0.65 * self.fan / 100) / (1 + self.ice / 20)
            rate += (COLD_C - self.air) / PULL_S * power * (0.2 if self.weak else 1)
            self.ice = min(ICE_MAX, self.ice + step * 0.2 / 3600 * (5 if self.door else 1))
        self.air += rate * step


class Jumpy(Room):
    """Anything may read anything after time has passed; `sticky` is the chance that a part stays."""

    def __init__(self, rng, target, sticky, door_share, ice_share, **start):
        super().__init__(rng, **start)
        self.target, self.sticky = target, sticky
        self.door_share, self.ice_share = door_share, ice_share
        self._jump(0.0)

    def advance(self, seconds):
        self.defrost_left = max(0.0, self.defrost_left - seconds)
        if seconds >= 60:
            self._jump(self.sticky)

    def _jump(self, sticky):
        rng = self.rng
        if rng.random() >= sticky:
            near = rng.random()
            if near < 0.5:
                self.air = self.target + rng.uniform(-3, 6)
            elif near < 0.6:
                self.air = self.target + rng.choice([-0.1, 0, 0.1])
            else:
                self.air = rng.uniform(-32, 32)
            if rng.random() < 0.1:
                self.air = round(self.air)
        if rng.random() >= sticky:
            self.ice = rng.randint(5, ICE_MAX) if rng.random() < self.ice_share else rng.randint(0, 4)
        if rng.random() >= sticky:
            self.door = rng.random() < self.door_share
        if rng.random() >= sticky:
            self.compressor = rng.random() < 0.5 and self.defrost_left == 0
        if rng.random() >= sticky:
            self.fan = rng.choice([0, 30, 100, 100, rng.randint(0, 100)])
