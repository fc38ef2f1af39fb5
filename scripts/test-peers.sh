#!/bin/sh
# Makes the Python that the devices' peers run in, `target/test-venv`: pymodbus, as tests/peers/requirements.txt
# pins it. Changes nothing where it is there.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
wanted=$root/tests/peers/requirements.txt
venv=$root/target/test-venv

cmp -s "$wanted" "$venv/installed.txt" && exit 0
command -v python3 >/dev/null 2>&1 || {
    echo "test-peers: python3 is missing: install Python 3.10 or newer, with venv" >&2
    exit 1
}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" "$venv/installed.txt"
