#!/usr/bin/env bash
# Trains, converts and measures wren from nothing. Run again after a stop, it goes on from the last checkpoint.
#
#   models/wren/train.sh           everything; about half an hour of two free cores
#   models/wren/train.sh smoke     the same path in a few minutes, with a model that knows nothing
#   models/wren/train.sh test      the tests of generator, tokenizer and converter
#   models/wren/train.sh measure   only the tables, for the last checkpoint
set -euo pipefail
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

all() { # directory, tokens, episodes of each kind to measure, where the model goes
    "$python" train.py --out "$1" --tokens "$2" --threads "${WREN_THREADS:-2}"
    "$python" convert.py --checkpoint "$1/checkpoint.pt" --tokenizer "$1/tokenizer.json" --out "$4"
    measure "$1" "$3"
}

measure() { # directory, episodes of each kind
    "$python" evaluate.py --checkpoint "$1/checkpoint.pt" --tokenizer "$1/tokenizer.json" --episodes "$2" \
        --parity "$1/parity.jsonl"
}

set_up
case "${1:-all}" in
    all) all "$work" 20e6 200 "$work/wren.gguf" ;;
    smoke) all "$work/smoke" 0.2e6 1 "$work/smoke/wren.gguf" ;;
    test) "$python" -m unittest --verbose test_wren ;;
    measure) measure "$work" "${2:-200}" ;;
    *)
        echo "usage: train.sh [all|smoke|test|measure [EPISODES]]" >&2
        exit 2
        ;;
esac
