"""wren's tokenizer: byte-level BPE whose merges never cross a space and never join digits
or comparison signs to anything.

The merges are trained on text that is split at spaces and digits; text is then encoded with the
plain GPT-2 pre-tokenizer, which llama.cpp implements too, so both give the same ids.
"""

import json
import re

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from chat import SPECIALS, segments

# Longest token. Words are cut into several, also those that training sees often, so that a word
# nobody has seen is nothing special.
TOKEN_LENGTH_MAX = 6

_SPECIAL = re.compile("(" + "|".join(re.escape(special) for special in SPECIALS) + ")")


class Wren:
    """Encodes and decodes. Ids below `len(SPECIALS)` are the special tokens."""

    def __init__(self, vocab, merges):
        self.vocab, self.merges = vocab, merges
        self.size = max(vocab.values()) + 1
        self._bpe = Tokenizer(models.BPE(vocab=vocab, merges=merges))
        self._bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        self._bpe.decoder = decoders.ByteLevel()
        self._cache = {}

    @classmethod
    def train(cls, texts, size):
        """Learns the merges from an iterator of texts."""
        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r"\s|\p{N}|[<>=]+"), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=8,
            max_token_length=TOKEN_LENGTH_MAX,
            special_tokens=SPECIALS,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        plain = ("".join(part for part in _SPECIAL.split(text) if part not in SPECIALS) for text in texts)
        bpe.train_from_iterator(plain, trainer)
        model = json.loads(bpe.to_str())["model"]
        return cls(model["vocab"], [tuple(pair) for pair in model["merges"]])

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        return cls(data["vocab"], [tuple(pair) for pair in data["merges"]])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"vocab": self.vocab, "merges": self.merges}, file, ensure_ascii=False, indent=0)

    def encode(self, text, specials=False):
        """Token ids of `text`. Special tokens are recognised only when asked for."""
        key = (text, specials)
        ids = self._cache.get(key)
        if ids is None:
            ids = self._encode(text, specials)
            if len(self._cache) < 200_000:
                self._cache[key] = ids
        return ids

    def _encode(self, text, specials):
        if not specials:
            return self._bpe.encode(text, add_special_tokens=False).ids
        ids = []
        for part in _SPECIAL.split(text):
            if part in SPECIALS:
                ids.append(SPECIALS.index(part))
            elif part:
                ids += self._bpe.encode(part, add_special_tokens=False).ids
        return ids

    def decode(self, ids):
        """Text of `ids`, special tokens spelled out."""
        text, plain = "", []
        for token in list(ids) + [None]:
            if token is not None and token >= len(SPECIALS):
                plain.append(token)
                continue
            text += self._bpe.decode(plain, skip_special_tokens=False) if plain else ""
            plain = []
            text += SPECIALS[token] if token is not None else ""
        return text

    def conversation(self, messages, tools):
        """Ids of a conversation, and for each id whether the model has to produce it."""
        ids, wanted = [], []
        for kind, text in segments(messages, tools):
            piece = self.encode(text, specials=kind != "content")
            ids += piece
            wanted += [kind == "reply"] * len(piece)
        return ids, wanted

    def prompt(self, messages, tools):
        """Ids of a conversation up to where the model's next reply begins."""
        ids, _ = self.conversation(messages, tools)
        return ids + self.encode("<|im_start|>assistant\n", specials=True)

