"""Greedy decoding with a cache, on the weights as the GGUF holds them.

A `Session` keeps keys, values and convolution tails, so a conversation goes on without evaluating
its past again. `reply` may be given a guess: it is evaluated in one go and kept as far as it is what
the model would have said, so the result is the same as without, only sooner.
"""

import torch
import torch.nn.functional as F

from chat import IM_END
from model import rotate

REPLY_TOKENS_MAX = 120


class Session:
    def __init__(self, shape, state):
        self.shape, self.state = shape, state
        half = torch.arange(0, shape.head_width, 2).float() / shape.head_width
        angles = torch.outer(torch.arange(shape.context).float(), shape.rope_base**-half)
        self.cos, self.sin = angles.cos()[:, None], angles.sin()[:, None]
        self.length = 0
        self.margin = float("inf")  # least lead of a token that was said over the next best
        self.past = {}  # block number -> keys and values, or the convolution's last inputs

    def _norm(self, x, name):
        return F.rms_norm(x, (x.shape[-1],), self.state[name], self.shape.epsilon)

    def _linear(self, x, name):
        return x @ self.state[name + ".weight"].T

    @torch.no_grad()
    def feed(self, ids):
        """Evaluates `ids` after all that came before; logits for each of them."""
        x = self.state["embedding.weight"][torch.tensor(ids)]
        for number, kind in enumerate(self.shape.layers):
            name = f"blocks.{number}."
            mix = self._attend if kind == "A" else self._convolve
            x = x + mix(self._norm(x, name + "mix_norm.weight"), number, name + "mix.")
            h = self._norm(x, name + "feed_norm.weight")
            h = F.silu(self._linear(h, name + "gate")) * self._linear(h, name + "up")
            x = x + self._linear(h, name + "down")
        self.length += len(ids)
        return self._norm(x, "norm.weight") @ self.state["embedding.weight"].T

    def _attend(self, x, number, name):
        shape, time = self.shape, x.shape[0]
        cos, sin = (table[self.length : self.length + time] for table in (self.cos, self.sin))
        query = self._linear(x, name + "query").view(time, shape.heads, -1)
        key = self._linear(x, name + "key").view(time, shape.kv_heads, -1)
        value = self._linear(x, name + "value").view(time, shape.kv_heads, -1)
        query = rotate(self._norm(query, name + "query_norm.weight"), cos, sin)
        key = rotate(self._norm(key, name + "key_norm.weight"), cos, sin)
        if number in self.past:
            key, value = torch.cat((self.past[number][0], key)), torch.cat((self.past[number][1], value))
        self.past[number] = (key, value)
        share = shape.heads // shape.kv_heads
        key, value = key.repeat_interleave(share, 1), value.repeat_interleave(share, 1)
        seen_until = torch.arange(time)[:, None] + self.length
        mask = torch.arange(key.shape[0])[None] <= seen_until
        parts = (part.transpose(0, 1)[None] for part in (query, key, value))
        seen = F.scaled_dot_product_attention(*parts, attn_mask=mask)
        return self._linear(seen[0].transpose(0, 1).reshape(time, -1), name + "out")

    def _convolve(self, x, number, name):
        time, kernel = x.shape[0], self.shape.kernel
        gated = self._linear(x, name + "gate_in") * self._linear(x, name + "value")
        before = self.past.get(number, torch.zeros(kernel - 1, x.shape[1]))
        row = torch.cat((before, gated))
        self.past[number] = row[-(kernel - 1) :]
        taps = self.state[name + "taps"]
        mixed = sum(row[back : back + time] * taps[:, back] for back in range(kernel))
        return self._linear(self._linear(x, name + "gate_out") * mixed, name + "out")

    def room(self):
        """Tokens that still fit."""
        return self.shape.context - self.length

    def _mark(self):
        return self.length, dict(self.past)

    def _back(self, mark):
        self.length, self.past = mark[0], dict(mark[1])

    def _best(self, logits):
        two = logits.topk(2)
        self.margin = min(self.margin, float(two.values[0] - two.values[1]))
        return int(two.indices[0])

    def reply(self, prompt, guess=()):
        """Feeds `prompt` and decodes the reply to its end token, which is not part of the result and
        not fed. `guess` is a likely reply."""
        last = self.feed(prompt)[-1]
        mark, guess = self._mark(), list(guess)
        said = []
        if guess:
            rows = torch.cat((last[None], self.feed(guess)))
            likely = rows.argmax(-1).tolist()
            while len(said) < len(guess) and likely[len(said)] == guess[len(said)]:
                said.append(guess[len(said)])
            last = rows[len(said)]
            if len(said) < len(guess):
                self._back(mark)
                if said:
                    self.feed(said)
        while (token := self._best(last)) != IM_END and len(said) < REPLY_TOKENS_MAX and self.room() > 1:
            said.append(token)
            last = self.feed([token])[-1]
        return said
