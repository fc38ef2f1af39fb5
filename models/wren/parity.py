"""Writes prompts with the greedy replies that the GGUF's weights give in PyTorch, for other engines.

    parity.py --checkpoint DIR/checkpoint.pt --tokenizer DIR/tokenizer.json --out parity.jsonl [--count 200]

A line is `{"pieces": [[kind, text], ...], "prompt": ids, "reply": ids, "text": reply}`. Pieces are what
is tokenised one by one, special tokens being recognised in those of kind `template` and `reply` only;
the reply's end token is left out.
"""

import argparse
import json
import random
from pathlib import Path

import torch

from cases import GROUPS, assistant_case, gateway_case
from chat import segments
from convert import dequantised_state
from decode import Session
from generate import cold_room
from model import Shape
from tokenizer import Wren

SEED = "parity"
# A reply that was not decided by at least this much between the best two tokens is left out: engines
# round differently.
MARGIN = 0.1
TRIES = 10  # prompts that are tried for each that is written: a model that knows nothing decides little


def prompt_of(rng, number):
    """Messages up to where a reply begins, and the tools."""
    if number % 4 == 0:
        conversation = cold_room(rng)
        ends = [at for at, message in enumerate(conversation.messages) if message["role"] == "assistant"]
        return conversation.messages[: rng.choice(ends[:30])], conversation.tools
    group = rng.choice(list(GROUPS))
    _, messages, tools, _ = assistant_case(rng, group) if number % 4 == 1 else gateway_case(rng, group)
    return messages, tools


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(arguments.checkpoint, weights_only=False, map_location="cpu")
    shape, tokenizer = Shape(**saved["shape"]), Wren.load(arguments.tokenizer)
    state = dequantised_state(shape, saved["average"])
    written = number = 0
    with open(arguments.out, "w", encoding="utf-8") as file:
        while written < arguments.count and number < TRIES * arguments.count:
            messages, tools = prompt_of(random.Random(f"{SEED} {number}"), number)
            number += 1
            session, prompt = Session(shape, state), tokenizer.prompt(messages, tools)
            if len(prompt) > shape.context - 200:
                continue
            reply = session.reply(prompt)
            if session.margin < MARGIN:
                continue
            pieces = [*segments(messages, tools), ("template", "<|im_start|>assistant\n")]
            line = {"pieces": pieces, "prompt": prompt, "reply": reply, "text": tokenizer.decode(reply)}
            file.write(json.dumps(line) + "\n")
            written += 1
    print(f"{arguments.out}: {written} prompts, {number - written} left out")


if __name__ == "__main__":
    main()
