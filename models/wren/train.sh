#!/usr/bin/env bash
# Trains and converts wren from nothing. Run again after a stop, it goes on from the last checkpoint.
#
#   models/wren/train.sh          everything; ten minutes of a data-centre GPU, or hours of two free cores in as many
#                                 legs as it takes
#   models/wren/train.sh smoke    the same path in about ten minutes, to a few calls in the runtime, with a model that knows nothing
#   models/wren/train.sh test     the tests of generator, tokenizer and converter
#
# WREN_TOKENS is how much it is trained on, WREN_MINUTES the time it has at most, WREN_THREADS on how many
# threads, WREN_BOARDS names board folders of one's own, relative to where this is called.
set -euo pipefail
here=$PWD
cd "$(dirname "$0")"
work=${WREN_WORK:-../../target/wren}
mkdir -p "$work"
work=$(cd "$work" && pwd)
python=$work/venv/bin/python

# Spinning OpenMP threads collapse on a busy machine.
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0

set_up() {
    [ -x "$python" ] || python3 -m venv "$work/venv"
    if ! cmp -s requirements.txt "$work/installed.txt"; then
        echo "wren: installing torch and friends, several GB" >&2
        "$python" -m pip install --quiet --requirement requirements.txt
        cp requirements.txt "$work/installed.txt"
    fi
}

all() { # folder, tokens, where the model goes, prompts for parity, cases of each group to look at
    local boards=() board
    for board in ${WREN_BOARDS:-}; do boards+=(--board "$here/$board"); done
    "$python" train.py --out "$1" --tokens "$2" --minutes "${WREN_MINUTES:-inf}" --threads "${WREN_THREADS:-2}" \
        --cases "$5" "${boards[@]}"
    "$python" convert.py --checkpoint "$1/checkpoint.pt" --tokenizer "$1/tokenizer.json" --out "$3"
    "$python" parity.py --checkpoint "$1/checkpoint.pt" --tokenizer "$1/tokenizer.json" --out "$1/parity.jsonl" \
        --count "$4"
    "$python" plot.py --checkpoint "$1/checkpoint.pt" --out "$1/training.svg"
}

set_up
case "${1:-all}" in
    all)
        # The GPU's number is what the shipped file was trained on.
        tokens=86e6
        "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' && tokens=1044e6
        all "$work" "${WREN_TOKENS:-$tokens}" "$work/wren.gguf" 200 60
        ;;
    smoke)
        rm -rf "$work/smoke"
        all "$work/smoke" 0.15e6 "$work/smoke/wren.gguf" 5 1
        python3 cases.py --out "$work/smoke/cases" --count 5
        ../../target/release/everstep eval --model "$work/smoke/wren.gguf" --suite "$work/smoke/cases"
        ;;
    test) "$python" -m unittest --verbose test_wren ;;
    *)
        echo "usage: train.sh [all|smoke|test]" >&2
        exit 2
        ;;
esac
