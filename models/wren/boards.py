"""The shipped boards as worlds to train in: `board/pump`, `greenhouse` and `house` from their files,
and the cold room. `add_board` takes a folder of one's own."""

import tomllib
from functools import lru_cache
from pathlib import Path

from coldroom import ColdRoom, door
from plant import load_board, place

FOLDER = Path(__file__).resolve().parents[2] / "board"
BOARDS = ["pump", "greenhouse", "house", "coldroom"]


def add_board(folder):
    """Trains on the board in `folder` too: its `agent.toml`, `plant.toml` and, where there is one, `spoken.toml`."""
    BOARDS.append(str(Path(folder).resolve()))


@lru_cache(maxsize=None)
def system_of(name):
    """The system text of a board's agent."""
    agents = tomllib.loads((FOLDER / name / "agent.toml").read_text())["agent"]
    return next(iter(agents.values()))["system"]


def board_world(rng, name):
    """A board somewhere in its life."""
    jump = rng.choice([0.0, 0.0, 0.3, 0.7, 1.0])
    if name == "coldroom":
        world = draw_cold_room(rng, rng.choice([-18.0, rng.uniform(-25, 10)]))
        world.shown_only = [door(world)]
    else:
        world = load_board(rng, FOLDER / name, jump)
        for quantity in world.quantities.values():
            place(rng, quantity)
        for actuator in world.actuators.values():
            shake(rng, actuator)
    world.system, world.spoken = system_of(name), spoken_of(name)
    world.hints = hints_of(world)
    return world


@lru_cache(maxsize=None)
def spoken_of(name):
    """How people speak of a board's parts; may be missing."""
    path = FOLDER / name / "spoken.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


def shake(rng, actuator):
    """Any state at the start."""
    if actuator.kind == "relay":
        actuator.value = rng.random() < 0.4
    elif actuator.kind == "percent":
        actuator.value = rng.choice([0, 100, rng.randint(0, 100)])
    elif actuator.kind == "setpoint":
        actuator.value = rng.randint(round(actuator.low), round(actuator.high))
    elif actuator.states:
        actuator.value = rng.choice(actuator.states)


WITH = {"raise_with": "raises", "lower_with": "lowers", "set_with": "sets"}


def hints_of(world):
    """What moves what on a board, as its `spoken.toml` says."""
    return [
        (world.actuators[spoken[key]], world.quantities[name], how)
        for name, spoken in world.spoken.items() for key, how in WITH.items() if key in spoken
    ]


def draw_cold_room(rng, target):
    """A cold room for a task with this target; mostly one that gets cold within the expert's patience."""
    start = {
        "air": round(rng.uniform(-30, 30), 1),
        "ice": rng.choice([0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        "compressor": rng.random() < 0.3,
        "fan": rng.choice([0, 0, 30, 100, rng.randint(0, 100)]),
    }
    style = rng.random()
    if style < 0.4:
        room = ColdRoom(rng, start, jump=rng.choice([0.1, 0.5, 1.0]))
        room.door_open = rng.random() < 0.15
        room.door_for = rng.uniform(60, 1000) if room.door_open else 0.0
        room.near = [("air", target)]
    else:
        if style < 0.8:
            start["air"] = round(rng.uniform(-8, 12), 1)
        if style < 0.55:
            start.update(air=rng.choice([2.0, round(rng.uniform(0, 5), 1)]), compressor=False, fan=0)
        door_for = rng.choice([0.0] * 6 + [rng.uniform(60, 300), 1e9])
        room = ColdRoom(rng, start, 0.0, door_for, weak=rng.random() < 0.06, frozen=rng.random() < 0.05)
    room.system = system_of("coldroom")
    return room
