#!/bin/sh
# Installs what the tests of network-tests call: mosquitto, from the system's packages. Asks for nothing, and
# does nothing where it is there. The tests start a broker of their own on loopback.
set -eu

by_hand() {
    echo "test-network: $1" >&2
    echo "test-network: the tests of network-tests need it; all others run without: cargo test -p CRATE" >&2
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
