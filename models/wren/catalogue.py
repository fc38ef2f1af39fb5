"""Single tools of many kinds, with how people ask for them: houses, timers, lists, media, buses, brokers.

A tool is `(names, descriptions, parameters, frames)`. A parameter is `slot: (names, optional)`; a frame
is a sentence (see `frames`) whose slots say which arguments the call gets. Held-out frames come last,
behind `HELD`.
"""

import words
from frames import expand
from plant import Call, function
from policy import NO_TOOL
from words import Split

HELD = "held out"

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

A = "[the] {area}"
ON_THINGS = "(the|all|every|) (lights|lamps|light) (in|of|for) [the] {area}"
TIMER = {"name": (["name", "timer", "label", "id"], True), "area": (["area", "room"], True), "start_hours": (["start_hours"], True), "start_minutes": (["start_minutes"], True)}
PLACE = {"device": (["name", "device", "entity", "target"], True), "area": (["area", "room", "zone"], True), "floor": (["floor", "level", "storey"], True)}
MEDIA = {"device": (["name", "player", "device"], True), "area": (["area", "room"], True)}

CATALOGUE = {
    "on": (
        ["turn_on", "switch_on", "activate", "device_on", "power_on", "enable"], ["Turn on, open, lock or start a device", "Switch something on", "Start, open or lock a device", "Turn things on"], PLACE,
        ["(turn|switch) on [the] {device}", "(turn|switch) [the] {device} on", "start [the] {device}", "activate [the] {device}", "open [the] {device}", "lock [the] {device}", "run [the] {device}",
         "(turn|switch) on " + ON_THINGS, "(turn|switch) " + ON_THINGS + " on", "{area} lights on", "lights on in " + A, "(turn|switch) on (the|all the|all|every) (fan|fans|light|lights) in " + A,
         "(turn|switch) on (the|all|all the) (lights|lamps) (on|of) the {floor}", "open (the|all|all the) (blinds|curtains|covers|windows|shutters) in " + A, "open the (window|door|curtain|blind|gate) (in|of) " + A,
         "open (the|all|all the) (blinds|curtains|covers) on the {floor}", "(light|brighten) up " + A, "close [the] {device} lock", "make it bright in " + A, "it is too dark in " + A, "I can't see anything in " + A,
         "(put|get) [the] {device} on", "raise [the] {device}", "lock the (door|doors) (in|of) " + A, "set [the] {device} to on", "let [the] {device} run", "power up [the] {device}", "lock up [the] {device}", "{device} on",
         HELD, "enable [the] {device}", "fire up [the] {device}", "put the lights on in " + A, "I want " + A + " lit", "unfold [the] {device}"],
    ),
    "off": (
        ["turn_off", "switch_off", "deactivate", "device_off", "power_off", "disable"], ["Turn off, close, unlock or stop a device", "Switch something off", "Stop, close or unlock a device", "Turn things off"], PLACE,
        ["(turn|switch) off [the] {device}", "(turn|switch) [the] {device} off", "stop [the] {device}", "deactivate [the] {device}", "close [the] {device}", "unlock [the] {device}", "shut [the] {device}",
         "(turn|switch) off " + ON_THINGS, "(turn|switch) " + ON_THINGS + " off", "{area} lights off", "lights off in " + A, "(turn|switch) off (the|all the|all|every) (fan|fans|light|lights) in " + A,
         "(turn|switch) off (the|all|all the) (lights|lamps) (on|of) the {floor}", "close (the|all|all the) (blinds|curtains|covers|windows|shutters) in " + A, "close the (window|door|curtain|blind|gate) (in|of) " + A,
         "close (the|all|all the) (blinds|curtains|covers) on the {floor}", "darken " + A, "make it dark in " + A, "nobody is in " + A + ", lights out", "(put|get) [the] {device} off", "lower [the] {device}",
         "unlock the (door|doors) (in|of) " + A, "set [the] {device} to off", "shut down [the] {device}", "kill [the] {device}", "power down [the] {device}", "{device} off", "no lights in " + A, "pull [the] {device} shut",
         HELD, "disable [the] {device}", "shut off [the] {device}", "put the lights out in " + A, "I want " + A + " dark", "quit [the] {device}"],
    ),
    "state": (
        ["get_state", "read_state", "state_of", "query", "status", "check_device", "is_it"], ["Read the state of a device or sensor", "Tell the state of something", "Look up a sensor", "Get a state"], PLACE,
        ["is [the] {device} (on|off|open|closed|locked|unlocked|running|full|empty|low|high|home|wet|hot|charging|connected|active|plugged in|moving)?", "what is [the] {device}?", "what is the (state|status|value|level|reading) of [the] {device}?",
         "what's [the] {device}?", "(check|read|show|tell me) [the] {device}", "how (much|high|low|full|warm|strong) is [the] {device}?", "did I leave [the] {device} (on|open|unlocked)?", "is the (window|door|lock) (in|of) " + A + " (open|closed|locked)?",
         "are (the|any|all|all the) (lights|lamps|fans) on in " + A + "?", "are (the|any|all|all the) (windows|doors|blinds|curtains|covers) (open|closed) in " + A + "?", "is any (light|window|door|fan|sensor) (on|open|triggered) in " + A + "?",
         "how many (lights|windows|doors|fans) are (on|open) in " + A + "?", "which (lights|windows|doors|fans|sensors) are (on|open|wet|active) in " + A + "?", "what is the (humidity|pressure|battery|power|air quality) in " + A + "?",
         "are any (lights|windows|doors) (on|open) on the {floor}?", "how many (lights|windows|doors|devices) are (on|open|locked) (on|in) the {floor}?", "is [the] {device} (still|already) (on|open|closed|running|there)?", "does [the] {device} (work|run|move|leak)?",
         "where is [the] {device}?", "is there (smoke|gas|motion|movement|water|a leak|sound|noise|somebody) in " + A + "?", "did [the] {device} (trip|trigger|go off)?", "has [the] {device} (stopped|started|closed|moved|changed)?", "what does [the] {device} (say|show|read)?",
         "is [the] {device} battery low?", "what (battery|level) has [the] {device}?", "are there (lights|windows) (on|open) in " + A + "?", "was [the] {device} left (on|open)?", "who is in " + A + "?", "how is [the] {device} doing?",
         HELD, "anything from [the] {device}?", "give me a status on [the] {device}", "could [the] {device} be (on|open)?", "is it (damp|bright|loud) in " + A + "?", "find out about [the] {device}"],
    ),
    "temperature": (
        ["get_temperature", "read_temperature", "temperature", "how_warm"], ["Read the temperature of a room or thermostat", "Tell how warm it is", "Temperature of an area"], MEDIA,
        ["what is the temperature (in|of) " + A + "?", "how (warm|cold|hot) is it in " + A + "?", "what is the temperature of [the] {device}?", "(tell|give) me the temperature (in|of) " + A, "is it (warm|cold) in " + A + "?", "temperature in " + A,
         "what's the temperature?", "how (warm|cold|hot) is it [inside|in here]?", "what does [the] {device} say about the temperature?", "what temperature does [the] {device} (have|show)?", "how many degrees (is it|are there) in " + A + "?",
         HELD, "would I freeze in " + A + "?", "read the temperature of " + A],
    ),
    "heat": (
        ["set_temperature", "heat_to", "set_thermostat", "climate"], ["Set the target temperature of a room or thermostat", "Heat a room to a temperature", "Set a thermostat"],
        {**PLACE, "degrees": (["temperature", "degrees", "target", "celsius"], False)},
        ["set [the] {device} to {degrees} [degrees]", "set the temperature (in|of) " + A + " to {degrees} [degrees]", "heat " + A + " to {degrees} [degrees]", "(make it|I want) {degrees} degrees in " + A, "{degrees} degrees in " + A, "put [the] {device} at {degrees} degrees",
         "set the temperature to {degrees} [degrees]", "(change|raise|lower|adjust) [the] {device} to {degrees} [degrees]", "set the {floor} to {degrees} degrees", "(make it|I would like it) {degrees} degrees", "turn the heating in " + A + " to {degrees}",
         HELD, "let it be {degrees} degrees in " + A, "have [the] {device} hold {degrees}", "warm " + A + " up to {degrees}"],
    ),
    "light": (
        ["set_light", "light", "set_brightness", "dim"], ["Set brightness or colour of lights", "Dim or colour a light", "Brightness and colour"],
        {**PLACE, "percent": (["brightness", "percent", "level"], True), "color": (["color", "colour"], True)},
        ["(set|put|dim) [the] {device} (to|at) {percent} (percent|%)", "set the brightness (in|of) " + A + " to {percent} [percent|%]", "set the brightness of [the] {device} to {percent} [percent|%]", "(make|turn|set) [the] {device} [to] {color}", "(make|turn) the lights in " + A + " {color}",
         "set the lights in " + A + " to {color}", "(dim|set|put) (the lights in|) " + A + " to {percent} (percent|%)", "{color} light in " + A, "change [the] {device} to {color}", "set the {floor} lights to {percent} (percent|%)", "{device} {percent} percent brightness", "{device} brightness {percent}",
         "(make|turn) [the] {device} {color}", "set " + A + " [lights] to {percent} (percent|%) brightness", "set [the] {device} brightness to {percent}", "I want {color} (light|lights) in " + A, "colour [the] {device} {color}",
         HELD, "let [the] {device} glow {color}", "give " + A + " {percent} percent light", "paint " + A + " {color}"],
    ),
    "position": (
        ["set_position", "move_cover", "cover_to", "set_cover"], ["Move a cover or valve to a position in percent", "Open something so far", "Position of a blind"], {**PLACE, "percent": (["position", "percent", "opening"], False)},
        ["(open|close|move|set) [the] {device} to {percent} (percent|%)", "set [the] {device} to {percent} percent (open|closed)", "{device} to {percent} percent", "open (the blinds|the curtains|the shutters|the window) in " + A + " to {percent} (percent|%)", "put [the] {device} at {percent} (percent|%)", "(raise|lower) [the] {device} to {percent} percent",
         HELD, "have [the] {device} {percent} percent open", "slide [the] {device} to {percent} percent"],
    ),
    "start timer": (
        ["start_timer", "set_timer", "new_timer", "timer"], ["Start a timer", "Set a timer", "Begin a countdown"],
        {"name": (["name", "label", "timer"], True), "hours": (["hours"], True), "minutes": (["minutes"], True), "seconds": (["seconds"], True)},
        ["(set|start|make) a timer for {minutes} minutes", "(set|start) a {minutes} minute timer", "timer for {minutes} minutes", "{minutes} minute timer", "(set|start) a timer for {hours} hours", "(set|start) a {hours} hour timer", "(set|start) a {hours} hour and {minutes} minute timer", "{seconds} second timer",
         "(set|start) a timer for {seconds} seconds", "(set|start) a timer for {hours} hours and {minutes} minutes", "(set|start) a {minutes} minute timer (for|called|named) {name}", "(set|start) a {name} timer for {minutes} minutes", "(set|start) a timer (called|named) {name} for {minutes} minutes", "timer for {minutes} minutes and {seconds} seconds",
         "(set|start) a {minutes} minute {name} timer", "count down {minutes} minutes", "{hours} hour timer for {name}", "(set|start) a timer for {minutes} minutes for {name}", "wake me in {minutes} minutes",
         HELD, "give me {minutes} minutes on the clock", "let a timer run for {minutes} minutes", "ring in {minutes} minutes"],
    ),
}

for _key, _names, _texts, _frames in (
    ("cancel timer", ["cancel_timer", "stop_timer", "delete_timer"], ["Cancel one timer", "Stop a timer"], "(cancel|stop|delete|end|remove)"),
    ("pause timer", ["pause_timer", "hold_timer"], ["Pause a timer", "Hold a timer"], "(pause|hold|freeze)"),
    ("resume timer", ["resume_timer", "continue_timer", "unpause_timer"], ["Resume a paused timer", "Let a timer go on"], "(resume|continue|unpause|restart)"),
    ("timer status", ["timer_status", "time_left", "get_timer", "check_timer"], ["Tell how much time is left on a timer", "Time left on a timer"], "(check|how much time is left on|how long is left on|what is left of|status of|how long on|show)"),
):
    CATALOGUE[_key] = (
        _names, _texts, TIMER,
        [f"{_frames} [the|my] timer", f"{_frames} [the|my] {{name}} timer", f"{_frames} the timer (for|named|called) {{name}}", f"{_frames} the {{start_minutes}} minute timer", f"{_frames} my {{start_hours}} hour timer", f"{_frames} the timer in " + A, f"{_frames} the {{area}} timer",
         f"please {_frames} [the|my] timer", HELD, f"{_frames} that timer of {{start_minutes}} minutes", f"{_frames} what counts down in " + A],
    )
for _key, _names, _texts, _verbs, _prep in (
    ("increase timer", ["increase_timer", "add_time", "extend_timer"], ["Add time to a running timer", "Make a timer longer"], "(add|put|give)", "to"),
    ("decrease timer", ["decrease_timer", "take_time", "shorten_timer"], ["Take time off a running timer", "Make a timer shorter"], "(take|remove|cut|subtract)", "(off|from)"),
):
    CATALOGUE[_key] = (
        _names, _texts, {**TIMER, "minutes": (["minutes"], True), "seconds": (["seconds"], True), "hours": (["hours"], True)},
        [f"{_verbs} {{minutes}} [more] minutes {_prep} [the|my] timer", f"{_verbs} {{minutes}} minutes {_prep} [the|my] {{name}} timer", f"{_verbs} {{minutes}} minutes {_prep} the {{area}} timer", f"{_verbs} {{seconds}} seconds {_prep} the timer", f"{_verbs} {{minutes}} minutes {_prep} my {{start_hours}} hour timer",
         f"{_verbs} {{hours}} hours {_prep} the {{name}} timer", HELD, f"{_verbs} another {{minutes}} minutes {_prep} it"],
    )
for _key, _names, _texts, _verbs in (
    ("next", ["media_next", "next_track", "skip"], ["Skip to the next track", "Next song"], "(next|skip|skip to the next|play the next|go to the next)"),
    ("previous", ["media_previous", "previous_track", "go_back"], ["Go back to the previous track", "Previous song"], "(previous|go back to the previous|play the last|replay the last|back to the previous|repeat the previous)"),
):
    CATALOGUE[_key] = (
        _names, _texts, MEDIA,
        [f"{_verbs} (track|song|title|item|one)", f"{_verbs} (track|song|item) on [the] {{device}}", f"{_verbs} (track|song|title) in " + A, f"{_verbs} (track|song) (please|now)", f"on [the] {{device}}, {_verbs} (track|song)", HELD, f"I want the {_verbs} (piece|tune)", f"[the] {{device}}: {_verbs} tune"],
    )
CATALOGUE |= {
    "pause": (["media_pause", "pause", "pause_music"], ["Pause playing", "Pause the music"], MEDIA, ["pause", "pause [the] (music|song|movie|film|TV)", "pause [the] {device}", "pause [the] (music|TV|movie) in " + A, "hold the (music|movie)", HELD, "quiet for a moment on [the] {device}"]),
    "resume": (["media_resume", "resume", "continue_playing"], ["Resume playing", "Go on playing"], MEDIA, ["(resume|continue|unpause)", "(resume|continue|unpause) [the] (music|song|movie|TV)", "(resume|continue|unpause) [the] {device}", "(resume|continue) [the] (music|movie) in " + A, "go on playing", HELD, "let [the] {device} play on"]),
    "volume": (
        ["set_volume", "volume", "loudness"], ["Set the volume of a media player in percent", "Set the volume"], {**MEDIA, "percent": (["volume_level", "volume", "percent"], False)},
        ["(set|turn|put) the volume [up|down] to {percent} [percent|%]", "(set|turn) [the] {device} [volume] [up|down] to {percent} [percent|%]", "volume {percent} [percent|%]", "set the volume (in|of) " + A + " to {percent} [percent|%]", "(set|change) the volume of [the] {device} to {percent} [percent|%]", "{device} volume [to] {percent}", HELD, "make it {percent} percent loud on [the] {device}"],
    ),
    "play": (["play_media", "play", "search_and_play"], ["Search for media and play it", "Play something"], {**MEDIA, "text": (["search_query", "query", "what"], False)}, ["play {text}", "play {text} on [the] {device}", "play {text} in " + A, "put on {text}", "I want to hear {text}", "listen to {text}", HELD, "let me hear {text}"]),
    "cancel all": (["cancel_all_timers", "clear_timers", "stop_all_timers"], ["Cancel all timers", "Stop every timer"], {"area": (["area", "room"], True)}, ["(cancel|stop|clear|delete|end) (all|every|all my|all of my) (timers|timer)", "(cancel|stop|clear) all timers in " + A, "no more timers", HELD, "drop every timer in " + A]),
    "vacuum": (["vacuum_start", "start_cleaning", "clean"], ["Start a vacuum", "Start cleaning"], {"device": (["name", "robot"], True), "floor": (["floor"], True)}, ["(start|run) [the] {device}", "(start|run) the vacuum", "vacuum the {floor}", "clean the {floor}", "(start|begin) (vacuuming|cleaning)", HELD, "hoover the {floor}"]),
    "return": (["vacuum_return", "return_home", "dock"], ["Send a vacuum to its base", "Dock the robot"], {"device": (["name", "robot"], True)}, ["(return|send) [the] {device} (home|to its base|back)", "dock [the] {device}", "(send|bring) the vacuum (home|back)", "stop cleaning and go home", HELD, "[the] {device} shall go to its base"]),
    "broadcast": (["broadcast", "announce", "speak"], ["Announce a message in the house", "Say something everywhere"], {"text": (["message", "text"], False)}, ["(broadcast|announce) [that] {text}", "(tell|let) everyone know [that] {text}", "say {text} everywhere", "announce: {text}", "make an announcement that {text}", HELD, "let the house know {text}"]),
    "shopping": (["shopping_list_add", "buy_later", "add_to_shopping"], ["Add an item to the shopping list"], {"item": (["item", "what", "product"], False)}, ["(add|put) {item} (to|on) [the|my] (shopping list|grocery list)", "we (need|are out of) {item}", "I need to buy {item}", HELD, "don't let me forget to buy {item}"]),
    "bought": (["shopping_list_complete", "bought", "check_off"], ["Check an item off the shopping list"], {"item": (["item", "what", "product"], False)}, ["(check|tick|cross) {item} off [the|my] shopping list", "(check|tick|cross) off {item} (on|from) [the|my] shopping list", "I (bought|got) {item}", "remove {item} from the shopping list", "mark {item} as bought", HELD, "{item} is in the basket already"]),
    "list add": (["list_add", "add_item", "todo_add"], ["Add an item to a named list"], {"item": (["item", "entry", "task"], False), "name": (["name", "list"], False)}, ["(add|put) {item} (to|on) [the|my] {name} list", "(add|put) {item} (to|on) the list {name}", HELD, "{item} goes on the {name} list"]),
    "list done": (["list_complete", "complete_item", "todo_done"], ["Check an item off a named list"], {"item": (["item", "entry", "task"], False), "name": (["name", "list"], False)}, ["(check|tick|cross) {item} off [the|my] {name} list", "(complete|finish) {item} on [the|my] {name} list", "mark {item} as done on [the|my] {name} list", HELD, "{item} on the {name} list is done"]),
    "weather": (["get_weather", "weather", "forecast"], ["Read the weather", "Weather of a place"], {"city": (["name", "place", "city", "location"], True)}, ["what is the weather [like]?", "what is the weather [like] in {city}?", "how is the weather in {city}?", "weather in {city}", "is it (raining|sunny|cold|windy) in {city}?", "is it going to rain?", HELD, "do I need a coat in {city}?"]),
    "date": (["get_date", "today", "date"], ["Tell the date"], {}, ["what (is the date|day is it) [today]?", "what's today's date?", "which day is it [today]?", "tell me the date", HELD, "what is on the calendar for a date today?"]),
    "time": (["get_time", "clock", "time"], ["Tell the time"], {}, ["what time is it?", "what's the time?", "tell me the time", "how late is it?", "do you have the time?", HELD, "how late have we got it?"]),
    "write register": (["write_register", "set_register", "modbus_write", "poke"], ["write a Modbus register", "write a value to a register", "set one register"], {"address": (["unit", "slave", "address"], True), "register": (["register", "addr", "reg"], False), "word": (["value", "word", "data"], False)},
        ["write {word} to register {register}", "set register {register} to {word}", "put {word} in register {register}", "register {register} = {word}", "write {word} to register {register} of unit {address}", "on unit {address}, set register {register} to {word}", HELD, "load register {register} with {word}"]),
    "read register": (["read_register", "get_register", "modbus_read", "peek"], ["read a Modbus register", "value of a register"], {"address": (["unit", "slave", "address"], True), "register": (["register", "addr", "reg"], False)},
        ["read register {register}", "what is in register {register}?", "(show|give me|get) register {register}", "read register {register} of unit {address}", "unit {address}: what is register {register}?", HELD, "dump register {register}"]),
    "publish": (["publish", "mqtt_publish", "send_message", "post"], ["publish a message to a topic", "send to a topic"], {"topic": (["topic", "channel", "subject"], False), "text": (["payload", "message", "body", "text"], False)},
        ["publish {text} to {topic}", "(send|post) {text} (to|on) {topic}", "publish on {topic}: {text}", "put {text} on the topic {topic}", "mqtt {topic}: {text}", HELD, "drop {text} into {topic}"]),
    "subscribe": (["latest", "last_message", "read_topic", "topic_value"], ["latest value of a topic", "last message of a topic"], {"topic": (["topic", "channel", "subject"], False)}, ["what is the (latest|last) (value|message) (on|of) {topic}?", "read [the topic] {topic}", "what does {topic} say?", "show {topic}", HELD, "anything new on {topic}?"]),
    "pulse": (["pulse", "dose", "click", "trigger"], ["give pulses", "dose in pulses", "trigger a number of times"], {"count": (["pulses", "count", "times", "n"], False)}, ["give {count} pulses", "pulse {count} times", "dose {count} pulses", "{count} pulses [please]", "trigger it {count} times", HELD, "let there be {count} pulses"]),
    "pin": (["write_pin", "set_pin", "gpio"], ["set a pin high or low", "drive a pin"], {"pin": (["pin", "line", "gpio"], False), "level": (["high", "level", "on"], False)}, ["set pin {pin} {level}", "pin {pin} {level}", "drive pin {pin} {level}", "(make|pull) pin {pin} {level}", HELD, "take pin {pin} {level}"]),
    "schedule": (["schedule", "plan", "at"], ["do something at an hour", "plan something for an hour"], {"text": (["what", "task", "action"], False), "hours": (["hour", "at", "time"], False)}, ["schedule {text} for {hours} o'clock", "at {hours} o'clock, {text}", "plan {text} at {hours}", HELD, "put {text} into the plan for {hours} o'clock"]),
}


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
        names, texts, parameters, self.frames = CATALOGUE[key]
        self.key, self.name, self.split = key, rng.choice(names), split
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
        slots = list(parameters.items())
        if rng.random() < 0.5:
            rng.shuffle(slots)
        for slot, (argument_names, optional) in slots:
            self.parameters[slot] = rng.choice([name for name in argument_names if name not in properties] or [slot])
            properties[self.parameters[slot]] = self._schema(slot, loose)
            if not optional:
                required.append(self.parameters[slot])
        self.tool = function(self.name, rng.choice(texts), properties, required)

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
        at = self.frames.index(HELD)
        frames = self.frames[at + 1 :] if self.split is Split.HELD_OUT else self.frames[:at]
        text = expand(rng, rng.choice(frames))
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
