"""What a reader had in hand when memory ran short: kept for the next run, and read there.

Who says something once (the press of a button, a telegram, a value by notification) does not say it again after the start. So a
frame whose work is neither stored nor waits goes into the journal as it came. The next start hands it to its driver, whose state and
rules are then those of the journal, and the frame goes with the append of what it said (docs/adr/0044-short-of-memory.md).
"""

from gateway.core import cbor
from gateway.core.devices.enocean_telegram import Telegram, decode_telegram, packet_of
from gateway.core.framing import esp3
from gateway.hub.recorder import device_key
from hal.types import Advertisement, Notification

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.devices.driver import Reading
    from gateway.hub.air import Listener, Visitor
    from gateway.hub.devices import Device
    from gateway.hub.intake import Intake
    from gateway.hub.recorder import Recorder
    from gateway.hub.telegrams import TelegramLine
    from hal.interfaces import Journal

    Frame = Advertisement | Notification | Telegram
    InHand = tuple[Device, Frame]

KEY = "held."  # state of a device, with a number behind it: [starts, sort, ...]
ADVERTISEMENT, NOTIFICATION, TELEGRAM = 1, 2, 3
MOST_STARTS = 3  # that try to read it: one that no start survives would keep the home deaf for ever


def in_hand(
    listener: "Listener | None", visitors: "list[Visitor]", telegrams: "TelegramLine | None"
) -> "list[InHand]":
    """Frames that a reader took in and did not come to the end of, in the order of each device."""
    found: "list[InHand]" = []
    if listener is not None and listener.held is not None:
        device = listener.broadcasting.get(listener.held.address)
        if device is not None:
            found.append((device, listener.held))
    for visitor in visitors:
        if visitor.hearing is not None:
            for heard in (visitor.hearing.given, visitor.hearing.held):
                if heard is not None:
                    found.append((visitor.device, heard))
    if telegrams is not None:
        for telegram in telegrams.unread():
            device = telegrams.by_sender.get(telegram.sender)
            if device is not None:
                found.append((device, telegram))
    return found


def left(recorder: "Recorder", frames: "list[InHand]") -> "list[InHand]":
    """Those of which nothing is stored nor waits to be."""
    waiting = recorder.waiting.all()
    found: "list[InHand]" = []
    for device, frame in frames:
        made = device.work if device.worked is frame else None
        if made is None or not (made.is_stored or made in waiting):
            found.append((device, frame))
    return found


async def keep(journal: "Journal", recorder: "Recorder", frames: "list[InHand]") -> None:
    """Store what is left of `frames` for the next start.

    Raises:
        HalError: the journal does not take it.
        MemoryError: there was none for it.
    """
    state: "dict[str, bytes | None]" = {}
    for number, (device, frame) in enumerate(left(recorder, frames)):
        state[device_key(device.placement, KEY + str(number))] = cbor.encode([0] + row_of(frame))
    if state:
        await journal.append([], state)


def row_of(frame: "Frame") -> "list[Any]":
    """A frame as CBOR can say it."""
    if isinstance(frame, Advertisement):
        heard = [frame.service_data, list(frame.service_uuids), frame.manufacturer_data]
        return [ADVERTISEMENT, frame.rssi_dbm] + heard + ([] if frame.name is None else [frame.name])
    if isinstance(frame, Notification):
        return [NOTIFICATION, frame.characteristic, frame.value]
    packet = packet_of(frame)
    return [TELEGRAM, packet.data, packet.optional]


def frame_of(row: "list[Any]", address: str, now_ms: int) -> "Frame":
    """The frame of a row, as if it came now from `address`. Raises whatever a row that is none gives."""
    if row[0] == ADVERTISEMENT:
        name = row[5] if len(row) > 5 else None
        return Advertisement(address, row[1], now_ms, row[2], tuple(row[3]), row[4], name)
    if row[0] == NOTIFICATION:
        return Notification(row[1], row[2], now_ms)
    return decode_telegram(esp3.Packet(esp3.RADIO_ERP1, row[1], row[2]))


def reading_of(device: "Device", frame: "Frame", now_ms: int) -> "Reading":
    """What the driver makes of it. What it wants done on a line or a connection is not: there is none yet."""
    driver: "Any" = device.driver
    if isinstance(frame, Advertisement):
        return driver.advertised(frame)  # type: ignore[no-any-return]
    if isinstance(frame, Notification):
        return driver.notified(frame.characteristic, frame.value, now_ms)  # type: ignore[no-any-return]
    return driver.heard(frame, now_ms)  # type: ignore[no-any-return]


async def read_held(devices: "list[Device]", intake: "Intake") -> None:
    """Read what the last run kept, before anything new is heard.

    Raises:
        PartFailedError: the journal takes nothing any more.
        MemoryError: there was none, again: the frame stays for the next start, or for the one after it.
    """
    for device in devices:
        prefix = device_key(device.placement, "")
        for key in intake.recorder.journal.state_keys(prefix + KEY):
            await read_one(device, intake, key[len(prefix) :])


async def read_one(device: "Device", intake: "Intake", key: str) -> None:
    """Read one frame; it goes with what it said."""
    recorder, now_ms = intake.recorder, intake.recorder.clock.uptime_ms()
    stored = device_key(device.placement, key)
    try:
        row: "Any" = cbor.decode(recorder.journal.state(stored) or b"")
        if row[0] >= MOST_STARTS:
            raise ValueError("no start came to the end of it")  # noqa: TRY301  one way to say that it is left
        await recorder.keep({stored: cbor.encode([row[0] + 1] + row[1:])})
        reading = reading_of(device, frame_of(row[1:], device.config.address or "", now_ms), now_ms)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  a frame that cannot be read must not keep the hub from its start
        told = "What a device said before the start cannot be read."
        recorder.log("error", told, device=device.config.name, cause=str(error))
        await recorder.keep({stored: None})
        return
    recorder.log("warning", "What a device said before the start is read now.", device=device.config.name)
    reading.state[key] = None
    await intake.take(device, reading, wait=False)
