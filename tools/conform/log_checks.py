"""Checks of the log's transport: sections 5 and 6 of docs/protocols/dispenser.md."""

from itertools import pairwise

from gateway.core.devices.dispenser_messages import (
    ACK,
    AGAIN,
    ENTRY,
    LOG_FROM,
    LOG_STATE,
    OUT_OF_RANGE,
    UNKNOWN_LOG,
)
from tools.conform.device import PAGE_MS, WINDOW, Device, FailedError, UntestedError
from tools.conform.talk import Heard, is_error, numbers_of

RETRIES_MS = (500, 1000, 2000, 4000, 8000, 8000)
TOLERANCE_PARTS, TOLERANCE_MS = (
    5,
    150,
)  # of a repetition: a fifth, and what a line and an operating system add
STRANGE_LOG = b"\xa5" * 8
BEYOND = 1000


def log_from(device: Device) -> None:
    """What is asked for comes, from where it was asked for."""
    start = device.fill()
    before = len(device.talk.heard)
    answer = device.ask_from(start)
    if answer is None or answer.frame.type != LOG_STATE:
        raise FailedError("no_log_state")
    device.talk.listen(PAGE_MS)
    heard = device.talk.heard[before:]
    numbers = numbers_of(heard[heard.index(answer) :])
    if not numbers:
        raise FailedError("no_entries", number=start)
    if numbers[0] != start:
        raise FailedError("wrong_start", number=start, found=numbers[0])


def order(device: Device) -> None:
    """D4: one number after the other."""
    start = device.fill()
    numbers = device.page(start)
    if not numbers:
        raise FailedError("no_entries", number=start)
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise FailedError("not_in_order", found=short(numbers))


def short(numbers: list[int]) -> str:
    """A few numbers."""
    return ", ".join(str(number) for number in numbers[:8])


def window(device: Device) -> None:
    """D10: no more than four wait for an acknowledgement."""
    start = device.fill()
    numbers = set(device.page(start, 4000))
    if len(numbers) > WINDOW:
        raise FailedError("too_many", count=len(numbers))


def sendings(device: Device) -> list[Heard]:
    """Every sending of the first entry that comes, over the whole row of repetitions."""
    start = device.fill()
    before = len(device.talk.heard)
    if device.ask_from(start) is None:
        raise FailedError("no_log_state")
    device.talk.listen(sum(RETRIES_MS) + 2000)
    heard = device.talk.heard[before:]
    began = next(at for at, one in enumerate(heard) if one.frame.type == LOG_STATE)
    entries = [one for one in heard[began:] if one.frame.type == ENTRY and one.fields]
    if not entries:
        raise FailedError("no_entries", number=start)
    return [one for one in entries if one.fields["number"] == entries[0].fields["number"]]


def resend(device: Device) -> None:
    """D11: again after 0.5, 1, 2, 4 and 8 s, and then each 8 s, for ever."""
    device.row = sendings(device)  # the next check looks at the same
    times = [one.at_ms for one in device.row]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    for gap_ms, asked_ms in zip(gaps, RETRIES_MS, strict=False):
        if abs(gap_ms - asked_ms) > asked_ms // TOLERANCE_PARTS + TOLERANCE_MS:
            raise FailedError("wrong_pace", gap_ms=gap_ms, asked_ms=asked_ms)
    if len(gaps) < len(RETRIES_MS):
        raise FailedError("gave_up", count=len(gaps), expected=len(RETRIES_MS))


def again_flag(device: Device) -> None:
    """D11: what was sent before says so, and what was not does not."""
    row = device.row or sendings(device)
    flags = [bool(one.frame.flags & AGAIN) for one in row]
    if len(flags) < 2:
        raise UntestedError("no_repetition")
    if flags != [False] + [True] * (len(flags) - 1):
        raise FailedError("wrong_flag")


def not_ack(device: Device) -> None:
    """D12: asking from a number on does not say that what stands before it is stored."""
    start = device.fill()
    device.ask_from(start + 2)
    device.talk.listen(PAGE_MS)
    acknowledged = device.stand()["acknowledged"]
    if acknowledged >= start:
        raise FailedError("log_from_acknowledged", number=acknowledged)


def acknowledge(device: Device) -> None:
    """What is acknowledged is remembered, is not sent again, and makes room for what comes after."""
    start = device.fill()
    newest = max(device.page(start), default=start)
    before = len(device.talk.heard)
    device.acknowledge(start + 1)
    heard = device.talk.listen(PAGE_MS)
    acknowledged = device.stand()["acknowledged"]
    if acknowledged != start + 1:
        raise FailedError("not_acknowledged", number=start + 1, found=acknowledged)
    if device.talk.standing["newest"] > newest and max(numbers_of(heard), default=0) <= newest:
        raise FailedError("does_not_go_on", number=newest + 1)
    device.talk.listen(2000)
    again = [number for number in numbers_of(device.talk.heard[before + len(heard) :]) if number < start + 2]
    if again:
        raise FailedError("sent_after_ack", number=again[0])


def foreign_log(device: Device) -> None:
    """D13: another log's numbers mean nothing here."""
    start = device.fill()
    for kind in (ACK, LOG_FROM):
        answer = device.talk.ask(kind, {"log_id": STRANGE_LOG, "number": start})
        if not is_error(answer, UNKNOWN_LOG):
            raise FailedError("foreign_taken", kind=name_of(kind))
    if device.stand()["acknowledged"] >= start:
        raise FailedError("foreign_counted")


def out_of_range(device: Device) -> None:
    """D13: what does not exist was not stored by anybody."""
    start = device.fill()
    newest = device.stand()["newest"]
    for kind, number in ((ACK, newest + BEYOND), (LOG_FROM, newest + 1 + BEYOND)):
        answer = device.talk.ask(kind, {"log_id": device.log_id, "number": number})
        if not is_error(answer, OUT_OF_RANGE):
            raise FailedError("beyond_taken", kind=name_of(kind), number=number)
    if device.stand()["acknowledged"] >= start:
        raise FailedError("beyond_counted")


def name_of(kind: int) -> str:
    """A command as the specification calls it."""
    return {ACK: "ack", LOG_FROM: "log_from"}[kind]
