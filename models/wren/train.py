"""Trains wren on episodes made on the fly. Resumable: the checkpoint holds everything.

    train.py --out DIR --tokens 30e6

Rows hold one conversation each, at positions counted from its own start, and are grouped by length;
the loss counts the model's own replies only. A running average of the weights is what is shipped.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from boards import add_board
from chat import PAD
from generate import training_conversation
from measure import Measure
from model import Network, Shape
from muon import Muon
from speaker import BREVITY, BREVITY_FIRST, Speaker
from tokenizer import Wren

# Row lengths and how many rows make a step; a step holds about 6,000 tokens.
BUCKETS = {480: 12, 672: 9, 960: 6, 1344: 4, 2048: 3, 3072: 2}
MUON_RATE, ADAM_RATE, EMBEDDING_RATE = 0.01, 0.002, 0.002
WARM_UP_STEPS, DECAY_SHARE, RATE_END = 100, 0.45, 0.01
AVERAGE_STEPS = 200
SHORT_FIRST_SHARE, SHORT_FIRST = 0.06, 960  # the first share of training sees short rows, mostly copies
BRIEF_FIRST_SHARE = 0.3  # and this share mostly brief requests
CHECKPOINT_S = 120
LOG_STEPS = 50
MEASURE_S, MEASURE_CASES = 480, 60  # how often, and on how many cases of each group
TOKENIZER_EPISODES, TOKENIZER_SEED = 3000, 7
IGNORE = -100
# A GPU takes so many times the rows in a step, from so many workers.
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
ROWS_FACTOR, WORKERS = (8, 12) if DEVICE == "cuda" else (1, 1)


def build_tokenizer(path, size):
    """Trains the tokenizer on generated conversations, or loads it."""
    if not path.exists():
        from chat import render

        rng = random.Random(TOKENIZER_SEED)
        conversations = (training_conversation(rng) for _ in range(TOKENIZER_EPISODES))
        Wren.train((render(one.messages, one.tools) for one in conversations), size).save(path)
    return Wren.load(path)


def produce(queue, tokenizer_path, seed, early, brief, boards):
    """Worker: endless rows of (ids, wanted), as small arrays; the first `early` tokens are simpler, the
    first `brief` ones ask in few words."""
    os.nice(1)
    for folder in boards:
        add_board(folder)
    tokenizer, rng = Wren.load(tokenizer_path), random.Random(seed)
    while True:
        rows = []
        Speaker.brevity = BREVITY_FIRST if brief > 0 else BREVITY
        for _ in range(64):
            one = training_conversation(rng, early > 0)
            ids, wanted = tokenizer.conversation(one.messages, one.tools)
            early, brief = early - len(ids), brief - len(ids)
            rows.append((np.array(ids, dtype=np.int16), np.array(wanted)))
        queue.put(rows)


class Rows:
    """Groups rows by length and hands out full steps."""

    def __init__(self, tokenizer_path, seed, early, brief, boards):
        context = multiprocessing.get_context("spawn")
        self.queue = context.Queue(maxsize=8)
        for worker in range(WORKERS):
            drawn = (self.queue, tokenizer_path, seed * WORKERS + worker, early / WORKERS, brief / WORKERS, boards)
            context.Process(target=produce, args=drawn, daemon=True).start()
        self.waiting = {length: [] for length in BUCKETS}
        self.ready, self.dropped = [], 0

    def step(self, longest):
        """Ids, targets of shape (rows, length) for one step with rows of at most `longest`."""
        while not self.ready:
            for ids, wanted in self.queue.get():
                length = next((length for length in BUCKETS if len(ids) <= length + 1), None)
                if length is None or length > longest:
                    self.dropped += 1
                    continue
                self.waiting[length].append((ids, wanted))
                if len(self.waiting[length]) == BUCKETS[length] * ROWS_FACTOR:
                    self.ready.append((length, self.waiting[length]))
                    self.waiting[length] = []
        length, rows = self.ready.pop(0)
        ids = np.full((len(rows), length + 1), PAD, dtype=np.int64)
        targets = np.full((len(rows), length + 1), IGNORE, dtype=np.int64)
        for row, (tokens, wanted) in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            targets[row, : len(tokens)] = np.where(wanted, tokens, IGNORE)
        return torch.from_numpy(ids[:, :-1].copy()).to(DEVICE), torch.from_numpy(targets[:, 1:].copy()).to(DEVICE)


def rate(done, step):
    """Share of the full learning rate after `done` of all tokens."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    left = (1 - done) / DECAY_SHARE
    return warm * max(RATE_END, min(1.0, left))


def optimizers(network):
    matrices = network.matrices()
    chosen = {id(p) for p in matrices} | {id(network.embedding.weight)}
    others = [p for p in network.parameters() if id(p) not in chosen]
    muon = Muon(matrices, MUON_RATE)
    groups = [
        {"params": others, "lr": ADAM_RATE, "base": ADAM_RATE},
        {"params": [network.embedding.weight], "lr": EMBEDDING_RATE, "base": EMBEDDING_RATE},
    ]
    adam = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    muon.param_groups[0]["base"] = MUON_RATE
    return [muon, adam]


class Trainer:
    def __init__(self, out, tokens, seed, boards=()):
        self.out, self.tokens_total, self.seed = out, tokens, seed
        tokenizer_path = out / "tokenizer.json"
        tokenizer = build_tokenizer(tokenizer_path, Shape.vocab)
        torch.manual_seed(seed)
        self.network = Network(Shape(vocab=tokenizer.size)).to(DEVICE)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimizers = optimizers(self.network)
        self.step, self.tokens, self.seconds, self.log = 0, 0, 0.0, []
        if (out / "checkpoint.pt").exists():
            self._restore()
        early, brief = (share * tokens - self.tokens for share in (SHORT_FIRST_SHARE, BRIEF_FIRST_SHARE))
        self.rows = Rows(str(tokenizer_path), seed * 1_000_003 + self.step, early, brief, boards)
        self.states = torch.compile(self.network.states, dynamic=False)
        self.measure = Measure(tokenizer, MEASURE_CASES)
        self.stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_):
        """Finishes the step at hand, saves and ends; the same command goes on from there."""
        self.stopped = True

    def _loss(self, ids, targets):
        """Mean loss over the wanted tokens, and the share of them that are the likeliest."""
        targets = targets.flatten()
        wanted = (targets != IGNORE).nonzero()[:, 0]
        targets = targets[wanted]
        with torch.autocast(DEVICE, dtype=torch.bfloat16):
            states = self.states(ids).flatten(0, 1)
            logits = self.network.logits(states.index_select(0, wanted)).float()
        return F.cross_entropy(logits, targets), (logits.argmax(-1) == targets).float().mean()

    def _restore(self):
        state = torch.load(self.out / "checkpoint.pt", weights_only=False, map_location=DEVICE)
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.step, self.tokens, self.seconds, self.log = state["step"], state["tokens"], state["seconds"], state["log"]

    def save(self):
        state = {
            "shape": asdict(self.network.shape),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "log": self.log,
        }
        torch.save(state, self.out / "checkpoint.part")
        os.replace(self.out / "checkpoint.part", self.out / "checkpoint.pt")

    def _advance(self, ids, targets):
        share = rate(self.tokens / self.tokens_total, self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * share
        loss, right = self._loss(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        keep = min(1 - 1 / AVERAGE_STEPS, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)
        self.step += 1
        self.tokens += ids.numel()
        return loss.item(), right.item(), share

    def look(self):
        """Measures the averaged weights on held-out cases."""
        shipped = Network(self.network.shape)
        shipped.load_state_dict(self.average)
        line = {"step": self.step, "tokens": self.tokens, "exact": self.measure.exact(shipped)}
        self.log.append(line)
        print(json.dumps(line), flush=True)

    def run(self):
        started, saved, recent = time.time() - self.seconds, time.time(), []
        looked = time.time()
        while self.tokens < self.tokens_total and not self.stopped:
            early = self.tokens < SHORT_FIRST_SHARE * self.tokens_total
            ids, targets = self.rows.step(SHORT_FIRST if early else max(BUCKETS))
            loss, right, share = self._advance(ids, targets)
            recent.append((loss, right))
            self.seconds = time.time() - started
            if self.step % LOG_STEPS == 0:
                mean = np.mean(recent, axis=0)
                line = {
                    "step": self.step,
                    "tokens": self.tokens,
                    "seconds": round(self.seconds),
                    "loss": round(float(mean[0]), 4),
                    "right": round(float(mean[1]), 4),
                    "rate": round(share, 4),
                }
                recent = []
                self.log.append(line)
                print(json.dumps(line), flush=True)
            if time.time() - saved > CHECKPOINT_S:
                self.save()
                saved = time.time()
            if time.time() - looked > MEASURE_S:
                self.look()
                looked = time.time()
        self.look()
        self.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=float, default=30e6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--board", action="append", default=[], help="a board folder of one's own, to train on too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    Trainer(arguments.out, int(arguments.tokens), arguments.seed, arguments.board).run()


if __name__ == "__main__":
    main()
