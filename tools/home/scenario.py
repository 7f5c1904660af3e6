"""Scenarios: what stands in a home, what happens in it and when, as TOML that a rig could play as well.

[home]            name, time_zone, clock (local time of day at the start; without it the real time), seconds (how long it
                  takes to tell itself, 40 where nothing is said)
[[peripheral]]    name, kind (contact, smoke, oximeter, dispenser, tag, cuff, thermometer, scale, glucose, nonin, serial_oximeter, enocean_smoke,
                  enocean_contact, enocean_handle), room, address, and the kind's own keys; `seed`, `flipped`, `lost` and `burst` make the
                  line of a serial_oximeter noisy, and of the first enocean_ kind that of their transceiver
[[act]]           at_s, peripheral, do, and the act's own keys; `every_s` repeats it
[[fault]]         at_s, do (broker.stop, hub.kill), for_s: played by whoever runs broker and hub
[[rule]]          goes to the gateway's configuration as it stands
[expect]          what must arrive in `seconds`: personal_alarms (incidents), kinds (of alarms that are among them), over
                  (true: the end of every one is seen), faults (kinds of technical faults, one entry for each, no others)
[[expect.measured]]  device, kind, and values in their digits, as text: each must arrive, and of the devices that are
                  named here nothing else may
[expect.doses]    device, planned (how many doses, numbered from 1), wrong_time (their numbers), and [expect.doses.missed]:
                  number = seconds after the end of its window in which it must be told. All others are collected
"""

import datetime as dt
import heapq
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.errors import ConfigError
from gateway.core.registry import KINDS as EVENT_KINDS
from gateway.core.registry import VALUES
from hal.types import ALARM, MEASUREMENT, TECHNICAL

FOLDER = Path(__file__).parent / "scenarios"
KINDS = (
    "contact",
    "smoke",
    "oximeter",
    "dispenser",
    "tag",
    "cuff",
    "thermometer",
    "scale",
    "glucose",
    "nonin",
    "serial_oximeter",
    "enocean_smoke",
    "enocean_contact",
    "enocean_handle",
)
ON_CABLES = ("dispenser", "serial_oximeter")  # without an address
FAULTS = ("broker.stop", "hub.kill")
OF_PERIPHERAL = ("name", "kind", "room", "address", "interval_s", "record")
EXPECTED = ("personal_alarms", "kinds", "over", "faults", "measured", "doses")
SECONDS = 40.0  # of a scenario that does not say how long it takes


@dataclass(frozen=True)
class PeripheralPlan:
    """One `[[peripheral]]`; `options` are the keys of its kind."""

    name: str
    kind: str
    room: str
    address: str | None
    interval_s: int | None
    record: str | None
    options: dict[str, Any]


@dataclass(frozen=True)
class Act:
    """Something that happens `at_s` after the start; `options` are the act's own keys."""

    at_s: float
    peripheral: str
    do: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """Something that befalls broker or hub."""

    at_s: float
    do: str
    for_s: float


@dataclass(frozen=True)
class Measured:
    """A measurement that must arrive, or one that failed; `values` in the digits in which they are written."""

    device: str
    kind: str
    values: dict[str, str]


@dataclass(frozen=True)
class Doses:
    """What becomes of the doses of a dispenser, 1 to `planned`; `missed` says in how many seconds each must be told."""

    device: str
    planned: int
    missed: dict[int, float]
    wrong_time: frozenset[int]

    def end_of(self, dose_id: int) -> str:
        """The kind of event that a dose ends with."""
        if dose_id in self.missed:
            return "dose.missed"
        return "dose.wrong_time" if dose_id in self.wrong_time else "dose.collected"


@dataclass(frozen=True)
class Expect:
    """What must arrive: so many personal alarms, these kinds among them, exactly these technical faults and readings."""

    personal_alarms: int
    kinds: frozenset[str]
    over: bool
    faults: Counter[str]
    measured: tuple[Measured, ...] = ()
    doses: Doses | None = None


@dataclass(frozen=True)
class Scenario:
    """A whole scenario. `clock_minute` is the local minute of the day at its start, None for the real time."""

    name: str
    time_zone: str
    clock_minute: int | None
    peripherals: list[PeripheralPlan]
    acts: list[Act]
    faults: list[Fault]
    rules: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = SECONDS
    expect: Expect | None = None

    def clock_offset_s(self, now_utc: dt.datetime) -> int:
        """Seconds from the real time to the home's: to the nearest such time of day."""
        if self.clock_minute is None:
            return 0
        local = now_utc.astimezone(ZoneInfo(self.time_zone))
        wanted = self.clock_minute * 60 - (local.hour * 3600 + local.minute * 60 + local.second)
        return (wanted + 43_200) % 86_400 - 43_200

    def until(self, seconds: float) -> Iterator[Act]:
        """Every act before `seconds`, repeated ones as often as they come, in order of time, one at a time."""
        return heapq.merge(*(repeats(act, seconds) for act in self.acts), key=lambda act: act.at_s)


def repeats(act: Act, seconds: float) -> Iterator[Act]:
    """One act as often as it comes before `seconds`, which may be years away."""
    every = float(act.options.get("every_s", 0))
    at = act.at_s
    while at < seconds:
        yield Act(at, act.peripheral, act.do, act.options)
        if every <= 0:
            break
        at += every


def load(name_or_path: str) -> Scenario:
    """A scenario by name (of those that come with the kit) or by path.

    Raises:
        ConfigError: no such scenario, or one that cannot be played, with key, found and expected.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
    if not path.exists():
        names = ", ".join(sorted(each.stem for each in FOLDER.glob("*.toml")))
        raise ConfigError("scenario", name_or_path, f"a path that ends in .toml, or one of {names}")
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("(file)", str(error), "a TOML file", str(path)) from error
    return parse(tree, str(path))


def parse(tree: dict[str, Any], source: str) -> Scenario:
    """Check a scenario's tree. Raises ConfigError."""
    home = tree.get("home", {})
    peripherals = [peripheral(row, index, source) for index, row in enumerate(tree.get("peripheral", []))]
    names = [each.name for each in peripherals]
    acts = [act(row, index, names, source) for index, row in enumerate(tree.get("act", []))]
    faults = [fault(row, index, source) for index, row in enumerate(tree.get("fault", []))]
    return Scenario(
        name=home.get("name", Path(source).stem),
        time_zone=home.get("time_zone", "Europe/Oslo"),
        clock_minute=minute_of_day(home["clock"], source) if "clock" in home else None,
        peripherals=peripherals,
        acts=acts,
        faults=faults,
        rules=tree.get("rule", []),
        seconds=float(home.get("seconds", SECONDS)),
        expect=expectation(tree["expect"], names, source) if "expect" in tree else None,
    )


def expectation(row: dict[str, Any], devices: list[str], source: str) -> Expect:
    """`[expect]`. A kind that can never arrive as such, or a misspelt key, would be an expectation nobody tests."""
    alarms, kinds, over, faults = (
        row.get(key, default)
        for key, default in (("personal_alarms", 0), ("kinds", []), ("over", False), ("faults", []))
    )
    unknown = row.keys() - set(EXPECTED)
    if unknown:
        raise ConfigError(f"expect.{min(unknown)}", "no such key", ", ".join(EXPECTED), source)
    if type(alarms) is not int or alarms < 0:
        raise ConfigError("expect.personal_alarms", repr(alarms), "a whole number", source)
    for key, names, lanes in (("kinds", kinds, range(ALARM + 1)), ("faults", faults, (TECHNICAL,))):
        for name in names:
            if name not in EVENT_KINDS or EVENT_KINDS[name][1] not in lanes:
                wanted = "a kind of lane " + " or ".join(str(lane) for lane in lanes)
                raise ConfigError(f"expect.{key}", repr(name), wanted, source)
    readings = tuple(reading(each, devices, source) for each in row.get("measured", []))
    doses = doses_of(row["doses"], devices, source) if "doses" in row else None
    return Expect(alarms, frozenset(kinds), bool(over), Counter(faults), readings, doses)


def doses_of(row: dict[str, Any], devices: list[str], source: str) -> Doses:
    """`[expect.doses]`. A number that no dose has would be an expectation nobody tests."""
    device, planned = row.get("device"), row.get("planned")
    if device not in devices:
        raise ConfigError("expect.doses.device", repr(device), f"one of {', '.join(devices)}", source)
    if type(planned) is not int or planned < 1:
        raise ConfigError("expect.doses.planned", repr(planned), "a whole number", source)
    missed = {int(number): float(within) for number, within in row.get("missed", {}).items()}
    wrong_time = frozenset(row.get("wrong_time", []))
    for number in (*missed, *wrong_time):
        if not 1 <= number <= planned:
            raise ConfigError("expect.doses", repr(number), f"a dose of 1 to {planned}", source)
    return Doses(str(device), planned, missed, wrong_time)


def reading(row: dict[str, Any], names: list[str], source: str) -> Measured:
    """One `[[expect.measured]]`. A number that is no text would have lost the digits that are to be compared."""
    values = {name: item for name, item in row.items() if name not in ("device", "kind")}
    for name, item in values.items():
        if name not in VALUES:
            raise ConfigError(f"expect.measured.{name}", "no such value", "a name of the registry", source)
        if not isinstance(item, str):
            raise ConfigError(f"expect.measured.{name}", repr(item), f'text, as in {name} = "97.0"', source)
    if row.get("device") not in names:
        found, wanted = repr(row.get("device")), f"one of {', '.join(names)}"
        raise ConfigError("expect.measured.device", found, wanted, source)
    if EVENT_KINDS.get(row.get("kind", ""), (0, -1))[1] != MEASUREMENT:
        raise ConfigError(
            "expect.measured.kind", repr(row.get("kind")), f"a kind of lane {MEASUREMENT}", source
        )
    return Measured(row["device"], row["kind"], values)


def peripheral(row: dict[str, Any], index: int, source: str) -> PeripheralPlan:
    """One `[[peripheral]]`."""
    where = f"peripheral[{row.get('name', index)}]"
    if row.get("kind") not in KINDS:
        raise ConfigError(f"{where}.kind", repr(row.get("kind")), f"one of {', '.join(KINDS)}", source)
    if not row.get("name"):
        raise ConfigError(f"{where}.name", "nothing", "a name", source)
    if row["kind"] not in ON_CABLES and not row.get("address"):
        raise ConfigError(f"{where}.address", "nothing", "an address such as C3:00:00:00:00:01", source)
    options = {key: item for key, item in row.items() if key not in OF_PERIPHERAL}
    return PeripheralPlan(
        row["name"],
        row["kind"],
        row.get("room", ""),
        row.get("address"),
        row.get("interval_s"),
        row.get("record"),
        options,
    )


def act(row: dict[str, Any], index: int, names: list[str], source: str) -> Act:
    """One `[[act]]`."""
    if row.get("peripheral") not in names:
        raise ConfigError(
            f"act[{index}].peripheral", repr(row.get("peripheral")), f"one of {', '.join(names)}", source
        )
    if not isinstance(row.get("at_s"), (int, float)) or not isinstance(row.get("do"), str):
        raise ConfigError(f"act[{index}]", repr(row), "at_s (a number) and do (a word)", source)
    options = {key: item for key, item in row.items() if key not in ("at_s", "peripheral", "do")}
    return Act(float(row["at_s"]), row["peripheral"], row["do"], options)


def fault(row: dict[str, Any], index: int, source: str) -> Fault:
    """One `[[fault]]`."""
    if row.get("do") not in FAULTS or not isinstance(row.get("at_s"), (int, float)):
        raise ConfigError(
            f"fault[{index}]", repr(row), f"at_s (a number) and do, one of {', '.join(FAULTS)}", source
        )
    return Fault(float(row["at_s"]), row["do"], float(row.get("for_s", 0)))


def minute_of_day(text: str, source: str) -> int:
    """`02:05` as minutes after midnight."""
    hour, _, minute = text.partition(":")
    if not (hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
        raise ConfigError("home.clock", repr(text), "a time of day such as 02:05", source)
    return int(hour) * 60 + int(minute)
