"""The composition root of the firmware: the only module of a board that names a backend.

`Board` is a board: everything is its own, over the drivers that `firmware/natives.py` gives, or a test. What stands in for one
on the bench is in `firmware/bench/wiring.py`, which a board never loads.
"""

import gc
import os
import sys
import time

from firmware import settings
from firmware.hands import Hands
from firmware.patience import COUNT, Patience
from firmware.published import Folder
from firmware.told import Told
from gateway.core.outbox import SMALL_BUNDLE_BYTES
from gateway.hub.app import Machine
from hal.errors import HalError
from hal.esp32.ble_bonds import BondStore
from hal.esp32.ble_central import BoardCentral
from hal.esp32.ble_radio import BoardRadio
from hal.esp32.ble_scanner import BoardScanner
from hal.esp32.button import BoardButton
from hal.esp32.clock import BoardClock, LastTime
from hal.esp32.crypto import Esp32Crypto
from hal.esp32.flash_journal import FlashJournal
from hal.esp32.indicator import BoardIndicator
from hal.esp32.keystore import NvsKeyStore
from hal.esp32.mqtt import MqttUplink
from hal.esp32.nvs import Nvs, NvsNumber
from hal.esp32.power import BoardPower
from hal.esp32.signing import Signing
from hal.esp32.start import confirm
from hal.esp32.tcp import Credentials
from hal.esp32.time_server import TimeServer
from hal.esp32.uart import BoardSerialPorts, Line
from hal.esp32.udp import Udp
from hal.esp32.watchdog import BoardWatchdog
from hal.esp32.wifi import WifiNetwork
from hal.sim.indicator import SimIndicator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from firmware.profiles import Profile
    from firmware.window import Window
    from gateway.core.config import Config
    from gateway.hub.app import App
    from gateway.hub.recorder import Log
    from hal.esp32.tls_key import TlsKey
    from hal.interfaces import Uplink

CHECK_GAP_MS = 2_000  # a signature check takes a board much of a second (docs/adr/0030)
WINDOW_MODULES = (  # loaded for a Wi-Fi window alone
    "firmware.window",
    "gateway.hub.improv_air",
    "gateway.hub.improv_line",
    "gateway.hub.improv",
    "gateway.core.improv",
    "hal.esp32.console",
    "hal.esp32.gatt_server",
    "hal.esp32.wifi_join",
)
RESERVE_BYTES = 4_096  # let go where memory runs short (docs/adr/0044)


def told_by(natives: "Any") -> Told:
    """What a board was told before its first start."""
    return Told(Nvs(natives.nvs(Board.NAMESPACE)))


def patience_of(natives: "Any") -> Patience:
    """How long it waits before a start anew."""
    return Patience(
        NvsNumber(Nvs(natives.nvs(Board.NAMESPACE)), COUNT), BoardWatchdog(natives.watchdog()).feed
    )


class Board:
    """A board, over the drivers that it has. `folder` is what `firmware.settings` reads.

    `await machine()` opens everything; `start(app)` begins the parts that a board has beside the hub's.
    """

    NAMESPACE = "trygg"

    def __init__(self, natives: "Any", profile: "Profile", folder: str, config: "Config") -> None:
        self._natives = natives
        self._profile = profile
        self._folder = folder
        self._config = config
        self._nvs = Nvs(natives.nvs(self.NAMESPACE))
        self._kept = LastTime(NvsNumber(self._nvs, "last_time"))
        self.clock = self.make_clock()
        self.network = WifiNetwork(natives.wlan(), self.clock)
        self.watchdog = BoardWatchdog(natives.watchdog())
        self.radio: "BoardRadio | None" = None
        self.lamp: "BoardIndicator | None" = None

    async def machine(self) -> Machine:
        """Freshly started. Raises UnavailableError, CorruptDataError: the flash failed, or there is no partition for the journal.

        The watchdog comes first: a start that hangs is a start anew. It is fed before and after what takes long.
        """
        self.watchdog.feed()
        signing, keystore = await self.keys()
        gc.threshold(self._profile.threshold)  # the journal's start counts on it
        journal = await self.journal()
        self.watchdog.feed()
        scanner, central = self.air()
        return Machine(
            self.clock,
            journal,
            keystore,
            Esp32Crypto(keystore, signing),
            self.uplinks(),
            self.network,
            self.light(),
            self.watchdog,
            scanner,
            central,
            self.ports(),
            most_bundle_bytes=SMALL_BUNDLE_BYTES,
            check_gap_ms=CHECK_GAP_MS,
            reserve_bytes=RESERVE_BYTES,
        )

    async def keys(self) -> "tuple[Signing, NvsKeyStore]":
        """The signer and the keys, an identity among them, made where there is none. Raises UnavailableError, CorruptDataError."""
        signing = Signing(os.urandom)
        await signing.start()
        self.watchdog.feed()
        return signing, await NvsKeyStore.open(self._nvs, signing, os.urandom)

    async def journal(self) -> FlashJournal:
        """The journal of its flash, as a start finds it. Raises UnavailableError, CorruptDataError, DeniedError: it is open."""
        return await FlashJournal.open(self._natives.partition("journal"))

    def make_clock(self) -> "Any":
        """The board's clock, which believes nothing before what it believed last."""
        ticks: "Any" = time.ticks_ms
        floor_ms, set_wall = self._kept.utc_ms, self._natives.set_wall
        return BoardClock(ticks, time.ticks_diff, floor_ms=floor_ms, set_wall=set_wall)

    def uplinks(self) -> "list[Uplink]":
        """One for each broker that is configured."""
        clock, config = self.clock, self._config
        return [
            MqttUplink(  # type: ignore[misc]
                broker,
                client_id=config.hub.id,
                clock=clock,
                credentials=lambda: Credentials(*settings.credentials(self._folder)),
                is_dated=lambda: clock.is_dated,
            )
            for broker in config.uplink.brokers
        ]

    def access(self) -> "tuple[str, str]":
        """Name and password of the network that it was given last; two empty texts where none was. Raises ConfigError."""
        return settings.wifi(self._folder) or Told(self._nvs).wifi() or ("", "")

    def keep_access(self, name: str, password: str) -> None:
        """Another network, for every start from now on. Raises OSError; what was told when it was flashed is not kept beside it."""
        Folder(self._folder).write("wifi.cbor", settings.packed_wifi(name, password))
        try:
            Told(self._nvs).forget_wifi()
        except HalError:
            pass  # it stands behind what was just written, and is not used

    def tls_key(self) -> "TlsKey":
        """What makes the key of a board that enrols."""
        from hal.esp32.tls_key import TlsKey

        return TlsKey(os.urandom)

    async def post(self, host: str, port: int, path: str, body: bytes, ca: bytes) -> "tuple[int, bytes]":
        """Status and body of what an HTTPS server answers. Raises HalError."""
        from hal.esp32.https import post

        return await post(host, port, path, body, ca)

    def window(self, log: "Log", identify: "Callable[[], None]") -> "Window":
        """A Wi-Fi window; its modules are loaded for it, and `drop_window` lets go of them."""
        from firmware.window import Window
        from hal.esp32.console import ConsolePort
        from hal.esp32.gatt_server import BoardGattServer
        from hal.esp32.wifi_join import BoardWifi

        natives, radio = self._natives, self.radio
        peripheral = BoardGattServer(radio, natives.uuid) if radio is not None else None

        def port() -> ConsolePort:
            return ConsolePort(natives.console())

        wifi = BoardWifi(self.network, self.keep_access)
        return Window(
            wifi, self.clock, peripheral, port, self._profile.name, self._config.hub.id, log, identify
        )

    def drop_window(self) -> None:
        """Take out of memory what only a Wi-Fi window needs."""
        for name in WINDOW_MODULES:
            sys.modules.pop(name, None)
            parent, _, last = name.rpartition(".")
            if hasattr(sys.modules[parent], last):
                delattr(sys.modules[parent], last)
        gc.collect()

    def air(self) -> "tuple[BoardScanner | None, BoardCentral | None]":
        """Scanner and central, where the board's memory is enough for Bluetooth beside Wi-Fi and TLS."""
        if not self._profile.has_radio:
            return None, None
        bonds = BondStore(self._nvs)
        bonds.load()
        radio = BoardRadio(self._natives.bluetooth(), self.clock, bonds, self._natives.flag())
        self.radio = radio
        return BoardScanner(radio, self._profile.advertisements), BoardCentral(radio)

    def light(self) -> "BoardIndicator | SimIndicator":
        """The lamp; where there is none, nothing that is lit."""
        if self._profile.lamp is None:
            return SimIndicator()
        self.lamp = BoardIndicator(self._natives.output(self._profile.lamp), self.clock)
        return self.lamp

    def ports(self) -> BoardSerialPorts:
        """Its UARTs, by the names of the profile."""
        natives = self._natives
        lines = {}
        for name, (number, transmit, receive, sense) in self._profile.uarts.items():
            pin = None if sense is None else natives.input(sense)

            def make(
                number: int = number, transmit: int = transmit, receive: int = receive, **how: "Any"
            ) -> "Any":
                return natives.uart(number, transmit, receive, **how)

            def plugged(pin: "Any" = pin) -> bool:
                return not pin.value()

            line = Line(make, None if pin is None else plugged, natives.received)
            lines[name] = line
            if pin is not None:
                pin.irq(lambda _, line=line: line.changed())
        return BoardSerialPorts(lines, self.clock, natives.flag)

    def patience(self) -> Patience:
        """The count of lives that did not end as told."""
        return patience_of(self._natives)

    def confirm(self) -> bool:
        """Keep the image that runs. Raises OSError: the bootloader's data could not be written."""
        return confirm(self._natives.running())

    def time_server(self, is_online: "Callable[[], bool]") -> TimeServer:
        """Who asks what time it is."""
        return TimeServer(self.clock, Udp(self.clock).exchange, os.urandom, self._kept, is_online=is_online)

    def button(self) -> "BoardButton | None":
        """The board's one button."""
        if self._profile.button is None:
            return None
        return BoardButton(self._natives.input(self._profile.button), self.clock, self._natives.flag())

    def start(self, app: "App") -> None:
        """Begin what a board has beside the hub's parts; each is restarted where it fails, as those are."""
        natives, profile = self._natives, self._profile
        hands = Hands(app, lambda identify: self.window(app.log, identify), self.drop_window)
        if self.lamp is not None:
            app.parts.start("lamp", self.lamp.run, sends=True)
        access = self.access()
        app.parts.start("wifi", lambda: self.network.keep(*access), sends=True)
        server = self.time_server(lambda: app.delivery.uplink.connected)
        app.parts.start("time", server.run, sends=True)
        button = self.button()
        if button is not None:
            app.parts.start("button", lambda: hands.watch_button(button))
        mains = None if profile.mains is None else natives.input(profile.mains)
        battery = None if profile.battery is None else natives.adc(profile.battery)
        if mains is not None or battery is not None:
            power = BoardPower(mains, battery)
            app.parts.start("power", lambda: hands.watch_power(power))
