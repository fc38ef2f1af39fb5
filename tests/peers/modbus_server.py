"""A Modbus server over TCP and over a serial line, with pymodbus's framing and messages.

    modbus_server.py --log FILE tcp|rtu

Holding register 100 gives as many pulses as are written to it, and input registers 200 and 201 (and holding
registers 110 and 111) count them, high word first; holding register 120 gives pulses that nothing counts.
Unit 1 is the only one. Addresses from 1000 on do not exist.
"""

import argparse

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse

from peer import Peer, Request

UNIT = 1
END = 1000
PULSES, COUNTER_HOLDING, UNCOUNTED, COUNTER_INPUT = 100, 110, 120, 200
WRITES = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
READS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Device:
    """The registers, as pymodbus's messages want them."""

    def __init__(self):
        self.peer = None
        self.reset()

    def reset(self):
        self.tables = {name: [0] * END for name in ("holding", "input", "coil", "discrete")}
        self.counter = 0

    def get(self, table, address, count):
        return self.tables[table][address : address + count]

    async def async_getValues(self, device_id, code, address, count=1):
        if address + count > END:
            return ExcCodes.ILLEGAL_ADDRESS
        # A write is answered with what is there after it.
        table = READS.get(code) or WRITES[code]
        values = self.get(table, address, count)
        return [bool(value) for value in values] if table in ("coil", "discrete") else values

    async def async_setValues(self, device_id, code, address, values):
        if address + len(values) > END:
            return ExcCodes.ILLEGAL_ADDRESS
        table = WRITES[code]
        values = [int(value) for value in values]
        if table == "holding" and address in (PULSES, UNCOUNTED):
            return self.pulse(address, values[0])
        self.tables[table][address : address + len(values)] = values
        self.peer.did(what="write", table=table, address=address, values=values)
        return None

    def pulse(self, address, pulses):
        # The answer repeats what was written.
        self.tables["holding"][address] = pulses
        if address == PULSES:
            self.counter = (self.counter + pulses) % (1 << 32)
            words = [self.counter >> 16, self.counter & 0xFFFF]
            self.tables["input"][COUNTER_INPUT : COUNTER_INPUT + 2] = words
            self.tables["holding"][COUNTER_HOLDING : COUNTER_HOLDING + 2] = words
        self.peer.did(what="pulse", address=address, pulses=pulses, counter=self.counter)
        return None


def result(coroutine):
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("it waits")


class Server:
    def __init__(self, framer):
        self.decoder = DecodePDU(True)
        self.framer = framer(self.decoder)
        self.device = Device()

    def frame(self, buffer):
        """Bytes of the first frame; 0 where it is not whole yet."""
        if isinstance(self.framer, FramerSocket):
            size = 6 + int.from_bytes(buffer[4:6], "big") if len(buffer) >= 6 else 0
        else:
            kind = self.decoder.lookupPduClass(buffer) if len(buffer) >= 2 else None
            size = kind.calculateRtuFrameSize(buffer) if kind and len(buffer) >= 7 else 0
        return size if len(buffer) >= size else 0

    def cut(self, channel, buffer):
        size = self.frame(buffer)
        if not size:
            return None, buffer
        _, pdu = self.framer.handleFrame(buffer[:size], 0, 0)
        rest = buffer[size:]
        if pdu is None or pdu.dev_id != UNIT:
            return (None, rest) if not rest else self.cut(channel, rest)
        return self.request(channel, pdu), rest

    def request(self, channel, pdu):
        def answer(response):
            response.transaction_id, response.dev_id = pdu.transaction_id, pdu.dev_id
            return self.framer.buildFrame(response)

        def act():
            return answer(result(pdu.datastore_update(self.device, pdu.dev_id)))

        def refuse(code):
            return answer(ExceptionResponse(pdu.function_code, code))

        def garble():
            # Over TCP the answer to another transaction, on a line one with a wrong checksum.
            frame = bytearray(act_again())
            frame[0 if isinstance(self.framer, FramerSocket) else -1] ^= 0x55
            return bytes(frame)

        def act_again():
            return answer(ExceptionResponse(pdu.function_code, 6))

        return Request(channel, pdu.function_code in WRITES, act, refuse, garble)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--log", required=True)
    arguments.add_argument("over", choices=["tcp", "rtu"])
    arguments = arguments.parse_args()
    server = Server(FramerSocket if arguments.over == "tcp" else FramerRTU)
    peer = server.device.peer = Peer(arguments.log, server.cut)
    peer.reset = server.device.reset

    def set_values(command):
        table = server.device.tables[command["table"]]
        table[command["address"] : command["address"] + len(command["values"])] = command["values"]

    def get_values(command):
        return server.device.get(command["table"], command["address"], command["count"])

    peer.commands |= {"set": set_values, "get": get_values}
    if arguments.over == "tcp":
        peer.listen()
        peer.run(at=f"127.0.0.1:{peer.port}")
    else:
        peer.run(at=peer.line())


if __name__ == "__main__":
    main()
