"""The loader in the ROM of an ESP32 or ESP32-S3, on a pseudo-terminal: what esptool speaks with before anything of ours runs.

with EspRom(folder / "board", flash_bytes=8 << 20) as rom:      # folder / "board" is a port now
    rom.cut_after = 40          # the cable is pulled when so many blocks have been written
    rom.flip(bit)               # a bit of the flash changes
    rom.weak = {bit}            # a bit that always reads as the other value
    rom.lying_md5 = b"..."      # hashes these bytes, whatever the flash holds
    rom.put_back()

Frames are SLIP (RFC 1055); requests and answers as in Espressif's "Serial Protocol": sync, registers, the flash commands of the ROM (no stub,
no compression), its MD5 and its slow read. A NOR flash: an erase sets bits, writing clears them. Registers hold what is written; those of the SPI
controller run the commands that identify a flash.
"""

import contextlib
import hashlib
import os
import select
import struct
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
SYNC, WRITE_REG, READ_REG = 0x08, 0x09, 0x0A
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
SET_PARAMS, ATTACH, READ_SLOW, MD5, SECURITY_INFO = 0x0B, 0x0D, 0x0E, 0x13, 0x14
FINE, FAILED, CHECKSUM, UNKNOWN = b"\0\0\0\0", b"\1\6\0\0", b"\1\7\0\0", b"\1\5\0\0"
CHECKSUM_SEED = 0xEF
SECTOR = 0x1000
READ_BYTES = 64
MAGIC_AT = 0x40001000
SFDP, READ_ID = 0x5A, 0x9F
SFDP_SIGNATURE = 0x50444653
USR_COMMAND = 1 << 18


@dataclass(frozen=True)
class Chip:
    """A chip's numbers. Source: ESP-IDF, soc headers; esptool, targets. magic: None where it tells an id instead."""

    name: str
    magic: int | None
    number: int
    spi: int
    usr2: int
    word0: int


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("ESP32", 0x00F01D83, 0, 0x3FF42000, 0x24, 0x80),
        Chip("ESP32-S2", 0x000007C6, 2, 0x3F402000, 0x20, 0x58),
        Chip("ESP32-S3", None, 9, 0x60002000, 0x20, 0x58),
        Chip("ESP32-C3", None, 5, 0x60002000, 0x20, 0x58),
    )
}


class EspRom:
    """`path` becomes a link to the terminal. flash_bytes: a power of two."""

    def __init__(self, path: Path, chip: str = "ESP32", flash_bytes: int = 8 << 20) -> None:
        self.path = path
        self.chip = CHIPS[chip]
        self.flash = bytearray(b"\xff" * flash_bytes)
        self.weak: set[int] = set()
        self.lying_md5: bytes | None = None
        self.cut_after: int | None = None
        self.blocks = 0
        self._id = 0x40EF | (flash_bytes.bit_length() - 1) << 16  # maker, type, size
        self._registers: dict[int, int] = {}
        self._at = self._end = 0
        self._master: int | None = None
        self._slave: int | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="esp-rom")
        self._lock = threading.Lock()
        self._ended = False
        self._answers: dict[int, Callable[[bytes], tuple[int, bytes]]] = {
            SYNC: lambda _: (0x55551212, FINE),
            READ_REG: self._read_register,
            WRITE_REG: self._write_register,
            ATTACH: lambda _: (0, FINE),
            SET_PARAMS: lambda _: (0, FINE),
            FLASH_BEGIN: self._begin,
            FLASH_DATA: self._block,
            FLASH_END: lambda _: (0, FINE),
            MD5: self._md5,
            READ_SLOW: self._read_slow,
            SECURITY_INFO: self._security,
        }

    def __enter__(self) -> Self:
        self.put_back()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        os.write(self._wake_write, b"x")
        self._thread.join()
        self.pull()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- the back door --------------------------------------------------------------------------------------------

    def put_back(self) -> None:
        """Plug the cable in; no error where it is in."""
        with self._lock:
            if self._master is None:
                self._master, self._slave = os.openpty()
                tty.setraw(self._slave)
                self.path.unlink(missing_ok=True)
                self.path.symlink_to(os.ttyname(self._slave))
        os.write(self._wake_write, b"x")

    def pull(self) -> None:
        """Pull the cable out: an open port is lost, and the name is gone."""
        with self._lock:
            if self._master is None or self._slave is None:
                return
            self.path.unlink(missing_ok=True)
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = None

    def flip(self, bit: int) -> None:
        """One bit changes, counted from the first of byte 0."""
        self.flash[bit // 8] ^= 1 << bit % 8

    def seen(self, at: int, size: int) -> bytes:
        """The flash as it reads."""
        found = bytearray(self.flash[at : at + size])
        for bit in self.weak:
            if at <= bit // 8 < at + size:
                found[bit // 8 - at] ^= 1 << bit % 8
        return bytes(found)

    # --- the line -------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        frame: bytearray | None = None
        while not self._ended:
            with self._lock:
                master = self._master
            ready = select.select([self._wake_read] + ([] if master is None else [master]), [], [])[0]
            if self._wake_read in ready:
                os.read(self._wake_read, 64)
                frame = None
            if master is None or master not in ready:
                continue
            try:
                data = os.read(master, 4096)
            except OSError:  # pulled in between
                continue
            for byte in data:
                if byte != END:
                    if frame is not None:
                        frame.append(byte)
                elif frame:
                    self._answer(unescape(bytes(frame)), master)
                    frame = None
                else:
                    frame = bytearray()

    def _answer(self, request: bytes, master: int) -> None:
        if len(request) < 8 or request[0] != 0:
            return
        kind, size, checksum = struct.unpack_from("<BHI", request, 1)
        data = request[8 : 8 + size]
        if kind == FLASH_DATA and checksum_of(data[16:]) != checksum & 0xFF:
            value, body = 0, CHECKSUM
        else:
            command = self._answers.get(kind)
            value, body = command(data) if command else (0, UNKNOWN)
        frame = struct.pack("<BBHI", 1, kind, len(body), value) + body
        for _ in range(8 if kind == SYNC else 1):  # the ROM answers a sync eight times
            with contextlib.suppress(OSError):
                os.write(master, escape(frame))
        if kind == FLASH_DATA and self.cut_after is not None and self.blocks >= self.cut_after:
            self.cut_after = None
            self.pull()

    # --- commands -------------------------------------------------------------------------------------------------

    def _read_register(self, data: bytes) -> tuple[int, bytes]:
        (address,) = struct.unpack_from("<I", data)
        if address == MAGIC_AT:
            return self.chip.magic or 0, FINE
        return self._registers.get(address, 0), FINE

    def _write_register(self, data: bytes) -> tuple[int, bytes]:
        for at in range(0, len(data) - 15, 16):
            address, value, mask, _ = struct.unpack_from("<IIII", data, at)
            self._registers[address] = (self._registers.get(address, 0) & ~mask) | (value & mask)
            if address == self.chip.spi and value & USR_COMMAND:
                self._registers[address] = 0
                told = {READ_ID: self._id, SFDP: SFDP_SIGNATURE}
                command = self._registers.get(self.chip.spi + self.chip.usr2, 0) & 0xFF
                self._registers[self.chip.spi + self.chip.word0] = told.get(command, 0)
        return 0, FINE

    def _begin(self, data: bytes) -> tuple[int, bytes]:
        size, _, _, at = struct.unpack_from("<IIII", data)
        if at % SECTOR or at + size > len(self.flash):
            return 0, FAILED
        end = at + -(-size // SECTOR) * SECTOR
        self.flash[at:end] = b"\xff" * (end - at)
        self._at, self._end = at, end
        return 0, FINE

    def _block(self, data: bytes) -> tuple[int, bytes]:
        size, number, _, _ = struct.unpack_from("<IIII", data)
        at = self._at + number * size
        if len(data) != 16 + size or at >= self._end:
            return 0, FAILED
        for offset, byte in enumerate(data[16 : 16 + min(size, self._end - at)]):
            self.flash[at + offset] &= byte
        self.blocks += 1
        return 0, FINE

    def _md5(self, data: bytes) -> tuple[int, bytes]:
        at, size = struct.unpack_from("<II", data)
        hashed = self.seen(at, size) if self.lying_md5 is None else self.lying_md5[at : at + size]
        return 0, hashlib.md5(hashed, usedforsecurity=False).hexdigest().encode() + FINE

    def _read_slow(self, data: bytes) -> tuple[int, bytes]:
        at, size = struct.unpack_from("<II", data)
        return 0, self.seen(at, min(size, READ_BYTES)).ljust(READ_BYTES, b"\0") + FINE

    def _security(self, _: bytes) -> tuple[int, bytes]:
        if self.chip.magic is not None:
            return 0, UNKNOWN
        return 0, struct.pack("<IB7BII", 0, 0, *bytes(7), self.chip.number, 0) + FINE


def checksum_of(data: bytes) -> int:
    """Exclusive or over all bytes."""
    found = CHECKSUM_SEED
    for byte in data:
        found ^= byte
    return found


def escape(data: bytes) -> bytes:
    """A frame of SLIP."""
    inner = data.replace(bytes([ESC]), bytes([ESC, ESC_ESC])).replace(bytes([END]), bytes([ESC, ESC_END]))
    return bytes([END]) + inner + bytes([END])


def unescape(data: bytes) -> bytes:
    """What was in a frame, without its ends."""
    return data.replace(bytes([ESC, ESC_END]), bytes([END])).replace(bytes([ESC, ESC_ESC]), bytes([ESC]))
