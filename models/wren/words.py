"""Words for names, places and free text, and which of them are kept for measuring.

A word is held out by a checksum of itself, so that no list has to be kept: training never draws one,
and measuring unseen words draws nothing else. Half of all names are made of syllables that mean
nothing, so that a name nobody has seen is nothing special.
"""

import zlib
from enum import Enum


class Split(Enum):
    """What an episode is for."""

    TRAIN = 0
    HELD_OUT = 1


HELD_OUT_SHARE = 12  # one word in so many

PLACES = """
north south east west upper lower left right front rear inner outer main spare old new first second
kitchen hall bedroom bathroom office garage cellar attic porch garden yard shed barn stable workshop lobby
corridor stairs pantry laundry nursery study library balcony terrace roof basement entrance gate drive
boiler plant engine control switch filter valve wet dry cold hot drying packing loading storage sorting
tank silo well basin sump channel weir reservoir tower bay dock pier quay lock bridge tunnel shaft
greenhouse tunnel nursery orchard vineyard meadow paddock pond hutch coop hive dairy parlour
lab clinic ward school gym chapel canteen bakery brewery smithy studio gallery depot kiosk hangar
line rig press kiln oven furnace mill saw lathe mixer dryer crusher belt hopper
red green blue yellow white black amber silver alpha beta gamma delta
tall wide narrow distant nearest middle back side corner centre
""".split()

THINGS = {
    # noun -> how it is moved
    "pump": "relay", "fan": "percent", "heater": "relay", "light": "relay", "lamp": "relay", "siren": "relay",
    "compressor": "relay", "blower": "relay", "mixer": "relay", "stirrer": "relay", "conveyor": "relay",
    "feeder": "relay", "sprinkler": "relay", "mister": "relay", "beacon": "relay", "charger": "relay",
    "boiler": "relay", "burner": "relay", "dryer": "relay", "washer": "relay", "cooler": "relay",
    "chiller": "relay", "humidifier": "relay", "aerator": "relay", "motor": "relay", "horn": "relay",
    "radio": "relay", "camera": "relay", "socket": "relay", "bell": "relay", "extractor": "relay",
    "ventilator": "percent", "damper": "percent", "shade": "percent", "blind": "percent", "dimmer": "percent",
    "throttle": "percent", "curtain": "percent", "louvre": "percent", "screen": "percent", "drive": "percent",
    "spotlight": "percent", "shutter": "open", "valve": "open", "gate": "open", "door": "open", "hatch": "open",
    "window": "open", "vent": "open", "sluice": "open", "flap": "open", "skylight": "open", "barrier": "open",
    "lock": "lock", "cabinet": "lock", "locker": "lock", "safe": "lock",
    "thermostat": "setpoint", "regulator": "setpoint", "controller": "setpoint", "governor": "setpoint",
    "doser": "timed", "irrigation": "timed", "flush": "timed", "purge": "timed", "rinse": "timed",
    "spray": "timed", "dosing": "timed", "backwash": "timed", "bypass": "open", "penstock": "open",
}
# noun -> (unit, decimals, lowest, highest)
MEASURES = {
    "temperature": ("C", 1, -30, 90), "humidity": ("percent", 0, 5, 99), "pressure": ("bar", 1, 0.2, 12),
    "level": ("percent", 0, 0, 100), "flow": ("l/s", 1, 0, 60), "air": ("C", 1, -25, 40), "water": ("C", 1, 1, 90),
    "oil": ("C", 1, 5, 120), "soil": ("percent", 0, 2, 90), "light": ("percent", 0, 0, 100), "dust": ("ug", 0, 0, 400),
    "smoke": ("ppm", 0, 0, 300), "gas": ("ppm", 0, 0, 900), "oxygen": ("percent", 1, 10, 25), "acid": ("pH", 1, 2, 12),
    "voltage": ("V", 1, 9, 60), "current": ("A", 1, 0, 40), "power": ("W", 0, 0, 5000), "speed": ("rpm", 0, 0, 3000),
    "weight": ("kg", 1, 0, 900), "depth": ("cm", 0, 0, 600), "distance": ("cm", 0, 1, 900), "noise": ("dB", 0, 20, 120),
    "wind": ("m/s", 1, 0, 35), "rain": ("mm", 1, 0, 60), "chlorine": ("mg/l", 1, 0, 6), "salt": ("g/l", 1, 0, 40),
    "battery": ("percent", 0, 0, 100), "fuel": ("percent", 0, 0, 100), "load": ("percent", 0, 0, 120),
    "vibration": ("mm/s", 1, 0, 20), "moisture": ("percent", 0, 3, 80), "torque": ("Nm", 0, 0, 400),
    "turbidity": ("NTU", 1, 0, 50), "brightness": ("lux", 0, 0, 2000), "ozone": ("ppb", 0, 0, 200),
    "frequency": ("Hz", 1, 45, 55), "tension": ("N", 0, 0, 900), "stock": ("kg", 0, 0, 5000), "sap": ("brix", 1, 0, 30),
}

PLAIN = """
the a and of for from to with without check checked before after today tomorrow tonight morning evening night
week month shift team crew driver guest visitor owner manager nurse keeper cleaner plumber electrician
broken leaking blocked noisy hot cold wet dirty clean empty full late early ready missing loose rusty worn
bring take call wait order replace inspect repair refill drain flush paint tighten grease move lift
key ladder bucket hose rope filter belt fuse cable bolt sensor seal gasket bearing grease oil salt paper
milk bread eggs butter apples coffee tea rice soap sugar flour cheese onions carrots lemons fish beans
delivery meeting visit tour party lunch dinner breakfast class storm frost snow flood harvest
please remember note remark that this it is was has have been will be done not yet again still soon
number serial batch lot tank pump valve door box pallet crate shelf row field cow goat bee horse hen
""".split()

# What people may ask for that no gateway does.
CHORES = """paint sweep mop wash iron fold cook fry bake boil peel chop grill season taste weigh wrap pack unpack label stack sort carry push
drag park tow drive load unload deliver mail sign stamp read write draw sketch photograph film record sing hum whistle dance teach
explain translate spell solve guess bet buy sell rent hire fire interview thank greet comfort feed walk brush shear milk ride saddle
prune rake plant dig weed graft trim hang nail screw weld solder sand polish varnish plaster tile wire dismantle assemble repair sharpen
oil grease inflate patch sew knit""".split()
OBJECTS = """floor windows shirts dishes soup bread potatoes cake fish letters boxes crates truck car bicycle boat trailer tent parcels bills
contract photos song poem story menu speech homework puzzle horse dog cat cows sheep hedge roses leaves weeds fence ladder shelf table
chair roof tiles walls bricks planks knife scissors saw tyre hose bucket carpet curtains bed pillows shoes coat hat guests neighbours
children workers visitors engine gearbox battery drawings plans tickets keys stairs chimney gutter drain paint""".split()

_ONSETS = "b d f g h j k l m n p r s t v w z br cl dr fl gr kl pl sk sl sp st tr".split()
_VOWELS = "a e i o u a e i o u ai ea oo ou".split()
_CODAS = ["", "", "", "l", "m", "n", "r", "s", "t", "k", "x", "nd", "rk", "st"]


def held_out(word):
    """Whether a word is kept for measuring."""
    return zlib.crc32(word.lower().encode()) % HELD_OUT_SHARE == 0


def fits(word, split):
    return held_out(word) == (split is Split.HELD_OUT)


def made_up(rng, split=Split.TRAIN):
    """A word of one to three syllables that means nothing."""
    while True:
        word = "".join(
            rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.choice([1, 2, 2, 2, 3]))
        )
        if 3 <= len(word) <= 10 and fits(word, split):
            return word


def place(rng, split=Split.TRAIN, made_up_share=0.35):
    """The first part of a name: a place, or a made-up word."""
    if split is Split.HELD_OUT or rng.random() < made_up_share:
        return made_up(rng, split)
    return pick(rng, PLACES)


def pick(rng, words):
    """One of the words that training may use."""
    while held_out(word := rng.choice(words)):
        pass
    return word


def code(rng):
    """A short code such as `b7` or `k203`."""
    return rng.choice("abcdefghjkmnpqrstuvwxyz") + str(rng.choice([rng.randint(1, 9), rng.randint(10, 999)]))


def free_text(rng, low=1, high=6, split=Split.TRAIN):
    """Words without much sense, to be repeated exactly."""
    parts = []
    for _ in range(rng.randint(low, high)):
        style = rng.random()
        if split is Split.HELD_OUT and style < 0.5:
            parts.append(made_up(rng, split))
        elif style < 0.68:
            parts.append(pick(rng, PLAIN))
        elif style < 0.8:
            parts.append(made_up(rng))
        elif style < 0.88:
            parts.append(pick(rng, PLACES))
        elif style < 0.96:
            parts.append(str(rng.choice([rng.randint(0, 9), rng.randint(0, 100), rng.randint(0, 5000)])))
        else:
            parts.append(code(rng))
    return " ".join(parts)


REASONS = (
    "timed out", "no answer", "the line is busy", "bad checksum", "device is offline", "bus fault {n}",
    "connection lost", "{w} does not answer", "{w} is not connected", "short reply", "code {n}", "{w} {w} fault",
    "not allowed by policy", "{w} is locked", "only from {n} to {n}", "limit of {n} reached", "needs {w}",
    "the {w} is switched off by hand", "value out of range", "{w} is in use", "maintenance until {n}",
)


def reason(rng):
    """Why something failed or was refused."""
    text = rng.choice(REASONS)
    while "{w}" in text:
        text = text.replace("{w}", made_up(rng) if rng.random() < 0.5 else pick(rng, PLAIN), 1)
    while "{n}" in text:
        text = text.replace("{n}", str(rng.choice([rng.randint(0, 9), rng.randint(0, 1000)])), 1)
    return text
