"""Words for everything that is said to the model. Every list of frames is a pair: the first is
trained on, the second is held out for measuring and never reaches training."""

BRING = (
    [
        "Bring the cold room to {t} C and report",
        "Bring the room to {t} C and report",
        "Bring the cold room to {t} C",
        "Bring the room down to {t} C and tell me when it is done",
        "Cool the cold room to {t} C and report",
        "Cool the room to {t} C",
        "Cool down to {t} C please",
        "Get the cold room to {t} C",
        "Get the room to {t} C and report the temperature",
        "Please bring the cold room to {t} degrees",
        "Please cool the room to {t} degrees and report",
        "I want the cold room at {t} C",
        "I need {t} C in the cold room, report when you are there",
        "The cold room must be at {t} C. Report when it is.",
        "The room should be at {t} C",
        "Set the cold room to {t} C and report back",
        "Set the room temperature to {t} C",
        "Make the room {t} C cold",
        "Make it {t} C in the cold room and report",
        "Target {t} C, report when reached",
        "Take the cold room to {t} C, then report",
        "Could you bring the cold room to {t} C?",
        "Can you cool the cold room to {t} C and report back?",
        "Chill the cold room to {t} C",
        "Chill the room until it is at {t} C and report",
        "Let the room reach {t} C and report",
        "Cold room to {t} C",
        "bring room to {t}",
        "go to {t} C and report",
        "We need the cold room at {t} C today. Report when it is reached.",
        "Lower the cold room to {t} C and give me a report",
        "Run the cold room down to {t} C",
    ],
    [
        "Would you bring the cold room to {t} C and then report?",
        "Cool it down until {t} C and report back to me",
        "The target is {t} C for the cold room, please report",
        "Have the room at {t} C and tell me",
        "Please get the cold room cooled to {t} C",
        "Take the room down to {t} degrees, report when done",
        "We want {t} C in the room today",
        "Chill it to {t} C and give a report",
    ],
)

# Parts that are put together for more training requests; `requests` leaves out what is held out.
BRING_VERBS = (
    "bring|cool|take|get|chill|lower|drive|move|pull|put|set|run|freeze|adjust|change|keep|hold|"
    "regulate|let us bring|you should bring|try to get|it is time to cool|go and cool|start to cool|now bring"
).split("|")
BRING_ROOMS = (
    "the cold room|the room|it|the air|this room|our cold room|the temperature|the temperature of the room|"
    "the cold room temperature|my cold room|the store|the freezer|everything|the air in the room"
).split("|")
BRING_TO = "to|down to|until|at|to about|to exactly|all the way to|back to|to a temperature of".split("|")
BRING_UNITS = " C| degrees| C please| degrees C||C".split("|")
BRING_TAILS = (
    "||||| and report| and tell me| and say when done|, then report|, report back| and report back please|. Report then.|"
    " and give me the result| and answer with the temperature| today| now| as soon as you can| for the meat|"
    " and send me a report|, thanks| and let me know| before the evening| and tell me the temperature then"
).split("|")
BRING_WISHES = (
    "I would like {t}{u} in {r}|It should be {t}{u} in {r}|{r} needs {t}{u}|{r} has to be {t}{u}|We have to get {t}{u} in {r}|"
    "Goal: {t}{u}|Goal for {r} is {t}{u}|The wanted temperature of {r} is {t}{u}|The set point is {t}{u}|"
    "New target for {r}: {t}{u}|Work until {r} is at {t}{u}|See that {r} gets to {t}{u}|Make sure {r} is at {t}{u}|"
    "Take care that {r} reaches {t}{u}|We would like {r} at {t}{u}|They want {t}{u}|You want {r} to be at {t}{u}|"
    "Someone wants {t}{u} in {r}|{r} at {t}{u}|{t}{u}|{t}{u} in {r}|My target is {t}{u}|Our target is {t}{u}|"
    "A temperature of {t}{u} is needed|Have {r} cooled to {t}{u}|Have it cold: {t}{u}|Would you cool {r} to {t}{u}?|"
    "Could {r} be at {t}{u}?|Can we have {t}{u} in {r}?|Please make sure that {r} is at {t}{u}|Please let {r} get to {t}{u}"
).split("|")

ASK = {
    "air": (
        [
            "What is the temperature?",
            "What is the air temperature?",
            "How cold is it?",
            "How cold is the cold room?",
            "How warm is the room?",
            "Tell me the temperature",
            "Report the temperature of the cold room",
            "Read the air temperature",
            "Temperature?",
            "What temperature does the room have?",
        ],
        ["How cold is the room now?", "Please tell me the air temperature", "What is the temperature of the cold room?"],
    ),
    "door": (
        [
            "Is the door open?",
            "Is the door closed?",
            "How is the door?",
            "What about the door?",
            "Tell me if the door is open",
            "Check the door",
            "Is the door of the cold room closed?",
            "Door state?",
        ],
        ["Please check the door", "Is the cold room door open?", "Tell me if the door is closed"],
    ),
    "ice": (
        [
            "How thick is the ice?",
            "How much ice is there?",
            "Is there ice?",
            "Check the ice",
            "Tell me the ice",
            "What about the ice?",
            "How many mm of ice are there?",
        ],
        ["How much ice is in the room?", "Please check the ice"],
    ),
    "compressor": (
        [
            "Is the compressor on?",
            "Is the compressor off?",
            "Is the compressor running?",
            "Check the compressor",
            "What about the compressor?",
            "Does the compressor run?",
        ],
        ["Please check the compressor", "Tell me if the compressor is on"],
    ),
    "fan": (
        [
            "How fast is the fan?",
            "What is the fan speed?",
            "At what speed is the fan?",
            "Check the fan",
            "Tell me the fan speed",
            "What about the fan?",
        ],
        ["Please check the fan", "How fast does the fan run?"],
    ),
}

FAN = (
    [
        "Turn the fan to {n} percent",
        "Set the fan to {n} percent",
        "Set the fan to {n} %",
        "Fan to {n} percent",
        "Run the fan at {n} percent",
        "Please set the fan speed to {n} percent",
        "Put the fan at {n} percent",
        "fan {n}",
    ],
    ["Please turn the fan to {n} percent", "Let the fan run at {n} percent"],
)
COMPRESSOR_ON = (
    ["Turn the compressor on", "Switch the compressor on", "Start the compressor", "Compressor on", "Turn on the compressor"],
    ["Please start the compressor", "Switch on the compressor"],
)
COMPRESSOR_OFF = (
    ["Turn the compressor off", "Switch the compressor off", "Stop the compressor", "Compressor off", "Turn off the compressor"],
    ["Please stop the compressor", "Switch off the compressor"],
)
DEFROST = (
    [
        "Defrost for {n} seconds",
        "Run a defrost of {n} seconds",
        "Run the defrost for {n} seconds",
        "Please defrost for {n} seconds",
        "Start a defrost for {n} s",
        "Melt the ice for {n} seconds",
    ],
    ["Please run a defrost for {n} seconds", "Do a defrost of {n} seconds"],
)
DOSE = (
    ["Dose {n} pulses", "Dose the antifreeze with {n} pulses", "Give {n} pulses of antifreeze", "Dose {n} pulses of antifreeze"],
    ["Please dose {n} pulses of antifreeze"],
)
WAIT = (
    ["Wait {n} seconds", "Wait for {n} seconds", "Please wait {n} s", "Do nothing for {n} seconds"],
    ["Just wait for {n} seconds"],
)
WAIT_ASK = (
    [
        "Wait {n} seconds and tell me the temperature",
        "Wait for {n} seconds, then report the temperature",
        "Tell me the temperature after {n} seconds",
        "In {n} seconds, how cold is it?",
    ],
    ["Please wait {n} seconds and report the temperature"],
)
LOG = (
    [
        "Log {text}",
        "Log: {text}",
        "Write {text} to the log",
        "Note {text}",
        "Please log {text}",
        "Add {text} to the log",
        "Log that {text}",
        "Write down {text}",
        "Make a note: {text}",
        "Record {text}",
        "Record {text} in the log",
        "Put this in the log: {text}",
        "Into the log: {text}",
        "Log the text {text}",
        "Please write down {text}",
    ],
    ["Please note {text}", "Put {text} into the log"],
)
ALERT = (
    [
        "Alert {text}",
        "Alert: {text}",
        "Send an alert: {text}",
        "Send the alert {text}",
        "Warn the operator: {text}",
        "Alert the operator: {text}",
        "Tell the operator {text}",
        "Raise an alert: {text}",
        "Please alert: {text}",
        "Warn: {text}",
    ],
    ["Please send an alert: {text}"],
)
ALERT_WARM = (
    [
        "Alert me if it is warmer than {t} C",
        "Alert me if the room is warmer than {t}",
        "Alert if the air is above {t} C",
        "If it is warmer than {t} C, send an alert",
        "Send an alert if the room is over {t} C",
        "Check that it is not warmer than {t} C, or alert",
    ],
    ["Please alert me if it is over {t} C", "If the air is warmer than {t}, alert me"],
)
ALERT_COLD = (
    [
        "Alert me if it is colder than {t} C",
        "Alert me if the room is colder than {t}",
        "Alert if the air is below {t} C",
        "If it is colder than {t} C, send an alert",
        "Send an alert if the room is under {t} C",
        "Check that it is not colder than {t} C, or alert",
    ],
    ["Please alert me if it is under {t} C", "If the air is colder than {t}, alert me"],
)
NO_TOOL = (
    [
        "Turn on the light",
        "Order a pizza",
        "Open the door",
        "Close the door",
        "Call the police",
        "What is the weather?",
        "Tell me a joke",
        "Play some music",
        "Unlock the gate",
        "Send a mail to the office",
        "How is the humidity?",
        "Start the pump",
        "Who are you?",
        "Heat the office to {n} C",
        "Water the plants",
        "What time is it?",
        "Write a poem about {text}",
        "Translate {text}",
    ],
    ["Sing a song", "Switch the light off", "What day is it?", "Feed the cat"],
)

# What the board file of the cold room says.
SHIPPED_SYSTEM = "You keep a cold room. Read it before you act, change one thing at a time, and report what you see."

SYSTEM = [
    "You run a cold room.",
    "You run the cold room. Call one tool at a time.",
    "You are the agent of a cold room. Use the tools. Report the result.",
    "You control a cold room through tools.",
    "You look after the cold room.",
    "You keep a cold room cold. Call one tool at a time and read each result.",
    "You are everstep, an agent on a gateway. Use one tool a turn.",
    "You are an agent on a small board. Work on the task with the tools, then answer.",
    "You are the cold room agent.",
    "Work the task with the tools and report.",
    "",
]

WORDS = (
    "air alarm again agent all and angle antifreeze area arm ask at back bad bay belt bin board box brake bus "
    "busy button cable cap card case cell chain change check circuit clean clock close coil cold cool counter "
    "cover crate current cycle day dead delay delivery device done door down drain drift driver drop dry early "
    "edge empty end engine error evening exit fan fault field filter fire first fish flow food for freezer "
    "frost full fuse gas gate gauge goods green hand hard heat heater high hot house ice idle in input is item "
    "key known lamp late leak left level light limit line lid link load local lock long loose lost low main "
    "manual mark meat melt metal milk missing mode morning motor move new night no noise not note number of off "
    "office oil old on open operator order out output over pad page pan panel part paste permit phase pin pipe "
    "plan plant plug point port power pressure probe pulse pump quick rack rain ready red relay repair reply "
    "reset right ring room route row rule safe sample scan seal second sensor service set shelf shift shop "
    "short shut side signal site slow smoke some spare speed stale start state station steel step stock stop "
    "store stuck supply switch system table tank tape task test the then thin time timer today tool top tray "
    "trip truck tube turn unit until up valve van vent voltage wall warm waste watch water week weight wet wheel "
    "wide wind window wire with word work wrong yard yellow zero zone"
).split()

REASONS = [
    "timed out after {n} s",
    "timed out",
    "no answer from the device",
    "device not found",
    "bus fault {n}",
    "the device is busy",
    "not approved",
    "refused by the operator",
    "the operator said no",
    "not granted",
    "limit of {n} calls reached",
    "percent must be at most {n}",
    "{w} {w}",
    "{w} {w} {n}",
    "{w} {w} {w}",
    "the {w} is {w}",
    "no {w} on line {n}",
    "{w} {n} is out of range",
]


def bring_requests(rng, target):
    """A request to bring the room to `target`, put together from parts."""
    unit, room = rng.choice(BRING_UNITS), rng.choice(BRING_ROOMS)
    if rng.random() < 0.5:
        text = f"{rng.choice(BRING_VERBS)} {room} {rng.choice(BRING_TO)} {target}{unit}"
    else:
        text = rng.choice(BRING_WISHES).format(t=target, u=unit, r=room)
    text = text[:1].upper() + text[1:] if rng.random() < 0.8 else text
    return text + rng.choice(BRING_TAILS)
