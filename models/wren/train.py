"""Trains wren on episodes made on the fly. Resumable: the checkpoint holds everything.

    train.py --out DIR --tokens 30e6

The loss counts the model's own replies only. A running average of the weights is what is shipped.
"""

import argparse
import json
import os
import random
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from generate import training_conversation
from measure import Measure
from model import Network, Shape
from muon import Muon
from rows import Rows, Start
from tokenizer import Wren

WARM_UP_STEPS, DECAY_SHARE, RATE_END = 100, 0.6, 0.01
AVERAGE_STEPS = 200
# The first share of training, and at most so many tokens, sees short rows that are mostly copies; the
# first share sees mostly brief requests.
SHORT_FIRST_SHARE, SHORT_FIRST_MAX = 0.06, 24e6
BRIEF_FIRST_SHARE, BRIEF_FIRST_MAX = 0.3, 100e6
CHECKPOINT_S = 120
BLOCK_SHAPES_MAX = 64  # how many kinds of blocks times lengths of rows are compiled at most
LOG_STEPS = 50
TOKENIZER_EPISODES, TOKENIZER_SEED = 3000, 7
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# A CPU without instructions for bfloat16 emulates it, over twenty times slower than plain float32.
HALF = DEVICE == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
# A GPU is fed by all other cores, and has learned more between two looks.
WORKERS, MEASURE_S = (max(1, os.cpu_count() - 1), 60) if DEVICE == "cuda" else (1, 480)


@dataclass
class Recipe:
    """How large a step is, in multiples of what `rows` calls one, and the rates of its optimizers."""

    rows_factor: int
    muon_rate: float
    adam_rate: float


# Few tokens are best spent in many small steps; many of them in large steps, which carry a higher rate.
# It goes by the tokens, so that any machine makes a run like a GPU's, only slower.
FEW = Recipe(rows_factor=1, muon_rate=0.01, adam_rate=0.002)
MANY = Recipe(rows_factor=12, muon_rate=0.018, adam_rate=0.003)
MANY_FROM_TOKENS = 300e6


def build_tokenizer(path, size):
    """Trains the tokenizer on generated conversations, or loads it."""
    if not path.exists():
        from chat import render

        rng = random.Random(TOKENIZER_SEED)
        conversations = (training_conversation(rng) for _ in range(TOKENIZER_EPISODES))
        Wren.train((render(one.messages, one.tools) for one in conversations), size).save(path)
    return Wren.load(path)


def rate(done, step):
    """Share of the full learning rate after `done` of all training."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    left = (1 - done) / DECAY_SHARE
    return warm * max(RATE_END, min(1.0, left))


def optimizers(network, recipe):
    matrices = network.matrices()
    chosen = {id(p) for p in matrices} | {id(network.embedding.weight)}
    others = [p for p in network.parameters() if id(p) not in chosen]
    muon = Muon(matrices, recipe.muon_rate)
    groups = [
        {"params": params, "lr": recipe.adam_rate, "base": recipe.adam_rate}
        for params in (others, [network.embedding.weight])
    ]
    adam = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    muon.param_groups[0]["base"] = recipe.muon_rate
    return [muon, adam]


def compiled(network):
    """The network's states, compiled block by block for rows of fixed lengths: the blocks of a kind share
    what is compiled, so that it takes a minute instead of many."""
    torch._dynamo.config.recompile_limit = BLOCK_SHAPES_MAX
    for block in network.blocks:
        block.compile(dynamic=False)
    return network.states


def parts_of(ids, at, wanted, count):
    """A step as `count` steps of as many rows each, which together have its gradient."""
    rows, tokens = len(ids) // count, ids.numel() // count
    for part in range(count):
        chosen = (at >= part * tokens) & (at < (part + 1) * tokens)
        yield ids[part * rows : (part + 1) * rows], at[chosen] - part * tokens, wanted[chosen]


class Trainer:
    def __init__(self, out, tokens, seconds_max, seed, cases, boards=()):
        self.out, self.tokens_total, self.seconds_max, self.seed = out, tokens, seconds_max, seed
        tokenizer_path = out / "tokenizer.json"
        tokenizer = build_tokenizer(tokenizer_path, Shape.vocab)
        torch.manual_seed(seed)
        self.network = Network(Shape(vocab=tokenizer.size)).to(DEVICE)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        checkpoint, saved = out / "checkpoint.pt", None
        if checkpoint.exists():
            saved = torch.load(checkpoint, weights_only=False, map_location=DEVICE)
        # Once begun, a run keeps its recipe, whatever becomes of its end.
        recipe = MANY if tokens >= MANY_FROM_TOKENS else FEW
        if saved and "recipe" in saved:
            recipe = Recipe(**saved["recipe"])
        self.recipe = recipe
        self.optimizers = optimizers(self.network, recipe)
        # A CPU has not the memory for a large step at once.
        self.parts = 1 if DEVICE == "cuda" else recipe.rows_factor
        self.step, self.tokens, self.seconds, self.log = 0, 0, 0.0, []
        if saved:
            self._restore(saved)
        short, brief = min(SHORT_FIRST_MAX, SHORT_FIRST_SHARE * tokens), min(BRIEF_FIRST_MAX, BRIEF_FIRST_SHARE * tokens)
        start = Start(short - self.tokens, brief - self.tokens)
        self.rows = Rows(str(tokenizer_path), seed * 1_000_003 + self.step, start, boards, recipe.rows_factor, WORKERS)
        self.states = compiled(self.network)
        self.measure = Measure(tokenizer, cases)
        self.stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_):
        """Finishes the step at hand, saves and ends; the same command goes on from there."""
        self.stopped = True

    def _done(self):
        """How much of the training is behind it, by tokens or by time, whichever is further."""
        return max(self.tokens / self.tokens_total, self.seconds / self.seconds_max)

    def _loss(self, ids, at, wanted):
        """Mean loss over the wanted tokens, and the share of them that are the likeliest."""
        with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=HALF):
            states = self.states(ids).flatten(0, 1)
            logits = self.network.logits(states.index_select(0, at)).float()
        return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean()

    def _restore(self, state):
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.step, self.tokens, self.seconds, self.log = state["step"], state["tokens"], state["seconds"], state["log"]

    def save(self):
        state = {
            "shape": asdict(self.network.shape),
            "recipe": asdict(self.recipe),
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

    def _advance(self, ids, at, wanted):
        share = rate(self._done(), self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * share
        figures = torch.zeros(2, device=DEVICE)
        for part in parts_of(ids, at, wanted, self.parts):
            loss, right = self._loss(*part)
            share_of_step = len(part[1]) / len(at)
            (loss * share_of_step).backward()
            figures += torch.stack((loss.detach(), right)) * share_of_step
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        keep = min(1 - 1 / AVERAGE_STEPS, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.network.state_dict().values()), 1 - keep)
        self.step += 1
        self.tokens += ids.numel()
        return figures, share

    def look(self):
        """Measures the averaged weights on held-out cases."""
        shipped = Network(self.network.shape).to(DEVICE)
        shipped.load_state_dict(self.average)
        line = {"step": self.step, "tokens": self.tokens, "exact": self.measure.exact(shipped)}
        self.log.append(line)
        print(json.dumps(line), flush=True)

    def run(self):
        started, saved, recent = time.time() - self.seconds, time.time(), []
        looked = time.time()
        while self._done() < 1 and not self.stopped:
            ids, at, wanted = (torch.from_numpy(part).to(DEVICE).long() for part in self.rows.step())
            figures, share = self._advance(ids, at, wanted)
            recent.append(figures)
            self.seconds = time.time() - started
            if self.step % LOG_STEPS == 0:
                loss, right = torch.stack(recent).mean(0).tolist()
                line = {
                    "step": self.step,
                    "tokens": self.tokens,
                    "seconds": round(self.seconds),
                    "loss": round(loss, 4),
                    "right": round(right, 4),
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
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end by then, with what tokens there were")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", type=int, default=60, help="of each group, for a look while it goes on")
    parser.add_argument("--board", action="append", default=[], help="a board folder of one's own, to train on too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    seconds_max = 60 * arguments.minutes
    Trainer(
        arguments.out, int(arguments.tokens), seconds_max, arguments.seed, arguments.cases, arguments.board
    ).run()


if __name__ == "__main__":
    main()
