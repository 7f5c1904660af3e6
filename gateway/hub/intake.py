"""What every way in shares: a reading is counted, recorded, and its device marked as heard."""

from hal.errors import StorageFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Reading
    from gateway.core.supervision import Supervision
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Log, Recorder

RETRY_FULL_MS = 5_000


class Intake:
    """Takes readings of any device. What cannot be stored now is tried again until it can: nothing is dropped here."""

    def __init__(self, recorder: "Recorder", supervision: "Supervision", log: "Log") -> None:
        self.recorder = recorder
        self.supervision = supervision
        self.log = log

    async def take(self, device: "Device", reading: "Reading", heard_ms: "int | None" = None) -> None:
        """Record a reading; returns when it is durable."""
        device.count(reading)
        if reading.heard:
            await self.heard(device, heard_ms)
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

    async def heard(self, device: "Device", heard_ms: "int | None") -> None:
        """The device spoke; where it had been silent, say so."""
        now_ms = self.recorder.clock.uptime_ms() if heard_ms is None else heard_ms
        device.heard_ms = now_ms
        if self.supervision.heard(device.placement, now_ms):
            await self.recorder.note("device.back", device.placement)
