"""Detectors that are coupled: whoever tries one lets all of them sound, and each that sounds and is receipted has been tried, too.

Only the one that is tried is an exercise (docs/adr/0018-storms.md): what another detector says within those minutes may be a fire in
its room, so it goes out as real, always. Nothing here marks or holds back anything; it only remembers which of them spoke.
What shows nothing of the detector there and then is no trial: the hub's own retelling, a word that may be replayed or that nobody
proved, another's exercise, and what came before.
"""

from gateway.core.event_codec import lane_of
from gateway.core.model import UNAUTHENTICATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config import DeviceConfig
    from gateway.core.model import Event
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Recorder
    from hal.types import Entry


def has_key(config: "DeviceConfig") -> bool:
    """Whether a device proves what it says."""
    return config.key is not None or config.options.get("secure") is True


class Beside:
    """The others that sounded since the trial was begun together: `heard` by placement. devices: of the home."""

    def __init__(self, recorder: "Recorder", devices: "list[Device]") -> None:
        self.recorder = recorder
        self.devices = devices
        self.kind, self.tried, self.begin_ms, self.end_ms = "", 0, 0, -1
        self.heard: "dict[int, tuple[int, bytes, bytes]]" = {}  # (seq, epoch, identity) until it is receipted
        recorder.stored.append(self.took)

    def begin(self, placement: int, kind: str, length_ms: int) -> None:
        """From now on others that tell `kind` are remembered; `placement` is the one that is tried."""
        self.kind, self.tried = kind, placement
        self.begin_ms = self.recorder.clock.uptime_ms()
        self.end_ms = self.begin_ms + length_ms
        self.heard = {}

    def end(self) -> None:
        """Nothing is tried together."""
        self.kind, self.end_ms = "", -1
        self.heard = {}

    def took(self, event: "Event", entry: "Entry") -> None:
        """An event was stored."""
        if not self.kind or event.kind != self.kind or event.placement in (0, self.tried):
            return
        if event.exercise or "again" in event.values or self.is_doubtful(event):
            return
        in_time = (
            event.boot == self.recorder.moment().boot and self.begin_ms <= event.uptime_ms <= self.end_ms
        )
        if in_time and event.placement not in self.heard:
            epoch = self.recorder.journal.epoch
            self.heard[event.placement] = (entry.seq, epoch, event.identity or entry.chain)

    def is_doubtful(self, event: "Event") -> bool:
        """Whether somebody else may have said it. What has no key never proves its word, and is tried by it all the same."""
        if event.provenance & ~UNAUTHENTICATED:
            return True
        return bool(event.provenance) and any(
            [device.placement == event.placement and has_key(device.config) for device in self.devices]
        )

    def receipted(self) -> "list[tuple[int, bytes]]":
        """(placement, identity of its alarm) of those that the platform has receipted by now; each once.

        Lanes 0 and 1 give nothing up: what is no longer held was receipted. In another epoch it has another number.
        """
        journal, found = self.recorder.journal, []
        for placement in sorted(self.heard):
            seq, epoch, identity = self.heard[placement]
            if journal.epoch == epoch and journal.mark(lane_of(self.kind)).first > seq:
                found.append((placement, identity))
        for placement, _ in found:
            del self.heard[placement]
        return found
