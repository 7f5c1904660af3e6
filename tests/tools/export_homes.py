"""Homes whose events are exported: a gateway with fixed numbers, a platform's store on disk, and what each case tells.

`python -m tests.tools.export_homes` writes the golden files of tests/vectors/export again.
"""

import contextlib
import decimal
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from gateway.core import registry, wire
from gateway.core.model import CLOCK_NOT_SET, CLOCK_SET, Absent, Decimal, DeviceTime, Event
from gateway.daemon.json_text import dumps
from tests.tools.platform_parties import SimGateway
from tools.export import fhir
from tools.kit.__main__ import main
from tools.platform.books import GatewayBook, Row, Verified
from tools.platform.ledger import Ledger
from tools.platform.store import Store

GOLDEN = Path(__file__).resolve().parents[1] / "vectors" / "export"
FORMATS = ("fhir", "scaip")
NIGHT_MS = 1_772_330_703_123  # 2026-03-01T02:05:03.123Z
RECEIVED_MS = NIGHT_MS + 1_000

SMOKE, DOOR, TAG, OXIMETER, DISPENSER = 0x0A0B0C01, 0x0A0B0C02, 0x0A0B0C03, 0x0A0B0C04, 0x0A0B0C05
CUFF, SCALE = 0x0A0B0C06, 0x0A0B0C07
DEVICES: list[dict[str, object]] = [
    {"placement": SMOKE, "driver": "bthome", "maker": "Eksempel", "model": "Røyk & varme", "room": "Kjøkken"},
    {"placement": DOOR, "driver": "bthome", "room": "Gang"},
    {"placement": TAG, "driver": "bthome", "model": "Brikke"},
    {"placement": OXIMETER, "driver": "plx", "maker": "Eksempel", "serial_number": "501900083", "user_index": 2},
    {"placement": DISPENSER, "driver": "dispenser", "maker": "Eksempel", "model": "Dispenser 1", "room": "Stue"},
]  # fmt: skip


class Home:
    """A gateway, and the store of the platform that hears it."""

    def __init__(self, path: Path, name: str = "gw-0001", tenant: str = "oslo") -> None:
        self.path = path
        self.gateway = SimGateway(name, tenant)
        self.gateway.boot, self.gateway.epoch = 0x8F3A11C2, bytes.fromhex("e0e1e2e3e4e5e6e7")
        self.store = Store(str(path))
        self.ledger = Ledger(self.store, self.store.books(), read_all=True)
        self.arrival = 0

    def __enter__(self) -> Self:
        self.manifest(DEVICES)
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def take(self, sort: str, message: bytes, received_ms: int = RECEIVED_MS) -> None:
        self.arrival += 1
        self.ledger.take(wire.parse(sort, message), message, received_ms, self.arrival, retained=False)
        self.ledger.store_marks()
        self.store.commit()

    def manifest(self, devices: list[dict[str, object]], revision: int = 1) -> None:
        self.take("manifest", self.gateway.manifest(revision, devices))

    def tell(self, kind: str, placement: int, *, lane: int | None = None, received_ms: int = RECEIVED_MS, **fields: Any) -> int:  # fmt: skip
        """One event, appended, sent and stored; its number."""
        if lane is None:
            lane = registry.KINDS[kind][1]
        fields = {"values": {}, "utc_ms": NIGHT_MS, **fields}
        self.gateway.append(lane=lane, kind=kind, placement=placement, **fields)
        number = len(self.gateway.lanes[lane])
        self.take("bundle", self.gateway.bundle(number, number, lane), received_ms)
        return number


# --- cases --------------------------------------------------------------------------------------------------------


def smoke(home: Home) -> None:
    incident = bytes.fromhex("1c1dc1d01c1dc1d0")
    home.tell("smoke.detected", SMOKE, incident=incident, provenance=1)
    home.tell("smoke.cleared", SMOKE, incident=incident, utc_ms=NIGHT_MS + 240_000)


def dose_missed(home: Home) -> None:
    home.tell(
        "dose.missed",
        DISPENSER,
        values={"dose_id": 17, "planned": "02:00", "cause": "out_of_medicine", "log_number": 401},
        incident=bytes.fromhex("d05e000000000017"),
        identity=bytes.fromhex("17" * 16),
        device_time=DeviceTime("00c0ffee/86523004", CLOCK_NOT_SET, NIGHT_MS - 2_000, 1_500),
    )


def dose_collected(home: Home) -> None:
    home.tell(
        "dose.collected",
        DISPENSER,
        values={"dose_id": 18, "collected_by": "resident", "remaining_doses": 12, "log_number": 402},
        incident=bytes.fromhex("d05e000000000018"),
        identity=bytes.fromhex("18" * 16),
        device_time=DeviceTime("00c0ffee/86823004/1772330700000", CLOCK_SET, 1_772_330_700_000),
    )


def oximetry_stored(home: Home) -> None:
    """Read from the device's memory: one whose time was worked out, one of which only the raw stamp is known."""
    values = {"spo2_pct": Decimal(970, -1), "pulse_rate_bpm": Absent("nan"), "stored": True}
    home.tell(
        "oximetry.measured",
        OXIMETER,
        values=values | {"measurement_status": 0x4200, "questionable": True},
        identity=bytes.fromhex("0c" * 16),
        device_time=DeviceTime("2026-02-27T21:14:05", CLOCK_SET, NIGHT_MS - 103_858_000, 90_000),
    )
    home.tell(
        "oximetry.measured",
        OXIMETER,
        values=values | {"spo2_pct": Decimal(9, 1), "pulse_rate_bpm": 61, "implausible": "pulse_rate_bpm"},
        identity=bytes.fromhex("0d" * 16),
        device_time=DeviceTime("2021-01-01T00:03:10", CLOCK_NOT_SET),
    )


HEALTH: list[dict[str, object]] = [
    {
        "placement": CUFF,
        "driver": "blood_pressure",
        "maker": "Eksempel",
        "model": "Mansjett",
        "user_index": 1,
    },
    {"placement": SCALE, "driver": "weight_scale", "room": "Bad"},
]


def health(home: Home) -> None:
    """A cuff that two people use, once without a value, and a scale."""
    home.manifest([*DEVICES, *HEALTH], revision=2)
    values = {"systolic_mmhg": 138, "diastolic_mmhg": 88, "mean_mmhg": 105, "pulse_rate_bpm": 72}
    stamp = DeviceTime("2026-03-01T03:04:40", CLOCK_SET)
    more: dict[str, object] = {
        "user_index": 2,
        "cuff_status": 5,
        "irregular_pulse": True,
        "questionable": True,
    }
    home.tell("blood_pressure.measured", CUFF, values=values | more, device_time=stamp)
    nothing = {name: Absent("nan") for name in values}
    failed = DeviceTime("0000-03-01T03:07:10")
    home.tell("measurement.failed", CUFF, values=nothing | {"reason": "no_value"}, device_time=failed)
    home.tell("weight.measured", SCALE, values={"weight_kg": Decimal(72450, -3)})


def night_exit(home: Home) -> None:
    """The door at night and the tag that is no longer heard: one incident, whatever the kinds."""
    incident = bytes.fromhex("0000d00500000001")
    home.tell("door.night_exit", DOOR, incident=incident, provenance=4)
    home.tell("device.silent", TAG, incident=incident, values={"silent_ms": 90_000}, utc_ms=NIGHT_MS + 90_000)
    home.tell("door.night_return", DOOR, incident=incident, utc_ms=NIGHT_MS + 300_000)


def fault(home: Home) -> None:
    """The same fault of a dispenser and of a door sensor, and the end of both."""
    for placement, incident in ((DISPENSER, "ba77000000000001"), (DOOR, "ba77000000000002")):
        fields: dict[str, Any] = {"values": {"battery_pct": 9}, "incident": bytes.fromhex(incident)}
        home.tell("battery.low", placement, **fields)
        home.tell("battery.restored", placement, **fields, utc_ms=NIGHT_MS + 7_200_000)


CASES: dict[str, Callable[[Home], None]] = {
    each.__name__: each
    for each in (smoke, dose_missed, dose_collected, oximetry_stored, health, night_exit, fault)
}


def exported(store: Path, form: str, *options: str) -> str:
    """What the command prints."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        assert main(["export", f"--{form}", "--store", str(store), "--json", *options]) == 0
    return stream.getvalue()


def case_text(case: str, form: str, folder: Path) -> str:
    """What a case becomes in a format."""
    path = folder / f"{case}.db"
    if not path.exists():
        with Home(path) as home:
            CASES[case](home)
    return exported(path, form)


# --- one event, and reading ------------------------------------------------------------------------------------


def verified(
    kind: str = "smoke.detected",
    device: dict[str, object] | None = None,
    name: str = "gw-0001",
    **fields: Any,
) -> Verified:
    book = GatewayBook(1, "oslo", name)
    book.devices[7] = (1, {"placement": 7, "driver": "bthome"} | (device or {}))
    event = Event(kind, fields.pop("placement", 7), 1, 1_000, fields.pop("utc_ms", NIGHT_MS), **fields)
    row = Row(1, registry.KINDS[kind][1], 1, b"\xab" * 16, None, b"", is_copy=False, fault=None)
    return Verified(book, b"epoch-id", row, event, NIGHT_MS)


def load(text: str) -> dict[str, Any]:
    """JSON with the digits that stand there."""
    found: dict[str, Any] = json.loads(text, parse_float=decimal.Decimal)
    return found


def golden_bundles() -> Iterator[dict[str, Any]]:
    for path in sorted(GOLDEN.glob("*.fhir.jsonl")):
        yield from (
            line for line in map(load, path.read_text("utf-8").splitlines()) if "resourceType" in line
        )


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"]]


def golden(case: str, resource: str) -> list[dict[str, Any]]:
    lines = map(load, (GOLDEN / f"{case}.fhir.jsonl").read_text("utf-8").splitlines())
    return [
        each
        for line in lines
        if "entry" in line
        for each in resources(line)
        if each["resourceType"] == resource
    ]


def fhir_of(kind: str, **fields: Any) -> list[dict[str, Any]]:
    """The resources of one event, as they come out of JSON."""
    return resources(load(dumps(fhir.event_bundle(verified(kind, **fields)))))


def codings(concept: dict[str, Any]) -> dict[str, str]:
    return {each["system"]: each["code"] for each in concept["coding"]}


def differing(golden: Path, folder: Path) -> list[str]:
    """Golden files that are not what the command prints, and those of no case."""
    texts = {f"{case}.{form}.jsonl": case_text(case, form, folder) for case in CASES for form in FORMATS}
    there = {path.name: path.read_text("utf-8") for path in golden.glob("*.jsonl")}
    return sorted(name for name in texts.keys() | there.keys() if texts.get(name) != there.get(name))


def write() -> None:
    """Write the golden files."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for case in CASES:
            for form in FORMATS:
                text = case_text(case, form, Path(scratch))
                (GOLDEN / f"{case}.{form}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
