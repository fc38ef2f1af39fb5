"""Tools of `catalogue.toml`, one call each, with how people ask for them: houses, timers, lists, media,
buses, brokers."""

import tomllib
from pathlib import Path

import words
from frames import expand
from plant import Call, function
from policy import NO_TOOL
from words import Split

AREAS = """Kitchen|Living Room|Bedroom|Bathroom|Hallway|Office|Garage|Garden|Attic|Cellar|Porch|Nursery|Laundry|Study|Guest Room|Dining Room|Terrace|
Pantry|Entrance|Workshop|Stairs|Library|Playroom|Balcony|Driveway|Shed|Gym|Sauna|Conservatory|Boiler Room|Outside|Lounge""".replace("\n", "").split("|")
FLOORS = ["Ground Floor", "First Floor", "Second Floor", "Upstairs", "Downstairs", "Basement", "Top Floor", "Third Floor"]
DEVICES = """lamp|light|ceiling light|fan|heater|curtain|blind|switch|plug|door|window|lock|sensor|speaker|TV|thermostat|camera|alarm|vacuum|humidifier|purifier|
boiler|kettle|oven|dishwasher|washer|dryer|fridge|freezer|awning|gate|valve|pump|sprinkler|doorbell|motion sensor|smoke detector|battery|charger|meter|phone|
scene|script|group|siren|temperature|humidity|power meter|garage door|window sensor|leak sensor|strip light|desk lamp|radio|projector|tablet|car|bed|
pressure|air quality|carbon monoxide|signal|consumption|energy price|occupancy|presence|mailbox|printer""".replace("\n", "").split("|")
COLORS = "red blue green yellow white orange purple pink teal violet turquoise gold".split()
CITIES = "Paris Oslo Madrid Cairo Lima Tokyo Dublin Vienna Quito Perth Riga Prague Turin Bergen Malaga Leeds".split()
ITEMS = "milk bread eggs butter apples coffee tea rice soap sugar flour cheese onions carrots lemons fish beans batteries candles nails paint screws napkins towels honey pasta salt yoghurt bananas bin~bags".split()
TOPICS = "door pump light alarm temp level mode fan lamp gate valve heat power air".split()

# slot -> (JSON type, lowest, highest) for numbers
NUMBERS = {
    "percent": (0, 100), "degrees": (5, 30), "minutes": (1, 120), "hours": (1, 23), "seconds": (1, 120), "register": (0, 9999), "word": (0, 65535),
    "address": (1, 247), "count": (1, 20), "pin": (0, 40),
}

CATALOGUE = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))


def draw_tools(rng, size, split=Split.TRAIN):
    """A list of `Entry`s with names and enums of their own."""
    area_list = rng.sample(AREAS, rng.randint(3, 9))
    floors = rng.sample(FLOORS, rng.randint(2, 5))
    return [Entry(rng, key, area_list, floors, split) for key in rng.sample(list(CATALOGUE), size)]


def device_name(rng, split):
    name = rng.choice(DEVICES)
    if rng.random() < 0.75:
        before = rng.choice(AREAS) if rng.random() < 0.5 and split is Split.TRAIN else words.place(rng, split)
        name = f"{before} {name}"
    style = rng.random()
    return name.title() if style < 0.55 else name[:1].upper() + name[1:] if style < 0.75 else name.lower()


class Entry:
    """One tool of the catalogue, named and ready to be asked for."""

    def __init__(self, rng, key, areas, floors, split):
        known = CATALOGUE[key]
        self.frames, self.held_out = known["frames"], known["held_out"]
        self.key, self.name, self.split = key, rng.choice(known["names"]), split
        if rng.random() < 0.12:
            self.name = f"{words.made_up(rng, split)}_{words.made_up(rng, split)}" if rng.random() < 0.5 else words.made_up(rng, split)
        self.parameters = {}  # slot -> the argument's name
        self.enums = {"area": areas, "floor": floors, "device": [], "city": [], "topic": []}
        while len(self.enums["device"]) < 6:
            name = device_name(rng, split)
            if name not in self.enums["device"]:
                self.enums["device"].append(name)
        self.enums["city"] = rng.sample(CITIES, 4)
        self.enums["topic"] = [f"{words.place(rng, split)}/{rng.choice(TOPICS)}" for _ in range(4)]
        loose = rng.random() < 0.15
        properties, required = {}, []
        slots = list(known["parameters"].items())
        if rng.random() < 0.5:
            rng.shuffle(slots)
        for slot, argument_names in slots:
            self.parameters[slot] = rng.choice([name for name in argument_names if name not in properties] or [slot])
            properties[self.parameters[slot]] = self._schema(slot, loose)
            if slot in known["required"]:
                required.append(self.parameters[slot])
        self.tool = function(self.name, rng.choice(known["descriptions"]), properties, required)

    def _schema(self, slot, loose):
        if slot in self.enums and not loose:
            return {"type": "string", "enum": self.enums[slot]}
        if slot == "level":
            return {"type": "boolean"}
        if slot in NUMBERS or slot.startswith("start_"):
            return {"type": "number" if slot == "degrees" else "integer"}
        return {"type": "string"}

    def ask(self, rng):
        """A request for this tool and the call it wants."""
        text = expand(rng, rng.choice(self.held_out if self.split is Split.HELD_OUT else self.frames))
        values, said = {}, {}
        for slot in self.parameters:
            if "{" + slot + "}" in text:
                values[slot], said[slot] = self._value(rng, slot)
        arguments = tuple((self.parameters[slot], values[slot]) for slot in self.parameters if slot in values)
        return text.format(**said), Call(self.name, arguments)

    def _value(self, rng, slot):
        """A slot's value, and how it is said."""
        if slot in self.enums:
            value = rng.choice(self.enums[slot])
            return value, value if slot == "topic" or rng.random() < 0.3 else value.lower()
        if slot == "level":
            high = rng.random() < 0.5
            return high, "high" if high else "low"
        if slot == "color":
            color = rng.choice(COLORS)
            return color, color
        if slot == "item":
            item = rng.choice(ITEMS).replace("~", " ") if rng.random() < 0.6 else words.free_text(rng, 1, 2, self.split)
            return item, item
        if slot == "text":
            text = words.free_text(rng, 1, 4, self.split)
            return text, text
        if slot == "name":
            name = rng.choice(ITEMS + words.PLAIN[-40:]).replace("~", " ") if rng.random() < 0.5 else words.place(rng, self.split)
            return name, name
        low, high = NUMBERS.get(slot) or NUMBERS[slot.removeprefix("start_")]
        number = rng.randint(low, high)
        if rng.random() < 0.3:
            number = min(high, max(low, 5 * round(number / 5)))
        return number, str(number)


def wants_nothing(rng, entries, split):
    """A request for a tool that is not among these."""
    keys = {entry.key for entry in entries}
    group = {"on", "off", "state", "light", "temperature", "heat", "position"}
    if keys & group:
        keys |= group
    if keys & {"next", "previous", "pause", "resume", "volume", "play"}:
        keys |= {"next", "previous", "pause", "resume", "volume", "play"}
    if any("timer" in key for key in keys) or "cancel all" in keys:
        keys |= {key for key in CATALOGUE if "timer" in key} | {"cancel all"}
    other = Entry(rng, rng.choice([key for key in CATALOGUE if key not in keys]), rng.sample(AREAS, 4), FLOORS[:3], split)
    return other.ask(rng)[0], NO_TOOL
