"""Exposes objects of a board, such as its HAL, over a serial line, so that `tests/contract` drives a live board unchanged.

Test builds only: whoever has the line has the board. One JSON object a line, in ASCII; the protocol is in docs/firmware.md.

    micropython -m firmware.agent        # the machine that firmware/wiring.py puts together, on the console
"""

import asyncio
import json
import sys

from hal import errors, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Write = Callable[[bytes], None]

VALUES = (
    "Advertisement",
    "Notification",
    "Entry",
    "LaneMark",
    "GivenUp",
    "SetAside",
    "Message",
    "NetworkPath",
    "WifiSeen",
    "Served",
    "Written",
)
ERRORS = ("TimedOutError", "LinkLostError", "UnavailableError", "StorageFullError", "CorruptDataError")
REFUSALS = ("DeniedError", "PairingError")
LONGEST = 256 * 1024  # of a line; a larger one is left out


class Agent:
    """Answers requests on `targets`, by name; `makers` are the classes and functions that `make` may call.

    Every request is a task of its own, begun in the order of their lines.
    """

    def __init__(
        self, targets: "dict[str, Any]", write: "Write", makers: "dict[str, Any] | None" = None
    ) -> None:
        self._objects = dict(targets)
        self._write = write
        self._makers = makers if makers is not None else {}
        self._made = 0
        self._running: "dict[int, Any]" = {}
        self._line = bytearray()

    async def run(self, read: "Callable[[], Awaitable[bytes]]") -> None:
        """Until the line ends."""
        while True:
            data = await read()
            if not data:
                return
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Bytes of the line, as they come."""
        start = 0
        while True:
            end = data.find(b"\n", start)
            self._line.extend(data[start:] if end < 0 else data[start:end])
            if end < 0:
                if len(self._line) > LONGEST:
                    self._line = bytearray()
                return
            line, self._line, start = bytes(self._line), bytearray(), end + 1
            if line.startswith(b"{"):  # anything else is the console's
                self.take(line)

    def take(self, line: bytes) -> None:
        """One request."""
        try:
            request = json.loads(line)
        except ValueError:
            return
        if "cancel" in request:
            task = self._running.get(request["cancel"])
            if task is not None:
                task.cancel()
        elif isinstance(request.get("id"), int):
            self._running[request["id"]] = asyncio.create_task(self.serve(request))

    async def serve(self, request: "dict[str, Any]") -> None:
        """Do it, and say what came of it."""
        answer: "dict[str, Any]" = {"id": request["id"]}
        try:
            answer["gives"] = self.encode(await self.do(request))
        except asyncio.CancelledError:
            answer["error"] = "CancelledError"
        except errors.HalError as error:
            answer["error"], answer["message"] = type(error).__name__, error.message
            answer["detail"], answer["reason"] = error.detail, getattr(error, "reason", "")
        except Exception as error:  # noqa: BLE001  the other side raises it
            answer["error"], answer["message"] = type(error).__name__, str(error)
        self._running.pop(request["id"], None)
        self._write(json.dumps(answer).encode() + b"\n")

    async def do(self, request: "dict[str, Any]") -> "Any":
        """Call a method, read a property, make an object, or forget one."""
        given = [self.decode(item) for item in request.get("with", [])]
        named = {key: self.decode(item) for key, item in request.get("named", {}).items()}
        if "forget" in request:
            return self._objects.pop(request["forget"], None) and None
        if "make" in request:
            made = self._makers[request["make"]](*given, **named)
            return await made if request.get("wait") else made
        found = getattr(self._objects[request["on"]], request["do"])
        if "set" in request:
            setattr(self._objects[request["on"]], request["do"], self.decode(request["set"]))
            return None
        if not request.get("call", True):
            return found
        result = found(*given, **named)
        return await result if request.get("wait") else result

    def encode(self, item: "Any") -> "Any":
        """A value as JSON can say it; an object of ours stays here, and a handle goes."""
        if item is None or isinstance(item, (bool, int, str)):
            return item
        if isinstance(item, (bytes, bytearray, memoryview)):
            return {"b": bytes(item).hex()}
        if isinstance(item, list):
            return [self.encode(each) for each in item]
        if isinstance(item, tuple):
            return {"t": [self.encode(each) for each in item]}
        if isinstance(item, dict):
            return {"d": [[self.encode(key), self.encode(value)] for key, value in item.items()]}
        name = type(item).__name__
        if name in VALUES:
            return {"v": name, "of": [self.encode(getattr(item, slot)) for slot in type(item).__slots__]}
        for known, target in self._objects.items():
            if target is item:
                return {"o": known, "is": name}
        self._made += 1
        handle = "#" + str(self._made)
        self._objects[handle] = item
        return {"o": handle, "is": name}

    def decode(self, item: "Any") -> "Any":
        """The other way."""
        if isinstance(item, list):
            return [self.decode(each) for each in item]
        if not isinstance(item, dict):
            return item
        if "b" in item:
            return bytes.fromhex(item["b"])
        if "t" in item:
            return tuple([self.decode(each) for each in item["t"]])
        if "d" in item:
            return {self.decode(key): self.decode(value) for key, value in item["d"]}
        if "v" in item:
            return self.value(item["v"], [self.decode(each) for each in item["of"]])
        return self._objects[item["o"]]

    def value(self, name: str, of: "list[Any]") -> "Any":
        """A portable value, from what its slots hold."""
        made = object.__new__(getattr(types, name))
        for slot, value in zip(type(made).__slots__, of):
            setattr(made, slot, value)
        return made


class Console:
    """The console as a line of bytes: a board's USB or UART, a terminal of the unix port."""

    def __init__(self) -> None:
        import select

        self._in: "Any" = sys.stdin.buffer
        self._out: "Any" = sys.stdout.buffer
        self._stream = asyncio.StreamReader(self._in)
        self._poll = select.poll()
        self._poll.register(self._in, select.POLLIN)

    async def read(self) -> bytes:
        """What is there; nothing at the end. One byte at a time: a read of more would block until they all are there."""
        data = bytearray(await self._stream.read(1))
        while data and len(data) < 4096 and self._poll.poll(0):
            byte = self._in.read(1)
            if not byte:
                break
            data.extend(byte)
        return bytes(data)

    def write(self, line: bytes) -> None:
        """All of it."""
        self._out.write(line)


def targets(machine: "Any") -> "dict[str, Any]":
    """The HAL of a machine, by the names that the protocol has for it."""
    found = {
        "clock": machine.clock,
        "journal": machine.journal,
        "keystore": machine.keystore,
        "crypto": machine.crypto,
        "network": machine.network,
        "indicator": machine.indicator,
        "watchdog": machine.watchdog,
        "scanner": machine.scanner,
        "central": machine.central,
        "ports": machine.ports,
    }
    for number, uplink in enumerate(machine.uplinks):
        found["uplink" + str(number)] = uplink
    return {name: target for name, target in found.items() if target is not None}


async def serve(of: "dict[str, Any]", makers: "dict[str, Any] | None" = None) -> None:
    """On the console, until it ends; the first line says that the agent listens."""
    console = Console()
    console.write(b'{"agent": 1}\n')
    await Agent(of, console.write, makers).run(console.read)
