"""The line to the device under test, over which the kit is the gateway: a real port, or a device in this process.

Both block: a conformance run does one thing at a time, and its times are those of the line.
"""

import shlex
import subprocess
from pathlib import Path
from time import monotonic, sleep, time
from typing import Protocol

import serial

from tools.simulators.dispenser import DispenserDevice

BAUD = 115_200
CHUNK = 4096
AGAIN_S = 0.2  # between attempts to open a port that went with its device's power
CUT_MS = 3000


class Line(Protocol):
    """What the checks need of a line."""

    has_power: bool  # whether `cut_power` can do anything

    def now_ms(self) -> int:
        """A clock that never goes back."""

    def utc_ms(self) -> int:
        """The time of day that the kit offers to a device."""

    def send(self, data: bytes) -> None:
        """Bytes to the device."""

    def receive(self, wait_ms: int) -> bytes:
        """What has come; empty where nothing came in `wait_ms`."""

    def cut_power(self) -> None:
        """Take the device's power away and give it back."""


class PortLine:
    """A serial port by name or URL. power: a command that takes the device's power away and gives it back."""

    def __init__(self, port: str, power: str | None = None) -> None:
        self.name = port
        self.power = power
        self.has_power = power is not None
        self.port: serial.SerialBase = self.open()

    def open(self) -> serial.SerialBase:
        """The port, to ourselves. Raises OSError, ValueError."""
        return serial.serial_for_url(self.name, BAUD, timeout=0, write_timeout=2, exclusive=True)

    def now_ms(self) -> int:
        return int(monotonic() * 1000)

    def utc_ms(self) -> int:
        return int(time() * 1000)

    def send(self, data: bytes) -> None:
        try:
            self.port.write(data)
        except OSError:  # the device has no power: what is asked of it then is asked again
            self.come_back(self.now_ms())

    def receive(self, wait_ms: int) -> bytes:
        end_ms = self.now_ms() + wait_ms
        while True:
            left_ms = end_ms - self.now_ms()
            try:
                self.port.timeout = max(0, left_ms) / 1000
                found: bytes = self.port.read(1)
                if found:
                    self.port.timeout = 0
                    found += self.port.read(CHUNK)
                if found or left_ms <= 0:
                    return found
            except OSError:
                self.come_back(end_ms)
                if self.now_ms() >= end_ms:
                    return b""

    def come_back(self, end_ms: int) -> None:
        """A port that is gone with its device's power is opened again, under its name, when it is back."""
        self.port.close()
        while self.now_ms() < end_ms:
            sleep(AGAIN_S)
            if Path(self.name).exists():
                try:
                    self.port = self.open()
                    return
                except OSError:
                    continue

    def cut_power(self) -> None:
        subprocess.run(shlex.split(self.power or ""), check=True, timeout=120)

    def close(self) -> None:
        """Let go of the port."""
        self.port.close()


class SimulatedLine:
    """A device in this process; time jumps to whatever comes next."""

    has_power = True

    def __init__(self, device: DispenserDevice, now_ms: int, utc_ms: int) -> None:
        self.device = device
        self.ms = now_ms
        self.utc_offset_ms = utc_ms - now_ms
        self.waiting = b""

    def now_ms(self) -> int:
        return self.ms

    def utc_ms(self) -> int:
        return self.ms + self.utc_offset_ms

    def send(self, data: bytes) -> None:
        self.waiting += self.device.received(data, self.ms)

    def receive(self, wait_ms: int) -> bytes:
        end_ms = self.ms + wait_ms
        while not self.waiting and self.ms < end_ms:
            self.ms = min(end_ms, max(self.ms + 1, self.device.next_due_ms()))
            self.waiting += self.device.due(self.ms)
        found, self.waiting = self.waiting, b""
        return found

    def cut_power(self) -> None:
        self.waiting = b""
        self.device.power_cut(self.ms, CUT_MS)
        self.ms += CUT_MS
