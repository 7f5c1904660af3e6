"""Recorded streams of serial lines for `trygg decode serial`: what each framer and decoder of the hub makes of them."""

from collections.abc import Callable, Iterator

from gateway.core.devices import nonin_seconds, nonin_spot, nonin_stream
from gateway.core.devices.enocean_profiles import PROFILES
from gateway.core.devices.enocean_telegram import (
    FOUR_BS,
    ONE_BS,
    RPS,
    SECURE_TEACH_IN,
    UTE,
    Telegram,
    decode_telegram,
    is_teach_in,
    profile_of,
)
from gateway.core.errors import DecodeError
from gateway.core.framing import esp3
from gateway.core.framing.scan import Scanner
from gateway.core.model import Observation

Found = Observation | DecodeError
Rows = Iterator[Found]


def dispenser(data: bytes) -> Rows:
    """The open dispenser protocol."""
    from gateway.core.devices.dispenser_events import decode_stream

    yield from decode_stream(data)


def packets(layout: nonin_stream.Format) -> Callable[[bytes], Rows]:
    """Nonin's formats 2 and 7: an observation a packet; the values that the hub does not tell stand beside those it does."""

    def decode(data: bytes) -> Rows:
        assembler = nonin_stream.Assembler(layout)
        for item in assembler.push(data):
            if isinstance(item, DecodeError):
                yield item
                continue
            observation = nonin_stream.observation_of(item)
            observation.values.update(item.shown)
            observation.values["firmware_revision"] = item.revision
            observation.values["battery_low"] = item.battery_low
            yield observation
        yield from left(assembler.scanner, data)
        if assembler.frames:
            frames = len(assembler.frames)
            yield DecodeError(f"{frames} frames of a packet that is not whole", len(data))

    return decode


def seconds(data: bytes) -> Rows:
    """Nonin's format 8."""
    stream = nonin_seconds.Seconds(in_step=True)
    for item in stream.push(data):
        yield item if isinstance(item, DecodeError) else nonin_seconds.observation_of(item)
    yield from left(stream.scanner, data)


def spots(data: bytes) -> Rows:
    """Nonin's format 13, and what goes the other way."""
    for item in whole(Scanner(measure_spots, nonin_spot.MOST_SPOT), data):
        if isinstance(item, DecodeError):
            yield item
        elif len(item) == 1:
            word = "acknowledged" if item[0] == nonin_spot.ACK else "refused"
            yield Observation("oximeter.answered", {"state": word})
        elif item[0] == nonin_spot.HEAD[1]:
            yield command(item)
        else:
            yield nonin_spot.observation_of(nonin_spot.decode_spot(item))


def measure_spots(data: bytearray, at: int) -> int:
    """What the hub reads, and its own commands."""
    for begin, size in COMMANDS:
        if data[at : at + len(begin)] == begin and len(data) - at >= size and data[at + size - 1] == 0x03:
            return size
    return nonin_spot.measure(data, at)


COMMANDS = (
    (bytes([0x02, nonin_spot.SELECT, 0x02, 0x02]), nonin_spot.SELECT_SIZE),
    (nonin_spot.ASK_TIME, len(nonin_spot.ASK_TIME)),
    (bytes([0x02, nonin_spot.CLOCK, nonin_spot.TIME_SIZE]), nonin_spot.TIME_FRAME),
)


def command(data: bytes) -> Observation:
    """A command, or what the device's clock shows."""
    if data[1] == nonin_spot.SELECT:
        return Observation("oximeter.told", {"select_format": data[4]})
    if data == nonin_spot.ASK_TIME:
        return Observation("oximeter.told", {"get_time": True})
    name = "timestamp" if data[1] == nonin_spot.CLOCK_SHOWN else "set_time"
    kind = "device_clock.shown" if data[1] == nonin_spot.CLOCK_SHOWN else "oximeter.told"
    return Observation(kind, {name: nonin_spot.decode_time(data)})


def packets_of_esp3(data: bytes) -> Rows:
    """EnOcean's serial protocol: an observation a packet, and for a telegram what each profile of its sort would make of it."""
    for item in whole(esp3.scanner(), data):
        yield item if isinstance(item, DecodeError) else packet(esp3.decode(item))


def packet(found: esp3.Packet) -> Observation:
    """One packet."""
    values: dict[str, object] = {
        "packet_type": found.type,
        "data": found.data,
        "optional": found.optional,
    }
    kind = "esp3." + esp3.NAMES.get(found.type, "packet")
    if found.type != esp3.RADIO_ERP1:
        return Observation(kind, values)
    try:
        values.update(telegram(decode_telegram(found)))
    except DecodeError as error:
        values["unreadable"] = error.reason
    return Observation(kind, values)


def telegram(found: Telegram) -> dict[str, object]:
    """Sender, strength, what it teaches in, and its payload as each profile of its sort reads it."""
    values: dict[str, object] = {
        "rorg": f"{found.rorg:02X}",
        "payload": found.payload,
        "sender": found.sender,
        "status": found.status,
        "security_level": found.level,
    }
    if found.rssi_dbm is not None:
        values["rssi_dbm"] = found.rssi_dbm
    if found.rorg in (ONE_BS, FOUR_BS, UTE, SECURE_TEACH_IN):
        values["teach_in"] = is_teach_in(found)
    if is_teach_in(found):
        taught = profile_of(found)
        values["profile"] = taught.name
        if taught.maker is not None:
            values["maker_number"] = taught.maker
        return values
    for name, row in sorted(PROFILES.items()):
        if row.rorg == found.rorg:
            values[name] = reading(name, found)
    return values


def reading(name: str, found: Telegram) -> str:
    """What one profile makes of a telegram, in words of its values."""
    try:
        frame = PROFILES[name].read(found)
    except DecodeError as error:
        return error.reason
    words = [f"{value}={frame.values[value]}" for value in frame.names]
    words += [f"{part} {press}" for part, press in frame.presses]
    return ", ".join(words) or ("released" if found.rorg == RPS else "nothing")


def whole(scanner: Scanner, data: bytes) -> Iterator[bytes | DecodeError]:
    """Every frame of a stream that has come to its end."""
    yield from scanner.push(data)
    yield from scanner.look_past()
    yield from left(scanner, data)


def left(scanner: Scanner, data: bytes) -> Iterator[DecodeError]:
    """Bytes at the end that belong to no whole frame."""
    count = scanner.strange + len(scanner.held)
    if count:
        yield DecodeError(f"{count} bytes that belong to no frame", len(data) - count)


STREAMS: dict[str, Callable[[bytes], Rows]] = {
    "dispenser": dispenser,
    "nonin2": packets(nonin_stream.FORMAT_2),
    "nonin7": packets(nonin_stream.FORMAT_7),
    "nonin8": seconds,
    "nonin13": spots,
    "esp3": packets_of_esp3,
}
