"""A BTHome v2 sensor of a virtual home: a door contact, a smoke detector, a button.

    door = BthomeSensor(link, "C3:00:00:00:00:01", key=key)
    await door.send([(DOOR, bytes([1]))])

It only ever transmits, as the real ones do: each frame is repeated, in packets that cannot be answered. Source: the
BTHome v2 specification, format and encryption.
"""

import asyncio
from contextlib import suppress

from bumble import hci
from bumble.core import AdvertisingData
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink
from tools.simulators.pdus import NON_CONNECTABLE

PACKET_ID, BATTERY, OPENING, DOOR, SMOKE, TAMPER, BUTTON = 0x00, 0x01, 0x11, 0x1A, 0x29, 0x2B, 0x3A
UUID = bytes.fromhex("d2fc")  # 0xFCD2 as it is on the air
VERSION_2, TRIGGER_BASED, IS_ENCRYPTED = 0x40, 0x04, 0x01
MIC_BYTES = 4
LARGEST_DATA = 31  # legacy advertising (Core 5.4, Vol 6, Part B, 2.3.1)

Objects = list[tuple[int, bytes]]


class BthomeSensor:
    """With `key` it encrypts, and its counter starts above `counter` and rises with each frame."""

    def __init__(
        self,
        link: HomeLink,
        address: str,
        *,
        key: bytes | None = None,
        counter: int = 0,
        repeats: int = 3,
        interval_ms: int = 60,
    ) -> None:
        self.address = address
        self.counter = counter  # back door: what the next frame counts on from
        self.packet_id = 0
        self._key = key
        self._repeats = repeats
        self._interval_ms = interval_ms
        self._repeating: asyncio.Task[None] | None = None
        self._hci_address = hci.Address(address)
        self.controller = HomeController(f"bthome {address}", link)
        self.controller.random_address = self._hci_address

    async def send(self, objects: Objects, *, with_packet_id: bool = True) -> bytes:
        """Send a new frame of (object id, value as on the air) and go on repeating it. Returns its service data.

        What was being repeated before is repeated no more: a radio sends one thing at a time.
        """
        await self._hush()
        frame = self.frame(objects, with_packet_id=with_packet_id)
        self.transmit(frame)
        if self._repeats > 1:
            self._repeating = asyncio.get_running_loop().create_task(self._repeat(frame))
        return frame

    def frame(self, objects: Objects, *, with_packet_id: bool = True) -> bytes:
        """Service data of the next frame, without its UUID; moves packet id and counter on."""
        if with_packet_id:
            self.packet_id = (self.packet_id + 1) % 256
            objects = [(PACKET_ID, bytes([self.packet_id])), *objects]
        body = b"".join(
            bytes([number]) + value for number, value in sorted(objects, key=lambda each: each[0])
        )
        info = VERSION_2 | TRIGGER_BASED
        if self._key is None:
            return bytes([info]) + body
        self.counter += 1
        counter = self.counter.to_bytes(4, "little")
        header = bytes([info | IS_ENCRYPTED])
        nonce = bytes.fromhex(self.address.replace(":", "")) + UUID + header + counter
        sealed = AESCCM(self._key, tag_length=MIC_BYTES).encrypt(nonce, body, None)
        return header + sealed[:-MIC_BYTES] + counter + sealed[-MIC_BYTES:]

    def transmit(self, frame: bytes) -> None:
        """Back door: put `frame` on the air once, whatever it is: an old one again, or one that is no BTHome."""
        items = [
            (AdvertisingData.Type.FLAGS, b"\x06"),
            (AdvertisingData.Type.SERVICE_DATA_16_BIT_UUID, UUID + frame),
        ]
        data = bytes(AdvertisingData(items))
        if len(data) > LARGEST_DATA:
            raise ValueError(f"{len(data)} bytes of advertising data, {LARGEST_DATA} fit: send fewer objects")
        self.controller.broadcast(NON_CONNECTABLE, data, b"", self._hci_address)

    def leave(self) -> None:
        """Go out of range."""
        self.controller.leave()

    def return_(self) -> None:
        """Come back into range."""
        self.controller.return_()

    async def stop(self) -> None:
        """Take its battery out."""
        await self._hush()
        self.controller.remove()

    async def _repeat(self, frame: bytes) -> None:
        for _ in range(self._repeats - 1):
            await asyncio.sleep(self._interval_ms / 1000)
            self.transmit(frame)

    async def _hush(self) -> None:
        repeating, self._repeating = self._repeating, None
        if repeating is not None:
            repeating.cancel()
            with suppress(asyncio.CancelledError):
                await repeating
