"""The other end for every peer: takes MQTT over mutual TLS, stores what came, synced, and acknowledges then.

So it does for a peer what Trygg's platform does, but for signatures, chain and receipts. As `broker` it subscribes at
the broker on the port; as `server` it is the server, and answers what ThingsBoard's gateway asks of its own; as `bare`
it is a server that takes plain TCP and only counts. A process of its own: `python -m tools.bench.peers.receiver FOLDER KIND`,
a command a line on stdin, a JSON object a line on stdout. Times are of the machine's monotonic clock in nanoseconds,
the same in every process. FOLDER holds ca.pem, and certificates and keys of server and platform.

    listen PORT    {"reply": "listen"}, where it listens or has subscribed
    report         {"reply": "report", "events": ..., "repeated": ..., "connected_ns": ..., "last_ns": ...}
    numbers        {"reply": "numbers", "numbers": [[first, last], ...]}

and unasked {"connected": ns} at a connection, {"alarm": number, "ns": ...} at an alarm.
"""

import asyncio
import json
import sqlite3
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from tools.bench.peers import frames
from tools.bench.peers.events import ALARMS, number_of
from tools.bench.peers.spans import spans

TOPIC = "t"
BRIDGE_STATE = "$SYS/broker/connection/"  # what a bridge tells the broker that it has reached
TELEMETRY = "v1/gateway/telemetry"
HOST = "127.0.0.1"
ANSWERS = {  # topic asked on: topic answered on
    "v1/devices/me/rpc/request/": "v1/devices/me/rpc/response/",
    "v1/devices/me/attributes/request/": "v1/devices/me/attributes/response/",
}
# A server that limits nothing; ThingsBoard's own cloud allows 60 messages a minute.
SESSION = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}}


def say(**line: object) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Count:
    """What has arrived."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.repeated = 0
        self.connected_ns = 0
        self.last_ns = 0

    def connected(self) -> None:
        """A gateway has connected."""
        self.connected_ns = time.monotonic_ns()
        say(connected=self.connected_ns)

    def take(self, taken: list[int]) -> None:
        """Events that are as durable as they will be."""
        now_ns = time.monotonic_ns()
        for number in taken:
            if number >= ALARMS:
                say(alarm=number, ns=now_ns)
            elif number in self.numbers:
                self.repeated += 1
            else:
                self.numbers.add(number)
                self.last_ns = now_ns


class Shelf:
    """Where a storing receiver puts what came: SQLite, synced at each commit, as Trygg's platform has it."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.execute("CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, bytes BLOB)")

    def put(self, rows: list[tuple[int, bytes]]) -> None:
        """One synced transaction; what is there already stays."""
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT OR IGNORE INTO event VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")


class Receiver(asyncio.Protocol):
    """One connection."""

    def __init__(self, count: Count, shelf: Shelf | None) -> None:
        self.count = count
        self.shelf = shelf
        self.buffer = bytearray()
        self.version = 4
        self.taken: list[tuple[int, bytes]] = []
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        at, answer = 0, bytearray()
        while (found := frames.take(self.buffer, at)) is not None:
            first, start, at = found
            self.packet(first, bytes(self.buffer[start:at]), answer)
        del self.buffer[:at]
        if self.taken:
            taken, self.taken = self.taken, []
            if self.shelf is not None:
                self.shelf.put(taken)
            self.count.take([number for number, _ in taken])
        if answer:
            self.transport.write(bytes(answer))

    def packet(self, first: int, body: bytes, answer: bytearray) -> None:
        """One packet; what it is answered with goes to `answer`."""
        sort = first >> 4
        if sort == frames.PUBLISH:
            topic, mid, payload = frames.read_publish(first, body, self.version)
            if mid:
                answer += b"\x40\x02" + mid.to_bytes(2, "big")
            self.event(topic, payload, answer)
        elif sort == frames.CONNECT:
            self.version = body[6] & 0x7F  # a bridge sets the highest bit
            answer += b"\x20\x03\x00\x00\x00" if self.version == 5 else b"\x20\x02\x00\x00"
            self.count.connected()
        elif sort == frames.SUBACK:
            say(reply="listen")
        elif sort == frames.PINGREQ:
            answer += frames.PONG
        elif sort in {frames.SUBSCRIBE, frames.UNSUBSCRIBE}:
            kind = b"\x90" if sort == frames.SUBSCRIBE else b"\xb0"
            properties = b"\x00" if self.version == 5 else b""
            codes = b"\x01" if sort == frames.SUBSCRIBE or self.version == 5 else b""
            answer += kind + bytes([2 + len(properties) + len(codes)]) + body[:2] + properties + codes
        elif sort == frames.DISCONNECT:
            self.transport.close()

    def event(self, topic: str, payload: bytes, answer: bytearray) -> None:
        """What a PUBLISH brought."""
        if topic == TELEMETRY:
            for entries in json.loads(payload).values():
                for entry in entries:
                    if "n" in entry.get("values", ()):
                        self.taken.append((entry["values"]["n"], json.dumps(entry).encode()))
        elif topic.startswith("v1/"):
            self.server_side(topic, payload, answer)
        elif topic.startswith(BRIDGE_STATE):
            if payload == b"1":
                self.count.connected()
        elif topic == TOPIC:
            self.taken.append((number_of(payload), payload))

    def server_side(self, topic: str, payload: bytes, answer: bytearray) -> None:
        """What ThingsBoard's server would answer a gateway at its connection."""
        reply: dict[str, Any] = {}
        for asked, answered in ANSWERS.items():
            if topic.startswith(asked):
                if json.loads(payload).get("method") == "getSessionLimits":
                    reply = SESSION
                where = answered + topic[len(asked) :]
                answer += frames.publish(where, json.dumps(reply).encode(), version=self.version)
        if topic == "v1/gateway/attributes/request":
            question = json.loads(payload)
            reply = {"id": question.get("id"), "device": question.get("device"), "values": {}}
            answer += frames.publish(
                "v1/gateway/attributes/response", json.dumps(reply).encode(), version=self.version
            )


class Subscriber(Receiver):
    """The same as a client of a broker."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(frames.connect("platform") + frames.subscribe({TOPIC: 1, BRIDGE_STATE + "#": 0}))


def tls(folder: Path, purpose: ssl.Purpose, stem: str) -> ssl.SSLContext:
    """Mutual TLS with what lies in `folder`."""
    context = ssl.create_default_context(purpose, cafile=str(folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / f"{stem}.pem", folder / f"{stem}.key")
    return context


async def listen(folder: Path, kind: str, port: int, count: Count) -> None:
    """Says the reply itself, where a broker's acknowledgement of a subscription is it."""
    loop = asyncio.get_running_loop()
    shelf = None if kind == "bare" else Shelf(folder / "receiver.db")
    if kind == "broker":
        context = tls(folder, ssl.Purpose.SERVER_AUTH, "platform")
        await loop.create_connection(lambda: Subscriber(count, shelf), HOST, port, ssl=context)
        return
    server = None if kind == "bare" else tls(folder, ssl.Purpose.CLIENT_AUTH, HOST)
    await loop.create_server(lambda: Receiver(count, shelf), HOST, port, ssl=server)
    say(reply="listen")


async def main(folder: Path, kind: str) -> None:
    """Take commands until stdin ends."""
    loop = asyncio.get_running_loop()
    count = Count()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, *rest = line.decode().split()
        if word == "listen":
            await listen(folder, kind, int(rest[0]), count)
        elif word == "report":
            events, repeated = len(count.numbers), count.repeated
            times = {"connected_ns": count.connected_ns, "last_ns": count.last_ns}
            say(reply=word, events=events, repeated=repeated, **times)
        elif word == "numbers":
            say(reply=word, numbers=spans(count.numbers))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
