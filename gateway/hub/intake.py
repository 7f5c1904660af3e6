"""What every way in shares: a reading is counted, recorded, and its device marked as heard."""

from hal.errors import StorageFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import Reading
    from gateway.core.supervision import Supervision
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Log, Recorder

RETRY_FULL_MS = 5_000


class Intake:
    """Takes readings of any device. What cannot be stored now is tried again until it can: nothing is dropped here."""

    def __init__(
        self, recorder: "Recorder", supervision: "Supervision", log: "Log", described: "Callable[[], None]"
    ) -> None:
        """`described` is called when a device has said anew what it is."""
        self.recorder = recorder
        self.supervision = supervision
        self.log = log
        self.described = described

    async def take(self, device: "Device", reading: "Reading", heard_ms: "int | None" = None) -> None:
        """Record a reading; returns when it is durable."""
        device.count(reading)
        if reading.heard:
            await self.heard(device, heard_ms)
        for observation in reading.observations:
            if observation.kind == "device.described":
                self.learn(device, observation.values)
        while reading.observations or reading.state:
            try:
                await self.recorder.record(device.placement, reading, heard_ms)
                self.recorder.full = False
                return
            except StorageFullError as error:
                self.recorder.full = True
                self.log(
                    "error",
                    "The store is full of alarms; trying again.",
                    device=device.config.name,
                    cause=str(error),
                )
                await self.recorder.clock.sleep_ms(RETRY_FULL_MS)

    def learn(self, device: "Device", values: "dict[str, object]") -> None:
        """Keep what a device says it is, for the manifest and `trygg devices`."""
        said = {name: str(item) for name, item in values.items()}
        if any([device.described.get(name) != text for name, text in said.items()]):
            device.described.update(said)
            self.described()

    async def heard(self, device: "Device", heard_ms: "int | None") -> None:
        """The device spoke; where it had been silent, say so."""
        now_ms = self.recorder.clock.uptime_ms() if heard_ms is None else heard_ms
        device.heard_ms = now_ms
        if self.supervision.heard(device.placement, now_ms):
            await self.recorder.note("device.back", device.placement)
