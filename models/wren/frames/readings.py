"""How people ask for readings, and for a quantity to be brought to a target. Notation: see `frames`."""

ASK = [
    "what is {q}[ now| right now| at the moment]?", "what's {q}?", "(tell|give) me {q}", "(read|check|report|show) {q}",
    "(how (high|low|big|large|much)|what) is {q}?", "{q}?", "{q} [please]", "I (need|want) [to know] {q}",
    "(do you know|can you tell me|could you tell me) {q}?", "(look up|look at|find out|measure|get) {q} [for me]",
    "what does {q} (stand at|read|show|say)?", "where (is|does) {q} [stand] [at]?", "(please|now) (read|report) {q}",
    "what value has {q}?", "let me know {q}", "(read|check|report) {q} (and tell me|please|for me|now)",
    "what (reading|value|figure) do (you|we) have for {q}?", "say what {q} is", "how is {q} [doing]?",
    "(I wonder|I would like to know) what {q} is", "give me the (current|latest|present) {q0}", "(current|present|latest) {q0}?",
    "report the (current|present) {q0}", "what is the (current|present) {q0}?", "how do we stand with {q}?", "how are we doing on {q}?",
    "what's {q} at [now|right now]?", "what is {q} showing?", "what has {q} got to?", "what are we at with {q}?",
    "what do you read for {q}?", "what do the instruments say about {q}?", "what's the (figure|value|number) for {q}?",
    "what's the latest on {q}?", "which value does {q} have [now]?", "what would {q} be just now?", "can you (check|read) {q} [for me]?",
    "could you have a look at {q}?", "would you (check|read out) {q}?", "would you mind checking {q}?", "may I know what {q} is?",
    "can I get {q}?", "do we know {q}?", "do you have {q} [for me]?", "have you got {q}?", "so what is {q} today?", "and {q}?",
    "just {q}, (thanks|please)", "quick check: {q}?", "{q} now", "{q} = ?", "{q0} value[?]", "{q0} reading please", "status of {q}?",
    "reading for {q}, please", "{q}, (please|thanks)", "read me {q}", "read out {q}", "read {q} and report", "go and see what {q} is",
    "have a look what {q} is", "see what {q} is [and tell me]", "give us {q}", "give me (a reading of|the value of|the figure for) {q}",
    "pass me {q}", "I'd like to hear what {q} is", "I was wondering about {q}", "I am curious what {q} is",
    "I can't see {q} from here, what is it?", "I have to write down {q}, what is it?", "my (boss|wife|neighbour) asks what {q} is",
    "for the (log book|handover|shift report) I need {q}", "before I go home: what is {q}?", "I'm off site, so tell me {q}",
    "the display is broken. What is {q}?", "I'm worried about {q}. What is it now?", "something seems wrong with {q}. What does it read?",
    "just tell me what {q} is, don't change anything", "nothing to do, I only want to know {q}", "one question: what is {q}?",
    "it would help to know {q}", "it would be nice to know what {q} is", "remind me what {q} is",
]
HELD_OUT_ASK = [
    "could I have {q}?", "fill me in on {q}", "what number is {q} at?", "any idea what {q} is?", "quote me {q}", "state {q}",
    "take a reading of {q}",
]
STATE = [
    "is {e} {s}?", "is {e} {s} (now|right now|at the moment|or not)?", "(check|tell me|find out|see) (if|whether) {e} is {s}",
    "{e}: {s} or not?", "do you know (if|whether) {e} is {s}?", "what (state|position) is {e} in?", "how is {e} set?",
    "what is the (state|position|setting) of {e}?", "(tell|show) me the state of {e}", "is {e} still {s}?",
    "did (someone|anyone) leave {e} {s}?", "report the state of {e}", "I want to know (if|whether) {e} is {s}",
]
HELD_OUT_STATE = [
    "would you say {e} is {s}?", "am I right that {e} is {s}?", "look whether {e} happens to be {s}",
]
REACH = [
    "(bring|get|take|drive|move) {q} to {n} [and report]", "use {e} to (bring|get) {q} to {n}", "run {e} until {q} (is|reaches) {n}",
    "{act} until {q} (is|reaches|has reached) {n}", "{act} until {q} (is|reaches) {n}, then {undo}", "I want {q} at {n}",
    "(raise|lower|bring) {q} to {n} with {e}", "with {e}, (bring|get) {q} to {n}", "make {q} {n} [and report]",
    "(bring|get) {q} to {n} [,] [and] (report|tell me|let me know)", "{q} (should|must|has to) (be|reach) {n}", "see that {q} gets to {n}",
    "we need {q} at {n}", "get {q} to {n} and tell me when it is there", "keep {e} going until {q} is {n}", "{q} to {n} [and report]",
    "work on {q} until it is {n}", "{q} has to be at {n}, see to it", "until {q} is at {n}, {act}", "adjust {q} to {n}",
    "please see to it that {q} comes to {n}", "could you get {q} to {n} [for me]?",
    "can you (bring|get) {q} to {n} and (report back|tell me)?", "I'd like to have {q} at {n}", "I would like {q} to be {n}[, please]",
    "it would be good if {q} were at {n}, can you arrange that?", "the goal is {n} for {q}[, please get it there]", "goal: {q} at {n}",
    "target for {q} is {n}, (bring|get) it there", "wanted: {q} {n}", "{q}, target {n}",
    "{q}: {n}, (see to it|get it there|make it happen)", "{q} -> {n}", "{q} = {n}, then report", "need {q} at {n} [asap|now]",
    "to {n} with {q}[, please]", "for the next batch {q} has to be {n}, please get it there", "guests are coming, so get {q} to {n}",
    "the inspector is here soon: bring {q} to {n}", "as we start at six, please bring {q} to {n}",
    "because the night crew wants it so, bring {q} to {n}", "the (plan|sheet|recipe|manual) says {n} for {q}. (Get|Bring) it there",
    "{q} is not where it should be. Bring it to {n}", "{q} is off. Get it to {n} [again]",
    "{q} is wrong, it should be {n}. Put that right", "look at {q}. It has to come to {n}", "I am not happy with {q}. Make it {n}",
    "use whatever you have to bring {q} to {n}", "I don't mind how you do it, but get {q} to {n}",
    "any way you like, but {q} must come to {n}", "with whatever is installed, get {q} to {n}",
    "choose the right device and bring {q} to {n}", "pick what works and get {q} to {n}", "correct {q} to {n}",
    "regulate {q} to {n} [and report]", "control {q} until it reads {n}", "don't stop until {q} is {n}", "carry on until {q} reads {n}",
    "go on until {q} has come to {n}, then report", "keep at it until {q} is at {n}", "change {q} to {n} [and tell me]",
    "return {q} to {n}", "put {q} back to {n} [and let me know]", "would you mind getting {q} to {n}?",
    "we are after {n} for {q}, please see to it", "{q} wants to be at {n}, please (sort|fix) that", "how about getting {q} to {n}?",
    "I (want|need) to see {q} at {n}", "let {q} come to {n} [and report]", "once {q} is at {n}, tell me; please get it there",
    "your job: {q} at {n}", "task: bring {q} to {n}, report (when done|afterwards)", "so that we can begin, get {q} to {n}",
    "ensure {q} (reaches|gets to) {n}",
]
RAISE = [
    "(raise|lift|increase|push) {q} to {n} [and report]", "(get|bring) {q} up to {n} [and report]", "(fill|warm|heat|top) up to {n} {q0}",
    "raise {q} until it is {n}", "{q} up to {n}", "make {q} rise to {n}", "{q} is too low, (bring|get) it [up] to {n}",
    "could you (raise|increase) {q} to {n}?", "can we have {q} up at {n}?", "I want {q} higher: {n}", "I need {q} raised to {n}",
    "{q} needs to go up to {n}", "{q} has to (rise|climb) to {n}", "let {q} (rise|climb|go up) to {n}",
    "{q} is down, get it back up to {n}", "{q} has dropped. Bring it back up to {n}", "{q} is much too low. Raise it to {n}",
    "not enough: {q} should go up to {n}", "{q} is short of {n}, make up the difference", "boost {q} to {n} [and report]",
    "step {q} up to {n}", "up with {q} to {n}", "{q} up, target {n}", "{q} higher, to {n}", "{q} too low - up to {n}",
    "build {q} up to {n}", "bump {q} up to {n}", "as {q} is so low, (raise|lift) it to {n}",
    "since {q} has fallen, take it up to {n} again", "until {q} has risen to {n}, keep raising it",
    "keep raising {q} until it (reaches|is at) {n}", "I'd like {q} increased to {n}, please", "more is needed: get {q} up to {n}",
    "would you raise {q} to {n} and tell me when it is up?", "see that {q} climbs to {n}", "{q} must go up. Stop at {n}",
    "increase {q} until it reads {n}", "get {q} up as far as {n}", "at least {n} is needed, so bring {q} up to that",
]
LOWER = [
    "(lower|reduce|decrease|drop) {q} to {n} [and report]", "(get|bring) {q} down to {n} [and report]", "cut {q} to {n}",
    "lower {q} until it is {n}", "{q} down to {n}", "make {q} fall to {n}", "{q} is too high, (bring|get) it [down] to {n}",
    "could you (lower|reduce) {q} to {n}?", "can we have {q} down at {n}?", "I want {q} lower: {n}", "I need {q} lowered to {n}",
    "{q} needs to (come|go) down to {n}", "{q} has to (fall|drop|sink) to {n}", "let {q} (fall|drop|sink|go down) to {n}",
    "{q} has risen, get it back down to {n}", "{q} has gone up. Bring it back down to {n}", "{q} is much too high. Lower it to {n}",
    "too much: {q} should come down to {n}", "{q} is past {n}, take it back down to that", "step {q} down to {n}", "down with {q} to {n}",
    "{q} down, target {n}", "{q} lower, to {n}", "{q} too high - down to {n}", "as {q} is so high, (lower|reduce) it to {n}",
    "since {q} has climbed, take it down to {n} again", "keep lowering {q} until it (reaches|is at) {n}",
    "until {q} has fallen to {n}, keep lowering it", "I'd like {q} reduced to {n}, please", "less is needed: get {q} down to {n}",
    "would you lower {q} to {n} and tell me when it is down?", "see that {q} (sinks|falls) to {n}", "{q} must come down. Stop at {n}",
    "reduce {q} until it reads {n}", "get {q} down as far as {n}", "at most {n} is allowed, so bring {q} down to that",
    "ease {q} down to {n} [and report]", "trim {q} down to {n}",
]
HELD_OUT_REACH = [
    "steer {q} to {n}", "have {q} end up at {n}", "{n} is what {q} should be", "do what it takes for {q} to be {n}",
]
WAIT = [
    "wait {n}", "wait for {n}", "pause [for] {n}", "(do|have) a pause of {n}", "hold on for {n}", "take a break of {n}", "let {n} pass",
    "sleep [for] {n}",
]
HELD_OUT_WAIT = [
    "stand by for {n}", "rest {n}", "be idle for {n}",
]
WAIT_THEN = [
    "{wait}, then {act}", "{wait} and then {act}", "in {n}, {act}", "{act} in {n}", "{act} after {n}", "after {n}, {act}",
    "{wait} and {act}", "{wait}. Then {act}", "{n} from now, {act}", "first {wait}, then {act}", "give it {n}, then {act}",
    "once {n} have passed, {act}",
]
ACT_WAIT_READ = [
    "{a}, {w}, then {b}", "{a}, {w} and {b}", "first {a}, then {w}, then {b}", "{a}; {w}; {b}", "{a} and {b} after {n}",
    "{a}, and in {n} {b}", "{a}; {n} later, {b}", "{a}. After {n}, {b}", "{a} and {n} later {b}", "{a}, let {n} pass and {b}",
    "{a}. {w}. {b}", "{a}, then {b} in {n}",
]
RUN_THEN = [
    "{a} and {b} [afterwards|after that|when it is done]", "{a}, then {b}", "{a}, and when it has ended, {b}", "{a} and then {b}",
    "{a}, wait (until it is done|for its end|till it has ended), then {b}", "{a}. Then {b}", "after you {a}, {b}",
    "{a}; {b} (afterwards|at the end|once it is through)", "{a} and [, once it is over,] {b}",
]
READ_AGAIN = [
    "(read|check|report) {q}", "(read|check) {q} again", "tell me {q}", "look at {q} [again]", "say what {q} is", "report {q} [again]",
    "let me know {q}", "I want to know {q}", "what is {q}?", "(give|show) me {q}", "tell me what {q} (is|reads|is at) [then]",
    "report what {q} is",
]
LOG = [
    "(log|note|record) that {text}", "(write|put) (in|into|to|down in) the log [that]: {text}", "(add|make) a (log entry|note): {text}",
    "log: {text}", "log {text}", "note in the log that {text}", "make a note that {text}", "write down that {text}", "for the log: {text}",
    "enter {text} in the log", "log this: {text}", "please log {text}",
]
HELD_OUT_LOG = [
    "put on record that {text}", "the log should say {text}", "jot down {text}",
]
ALERT = [
    "(alert|warn) (us|me|everyone|the crew|the owner): {text}", "send an (alert|alarm) [that]: {text}",
    "(raise|send|give) an alert saying {text}", "alert: {text}", "(send|raise) the alarm: {text}",
    "alert the (crew|team|owner) that {text}", "warn (them|us|the team) that {text}", "sound an alarm: {text}",
    "send an alert that {text}",
]
HELD_OUT_ALERT = [
    "let an alert go out: {text}", "the crew should get an alert: {text}", "push out an alert that {text}",
]
LOG_VALUE = [
    "(log|record|note) {q}", "(write|put) {q} (in|into) the log", "read {q} and log it", "note {q} in the log", "make a log entry of {q}",
    "log the reading of {q}",
]
COMPARE_TWO = [
    "which is (higher|more|larger|greater), {q} or {r}?", "is {q} (higher|more|larger|greater) than {r}?", "compare {q} and {r}",
    "compare {q} with {r}", "is there more of {q} than {r}?", "what is (higher|larger): {q} or {r}?",
    "of {q} and {r}, which is (higher|larger)?", "tell me which is (higher|larger), {q} or {r}", "does {q} exceed {r}?",
]
ADJECTIVES = {
    "temperature": {
        "ask": [
            "how warm is it {p}?", "how (cold|hot|cool) is it {p}?", "how warm is it {p} (now|right now|at the moment)?",
            "is it (warm|cold|hot) {p}?", "tell me how (warm|cold) it is {p}", "what's the temperature like {p}?",
            "how many degrees do we have {p}?", "how hot has it got {p}?",
        ],
        ">": [
            "it is (warmer|hotter) than {n} {p}", "it gets (warmer|hotter) than {n} {p}", "it has got hotter than {n} {p}",
            "it's above {n} {p}", "it is more than {n} {p}", "it is too warm {p}, say over {n}", "the air {p} is warmer than {n}",
        ],
        "<": [
            "it is (colder|cooler) than {n} {p}", "it gets (colder|cooler) than {n} {p}", "it has got colder than {n} {p}",
            "it's below {n} {p}", "it is less than {n} {p}", "it is too cold {p}, say under {n}", "the air {p} is colder than {n}",
        ],
        "isit>": [
            "is it (warmer|hotter) than {n} {p}", "has it got (warmer|hotter) than {n} {p}", "is it above {n} {p}", "is it over {n} {p}",
            "does it feel hotter than {n} {p}", "is the air {p} warmer than {n}",
        ],
        "isit<": [
            "is it (colder|cooler) than {n} {p}", "has it got (colder|cooler) than {n} {p}", "is it below {n} {p}", "is it under {n} {p}",
            "is it down under {n} {p}", "is the air {p} colder than {n}",
        ],
    },
    "humidity": {
        "ask": [
            "how (humid|damp|dry|muggy) is it {p}?", "how (humid|moist|dry) is the air {p}?", "is it (humid|damp|dry) {p}?",
            "tell me how humid it is {p}", "how much moisture is in the air {p}?", "what is the air like {p}, humid or dry?",
        ],
        ">": [
            "it is (more humid|damper) than {n} {p}", "the air {p} is (damper|moister) than {n}", "it gets more humid than {n} {p}",
            "the air {p} holds more than {n} humidity", "it's too damp {p}, over {n}",
        ],
        "<": [
            "it is (less humid|drier) than {n} {p}", "the air {p} is drier than {n}", "it gets drier than {n} {p}",
            "the air {p} holds less than {n} humidity", "it's too dry {p}, under {n}",
        ],
        "isit>": [
            "is it (more humid|damper) than {n} {p}", "is the air {p} (damper|moister) than {n}", "has it got damper than {n} {p}",
            "has it become more humid than {n} {p}", "is the air {p} more humid than {n}",
        ],
        "isit<": [
            "is it (less humid|drier) than {n} {p}", "is the air {p} drier than {n}", "has it got drier than {n} {p}",
            "has it become less humid than {n} {p}", "is the air {p} less humid than {n}",
        ],
    },
    "soil": {
        "ask": [
            "how (wet|dry|moist|damp) is the soil {p}?", "how (wet|dry|damp) is it {p}?", "how (thirsty|dry) are the plants {p}?",
            "is the soil (dry|wet|moist) {p}?", "does it need watering {p}?", "tell me how (dry|moist) the ground is {p}",
            "how's the earth {p}, dry or damp?",
        ],
        ">": [
            "the soil {p} is (wetter|moister|damper) than {n}", "the ground is wetter than {n} {p}", "it is wetter than {n} {p}",
            "the earth {p} holds more than {n}", "the soil has got wetter than {n} {p}",
        ],
        "<": [
            "the soil {p} is drier than {n}", "the ground is drier than {n} {p}", "it is drier than {n} {p}",
            "the earth {p} holds less than {n}", "the soil has dried out below {n} {p}", "the soil {p} is less moist than {n}",
        ],
        "isit>": [
            "is the soil {p} (wetter|moister|damper) than {n}", "is the ground wetter than {n} {p}", "is it wetter than {n} {p}",
            "is the earth {p} damper than {n}", "has the soil got wetter than {n} {p}",
        ],
        "isit<": [
            "is the soil {p} drier than {n}", "is the ground drier than {n} {p}", "is it drier than {n} {p}",
            "is the earth {p} less damp than {n}", "has the soil dried out below {n} {p}",
        ],
    },
    "level": {
        "ask": [
            "how (full|empty) is {q}?", "how high is {q}?", "how low has {q} got?", "how much is left in {q}?", "is {q} (full|empty|low)?",
            "tell me how full {q} is", "how far has {q} filled up?", "how full is {q} by now?",
        ],
        ">": [
            "{q} is fuller than {n}", "{q} is more than {n} full", "{q} has filled up past {n}", "{q} is filled above {n}",
            "{q} gets fuller than {n}", "{q} is over {n} full",
        ],
        "<": [
            "{q} is emptier than {n}", "{q} is less than {n} full", "{q} has run down below {n}", "{q} has emptied to under {n}",
            "{q} gets emptier than {n}", "{q} is not even {n} full",
        ],
        "isit>": [
            "is {q} fuller than {n}", "is {q} more than {n} full", "has {q} filled up past {n}", "is {q} filled above {n}",
            "has {q} got fuller than {n}", "is {q} over {n} full",
        ],
        "isit<": [
            "is {q} emptier than {n}", "is {q} less than {n} full", "has {q} run down below {n}", "has {q} emptied to under {n}",
            "has {q} got emptier than {n}", "is {q} under {n} full",
        ],
    },
    "pressure": {
        "ask": [
            "how much pressure is there {p}?", "how much pressure do we have {p}?", "how high is the pressure {p}?",
            "is there (enough|any) pressure {p}?", "how many bar {p}?", "what pressure are we at {p}?",
            "tell me what pressure there is {p}",
        ],
        ">": [
            "there is more than {n} of pressure {p}", "there's over {n} {p}", "we have more than {n} of pressure {p}",
            "the pressure {p} is stronger than {n}", "more than {n} builds up {p}", "the pressure is over {n} {p}",
        ],
        "<": [
            "there is less than {n} of pressure {p}", "there's under {n} {p}", "we have less than {n} of pressure {p}",
            "the pressure {p} is weaker than {n}", "we're losing pressure {p}, under {n}", "the pressure is under {n} {p}",
        ],
        "isit>": [
            "is there more than {n} of pressure {p}", "do we have more than {n} of pressure {p}", "is there over {n} {p}",
            "has the pressure built up past {n} {p}", "is the pressure over {n} {p}",
        ],
        "isit<": [
            "is there less than {n} of pressure {p}", "do we have less than {n} of pressure {p}", "is there under {n} {p}",
            "has the pressure dropped below {n} {p}", "is the pressure under {n} {p}",
        ],
    },
    "light": {
        "ask": [
            "how (bright|dark|light) is it {p}?", "how much light is there {p}?", "how much light do we get {p}?",
            "is it (bright|dark) {p}?", "is there enough light {p}?", "tell me how (bright|dark) it is {p}", "how dim is it {p}?",
        ],
        ">": [
            "it is (brighter|lighter) than {n} {p}", "it gets brighter than {n} {p}", "there is more light than {n} {p}",
            "there is more than {n} of light {p}", "the light {p} is stronger than {n}",
        ],
        "<": [
            "it is (darker|dimmer) than {n} {p}", "it gets darker than {n} {p}", "there is less light than {n} {p}",
            "there is less than {n} of light {p}", "the light {p} is weaker than {n}",
        ],
        "isit>": [
            "is it (brighter|lighter) than {n} {p}", "has it got brighter than {n} {p}", "is there more light than {n} {p}",
            "is there more than {n} of light {p}", "is the light {p} stronger than {n}",
        ],
        "isit<": [
            "is it (darker|dimmer) than {n} {p}", "has it got darker than {n} {p}", "is there less light than {n} {p}",
            "is there less than {n} of light {p}", "is the light {p} weaker than {n}",
        ],
    },
    "thickness": {
        "ask": [
            "how (thick|thin) is {q}?", "how thick has {q} got?", "is {q} thick?", "tell me how thick {q} is",
            "how much has built up on {q}?", "what does {q} measure?",
        ],
        ">": [
            "{q} is thicker than {n}", "{q} has got thicker than {n}", "{q} is more than {n} thick", "{q} has grown past {n}",
            "{q} has built up to more than {n}",
        ],
        "<": [
            "{q} is thinner than {n}", "{q} has got thinner than {n}", "{q} is less than {n} thick", "{q} has worn below {n}",
            "{q} is down to less than {n}",
        ],
        "isit>": [
            "is {q} thicker than {n}", "has {q} got thicker than {n}", "is {q} more than {n} thick", "has {q} grown past {n}",
            "has {q} built up to more than {n}",
        ],
        "isit<": [
            "is {q} thinner than {n}", "has {q} got thinner than {n}", "is {q} less than {n} thick", "has {q} worn below {n}",
            "is {q} down to less than {n}",
        ],
    },
    "flow": {
        "ask": [
            "how (fast|strong) is {q}?", "how much is flowing {p}?", "how much is running through {p}?", "is anything flowing {p}?",
            "how fast is it flowing {p}?", "tell me how much flows {p}", "how much flow do we have {p}?",
        ],
        ">": [
            "{q} is (stronger|faster) than {n}", "more than {n} is flowing {p}", "it flows faster than {n} {p}",
            "there is more than {n} coming through {p}", "we get more than {n} of flow {p}",
        ],
        "<": [
            "{q} is (weaker|slower) than {n}", "less than {n} is flowing {p}", "it flows slower than {n} {p}",
            "there is less than {n} coming through {p}", "we get less than {n} of flow {p}",
        ],
        "isit>": [
            "is {q} (stronger|faster) than {n}", "is more than {n} flowing {p}", "does it flow faster than {n} {p}",
            "is there more than {n} coming through {p}", "do we get more than {n} of flow {p}",
        ],
        "isit<": [
            "is {q} (weaker|slower) than {n}", "is less than {n} flowing {p}", "does it flow slower than {n} {p}",
            "is there less than {n} coming through {p}", "do we get less than {n} of flow {p}",
        ],
    },
    "speed": {
        "ask": [
            "how (fast|slow) is {q}?", "how fast is {q} now?", "how fast are we going on {q}?", "tell me how fast {q} is", "is {q} fast?",
            "how quick is {q} at the moment?",
        ],
        ">": [
            "{q} is (faster|quicker) than {n}", "{q} has got faster than {n}", "{q} gets faster than {n}", "{q} has sped up past {n}",
            "we're going faster than {n} on {q}",
        ],
        "<": [
            "{q} is slower than {n}", "{q} has got slower than {n}", "{q} gets slower than {n}", "{q} has slowed to below {n}",
            "we're going slower than {n} on {q}",
        ],
        "isit>": [
            "is {q} (faster|quicker) than {n}", "has {q} got faster than {n}", "has {q} sped up past {n}",
            "are we going faster than {n} on {q}", "is {q} any faster than {n}",
        ],
        "isit<": [
            "is {q} slower than {n}", "has {q} got slower than {n}", "has {q} slowed to below {n}", "are we going slower than {n} on {q}",
            "is {q} any slower than {n}",
        ],
    },
    "power": {
        "ask": [
            "how much power are we using {p}?", "how much (power|electricity) is being drawn {p}?", "how much is being used {p}?",
            "how strong is {q}?", "what are we drawing {p}?", "how big is the load {p}?", "tell me how much power goes out {p}",
        ],
        ">": [
            "more than {n} is being drawn {p}", "we are using more than {n} {p}", "we draw more than {n} {p}", "{q} is stronger than {n}",
            "{q} is heavier than {n}", "the load {p} is bigger than {n}",
        ],
        "<": [
            "less than {n} is being drawn {p}", "we are using less than {n} {p}", "we draw less than {n} {p}", "{q} is weaker than {n}",
            "{q} is lighter than {n}", "the load {p} is smaller than {n}",
        ],
        "isit>": [
            "is more than {n} being drawn {p}", "are we using more than {n} {p}", "do we draw more than {n} {p}",
            "is {q} stronger than {n}", "is the load {p} bigger than {n}",
        ],
        "isit<": [
            "is less than {n} being drawn {p}", "are we using less than {n} {p}", "do we draw less than {n} {p}", "is {q} weaker than {n}",
            "is the load {p} smaller than {n}",
        ],
    },
    "gas": {
        "ask": [
            "how (stuffy|stale|bad|fresh) is the air {p}?", "how good is the air {p}?", "how much {q0} is there {p}?",
            "is the air (bad|stale|all right) {p}?", "how much gas is in the air {p}?", "tell me how (stuffy|stale) it is {p}",
            "how thick is the air {p}?",
        ],
        ">": [
            "the air {p} is (worse|staler|stuffier) than {n}", "the air gets worse than {n} {p}", "there is more than {n} in the air {p}",
            "more than {n} has built up {p}", "the air {p} is at more than {n}",
        ],
        "<": [
            "the air {p} is (better|fresher|cleaner) than {n}", "the air gets better than {n} {p}",
            "there is less than {n} in the air {p}", "less than {n} is left in the air {p}", "the air {p} is at less than {n}",
        ],
        "isit>": [
            "is the air {p} (worse|staler|stuffier) than {n}", "has the air got worse than {n} {p}",
            "is there more than {n} in the air {p}", "has more than {n} built up {p}", "is the air {p} at more than {n}",
        ],
        "isit<": [
            "is the air {p} (better|fresher|cleaner) than {n}", "has the air got better than {n} {p}",
            "is there less than {n} in the air {p}", "is less than {n} left in the air {p}", "is the air {p} at less than {n}",
        ],
    },
    "weight": {
        "ask": [
            "how (heavy|light) is {q}?", "how much does {q} weigh?", "what does {q} weigh?", "tell me how heavy {q} is", "is {q} heavy?",
            "how much weight is there {p}?", "how many kilos {p}?",
        ],
        ">": [
            "{q} is heavier than {n}", "{q} weighs more than {n}", "{q} has got heavier than {n}", "there is more than {n} of weight {p}",
            "{q} weighs in above {n}",
        ],
        "<": [
            "{q} is lighter than {n}", "{q} weighs less than {n}", "{q} has got lighter than {n}", "there is less than {n} of weight {p}",
            "{q} weighs in below {n}",
        ],
        "isit>": [
            "is {q} heavier than {n}", "does {q} weigh more than {n}", "has {q} got heavier than {n}",
            "is there more than {n} of weight {p}", "does {q} weigh in above {n}",
        ],
        "isit<": [
            "is {q} lighter than {n}", "does {q} weigh less than {n}", "has {q} got lighter than {n}",
            "is there less than {n} of weight {p}", "does {q} weigh in below {n}",
        ],
    },
    "generic": {
        "ask": [
            "how high is {q} (now|right now|at the moment|today)?", "how (high|low) has {q} got?", "how far up is {q}?",
            "is {q} (high|low)?", "tell me how (high|low) {q} is", "how high are we on {q}?", "how's {q} looking?",
        ],
        ">": [
            "{q} is higher than {n}", "{q} is bigger than {n}", "{q} gets higher than {n}", "{q} has got higher than {n}",
            "{q} is up over {n}", "{q} looks higher than {n}",
        ],
        "<": [
            "{q} is lower than {n}", "{q} is smaller than {n}", "{q} gets lower than {n}", "{q} has got lower than {n}",
            "{q} is down under {n}", "{q} looks lower than {n}",
        ],
        "isit>": [
            "is {q} higher than {n}", "is {q} bigger than {n}", "has {q} got higher than {n}", "is {q} up over {n}",
            "does {q} look higher than {n}",
        ],
        "isit<": [
            "is {q} lower than {n}", "is {q} smaller than {n}", "has {q} got lower than {n}", "is {q} down under {n}",
            "does {q} look lower than {n}",
        ],
    },
}
REACH_WITH = [
    "run {e} until {q} is {n}, then {undo}", "let {e} run until {q} (is|reads) {n}, (then|and then) {undo}",
    "{act}, wait until {q} is {n}, then {undo}", "{act} and let it go on until {q} (reaches|is at) {n}, after that {undo}",
    "{act}. When {q} (is|reaches) {n}, {undo}", "{act} now, and {undo} (once|when|as soon as) {q} is {n}", "{act}; at {n} on {q}, {undo}",
    "{act}. Watch {q}. At {n} {undo}", "{act} and keep an eye on {q}: at {n}, {undo}", "use {e} to bring {q} to {n}, then {undo}",
    "with {e}, get {q} to {n}, and {undo} afterwards", "bring {q} to {n} with {e} and {undo} when it is there",
    "get {q} to {n} by means of {e}. Afterwards {undo}", "{q} should be {n}: {act}, and {undo} when it gets there",
    "we need {q} at {n}, so {act} and then {undo}", "{act} for as long as it takes {q} to get to {n}, then {undo}",
    "could you {act} until {q} is {n} and then {undo}?", "please {act} until {q} has come to {n}, and only then {undo}",
    "until {q} is {n}, {act}; then {undo}", "first {act}, then wait for {q} to reach {n}, then {undo}", "{act} till {q} {n}, then {undo}",
    "{q} to {n} with {e}, then {undo}", "1. {act} 2. wait for {q} to be {n} 3. {undo}", "{act} -> {q} at {n} -> {undo}",
    "don't {undo} until {q} is {n}; for now, {act}", "{undo} when {q} has reached {n}, but first {act}",
    "(I'd like|I want) you to {act} until {q} reads {n}. Then {undo}", "{act}, check {q} until it is {n}, finally {undo}",
    "{act}. It can stay so until {q} is {n}. Then {undo}", "because {q} has to be {n}, {act}; {undo} after that",
    "{act} to get {q} to {n}. After that, {undo}", "take {q} to {n} using {e}, {undo} at the end",
]
REACH_BY_KIND = {
    "temperature": {
        "up": [
            "heat {p} to {n}", "warm {p} [up] to {n}", "heat {p} up until it is {n}", "make it {n} in {p}, it is too cold there",
            "get {p} warm: {n}", "it's cold in {p}, (heat|warm) it to {n}", "could you warm {p} up to {n}?", "let {p} warm up to {n}",
            "{p} warmer, to {n}", "I'd like {p} warmed to {n}", "bring some heat into {p} until it is {n}", "{p} has to heat up to {n}",
        ],
        "down": [
            "cool {p} to {n}", "cool {p} [down] to {n}", "chill {p} to {n}", "make it {n} in {p}, it is too hot there",
            "get {p} cool: {n}", "it's too warm in {p}, cool it to {n}", "could you cool {p} down to {n}?", "let {p} cool down to {n}",
            "{p} cooler, to {n}", "I'd like {p} cooled to {n}", "get the heat out of {p} until it is {n}", "{p} has to cool to {n}",
        ],
    },
    "level": {
        "up": [
            "fill {p} to {n}", "top up {p} to {n}", "top {p} up to {n}", "fill up {p} until it is at {n}", "refill {p} to {n}",
            "{p} is too empty, fill it to {n}", "could you fill {p} up to {n}?", "let {p} fill to {n}", "{p}: fill to {n}",
            "I want {p} filled to {n}", "pump {p} up to {n}", "put water into {p} until it is at {n}",
        ],
        "down": [
            "drain {p} to {n}", "pump {p} down to {n}", "pump out {p} until it is at {n}", "empty {p} down to {n}",
            "{p} is too full, drain it to {n}", "could you pump {p} out to {n}?", "let {p} drain to {n}", "{p}: drain to {n}",
            "I want {p} drained to {n}", "draw {p} down to {n}", "run off {p} to {n}", "let water out of {p} until it is at {n}",
        ],
    },
    "humidity": {
        "up": [
            "humidify {p} to {n}", "moisten the air in {p} to {n}", "make the air in {p} damper, up to {n}",
            "the air in {p} is too dry, bring it up to {n}", "get more moisture into the air of {p}, up to {n}",
            "could you humidify {p} until it is at {n}?", "mist {p} until the air is at {n}", "bring the air in {p} up to {n} humidity",
            "{p}: humidify to {n}", "let the humidity in {p} rise to {n}", "I'd like the air in {p} moister: {n}",
            "it's too dry in {p}, humidify to {n}",
        ],
        "down": [
            "dry {p} [out] to {n} humidity", "dehumidify {p} to {n}", "dry the air in {p} to {n}",
            "the air in {p} is too damp, bring it down to {n}", "get the damp out of {p} until the air is at {n}",
            "could you dehumidify {p} until it is at {n}?", "air {p} until the humidity is down to {n}",
            "bring the air in {p} down to {n} humidity", "{p}: dehumidify to {n}", "let the humidity in {p} fall to {n}",
            "I'd like the air in {p} drier: {n}", "it's muggy in {p}, dry the air to {n}",
        ],
    },
    "light": {
        "up": [
            "brighten {p} to {n}", "light {p} up to {n}", "make {p} brighter, {n}", "it's too dark in {p}, brighten it to {n}",
            "get more light into {p}, up to {n}", "could you brighten {p} up to {n}?", "{p} brighter, to {n}", "{p} needs more light: {n}",
            "I'd like {p} brightened to {n}", "let more light into {p} until it is {n}", "illuminate {p} to {n}",
            "bring the light in {p} up to {n}",
        ],
        "down": [
            "darken {p} to {n}", "dim {p} to {n}", "make {p} darker, {n}", "it's too bright in {p}, darken it to {n}",
            "get the light in {p} down to {n}", "could you darken {p} to {n}?", "{p} darker, to {n}", "{p} needs less light: {n}",
            "I'd like {p} darkened to {n}", "shade {p} until it is {n}", "keep light out of {p} until it is down to {n}",
            "bring the light in {p} down to {n}",
        ],
    },
    "pressure": {
        "up": [
            "pressurise {p} to {n}", "pressurize {p} to {n}", "pump {p} up to {n}", "build up pressure in {p} to {n}",
            "put {n} of pressure on {p}", "there is too little pressure in {p}, bring it up to {n}",
            "could you bring {p} up to {n} of pressure?", "more pressure in {p}, up to {n}", "{p}: pressure up to {n}",
            "I want the pressure in {p} raised to {n}", "let pressure build in {p} until it is {n}", "charge {p} to {n}",
        ],
        "down": [
            "relieve {p} to {n}", "bleed {p} down to {n}", "let pressure out of {p} until it is {n}",
            "take the pressure in {p} down to {n}", "vent {p} down to {n}", "there is too much pressure in {p}, bring it down to {n}",
            "could you bleed {p} to {n}?", "less pressure in {p}, down to {n}", "{p}: pressure down to {n}",
            "I want the pressure in {p} lowered to {n}", "ease the pressure on {p} to {n}", "release pressure from {p} until it is at {n}",
        ],
    },
    "soil": {
        "up": [
            "water {p} to {n}", "water {p} until the soil is at {n}", "moisten {p} to {n}", "irrigate {p} to {n}",
            "{p} is too dry, water it up to {n}", "could you water {p} up to {n}?", "give {p} water until it is at {n}",
            "{p}: water to {n}", "I want {p} watered to {n}", "wet {p} to {n}", "soak {p} until the soil reads {n}",
            "{p} is thirsty, moisten the soil to {n}",
        ],
        "down": [
            "dry {p} [out] to {n}", "let {p} dry to {n}", "let {p} dry out until the soil is at {n}", "drain {p} until the soil is at {n}",
            "{p} is too wet, dry it to {n}", "could you dry {p} down to {n}?", "get the wet out of {p}, down to {n}", "{p}: dry to {n}",
            "I want {p} dried out to {n}", "bring the soil in {p} down to {n}", "{p} is soaked, get it down to {n}",
            "make {p} drier, down to {n}",
        ],
    },
}
REPORT = [
    "and report", "and report back", "then report", "then report back [to me]", "and tell me when (it's|it is) done",
    "and let me know when you're done", "then let me know", "and say when it is done", "and say so when you are finished",
    "report when done", "reporting when finished", "with a report at the end", "and give me a report afterwards",
    "and tell us how it went", "and confirm when done", "then confirm", "and get back to me", "then tell me",
    "and let us know once that is done", "and give me word when you have finished", "and I'd like to hear when it's done",
    "report to follow", "and keep me posted", "and I want a short report after that", "then tell me that it is done",
    "and tell me the result", "afterwards report",
]
REPORT_Q = [
    "and say what {q} reads", "and tell me what {q} is then", "then report {q}", "and report {q} [afterwards]",
    "and let me know {q} at the end", "then tell me {q}", "and say where {q} stands", "then read {q} to me",
    "and give me {q} when you are done", "reporting {q} at the end", "and tell us what {q} has come to", "then let me know what {q} shows",
    "and report back with {q}", "afterwards tell me {q}",
]
ASK_UNIT = [
    "how many {u} does {q} have?", "how many {u} is {q}?", "how many {u} is {q} at [now]?", "{q} in {u}?", "what is {q} in {u}?",
    "give me {q} in {u}", "tell me how many {u} {q} is", "how many {u} does {q} (show|read)?", "at how many {u} is {q}?",
    "I need {q} in {u}", "{q}: how many {u}?", "{q} - {u}?", "how many {u} do we have on {q}?", "say in {u} what {q} is",
]
RUN_THEN_NOUN = [
    "{run}, then {b}", "{run} and then {b}", "first {run}, then {b}", "{run}; afterwards {b}", "do {run}, and when it is over, {b}",
]
ACT_ASK = [
    "{a} and {b}", "{a}, and {b}", "{b} and {a}", "{a}; also {b}", "{a} and in addition {b}",
]
COLD = [
    "(cool|chill) {q} [down] to {n} [and report]", "(cool|chill) {q} until it is {n} [, then report]", "(freeze|refrigerate) {q} to {n}",
    "make {q} as cold as {n}", "{q} (should|must|has to) be {n} cold", "(please|now) cool {q} to {n}",
    "I need {q} at {n}, report when (done|ready)", "(get|have|keep) {q} at {n}", "set {q} to {n}", "pull {q} down to {n}",
    "bring down {q} to {n}", "take care that {q} gets down to {n}",
]
