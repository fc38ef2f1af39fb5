"""How people ask. Every frame stands for many sentences: `(a|b)` takes one of its parts, `[a]` is said
or left out, `{slot}` is filled in. `HELD_OUT` has frames that training never sees.

Slots: `{e}` a device, `{q}` a quantity, `{n}` a number with its unit, `{s}` a state; `{act}` an action as a
command, `{be}` as a telegram ("north pump on"), `{must}` as a clause; `{cond}` a condition as a clause,
`{isit}` as the beginning of a question, `{be_cond}` behind "should", `{over}` only its comparison; a slot
with `0` has no article, one with `2` is the other action's. `{n_wait}` a time, `{wait}` a command to wait.
"""

import re

from frames.acts import *
from frames.alerts import *
from frames.conditions import *
from frames.groups import *
from frames.missing import *
from frames.readings import *
from frames.requests import *
from frames.targets import *
from frames.unmet import *

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
    if style < 0.5:
        text = text[:1].upper() + text[1:]
    elif style < 0.54:
        text = text.lower()
    style = rng.random()
    if style < 0.4:
        text = text.rstrip(".?")
    elif style < 0.6 and text[-1].isalnum():
        text += "."
    return text


SMALL_WORDS = {"the", "a", "an", "please", "is", "are"}


def telegram(rng, text):
    """The sentence with most of its small words left out."""
    return " ".join(word for word in text.split(" ") if word.lower() not in SMALL_WORDS or rng.random() < 0.3) or text


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
