"""`trygg decode`: bytes in hex to observations as JSON lines, with the decoders of the hub. Contract: DESIGN.md 7.

Standard output is one JSON object a line; what was met and not read goes to standard error. Exit status 0 when all
was read, 1 when an input was refused, 2 for a wrong command line.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.core.devices import battery, bthome_frame, device_information, plx
from gateway.core.devices.bthome_frame import Frame, Header
from gateway.core.devices.bthome_observer import STATES, base_of
from gateway.core.devices.measurement import Measurement
from gateway.core.devices.oximeter import observation_of
from gateway.core.errors import ContractError, DecodeError
from gateway.core.model import CLOCK_NOT_SET, REPLAY_SUSPECTED, UNAUTHENTICATED, Observation
from gateway.daemon import decode_driver, decode_health
from gateway.daemon.arguments import reworded
from gateway.daemon.decode_serial import STREAMS
from gateway.daemon.json_text import dumps

TAG_SIZE = 4
BASE_UUID = "-0000-1000-8000-00805f9b34fb"
LONGEST_LINE = 1 << 16
GATT = (
    plx.SPOT_CHECK,
    plx.CONTINUOUS,
    plx.FEATURES,
    *sorted([*decode_health.MEASUREMENTS, *decode_health.FEATURES, *decode_health.SHOWN]),
    battery.UUID,
    *sorted(device_information.STRINGS),
    device_information.SYSTEM_ID,
    device_information.PNP_ID,
)
LARGEST_FILE = 1 << 24


class RefusedFrameError(DecodeError):
    """A frame that decodes and is not trusted; `frame` holds the alarms in it that the hub delivers all the same."""

    def __init__(self, reason: str, offset: int, provenance: int, frame: Frame | None = None) -> None:
        super().__init__(reason, offset)
        self.provenance = provenance
        self.frame = frame


# --- command line -------------------------------------------------------------------------------------------------


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add `decode` and its four sorts of input; `run` takes the options."""
    parser = subparsers.add_parser(
        "decode",
        help="bytes in hex to observations as JSON lines",
        description="Decode bytes in hex with the decoders of the hub; one JSON object a line for each observation.",
    )
    sorts = parser.add_subparsers(dest="sort", required=True, metavar="SORT")

    advertisement = sorts.add_parser("ble-adv", help="service data of an advertisement, behind its UUID")
    advertisement.add_argument(
        "--address", type=address, help="the sender, AA:BB:CC:DD:EE:FF; part of the nonce"
    )
    advertisement.add_argument("--uuid", type=uuid(bthome_frame.UUID), required=True, help="fcd2 (BTHome v2)")
    advertisement.add_argument(
        "--key", type=key, help="bind key in hex, 32 digits; plain frames are then refused"
    )
    add_hex(advertisement, "a frame; - reads one a line from standard input, and they share the counter")

    characteristic = sorts.add_parser("gatt", help="value of a characteristic")
    characteristic.add_argument("uuid", metavar="UUID", type=uuid(*GATT), help="one of " + ", ".join(GATT))
    add_hex(characteristic, "the value; - reads one a line from standard input")

    serial = sorts.add_parser("serial", help="a stream of a serial line, framing included")
    serial.add_argument(
        "protocol", choices=sorted(STREAMS), help="the open dispenser protocol, or the device's own"
    )
    add_stream(serial)

    driver = sorts.add_parser("driver", help="a stream of a serial line, read by the driver of a package")
    decode_driver.add_options(driver)
    add_stream(driver)

    for sort in (advertisement, characteristic, serial, driver):
        sort.add_argument("--json", action="store_true", help="output is JSON lines with and without this")
        sort.set_defaults(run=run, fail=sort.error)
    return parser


def add_stream(parser: argparse.ArgumentParser) -> None:
    """A stream, in hex or as a file."""
    add_hex(parser, "the stream; - reads all of standard input", count="*")
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="a file with the bytes themselves, as they were recorded"
    )


def add_hex(parser: argparse.ArgumentParser, text: str, count: str = "+") -> None:
    """The last argument: hex in any number of pieces, or `-`."""
    parser.add_argument("hex", metavar="HEX", nargs=count, help=text)


def address(text: str) -> bytes:
    """Six bytes with colons, in printed order."""
    if not re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected an address like AA:BB:CC:DD:EE:FF")
    return bytes.fromhex(text.replace(":", ""))


def key(text: str) -> bytes:
    """Sixteen bytes in hex. The text itself is not repeated: it is a secret."""
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        raise argparse.ArgumentTypeError(f"found {len(text)} characters, expected 32 hex digits")
    return bytes.fromhex(text)


def uuid(*known: str) -> Callable[[str], str]:
    """A UUID among `known`, short or written out, in its short form."""

    def convert(text: str) -> str:
        short = text.lower().removeprefix("0x").removesuffix(BASE_UUID)
        if len(short) == 8:
            short = short.removeprefix("0000")
        if short not in known:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected one of {', '.join(known)}")
        return short

    return convert


def run(options: argparse.Namespace) -> int:
    """Decode what `add_parser` described; the exit status."""
    decoders: dict[str, Callable[[argparse.Namespace], Decoder]] = {
        "ble-adv": BthomeFrames,
        "gatt": GattValues,
        "serial": SerialStream,
        "driver": DriverStream,
    }
    decoder = decoders[options.sort](options)
    inputs = decoder.from_input() if options.hex == ["-"] else iter([decoder.from_argument(options)])
    status = 0
    for data in inputs:
        if isinstance(data, DecodeError):
            status = write_refused(data)
            continue
        for line in decoder.decode(data):
            if isinstance(line, DecodeError):
                status = write_refused(line)
            else:
                write(line)
    return status


def parse_argument(options: argparse.Namespace) -> bytes:
    """Bytes of the command line; what is no hex is a wrong command line."""
    try:
        return parse_hex(" ".join(options.hex))
    except DecodeError as error:
        options.fail(str(error))
        raise


def parse_hex(text: str) -> bytes:
    """Bytes of hex with spaces between any digits.

    Raises:
        DecodeError: another character, or half a byte. The offset counts characters without spaces.
    """
    digits = "".join(text.split())
    wrong = re.search("[^0-9A-Fa-f]", digits)
    if wrong:
        raise DecodeError(
            f"found {wrong.group()!r} among the hex digits, expected 0 to 9 and a to f", wrong.start()
        )
    if len(digits) % 2:
        raise DecodeError(f"found {len(digits)} hex digits, expected two for each byte", len(digits))
    return bytes.fromhex(digits)


def read_lines() -> Iterator[str]:
    """Lines of standard input that hold something."""
    while line := sys.stdin.buffer.readline(LONGEST_LINE):
        text = line.decode("ascii", "replace").strip()
        if text:
            yield text


def write(line: dict[str, object]) -> None:
    """One line of output, at once: the other end may be waiting for it."""
    sys.stdout.write(dumps(line) + "\n")
    sys.stdout.flush()


def write_refused(error: DecodeError) -> int:
    """The line for a refused input, with the alarm in it that the hub delivers, if any; the exit status."""
    line: dict[str, object] = {}
    if isinstance(error, RefusedFrameError) and error.frame is not None:
        alarms = alarms_of(error.frame)
        if alarms:
            line = {"kind": "bthome.frame", "values": alarms, "provenance": error.provenance}
    write({**line, "error": error.reason, "offset": error.offset})
    return 1


def note(offset: int, text: str) -> None:
    """Something that was met and not read."""
    sys.stderr.write(f"trygg decode: {reworded(text)} (byte {offset})\n")


# --- inputs -------------------------------------------------------------------------------------------------------


class Decoder:
    """One sort of input; `decode` gives lines and refusals in order."""

    def from_argument(self, options: argparse.Namespace) -> bytes:
        """What the command line itself gives."""
        return parse_argument(options)

    def from_input(self) -> Iterator[bytes | DecodeError]:
        """Standard input as single inputs: one a line."""
        for text in read_lines():
            try:
                yield parse_hex(text)
            except DecodeError as error:
                yield error

    def decode(self, data: bytes) -> Iterator[dict[str, object] | DecodeError]:
        """What one input says."""
        raise DecodeError("no decoder", 0)


class BthomeFrames(Decoder):
    """BTHome frames of one sensor: one line a frame, its counter shared."""

    def __init__(self, options: argparse.Namespace) -> None:
        if options.key is not None and options.address is None:
            options.fail("--key needs --address: the sender's address is part of the nonce")
        self.address: bytes = options.address or b""
        self.cipher = AESCCM(options.key, tag_length=TAG_SIZE) if options.key is not None else None
        self.counter = -1

    def decode(self, data: bytes) -> Iterator[dict[str, object] | DecodeError]:
        try:
            frame = self.read(data)
        except DecodeError as error:
            yield error
            return
        for offset, text in frame.notes:
            note(offset, text)
        yield {"kind": "bthome.frame", "values": frame.values}

    def read(self, data: bytes) -> Frame:
        """The frame, if it is to be trusted."""
        header = bthome_frame.decode_header(data)
        if header.encrypted:
            return self.read_encrypted(data, header)
        frame = bthome_frame.decode_objects(data, header.offset)
        if self.cipher is not None:
            raise RefusedFrameError("a plain frame from a device that has a key", 0, UNAUTHENTICATED, frame)
        return frame

    def read_encrypted(self, data: bytes, header: Header) -> Frame:
        """Open a frame; its counter must rise. Offsets in its objects are those of the frame."""
        cipher = self.cipher
        if cipher is None:
            raise DecodeError("the frame is encrypted: give the device's key with --key", 0)
        try:
            objects = bthome_frame.open_frame(
                data, header, self.address, lambda nonce, text, tag: cipher.decrypt(nonce, text + tag, None)
            )
        except InvalidTag:
            text = "the tag does not hold: another key or address, or not from this device"
            raise DecodeError(text, len(data) - TAG_SIZE) from None
        frame = bthome_frame.decode_objects(data[: header.offset] + objects, header.offset)
        if header.counter <= self.counter:
            text = f"counter {header.counter} did not rise above {self.counter}"
            raise RefusedFrameError(text, len(data) - 2 * TAG_SIZE, REPLAY_SUSPECTED, frame)
        self.counter = header.counter
        return frame


def alarms_of(frame: Frame) -> dict[str, object]:
    """What of a refused frame the hub delivers: states of lane 0 that begin, and presses."""
    alarms: dict[str, object] = {}
    for name in frame.names:
        kinds = STATES.get(name) or STATES.get(base_of(name))
        if kinds is not None and kinds[2] and frame.values[name] is True:
            alarms[name] = True
    alarms.update(frame.presses)
    return alarms


class GattValues(Decoder):
    """Values of one characteristic."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.uuid: str = options.uuid

    def decode(self, data: bytes) -> Iterator[dict[str, object] | DecodeError]:
        try:
            observation = self.observe(data)
        except DecodeError as error:
            yield error
            return
        yield line_of(observation)

    def observe(self, data: bytes) -> Observation:
        """The value as the hub's own driver reads it."""
        if self.uuid in (plx.SPOT_CHECK, plx.CONTINUOUS):
            measurement = plx.decode_measurement(self.uuid, data)
            note_unread(measurement, data)
            return observation_of(measurement)
        if self.uuid in decode_health.MEASUREMENTS:
            measurement, observation = decode_health.MEASUREMENTS[self.uuid](data)
            note_unread(measurement, data)
            return observation
        if self.uuid in decode_health.FEATURES:
            return Observation("device.described", {"features": decode_health.FEATURES[self.uuid](data)})
        if self.uuid in decode_health.SHOWN:
            return decode_health.SHOWN[self.uuid](data)
        if self.uuid == plx.FEATURES:
            return Observation("device.described", decode_health.features_of(data))
        if self.uuid == battery.UUID:
            return Observation("battery.measured", {"battery_pct": battery.decode_battery_level(data)})
        return Observation("device.described", device_information.decode(self.uuid, data))


def note_unread(measurement: Measurement, data: bytes) -> None:
    """What of a measurement was met and not read."""
    if measurement.reserved_bits:
        note(0, f"reserved flag bits {measurement.reserved_bits:#04x} are not read")
    if measurement.trailing:
        offset = len(data) - measurement.trailing
        note(offset, f"{measurement.trailing} bytes behind the last field are not read")


class SerialStream(Decoder):
    """A recorded stream of a serial line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rows = self.reader(options)
        if bool(options.hex) == (options.file is not None):
            options.fail("give the stream in hex, or --file, and not both")

    def reader(self, options: argparse.Namespace) -> Callable[[bytes], Iterator[Observation | DecodeError]]:
        """What reads it."""
        return STREAMS[options.protocol]

    def from_argument(self, options: argparse.Namespace) -> bytes:
        """Hex, or the file that is named."""
        if options.file is None:
            return parse_argument(options)
        try:
            with Path(options.file).open("rb") as file:
                return file.read(LARGEST_FILE)
        except OSError as error:
            options.fail(f"{options.file} cannot be read: {error.strerror}")
            raise

    def from_input(self) -> Iterator[bytes | DecodeError]:
        """All of standard input is one stream."""
        try:
            yield parse_hex(sys.stdin.buffer.read().decode("ascii", "replace"))
        except DecodeError as error:
            yield error

    def decode(self, data: bytes) -> Iterator[dict[str, object] | DecodeError]:
        for found in self.rows(data):
            yield found if isinstance(found, DecodeError) else line_of(found)


class DriverStream(SerialStream):
    """The same, read by the driver of a package."""

    def reader(self, options: argparse.Namespace) -> Callable[[bytes], Iterator[Observation | DecodeError]]:
        try:
            return decode_driver.PackageStream(options.name, options.package).rows
        except ContractError as error:
            options.fail(error.reason)
            raise


def line_of(observation: Observation) -> dict[str, object]:
    """`{"kind": ..., "values": {...}}`; the device's own stamp stands among the values."""
    values = dict(observation.values)
    stamp = observation.device_time
    if stamp is not None:
        values["timestamp"] = stamp.raw
        values["clock_not_set"] = stamp.clock == CLOCK_NOT_SET
    return {"kind": observation.kind, "values": values}
