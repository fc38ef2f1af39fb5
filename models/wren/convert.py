"""Writes a checkpoint as a GGUF that llama.cpp reads (architecture `lfm2`).

    convert.py --checkpoint DIR/checkpoint.pt --tokenizer DIR/tokenizer.json --out wren.gguf
"""

import argparse
import hashlib
import os
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

from chat import IM_END, IM_START, PAD, SPECIALS, TEMPLATE
from model import Shape
from tokenizer import Wren

NAME, LICENSE = "wren", "MIT OR Apache-2.0"
# Our names of a block's tensors and llama.cpp's.
BLOCK = {
    "mix_norm": "attn_norm",
    "feed_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
ATTENTION = {
    "mix.query": "attn_q",
    "mix.key": "attn_k",
    "mix.value": "attn_v",
    "mix.out": "attn_output",
    "mix.query_norm": "attn_q_norm",
    "mix.key_norm": "attn_k_norm",
}


def tensors(shape, state):
    """Yields `(name, values, quantised)` for every tensor of the file."""

    def take(name):
        return state[name].float().numpy()

    yield "token_embd.weight", take("embedding.weight"), True
    # llama.cpp's lfm2 keeps the norm before the output under this name.
    yield "token_embd_norm.weight", take("norm.weight"), False
    for number, kind in enumerate(shape.layers):
        ours, theirs = f"blocks.{number}.", f"blk.{number}."
        names = dict(BLOCK)
        if kind == "A":
            names |= ATTENTION
        else:
            parts = [take(f"{ours}mix.{part}.weight") for part in ("gate_in", "gate_out", "value")]
            yield f"{theirs}shortconv.in_proj.weight", np.concatenate(parts), True
            yield f"{theirs}shortconv.conv.weight", take(f"{ours}mix.taps"), False
            yield f"{theirs}shortconv.out_proj.weight", take(f"{ours}mix.out.weight"), True
        for own, other in names.items():
            values = take(f"{ours}{own}.weight")
            yield f"{theirs}{other}.weight", values, values.ndim == 2


def quantised(values):
    """Q8_0 blocks of a matrix."""
    return gguf.quants.quantize(np.ascontiguousarray(values, dtype=np.float32), Type.Q8_0)


def dequantised_state(shape, state):
    """The weights as the GGUF holds them, back in our names: what llama.cpp computes with."""
    result = {}
    for name, value in state.items():
        whole = value.dim() == 2 and not name.endswith("taps")
        if whole:
            blocks = quantised(value.float().numpy())
            value = torch.from_numpy(gguf.quants.dequantize(blocks, Type.Q8_0)).reshape(value.shape)
        result[name] = value.float()
    return result


def token_list(tokenizer):
    names = [f"[unused {number}]" for number in range(tokenizer.size)]
    for text, number in tokenizer.vocab.items():
        names[number] = text
    names[: len(SPECIALS)] = SPECIALS
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    return names, [control if number < len(SPECIALS) else normal for number in range(tokenizer.size)]


def write(shape, state, tokenizer, path):
    """Writes the file beside `path` first and then renames it."""
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "lfm2")
    writer.add_name(NAME)
    writer.add_license(LICENSE)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(len(shape.layers))
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv([shape.kv_heads if kind == "A" else 0 for kind in shape.layers])
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_vocab_size(shape.vocab)
    writer.add_shortconv_l_cache(shape.kernel)
    names, types = token_list(tokenizer)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(names)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in tokenizer.merges])
    writer.add_bos_token_id(IM_START)
    writer.add_eos_token_id(IM_END)
    writer.add_eot_token_id(IM_END)
    writer.add_pad_token_id(PAD)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(TEMPLATE)
    for name, values, whole in tensors(shape, state):
        if whole:
            writer.add_tensor(name, quantised(values), raw_dtype=Type.Q8_0)
        else:
            writer.add_tensor(name, np.ascontiguousarray(values, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    saved = torch.load(arguments.checkpoint, weights_only=False, map_location="cpu")
    write(Shape(**saved["shape"]), saved["average"], Wren.load(arguments.tokenizer), arguments.out)
    digest = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, sha256 {digest}, {saved['tokens']} tokens")


if __name__ == "__main__":
    main()
