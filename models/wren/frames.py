"""How people ask. Every frame stands for many sentences: `(a|b)` takes one of its parts, `[a]` is said
or left out, `{slot}` is filled in. `HELD_OUT` has frames that training never sees.

Slots: `{e}` a device, `{q}` a quantity, `{n}` a number with its unit, `{act}` an action said in another
frame, `{cond}` a condition, `{text}` free words.
"""

import re

_CHOICE = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]")


def expand(rng, frame):
    """One of the sentences a frame stands for, slots untouched."""
    while match := _CHOICE.search(frame):
        if match.group(1) is not None:
            text = rng.choice(match.group(1).split("|"))
        else:
            text = rng.choice(match.group(2).split("|")) if rng.random() < 0.5 else ""
        frame = frame[: match.start()] + text + frame[match.end() :]
    return " ".join(frame.split()).replace(" ,", ",").replace(" .", ".").replace(" ?", "?")


# What is done to a device, as a command that also fits behind "if ..., ".
ACT = {
    "on": [
        "(turn|switch) on {e}", "(turn|switch) {e} on", "start {e}", "activate {e}", "power (up|on) {e}", "{e} on",
        "get {e} (running|going)", "(let|have) {e} run", "put {e} (on|to work)", "set {e} (to on|on)",
        "start up {e}", "bring {e} (on|online)", "make {e} run", "run {e}", "kick off {e}", "flip {e} on",
        "(turn|switch) the power of {e} on", "see that {e} is on", "make sure {e} is on", "light up {e}", "engage {e}",
    ],
    "off": [
        "(turn|switch) off {e}", "(turn|switch) {e} off", "stop {e}", "deactivate {e}", "power (down|off) {e}",
        "{e} off", "shut (off|down) {e}", "shut {e} (off|down)", "halt {e}", "kill {e}", "cut {e}", "put {e} off",
        "set {e} (to off|off)", "take {e} (off|offline)", "make {e} stop", "cut the power of {e}", "disable {e}",
        "(turn|switch) the power of {e} off", "see that {e} is off", "make sure {e} is off", "let {e} rest",
    ],
    "open": [
        "open {e}", "open {e} up", "open up {e}", "set {e} to open", "put {e} in the open position", "get {e} open",
        "bring {e} to open", "make sure {e} is open", "have {e} opened", "move {e} to open", "{e} open",
        "see that {e} is open", "leave {e} open", "unseal {e}", "let {e} stand open",
    ],
    "closed": [
        "close {e}", "shut {e}", "close {e} up", "set {e} to closed", "put {e} in the closed position", "seal {e}",
        "get {e} (closed|shut)", "make sure {e} is (closed|shut)", "have {e} closed", "move {e} to closed",
        "{e} closed", "see that {e} is closed", "bring {e} to closed", "pull {e} shut", "leave {e} closed",
    ],
    "locked": [
        "lock {e}", "lock up {e}", "lock {e} up", "set {e} to locked", "make sure {e} is locked", "bolt {e}",
        "see that {e} is locked", "keep {e} locked", "get {e} locked", "secure {e}", "have {e} locked",
    ],
    "unlocked": [
        "unlock {e}", "set {e} to unlocked", "make sure {e} is unlocked", "unbolt {e}", "take the lock off {e}",
        "see that {e} is unlocked", "get {e} unlocked", "release the lock of {e}", "have {e} unlocked",
    ],
    "percent": [
        "set {e} to {n}", "put {e} (at|to|on) {n}", "(turn|bring|move|drive|take) {e} to {n}", "{e} to {n}",
        "run {e} at {n}", "{n} (on|for) {e}", "adjust {e} to {n}", "(open|close) {e} to {n}", "change {e} to {n}",
        "(raise|lower|dial) {e} to {n}", "make {e} {n}", "give {e} {n}", "I want {e} at {n}", "let {e} run at {n}",
        "make sure {e} is at {n}", "have {e} at {n}", "(turn|dim|slow) {e} (down|up) to {n}", "set the speed of {e} to {n}",
    ],
    "setpoint": [
        "set {e} to {n}", "put {e} (at|to|on) {n}", "(turn|bring|move) {e} to {n}", "{e} to {n}", "adjust {e} to {n}",
        "(raise|lower|dial) {e} to {n}", "change {e} to {n}", "let {e} hold {n}", "I want {e} at {n}",
        "make {e} {n}", "have {e} keep {n}", "set the target of {e} to {n}", "(turn|dial) {e} (down|up) to {n}",
        "make sure {e} is set to {n}", "keep {e} at {n}", "tell {e} to hold {n}",
    ],
    "timed": [
        "run {e} for {n}", "start {e} for {n}", "(turn|switch) on {e} for {n}", "{e} for {n}", "{n} of {e}",
        "let {e} run [for] {n}", "do {n} of {e}", "give it {n} of {e}", "have {e} run for {n}", "do a {e} of {n}",
        "run {e} {n}", "for {n}, run {e}", "start a {e} of {n}", "keep {e} going for {n}", "(turn|switch) {e} on for {n}",
    ],
}

HELD_OUT_ACT = {
    "on": ["fire up {e}", "enable {e}", "{e} should be running", "wake {e}", "we want {e} on"],
    "off": ["shut {e} off completely", "{e} should not be running", "knock {e} off", "no more {e}", "idle {e}"],
    "open": ["{e} should stand open", "crack {e} open", "swing {e} open", "we want {e} open"],
    "closed": ["{e} should be shut", "slam {e} shut", "swing {e} closed", "close off {e}"],
    "locked": ["{e} should be locked", "put the lock on {e}", "we want {e} locked"],
    "unlocked": ["{e} should not be locked", "open the lock of {e}", "we want {e} unlocked"],
    "percent": ["{e} should be at {n}", "go to {n} with {e}", "we want {n} on {e}", "position {e} at {n}"],
    "setpoint": ["{e} should be at {n}", "go to {n} with {e}", "we want {e} set to {n}", "program {e} for {n}"],
    "timed": ["{e}, {n} please", "we want {n} of {e}", "operate {e} for {n}"],
}

REQUEST = [
    "{act}", "{act}", "{act}", "(please|kindly) {act}", "{act} please", "{act}, (please|thanks|thank you)",
    "(could|can|would|will) you [please] {act}?", "I (want|need|would like) you to {act}", "[now|next] {act}",
    "(hey|hi|hello|ok), {act}", "we (need|have|ought) to {act}", "go (ahead and|and) {act}", "{act} [right] now",
    "{act} for me", "(it is|it's) time to {act}", "(just|simply|quickly) {act}", "let us {act}", "be so kind and {act}",
    "{act}, would you", "do me a favour and {act}", "your job: {act}", "{act} and tell me when it is done",
    "{act} and report", "first thing today: {act}", "(you should|you must|you may) {act}", "I think we should {act}",
    "someone asked me to {act}, do it", "{act}. That is all", "{act} before (I go|the shift ends|it is too late)",
    "the (boss|owner|night shift) wants you to {act}", "quick one: {act}", "task: {act}", "(pls|plz) {act}",
]
HELD_OUT_REQUEST = [
    "would it be possible to {act}?", "I'd be glad if you {act}", "make it so: {act}", "{act}, that's an order",
    "mind you {act}", "the plan says to {act}", "at your convenience, {act}",
]

ASK = [
    "what is {q}[ now| right now| at the moment]?", "what's {q}?", "(tell|give) me {q}", "(read|check|report|show) {q}",
    "(how (high|low|big|large|much)|what) is {q}?", "{q}?", "{q} [please]", "I (need|want) [to know] {q}",
    "(do you know|can you tell me|could you tell me) {q}?", "(look up|look at|find out|measure|get) {q} [for me]",
    "what does {q} (stand at|read|show|say)?", "where (is|does) {q} [stand] [at]?", "(please|now) (read|report) {q}",
    "what value has {q}?", "let me know {q}", "(read|check|report) {q} (and tell me|please|for me|now)",
    "what (reading|value|figure) do (you|we) have for {q}?", "say what {q} is", "how is {q} [doing]?",
    "(I wonder|I would like to know) what {q} is", "give me the (current|latest|present) {q0}",
    "(current|present|latest) {q0}?", "report the (current|present) {q0}", "what is the (current|present) {q0}?",
]
HELD_OUT_ASK = [
    "could I have {q}?", "fill me in on {q}", "what number is {q} at?", "any idea what {q} is?", "quote me {q}",
    "state {q}", "take a reading of {q}",
]
STATE = [
    "is {e} {s}?", "is {e} {s} (now|right now|at the moment|or not)?", "(check|tell me|find out|see) (if|whether) {e} is {s}",
    "{e}: {s} or not?", "do you know (if|whether) {e} is {s}?", "what (state|position) is {e} in?", "how is {e} set?",
    "what is the (state|position|setting) of {e}?", "(tell|show) me the state of {e}", "is {e} still {s}?",
    "did (someone|anyone) leave {e} {s}?", "report the state of {e}", "I want to know (if|whether) {e} is {s}",
]
HELD_OUT_STATE = ["would you say {e} is {s}?", "am I right that {e} is {s}?", "look whether {e} happens to be {s}"]

# Conditions on a quantity: above, below, at least, at most.
COND = {
    ">": [
        "{q} (is|goes|rises|gets|climbs) (above|over|past|beyond) {n}", "{q} is (more|higher|greater|larger) than {n}",
        "{q} (exceeds|tops|is above|is over) {n}", "{q} has gone (above|over) {n}", "{q} reads more than {n}",
        "there is more than {n} of {q0}", "{q} > {n}", "{q} stands above {n}",
    ],
    "<": [
        "{q} (is|goes|drops|gets|falls|sinks) (below|under|beneath) {n}", "{q} is (less|lower|smaller) than {n}",
        "{q} has (gone|dropped|fallen) (below|under) {n}", "{q} reads less than {n}", "{q} is (below|under) {n}",
        "there is less than {n} of {q0}", "{q} < {n}", "{q} stands below {n}", "{q} does not reach {n}",
    ],
    ">=": ["{q} is at least {n}", "{q} is {n} or (more|higher|above)", "{q} has reached {n}", "{q} >= {n}", "{q} is not below {n}"],
    "<=": ["{q} is at most {n}", "{q} is {n} or (less|lower|below)", "{q} is down to {n}", "{q} <= {n}", "{q} is not above {n}"],
}
HELD_OUT_COND = {
    ">": ["{q} turns out higher than {n}", "{q} lies above {n}", "you find {q} over {n}"],
    "<": ["{q} turns out lower than {n}", "{q} lies below {n}", "you find {q} under {n}"],
    ">=": ["{q} has got to {n}"],
    "<=": ["{q} has come down to {n}"],
}

IF = [
    "if {cond}, {act}", "{act} if {cond}", "{act}, but only if {cond}", "only {act} if {cond}", "when {cond}, {act}",
    "(should it be that|in case) {cond}, {act}", "{act} in case {cond}", "(check|see) if {cond}, and if so {act}",
    "look at {q}: if {cond}, {act}", "(read|check) {q} and {act} if {cond}", "if {cond} then {act}",
    "as {cond} may be, check it and if so {act}", "{act} (when|once) {cond}", "provided {cond}, {act}",
    "see whether {cond}; if yes, {act}", "if you see that {cond}, {act}", "if {cond}, please {act}",
    "if {cond}, {act}; (otherwise|else) (do nothing|leave it|leave everything as it is)",
]
HELD_OUT_IF = ["assuming {cond}, {act}", "{act}, given that {cond}", "on finding that {cond}, {act}", "does it hold that {cond}? then {act}"]
IF_ELSE = [
    "if {cond}, {act}, (otherwise|else|if not) {other}", "if {cond} {act}, (otherwise|else) {other}",
    "{act} if {cond}, (otherwise|else|if not) {other}", "when {cond}, {act}; (otherwise|if not), {other}",
    "(check|read|look at) {q}: if {cond}, {act}, (otherwise|else) {other}", "if {cond} then {act}, else {other}",
    "{act} if {cond} and {other} if not", "see whether {cond}: if yes, {act}, if no, {other}",
]
HELD_OUT_IF_ELSE = ["assuming {cond}, {act}; failing that, {other}", "{act} as long as {cond}, or else {other}"]

ALERT_IF = [
    "(alert|warn) (me|us|someone) if {cond}", "(send|raise|give) an (alert|alarm) if {cond}", "if {cond}, (send|raise) an (alert|alarm)",
    "if {cond}, (alert|warn|tell) (me|us|the crew)", "(check|read) {q} and (alert|warn) (me|us) if {cond}", "let (me|us) know by alert if {cond}",
    "when {cond}, (alert|warn) (me|us)", "raise the alarm if {cond}", "if {cond}, call for help", "(sound|trigger) an alarm if {cond}",
]
HELD_OUT_ALERT_IF = ["shout if {cond}", "an alert is due if {cond}", "I want an alert in case {cond}"]

REACH = [
    "(bring|get|take|drive|move) {q} to {n} [and report]", "use {e} to (bring|get) {q} to {n}", "run {e} until {q} (is|reaches) {n}",
    "{act} until {q} (is|reaches|has reached) {n}", "{act} until {q} (is|reaches) {n}, then {undo}", "I want {q} at {n}",
    "(raise|lower|bring) {q} to {n} with {e}", "with {e}, (bring|get) {q} to {n}", "make {q} {n} [and report]",
    "(bring|get) {q} to {n} [,] [and] (report|tell me|let me know)", "{q} (should|must|has to) (be|reach) {n}", "see that {q} gets to {n}",
    "we need {q} at {n}", "get {q} to {n} and tell me when it is there", "keep {e} going until {q} is {n}", "{q} to {n} [and report]",
    "work on {q} until it is {n}", "{q} has to be at {n}, see to it", "until {q} is at {n}, {act}", "adjust {q} to {n}",
]
RAISE = [
    "(raise|lift|increase|push) {q} to {n} [and report]", "(get|bring) {q} up to {n} [and report]", "(fill|warm|heat|top) up to {n} {q0}",
    "raise {q} until it is {n}", "{q} up to {n}", "make {q} rise to {n}", "{q} is too low, (bring|get) it [up] to {n}",
]
LOWER = [
    "(lower|reduce|decrease|drop) {q} to {n} [and report]", "(get|bring) {q} down to {n} [and report]", "cut {q} to {n}",
    "lower {q} until it is {n}", "{q} down to {n}", "make {q} fall to {n}", "{q} is too high, (bring|get) it [down] to {n}",
]
HELD_OUT_REACH = ["steer {q} to {n}", "have {q} end up at {n}", "{n} is what {q} should be", "do what it takes for {q} to be {n}"]

JOIN = ["{a} and {b}", "{a} and then {b}", "{a}, then {b}", "first {a}, then {b}", "{a}, and {b}", "{a}; {b}", "{a} and also {b}", "{a}, after that {b}"]
JOIN3 = ["{a}, {b} and {c}", "{a}, {b}, and {c}", "first {a}, then {b}, then {c}", "{a}; {b}; {c}", "{a} and {b} and {c}"]
EVERY = ["all {es}", "all the {es}", "every {e1}", "each {e1}", "the {es}", "all of the {es}", "any {e1}"]
BOTH = ["both {es}", "both the {es}", "the two {es}", "both of the {es}"]
EXCEPT = [
    "{act} (except|but not|but|apart from|other than) {x}", "{act}, (but not|except|leave out|just not) {x}", "{act} except for {x}",
    "(apart from|except for|except) {x}, {act}", "{act}, but leave {x} (alone|as it is)", "leave {x} as it is and {act}", "{act}, all but {x}",
]

EVERYTHING = [
    "(turn|switch) (everything|all) off", "(turn|switch) off (everything|all of it)", "stop everything", "shut everything down", "everything off", "shut (it all|the whole thing) down",
    "power everything down", "set everything to off", "(turn|switch) all (devices|things|machines) off", "put everything out of work",
]
EVERYTHING_CLOSED = EVERYTHING + [
    "(turn|switch) everything off and close (everything|what is open)", "everything off and closed", "stop and close everything", "close and stop everything", "shut and stop everything", "bring everything to rest",
]
STATE_COND = ["{e} is {s}", "{e} is {s}", "{e} stands {s}", "{e} happens to be {s}", "{e} is still {s}", "you find {e} {s}", "{e} was left {s}", "{e} shows {s}"]

WAIT = ["wait {n}", "wait for {n}", "wait {n}", "wait for {n}", "pause [for] {n}", "(do|have) a pause of {n}", "hold on for {n}", "take a break of {n}", "let {n} pass", "sleep [for] {n}"]
HELD_OUT_WAIT = ["stand by for {n}", "rest {n}", "be idle for {n}"]
WAIT_THEN = [
    "{wait}, then {act}", "{wait} and then {act}", "in {n}, {act}", "{act} in {n}", "{act} after {n}", "after {n}, {act}", "{wait} and {act}",
    "{wait}. Then {act}", "{n} from now, {act}", "first {wait}, then {act}", "give it {n}, then {act}", "once {n} have passed, {act}",
]
ACT_WAIT_READ = [
    "{a}, {w}, then {b}", "{a}, {w} and {b}", "first {a}, then {w}, then {b}", "{a}; {w}; {b}", "{a} and {b} after {n}", "{a}, and in {n} {b}", "{a}; {n} later, {b}", "{a}. After {n}, {b}",
    "{a} and {n} later {b}", "{a}, let {n} pass and {b}", "{a}. {w}. {b}", "{a}, then {b} in {n}",
]
RUN_THEN = [
    "{a} and {b} [afterwards|after that|when it is done]", "{a}, then {b}", "{a}, and when it has ended, {b}", "{a} and then {b}", "{a}, wait (until it is done|for its end|till it has ended), then {b}",
    "{a}. Then {b}", "after you {a}, {b}", "{a}; {b} (afterwards|at the end|once it is through)", "{a} and [, once it is over,] {b}",
]
READ_AGAIN = [
    "(read|check|report) {q}", "(read|check) {q} again", "tell me {q}", "look at {q} [again]", "say what {q} is", "report {q} [again]", "let me know {q}", "I want to know {q}", "what is {q}?", "(give|show) me {q}",
    "tell me what {q} (is|reads|is at) [then]", "report what {q} is",
]

VERIFY = [
    "{act} and (check|verify|confirm|make sure) (it worked|that it did|that it is so)", "{act} and (check|verify) it", "{act}, then (check|verify|look) [if] it worked",
    "{act} and (check|verify|confirm|see) that it is {s}", "{act} and then read [it] back", "{act} and make sure by reading it back", "{act}, and confirm by a reading",
    "{act} and look whether it is {s}", "{act} then check that it really is {s}", "{act} and tell me if it is really {s}", "{act}; verify",
]
LOG = [
    "(log|note|record) that {text}", "(write|put) (in|into|to|down in) the log [that]: {text}", "(add|make) a (log entry|note): {text}", "log: {text}", "log {text}",
    "note in the log that {text}", "make a note that {text}", "write down that {text}", "for the log: {text}", "enter {text} in the log", "log this: {text}", "please log {text}",
]
HELD_OUT_LOG = ["put on record that {text}", "the log should say {text}", "jot down {text}"]
ALERT = [
    "(alert|warn) (us|me|everyone|the crew|the owner): {text}", "send an (alert|alarm) [that]: {text}", "(raise|send|give) an alert saying {text}", "alert: {text}",
    "(send|raise) the alarm: {text}", "alert the (crew|team|owner) that {text}", "warn (them|us|the team) that {text}", "sound an alarm: {text}", "send an alert that {text}",
]
HELD_OUT_ALERT = ["let an alert go out: {text}", "the crew should get an alert: {text}", "push out an alert that {text}"]
LOG_VALUE = ["(log|record|note) {q}", "(write|put) {q} (in|into) the log", "read {q} and log it", "note {q} in the log", "make a log entry of {q}", "log the reading of {q}"]
COMPARE_TWO = [
    "which is (higher|more|larger|greater), {q} or {r}?", "is {q} (higher|more|larger|greater) than {r}?", "compare {q} and {r}", "compare {q} with {r}", "is there more of {q} than {r}?",
    "what is (higher|larger): {q} or {r}?", "of {q} and {r}, which is (higher|larger)?", "tell me which is (higher|larger), {q} or {r}", "does {q} exceed {r}?",
]

NO_TOOL = [
    "(order|buy|get) [some|new|more] {things}", "what is {n} (times|plus|minus) {m}?", "(tell|sing|write) me a (joke|song|poem|story|letter)", "who (is|was) {name}?",
    "book (a table|a flight|a room|a train) [for {n}]", "(call|phone|ring|text) {name}", "send (an email|a message|a letter|a postcard) to {name}", "what is the capital of {name}?",
    "translate {text} into {name}", "(paint|sweep|clean|mow|repair|fix|tidy) the {thing}", "play (some music|a song|the radio|chess) [for me]", "(make|brew|cook) [me] (coffee|tea|soup|dinner)",
    "what (day|year|month|date) is it?", "how old (are you|is {name})?", "remind me to {text}", "(print|scan|copy|fax) the (report|page|list)", "(water|feed|walk|wash) the (dog|cat|flowers|car|horse)",
    "what will the weather be (tomorrow|on sunday|next week)?", "transfer {n} (euros|dollars|pounds) to {name}", "take a (photo|picture|video) of the {thing}", "who won the (match|race|election)?",
    "(move|carry|lift|drag) the {thing} to the {place}", "(weld|drill|saw|bend|polish|replace) the {thing}", "hire a {name}", "read me the news", "(post|tweet|publish) {text}", "find me a recipe for {things}",
    "(drive|fly|bring) me to {name}", "count the {things}", "unpack the {things}", "[please] (empty|sort|stack) the {things}",
]
HELD_OUT_NO_TOOL = [
    "solve {n} divided by {m}", "order a pizza", "reserve two seats for tonight", "iron my shirts", "give me the football results", "sharpen the {thing}", "explain gravity", "draw a horse",
    "sell the {things}", "invite {name}", "change the tyres", "sign the contract with {name}",
]

SYSTEM = [
    "You (keep|run|look after|watch|manage|control|operate|tend) (a|the|this|our) {site}.", "You are the (keeper|operator|agent|caretaker|warden) of (a|the) {site}.",
    "(This is|Here is) the {site}; you (run|look after|keep) it.", "(Keep|Run|Watch|Manage) the {site}.", "You work for a {site}.",
]
SYSTEM_MORE = [
    "Read it before you act, change one thing at a time, and report what you see.", "Use the tools.", "Be careful.", "Do what is asked and nothing else.", "Answer in one short sentence.",
    "Never guess: read first.", "Report what you see.", "Act only when you have to.", "Say so when you have no tool.", "Ask when something is missing.", "",
]


def filler(rng, text):
    """The sentence with something around it that means nothing, or written a little differently."""
    style = rng.random()
    if style < 0.06:
        text = rng.choice([
            "Good morning. ", "Hello. ", "It is late. ", "I am on the phone. ", "I just got here. ", "The crew left. ", "Listen: ", "One more thing: ",
            "I hope you are well. ", "Sorry to bother you. ", "We had visitors today. ", "As every evening: ", "Short on time. ", "No rush. ", "So, ", "Well, ",
        ]) + text
    elif style < 0.11:
        text = text.rstrip(".?") + rng.choice([
            ". Thanks!", ". Thank you.", ". I am in a hurry.", ". Nothing else.", ". The rest can wait.", ", ok?", ", will you?", ". We have guests.", ". It matters.",
        ])
    style = rng.random()
    if style < 0.3:
        text = text[:1].upper() + text[1:]
    elif style < 0.34:
        text = text.lower()
    style = rng.random()
    if style < 0.4:
        text = text.rstrip(".?")
    elif style < 0.6 and text[-1].isalnum():
        text += "."
    return text


def typo(rng, text, keep):
    """The sentence with one letter dropped, doubled or swapped in a word that is not in `keep`."""
    words = text.split(" ")
    free = [i for i, word in enumerate(words) if word.isalpha() and len(word) > 3 and word.lower() not in keep]
    if not free:
        return text
    i = rng.choice(free)
    word, at = words[i], rng.randrange(1, len(words[i]) - 1)
    style = rng.random()
    if style < 0.4:
        word = word[:at] + word[at + 1 :]
    elif style < 0.7:
        word = word[:at] + word[at] + word[at:]
    else:
        word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    words[i] = word
    return " ".join(words)
