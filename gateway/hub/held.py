"""What a reader had in hand when memory ran short: kept for the next run, and read there.

Who says something once (the press of a button, a telegram) does not say it again after the start. So a frame whose work is neither
stored nor waits goes into the journal as it came. The next start hands it to its driver, whose state and rules are then those of
the journal, and the frame goes with the append of what it said (docs/adr/0044-short-of-memory.md).
"""

from gateway.core import cbor
from gateway.core.devices.enocean_telegram import Telegram, decode_telegram, packet_of
from gateway.core.framing import esp3
from gateway.hub.parts import PartFailedError
from gateway.hub.recorder import device_key
from hal.types import Advertisement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.devices.driver import Reading
    from gateway.hub.air import Listener
    from gateway.hub.devices import Device
    from gateway.hub.intake import Intake
    from gateway.hub.recorder import Recorder
    from gateway.hub.telegrams import TelegramLine
    from hal.interfaces import Journal

    Frame = Advertisement | Telegram
    InHand = tuple[Device, Frame]

KEY = "held."  # state of a device, with a number behind it: [starts, UTC in ms or UNKNOWN, sort, ...]
ADVERTISEMENT, TELEGRAM = 1, 2
UNKNOWN = -1
MOST_STARTS = 3  # that try to read it: one that no start survives would keep the home deaf for ever


def in_hand(listener: "Listener | None", telegrams: "TelegramLine | None") -> "list[InHand]":
    """Frames that a reader took in and did not come to the end of, in the order of each device."""
    found: "list[InHand]" = []
    if listener is not None and listener.held is not None:
        device = listener.broadcasting.get(listener.held.address)
        if device is not None:
            found.append((device, listener.held))
    if telegrams is not None:
        for telegram in telegrams.unread():
            device = telegrams.by_sender.get(telegram.sender)
            if device is not None:
                found.append((device, telegram))
    return found


def left(recorder: "Recorder", frames: "list[InHand]") -> "list[InHand]":
    """Those that no driver has judged, or of whose news nothing is stored nor waits to be."""
    waiting = recorder.waiting.all()
    found: "list[InHand]" = []
    for device, frame in frames:
        is_done = device.worked is frame and (
            device.work is None or device.work.is_stored or device.work in waiting
        )
        if not is_done:
            found.append((device, frame))
    return found


class Rows:
    """What is to be kept of the frames in hand: found once, so that another try writes the same under the same keys."""

    def __init__(self) -> None:
        self.frames: "list[InHand] | None" = None
        self.state: "dict[str, bytes | None] | None" = None
        self.is_kept = False

    @property
    def names(self) -> "list[str]":
        """Of whom something is in hand and not kept."""
        return [] if self.is_kept else [device.config.name for device, _ in self.frames or []]

    def find(self, recorder: "Recorder", frames: "list[InHand]") -> None:
        """See what is left of `frames`, at the first call. Raises MemoryError."""
        if self.frames is None:
            self.frames = left(recorder, frames)

    async def keep(self, journal: "Journal", utc_ms: "int | None") -> None:
        """Store it for the next start.

        Raises:
            HalError: the journal does not take it.
            MemoryError: there was none for it.
        """
        if self.is_kept or not self.frames:
            return
        if self.state is None:
            self.state = rows_of(journal, self.frames, utc_ms)
        await journal.append([], self.state)
        self.is_kept = True


def rows_of(journal: "Journal", frames: "list[InHand]", utc_ms: "int | None") -> "dict[str, bytes | None]":
    """The state to store, each frame under a key that is free: one that is not waits to go with what its frame said."""
    state: "dict[str, bytes | None]" = {}
    number = 0
    for device, frame in frames:
        key = device_key(device.placement, KEY + str(number))
        while journal.state(key) is not None:
            number += 1
            key = device_key(device.placement, KEY + str(number))
        state[key] = encode(frame, utc_ms)
        number += 1
    return state


def encode(frame: "Frame", utc_ms: "int | None", starts: int = 0) -> bytes:
    """A frame as it is kept."""
    row: "list[Any]" = [starts, UNKNOWN if utc_ms is None else utc_ms]
    if isinstance(frame, Advertisement):
        heard = [frame.service_data, list(frame.service_uuids), frame.manufacturer_data]
        row += [ADVERTISEMENT, frame.rssi_dbm] + heard + ([] if frame.name is None else [frame.name])
    else:
        packet = packet_of(frame)
        row += [TELEGRAM, packet.data, packet.optional]
    return cbor.encode(row)


def frame_of(row: "list[Any]", address: str, now_ms: int) -> "Frame":
    """The frame of a row, as if it came now from `address`. Raises whatever a row that is none gives."""
    if row[2] == ADVERTISEMENT:
        name = row[7] if len(row) > 7 else None
        return Advertisement(address, row[3], now_ms, row[4], tuple(row[5]), row[6], name)
    return decode_telegram(esp3.Packet(esp3.RADIO_ERP1, row[3], row[4]))


def reading_of(device: "Device", frame: "Frame", now_ms: int) -> "Reading":
    """What the driver makes of it. It is no sign of life: who was heard before the start may be silent since."""
    driver: "Any" = device.driver
    reading: "Reading"
    reading = driver.advertised(frame) if isinstance(frame, Advertisement) else driver.heard(frame, now_ms)
    reading.heard = False
    return reading


async def read_held(devices: "list[Device]", intake: "Intake") -> None:
    """Read what the last run kept, before anything new is heard.

    Raises:
        PartFailedError: the journal takes nothing any more.
        MemoryError: there was none, again: the frame stays for the next start, or for the one after it.
    """
    for device in devices:
        prefix = device_key(device.placement, "")
        keys = [key[len(prefix) :] for key in intake.recorder.journal.state_keys(prefix + KEY)]
        for _, key in sorted([(len(key), key) for key in keys]):  # 9 before 10
            await read_one(device, intake, key)


async def read_one(device: "Device", intake: "Intake", key: str) -> None:
    """Read one frame; it goes with what it said (`Device.rows`). What cannot be read must not keep the hub from its start."""
    recorder = intake.recorder
    try:
        reading, utc_ms = await begun(device, recorder, key)
    except (MemoryError, PartFailedError):
        raise
    except Exception as error:  # noqa: BLE001  whatever a row that is none gives, or a driver of a package that is not ours
        told = "What a device said before the start cannot be read."
        recorder.log("error", told, device=device.config.name, cause=type(error).__name__ + ": " + str(error))
        await recorder.keep({device_key(device.placement, key): None})
        return
    recorder.log("warning", "What a device said before the start is read now.", device=device.config.name)
    device.rows.append(key)
    try:
        await intake.take(device, reading, wait=False, utc_ms=utc_ms)
    except (MemoryError, PartFailedError):
        raise
    except Exception as error:  # noqa: BLE001  a fault of ours; the frame stays until the device says something new
        recorder.log("error", "What a device said before the start was not recorded.", cause=str(error))


async def begun(device: "Device", recorder: "Recorder", key: str) -> "tuple[Reading, int | None]":
    """What the driver makes of a frame, and when it came. The start that begins with it is counted first, where the store has room."""
    now_ms, stored = recorder.clock.uptime_ms(), device_key(device.placement, key)
    row: "Any" = cbor.decode(recorder.journal.state(stored) or b"")
    starts, utc_ms = row[0], None if row[1] == UNKNOWN else int(row[1])
    if starts >= MOST_STARTS:
        raise ValueError("no start came to the end of it")
    frame = frame_of(row, device.config.address or "", now_ms)
    await recorder.keep({stored: encode(frame, utc_ms, starts + 1)})
    return reading_of(device, frame, now_ms), utc_ms
