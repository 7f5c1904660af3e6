"""A device that is given its Wi-Fi by Improv over a serial line: on a pseudo-terminal, with a console on the same wire.

    device = ImprovDevice(folder / "gateway", {"Home": "secret-1234"})
    async with device:
        device.press()             # its button: authorised
        ...
    device.joined                  # "Home", or nothing

It shares with ours no more than the bytes of a packet (`gateway.core.improv`). What real firmwares do wrong can be switched on:
`noise` (a log between packets), `mute`, `broken` (checksums that do not hold), `chatty` (one result more than was asked for), `hangs` (begins to join and
never ends).
"""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.core import improv
from gateway.core.improv import Packet, PacketReader
from tools.simulators.pty_line import PtyLine

INFO = ["Trygg ESP32", "0.1.0", "ESP32-S3", "gateway"]
LOG = b"I (4711) wifi: state IMPROV -> scan\r\n"


class ImprovDevice:
    """networks: name to password of what is in reach. path becomes a link to the terminal."""

    def __init__(self, path: Path, networks: dict[str, str]) -> None:
        self.line = PtyLine(path)
        self.networks = networks
        self.joined = ""
        self.state = improv.UNAUTHORISED
        self.commands: list[int] = []
        self.noise = self.mute = self.broken = self.chatty = self.hangs = False
        self._reader = PacketReader()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.line.put_back()
        self._task = asyncio.get_running_loop().create_task(self._serve())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.line.pull()

    def press(self) -> None:
        """The button: it tells everybody on the line."""
        self.become(improv.AUTHORISED)

    def become(self, state: int) -> None:
        """Another state, told at once."""
        self.state = state
        self.send(improv.SORT_STATE, bytes([state]))

    def send(self, sort: int, data: bytes) -> None:
        """A packet."""
        packet = bytearray(improv.encode_packet(sort, data))
        if self.broken:
            packet[-1] ^= 0xFF
        self.line.send((LOG if self.noise else b"") + bytes(packet) + b"\n" + (LOG if self.noise else b""))

    async def _serve(self) -> None:
        while True:
            for packet in self._reader.push(await self.line.read()):
                if not self.mute:
                    self._take(packet)

    def _take(self, packet: Packet) -> None:
        if packet.sort != improv.SORT_COMMAND:
            return
        message = improv.decode_message(packet.data)
        self.commands.append(message.command)
        if message.command == improv.CURRENT_STATE:
            self.send(improv.SORT_STATE, bytes([self.state]))
        elif message.command == improv.INFO:
            self._answer(improv.INFO, INFO)
        elif message.command == improv.SCAN and self.state != improv.UNAUTHORISED:
            for number, ssid in enumerate(self.networks):
                self._answer(
                    improv.SCAN, [ssid, str(-40 - 10 * number), "YES" if self.networks[ssid] else "NO"]
                )
            self._answer(improv.SCAN, [])
        elif message.command == improv.WIFI and self.state == improv.AUTHORISED:
            self._join(*improv.decode_wifi(message.data))
        elif message.command in (improv.WIFI, improv.SCAN):
            self.send(improv.SORT_ERROR, bytes([improv.NOT_AUTHORISED]))
        else:
            self.send(improv.SORT_ERROR, bytes([improv.UNKNOWN_COMMAND]))

    def _join(self, ssid: str, password: str) -> None:
        self.become(improv.PROVISIONING)
        if self.hangs:
            return
        if self.networks.get(ssid) == password:
            self.joined = ssid
            self.become(improv.PROVISIONED)
            self._answer(improv.WIFI, ["https://gateway.example"])
        else:
            self.become(improv.AUTHORISED)
            self.send(improv.SORT_ERROR, bytes([improv.NO_CONNECTION]))

    def _answer(self, command: int, strings: list[str]) -> None:
        data = improv.encode_message(command, improv.encode_strings(strings))
        self.send(improv.SORT_RESULT, data)
        if self.chatty:
            self.send(improv.SORT_RESULT, data)
