"""What is held against a driver of another package, on both interpreters: each thing it may not declare or give, in words."""

from gateway.core import registry
from gateway.core.devices.contract import (
    CAPABILITIES,
    DEVICE_KINDS,
    check_declaration,
    check_reading,
    urgent_of,
)
from gateway.core.devices.dispenser import Dispenser
from gateway.core.devices.driver import (
    MALFORMED,
    AdvertisingDriver,
    Driver,
    GattDriver,
    Reading,
    SerialDriver,
    Step,
)
from gateway.core.errors import ContractError
from gateway.core.model import Absent, Decimal, DeviceTime, Observation


class Good(SerialDriver):
    """A driver of another package."""

    name = "good"
    contract = 1
    interval_s = 60
    baud = 9_600
    kinds = ("dose.collected", "battery.low")
    capabilities = ("tray", "lock")
    option_names = ("format",)


class Detector(AdvertisingDriver):
    name = "detector"
    contract = 1
    safety = True
    kinds = ("smoke.detected", "smoke.cleared")


class Meter(GattDriver):
    name = "meter"
    contract = 1
    service = "1810"
    kinds = ("blood_pressure.measured",)


def changed(**fields: object) -> type:
    """The good one, but for these."""
    return type("Changed", (Good,), fields)


def why(kind: object, name: str = "good") -> str:
    """What is held against it; nothing where it keeps the contract."""
    try:
        check_declaration(kind, name)
    except ContractError as error:
        return error.reason
    return ""


def test_drivers_of_three_shapes_keep_the_contract() -> None:
    assert why(Good) == "" and why(Detector, "detector") == "" and why(Meter, "meter") == ""


def test_what_no_driver_may_be_or_declare_is_said_in_words() -> None:
    rows: "list[tuple[object, str]]" = [
        (object(), "no class that is a driver"),
        (Reading, "no class that is a driver"),
        (SerialDriver, "version 0 of the contract"),
        (changed(contract=2), "version 2 of the contract of drivers, and this gateway has version 1"),
        (changed(contract=True), "version True"),
        (changed(contract="1"), "version '1'"),
        (changed(transport="enocean"), "of no shape"),
        (changed(transport="ble-gatt"), "of no shape"),
        (changed(transport=None), "of no shape"),
        (type("Bare", (Driver,), {"contract": 1, "name": "good"}), "of no shape"),
        (changed(name="other"), "calls itself 'other', and its entry point 'good'"),
        (changed(kinds=()), "does not declare the kinds"),
        (changed(kinds=["dose.collected"]), "does not declare the kinds"),
        (changed(kinds=("dose.taken",)), "'dose.taken', which is no device's to tell"),
        (changed(kinds=("device.silent",)), "'device.silent', which is no device's to tell"),
        (changed(kinds=("hub.started",)), "'hub.started'"),
        (changed(kinds=("door.night_exit",)), "'door.night_exit'"),
        (changed(kinds=("driver.restored",)), "'driver.restored'"),
        (changed(kinds=(7,)), "7, which is no device's"),
        (changed(kinds=("smoke.detected",)), "`safety` does not agree with its kinds: smoke.detected"),
        (changed(safety=True), "`safety` does not agree with its kinds: none"),
        (changed(interval_s=-1), "interval"),
        (changed(interval_s=None), "interval"),
        (changed(interval_s=604_801), "interval"),
        (changed(option_names=["format"]), "option names"),
        (changed(option_names=("a",) * 17), "option names"),
        (changed(capabilities=("dispense",)), "capability 'dispense'"),
        (changed(capabilities=["lock"]), "capability NoneType"),
        (changed(baud=0), "speed"),
        (changed(parity="X"), "speed"),
        (type("Meter2", (Meter,), {"pairing": "any"}), "pairing"),
    ]
    for kind, said in rows:
        name = "meter" if getattr(kind, "name", "") == "meter" else "good"
        assert said in why(kind, name), (said, why(kind, name))


def test_every_kind_that_a_device_may_tell_is_in_the_registry_and_none_is_a_rules() -> None:
    assert all([kind in registry.KINDS for kind in DEVICE_KINDS])
    of_rules = [kind for kind in DEVICE_KINDS if registry.KINDS[kind][1] == 1]
    assert of_rules == ["dose.missed"], "what a dispenser says itself"


def refused(reading: object) -> str:
    """What is held against a reading of the good driver."""
    try:
        assert check_reading(reading, Good) is reading
    except ContractError as error:
        return error.reason
    return ""


def told(kind: object = "dose.collected", values: object = None, **fields: object) -> Reading:
    """A reading of one observation."""
    found = Observation(kind, {} if values is None else values)  # type: ignore[arg-type]
    for name, item in fields.items():
        setattr(found, name, item)
    return Reading([found])


class Alarming(Good):
    kinds, safety = ("dose.collected", "dose.missed", "smoke.detected"), True


def test_of_a_reading_that_breaks_the_contract_what_is_urgent_and_holds_by_itself_is_found() -> None:
    given: "list[object]" = [None, Observation("water.detected", {}), Observation("smoke.detected", {"x": 1})]
    given += [Observation(kind, {}) for kind in ("smoke.detected", "dose.collected", "dose.missed")]
    found = urgent_of(Reading(given), Alarming)  # type: ignore[arg-type]
    assert [each.kind for each in found] == ["smoke.detected", "dose.missed"]
    assert len(urgent_of(Reading([found[0]] * 1_000), Alarming)) == 256
    broken = Reading()
    broken.observations = 7  # type: ignore[assignment]
    assert [urgent_of(each, Alarming) for each in (None, [found[0]], broken)] == [[], [], []]


def with_steps(*steps: object) -> Reading:
    reading = Reading()
    reading.steps = list(steps)  # type: ignore[arg-type]
    return reading


def test_what_can_be_stored_and_sent_is_taken() -> None:
    values = {
        "dose_id": 7,
        "collected_by": "carer",
        "spo2_pct": Decimal(970, -1),
        "battery_pct": Absent("nan"),
    }
    stamp = DeviceTime("0b007001/7", 1, 1_795_334_400_000, 1_000)
    assert refused(told(values=values, record=b"\x01" * 16, device_time=stamp, provenance=2)) == ""
    assert (
        refused(Reading(state={"cursor": b"\x00" * 16, "gone": None}, send=[b"a"], send_after=[b"b"])) == ""
    )
    assert refused(Reading(refused=(MALFORMED, "no frame"), heard=False)) == ""
    assert refused(with_steps(Step("read", "2a19"), Step("write", "2a52", b"\x01"))) == ""


def test_what_a_reading_may_not_be_is_said_in_words() -> None:
    rows: "list[tuple[object, str]]" = [
        (None, "no reading"),
        ([], "no reading"),
        (Reading([Observation("battery.low", {})] * 257), "more than 256 observations"),
        (Reading("x"), "or no list"),  # type: ignore[arg-type]
        (Reading([None]), "no observation"),  # type: ignore[list-item]
        (told("smoke.detected"), "told 'smoke.detected', which it does not declare"),
        (told("device.silent"), "does not declare"),
        (told(values=[1]), "no table"),
        (told(values={"taken_by": 1}), "the value 'taken_by'"),
        (told(values={"#64": 1}), "the value '#64'"),
        (told(values={"dose_id": 1.5}), "cannot be sent"),
        (told(values={"dose_id": None}), "cannot be sent"),
        (told(values={"dose_id": 1 << 70}), "cannot be sent"),
        (told(values={"reason": "x" * 1_100}), "more than 1024 bytes"),
        (told(record="x"), "the record"),
        (told(record=b""), "the record"),
        (told(record=bytes(65)), "the record"),
        (told(device_time=1), "cannot be sent"),
        (told(device_time=DeviceTime("x", 7)), "cannot be sent"),
        (told(provenance=8), "provenance"),
        (Reading(state={"hub": b""}), "'hub'"),
        (Reading(state={"a.b": b""}), "'a.b'"),
        (Reading(state={"a": "text"}), "state a is no byte string"),  # type: ignore[dict-item]
        (Reading(state={"a": bytes(4_097)}), "at most 4096"),
        (Reading(state={str(number): b"" for number in range(17)}), "more than 16 keys"),
        (Reading(send=["x"]), "no list of byte strings"),  # type: ignore[list-item]
        (Reading(send_after=[bytes(16_385)]), "more than 16384 bytes"),
        (Reading(refused=("odd", "x")), "a refusal"),
        (Reading(refused="x"), "a refusal"),  # type: ignore[arg-type]
        (Reading(heard=None), "neither true nor false"),  # type: ignore[arg-type]
        (with_steps("read"), "a step that is none"),
        (with_steps(Step("erase", "2a19")), "a step that is none"),
        (with_steps(Step("write", "2a52", "x")), "no byte string"),  # type: ignore[arg-type]
        (with_steps(*[Step("read", "2a19")] * 65), "more than 64 steps"),
    ]
    for reading, said in rows:
        assert said in refused(reading), (said, refused(reading))


def test_what_a_dispenser_can_is_told_in_one_vocabulary() -> None:
    dispenser = Dispenser(None)  # type: ignore[arg-type]
    assert dispenser.can({}) == [] and dispenser.can({"features": "x"}) == []
    assert dispenser.can({"features": "23001"}) == [
        word for bit, word in enumerate(CAPABILITIES) if 23_001 >> bit & 1
    ]
    assert dispenser.can({"features": str(1 << 40 | 1)}) == ["multidose_roll"]
    assert Good(None).can({}) == ["tray", "lock"]  # type: ignore[arg-type]
