"""Seeded episodes: a task, a room, an expert at work, and things that go wrong.

`Split.TRAIN` draws frames and target temperatures that `Split.HELD_OUT` never uses and the other
way round, by construction; the shipped wording with -18 C belongs to training.
"""

import copy
import random
from dataclasses import dataclass, field
from enum import Enum

import phrases
from chat import call_text
from policy import Answer, Bring, Call, Steps, number
from room import Jumpy, Physics
from tools import SUMMARIES, TOOLS

REPLIES_MAX = 90
SHIPPED_TASK = "Bring the cold room to -18 C and report"


class Split(Enum):
    TRAIN = 0
    HELD_OUT = 1


@dataclass
class Troubles:
    """Chances, per call, of what may go wrong, and how many restarts there may be."""

    error: float = 0.0
    refused: float = 0.0
    unknown: float = 0.0
    restarts: int = 0
    lies: float = 0.0  # compare says the opposite, so that its result has to be read


@dataclass
class Episode:
    """A task with everything needed to play it; `play` adds the messages."""

    kind: str
    task: str
    expert: object
    room: object
    troubles: Troubles
    messages: list = field(default_factory=list)
    tools: list = field(default_factory=lambda: TOOLS)


# Targets


def is_held_out(target):
    """Whether a temperature is kept for measuring: one in eight tenths, never -18."""
    tenths = round(float(target) * 10)
    return tenths % 8 == 3 and tenths != -180


def draw_target(rng, split, low=-30, high=10):
    while True:
        style = rng.random()
        if style < 0.5:
            text = str(rng.randint(low, high))
        elif style < 0.6 and split is Split.TRAIN:
            text = "-18"
        else:
            text = f"{rng.uniform(low, high):.1f}"
            text = "0.0" if text == "-0.0" else text
        if is_held_out(text) == (split is Split.HELD_OUT):
            return text


def frame(rng, pair, split, **values):
    return rng.choice(pair[split.value]).format(**values)


def words(rng, low=1, high=5):
    parts = []
    for _ in range(rng.randint(low, high)):
        style = rng.random()
        if style < 0.75:
            parts.append(rng.choice(phrases.WORDS))
        elif style < 0.9:
            parts.append(str(rng.choice([rng.randint(0, 9), rng.randint(0, 100), rng.randint(0, 5000)])))
        else:
            parts.append("".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7))))
    return " ".join(parts)


def reason(rng):
    text = rng.choice(phrases.REASONS)
    while "{w}" in text:
        text = text.replace("{w}", rng.choice(phrases.WORDS), 1)
    return text.replace("{n}", str(rng.choice([rng.randint(0, 9), rng.randint(0, 1000)])))


# Rooms


def draw_room(rng, target, cool):
    """A room for a task; `cool` rooms get cold within the expert's patience most of the time."""
    start = {
        "air": round(rng.uniform(-30, 30), 1),
        "ice": rng.choice([0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        "compressor": rng.random() < 0.3,
        "fan": rng.choice([0, 0, 30, 100, rng.randint(0, 100)]),
    }
    style = rng.random()
    if not cool or style < 0.45:
        door = rng.choice([0.0, 0.0, 0.1, 0.5])
        ice = rng.choice([0.1, 0.4, 0.8])
        return Jumpy(rng, float(target), rng.choice([0.0, 0.5, 0.9]), door, ice, **start)
    if style < 0.75:
        start["air"] = round(rng.uniform(-5, 12), 1)
    if style < 0.6:
        start.update(air=rng.choice([2.0, round(rng.uniform(0, 5), 1)]), compressor=False, fan=0)
    door_for = rng.choice([0.0] * 6 + [rng.uniform(60, 300), 1e9])
    return Physics(rng, door_for, weak=rng.random() < 0.06, frozen=rng.random() < 0.05, **start)


# Tasks


def bring(rng, split, target=None):
    target = target or draw_target(rng, split)
    text = frame(rng, phrases.BRING, split, t=target)
    if split is Split.TRAIN and rng.random() < 0.5:
        text = put_together(rng, target)
    return text, Bring(target), target


def plain(text):
    """A request without what does not tell requests apart."""
    return " ".join(text.lower().replace(",", " ").rstrip(".?! ").split())


def put_together(rng, target):
    """A request from parts that says none of the held-out sentences."""
    held_out = {plain(text.format(t=target)) for text in phrases.BRING[Split.HELD_OUT.value]}
    while plain(text := phrases.bring_requests(rng, target)) in held_out:
        pass
    return text


def ask(rng, split):
    what = rng.choice(list(phrases.ASK))
    steps = Steps([Call("read_room")], lambda expert: Answer(describe(what, expert.reading)))
    return frame(rng, phrases.ASK[what], split), steps


def describe(what, reading):
    if what == "air":
        return f"The air is at {reading.air} C."
    if what == "door":
        return f"The door is {'open' if reading.door_open else 'closed'}."
    if what == "ice":
        return f"The ice is {reading.ice} mm thick."
    if what == "compressor":
        return f"The compressor is {'on' if reading.compressor_on else 'off'}."
    return f"The fan is at {reading.fan} percent."


def set_fan(rng, split):
    percent = rng.randint(0, 100)
    steps = Steps(
        [Call("set_fan", {"percent": percent})],
        lambda expert: Answer(f"The fan is at {percent} percent."),
        lambda reading: reading.fan != percent,
    )
    return frame(rng, phrases.FAN, split, n=percent), steps


def set_compressor(rng, split):
    on = rng.random() < 0.5
    steps = Steps(
        [Call("set_compressor", {"on": on})],
        lambda expert: Answer(f"The compressor is {'on' if on else 'off'}."),
        lambda reading: reading.compressor_on != on,
    )
    return frame(rng, phrases.COMPRESSOR_ON if on else phrases.COMPRESSOR_OFF, split), steps


def defrost(rng, split):
    seconds = rng.choice([60, 120, 180, 300, 600, 900, 1200, 1800, rng.randint(60, 1800)])
    steps = Steps([Call("run_defrost", {"seconds": seconds})], lambda expert: Answer("The defrost is done."))
    return frame(rng, phrases.DEFROST, split, n=seconds), steps


def dose(rng, split):
    pulses = rng.randint(2, 5)
    steps = Steps(
        [Call("dose_antifreeze", {"pulses": pulses})],
        lambda expert: Answer(f"The antifreeze is dosed, the counter is at {expert.results['dose_antifreeze'].split()[-1]}."),
    )
    return frame(rng, phrases.DOSE, split, n=pulses), steps


def wait(rng, split):
    seconds = rng.choice([rng.randint(1, 120), 60 * rng.randint(1, 60), rng.randint(1, 86400)])
    call = Call("wait", {"seconds": seconds})
    if rng.random() < 0.5:
        steps = Steps([call], lambda expert: Answer(f"Waited {seconds} seconds."))
        return frame(rng, phrases.WAIT, split, n=seconds), steps
    steps = Steps([call, Call("read_room")], lambda expert: Answer(describe("air", expert.reading)))
    return frame(rng, phrases.WAIT_ASK, split, n=seconds), steps


def log(rng, split):
    text = words(rng)
    steps = Steps([Call("log", {"text": text})], lambda expert: Answer("Logged."))
    return frame(rng, phrases.LOG, split, text=text), steps


def alert(rng, split):
    text = words(rng)
    steps = Steps([Call("alert", {"text": text})], lambda expert: Answer("The alert is sent."))
    return frame(rng, phrases.ALERT, split, text=text), steps


def alert_if(rng, split):
    limit = draw_target(rng, split)
    warm = rng.random() < 0.5

    def ask_next(expert):
        air = expert.reading.air
        done = expert.results
        if "compare" not in done:
            return Call("compare", {"value": number(air), "operator": ">" if warm else "<", "limit": number(limit)})
        if done["compare"] == "false":
            return Answer(f"The air is at {air} C, no alert is needed.")
        if "alert" not in done:
            return Call("alert", {"text": f"the air is at {air} C"})
        return Answer(f"The air is at {air} C, the alert is sent.")

    steps = Steps([Call("read_room")], ask_next)
    return frame(rng, phrases.ALERT_WARM if warm else phrases.ALERT_COLD, split, t=limit), steps


def no_tool(rng, split):
    text = frame(rng, phrases.NO_TOOL, split, n=rng.randint(1, 30), text=words(rng, 1, 2))
    return text, Steps([], lambda expert: Answer("I have no tool for that."))


SHORT = {
    "ask": (ask, 5),
    "set_fan": (set_fan, 3),
    "set_compressor": (set_compressor, 2),
    "defrost": (defrost, 3),
    "dose": (dose, 1),
    "wait": (wait, 2),
    "log": (log, 2),
    "alert": (alert, 2),
    "alert_if": (alert_if, 4),
    "no_tool": (no_tool, 1),
}


def variant(rng, text):
    """The same request, a little differently written."""
    style = rng.random()
    if style < 0.1:
        text = text[:1].lower() + text[1:]
    if style < 0.3:
        text = text.rstrip(".?")
    elif style < 0.45 and text[-1] not in ".?":
        text += "."
    if rng.random() < 0.05:
        text = rng.choice(["Please. ", "Hello. ", "Now: ", "Next: "]) + text
    return text


# Episodes


def draw_troubles(rng):
    troubles = Troubles(restarts=rng.choice([0, 0, 0, 1, 1, 2, 3, 4]))
    style = rng.random()
    if style < 0.15:
        troubles.error = 0.06
    elif style < 0.25:
        troubles.error = 0.3
    elif style < 0.38:
        troubles.refused = 0.2
    elif style < 0.55:
        troubles.unknown = 0.6
    if rng.random() < 0.1:
        troubles.lies = 0.2
    return troubles


def draw_header(rng):
    """A system text and the tools, both worded in many ways; the order and the names stay."""
    system = phrases.SHIPPED_SYSTEM if rng.random() < 0.5 else rng.choice(phrases.SYSTEM)
    style = rng.random()
    if style < 0.2:
        system = f"{system} {words(rng, 2, 12)}".strip()
    elif style < 0.3:
        system = words(rng, 2, 12)
    if rng.random() < 0.4:
        return system, TOOLS
    tools = copy.deepcopy(TOOLS)
    for tool in tools:
        function = tool["function"]
        if rng.random() < 0.6:
            function["description"] = rng.choice(SUMMARIES[function["name"]] + [words(rng, 1, 9)])
            if rng.random() < 0.4:
                text = function["description"]
                function["description"] = text[:1].upper() + text[1:] + "."
    return system, tools


def draw_episode(rng, split=Split.TRAIN, kind=None, target=None, troubles=None, room=None):
    """A new episode, not yet played. `kind` is `bring`, a short task's name, or drawn."""
    kind = kind or ("bring" if rng.random() < 0.7 else rng.choices(list(SHORT), [w for _, w in SHORT.values()])[0])
    if kind == "bring":
        task, expert, target = bring(rng, split, target)
    else:
        task, expert = SHORT[kind][0](rng, split)
        target = draw_target(rng, split)
    task = variant(rng, task) if split is Split.TRAIN else task
    room = room or draw_room(rng, target, kind == "bring")
    episode = Episode(kind, task, expert, room, troubles or draw_troubles(rng))
    system, episode.tools = draw_header(rng)
    episode.messages = [{"role": "system", "content": system}, {"role": "user", "content": task}]
    return episode


def reply_text(reply):
    return reply.text if isinstance(reply, Answer) else call_text(reply.name, reply.arguments)


class Player:
    """Plays an episode one reply at a time: carries out calls and lets things go wrong."""

    def __init__(self, episode, rng, restart_chance=0.12):
        self.episode, self.rng, self.restart_chance = episode, rng, restart_chance
        self.restarts_left = episode.troubles.restarts
        self.done = False
        if self.restarts_left and rng.random() < 0.05:
            self._restart()

    def _say(self, role, content):
        self.episode.messages.append({"role": role, "content": content})

    def _restart(self):
        self.restarts_left -= 1
        away = self.rng.choice([5.0, 60.0, 300.0, 600.0, 1200.0])
        self._say("user", self.episode.room.restart(away))
        self.episode.expert.notice()

    def step(self, reply, text):
        """Takes the reply as said, with the world's and the runtime's answer to it."""
        self._say("assistant", text)
        if isinstance(reply, Answer):
            if self.restarts_left and self.rng.random() < self.restart_chance:
                self._restart()
            else:
                self.done = True
            return
        outcome, cut = self._outcome(reply)
        self._say("tool", outcome)
        self.episode.expert.result(outcome)
        if cut or (self.restarts_left and self.rng.random() < self.restart_chance):
            self._restart()

    def _outcome(self, call):
        """The outcome's text, and whether the agent was cut while the call ran."""
        rng, troubles, room = self.rng, self.episode.troubles, self.episode.room
        draw = rng.random()
        if draw < troubles.error:
            return f"error: {reason(rng)}", False
        if draw < troubles.error + troubles.refused and call.name not in ("read_room", "compare", "wait", "log", "alert"):
            return f"refused: {reason(rng)}", False
        if call.name in ("run_defrost", "dose_antifreeze") and draw < troubles.unknown:
            if rng.random() < 0.5:
                room.call(call.name, call.arguments)
            return f"unknown: {call.name} may have run; check before deciding", rng.random() < 0.7
        result = room.call(call.name, call.arguments)
        if call.name == "compare" and rng.random() < troubles.lies:
            result = "true" if result == "false" else "false"
        return result, False


def play(episode, rng, restart_chance=0.12):
    """Lets the expert work the episode to its end; returns it with all messages."""
    player = Player(episode, rng, restart_chance)
    for _ in range(REPLIES_MAX):
        if player.done:
            break
        reply = episode.expert.act()
        player.step(reply, reply_text(reply))
    return episode


def copying_episode(rng):
    """Short tasks after each other in which words have to be repeated exactly."""
    episode = None
    for _ in range(rng.randint(6, 16)):
        if rng.random() < 0.8:
            kind, troubles = rng.choice(["log", "alert"]), Troubles(error=rng.choice([0, 0, 0.3]))
        else:
            kind, troubles = rng.choice(["set_fan", "dose", "defrost"]), Troubles(error=0.4, refused=0.4)
        more = play(draw_episode(rng, kind=kind, troubles=troubles), rng)
        if episode is None:
            episode = more
        else:
            episode.messages += more.messages[1:]
    return episode


def doubtful_episode(rng):
    """A room with ice whose defrosts mostly end with an unknown outcome."""
    target = draw_target(rng, Split.TRAIN)
    air = round(float(target) + rng.uniform(-6, 8), 1)
    room = Physics(rng, 0.0, air=air, ice=rng.randint(4, 14), compressor=rng.random() < 0.3, fan=rng.choice([0, 30, 100]))
    troubles = Troubles(unknown=0.7, restarts=rng.randint(0, 3))
    return play(draw_episode(rng, Split.TRAIN, "bring", target, troubles, room), rng)


COPYING_SHARE, DOUBTFUL_SHARE = 0.12, 0.18


def training_episode(rng):
    """One conversation to train on: a long task, or short ones after each other."""
    style = rng.random()
    if style < COPYING_SHARE:
        return copying_episode(rng)
    if style < COPYING_SHARE + DOUBTFUL_SHARE:
        return doubtful_episode(rng)
    episode = play(draw_episode(rng), rng)
    if episode.kind != "bring":
        for _ in range(rng.randint(0, 3)):
            kind = rng.choices(list(SHORT), [w for _, w in SHORT.values()])[0]
            more = play(draw_episode(rng, kind=kind), rng)
            episode.messages += more.messages[1:]
    return episode


def main():
    rng = random.Random(1)
    for _ in range(6):
        episode = training_episode(rng)
        for message in episode.messages:
            print(f"[{message['role']}] {message['content']}")
        print("-" * 60)


if __name__ == "__main__":
    main()
