"""Steps of rows to train on, made by worker processes while the network learns.

A row holds one conversation, at positions counted from its own start. Rows are grouped by length, so
that little of a step is padding; every step holds about as many tokens as any other.
"""

import multiprocessing
import os
import random
from dataclasses import dataclass

import numpy as np

from boards import add_board
from chat import PAD
from generate import training_conversation
from speaker import BREVITY, BREVITY_FIRST, Speaker
from tokenizer import Wren

# Row lengths and how many rows make a step of about 6,000 tokens.
BUCKETS = {480: 12, 672: 9, 960: 6, 1344: 4, 2048: 3, 3072: 2}
SHORT_FIRST = 960  # the longest row while training begins
STEPS_AHEAD = 8


@dataclass
class Start:
    """What is left of the two easier beginnings, in tokens: short rows that mostly copy, and brief requests."""

    short: float
    brief: float

    def share(self, workers):
        return Start(self.short / workers, self.brief / workers)


def produce(queue, tokenizer_path, seed, start, boards, rows_factor):
    """Worker: endless steps `(ids, at, wanted)`: ids of (rows, length), and where in the flattened rows
    the model has to say which token next."""
    os.nice(1)
    for folder in boards:
        add_board(folder)
    tokenizer, rng = Wren.load(tokenizer_path), random.Random(seed)
    waiting = {length: [] for length in BUCKETS}
    while True:
        Speaker.brevity = BREVITY_FIRST if start.brief > 0 else BREVITY
        early = start.short > 0
        one = training_conversation(rng, early)
        ids, wanted = tokenizer.conversation(one.messages, one.tools)
        length = next((length for length in BUCKETS if len(ids) <= length + 1), None)
        if length is None or early and length > SHORT_FIRST:
            continue
        start.short, start.brief = start.short - length, start.brief - length
        waiting[length].append((ids, wanted))
        if len(waiting[length]) == BUCKETS[length] * rows_factor:
            queue.put(step_of(length, waiting[length]))
            waiting[length] = []


def step_of(length, rows):
    """Rows of at most `length` + 1 tokens as one step."""
    ids = np.full((len(rows), length + 1), PAD, dtype=np.int16)
    said = np.zeros((len(rows), length + 1), dtype=bool)
    for row, (tokens, wanted) in enumerate(rows):
        ids[row, : len(tokens)], said[row, : len(tokens)] = tokens, wanted
    at = np.flatnonzero(said[:, 1:]).astype(np.int32)
    return ids[:, :-1].copy(), at, ids[:, 1:].reshape(-1)[at]


class Rows:
    """Endless steps from `workers` processes."""

    def __init__(self, tokenizer_path, seed, start, boards, rows_factor, workers):
        context = multiprocessing.get_context("spawn")
        self.queue = context.Queue(maxsize=STEPS_AHEAD * workers)
        for worker in range(workers):
            drawn = (self.queue, tokenizer_path, seed * workers + worker, start.share(workers), boards, rows_factor)
            context.Process(target=produce, args=drawn, daemon=True).start()

    def step(self):
        return self.queue.get()
