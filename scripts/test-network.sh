#!/bin/sh
# Installs what the tests of network-tests call: mosquitto from the system's packages, mcp-server-time into
# target/test-venv, the everything server of the Model Context Protocol and its conformance suite, with a Node
# that runs them, into target/test-node. Asks for nothing, and does nothing where everything is there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/target/test-venv
node=$root/target/test-node
python_wanted=$root/tests/network/requirements.txt
node_wanted=$root/tests/network/package.json

by_hand() {
    echo "test-network: $1" >&2
    echo "test-network: the tests of network-tests and everstep need it; all others run without: cargo test -p CRATE" >&2
    exit 1
}

if [ ! -x /usr/sbin/mosquitto ] || ! command -v mosquitto_passwd >/dev/null 2>&1; then
    command -v apt-get >/dev/null 2>&1 ||
        by_hand "mosquitto is missing: install mosquitto 2.0 or newer as /usr/sbin/mosquitto, with mosquitto_passwd"
    [ "$(id -u)" -eq 0 ] || by_hand "mosquitto is missing: sudo apt-get install mosquitto"
    echo "test-network: installing mosquitto" >&2
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get install -qq -y --no-install-recommends mosquitto >/dev/null 2>&1 ||
        { apt-get update -qq >/dev/null 2>&1 &&
            apt-get install -qq -y --no-install-recommends mosquitto >/dev/null 2>&1; } ||
        by_hand "apt-get can't install mosquitto: connect this machine, or install it by hand"
fi

if ! cmp -s "$python_wanted" "$venv/network.txt"; then
    command -v python3 >/dev/null 2>&1 || by_hand "python3 is missing: install Python 3.10 or newer, with venv"
    echo "test-network: installing mcp-server-time" >&2
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" >&2 || by_hand "python3 has no venv: install it"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$python_wanted" >&2 ||
        by_hand "pip can't reach a package index: connect this machine, or set PIP_INDEX_URL"
    cp "$python_wanted" "$venv/network.txt"
fi

if ! cmp -s "$node_wanted" "$node/network.json"; then
    command -v npm >/dev/null 2>&1 || by_hand "npm is missing: install Node.js 20 or newer"
    echo "test-network: installing the everything server and the conformance suite" >&2
    mkdir -p "$node"
    cp "$node_wanted" "$node/package.json"
    npm install --silent --no-audit --no-fund --prefix "$node" >&2 ||
        by_hand "npm can't reach a registry: connect this machine, or set its registry"
    cp "$node_wanted" "$node/network.json"
fi
