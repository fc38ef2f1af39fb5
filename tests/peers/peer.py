"""What the peers of the tests share: a loop, a control channel, a log, and ways to misbehave.

A peer is a device that the runtime did not write. It keeps a log of its own of everything it did, one JSON
object a line, and that log is what a test believes. The test steers it with JSON lines on stdin, each of
which is answered by one line on stdout; lines with an "event" come by themselves.

One thread and no sleeping: what is due is done before anything else, so that the order of acts is that of
the log.
"""

import heapq
import itertools
import json
import os
import selectors
import socket
import sys
import time
import tty

READ_BYTES = 4096


class Request:
    """What came in, and what can be done about it. `act` performs it and returns the answer's bytes."""

    def __init__(self, channel, is_write, act, refuse, garble):
        self.channel = channel
        self.is_write = is_write
        self.act = act
        self.refuse = refuse
        self.garble = garble


class Socket:
    """A connection."""

    def __init__(self, peer, sock):
        self.peer, self.sock, self.buffer, self.open = peer, sock, b"", True
        sock.setblocking(False)
        peer.selector.register(sock, selectors.EVENT_READ, self.readable)

    def readable(self):
        while self.open:
            try:
                data = self.sock.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                return self.drop()
            self.buffer += data
            self.peer.take(self)

    def send(self, data):
        if self.open:
            try:
                self.sock.sendall(data)
            except OSError:
                self.drop()

    def drop(self):
        if self.open:
            self.open = False
            self.peer.selector.unregister(self.sock)
            self.sock.close()
            self.peer.sockets.discard(self)


class Pty:
    """The far end of a serial line. Nobody may be at the near one: then nothing is read."""

    LOOK_S = 0.002

    def __init__(self, peer):
        self.peer, self.buffer, self.open = peer, b"", True
        self.master, near = os.openpty()
        self.name = os.ttyname(near)
        tty.setraw(near)
        os.close(near)
        os.set_blocking(self.master, False)
        self.watched = False
        self.watch()

    def watch(self):
        if not self.watched:
            self.watched = True
            self.peer.selector.register(self.master, selectors.EVENT_READ, self.readable)

    def readable(self):
        while True:
            try:
                data = os.read(self.master, READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                # Nobody has the near end open; the kernel would report that without an end.
                self.buffer = b""
                if self.watched:
                    self.watched = False
                    self.peer.selector.unregister(self.master)
                    self.peer.later(self.LOOK_S * 1000, self.watch)
                return
            self.buffer += data
            self.peer.take(self)

    def send(self, data):
        try:
            os.write(self.master, data)
        except OSError:
            pass

    def drop(self):
        """A line has no connection that could be dropped."""


class Peer:
    """`cut(buffer)` takes the next whole request off a buffer: `(request or None, rest)`."""

    def __init__(self, log, cut):
        self.log, self.cut = open(log, "a", encoding="utf-8"), cut
        self.selector = selectors.DefaultSelector()
        self.sockets, self.timers, self.numbers = set(), [], itertools.count()
        self.acts = {}
        self.fates = {"write": [], "read": []}
        self.listener = self.port = self.pty = None
        self.commands = {
            "fates": self.do_fates,
            "settle": self.do_settle,
            "restart": self.do_restart,
            "close": self.do_close,
            "listen": self.do_listen,
            "drop": self.do_drop,
            "reset": self.do_reset,
        }
        self.reset = lambda: None

    # What happened

    def did(self, **fact):
        """Writes one fact to the log, for good."""
        self.log.write(json.dumps(fact) + "\n")
        self.log.flush()

    def say(self, **what):
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    # Time

    def later(self, ms, what):
        heapq.heappush(self.timers, (time.monotonic() + ms / 1000, next(self.numbers), what))

    def due(self):
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2]()

    # Requests

    def take(self, channel):
        """Serves every whole request that came. On a line several at once are one master's that gave up on
        the first ones: only the last is answered."""
        requests = []
        while True:
            request, channel.buffer = self.cut(channel, channel.buffer)
            if request is None:
                break
            requests.append(request)
        for index, request in enumerate(requests):
            self.due()
            is_last = index == len(requests) - 1
            self.serve(request, channel.send if is_last or channel is not self.pty else lambda data: None)

    def serve(self, request, send):
        queue = self.fates["write" if request.is_write else "read"]
        fate = queue.pop(0) if queue else {"fate": "well"}
        kind, ms = fate["fate"], fate.get("ms", 0)
        if kind == "well":
            send(request.act())
        elif kind == "split":
            answer = request.act()
            half = len(answer) // 2
            send(answer[:half])
            self.later(ms, lambda: send(answer[half:]))
        elif kind == "stall":
            pass
        elif kind == "drop_before":
            request.channel.drop()
        elif kind == "drop_after":
            request.act()
            request.channel.drop()
        elif kind == "answer_late":
            answer, gone = request.act(), time.monotonic() + fate.get("gone_ms", 1e9) / 1000
            # A device that answers within some time does so, however slow the machine under it is.
            self.later(ms, lambda: send(answer) if time.monotonic() < gone else None)
        elif kind == "act_late":
            self.act_later(ms, request.act)
        elif kind == "refuse":
            send(request.refuse(fate["code"]))
        elif kind == "fail":
            request.act()
            send(request.refuse(fate["code"]))
        elif kind == "garble":
            request.act()
            send(request.garble())
        elif kind == "raw":
            request.act()
            send(bytes.fromhex(fate["hex"]))
        elif kind == "cut_before":
            self.say(event="cut")
        elif kind == "cut_after":
            request.act()
            self.say(event="cut")
        elif kind == "cut_act_late":
            self.act_later(ms, request.act)
            self.say(event="cut")
        else:
            raise ValueError(f"no such fate: {kind}")

    def act_later(self, ms, act):
        number = next(self.numbers)
        self.acts[number] = act
        self.later(ms, lambda: self.acts.pop(number, lambda: None)())

    # Control

    def do_fates(self, command):
        self.fates = {"write": command.get("write", []), "read": command.get("read", [])}

    def do_settle(self, command):
        """Brings everything to its end that is on its way: bytes nobody read yet, and late acts."""
        if self.listener is not None:
            self.accept()
        for sock in list(self.sockets):
            sock.readable()
        if self.pty is not None:
            self.pty.readable()
        for number in sorted(self.acts):
            self.acts.pop(number)()

    def do_reset(self, command):
        """Forgets everything: a new device, with an empty log."""
        self.timers.clear()
        self.acts.clear()
        self.do_fates({})
        self.do_drop(command)
        if self.pty is not None:
            self.pty.readable()
            self.pty.buffer = b""
            self.pty.watch()
        self.reset()
        self.log.truncate(0)

    def do_restart(self, command):
        self.do_close(command)
        self.do_listen(command)

    def do_close(self, command):
        if self.listener is not None:
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None
        self.do_drop(command)

    def do_drop(self, command):
        for sock in list(self.sockets):
            sock.drop()

    def do_listen(self, command):
        self.listen(self.port)

    def listen(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.add(Socket(self, sock))

    def line(self):
        self.pty = Pty(self)
        return self.pty.name

    def run(self, **hello):
        self.control = b""
        os.set_blocking(0, False)
        self.selector.register(0, selectors.EVENT_READ, self.commanded)
        self.say(**hello)
        self.running = True
        while self.running:
            self.due()
            wait = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, _ in self.selector.select(wait):
                self.due()
                # A callback before may have closed what this one is about.
                if self.selector.get_map().get(key.fd) is key:
                    key.data()

    def commanded(self):
        data = os.read(0, READ_BYTES)
        # Whoever started it is gone.
        self.running = bool(data)
        self.control += data
        *lines, self.control = self.control.split(b"\n")
        for line in lines:
            command = json.loads(line)
            self.say(reply=self.commands[command["do"]](command))
