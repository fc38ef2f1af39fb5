"""The shipped boards as worlds to train in: `board/pump`, `greenhouse` and `house` from their files,
and the cold room."""

import tomllib
from functools import lru_cache
from pathlib import Path

from coldroom import ColdRoom, door
from plant import load_board, place

# How people speak of a board's parts, beyond their labels. `names` stand for the label, `act` says what
# is done with an actuator (by state, or always), `up` and `down` move a quantity.
SPOKEN = {
    "pump": {
        "tank_level": {
            "names": ["tank", "water in the tank", "tank fill", "level of the tank", "water tank"],
            "up": ["fill {q} to {n}", "fill {q} [up] until it is at {n}", "top {q} up to {n}", "fill up {q} to {n} [and report]", "pump {q} up to {n}", "we need {n} in {q}"],
            "down": ["drain {q} to {n}", "let {q} down to {n}", "empty {q} to {n}", "let water out until {q} is at {n}"],
        },
        "sump_level": {
            "names": ["sump", "water in the sump", "level of the sump", "sump water"],
            "down": ["empty {q} to {n}", "pump {q} down to {n}", "drain {q} [down] to {n}", "pump out {q} until it is at {n}", "empty {q} until {n}", "get the water in the sump down to {n}"],
        },
        "pressure": {"names": ["water pressure", "line pressure", "pressure in the line"], "up": ["(bring|get) {q} up to {n}", "build up {n} of {q}", "pump until {q} is {n}"]},
        "chlorine": {
            "names": ["chlorine level", "chlorine content", "chlorine in the water"],
            "up": ["chlorinate to {n}", "dose until {q} is {n}", "dose chlorine up to {n}"],
        },
        "pump_north": {"names": ["north pump", "northern pump", "pump in the north", "tank pump"]},
        "pump_south": {"names": ["south pump", "southern pump", "pump in the south", "pressure pump"]},
        "inlet_valve": {"names": ["inlet", "inlet valve", "valve at the inlet"]},
        "outlet_valve": {"names": ["outlet", "outlet valve", "valve at the outlet"]},
        "dosing": {
            "names": ["chlorine dosing", "chlorine doser", "dosing pump", "dosing"],
            "act": ["dose for {n}", "dose chlorine for {n}", "dose {n}", "chlorinate for {n}", "add chlorine for {n}", "do {n} of chlorine", "let it dose for {n}", "run the chlorine for {n}", "{n} of chlorine"],
        },
    },
    "greenhouse": {
        "air": {
            "names": ["air temperature", "temperature", "greenhouse temperature", "air", "temperature in here", "greenhouse"],
            "up": ["(heat|warm) the greenhouse [up] to {n}", "(heat|warm) it up to {n}", "(heat|warm) {q} to {n} [and report]", "make it {n} warm in here", "heat until {q} is {n}", "(heat|warm) up the air to {n}", "we need it warmer, {n}", "heat up to {n}"],
            "down": ["(cool|air) the greenhouse [down] to {n}", "cool it down to {n}", "cool {q} to {n} [and report]", "vent until {q} is {n}", "cool down to {n}", "air it until {q} is {n}", "(let|get) the heat out until it is {n}"],
        },
        "humidity": {
            "names": ["air humidity", "humidity of the air", "moisture of the air", "damp"],
            "down": ["dry the air to {n}", "dry the greenhouse to {n} humidity", "(bring|get) {q} down to {n}", "blow until {q} is {n}", "dry it until {q} is {n}", "ventilate until {q} is {n}"],
        },
        "soil": {
            "names": ["soil moisture", "soil", "moisture of the soil", "ground", "beds"],
            "up": ["water the (plants|beds|soil) until {q} is {n}", "(irrigate|water) to {n}", "water {q} to {n}", "irrigate until {q} is at {n}", "wet {q} to {n}", "give water until {q} has {n}"],
        },
        "light": {
            "names": ["light level", "brightness", "light", "daylight"],
            "up": ["light up to {n}", "make it {n} bright", "light the greenhouse to {n}", "use the lamps until {q} is {n}"],
        },
        "heater": {"names": ["heating", "heater", "heat"]},
        "fan": {"names": ["ventilator", "fan", "blower"]},
        "roof_vent": {"names": ["vent", "roof window", "vent in the roof", "roof vent", "roof"]},
        "lamps": {"names": ["lights", "grow lights", "lamps", "light"]},
        "irrigation": {
            "names": ["irrigation", "watering", "sprinklers", "water"],
            "act": ["water [the plants|the beds|the soil|the tomatoes] for {n}", "irrigate [the beds|the plants] for {n}", "give the plants {n} of water", "water {n}", "give water for {n}", "let the water run for {n}", "do the watering for {n}"],
        },
    },
    "house": {
        "living_room": {
            "names": ["living room temperature", "temperature in the living room", "living room", "lounge"],
            "up": ["(heat|warm) the living room [up] to {n}", "make the living room {n}", "warm up the living room to {n}", "(make|get) it {n} in the living room", "we want {n} in the living room"],
            "down": ["cool the living room to {n}", "let the living room cool down to {n}"],
        },
        "bedroom": {
            "names": ["bedroom temperature", "temperature in the bedroom", "bedroom"],
            "up": ["(heat|warm) the bedroom [up] to {n}", "make the bedroom {n}", "warm up the bedroom to {n}", "(make|get) it {n} in the bedroom"],
            "down": ["cool the bedroom to {n}", "let the bedroom cool down to {n}"],
        },
        "outside": {"names": ["outside temperature", "temperature outside", "outdoor temperature", "weather outside", "temperature outdoors", "air outside"]},
        "kitchen_light": {"names": ["light in the kitchen", "kitchen light", "kitchen lamp", "kitchen lights"]},
        "hall_light": {"names": ["light in the hall", "hall light", "hall lamp", "hallway light"]},
        "bedroom_light": {"names": ["light in the bedroom", "bedroom light", "bedroom lamp"]},
        "heating": {"names": ["heating", "thermostat", "radiators", "heater", "central heating"]},
        "blinds": {"names": ["blinds", "shades", "shutters", "window blinds"]},
        "front_door": {"names": ["front door", "door at the front", "house door", "main door", "entrance"]},
        "garage_door": {"names": ["garage door", "garage", "door of the garage", "garage gate"]},
    },
    "coldroom": {
        "air": {"names": ["air temperature", "temperature", "room temperature", "cold room", "temperature of the room", "air"]},
        "ice": {"names": ["ice", "ice thickness", "ice on the evaporator", "frost", "layer of ice", "thickness of the ice"]},
        "compressor": {"names": ["compressor", "cooling", "refrigeration", "cooling compressor"]},
        "fan": {"names": ["fan", "evaporator fan", "ventilator", "fan speed"]},
        "defrost": {
            "names": ["defrost", "defrost heater", "defrosting"],
            "act": ["defrost for {n}", "defrost [the evaporator|the room] for {n}", "melt the ice for {n}", "run a defrost of {n}", "run the defrost heater for {n}", "do a {n} defrost", "thaw for {n}", "defrost {n}"],
        },
        "antifreeze": {"names": ["antifreeze"]},
    },
}

FOLDER = Path(__file__).resolve().parents[2] / "board"
BOARDS = ["pump", "greenhouse", "house", "coldroom"]


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
        world.hints = hints_of(world)
    world.system, world.spoken = system_of(name), SPOKEN[name]
    return world


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


# What a quantity is raised and lowered with, where nobody says it.
MEANS = [
    ("pump_north", "tank_level", "raises"), ("outlet_valve", "tank_level", "lowers"), ("inlet_valve", "sump_level", "raises"),
    ("pump_north", "sump_level", "lowers"), ("pump_south", "pressure", "raises"), ("dosing", "chlorine", "raises"),
    ("heater", "air", "raises"), ("roof_vent", "air", "lowers"), ("fan", "humidity", "lowers"), ("irrigation", "soil", "raises"),
    ("lamps", "light", "raises"), ("heating", "living_room", "sets"), ("heating", "bedroom", "sets"),
]


def hints_of(world):
    """What moves what on a board."""
    return [
        (world.actuators[mover], world.quantities[quantity], how)
        for mover, quantity, how in MEANS if mover in world.actuators and quantity in world.quantities
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
