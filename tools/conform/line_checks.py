"""Checks of frames, versions, errors and commands: sections 3, 4 and 9 of docs/protocols/dispenser.md."""

from itertools import pairwise
from random import Random

from gateway.core import cbor
from gateway.core.crc import with_crc32
from gateway.core.devices.dispenser_messages import (
    BAD_PAYLOAD,
    BEAT,
    COMMANDS,
    DESCRIPTION,
    DONE,
    ERROR,
    HELLO,
    IDENTIFY,
    REFUSED,
    SET_TIME,
    UNKNOWN_TYPE,
    VERSION,
    WRONG_VERSION,
    encode_payload,
)
from gateway.core.framing import cobs
from tools.conform.device import UNCERTAINTY_MS, Device, FailedError, UntestedError
from tools.conform.talk import Heard, Talk, is_error

QUIET_MS = 700  # in which whoever answers noise has answered
HELLO_FIELDS: dict[str, object] = {"versions": [VERSION, VERSION]}
OF_DEVICE = range(0x41, 0x46)  # types that section 4 has, in the other direction
BATCH = 8  # requests that are put to a device at once
LATE_PARTS, LATE_MS = 10, 300  # how much later than announced a beat may come
OFF_MS = 5000
START_MS = 120_000  # in which a device has started
SEED = 417


def hello(device: Device) -> None:
    """Nothing else can be tested of a device that does not answer this."""
    answer = device.hello()
    if answer is None:
        raise FailedError("no_description")
    if not answer.fields:
        raise FailedError("description_unreadable")
    lowest, highest = answer.fields["versions"]
    if not lowest <= VERSION <= highest:
        raise FailedError("versions_without_1", lowest=lowest, highest=highest)


def other_version(device: Device) -> None:
    """A gateway of another version learns which versions the device speaks."""
    talk = device.talk
    for version in (2, 255):
        raw = cobs.decode(talk.frame(HELLO, encode_payload(HELLO, HELLO_FIELDS)).strip(b"\x00"))
        changed = with_crc32(bytes([version]) + raw[1:-4])
        before = len(talk.heard)
        talk.line.send(cobs.DELIMITER + cobs.encode(changed) + cobs.DELIMITER)
        talk.listen(QUIET_MS)
        errors = [one for one in talk.heard[before:] if is_error(one, WRONG_VERSION)]
        if not errors:
            raise FailedError("no_version_error", version=version)
        if "versions" not in errors[0].fields or errors[0].frame.is_answer:
            raise FailedError("version_error_bare")


def unknown_types() -> list[int]:
    """Every type that version 1 does not have."""
    known = {*COMMANDS.values(), *OF_DEVICE, ERROR}
    return [kind for kind in range(256) if kind not in known]


def unknown_error(device: Device) -> None:
    """Whatever a later or a foreign gateway asks for is refused in words."""
    kinds = unknown_types()
    for at in range(0, len(kinds), BATCH):
        asked = {send_unknown(device.talk, kind): kind for kind in kinds[at : at + BATCH]}
        for seq, kind in asked.items():
            answer = answer_among(device.talk, seq)
            if not is_error(answer, UNKNOWN_TYPE):
                raise FailedError("no_unknown_error", kind=f"{kind:#04x}")


def send_unknown(talk: Talk, kind: int) -> int:
    """A frame of a type that is not there, with a dose in it for whoever would understand one."""
    talk.line.send(talk.frame(kind, cbor.encode({1: 1})))
    return talk.seq


def answer_among(talk: Talk, seq: int) -> Heard | None:
    """The answer to that number, where it came already or comes."""
    for one in reversed(talk.heard):
        if one.frame.is_answer and one.frame.seq == seq:
            return one
    return talk.answer_to(seq)


def unknown_inert(device: Device) -> None:
    """D1, from the log: no dose event may come of it."""
    before = device.stand()["newest"]
    heard = len(device.talk.heard)
    for kind in unknown_types():
        send_unknown(device.talk, kind)
        device.talk.listen(5)
    device.talk.listen(QUIET_MS)
    if any(one.frame.type == DONE for one in device.talk.heard[heard:]):
        raise FailedError("unknown_done")
    at, newest = before + 1, device.stand()["newest"]
    while at <= newest:
        came = device.page(at)
        at = max([at, *came]) + 1
    for number, entry in device.remembered().items():
        if number > before and entry["event"] <= 6:
            raise FailedError("unknown_moved", event=entry["event"])


def unreadable(device: Device) -> None:
    """What is no payload of version 1 is refused in words."""
    good = encode_payload(HELLO, HELLO_FIELDS)
    for what, payload in (
        ("a key that must be there is missing", b"\xa0"),
        ("unknown key 5", cbor.encode({1: [1, 1], 5: 1})),
        ("a byte after the map", good + b"\x00"),
        ("no map", b"\x01"),
        ("a number that is not in its shortest form", b"\xa1\x01\x82\x18\x01\x01"),
    ):
        if not is_error(device.talk.ask_raw(HELLO, payload), BAD_PAYLOAD):
            raise FailedError("no_payload_error", what=what)


def growth(device: Device) -> None:
    """What a later version adds does no harm."""
    payload = cbor.encode({1: [1, 1], 24: "later", 1000: [1]})
    answer = device.talk.ask_raw(HELLO, payload, flags=0xF8)
    if answer is None or answer.frame.type != DESCRIPTION:
        raise FailedError("no_growth")


def noise(device: Device) -> None:
    """What is not a whole frame is not answered."""
    talk = device.talk
    good = talk.frame(HELLO, encode_payload(HELLO, HELLO_FIELDS))
    flipped = good[:-2] + bytes([good[-2] ^ 1 or 2]) + good[-1:]
    numbers = Random(SEED)
    blur = bytes(numbers.randrange(1, 256) for _ in range(40))
    before = len(talk.heard)
    for data in (flipped, good[:9] + b"\x00", b"\x00" + blur + b"\x00", b"\x00\x02\x07\x00"):
        talk.line.send(data)
        talk.listen(QUIET_MS)
    if any(one.frame.type == ERROR or one.frame.is_answer for one in talk.heard[before:]):
        raise FailedError("noise_answered")


def error_quiet(device: Device) -> None:
    """Two sides that answer errors with errors never stop."""
    before = len(device.talk.heard)
    device.talk.command(ERROR, {"code": REFUSED})
    device.talk.command(ERROR, {"code": 99})
    device.talk.listen(QUIET_MS)
    if any(one.frame.type == ERROR or one.frame.is_answer for one in device.talk.heard[before:]):
        raise FailedError("error_answered")


def resync(device: Device) -> None:
    """After any garbage the next frame counts."""
    numbers = Random(SEED + 1)
    good = encode_payload(HELLO, HELLO_FIELDS)
    for size in (1, 30, 300, 5000):
        garbage = bytes(numbers.randrange(1, 256) for _ in range(size))
        device.line.send(garbage)
        device.talk.line.send(device.talk.frame(HELLO, good))
        if device.talk.answer_to(device.talk.seq) is None:
            raise FailedError("no_resync", size=size)


def pieces(device: Device) -> None:
    """A frame is a frame in whatever pieces a line hands it over, and two may come together."""
    talk = device.talk
    good = encode_payload(HELLO, HELLO_FIELDS)
    for byte in talk.frame(HELLO, good):
        talk.line.send(bytes([byte]))
        talk.listen(2)
    if answer_among(talk, talk.seq) is None:
        raise FailedError("no_pieces")
    together = talk.frame(HELLO, good) + talk.frame(HELLO, good)
    talk.line.send(together)
    if answer_among(talk, talk.seq - 1) is None or answer_among(talk, talk.seq) is None:
        raise FailedError("no_together")


def identify(device: Device) -> None:
    """Done where it can, refused where it cannot; nothing of it outside 1 to 60 s."""
    answer = device.talk.ask(IDENTIFY, {"seconds": 1})
    if device.can("identify"):
        if answer is None or answer.frame.type != DONE or answer.fields.get("type") != IDENTIFY:
            raise FailedError("not_identified")
    elif not is_error(answer, REFUSED):
        raise FailedError("not_refused")
    if not is_error(device.talk.ask_raw(IDENTIFY, cbor.encode({1: 61})), BAD_PAYLOAD):
        raise FailedError("no_payload_error", what="61 seconds")


def set_time(device: Device) -> None:
    """An offer that is taken is logged, and the clock then is what was offered."""
    fields = {"utc_ms": device.line.utc_ms(), "uncertainty_ms": UNCERTAINTY_MS}
    before = device.stand()["newest"]
    answer = device.talk.ask(SET_TIME, fields)
    if is_error(answer, REFUSED):
        return  # it has a better clock, or none that can be set
    if answer is None or answer.frame.type != DONE or answer.fields.get("type") != SET_TIME:
        raise FailedError("set_time_unanswered")
    if not device.can("set_time"):
        raise FailedError("set_time_unannounced")
    standing = device.stand()
    off_ms = abs(standing.get("utc_ms", 0) - device.line.utc_ms())
    if standing["clock"] != 1 or off_ms > OFF_MS:
        raise FailedError("set_time_without_effect")
    device.page(max(1, before))
    rows = [entry for number, entry in device.remembered().items() if number > before]
    if not any(entry["event"] == 29 and entry.get("cause") == 34 for entry in rows):
        raise FailedError("set_time_not_logged")


def beat(device: Device) -> None:
    """A sign of life as often as announced, whatever else it does."""
    period_ms = 1000 * device.described["beat_s"]
    allowed_ms = period_ms + period_ms // LATE_PARTS + LATE_MS
    began_ms = device.line.now_ms()
    heard = device.talk.listen(2 * allowed_ms)
    times = [began_ms, *(one.at_ms for one in heard if one.frame.type == BEAT)]
    if len(times) == 1:
        raise FailedError("no_beat", seconds=2 * allowed_ms // 1000)
    longest = max(later - earlier for earlier, later in pairwise(times))
    if longest > allowed_ms or device.line.now_ms() - times[-1] > allowed_ms:
        raise FailedError("late_beat", longest_ms=longest, beat_s=device.described["beat_s"])


def power_boot(device: Device) -> None:
    """D2, and the description that each start sends unasked."""
    if not device.line.has_power:
        raise UntestedError("no_power")
    device.read_log()
    boot, before = device.talk.boot, len(device.talk.heard)
    device.line.cut_power()
    device.talk.began_again()
    end_ms = device.line.now_ms() + START_MS
    told: list[Heard] = []
    while not told and device.line.now_ms() < end_ms:
        device.talk.listen(500)
        told = [one for one in device.talk.heard[before:] if one.frame.type == DESCRIPTION]
    if not told:
        raise FailedError("no_start")
    device.talk.boot = told[-1].frame.boot
    if device.talk.boot == boot:
        raise FailedError("same_boot", boot=f"{boot:08x}")


def power_log(device: Device) -> None:
    """D5, D8: what was written before the power went is there after it, under its numbers."""
    if not device.line.has_power:
        raise UntestedError("no_power")
    before = device.remembered()
    log_id = device.log_id
    standing = device.stand()
    if standing["log_id"] != log_id:
        raise FailedError("log_replaced")
    if standing["newest"] < max(before, default=0):
        raise FailedError("log_lost", newest=standing["newest"], before=max(before))
    device.log = None
    device.read_log()
