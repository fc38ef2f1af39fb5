#!/usr/bin/env bash
# Trains and converts wren from nothing. Run again after a stop, it goes on from the last checkpoint.
#
#   models/wren/train.sh          everything; about 100 minutes of two free cores
#   models/wren/train.sh smoke    the same path in a few minutes, with a model that knows nothing
#   models/wren/train.sh test     the tests of generator, tokenizer and converter
#   models/wren/train.sh cases    only the cases for `everstep eval` that training never sees
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

all() { # folder, tokens, where the model goes
    "$python" train.py --out "$1" --tokens "$2" --threads "${WREN_THREADS:-2}"
    "$python" convert.py --checkpoint "$1/checkpoint.pt" --tokenizer "$1/tokenizer.json" --out "$3"
    "$python" parity.py --checkpoint "$1/checkpoint.pt" --tokenizer "$1/tokenizer.json" --out "$1/parity.jsonl"
    cases "$1/cases" 400
}

cases() { # folder, cases of each group
    "$python" cases.py --out "$1" --count "$2"
}

set_up
case "${1:-all}" in
    all) all "$work" "${WREN_TOKENS:-40e6}" "$work/wren.gguf" ;;
    smoke) all "$work/smoke" 0.15e6 "$work/smoke/wren.gguf" ;;
    test) "$python" -m unittest --verbose test_wren ;;
    cases) cases "$work/cases" "${2:-400}" ;;
    *)
        echo "usage: train.sh [all|smoke|test|cases [COUNT]]" >&2
        exit 2
        ;;
esac
