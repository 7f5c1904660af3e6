"""Machines with a clock, keys, ways out of the house, a lamp and a watchdog; each with its back door."""

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Protocol

from hal.esp32.clock import BoardClock
from hal.esp32.crypto import Esp32Crypto
from hal.esp32.indicator import BoardIndicator
from hal.esp32.keystore import NvsKeyStore
from hal.esp32.nvs import Nvs
from hal.esp32.signing import Signing
from hal.interfaces import Clock, Crypto, Indicator, KeyStore, Network, Watchdog
from hal.linux.clock import SystemClock
from hal.linux.crypto import NativeCrypto
from hal.linux.indicator import StateFileIndicator
from hal.linux.keystore import FileKeyStore
from hal.linux.network import SysfsNetwork
from hal.linux.watchdog import SystemdWatchdog
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.indicator import SimIndicator
from hal.sim.keystore import SimKeyStore
from hal.sim.network import SimNetwork
from hal.sim.nvs import SimNvs
from hal.sim.pins import SimPin
from hal.sim.watchdog import SimWatchdog

NS_PER_MS = 1_000_000
ARPHRD = {"ethernet": "1", "wifi": "1", "cellular": "519", "other": "65534"}  # if_arp.h


# --- clock ---------------------------------------------------------------------------------------------------------


class ClockHost(Protocol):
    """A machine that was just switched on and does not know the time."""

    clock: Clock

    async def elapse(self, duration_ms: int) -> None:
        """Let a few milliseconds go by."""
        ...

    def learn(self, utc_ms: int) -> None:
        """The time of day becomes known."""
        ...

    def forget(self) -> None:
        """The time of day is no longer to be believed."""
        ...


class LinuxClockHost:
    """The real clocks, with a time of day and a synchronisation of our own making."""

    def __init__(self) -> None:
        self._synchronised = False
        self._wall_at_zero_ns = 0  # 1970, as after a start without a battery
        self.clock = SystemClock(
            is_synchronised=lambda: self._synchronised, wall_ns=self._wall_ns, look_again_ms=0
        )

    def _wall_ns(self) -> int:
        return self._wall_at_zero_ns + time.monotonic_ns()

    async def elapse(self, duration_ms: int) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        loop.call_later(duration_ms / 1000 + 0.001, over.set_result, None)  # real time is what is tested here
        await over

    def learn(self, utc_ms: int) -> None:
        self._wall_at_zero_ns = utc_ms * NS_PER_MS - time.monotonic_ns()
        self._synchronised = True

    def forget(self) -> None:
        self._wall_at_zero_ns, self._synchronised = 0, False


class BoardClockHost:
    """A board's clock over the ticks of this machine; a time server is whoever says `learn`."""

    def __init__(self) -> None:
        self._clock = BoardClock(
            lambda: time.monotonic_ns() // NS_PER_MS & (1 << 30) - 1,
            lambda later, earlier: (later - earlier) & (1 << 30) - 1,
        )
        self.clock: Clock = self._clock

    async def elapse(self, duration_ms: int) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        loop.call_later(duration_ms / 1000 + 0.001, over.set_result, None)
        await over

    def learn(self, utc_ms: int) -> None:
        self._clock.learn(utc_ms)

    def forget(self) -> None:
        self._clock.untrust()


class SimClockHost:
    """The simulation's clock, which moves when it is told."""

    def __init__(self) -> None:
        self.clock = SimClock()

    async def elapse(self, duration_ms: int) -> None:
        await self.clock.advance(duration_ms)

    def learn(self, utc_ms: int) -> None:
        self.clock.set_utc(utc_ms)

    def forget(self) -> None:
        self.clock.untrust()


# --- key store and primitives --------------------------------------------------------------------------------------


class ImportingKeyStore(KeyStore, Protocol):
    """A key store as the technician's kit has it: keys can be imported."""

    def add_key(self, key_ref: str, key: bytes) -> None:
        """Store a symmetric key. Raises ValueError."""
        ...


class KeyHost(Protocol):
    """A machine with one identity, which stays the same each time its keys are opened."""

    def open(self) -> tuple[ImportingKeyStore, Crypto]:
        """The key store and the primitives over it."""
        ...


class LinuxKeyHost:
    """Keys in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "keys"

    def open(self) -> tuple[ImportingKeyStore, Crypto]:
        keystore = FileKeyStore(self._folder)
        return keystore, NativeCrypto(keystore)


class BoardKeyHost:
    """A board's key store in its own storage, and primitives over it."""

    def __init__(self, folder: Path) -> None:
        self._chip: dict[str, bytes] = {}

    def open(self) -> tuple[ImportingKeyStore, Crypto]:
        async def start() -> tuple[ImportingKeyStore, Crypto]:
            signing = Signing(os.urandom)
            await signing.start()
            keystore = await NvsKeyStore.open(Nvs(SimNvs(self._chip)), signing, os.urandom)
            return keystore, Esp32Crypto(keystore, signing)

        return asyncio.run(start())


class SimKeyHost:
    """Keys in memory; the identity follows from the folder's name, imported keys are kept here."""

    def __init__(self, folder: Path) -> None:
        self._seed = str(folder).encode()[-32:].rjust(32)
        self._opened: SimKeyStore | None = None

    def open(self) -> tuple[ImportingKeyStore, Crypto]:
        self._opened = self._opened or SimKeyStore(self._seed)
        return self._opened, SimCrypto(self._opened)


# --- network -------------------------------------------------------------------------------------------------------


class NetworkHost(Protocol):
    """A machine without any way out, until one is plugged in."""

    network: Network

    def plug(self, name: str, kind: str, up: bool) -> None:
        """A path appears."""
        ...


class LinuxNetworkHost:
    """A folder made as the kernel makes /sys/class/net."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.network = SysfsNetwork(folder)
        self._write("lo", "772", "unknown")

    def _write(self, name: str, kind: str, state: str) -> None:
        (self._folder / name).mkdir()
        (self._folder / name / "type").write_text(kind + "\n")
        (self._folder / name / "operstate").write_text(state + "\n")

    def plug(self, name: str, kind: str, up: bool) -> None:
        self._write(name, ARPHRD[kind], "up" if up else "down")
        if kind == "wifi":
            (self._folder / name / "phy80211").mkdir()


class SimNetworkHost:
    """The simulation's paths."""

    def __init__(self, folder: Path) -> None:
        self.network = SimNetwork([])

    def plug(self, name: str, kind: str, up: bool) -> None:
        self.network.add(name, kind, up)


# --- indicator -----------------------------------------------------------------------------------------------------


class IndicatorHost(Protocol):
    """A machine with a lamp that somebody looks at."""

    indicator: Indicator

    def seen(self) -> str:
        """The state that whoever looks sees."""
        ...

    def smash(self) -> None:
        """The lamp is no longer there."""
        ...


class FileIndicatorHost:
    """A file, and a folder made as the kernel makes those of /sys/class/leds."""

    def __init__(self, folder: Path) -> None:
        self._file, self.led = folder / "run" / "indicator", folder / "led"
        self._file.parent.mkdir()
        self.led.mkdir()
        self.indicator = StateFileIndicator(self._file, self.led)

    def seen(self) -> str:
        return self._file.read_text().strip()

    def smash(self) -> None:
        for file in (*self.led.iterdir(), self._file):
            file.unlink(missing_ok=True)
        self.led.rmdir()
        self._file.parent.rmdir()


class BoardIndicatorHost:
    """A lamp on a pin; what is seen is the state whose rhythm it is lit in (tests/esp32/test_board_pins.py)."""

    def __init__(self, folder: Path) -> None:
        self._pin = SimPin()
        self.indicator = self._lamp = BoardIndicator(self._pin, SimClock())

    def seen(self) -> str:
        return self._lamp.state

    def smash(self) -> None:
        self._pin.failing = True


class SimIndicatorHost:
    """The simulation's lamp, which cannot break."""

    def __init__(self, folder: Path) -> None:
        self.indicator = SimIndicator()

    def seen(self) -> str:
        return self.indicator.state

    def smash(self) -> None:
        pass


# --- watchdog ------------------------------------------------------------------------------------------------------


class WatchdogHost(Protocol):
    """A machine that somebody watches."""

    watchdog: Watchdog

    def feedings(self) -> int:
        """How often it was fed since this was last asked."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


class SystemdWatchdogHost:
    """A socket as systemd's, named in the environment; `abstract` is the other kind of name it may have."""

    def __init__(self, folder: Path, abstract: bool = False) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        name = f"\0trygg-test-{os.getpid()}-{folder.name}" if abstract else str(folder / "notify")
        self._socket.bind(name)
        self._before = {
            key: os.environ.pop(key, None) for key in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        }
        os.environ["NOTIFY_SOCKET"] = name.replace("\0", "@")
        os.environ["WATCHDOG_USEC"] = "30000000"
        self.watchdog = SystemdWatchdog()

    def feedings(self) -> int:
        count = 0
        while True:
            try:
                message = self._socket.recv(4096)
            except BlockingIOError:
                return count
            assert message == b"WATCHDOG=1"
            count += 1

    def close(self) -> None:
        self._socket.close()
        for key, value in self._before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


class SimWatchdogHost:
    """The simulation's watchdog."""

    def __init__(self, folder: Path) -> None:
        self.watchdog = SimWatchdog(SimClock())
        self._seen = 0

    def feedings(self) -> int:
        new, self._seen = self.watchdog.fed - self._seen, self.watchdog.fed
        return new

    def close(self) -> None:
        pass
