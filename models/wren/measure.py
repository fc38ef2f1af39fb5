"""How many replies a network gets exactly right on cases that training never saw, without a grammar.

A quick look while training goes on. What is reported about a finished model is `everstep eval`'s.
"""

import torch

from cases import GROUPS, draw_cases
from episodes import reply_text


class Measure:
    """A fixed set of cases, as token ids."""

    def __init__(self, tokenizer, count):
        self.rows = {
            group: [self._row(tokenizer, case) for case in draw_cases(group, count, "measure")] for group in GROUPS
        }

    def _row(self, tokenizer, case):
        _, messages, tools, reply = case
        prompt = tokenizer.prompt(messages, tools)
        return prompt, tokenizer.encode(reply_text(reply) + "<|im_end|>", specials=True)

    @torch.no_grad()
    def exact(self, network):
        """Percent of exact replies for each group."""
        result, device = {}, network.embedding.weight.device
        for group, rows in self.rows.items():
            right = 0
            for prompt, reply in rows:
                ids = torch.tensor(prompt + reply, device=device)[None, : network.shape.context]
                likely = network(ids)[0].argmax(-1)
                right += likely[len(prompt) - 1 : -1].tolist() == reply
            result[group] = round(100 * right / len(rows), 1)
        return result
