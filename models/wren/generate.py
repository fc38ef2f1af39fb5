"""What wren is trained on: conversations over the shipped boards, over random gateways, and for copying.

Every conversation comes from a seeded `random.Random`. `Split.TRAIN` and `Split.HELD_OUT` draw from
separate frames and words by construction (see `words`, `frames`, `catalogue`).
"""

import random
from dataclasses import dataclass, field

import catalogue
import frames
import tasks
import words
from boards import BOARDS, board_world, draw_cold_room, spoken_of
from coldroom import bringing
from episodes import Episode, Troubles, draw_troubles, play
from plant import BUILT_IN, Call
from policy import Answer, Expert
from shipped import SCRIPTS, is_measured, shipped_task, texts
from speaker import Speaker
from words import Split
from worlds import draw_world


SHIPPED_SHARE = 0.12  # of a board's requests, those in the very words of its own tasks


@dataclass
class Conversation:
    """Messages, and the tools that are listed before them."""

    messages: list = field(default_factory=list)
    tools: list = field(default_factory=list)
    kinds: list = field(default_factory=list)


def begin(system, tools):
    return Conversation([{"role": "system", "content": system}], tools)


def add(conversation, episode, rng):
    """Plays an episode as the next request of a conversation."""
    play(episode, rng)
    conversation.messages += episode.messages
    conversation.kinds.append(episode.kind)


def system_text(rng, world):
    """What the agent is told about its site; says what moves what, as far as the world has hints."""
    style = rng.random()
    if style < 0.1:
        text = words.free_text(rng, 2, 12)
    else:
        site = getattr(world, "site", "") or "house"
        text = frames.expand(rng, rng.choice(frames.SYSTEM)).format(site=f"{words.place(rng)} {site}" if rng.random() < 0.5 else site)
        text = f"{text} {rng.choice(frames.SYSTEM_MORE)}".strip()
    said = [hint_text(rng, *hint) for hint in getattr(world, "hints", [])]
    rng.shuffle(said)
    return " ".join([text, *said])


def hint_text(rng, mover, quantity, how):
    verbs = {"raises": ["raises", "lifts", "increases", "brings up"], "lowers": ["lowers", "reduces", "drops", "brings down"], "sets": ["sets", "controls", "holds"]}[how]
    return rng.choice([f"The {mover.label} {rng.choice(verbs)} the {quantity.label}.", f"{mover.label}: {quantity.label} {'up' if how == 'raises' else 'down' if how == 'lowers' else 'target'}."])


def gateway(rng, split=Split.TRAIN):
    """Requests to a random gateway."""
    world = draw_world(rng, split)
    conversation = begin(system_text(rng, world), world.tools)
    speaker = Speaker(rng, world, split)
    for _ in range(rng.choice([1, 2, 3, 4, 5, 6])):
        kind, request, script = tasks.draw(speaker)
        add(conversation, Episode(kind, request, Expert(world, script), world, draw_troubles(rng)), rng)
    return conversation


def board(rng, name=None):
    """Requests to a shipped board other than the cold room's long task."""
    name = name or rng.choice(BOARDS)
    world = board_world(rng, name)
    conversation = begin(world.system if rng.random() < 0.6 else system_text(rng, world), world.tools)
    speaker = Speaker(rng, world)
    for _ in range(rng.choice([1, 2, 3, 4, 5])):
        kind, request, script = board_task(speaker, name)
        add(conversation, Episode(kind, request, Expert(world, script), world, draw_troubles(rng)), rng)
    return conversation


def board_task(speaker, name):
    """A task for a board: one of its own, or any other; never in words that wren is measured on."""
    while True:
        own = name in SCRIPTS and speaker.rng.random() < SHIPPED_SHARE
        task = shipped_task(speaker, name) if own else tasks.draw(speaker)
        if not is_measured(task[1]):
            return task


def cold_room(rng):
    """The cold room's long task."""
    target = rng.choice(["-18", str(rng.randint(-22, 8)), str(rng.randint(-22, 8)), f"{rng.uniform(-21, 8):.1f}"])
    world = draw_cold_room(rng, float(target))
    world.spoken = spoken_of("coldroom")
    doubtful = rng.random() < 0.25
    troubles = Troubles(unknown=0.7, restarts=rng.randint(0, 3)) if doubtful else draw_troubles(rng, (0, 0, 1, 1, 2, 3))
    conversation = begin(world.system if rng.random() < 0.7 else system_text(rng, world), world.tools)
    if rng.random() < SHIPPED_SHARE:
        target, request = "-18", texts("coldroom")["cool"]
    else:
        while is_measured(request := frames.filler(rng, say_bring(Speaker(rng, world), target))):
            pass
    add(conversation, Episode("bring", request, Expert(world, bringing(world, target)), world, troubles), rng)
    return conversation


def say_bring(speaker, target):
    """A request to get the cold room to a target."""
    rng, air = speaker.rng, speaker.world.air
    if rng.random() < 0.5:
        return tasks.say_reach(speaker, air, target, False, None, None, None, implied=True)
    quantity = rng.choice(["the cold room", "the cold room", "the room", "the cold store", "the air", "the temperature", "the cold room temperature", "it in here"])
    number = target + rng.choice([" C", " C", " degrees", "°C", " degrees C", ""])
    text = speaker.say(rng.choice([frames.REACH, frames.LOWER, frames.COLD]), q=quantity, q0=quantity.removeprefix("the "), n=number)
    return speaker.with_reason(text)


class Answering:
    """A world that only answers the calls of one task: for tools of the catalogue."""

    hints, readers, setters, site, spoken = (), (), {}, "house", {}

    def __init__(self, tools):
        self.tools = tools

    def has(self, name):
        return any(tool["function"]["name"] == name for tool in self.tools)

    def restart(self, _):
        return "notice: restarted"


def assistant(rng, split=Split.TRAIN):
    """Single calls to tools of the catalogue."""
    entries, seen = [], set()
    for entry in catalogue.draw_tools(rng, rng.randint(3, 8), split):
        if entry.name not in seen:
            seen.add(entry.name)
            entries.append(entry)
    tools = [entry.tool for entry in entries] + [tool for tool in BUILT_IN if rng.random() < 0.2]
    rng.shuffle(tools)
    system = system_text(rng, Answering(tools)) if rng.random() < 0.5 else ""
    conversation = begin(system, tools)
    for _ in range(rng.randint(2, 7)):
        if rng.random() < 0.07:
            request, answer = catalogue.wants_nothing(rng, entries, split)
            conversation.kinds.append("no tool")
            exchange(conversation, polite(rng, request), None, answer, rng)
            continue
        entry = rng.choice(entries)
        request, call = entry.ask(rng)
        conversation.kinds.append("single")
        exchange(conversation, polite(rng, request), call, None, rng)
    return conversation


COMMANDS = [frame for frame in frames.REQUEST if "{act}" in frame]


def polite(rng, request):
    if rng.random() < 0.2 and not request.endswith("?"):
        request = frames.expand(rng, rng.choice(COMMANDS)).format(act=request)
    return frames.filler(rng, request)


def exchange(conversation, request, call, answer, rng):
    """A request, at most one call, and the answer."""
    from episodes import reply_text

    say = conversation.messages.append
    say({"role": "user", "content": request})
    if call:
        say({"role": "assistant", "content": reply_text(call)})
        result = rng.choice(["ok", "done", "accepted", f"{words.made_up(rng)} {rng.randint(0, 99)}", "on", "off", str(rng.randint(0, 100))])
        say({"role": "tool", "content": result})
        answer = f"Done: {result}."
    say({"role": "assistant", "content": answer})


def copying(rng):
    """Words that have to be repeated exactly, and tools that are nothing but names."""
    conversation = begin("", [])
    tools = [tool for tool in BUILT_IN[2:]]
    names = []
    while len(names) < rng.randint(3, 10):
        name = "_".join(words.made_up(rng) for _ in range(rng.choice([1, 1, 2, 2, 3])))
        if name not in names:
            names.append(name)
    for name in names:
        tools.append({"type": "function", "function": {"name": name, "description": words.free_text(rng, 1, 3), "parameters": {"type": "object", "properties": {}}}})
    rng.shuffle(tools)
    conversation.tools = tools
    for _ in range(rng.randint(4, 12)):
        if rng.random() < 0.4:
            tool, text = rng.choice(["log", "alert"]), words.free_text(rng)
            request = frames.expand(rng, rng.choice(frames.LOG if tool == "log" else frames.ALERT)).format(text=text)
            exchange(conversation, request, Call(tool, (("text", text),)), None, rng)
        else:
            name = rng.choice(names)
            said = name if rng.random() < 0.5 else name.replace("_", " ")
            request = rng.choice(["call {n}", "run {n}", "{n}", "use {n}", "do {n}", "please {n}", "now {n}", "{n} please"]).format(n=said)
            exchange(conversation, request, Call(name), None, rng)
    return conversation


# kind -> (function, share of conversations, share while training begins)
MIXTURE = {
    "gateway": (gateway, 0.33, 0.2), "board": (board, 0.41, 0.15), "cold room": (cold_room, 0.07, 0.0), "assistant": (assistant, 0.15, 0.2), "copying": (copying, 0.04, 0.45),
}


def training_conversation(rng, early=False):
    """One conversation to train on."""
    kinds = list(MIXTURE)
    kind = rng.choices(kinds, [MIXTURE[kind][2 if early else 1] for kind in kinds])[0]
    return MIXTURE[kind][0](rng)


def main():
    import sys

    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    make = MIXTURE[sys.argv[1]][0] if len(sys.argv) > 1 else training_conversation
    from chat import render

    for _ in range(6):
        conversation = make(rng)
        print(render(conversation.messages, conversation.tools))
        print("-" * 60)


if __name__ == "__main__":
    main()
