"""The technician's side of Improv over a serial line: asks a device, and waits for its answers among whatever its console says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.core import improv
from gateway.core.errors import DecodeError
from gateway.core.improv import Packet, PacketReader
from hal.errors import HalError, TimedOutError
from hal.interfaces import SerialPort

ANSWER_S = (
    3.0  # a device that is busy with its console answers late, and may have lost what came while it started
)
TRIES = 3
SCAN_S, JOIN_S = 15.0, 60.0
QUIET_S = 0.3
ERRORS = {
    improv.INVALID: "the device did not understand the command: try again, or look for a newer software of it",
    improv.UNKNOWN_COMMAND: "the device does not know this command",
    improv.NO_CONNECTION: "the device could not join the network: check its name and its password, and go closer to it",
    improv.NOT_AUTHORISED: "the device wants its button pressed: press it, and try again within a minute",
    improv.BAD_HOSTNAME: "the device did not take the name",
    improv.UNKNOWN: "the device failed without a reason: restart it, and try again",
}


class RefusedByDeviceError(Exception):
    """The device answered with an error; `code` as Improv numbers it."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS.get(code, ERRORS[improv.UNKNOWN]))
        self.code = code


class ImprovClient:
    """Over an open port. Every call may raise HalError (the line), RefusedByDeviceError, TimedOutError."""

    def __init__(self, port: SerialPort, answer_s: float = ANSWER_S) -> None:
        self._port = port
        self._answer_s = answer_s
        self._reader = PacketReader()
        self._packets: list[Packet] = []

    async def state(self) -> int:
        """The state now. Asked again where no answer comes: a device that has just been plugged in is still starting."""
        for attempt in range(TRIES):
            await self._send(improv.CURRENT_STATE)
            try:
                return (await self._wait(self._answer_s, improv.SORT_STATE)).data[0]
            except TimedOutError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def authorised(self, limit_s: float, ask: Callable[[], None]) -> None:
        """Return when the button has been pressed; `ask` tells the person to, where that is needed. Raises TimedOutError."""
        if await self.state() != improv.UNAUTHORISED:
            return
        ask()
        async with self._deadline(limit_s):
            while (await self._wait(limit_s, improv.SORT_STATE)).data[0] == improv.UNAUTHORISED:
                pass

    async def info(self) -> list[str]:
        """Firmware, version, chip, name, and what else it tells."""
        await self._send(improv.INFO)
        return await self._result(improv.INFO, self._answer_s)

    async def scan(self) -> list[list[str]]:
        """Networks as [name, strength in dBm, YES or NO], each name once."""
        await self._send(improv.SCAN)
        found: dict[str, list[str]] = {}
        while row := await self._result(improv.SCAN, SCAN_S):
            found.setdefault(row[0], row)
        return list(found.values())

    async def send(self, ssid: str, password: str, *, limit_s: float = JOIN_S) -> list[str]:
        """Let it join a network; what it says where it has, such as its address. Raises ValueError where they do not fit."""
        await self._send(improv.WIFI, improv.wifi_data(ssid, password))
        return await self._result(improv.WIFI, limit_s)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _send(self, command: int, data: bytes = b"") -> None:
        self._packets.clear()  # what is left of a command before is no answer to this one
        packet = improv.encode_packet(improv.SORT_COMMAND, improv.encode_message(command, data))
        await self._port.write(packet + b"\n")

    async def _result(self, command: int, limit_s: float) -> list[str]:
        """The next result of this command."""
        async with self._deadline(limit_s):
            while True:
                packet = await self._wait(limit_s, improv.SORT_RESULT)
                with contextlib.suppress(DecodeError):
                    message = improv.decode_message(packet.data)
                    if message.command == command:
                        return improv.decode_strings(message.data)

    async def _wait(self, limit_s: float, sort: int) -> Packet:
        """The next packet of a sort. An error ends it, unless it is the one that says that there is none."""
        async with self._deadline(limit_s):
            while True:
                while not self._packets:
                    await self._listen()
                packet = self._packets.pop(0)
                if packet.sort == improv.SORT_ERROR and packet.data != bytes([improv.NO_ERROR]):
                    raise RefusedByDeviceError(packet.data[0] if packet.data else improv.UNKNOWN)
                if packet.sort == sort and (packet.data or sort == improv.SORT_RESULT):
                    return packet

    async def _listen(self) -> None:
        """Take what comes; after a moment of quiet look past what only seemed to begin a packet."""
        try:
            async with asyncio.timeout(QUIET_S if self._reader.scanner.waiting else None):
                self._packets += self._reader.push(await self._port.read())
        except TimeoutError:
            self._packets += self._reader.look_past()
            if not self._packets:
                self._packets += self._reader.push(await self._port.read())

    @contextlib.asynccontextmanager
    async def _deadline(self, limit_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as error:
            raise TimedOutError(
                "the device does not answer: check that this is its port, that it speaks Improv, and that nothing else has it open"
            ) from error


async def with_port(
    open_port: Callable[[], Awaitable[SerialPort]], work: Callable[[ImprovClient], Awaitable[int]]
) -> int:
    """Open, do, close. Raises as the client."""
    port = await open_port()
    try:
        return await work(ImprovClient(port))
    finally:
        with contextlib.suppress(HalError):
            await port.close()
