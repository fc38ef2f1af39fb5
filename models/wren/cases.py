"""Writes cases for `everstep eval` that training never saw, and prompts for parity with other engines.

    cases.py --out FOLDER [--count 200]

Each case is a prompt of an expert's conversation and what it calls next. Groups: `train-like` (new
conversations, words and frames of training), `unseen frames`, `unseen entities`, `unseen tools`
(every tool renamed to words that training never drew).
"""

import argparse
import json
import random
from pathlib import Path

import catalogue
import tasks
from episodes import Episode, Player, draw_troubles
from generate import polite, system_text
from plant import BUILT_IN, Call
from policy import Expert
from words import Split
from worlds import draw_world

TRAIN, HELD_OUT = Split.TRAIN, Split.HELD_OUT
RENAMED_SHARE = 0.12
# group -> (frames, names, share of tools with made-up names)
GROUPS = {
    "train-like": (TRAIN, TRAIN, RENAMED_SHARE),
    "unseen frames": (HELD_OUT, TRAIN, RENAMED_SHARE),
    "unseen entities": (TRAIN, HELD_OUT, 0.0),
    "unseen tools": (TRAIN, HELD_OUT, 1.0),
}


def gateway_case(rng, group, kind=None):
    """One step of a task on a random gateway."""
    frames_of, names_of, renamed = GROUPS[group]
    while True:
        world = draw_world(rng, names_of, renamed)
        drawn = tasks.draw(tasks.Speaker(rng, world, frames_of), kind or rng.choice(list(tasks.KINDS)))
        if drawn:
            break
    kind, request, script = drawn
    episode = Episode(kind, request, Expert(world, script), world, draw_troubles(rng))
    episode.messages = [{"role": "system", "content": system_text(rng, world)}]
    player, steps = Player(episode, rng), []
    while not player.done and len(steps) < 40:
        reply = episode.expert.act()
        steps.append((list(episode.messages), reply))
        player.step(reply)
    messages, reply = rng.choice(steps)
    return kind, messages, world.tools, reply


def assistant_case(rng, group):
    """One request to tools of the catalogue."""
    frames_of, names_of, _ = GROUPS[group]
    entries = catalogue.draw_tools(rng, rng.randint(3, 7), names_of)
    entries = list({entry.name: entry for entry in entries}.values())
    entry = rng.choice(entries)
    entry.split = frames_of
    request, call = entry.ask(rng)
    messages = [{"role": "system", "content": ""}, {"role": "user", "content": polite(rng, request)}]
    tools = [entry.tool for entry in entries] + [tool for tool in BUILT_IN if rng.random() < 0.2]
    rng.shuffle(tools)
    return "single", messages, tools, call


def as_case(name, group, case):
    kind, messages, tools, reply = case
    line = {"id": name, "kind": f"{group}: {kind}", "messages": messages, "tools": tools}
    if isinstance(reply, Call):
        line["expect"] = [{"name": reply.name, "arguments": {key: [value] for key, value in reply.arguments}}]
    else:
        line["expect_none"] = True
    return line


def draw_cases(group, count, seed="cases"):
    """`count` cases of a group, each of a seed of its own."""
    for number in range(count):
        rng = random.Random(f"{seed} {group} {number}")
        case = assistant_case(rng, group) if number % 5 == 0 else gateway_case(rng, group)
        yield case


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=400)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for group in GROUPS:
        path = arguments.out / (group.replace(" ", "-") + ".jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for number, case in enumerate(draw_cases(group, arguments.count)):
                file.write(json.dumps(as_case(f"{group}-{number}", group, case)) + "\n")
        print(f"{path}: {arguments.count} cases")


if __name__ == "__main__":
    main()
