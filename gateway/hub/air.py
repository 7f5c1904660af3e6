"""Bluetooth LE: one loop that listens, and one for each device the hub connects to."""

import asyncio

from gateway.core.devices.driver import Step
from gateway.core.pairing import WINDOW_MS
from gateway.core.session import Backoff
from gateway.core.supervision import INTERVALS
from gateway.hub.hearing import Hearing
from gateway.hub.waking import ended, stop
from hal.errors import DeniedError, HalError, LinkLostError, PairingError, TimedOutError
from hal.types import BOND_NONE, EVERYBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import AdvertisingDriver, GattDriver, Reading
    from gateway.hub.devices import Device
    from gateway.hub.intake import Intake
    from hal.interfaces import BleCentral, BleConnection, BleScanner, Clock
    from hal.types import Advertisement

RESTART_SCAN_MS = 2_000
QUIET_SCAN_MS = (
    90_000  # a scan that hears nothing at all for so long may hang without an error: it begins anew
)
CONNECT_TIMEOUT_MS = 20_000


class Listener:
    """Hears advertisements, gives them to their drivers, and tells who is near."""

    def __init__(
        self, scanner: "BleScanner", devices: "list[Device]", intake: "Intake", clock: "Clock"
    ) -> None:
        self.scanner = scanner
        self.intake = intake
        self.clock = clock
        self.began_ms = 0
        self.held: "Advertisement | None" = None  # the one that is being taken
        self.quiet = False  # the scan was stopped because it heard nothing
        self.offering = ""  # service of the strangers who are heard, too, and asked for their names: while one is looked for
        self.turning = False  # the scan was stopped to be the other sort
        self.pairing: "Callable[[Advertisement], None] | None" = None  # who looks for a device to pair
        self.hearers: "list[Callable[[Advertisement], None]]" = []  # who looks around
        self.around = False  # whether anybody at all is heard
        self.by_address = {d.config.address: d for d in devices if d.config.address}
        self.broadcasting = {d.config.address: d for d in devices if d.driver.transport == "ble-adv"}
        self.connectable = {
            d.config.address: asyncio.Event() for d in devices if d.driver.transport == "ble-gatt"
        }

    async def run(self) -> None:
        """Listen for ever; an adapter that goes away is started again and reported once."""
        while True:
            try:
                self.turning = False
                offering = EVERYBODY if self.around else self.offering
                await self.scanner.start(active=bool(offering), known=self.by_address, offering=offering)
                await self.intake.recorder.condition("adapter.lost", "adapter.restored", False)
                await self.listen()
            except HalError as error:
                if self.turning:
                    continue
                if self.quiet:
                    self.quiet = False
                    self.intake.log("debug", "The radio heard nothing; listening anew.")
                    continue
                self.intake.log("warning", "The radio does not listen; trying again.", cause=str(error))
                await self.scanner.stop()
                values: "dict[str, object]" = {"reason": error.message}
                await self.intake.recorder.condition("adapter.lost", "adapter.restored", True, values)
                await self.clock.sleep_ms(RESTART_SCAN_MS)

    async def look(self, offering: str) -> None:
        """Hear strangers who offer this service from now on, and ask them for names; with "" nobody but the home's own."""
        if offering != self.offering:
            self.offering, self.turning = offering, True
            await self.scanner.stop()

    async def listen_around(self, around: bool) -> None:
        """Hear anybody at all from now on, or no more; whoever is looked for to be paired is heard in any case."""
        if around != self.around:
            self.around, self.turning = around, True
            await self.scanner.stop()

    async def listen(self) -> None:
        """Take what is heard until the scan ends. Raises HalError then."""
        self.began_ms = self.clock.uptime_ms()
        watch = asyncio.create_task(self.watch())
        try:
            while True:
                self.held = await self.scanner.receive()
                await self.take(self.held)
                self.held = None
        finally:
            if not self.quiet:
                watch.cancel()
            await ended(watch)  # a scan that is being stopped is stopped to the end

    async def watch(self) -> None:
        """Stop a scan that hears nothing."""
        while not self.quiet:
            silent_ms = self.clock.uptime_ms() - max(self.began_ms, self.scanner.heard_ms or 0)
            self.quiet = silent_ms >= QUIET_SCAN_MS
            if not self.quiet:
                await self.clock.sleep_ms(QUIET_SCAN_MS - silent_ms)
        await self.scanner.stop()

    async def take(self, advertisement: "Advertisement") -> None:
        """Hear one. It stays in hand where memory is short for it, and not where a fault of ours struck."""
        try:
            await self.hear(advertisement)
        except MemoryError:
            raise
        except Exception:
            self.held = None
            raise

    async def hear(self, advertisement: "Advertisement") -> None:
        """Take one advertisement. What finds no room in the store waits beside this loop: an alarm may come next."""
        if self.pairing is not None:
            self.pairing(advertisement)
        for hear in self.hearers:
            hear(advertisement)
        near = self.connectable.get(advertisement.address)
        if near is not None:
            near.set()
        device = self.broadcasting.get(advertisement.address)
        if device is not None:
            driver: "AdvertisingDriver" = device.driver  # type: ignore[assignment]
            reading = driver.advertised(advertisement)
            received_ms = advertisement.received_ms
            await self.intake.take(device, reading, received_ms, wait=False, frame=advertisement)
        device = self.by_address.get(advertisement.address)
        if device is not None:
            await self.intake.received(device, advertisement.rssi_dbm, advertisement.received_ms)


class Visitor:
    """Keeps one peripheral connected: its driver says what to read and subscribe, its notifications come in."""

    def __init__(
        self,
        device: "Device",
        central: "BleCentral",
        near: asyncio.Event,
        intake: "Intake",
        clock: "Clock",
        random16: "Callable[[], int]",
        bonded: "Callable[[], None]",
    ) -> None:
        self.device = device
        self.driver: "GattDriver" = device.driver  # type: ignore[assignment]
        self.central = central
        self.near = near
        self.intake = intake
        self.clock = clock
        self.backoff = Backoff(random16, first_ms=500, ceiling_ms=30_000)
        self.bonded = bonded
        self.looked = False  # whether the bond that is stored was asked for; later changes are told
        self.new_until_ms = clock.uptime_ms() + WINDOW_MS  # who puts it in place has so long to pair it
        self.connection: "BleConnection | None" = None
        self.heard_ms: "int | None" = None  # the last word of the device; None while it waits for the journal
        self.left = False  # the link is being left because the device was silent on it

    async def run(self) -> None:
        """Connect when the device is heard, stay as long as it does, come back when it returns."""
        while True:
            await self.near.wait()
            self.near.clear()
            began_ms = self.clock.uptime_ms()
            try:
                if self.device.is_waited_for or not await self.is_paired():
                    continue  # it is connected with a bond that is stored, or not at all
                await self.visit()
            except HalError as error:
                self.device.link = str(error)
                self.intake.log(
                    "info",
                    "Connection ended.",
                    device=self.device.config.name,
                    cause=str(error),
                    kind=type(error).__name__,
                )
                if isinstance(error, PairingError) and error.reason == PairingError.STALE:
                    await self.tell_stale()
                if isinstance(error, DeniedError):
                    await self.tell_denied(True, error.message)
            self.backoff.held(self.clock.uptime_ms() - began_ms)
            await self.clock.sleep_ms(self.backoff.next_ms())

    async def is_paired(self) -> bool:
        """Whether it has the bond it needs; where not, that is said once, and when it has. Raises HalError."""
        if self.device.least == BOND_NONE:
            return True
        if not self.looked:
            stored = (await self.central.bonds()).get(self.device.config.address or "", BOND_NONE)
            self.looked = True
            if self.device.hold(stored):
                self.bonded()
        paired = self.device.is_paired
        if paired or self.clock.uptime_ms() >= self.new_until_ms:
            await self.intake.recorder.condition(
                "device.unpaired", "device.paired", not paired, placement=self.device.placement
            )
        return paired

    async def tell_stale(self) -> None:
        """The device did not know the bond. It is kept: somebody else may have answered, or the link was too weak for the keys.

        Only a person replaces it, in a window, where the device does not know it there either.
        """
        if not self.device.is_stale:
            self.device.is_stale = True
            await self.intake.recorder.note("bond.stale", self.device.placement)

    async def leave(self) -> None:
        """End the connection, if there is one."""
        if self.connection is not None:
            await self.connection.disconnect()

    async def tell_denied(self, denied: bool, reason: str = "") -> None:
        """A device that may not be read says nothing, and nobody else would: said once, and when it is read again."""
        values: "dict[str, object]" = {"reason": reason}
        await self.intake.recorder.condition(
            "device.denied", "device.admitted", denied, values, self.device.placement
        )

    async def visit(self) -> None:
        """One connection, until its loss. It is never a reason to pair: that takes a person (`gateway.hub.pairing`)."""
        self.device.link = "connecting"
        connection = await self.central.connect(
            self.device.config.address or "", timeout_ms=CONNECT_TIMEOUT_MS
        )
        self.near.clear()  # what it sent until now led here; one that sleeps after this visit is not called again
        self.connection = connection
        hearing, is_over = Hearing(connection, self.clock), False
        try:
            self.check_bond(connection)
            self.device.link, self.device.is_stale = "connected", False
            await self.prepare(connection)
            await self.tell_denied(False)
            await self.follow(connection, hearing)
        except HalError:
            await connection.disconnect()
            is_over = True
            await self.take_rest(hearing)
            raise
        finally:
            self.connection = None
            if not is_over:
                await connection.disconnect()
            await stop(hearing.task)

    async def take_rest(self, hearing: Hearing) -> None:
        """Take what the device had sent: a cuff may send its reading and sleep before all steps are done."""
        try:
            while True:
                heard = await hearing.next(None)
                if heard is not None:
                    reading = self.driver.notified(heard.characteristic, heard.value, heard.received_ms)
                    await self.intake.take(self.device, reading, heard.received_ms)
        except HalError:
            pass  # the end of what was heard; what ended the visit is the error

    async def follow(self, connection: "BleConnection", hearing: Hearing) -> None:
        """Feed the driver with notifications and with time. Raises HalError when the link is lost or left."""
        self.heard_ms = self.clock.uptime_ms()
        self.left = False
        watch = asyncio.create_task(self.watch(connection))
        try:
            while True:
                await self.turn(connection, hearing)
        finally:
            if not self.left:
                watch.cancel()
            await ended(watch)  # a link that is being hung up is hung up to the end

    async def turn(self, connection: "BleConnection", hearing: Hearing) -> None:
        """The next notification, or what time asks for. Raises HalError when the link is lost or left."""
        heard = await hearing.next(self.driver.next_due_ms(self.clock.uptime_ms()))
        if heard is None:
            due = self.driver.due(self.clock.uptime_ms(), self.clock.utc_ms())
            await self.answer(connection, due, came=False)
            return
        self.heard_ms = None
        reading = self.driver.notified(heard.characteristic, heard.value, heard.received_ms)
        await self.answer(connection, reading, heard.received_ms)
        self.heard_ms = self.clock.uptime_ms()

    async def answer(
        self,
        connection: "BleConnection",
        reading: "Reading",
        heard_ms: "int | None" = None,
        came: bool = True,
    ) -> None:
        """Record a reading, and only then do what it wants done on the connection.

        Raises:
            HalError: the link is lost, or the driver leaves it.
        """
        if came or reading.observations or reading.state or reading.refused is not None:
            await self.intake.take(self.device, reading, heard_ms)
        for step in reading.steps:
            await self.do(connection, step)
        if reading.leave:
            raise LinkLostError("the link is left: its device broke off, and is asked anew at the next visit")

    async def watch(self, connection: "BleConnection") -> None:
        """Leave a link on which a supervised device has fallen silent: not every stack tells that it is gone."""
        while self.device.interval_ms > 0:
            now_ms = self.clock.uptime_ms()
            heard_ms = now_ms if self.heard_ms is None else self.heard_ms
            rest_ms = heard_ms + INTERVALS * self.device.interval_ms - now_ms
            if rest_ms <= 0:
                self.left = True
                await connection.disconnect()
                return
            await self.clock.sleep_ms(rest_ms)

    def check_bond(self, connection: "BleConnection") -> None:
        """A bond weaker than it must be is refused, never accepted silently."""
        if self.device.hold(connection.bond):
            self.bonded()
        if not self.device.is_paired:
            raise DeniedError(
                "the bond is weaker than this device's driver or passkey asks for; pair it again"
            )

    async def prepare(self, connection: "BleConnection") -> None:
        """The driver's steps. A device that grants no subscription at all is not read: that is a failure, not silence."""
        asked, granted = 0, 0
        for step in self.driver.steps(connection.characteristics()):
            done = await self.do(connection, step)
            asked += step.action == "subscribe"
            granted += step.action == "subscribe" and done
        if asked and not granted:
            raise DeniedError("the device grants none of the subscriptions its driver asks for")

    async def do(self, connection: "BleConnection", step: Step) -> bool:
        """One step of the driver; one that the device refuses is logged and told to the driver: False."""
        action, characteristic = step.action, step.characteristic
        try:
            if action == "read":
                data = await connection.read(characteristic)
                await self.answer(connection, self.driver.read(characteristic, data, self.clock.uptime_ms()))
            elif action == "subscribe":
                await connection.subscribe(characteristic)
            else:
                await connection.write(characteristic, step.value)
            return True
        except (LinkLostError, TimedOutError):
            raise
        except HalError as error:
            self.intake.log(
                "warning",
                "A step was refused.",
                device=self.device.config.name,
                step=action + " " + characteristic,
                cause=str(error),
            )
        await self.answer(connection, self.driver.denied(step, self.clock.uptime_ms()), came=False)
        return False
