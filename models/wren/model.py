"""The network: LFM2's shape, small. Gated short convolutions (C) and grouped-query attention (A).

Names and layouts follow what `convert.py` writes and llama.cpp's `lfm2` reads: the token embedding
is also the output matrix, positions rotate the two halves of a head (NEOX), and queries and keys
are normalised.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocab: int = 1024
    width: int = 256
    layers: str = "CACACACA"
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 768
    kernel: int = 3
    context: int = 4096
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_width(self):
        return self.width // self.heads


# Start values that learn fastest here: outputs of each block at zero, a small embedding,
# and a gain above one on normalised queries and keys.
EMBEDDING_STD, QUERY_GAIN = 0.02, 1.5


def _linear(inputs, outputs, zero=False):
    layer = nn.Linear(inputs, outputs, bias=False)
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.normal_(layer.weight, 0.0, inputs**-0.5)
    return layer


class Norm(nn.Module):
    def __init__(self, width, epsilon, gain=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), gain))
        self.epsilon = epsilon

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotate(x, cos, sin):
    """Rotary positions on `x` of (batch, time, heads, head width)."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        wide, narrow = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
        self.query, self.key = _linear(shape.width, wide), _linear(shape.width, narrow)
        self.value, self.out = _linear(shape.width, narrow), _linear(wide, shape.width, zero=True)
        self.query_norm = Norm(shape.head_width, shape.epsilon, QUERY_GAIN)
        self.key_norm = Norm(shape.head_width, shape.epsilon, QUERY_GAIN)

    def forward(self, x, cos, sin):
        batch, time, _ = x.shape
        shape = self.shape
        query = self.query(x).view(batch, time, shape.heads, -1)
        key = self.key(x).view(batch, time, shape.kv_heads, -1)
        value = self.value(x).view(batch, time, shape.kv_heads, -1)
        query = rotate(self.query_norm(query), cos, sin).to(value.dtype)
        key = rotate(self.key_norm(key), cos, sin).to(value.dtype)
        share = shape.heads // shape.kv_heads
        key, value = key.repeat_interleave(share, 2), value.repeat_interleave(share, 2)
        seen = F.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), is_causal=True
        )
        return self.out(seen.transpose(1, 2).reshape(batch, time, -1))


class ShortConvolution(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.kernel = shape.kernel
        self.gate_in, self.gate_out = _linear(shape.width, shape.width), _linear(shape.width, shape.width)
        self.value, self.out = _linear(shape.width, shape.width), _linear(shape.width, shape.width, zero=True)
        bound = shape.kernel**-0.5
        self.taps = nn.Parameter(torch.empty(shape.width, shape.kernel).uniform_(-bound, bound))

    def forward(self, x, cos, sin):
        time = x.shape[1]
        gated = self.gate_in(x) * self.value(x)
        mixed = gated * self.taps[:, -1]
        for back in range(1, self.kernel):
            earlier = F.pad(gated[:, : time - back], (0, 0, back, 0))
            mixed = mixed + earlier * self.taps[:, self.kernel - 1 - back]
        return self.out((self.gate_out(x) * mixed).to(x.dtype))


class Block(nn.Module):
    def __init__(self, shape, kind):
        super().__init__()
        self.mix_norm = Norm(shape.width, shape.epsilon)
        self.mix = Attention(shape) if kind == "A" else ShortConvolution(shape)
        self.feed_norm = Norm(shape.width, shape.epsilon)
        self.gate, self.up = _linear(shape.width, shape.hidden), _linear(shape.width, shape.hidden)
        self.down = _linear(shape.hidden, shape.width, zero=True)

    def forward(self, x, cos, sin):
        x = x + self.mix(self.mix_norm(x), cos, sin)
        h = self.feed_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Network(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        nn.init.normal_(self.embedding.weight, 0.0, EMBEDDING_STD)
        self.blocks = nn.ModuleList(Block(shape, kind) for kind in shape.layers)
        self.norm = Norm(shape.width, shape.epsilon)
        half = torch.arange(0, shape.head_width, 2).float() / shape.head_width
        angles = torch.outer(torch.arange(shape.context).float(), shape.rope_base**-half)
        self.register_buffer("cos", angles.cos()[:, None], persistent=False)
        self.register_buffer("sin", angles.sin()[:, None], persistent=False)

    def states(self, ids):
        """What the last block says at every position, normalised."""
        time = ids.shape[1]
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos[:time], self.sin[:time])
        return self.norm(x)

    def logits(self, states):
        return F.linear(states, self.embedding.weight)

    def forward(self, ids):
        """Logits for every position."""
        return self.logits(self.states(ids))

    def matrices(self):
        """The parameters that Muon trains; all others are AdamW's."""
        return [p for name, p in self.named_parameters() if p.dim() == 2 and "embedding" not in name and "taps" not in name]
