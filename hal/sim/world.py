"""The home around a simulated gateway: what is on the air, on the serial lines, and whether the radio is there.

This is the back door (`Bench`) that tests and demonstrations hold; the hub sees only `hal.sim.scanner`, `central`
and `serial_ports`, which look into the same world. Nothing here sleeps or draws random numbers: what happens is
what the holder of the world calls, in the order of the calls, at the time of the given clock.

    world = World(clock)
    oximeter = SimPeripheral("AA:BB:CC:00:00:01", {"2a5f": b"", "2a60": bytes(2)}, secure=True)
    world.add_peripheral(oximeter)
    line = world.serial_line("dispenser")
    hub = wire(SimScanner(world), SimCentral(world), SimSerialPorts(world))

    world.advertise("AA:BB:CC:00:00:02", {"fcd2": bytes.fromhex("40 00 01 2d 01")})
    oximeter.notify("2a5f", bytes.fromhex("00 61 00 48 00"))
    line.send(b"...")
    world.drop("AA:BB:CC:00:00:01")
    line.pull()
"""

from hal.sim.line import SerialLine
from hal.types import Advertisement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hal.interfaces import Clock
    from hal.sim.peripheral import SimPeripheral
    from hal.sim.scanner import SimScanner


class World:
    """One home. Addresses are upper-case with colons, UUIDs in the short form of `hal.types`."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.adapter_present = True
        self._scanners: list[SimScanner] = []
        self._peripherals: dict[str, SimPeripheral] = {}
        self._lines: dict[str, SerialLine] = {}
        self._waiting: list[Callable[[], None]] = []

    def advertise(
        self,
        address: str,
        service_data: "dict[str, bytes] | None" = None,
        *,
        rssi_dbm: int = -60,
        service_uuids: "tuple[str, ...]" = (),
        manufacturer_data: "dict[int, bytes] | None" = None,
        name: "str | None" = None,
        scan_response_name: "str | None" = None,
    ) -> int:
        """Put one packet on the air; `scan_response_name` is heard only by active scanners. Returns how many heard."""
        heard = 0
        for scanner in list(self._scanners):
            shown = scan_response_name if scanner.active and scan_response_name is not None else name
            scanner.hear(
                Advertisement(
                    address,
                    rssi_dbm,
                    self.clock.uptime_ms(),
                    dict(service_data or {}),
                    service_uuids,
                    dict(manufacturer_data or {}),
                    shown,
                )
            )
            heard += 1
        return heard

    def add_peripheral(self, peripheral: "SimPeripheral") -> "SimPeripheral":
        """Place a connectable peripheral in the home."""
        self._peripherals[peripheral.address] = peripheral
        peripheral.placed(self)
        self.wake()
        return peripheral

    def peripheral(self, address: str) -> "SimPeripheral | None":
        """The peripheral at `address`, in range or not."""
        return self._peripherals.get(address)

    def peripherals(self) -> "list[SimPeripheral]":
        """All of them, in range or not, in order of address."""
        return [self._peripherals[address] for address in sorted(self._peripherals)]

    def drop(self, address: str) -> None:
        """Lose the link to `address` by supervision time-out; the peripheral stays in range."""
        self._peripherals[address].drop_link("supervision time-out")

    def serial_line(self, name: str) -> SerialLine:
        """The far end of the line that the hub opens under `name`; made on first use, plugged in."""
        if name not in self._lines:
            self._lines[name] = SerialLine(name)
        return self._lines[name]

    def find_line(self, name: str) -> "SerialLine | None":
        """The line of that name, where one was made."""
        return self._lines.get(name)

    def lose_adapter(self) -> None:
        """Pull the radio: scans end, connections drop, and nothing can be started until it is back."""
        self.adapter_present = False
        for scanner in list(self._scanners):
            scanner.lose()
        for address in sorted(self._peripherals):
            self._peripherals[address].drop_link("the adapter went away")
        self.wake()

    def restore_adapter(self) -> None:
        """Put the radio back."""
        self.adapter_present = True

    def scanner_started(self, scanner: "SimScanner") -> None:
        """Front side: `scanner` listens from now on."""
        if scanner not in self._scanners:
            self._scanners.append(scanner)

    def scanner_stopped(self, scanner: "SimScanner") -> None:
        """Front side: `scanner` listens no longer."""
        if scanner in self._scanners:
            self._scanners.remove(scanner)

    def on_change(self, wake: "Callable[[], None]") -> None:
        """Front side: call `wake` once when a peripheral may have become reachable, or the adapter has gone; one that waits already waits on."""
        if wake not in self._waiting:
            self._waiting.append(wake)

    def off_change(self, wake: "Callable[[], None]") -> None:
        """Front side: `wake` is not wanted any more."""
        if wake in self._waiting:
            self._waiting.remove(wake)

    def wake(self) -> None:
        """Front side: something has changed for whoever waits to connect."""
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()
