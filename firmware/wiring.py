"""The composition root of the firmware: its only module that names a backend.

Until the backends of a board exist (`hal/esp32`), the machine it wires is the simulated one, which is portable: the
interpreter, the core, the hub and what is frozen are those of the board, radio, lines, flash and network are not.
"""

from gateway.hub.app import Machine
from hal.sim.central import SimCentral
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.indicator import SimIndicator
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.sim.network import SimNetwork
from hal.sim.peripheral import SimPeripheral
from hal.sim.scanner import SimScanner
from hal.sim.serial_ports import SimSerialPorts
from hal.sim.uplink import SimBroker, SimUplink
from hal.sim.watchdog import SimWatchdog
from hal.sim.world import World

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
