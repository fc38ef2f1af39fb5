"""The shipped boards' ten tasks in the wording of their `tasks.toml`: what wren has to do without fail.

Only `text` is trained on. The `unseen` wordings are for measuring: they are read here to keep out of
training what happens to be worded like one of them.
"""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from policy import NO_TOOL, acting, alert_if, asking, conditional, if_is, in_turn, reaching, saying, waiting

FOLDER = Path(__file__).resolve().parents[2] / "board"


def _tasks(board):
    return tomllib.loads((FOLDER / board / "tasks.toml").read_text())["task"]


@lru_cache(maxsize=None)
def texts(board):
    """Task id -> wording."""
    return {task["id"]: task["text"] for task in _tasks(board)}


def _plain(text):
    return " ".join(re.findall(r"[a-z0-9.-]*[a-z0-9]", text.lower()))


@lru_cache(maxsize=None)
def _measured():
    return {_plain(text) for board in SCRIPTS for task in _tasks(board) for text in task["unseen"]}


def is_measured(request):
    """Whether a request says the same words as one that wren is measured on."""
    return _plain(request) in _measured()


class Parts:
    """A board's parts by name, and the scripts of tasks over them."""

    def __init__(self, speaker):
        self.speaker, self.world = speaker, speaker.world
        self.actuators, self.quantities = self.world.actuators, self.world.quantities

    def set(self, **values):
        return acting(self.actions(**values))

    def actions(self, **values):
        """Actuators with their values, in the order given."""
        return [(self.actuators[name], value) for name, value in values.items()]

    def ask(self, name):
        return asking(self.quantities[name])

    def limit(self, name, text):
        """A quantity, read somewhere around a number."""
        quantity = self.quantities[name]
        self.speaker.near(quantity, text)
        return quantity

    def when(self, name, operator, text, actions, otherwise=()):
        return conditional(self.limit(name, text), operator, text, actions, otherwise)

    def watch(self, name, operator, text, seconds):
        return alert_if(self.limit(name, text), operator, text, seconds)

    def then(self, seconds, name, **values):
        return in_turn(self.set(**values), waiting(seconds, self.ask(name)))

    def reach(self, name, text, mover, on, off):
        quantity = self.limit(name, text)
        quantity.value = max(quantity.low, round(float(text) - self.speaker.rng.choice([0, 1, 3, 8]), quantity.digits))
        return reaching(quantity, text, ">=", self.actuators[mover], on, off)

    def which(self, *names):
        return saying(f"Which one: {' or '.join(self.actuators[name].label for name in names)}?")


# Only what the cold room's own expert does not do: `cool` is in `coldroom.py`.
SCRIPTS = {
    "coldroom": {
        "ask_ice": lambda p: p.ask("ice"),
        "set_fan": lambda p: p.set(fan=60),
        "compressor_and_fan_off": lambda p: p.set(compressor=False, fan=0),
        "off_but_fan": lambda p: p.set(compressor=False),
        "defrost_if_iced": lambda p: p.when("ice", ">", "4", p.actions(defrost=600, antifreeze=1)),
        "compressor_if_warm": lambda p: p.when("air", ">", "-15", p.actions(compressor=True), p.actions(compressor=False)),
        "watch_air": lambda p: p.watch("air", ">", "-10", 600),
        "defrost_report": lambda p: p.then(300, "ice", defrost=300),
        "no_tool": lambda p: saying(NO_TOOL),
    },
    "pump": {
        "fill_tank": lambda p: p.reach("tank_level", "80", "pump_north", True, False),
        "close_valves": lambda p: p.set(inlet_valve="closed", outlet_valve="closed"),
        "stop_all_but_north": lambda p: p.set(pump_south=False, inlet_valve="closed", outlet_valve="closed"),
        "ask_chlorine": lambda p: p.ask("chlorine"),
        "sump_high": lambda p: p.when("sump_level", ">", "70", p.actions(pump_north=True), p.actions(pump_north=False)),
        "pressure_low": lambda p: p.when("pressure", "<", "2.0", p.actions(pump_south=True)),
        "watch_tank": lambda p: p.watch("tank_level", "<", "40", 600),
        "dose_chlorine": lambda p: p.then(300, "chlorine", dosing=300),
        "no_tool": lambda p: saying(NO_TOOL),
        "which_valve": lambda p: p.which("inlet_valve", "outlet_valve"),
    },
    "greenhouse": {
        "heat_air": lambda p: p.reach("air", "22", "heater", True, False),
        "set_fan": lambda p: p.set(fan=40),
        "heater_and_lamps_off": lambda p: p.set(heater=False, lamps=False),
        "off_but_lamps": lambda p: p.set(heater=False, fan=0, roof_vent="closed"),
        "ask_soil": lambda p: p.ask("soil"),
        "hot_vent": lambda p: p.when("air", ">", "26", p.actions(roof_vent="open"), p.actions(roof_vent="closed")),
        "dry_soil": lambda p: p.when("soil", "<", "30", p.actions(irrigation=600)),
        "watch_air": lambda p: p.watch("air", "<", "15", 1200),
        "lamps_verify": lambda p: p.then(600, "light", lamps=True),
        "no_tool": lambda p: saying(NO_TOOL),
    },
    "house": {
        "warm_living_room": lambda p: p.reach("living_room", "21", "heating", 21, None),
        "lock_front_door": lambda p: p.set(front_door="locked"),
        "lights_off": lambda p: p.set(kitchen_light=False, hall_light=False, bedroom_light=False, garage_door="closed"),
        "lights_but_hall": lambda p: p.set(kitchen_light=False, bedroom_light=False),
        "ask_outside": lambda p: p.ask("outside"),
        "cold_outside": lambda p: p.when("outside", "<", "5", p.actions(heating=22), p.actions(heating=19)),
        "garage_open": lambda p: if_is(p.actuators["garage_door"], "open", None),
        "watch_bedroom": lambda p: p.watch("bedroom", "<", "18", 600),
        "heating_verify": lambda p: p.then(1200, "bedroom", heating=20.5),
        "which_light": lambda p: p.which("kitchen_light", "hall_light", "bedroom_light"),
    },
}


def shipped_task(speaker, board):
    """One of a board's tasks: `(kind, request, script)`."""
    name = speaker.rng.choice(list(SCRIPTS[board]))
    return f"shipped: {board} {name}", texts(board)[name], SCRIPTS[board][name](Parts(speaker))
