#!/usr/bin/env bash
# Brings what `make bench-engine` compares with: llama-server and llama-bench from the llama.cpp sources in
# llama-cpp-python's source package, a Python with LangGraph, and a model of Qwen2.5-0.5B's geometry.
# Takes some fifteen minutes of two cores the first time, nothing after that.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
peers=$root/target/peers
# The vocabulary of Qwen2 without weights, and the template of Qwen2.5: both are published with llama.cpp.
vocabulary=${QWEN_VOCABULARY:-$root/../shared/data/gguf/ggml-vocab-qwen2.gguf}
template=${QWEN_TEMPLATE:-$root/../shared/data/chat-templates/Qwen-Qwen2.5-7B-Instruct.jinja}

for file in "$vocabulary" "$template"; do
    if [ ! -f "$file" ]; then
        echo "there is no $file: set QWEN_VOCABULARY to a GGUF with Qwen2's vocabulary" \
            "(llama.cpp's models/ggml-vocab-qwen2.gguf) and QWEN_TEMPLATE to Qwen2.5's chat template" >&2
        exit 1
    fi
done

mkdir -p "$peers"
if [ ! -x "$peers/venv/bin/python" ]; then
    python3 -m venv "$peers/venv"
fi
if ! cmp -s "$here/requirements.txt" "$peers/installed.txt"; then
    version=$(sed -n 's/^llama_cpp_python==//p' "$here/requirements.txt")
    "$peers/venv/bin/pip" download --quiet --no-deps --no-binary llama_cpp_python \
        --dest "$peers" "llama_cpp_python==$version"
    tar -xzf "$peers/llama_cpp_python-$version.tar.gz" -C "$peers"
    # As Everstep builds it: the same instructions, and no more.
    cmake -S "$peers/llama_cpp_python-$version/vendor/llama.cpp" -B "$peers/llama.cpp" \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_NATIVE=OFF \
        -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
        -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
    cmake --build "$peers/llama.cpp" --target llama-server llama-bench llama mtmd --parallel "$(nproc)"
    # llama-cpp-python takes those libraries instead of compiling them once more.
    CMAKE_ARGS="-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF" "$peers/venv/bin/pip" install --quiet \
        --no-binary llama_cpp_python --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$peers/installed.txt"
fi

# The calls are what `src/tools.rs` expects.
text_call='<tool_call>
{"name": "log", "arguments": {"text": "north tank low, pump on"}}
</tool_call>'
device_call='<tool_call>
{"name": "set_valve", "arguments": {"valve": "north_inlet", "state": "half_open"}}
</tool_call>'
if [ ! -f "$peers/qwen.gguf" ] || [ "$here/model.py" -nt "$peers/qwen.gguf" ]; then
    "$peers/venv/bin/python" "$here/model.py" --vocabulary "$vocabulary" --template "$template" \
        --reply "$text_call" --reply "$device_call" --out "$peers/qwen.part"
    mv "$peers/qwen.part" "$peers/qwen.gguf"
fi
