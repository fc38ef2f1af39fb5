"""Measures wren by whole episodes, and writes prompts with expected replies for other engines.

    evaluate.py --checkpoint DIR/checkpoint.pt --tokenizer DIR/tokenizer.json --episodes 200

`replies` is the share of replies equal to the expert's when the expert's own episode is followed;
`episodes` the share of episodes in which all were. `free` lets the model work the room by itself and
judges the last state of the room and the number in the answer, not the words on the way.
"""

import argparse
import json
import random
import re
from pathlib import Path

import torch

from chat import call_text
from convert import dequantised_state
from decode import Session
from generate import REPLIES_MAX, SHIPPED_TASK, SHORT, Player, Split, Troubles, draw_episode, draw_target, reply_text
from model import Shape
from policy import Answer, Bring, Call
from room import Jumpy, Physics
from tokenizer import Wren
from tools import TOOLS

ICE_MAX_MM, FAN_END, BELOW_MAX_C, ABOVE_MAX_C, ANSWER_OFF_C = 4, 30, 3.5, 0.8, 1.0
COOLING_TARGETS_C = (-20, -15)  # where ten minutes of cooling do not overshoot the allowed band
_CALL = re.compile(r"<tool_call>\n(.*)\n</tool_call>", re.DOTALL)


def parse(text):
    """The reply that `text` is, or None where it is no valid call."""
    if "<tool_call>" not in text:
        return Answer(text)
    match = _CALL.fullmatch(text)
    try:
        body = json.loads(match.group(1))
        known = next(tool["function"]["parameters"]["required"] for tool in TOOLS if tool["function"]["name"] == body["name"])
        call = Call(body["name"], body["arguments"])
        return call if list(call.arguments) == known and call_text(call.name, call.arguments) == text else None
    except (AttributeError, ValueError, KeyError, TypeError, StopIteration):
        return None


class Wiring:
    """A model at work on an episode."""

    def __init__(self, tokenizer, shape, state):
        self.tokenizer, self.shape, self.state = tokenizer, shape, state

    def open(self):
        return Session(self.shape, self.state)

    def next_prompt(self, episode, fed):
        """Ids from `fed` on to where the next reply begins."""
        return self.tokenizer.prompt(episode.messages, episode.tools)[fed:]

    def ask(self, session, episode, expected):
        """The model's reply text, with the expert's as a guess."""
        guess = self.tokenizer.encode(expected, specials=True)
        ids = self.tokenizer.prompt(episode.messages, episode.tools)
        return self.tokenizer.decode(session.reply(ids[session.length :], guess))


def follow(wiring, episode, rng, restart_chance):
    """The expert works; the model is asked at each step. Returns (equal replies, replies)."""
    player, session = Player(episode, rng, restart_chance), wiring.open()
    right = total = 0
    while not player.done and total < REPLIES_MAX:
        reply = episode.expert.act()
        expected = reply_text(reply)
        ids = wiring.tokenizer.prompt(episode.messages, episode.tools)[session.length :]
        guess = wiring.tokenizer.encode(expected + "<|im_end|>", specials=True)
        if len(ids) + len(guess) > session.room():
            break
        likely = session.feed(ids + guess)[len(ids) - 1 : -1].argmax(-1).tolist()
        right, total = right + (likely == guess), total + 1
        player.step(reply, expected)
        # The end token was fed, as the template writes it.
    return right, total


def work(wiring, episode, rng, restart_chance):
    """The model works by itself. Returns (its last answer or None, whether all replies were the expert's)."""
    player, session, same = Player(episode, rng, restart_chance), wiring.open(), True
    answer = None
    for _ in range(REPLIES_MAX):
        expected = reply_text(episode.expert.act())
        if len(wiring.next_prompt(episode, session.length)) + 200 > session.room():
            return None, False
        text = wiring.ask(session, episode, expected)
        same = same and text == expected
        reply = parse(text)
        if reply is None:
            return None, False
        episode.expert.last = reply
        try:
            player.step(reply, text)
        except (TypeError, AttributeError):
            return None, False
        if player.done:
            answer = reply.text
            break
    return answer, same


def in_end_state(episode, answer):
    """Whether the room is as the task wants it and the answer names its temperature."""
    room, target = episode.room, float(episode.expert.target)
    named = [float(text) for text in re.findall(r"-?\d+\.\d|-?\d+", answer or "")]
    return (
        target - BELOW_MAX_C <= room.air <= target + ABOVE_MAX_C
        and not room.compressor
        and not room.door
        and round(room.ice) <= ICE_MAX_MM
        and room.fan == FAN_END
        and room.doses == room.defrosts
        and any(abs(value - room.air) <= ANSWER_OFF_C for value in named)
    )


# Kinds of episodes


def cooling_room(rng, **more):
    """A healthy room that the expert can bring to its target."""
    start = {
        "air": round(rng.uniform(-8, 12), 1),
        "ice": rng.randint(0, 14),
        "compressor": rng.random() < 0.3,
        "fan": rng.choice([0, 30, 100, rng.randint(0, 100)]),
    }
    return Physics(rng, rng.choice([0.0, 0.0, 0.0, rng.uniform(60, 280)]), **(start | more))


def healthy(split, task=None, restarts=3):
    def make(rng):
        target = "-18" if task else draw_target(rng, split, *COOLING_TARGETS_C)
        room = cooling_room(rng, air=round(rng.uniform(-14, 12), 1))
        episode = draw_episode(rng, split, "bring", target, Troubles(restarts=rng.randint(0, restarts)), room)
        if task:
            episode.messages[1]["content"] = task
        return episode

    return make


def already_cold(rng):
    room = cooling_room(rng, air=round(rng.uniform(-21, -18.1), 1))
    return draw_episode(rng, Split.HELD_OUT, "bring", "-18", Troubles(restarts=rng.randint(0, 1)), room)


def icy(rng):
    room = cooling_room(rng, ice=rng.randint(11, 15))
    return draw_episode(rng, Split.HELD_OUT, "bring", None, Troubles(restarts=rng.randint(0, 1)), room)


def door_stays_open(rng):
    return draw_episode(rng, Split.HELD_OUT, "bring", None, Troubles(restarts=rng.randint(0, 1)), Physics(rng, 1e9))


def no_cold(rng):
    return draw_episode(rng, Split.HELD_OUT, "bring", "-25", Troubles(), Physics(rng, 0.0, weak=True))


def ice_stays(rng):
    return draw_episode(rng, Split.HELD_OUT, "bring", None, Troubles(), Physics(rng, 0.0, frozen=True, ice=9))


def jumps(rng):
    target = None
    episode = draw_episode(rng, Split.HELD_OUT, "bring", target, Troubles(restarts=2))
    room = Jumpy(rng, float(episode.expert.target), 0.3, 0.15, 0.4)
    episode.room = room
    return episode


def failing(**chances):
    def make(rng):
        return draw_episode(rng, Split.HELD_OUT, "bring", None, Troubles(**chances), cooling_room(rng))

    return make


def short(kind, split):
    def make(rng):
        return draw_episode(rng, split, kind, None, Troubles())

    return make


KINDS = {
    "shipped task": (healthy(Split.TRAIN, SHIPPED_TASK), True),
    "train-like words": (healthy(Split.TRAIN), True),
    "unseen words and targets": (healthy(Split.HELD_OUT), True),
    "already cold": (already_cold, True),
    "much ice": (icy, False),
    "door stays open": (door_stays_open, False),
    "room does not get cold": (no_cold, False),
    "ice does not melt": (ice_stays, False),
    "readings jump": (jumps, False),
    "errors": (failing(error=0.1), False),
    "refused": (failing(refused=0.2), False),
    "unknown outcomes": (failing(unknown=0.8, restarts=2), False),
}
SHORT_KINDS = {f"{kind}, unseen words": (short(kind, Split.HELD_OUT), False) for kind in SHORT}


def measure(wiring, make, by_room, episodes, seed):
    """One line of the table."""
    right = total = exact = same = ended = 0
    for number in range(episodes):
        equal, asked = follow(wiring, make(random.Random(f"{seed} {number}")), random.Random(number), 0.12)
        right, total, exact = right + equal, total + asked, exact + (equal == asked)
        episode = make(random.Random(f"{seed} {number}"))
        answer, as_expert = work(wiring, episode, random.Random(number), 0.12)
        same += as_expert
        ended += in_end_state(episode, answer) if by_room else as_expert
    return {
        "episodes": episodes,
        "replies": round(100 * right / total, 2),
        "exact": round(100 * exact / episodes, 1),
        "free": round(100 * ended / episodes, 1),
    }


def write_parity(wiring, path, count, seed):
    """Prompts as token ids and the greedy replies to them, end token left out."""
    rng = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            kind = "bring" if number % 4 else rng.choice(list(SHORT))
            episode = draw_episode(rng, Split.HELD_OUT, kind)
            player, stop = Player(episode, rng), rng.randint(0, 25)
            for _ in range(stop):
                if player.done:
                    break
                reply = episode.expert.act()
                player.step(reply, reply_text(reply))
            prompt = wiring.tokenizer.prompt(episode.messages, episode.tools)
            reply = wiring.open().reply(prompt)
            file.write(json.dumps({"prompt": prompt, "reply": reply, "text": wiring.tokenizer.decode(reply)}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--seed", default="held out")
    parser.add_argument("--parity", type=Path)
    parser.add_argument("--only", default="", help="a pattern: only kinds whose name has it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(arguments.checkpoint, weights_only=False)
    shape = Shape(**saved["shape"])
    wiring = Wiring(Wren.load(arguments.tokenizer), shape, dequantised_state(shape, saved["average"]))
    if arguments.parity:
        write_parity(wiring, arguments.parity, 40, 40)
    print(f"after {saved['tokens']} tokens, weights as in the GGUF")
    print(f"{'kind':36} {'episodes':>8} {'replies %':>9} {'exact %':>8} {'free %':>7}")
    for name, (make, by_room) in (KINDS | SHORT_KINDS).items():
        if not re.search(arguments.only, name):
            continue
        line = measure(wiring, make, by_room, arguments.episodes, f"{arguments.seed} {name}")
        print(f"{name:36} {line['episodes']:8} {line['replies']:9} {line['exact']:8} {line['free']:7}", flush=True)


if __name__ == "__main__":
    main()
