"""What every way in shares: a reading is counted, recorded, and its device marked as heard."""

from gateway.hub.recorder import device_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import Reading
    from gateway.core.supervision import Supervision
    from gateway.hub.devices import Device
    from gateway.hub.overrun import Work
    from gateway.hub.recorder import Log, Recorder


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
        self.hearers: "list[Callable[[Device, Reading, int], None]]" = []  # told of each reading
        self.receivers: "list[Callable[[Device, int], None]]" = []  # told of the strength of each reception

    async def take(
        self,
        device: "Device",
        reading: "Reading",
        heard_ms: "int | None" = None,
        wait: bool = True,
        frame: object = None,
        utc_ms: "int | None" = None,
    ) -> None:
        """Record a reading; returns when it is durable, or at once without `wait`: then it waits for room by itself.

        frame: what it was read from, where that comes once (`gateway.hub.held`). utc_ms: when that came, where it is read late.

        Raises:
            PartFailedError: the journal takes nothing any more.
            MemoryError: there was none, now or before: the process ends.
        """
        try:
            await self.record(device, reading, heard_ms, wait, frame, utc_ms)
        except MemoryError:
            self.recorder.freeze()  # now: whoever ends may give its turn to others on its way out
            raise

    async def record(
        self,
        device: "Device",
        reading: "Reading",
        heard_ms: "int | None",
        wait: bool,
        frame: object,
        utc_ms: "int | None",
    ) -> None:
        """As `take`."""
        if frame is not None and not reading.observations and not reading.state:
            device.work, device.worked = None, frame  # most often a copy of what was told
        device.count(reading)
        for hear in self.hearers:
            hear(device, reading, self.recorder.clock.uptime_ms() if heard_ms is None else heard_ms)
        was_silent = reading.heard and self.heard(device, heard_ms, reading.triggered)
        if reading.observations or reading.state:
            work = self.recorder.reading(device.placement, reading, heard_ms, utc_ms)
            news = self.learn(device, reading, work)
            for row in device.rows:  # what comes now is newer than they are
                work.state[device_key(device.placement, row)] = None
            has_news = bool(work.events or work.state)
            if frame is not None:
                device.work, device.worked = work if has_news else None, frame
            if has_news:
                await (self.recorder.store(work) if wait else self.recorder.offer(work))
                if work.is_stored:
                    device.rows.clear()
            if news:
                self.described()
        if was_silent:
            await self.recorder.note("device.back", device.placement)

    async def received(self, device: "Device", rssi_dbm: int, heard_ms: int) -> None:
        """How strong a reception was; a link that has become weak for long, or good again, is said."""
        for hear in self.receivers:
            hear(device, rssi_dbm)
        link = self.supervision.links.get(device.placement)
        if link is not None and link.heard(rssi_dbm, heard_ms):
            kind = "link.weak" if link.weak else "link.restored"
            await self.recorder.note(kind, device.placement, {"rssi_dbm": link.rssi_dbm})

    def learn(self, device: "Device", reading: "Reading", work: "Work") -> bool:
        """Keep what a device says it is, for the manifest and `trygg devices`; whether it is news."""
        before = device.kept()
        for observation in reading.observations:
            if observation.kind == "device.described":
                device.described.update({name: str(item) for name, item in observation.values.items()})
        if device.kept() == before:
            return False
        work.state[device_key(device.placement, device.KEPT)] = device.kept()
        return True

    def heard(self, device: "Device", heard_ms: "int | None", triggered: bool) -> bool:
        """The device spoke: whether it had been silent. Its interval may be its own word, and change."""
        now_ms = self.recorder.clock.uptime_ms() if heard_ms is None else heard_ms
        device.heard_ms = now_ms
        watched = self.supervision.devices.get(device.placement)
        if watched is not None:
            watched.given_ms = device.interval_ms
        return self.supervision.heard(device.placement, now_ms, triggered)
