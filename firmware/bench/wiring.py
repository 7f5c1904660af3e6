"""Boards that are none, for the bench and its tests: what of a home and of a machine is simulated, put together.

`Simulated` is a board in simulated time. `Process` is one in real time on the unix interpreter: journal, clock, keys,
signatures and broker connection are those of a board; radio, lines, lamp and watchdog are simulated. A board itself
(`firmware/wiring.py`) loads nothing of this: its memory is too small for it.
"""

import gc
import os
import time

from firmware import settings
from gateway.core.outbox import SMALL_BUNDLE_BYTES
from gateway.hub.app import Machine
from hal.esp32.clock import BoardClock
from hal.esp32.crypto import Esp32Crypto
from hal.esp32.flash_journal import FlashJournal
from hal.esp32.keystore import NvsKeyStore
from hal.esp32.mqtt import MqttUplink
from hal.esp32.nvs import Nvs
from hal.esp32.signing import Signing
from hal.esp32.tcp import Credentials
from hal.sim.central import SimCentral
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.flash_file import FlashFile
from hal.sim.indicator import SimIndicator
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.sim.network import SimNetwork
from hal.sim.nvs import FileNvs
from hal.sim.peripheral import SimPeripheral
from hal.sim.scanner import SimScanner
from hal.sim.serial_ports import SimSerialPorts
from hal.sim.uplink import SimBroker, SimUplink
from hal.sim.watchdog import SimWatchdog
from hal.sim.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.config import Config

CHECK_GAP_MS = 2_000  # as on a board
SEED = b"s" * 32  # of a simulation, never of a real home


class Simulated:
    """A board and the home around it, with every back door open.

    `machine` switches it on; switched on again after `cut`, it has its flash, its keys and its bonds, and no more.
    """

    def __init__(self, gateway_id: str, utc_ms: "int | None") -> None:
        self.gateway_id = gateway_id
        self.clock = SimClock(utc_ms=utc_ms)
        self.world = World(self.clock)
        self.broker = SimBroker()
        self.medium = SimMedium()
        self.keystore = SimKeyStore(SEED)
        self.bonds: "dict[str, tuple[int, int]]" = {}
        self.indicator = SimIndicator()

    def machine(self) -> Machine:
        """The board, freshly started."""
        self.journal = SimJournal(self.medium)
        return Machine(
            self.clock,
            self.journal,
            self.keystore,
            SimCrypto(self.keystore),
            [SimUplink(self.broker, self.gateway_id)],
            SimNetwork(),
            self.indicator,
            SimWatchdog(self.clock),
            SimScanner(self.world),
            SimCentral(self.world, self.bonds),
            SimSerialPorts(self.world),
        )

    def peripheral(self, address: str, served: "dict[str, bytes]") -> SimPeripheral:
        """Place a peripheral in the home that wants a bond before it is read."""
        return self.world.add_peripheral(SimPeripheral(address, served, secure=True))

    def cut(self) -> None:
        """The power goes."""
        self.medium.cut()


class Process:
    """A board that is a process of the unix interpreter, and the home around it.

    `folder` is its flash: what `firmware.settings` reads, `nvs.json`, and `journal.flash`. It outlives the process, killed
    or not.
    """

    SECTORS = 128  # 512 KiB, as firmware/partitions.csv gives the journal

    def __init__(self, folder: str, config: "Config") -> None:
        ticks: "Any" = time.ticks_ms  # the stubs have a type of their own for it
        self.clock = BoardClock(ticks, time.ticks_diff)
        self.clock.learn(time.time_ns() // 1_000_000)  # the machine's own clock stands for the time server
        self.world = World(self.clock)
        self.bonds: "dict[str, tuple[int, int]]" = {}
        self._config = config
        self._folder = folder

    async def machine(self) -> Machine:
        """The board, freshly started. Raises UnavailableError, CorruptDataError: the flash failed."""
        clock, config = self.clock, self._config
        signing = Signing(os.urandom)
        await signing.start()
        keystore = await NvsKeyStore.open(Nvs(FileNvs(self._folder + "/nvs.json")), signing, os.urandom)
        gc.threshold(4096)  # the journal's start counts on it
        device = FlashFile(self._folder + "/journal.flash", self.SECTORS)
        uplinks = [
            MqttUplink(
                broker,
                client_id=config.hub.id,
                clock=clock,
                credentials=lambda: Credentials(*settings.credentials(self._folder)),
                is_dated=lambda: clock.is_dated,
            )
            for broker in config.uplink.brokers
        ]
        return Machine(
            clock,
            await FlashJournal.open(device),
            keystore,
            Esp32Crypto(keystore, signing),
            uplinks,  # type: ignore[arg-type]
            SimNetwork(),
            SimIndicator(),
            SimWatchdog(clock),
            SimScanner(self.world),
            SimCentral(self.world, self.bonds),
            SimSerialPorts(self.world),
            most_bundle_bytes=SMALL_BUNDLE_BYTES,
            check_gap_ms=CHECK_GAP_MS,
        )
