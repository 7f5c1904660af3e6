"""Every check in its order against one device, and what came of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.conform import dose_checks, line_checks, log_checks
from tools.conform.device import Device, FailedError, UntestedError
from tools.conform.line import Line
from tools.conform.talk import Talk

PASSED, FAILED, UNTESTED = "pass", "fail", "not_tested"


@dataclass(frozen=True)
class Check:
    """One row of the report. requirement: of the specification, a number or a section. run: None where every frame of the whole run is the test, or a person is."""

    name: str
    requirement: str
    run: Callable[[Device], None] | None = None
    by_hand: bool = False


@dataclass(frozen=True)
class Result:
    """What came of one check: a verdict, and why where it did not pass."""

    check: Check
    verdict: str
    reason: str = ""
    values: dict[str, Any] = field(default_factory=dict)


CHECKS = (
    Check("hello", "4", line_checks.hello),
    Check("other_version", "3", line_checks.other_version),
    Check("growth", "3", line_checks.growth),
    Check("unreadable", "3", line_checks.unreadable),
    Check("noise", "3", line_checks.noise),
    Check("error_quiet", "3", line_checks.error_quiet),
    Check("resync", "3", line_checks.resync),
    Check("pieces", "3", line_checks.pieces),
    Check("unknown_inert", "D1", line_checks.unknown_inert),
    Check("unknown_error", "D1", line_checks.unknown_error),
    Check("identify", "9", line_checks.identify),
    Check("set_time", "D22", line_checks.set_time),
    Check("log_from", "4", log_checks.log_from),
    Check("order", "D4", log_checks.order),
    Check("window", "D10", log_checks.window),
    Check("resend", "D11", log_checks.resend),
    Check("again_flag", "D11", log_checks.again_flag),
    Check("not_ack", "D12", log_checks.not_ack),
    Check("foreign_log", "D13", log_checks.foreign_log),
    Check("out_of_range", "D13", log_checks.out_of_range),
    Check("acknowledge", "6", log_checks.acknowledge),
    Check("entry_fields", "7", dose_checks.entry_fields),
    Check("states", "D15", dose_checks.states),
    Check("dose_ids", "D16", dose_checks.dose_ids),
    Check("dose_planned", "D17", dose_checks.dose_planned),
    Check("dose_outcome", "D18", dose_checks.dose_outcome),
    Check("dose_once", "D19", dose_checks.dose_once),
    Check("dose_clock", "D21", dose_checks.dose_clock),
    Check("beat", "D23", line_checks.beat),
    Check("power_boot", "D2", line_checks.power_boot),
    Check("power_log", "D8", line_checks.power_log),
    Check("frames", "3"),
    Check("payloads", "3"),
    Check("boot_id", "D2"),
    Check("log_id", "D3"),
    Check("numbers", "D5"),
    Check("uptime", "4"),
    Check("unchanged", "D14"),
    Check("new_log", "D6", by_hand=True),
    Check("moved", "D7", by_hand=True),
    Check("room", "D9", by_hand=True),
    Check("power_dose", "D20", by_hand=True),
)
FIRST = "hello"


def conform(line: Line, tell: Callable[[Result], None] = lambda result: None) -> list[Result]:
    """Run everything; `tell` hears each result as it comes. Where nobody answers, nothing else can be tested."""
    device = Device(line)
    results: list[Result] = []
    for check in CHECKS:
        silent = bool(results) and results[0].verdict == FAILED
        result = Result(check, UNTESTED, "no_hello") if silent else result_of(check, device)
        results.append(result)
        tell(result)
    return results


def result_of(check: Check, device: Device) -> Result:
    """One check."""
    if check.by_hand:
        return Result(check, UNTESTED, "by_hand")
    if check.run is None:
        return of_all_frames(check, device.talk)
    try:
        check.run(device)
    except FailedError as error:
        return Result(check, FAILED, error.reason, error.values)
    except UntestedError as error:
        return Result(check, UNTESTED, error.reason)
    return Result(check, PASSED)


def of_all_frames(check: Check, talk: Talk) -> Result:
    """What must hold of every frame of the run."""
    found = talk.wrong.get(check.name, [])
    if check.name == "frames" and talk.zeros < 2 * talk.frames:
        return Result(check, FAILED, "zeros_lacking", {"zeros": talk.zeros, "frames": talk.frames})
    if found:
        return Result(check, FAILED, "seen", {"what": "; ".join(found)})
    return Result(check, PASSED)


def failed(results: list[Result]) -> list[Result]:
    """What the device must still do."""
    return [result for result in results if result.verdict == FAILED]
