"""Every check of a driver in a package of its own, in their order: what it is, what it makes of its examples, and of anything else."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.core import registry
from gateway.core.devices.contract import check_declaration, check_reading
from gateway.core.devices.driver import Driver, Reading
from gateway.core.errors import ContractError
from tools.conform import driver_source
from tools.conform.device import FailedError, UntestedError
from tools.conform.driver_feed import Feed, Row, folder_of, print_of, rows_of, size_of, told
from tools.conform.run import FAILED, PASSED, UNTESTED, Check, Result

SEED = "trygg conform driver 1"
INPUTS = 3_000
LONGEST = 600
MOST_HELD = 64 * 1024  # bytes that a driver may hold, whatever it has heard
ENDLESS = 1 << 20  # bytes without an end, for a driver that waits for one
SLOWEST_S = 0.1  # of the processor, for one call
DAY_MS = 86_400_000
EDGES = (0x00, 0x01, 0x0A, 0x0D, 0x24, 0x2A, 0x7F, 0x80, 0xFE, 0xFF)


class Case:
    """The driver under test, its examples (None: those of its package), and how many changed ones it is given."""

    def __init__(
        self, kind: type[Driver], name: str, rows: list[Row] | None = None, inputs: int = INPUTS
    ) -> None:
        self.kind = kind
        self.name = name
        self.given = rows
        self.inputs = inputs

    @property
    def rows(self) -> list[Row]:
        """Its examples. Raises FailedError."""
        if self.given is None:
            try:
                self.given = rows_of(self.kind)
            except ValueError as error:
                raise FailedError("no_examples", what=str(error)) from error
        if not self.given:
            raise FailedError("no_examples", what="[]")
        return self.given

    def feed(self, **settings: Any) -> Feed:
        """A new device, begun."""
        feed = Feed(self.kind, **settings)
        for _ in feed.begin():
            pass
        return feed


def declaration(case: Case) -> None:
    """What it says of itself."""
    try:
        check_declaration(case.kind, case.name)
    except ContractError as error:
        raise FailedError("contract", what=error.reason) from error


def source(case: Case) -> None:
    """Nothing that a decoder does not need."""
    found = list(driver_source.wrong_in(driver_source.modules_of(folder_of(case.kind))))
    if found:
        raise FailedError("impure", what="; ".join(found[:5]))


def compiles(case: Case) -> None:
    """The compiler of MicroPython takes it."""
    if not driver_source.can_compile():
        raise UntestedError("no_compiler")
    with tempfile.TemporaryDirectory(prefix="trygg-conform-") as folder:
        modules = driver_source.modules_of(folder_of(case.kind))
        found = list(driver_source.uncompiled(modules, Path(folder)))
    if found:
        raise FailedError("uncompiled", what="; ".join(found[:3]))


def examples(case: Case) -> None:
    """Each example tells what it says, on a device of its own."""
    for row in case.rows:
        found = told(case.feed().hear(row.data, row.where))
        if found != list(row.kinds):
            raise FailedError("example", name=row.name, found=words(found), expected=words(row.kinds))


def words(kinds: Any) -> str:
    """Kinds in one text."""
    return ", ".join(kinds) or "–"


def covered(case: Case) -> None:
    """Every kind that it declares has an example."""
    lacking = sorted(set(case.kind.kinds) - {kind for row in case.rows for kind in row.kinds})
    if lacking:
        raise FailedError("uncovered", what=", ".join(lacking))


def mutated(numbers: random.Random, rows: list[Row]) -> tuple[bytes, str]:
    """An example with some changes, or nothing but chance; where it comes from stays true."""
    row = numbers.choice(rows)
    if numbers.random() < 0.15:
        return numbers.randbytes(numbers.randrange(60)), row.where
    data = bytearray(row.data)
    for _ in range(numbers.choice((1, 1, 2, 3, 5))):
        at = numbers.randrange(len(data) + 1)
        change = numbers.randrange(5)
        if change == 0 and data:
            data[at % len(data)] ^= 1 << numbers.randrange(8)
        elif change == 1 and data:
            data[at % len(data)] = numbers.choice(EDGES)
        elif change == 2:
            data[at:at] = numbers.randbytes(numbers.randrange(1, 5))
        elif change == 3:
            del data[at : at + numbers.randrange(1, 5)]
        else:
            data[at:at] = numbers.choice(rows).data
    return bytes(data[:LONGEST]), row.where


def inputs(case: Case) -> Iterator[tuple[bytes, str]]:
    """Each example, some beginnings of it, then changed ones."""
    for row in case.rows:
        for length in {0, 1, len(row.data) // 2, len(row.data) - 1, len(row.data)}:
            yield row.data[: max(0, length)], row.where
    numbers = random.Random(SEED)
    for _ in range(case.inputs):
        yield mutated(numbers, case.rows)


def readings(case: Case) -> Iterator[tuple[bytes, Reading]]:
    """What comes of all inputs on one device that lives on. Raises FailedError where the driver raises."""
    data = b""
    try:
        feed = case.feed()
        for number, (data, where) in enumerate(inputs(case)):
            for reading in feed.hear(data, where):
                yield data, reading
            if number % 100 == 0:
                for reading in feed.wait(DAY_MS):
                    yield data, reading
    except FailedError:
        raise
    except Exception as error:
        raise FailedError(
            "raised", error=type(error).__name__, text=str(error)[:80], hex=data.hex()
        ) from error


def garbage(case: Case) -> None:
    """Whatever comes, it raises nothing."""
    for _ in readings(case):
        pass


def lanes(case: Case) -> None:
    """It tells nothing but what it declared: no measuring device sounds a fire alarm, and no driver speaks for the hub."""
    for data, reading in readings(case):
        for observation in reading.observations:
            if observation.kind not in case.kind.kinds:
                row = registry.KINDS.get(observation.kind)
                lane = "–" if row is None else str(row[1])
                raise FailedError("undeclared", kind=observation.kind, lane=lane, hex=data.hex())


def kept(case: Case) -> None:
    """Every reading can be stored and sent as it is."""
    for data, reading in readings(case):
        try:
            check_reading(reading, case.kind)
        except ContractError as error:
            raise FailedError("reading", what=error.reason, hex=data.hex()) from error


def pieces(case: Case) -> None:
    """A line brings bytes in any pieces."""
    if case.kind.transport != "serial":
        raise UntestedError("no_line")
    for row in case.rows:
        feed = case.feed()
        found = [kind for byte in row.data for kind in told(feed.hear(bytes([byte])))]
        if found != list(row.kinds):
            raise FailedError("example", name=row.name, found=words(found), expected=words(row.kinds))


def resync(case: Case) -> None:
    """Behind garbage one frame may be lost, and no more."""
    if case.kind.transport != "serial":
        raise UntestedError("no_line")
    numbers = random.Random(SEED)
    telling = [row for row in case.rows if row.kinds]
    for row in telling:
        feed = case.feed()
        for _ in feed.hear(numbers.randbytes(200)):
            pass
        lost = [kind for again in (row, row) for kind in told(feed.hear(again.data))]
        if not set(row.kinds) <= set(lost):
            raise FailedError("no_resync", name=row.name)


def same(case: Case) -> None:
    """The same bytes at the same times are the same readings."""
    first, second = ([print_of(reading) for _, reading in readings(case)] for _ in range(2))
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            raise FailedError("differs", number=number)
    if len(first) != len(second):
        raise FailedError("differs", number=min(len(first), len(second)))


def bounded(case: Case) -> None:
    """What it holds does not grow with what it heard."""
    feed = case.feed()
    for data, where in inputs(case):
        for _ in feed.hear(data, where):
            pass
    first = case.rows[0]
    middle = first.data[: max(1, len(first.data) // 2)]
    for _ in feed.hear(middle + bytes([0x41]) * ENDLESS, first.where):
        pass
    size = size_of(vars(feed.driver), set())
    if size > MOST_HELD:
        raise FailedError("grows", size=size, most=MOST_HELD)


def once(case: Case) -> None:
    """A record that is read again is the same record: what was stored is not told as another event."""
    for row in case.rows:
        feed = case.feed()
        first = [each for reading in feed.hear(row.data, row.where) for each in reading.observations]
        again = [each for reading in feed.hear(row.data, row.where) for each in reading.observations]
        for before, after in zip(first, again, strict=False):
            if before.record != after.record:
                raise FailedError("twice", name=row.name)


def restart(case: Case) -> None:
    """A store that was damaged, or is of another version, stops nothing."""
    feed = case.feed()
    for row in case.rows:
        for _ in feed.hear(row.data, row.where):
            pass
    numbers = random.Random(SEED)
    for key, item in sorted(feed.stored.items()):
        for broken in (b"", item[:-1], item + b"\x00", numbers.randbytes(len(item)), b"\xff" * 40):
            try:
                after = case.feed(stored={**feed.stored, key: broken})
                for row in case.rows:
                    for _ in after.hear(row.data, row.where):
                        pass
            except Exception as error:
                raise FailedError("state", key=key, error=type(error).__name__) from error


def no_clock(case: Case) -> None:
    """The hub may not know the time, for hours, and then know it."""
    try:
        feed = case.feed(utc_ms=None)
        for row in case.rows:
            for _ in feed.hear(row.data, row.where):
                pass
        feed.utc_ms = 1
        for row in case.rows:
            for _ in feed.hear(row.data, row.where):
                pass
    except Exception as error:
        raise FailedError("raised", error=type(error).__name__, text=str(error)[:80], hex="–") from error


def pace(case: Case) -> None:
    """No input keeps the hub from its other devices."""
    for data, where in [*inputs(case), (case.rows[0].data * 100, case.rows[0].where), (bytes(65_536), "")]:
        slow = took_s(case, data, where)
        if slow > SLOWEST_S:  # the first may have paid for something else
            slow = min(took_s(case, data, where) for _ in range(3))
        if slow > SLOWEST_S:
            raise FailedError("slow", ms=int(1000 * slow), hex=data[:40].hex())


def took_s(case: Case, data: bytes, where: str) -> float:
    """Seconds of the processor for one input on a new device."""
    feed = case.feed()
    began_s = time.thread_time()
    for _ in feed.hear(data, where):
        pass
    return time.thread_time() - began_s


def options(case: Case) -> None:
    """Options that nobody expected are answered in words."""
    tried: tuple[dict[str, Any], ...] = (
        {},
        {"x": 1},
        dict.fromkeys(case.kind.option_names, "?"),
        dict.fromkeys(case.kind.option_names, 0),
    )
    for given in tried:
        try:
            found: Any = case.kind.wrong_option(given)
        except Exception as error:
            raise FailedError("raised", error=type(error).__name__, text=str(error)[:80], hex="–") from error
        if found is not None and not (isinstance(found, tuple) and len(found) == 2):
            raise FailedError("contract", what="wrong_option")


RUNS: tuple[tuple[str, Callable[[Case], None]], ...] = (
    ("declaration", declaration),
    ("source", source),
    ("compiles", compiles),
    ("examples", examples),
    ("covered", covered),
    ("garbage", garbage),
    ("lanes", lanes),
    ("kept", kept),
    ("pieces", pieces),
    ("resync", resync),
    ("same", same),
    ("bounded", bounded),
    ("once", once),
    ("restart", restart),
    ("no_clock", no_clock),
    ("pace", pace),
    ("options", options),
)
# Checks without which nothing else can be asked.
NEEDED = ("declaration", "examples")


def conform(case: Case, tell: Callable[[Result], None] = lambda result: None) -> list[Result]:
    """Every check; `tell` hears each result as it comes."""
    results: list[Result] = []
    for name, run in RUNS:
        check = Check(name, "")
        stopped = any(each.check.name in NEEDED and each.verdict == FAILED for each in results)
        result = Result(check, UNTESTED, "stopped") if stopped else result_of(check, run, case)
        results.append(result)
        tell(result)
    return results


def result_of(check: Check, run: Callable[[Case], None], case: Case) -> Result:
    """One check. What a driver raises outside the checks that look for it is a failure of that check all the same."""
    try:
        run(case)
    except FailedError as error:
        return Result(check, FAILED, error.reason, error.values)
    except UntestedError as error:
        return Result(check, UNTESTED, error.reason)
    except Exception as error:  # noqa: BLE001  it is not our code
        return Result(
            check, FAILED, "raised", {"error": type(error).__name__, "text": str(error)[:80], "hex": "–"}
        )
    return Result(check, PASSED)
