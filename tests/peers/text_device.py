"""A device that speaks lines of text over a serial line.

    text_device.py --log FILE [--echo]

`T?` is answered with `T=` and the temperature, `SP?` with `SP=` and the set-point, `SP 21.5` with `OK`,
`V?` with `V=` and the valve's word, `V open` with `V=open`. `P 2` gives two pulses and is answered with `OK`.
Everything else is answered with `ERR`.
"""

import argparse

from peer import Peer, Request


class Device:
    def __init__(self, echo):
        self.echo, self.peer = echo, None
        self.reset()

    def reset(self):
        self.values = {"T": "20.5", "SP": "5.0", "V": "closed"}

    def cut(self, channel, buffer):
        line, end, rest = buffer.partition(b"\n")
        if not end:
            return None, buffer
        text = line.strip().decode("ascii", "replace")
        echo = line + end if self.echo else b""
        is_write = " " in text

        def answer(said):
            return echo + said.encode() + b"\r\n"

        def act():
            return answer(self.perform(text))

        return Request(channel, is_write, act, lambda code: answer(f"ERR {code}"), lambda: b"\xff\xfe\r\n"), rest

    def perform(self, text):
        name, _, value = text.partition(" ")
        if text.endswith("?") and text[:-1] in self.values:
            return f"{text[:-1]}={self.values[text[:-1]]}"
        if name in ("SP", "V") and value:
            self.values[name] = value
            self.peer.did(what="write", table=name, value=value)
            return "OK" if name == "SP" else f"V={value}"
        if name == "P" and value.isdigit():
            self.peer.did(what="pulse", pulses=int(value))
            return "OK"
        return "ERR"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--log", required=True)
    arguments.add_argument("--echo", action="store_true")
    arguments = arguments.parse_args()
    device = Device(arguments.echo)
    peer = device.peer = Peer(arguments.log, device.cut)
    peer.reset = device.reset

    def set_value(command):
        device.values[command["name"]] = command["value"]

    peer.commands |= {"set": set_value}
    peer.run(at=peer.line())


if __name__ == "__main__":
    main()
