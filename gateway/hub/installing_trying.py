"""Trying devices by hand: the exercise of an alarm up to the platform's receipt, or the next reading of a device without one."""

from gateway.core.errors import RefusedError
from gateway.hub.installing_beside import Beside
from gateway.hub.installing_memory import TEST, row
from gateway.hub.installing_seen import Seen, alarm_kinds, may_be_alarm
from gateway.hub.ringing import HEARD, OVER, WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Reading
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Recorder
    from gateway.hub.ringing import Ringing

READING_MS = 120_000  # in which a device without an alarm must be heard
CAME = "came"  # the reading that was waited for


class Trying:
    """The test that was begun last. `seen` is what devices have said since the installation was opened, by placement."""

    def __init__(self, recorder: "Recorder", ringing: "Ringing", devices: "list[Device]") -> None:
        self.recorder = recorder
        self.ringing = ringing
        self.beside = Beside(recorder, devices)
        self.seen: "dict[int, Seen]" = {}
        self.device: "Device | None" = None  # that is tried
        self.placement, self.kind = 0, ""  # of the device that is tried, and its alarm or ""
        self.count, self.end_ms = 0, -1

    def heard(self, device: "Device", reading: "Reading", now_ms: int) -> None:
        """A device has said something."""
        self.seen.setdefault(device.placement, Seen()).take(reading, now_ms)

    def kinds_of(self, device: "Device") -> "list[str]":
        """Its alarms that can be tried."""
        return alarm_kinds(device, self.seen.get(device.placement))

    async def begin(self, device: "Device", kind: str, together: bool = False) -> None:
        """Its alarm is an exercise for two minutes; of a device that is known to have none its next reading counts.

        together: it is coupled with others, and those that sound with it count as tried; their alarms are real.

        Raises:
            RefusedError: not now, or it has several alarms and nobody says which, or nobody knows whether it has one.
        """
        kinds = self.kinds_of(device)
        if not kind and len(kinds) > 1:
            raise RefusedError("the device has several alarms: say which is tried, of " + ", ".join(kinds))
        if not kind and may_be_alarm(device, self.seen.get(device.placement)):
            raise RefusedError(
                "nobody knows yet whether this device has an alarm: wait until it was heard, or say which is tried"
            )
        kind = kind or (kinds[0] if kinds else "")
        if together and not kind:
            raise RefusedError("only alarms are tried together, and this device has none: try it by itself")
        if kind:
            self.ringing.begin(device.config.name, kind)
        self.beside.end()
        if together:
            self.beside.begin(device.placement, kind, READING_MS)
        seen = self.seen.get(device.placement)
        self.device, self.placement, self.kind = device, device.placement, kind
        self.count = 0 if seen is None else seen.count
        self.end_ms = self.recorder.clock.uptime_ms() + READING_MS
        await self.recorder.keep({TEST + str(device.placement): None})

    def is_of(self, device: "Device") -> bool:
        """Whether the test that was begun last, and is not kept yet, is of this device."""
        return self.placement == device.placement

    def state(self) -> str:
        """`waiting`, `heard`, `over`, or anything else: it has come to its end well."""
        if self.kind:
            return str(self.ringing.state())
        seen = self.seen.get(self.placement)
        has_spoken = seen is not None and seen.count > self.count
        # With what it said it may turn out to be an alarm device: that is tried by its alarm, begun anew.
        if has_spoken and self.device is not None and not self.kinds_of(self.device):
            return CAME
        return OVER if self.recorder.clock.uptime_ms() > self.end_ms else WAITING

    async def look(self) -> None:
        """A test that has come to its end is kept, and so is each of those that sounded with it."""
        for placement, identity in self.beside.receipted():
            kept = row(self.recorder.clock.utc_ms() or 0, self.beside.kind, identity)
            await self.recorder.keep({TEST + str(placement): kept})
        if not self.placement or self.state() in (WAITING, HEARD, OVER):
            return
        kind, identity, placement = self.kind, b"", self.placement
        if kind:
            identity = bytes.fromhex(str(self.ringing.facts()["identity"]))
        else:
            kind = self.seen[placement].kind
        self.placement = 0
        kept = row(self.recorder.clock.utc_ms() or 0, kind, identity)
        await self.recorder.keep({TEST + str(placement): kept})
