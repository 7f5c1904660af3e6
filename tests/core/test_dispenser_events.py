"""What log entries mean, and when they happened."""

from gateway.core import registry
from gateway.core.devices.dispenser_events import (
    ANCHOR_HOLDS_MS,
    CAUSES,
    COLLECTORS,
    EVENTS,
    OUTCOMES,
    Anchor,
    Now,
    device_time_of,
    observation_of,
    record_of,
)
from gateway.core.devices.dispenser_log import Cursor, read_cursor
from gateway.core.model import CLOCK_NOT_SET, CLOCK_SET, DeviceTime
from tests.core.vectors import load

LOG_ID = bytes(range(8))
UTC_MS = 1_790_000_000_000
BOOT = 0x0000_00AB


def entry(**more: object) -> "dict[str, object]":
    fields: "dict[str, object]" = {
        "log_id": LOG_ID,
        "number": 7,
        "event": 4,
        "boot": BOOT,
        "uptime_ms": 5000,
        "clock": 1,
    }
    fields.update(more)
    return fields


def test_every_event_is_a_kind_of_the_registry_and_every_value_a_name_of_it() -> None:
    for kind in EVENTS.values():
        assert kind in registry.KINDS, kind
    for kind in OUTCOMES:
        assert kind in EVENTS.values()
    names = ("dose_id", "planned", "planned_utc_ms", "window_end_utc_ms", "remaining_doses", "battery_pct")
    full = entry(cause=1, collected_by=1, **dict.fromkeys(names, 1))
    for name in observation_of(full, ["boot"], Now()).values:
        assert name in registry.VALUES, name


def test_a_state_that_begins_also_ends() -> None:
    for kind in EVENTS.values():
        cleared = registry.KINDS[kind][2]
        assert not cleared or cleared in EVENTS.values(), kind


def test_causes_1_to_23_are_the_vkp_alert_codes() -> None:
    assert sorted([code for code in CAUSES if code < 32]) == list(range(1, 24))


def test_names_of_causes_and_collectors_are_each_given_once() -> None:
    for table in (CAUSES, COLLECTORS):
        assert len(dict.fromkeys(table.values(), 0)) == len(table)


def test_an_entry_becomes_one_observation_with_its_identity() -> None:
    fields = entry(
        dose_id=9, planned="09:00", planned_utc_ms=UTC_MS, remaining_doses=3, collected_by=2, cause=16
    )
    found = observation_of(fields, [], Now())
    assert found.kind == "dose.collected"
    assert found.values == {
        "log_number": 7,
        "dose_id": 9,
        "planned": "09:00",
        "planned_utc_ms": UTC_MS,
        "remaining_doses": 3,
        "collected_by": "carer",
        "cause": "roll_handled",
    }
    assert found.record == LOG_ID + b"\x00\x00\x00\x00\x00\x00\x00\x07"


def test_identity_does_not_depend_on_when_the_entry_was_read() -> None:
    first = observation_of(entry(), [], Now(10_000, UTC_MS, Anchor(BOOT, 6000, 10_000)))
    again = observation_of(entry(), [], Now(99_000, None, None))
    assert first.record == again.record and first.values == again.values
    assert first.device_time is not None and again.device_time is not None
    assert first.device_time.raw == again.device_time.raw


def test_an_event_code_of_a_later_version_is_reported_by_number() -> None:
    for code in (7, 15, 34, 127, 128, 255):
        found = observation_of(entry(event=code, cause=99, collected_by=9), [], Now())
        assert found.kind == "dispenser.reported" and found.values["event_code"] == code
        assert found.values["cause"] == "#99" and found.values["collected_by"] == "#9"


# (entry's own stamp, hub's anchor, hub's utc_ms, expected estimate, expected uncertainty); the hub's uptime is 100 s
AT_MS = 100_000
ANCHOR = Anchor(BOOT, 65_000, AT_MS)  # the device's uptime is 65 s now, the entry's 5 s: a minute ago
TIMES = (
    ("no clock, this boot", {"clock": 2}, ANCHOR, UTC_MS, UTC_MS - 60_000, 1006),
    ("no clock, another boot", {"clock": 2, "boot": BOOT + 1}, ANCHOR, UTC_MS, None, None),
    ("no clock, hub has no time", {"clock": 2}, ANCHOR, None, None, None),
    ("no clock, nothing known", {"clock": 2}, None, UTC_MS, None, None),
    ("unset clock says 1970", {"clock": 2, "utc_ms": 5000}, ANCHOR, UTC_MS, UTC_MS - 60_000, 1006),
    ("set clock agrees", {"utc_ms": UTC_MS - 60_900}, ANCHOR, UTC_MS, UTC_MS - 60_900, None),
    (
        "set clock, uncertain",
        {"utc_ms": UTC_MS - 69_000, "uncertainty_ms": 9000},
        ANCHOR,
        UTC_MS,
        UTC_MS - 69_000,
        9000,
    ),
    ("set clock is an hour off", {"utc_ms": UTC_MS + 3_540_000}, ANCHOR, UTC_MS, UTC_MS - 60_000, 1006),
    ("set clock, another boot", {"utc_ms": UTC_MS - 9, "boot": 1}, ANCHOR, UTC_MS, UTC_MS - 9, None),
    ("set clock, hub has no time", {"utc_ms": UTC_MS - 9}, ANCHOR, None, UTC_MS - 9, None),
    ("set, but no stamp", {}, ANCHOR, UTC_MS, UTC_MS - 60_000, 1006),
    ("uptime from the future", {"clock": 2, "uptime_ms": 70_000}, ANCHOR, UTC_MS, None, None),
    ("uptime a little ahead", {"clock": 2, "uptime_ms": 65_900}, ANCHOR, UTC_MS, UTC_MS, 1000),
    (
        "long ago",
        {"clock": 2, "uptime_ms": 5000},
        Anchor(BOOT, 90_005_000, AT_MS),
        UTC_MS,
        UTC_MS - 90_000_000,
        10_000,
    ),
)


def test_the_best_estimate_of_when() -> None:
    for name, stamp, anchor, utc_ms, estimate_ms, uncertainty_ms in TIMES:
        fields = entry()
        fields.update(stamp)  # type: ignore[arg-type]
        time = device_time_of(fields, Now(AT_MS, utc_ms, anchor))  # type: ignore[arg-type]
        assert time is not None, name
        assert (time.utc_ms, time.uncertainty_ms) == (estimate_ms, uncertainty_ms), (name, time.utc_ms)
        assert time.clock == fields["clock"], name


def test_the_raw_stamp_is_the_devices_own_to_the_letter() -> None:
    assert device_time_of(entry(utc_ms=-5), Now()) == DeviceTime("000000ab/5000/-5", CLOCK_SET, -5)
    assert device_time_of(entry(clock=2), Now()) == DeviceTime("000000ab/5000", CLOCK_NOT_SET)
    bare = {"log_id": LOG_ID, "number": 7, "event": 4}
    assert device_time_of(bare, Now()) is None
    bare["uptime_ms"] = 3
    assert device_time_of(bare, Now()) == DeviceTime("-/3")


def test_an_anchor_gives_way_to_a_quicker_frame_another_boot_or_age() -> None:
    held = Anchor(BOOT, 1000, 5000)
    assert held.better_than(None)
    assert Anchor(BOOT, 2000, 5900).better_than(held)
    assert not Anchor(BOOT, 2000, 6100).better_than(held)
    assert Anchor(BOOT + 1, 2000, 9000).better_than(held)
    assert Anchor(BOOT, 1000 + ANCHOR_HOLDS_MS, 6001 + ANCHOR_HOLDS_MS).better_than(held)


def test_the_cursor_survives_storing() -> None:
    cursor = Cursor(LOG_ID, 0x1234)
    stored = cursor.to_bytes()
    assert stored == record_of(LOG_ID, 0x1234)
    again = read_cursor(stored)
    assert again is not None and (again.log_id, again.number) == (LOG_ID, 0x1234)
    assert read_cursor(None) is None
    assert read_cursor(b"odd") is None


def test_the_vectors_hold_every_way_a_dose_can_end() -> None:
    kinds = []
    document = load("dispenser.json")
    for row in document["conversation"] + document["more"]:
        kinds += [item["kind"] for item in row["says"]]  # type: ignore[attr-defined]
    for kind in ("dose.planned", "dose.dispensed", "dose.collected", "dose.missed"):
        assert kind in kinds
