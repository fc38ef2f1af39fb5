"""Writes a GGUF with the geometry and vocabulary of Qwen2.5-0.5B whose weights say one fixed thing.

Speed depends on shapes and types, not on what the weights know, so random weights measure it without any
download. But the length of a constrained call depends on what is said. So the output layer is not all
random: the row of every token of the fixed call answers to the embedding of the token before it, and the
blocks add so little that this decides. Whoever samples greedily from it, under whichever grammar, makes the
same call.
"""

import argparse
import pathlib
import sys

import gguf
import numpy as np
from gguf.quants import quantize
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

LAYERS = 24
WIDTH = 896
HIDDEN = 4864
HEADS = 14
KV_HEADS = 2
HEAD = WIDTH // HEADS
CONTEXT = 32768
# As in Qwen2's tokenizer.json.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# A logit of the token that is meant; the others are spread by 1 around 0. Where one token is followed by
# several, the grammar tells them apart, and the later one is meant a little more.
MEANT = 60.0
LATER = 0.5
# By how much less another reply is meant than the one before it.
OTHER = 20.0
# The turn's first token is meant more than what follows the same token elsewhere.
FIRST = 80.0
# Ends the arguments alone, for whoever asks for nothing else.
ALONE = 50.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=pathlib.Path, required=True, help="a GGUF with the vocabulary of Qwen2")
    parser.add_argument("--template", type=pathlib.Path, required=True, help="the chat template of Qwen2.5")
    parser.add_argument(
        "--reply", required=True, action="append", help="what is said after every prompt; the first that the tools allow"
    )
    parser.add_argument("--type", choices=["Q8_0", "Q4_0"], default="Q8_0", help="type of the matrices")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()

    source = gguf.GGUFReader(args.vocabulary)
    tokens = texts(source, "tokenizer.ggml.tokens")
    merges = texts(source, "tokenizer.ggml.merges")
    kinds = [int(kind[0]) for kind in parts(source, "tokenizer.ggml.token_type")]
    end = int(source.fields["tokenizer.ggml.eos_token_id"].parts[-1][0])
    # The published models end a turn with this one; some vocabularies name the end of a text.
    end = tokens.index("<|im_end|>") if "<|im_end|>" in tokens else end
    call_marks(tokens, kinds)

    writer = gguf.GGUFWriter(args.out, "qwen2")
    writer.add_name(f"random Qwen2.5-0.5B geometry {args.type}")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if args.type == "Q8_0" else gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(end)
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(args.template.read_text())
    tensors(writer, args.type, paths(tokens, merges, args.reply, end), len(tokens))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file(progress=sys.stderr.isatty())
    writer.close()


def parts(source: gguf.GGUFReader, key: str) -> list[np.ndarray]:
    field = source.fields[key]
    return [field.parts[index] for index in field.data]


def texts(source: gguf.GGUFReader, key: str) -> list[str]:
    return [bytes(part).decode() for part in parts(source, key)]


def call_marks(tokens: list[str], kinds: list[int]) -> None:
    """Gives the marks of a call their places, as in the published models; a plain vocabulary has pads there."""
    wanted = {151657: "<tool_call>", 151658: "</tool_call>"}
    for index, mark in wanted.items():
        if mark not in tokens:
            tokens[index] = mark
        kinds[tokens.index(mark)] = int(gguf.TokenType.USER_DEFINED)


def paths(tokens: list[str], merges: list[str], replies: list[str], end: int) -> list[tuple[int, int, float]]:
    """Which token follows which in the replies, and how strongly."""
    ids = {token: index for index, token in enumerate(tokens)}
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    marks = ("<tool_call>", "</tool_call>")
    (newline,) = tokenizer.encode("\n").ids
    follows: dict[tuple[int, int], float] = {}
    for number, reply in enumerate(replies):
        said: list[int] = []
        for piece in pieces(reply, marks):
            said += [ids[piece]] if piece in marks else tokenizer.encode(piece).ids
        follows[newline, said[0]] = FIRST
        for place, pair in enumerate(zip(said, [*said[1:], end])):
            follows[pair] = max(follows.get(pair, 0.0), MEANT + LATER * place - OTHER * number)
            if tokens[pair[1]].startswith('"}}'):
                follows[pair[0], ids['"}']] = ALONE - OTHER * number
        follows[ids['"}'], end] = MEANT
    return [(before, after, strength) for (before, after), strength in follows.items()]


def pieces(text: str, marks: tuple[str, ...]) -> list[str]:
    for mark in marks:
        before, found, behind = text.partition(mark)
        if found:
            return [*([before] if before else []), mark, *pieces(behind, marks)]
    return [text] if text else []


def tensors(writer: gguf.GGUFWriter, kind: str, follows: list[tuple[int, int, float]], count: int) -> None:
    random = np.random.default_rng(1)
    packed = gguf.GGMLQuantizationType[kind]

    def matrix(name: str, values: np.ndarray) -> None:
        writer.add_tensor(name, quantize(values, packed), raw_dtype=packed)

    def drawn(rows: int, columns: int, spread: float) -> np.ndarray:
        return random.standard_normal((rows, columns), dtype=np.float32) * spread

    embedding = drawn(count, WIDTH, 1.0)
    output = drawn(count, WIDTH, WIDTH**-0.5)
    for before, after, strength in follows:
        row = embedding[before]
        output[after] += row * (strength / float(row @ row))
    matrix("token_embd.weight", embedding)
    matrix("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    # Every block the same: reading them takes as long, and drawing them does not.
    spread, little = WIDTH**-0.5, 0.01 * HIDDEN**-0.5
    shapes = {
        "attn_q.weight": (WIDTH, WIDTH, spread),
        "attn_k.weight": (KV_HEADS * HEAD, WIDTH, spread),
        "attn_v.weight": (KV_HEADS * HEAD, WIDTH, spread),
        "attn_output.weight": (WIDTH, WIDTH, little),
        "ffn_gate.weight": (HIDDEN, WIDTH, spread),
        "ffn_up.weight": (HIDDEN, WIDTH, spread),
        "ffn_down.weight": (WIDTH, HIDDEN, little),
    }
    block = {name: quantize(drawn(*shape), packed) for name, shape in shapes.items()}
    biases = {"attn_q.bias": WIDTH, "attn_k.bias": KV_HEADS * HEAD, "attn_v.bias": KV_HEADS * HEAD}
    for layer in range(LAYERS):
        for name, values in block.items():
            writer.add_tensor(f"blk.{layer}.{name}", values, raw_dtype=packed)
        for name, width in biases.items():
            writer.add_tensor(f"blk.{layer}.{name}", np.zeros(width, np.float32))
        for name in ("attn_norm.weight", "ffn_norm.weight"):
            writer.add_tensor(f"blk.{layer}.{name}", np.ones(WIDTH, np.float32))


if __name__ == "__main__":
    main()
