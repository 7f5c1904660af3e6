"""Improv over a serial line, on the same wire as a console: packets are picked out of whatever text there is."""

import asyncio

from gateway.core import improv
from gateway.core.errors import DecodeError
from gateway.core.improv import PacketReader
from gateway.hub.improv import CLOSED
from gateway.hub.waking import Wake, stop
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.improv import Packet
    from gateway.hub.improv import Improv
    from hal.interfaces import Clock, SerialPort

QUIET_MS = 300  # a packet that began and did not go on for so long was none
HELD_PIECES = 64


class ImprovLine:
    """Serves one open port until it is lost, or the window is closed."""

    def __init__(self, port: "SerialPort", service: "Improv", clock: "Clock") -> None:
        self.port, self.service, self.clock = port, service, clock
        self.reader = PacketReader()
        self.wake = Wake(clock)
        self.pieces: "list[bytes]" = []
        self.lost: "HalError | None" = None
        self.shown = (CLOSED, improv.NO_ERROR)
        self.changed = asyncio.Event()

    async def run(self) -> None:
        """Serve; returns when the window is closed. Raises LinkLostError when the port goes away."""
        self.shown = (state_of(self.service), self.service.error)
        listening = asyncio.create_task(self.listen())
        showing = asyncio.create_task(self.follow())
        calls = [self.changed.set, self.wake.call]
        self.service.on_change.extend(calls)
        try:
            while (self.lost is None or self.pieces) and self.service.state != CLOSED:
                waiting = self.reader.scanner.waiting
                await self.wake.wait(self.clock.uptime_ms() + QUIET_MS if waiting else None)
                pieces, self.pieces = self.pieces, []
                packets = self.reader.push(b"".join(pieces)) if pieces else self.reader.look_past()
                for packet in packets:
                    await self.take(packet)
            if self.lost is not None:
                raise self.lost
            await self.show()
        finally:
            for call in calls:
                self.service.on_change.remove(call)
            await stop(showing)
            await stop(listening)

    async def follow(self) -> None:
        """Tell each change of state when it comes: joining a network takes a while."""
        try:
            while True:
                await self.changed.wait()
                self.changed.clear()
                await self.show()
        except HalError as error:
            self.lost = error
            self.wake.call()

    async def listen(self) -> None:
        """Bytes of the port, as they come; what floods is cut."""
        try:
            while True:
                data = await self.port.read()
                if len(self.pieces) < HELD_PIECES:
                    self.pieces.append(data)
                self.wake.call()
        except HalError as error:
            self.lost = error
            self.wake.call()

    async def take(self, packet: "Packet") -> None:
        """One packet: a command is done, anything else is our own sort of word and passed over."""
        if packet.sort != improv.SORT_COMMAND:
            return
        try:
            message = improv.decode_message(packet.data)
        except DecodeError:
            self.service.fail(improv.INVALID)
            await self.send(improv.SORT_ERROR, bytes([improv.INVALID]))
            return
        if message.command == improv.CURRENT_STATE:
            await self.tell_state()
            return
        results = await self.service.ask(message)
        await self.show()
        if results is None:
            # told even where it is the same as the last one: each command has its answer
            await self.send(improv.SORT_ERROR, bytes([self.service.error]))
            return
        for strings in results:
            await self.answer(message.command, strings)
        if message.command == improv.SCAN or not results:
            await self.answer(message.command, [])

    async def tell_state(self) -> None:
        """The answer to whoever asks for the state."""
        await self.send(improv.SORT_STATE, bytes([state_of(self.service)]))
        if self.service.state == improv.PROVISIONED:
            await self.answer(improv.CURRENT_STATE, [])

    async def show(self) -> None:
        """State and error, where they are others than the line was told last."""
        state, error = state_of(self.service), self.service.error
        before, self.shown = self.shown, (state, error)
        if state != before[0]:
            await self.send(improv.SORT_STATE, bytes([state]))
        if error != before[1] and error == improv.NO_ERROR:
            await self.send(improv.SORT_ERROR, bytes([error]))

    async def answer(self, command: int, strings: "list[str]") -> None:
        """A result."""
        await self.send(improv.SORT_RESULT, improv.encode_message(command, improv.encode_strings(strings)))

    async def send(self, sort: int, data: bytes) -> None:
        """A packet, on a line of its own so that a console's reader sees where it ends."""
        await self.port.write(improv.encode_packet(sort, data) + b"\n")


def state_of(service: "Improv") -> int:
    """The state as the specification has it: who is closed waits for a person, too."""
    return service.state if service.state != CLOSED else improv.UNAUTHORISED
