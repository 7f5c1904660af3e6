"""What is stored for devices and rules that are not in use any more: what is said of it, and what is deleted."""

from gateway.core import cbor
from gateway.core.rules.follower import state_key
from gateway.core.rules.incidents import dose_incident
from gateway.core.rules.leaving import InUse, left_behind, named

DOOR, GONE, RULE_ID, INCIDENT = 11, 99, b"rule....", b"incident"
DEVICE_OUT = "the device was taken out of use"
RULE_OUT = "the rule was taken out of use"
RADIO_OUT = "no device needs the radio any more"
TRANSCEIVER_OUT = "no device needs the transceiver any more"


def told(stored: "dict[str, bytes]", in_use: InUse) -> "tuple[list[tuple[object, ...]], list[str]]":
    """What is said, as rows of (kind, placement, incident, values), and the keys that go."""
    found, gone = left_behind(stored, in_use)
    return [(each.kind, each.placement, each.incident, each.values) for each in found], gone


def row(*opened: "list[object]", marks: int = 0) -> bytes:
    """What a rule that waits keeps."""
    return cbor.encode([[["m", 1, 2, 3, 4, b"", 0]] * marks, list(opened)])


HOME = InUse([DOOR], [DOOR], True, [state_key(DOOR, RULE_ID)])


def test_nothing_is_said_or_deleted_of_what_is_in_use():
    stored = {
        "incident.11.smoke.detected": INCIDENT,
        "incident.11.door.night_exit": INCIDENT,
        "incident.0.adapter.lost": INCIDENT,
        "incident.0.path.lost": INCIDENT,
        "night.11": cbor.encode([""]),
        "dose.11.7": cbor.encode([5, 1]),
        "device.11.counter": b"1",
        state_key(DOOR, RULE_ID): row(["door.left_open", "", INCIDENT]),
        "trust.keyset": b"x",
        "manifest": b"x",
        "device.eleven.counter": b"x",
        "incident.x": b"x",
    }
    assert told(stored, HOME) == ([], [])


def test_each_state_of_a_device_that_is_gone_is_ended_in_its_lane_with_contact_incident_and_reason():
    rows = (
        ("incident.99.smoke.detected", {}, "safety.unwatched"),
        ("incident.99.door.night_exit.door_2", {"part": "door_2"}, "alarm.unwatched"),
        ("incident.99.device.silent", {}, "fault.unwatched"),
        ("incident.99.door.opened.a.b", {"part": "a.b"}, "state.unwatched"),
    )
    for key, values, kind in rows:
        said = dict(values)
        said["reason"] = DEVICE_OUT
        assert told({key: INCIDENT}, HOME) == ([(kind, GONE, INCIDENT, said)], [key]), key


def test_what_has_no_state_is_only_deleted():
    for key, item in (
        ("device.99.counter", b"1"),
        ("night.99", cbor.encode([""])),
        ("dose.99.7", cbor.encode([5, 0])),  # planned: nothing was said of it
        ("incident.99.what.nobody_knows", INCIDENT),
        (state_key(GONE, RULE_ID), row(marks=1)),
        (state_key(GONE, RULE_ID), b"\xff"),
    ):
        assert told({key: item}, HOME) == ([], [key]), key


def test_a_dose_that_nobody_told_of_ends_with_the_incident_of_that_dose():
    for name in ("7", "b7"):
        dose_id = int(name) if name == "7" else name
        said = {"dose_id": dose_id, "reason": DEVICE_OUT}
        key = "dose.99." + name
        assert told({key: cbor.encode([5, 1])}, HOME) == (
            [("fault.unwatched", GONE, dose_incident(GONE, dose_id), said)],
            [key],
        )


def test_a_rule_that_is_gone_ends_all_that_it_told_and_its_memory_goes_once():
    key = state_key(DOOR, b"another.")
    opened = row(["door.left_open", "", INCIDENT], ["rule.cannot_tell", "door_2", b"fresh..."])
    assert told({key: opened}, HOME) == (
        [
            ("alarm.unwatched", DOOR, INCIDENT, {"reason": RULE_OUT}),
            ("fault.unwatched", DOOR, b"fresh...", {"part": "door_2", "reason": RULE_OUT}),
        ],
        [key],
    )
    assert told({key: row(marks=1)}, HOME) == ([], [key]), "it waited, and had told nothing"
    assert told({key: opened}, InUse([DOOR], [DOOR], True)) == told({key: opened}, HOME)


def test_a_night_without_its_rule_ends_and_other_states_of_the_door_go_on():
    nightless = InUse([DOOR], [], True)
    stored = {
        "incident.11.door.night_exit": INCIDENT,
        "incident.11.door.opened": INCIDENT,
        "night.11": cbor.encode([""]),
        "device.11.counter": b"1",
    }
    assert told(stored, nightless) == (
        [("alarm.unwatched", DOOR, INCIDENT, {"reason": RULE_OUT})],
        ["incident.11.door.night_exit", "night.11"],
    )


def test_a_radio_that_nobody_needs_is_no_fault_and_other_faults_of_the_hub_stay():
    stored = {"incident.0.adapter.lost": INCIDENT, "incident.0.path.lost": INCIDENT}
    assert told(stored, InUse([DOOR], [], False)) == (
        [("fault.unwatched", 0, INCIDENT, {"reason": RADIO_OUT})],
        ["incident.0.adapter.lost"],
    )


def test_a_transceiver_that_nobody_needs_is_no_fault_and_the_lines_of_devices_stay():
    stored = {
        "incident.0.line.lost": INCIDENT,
        "incident.0.line.misread": INCIDENT,
        "incident.0.path.lost": INCIDENT,
        "incident.11.line.lost": INCIDENT,
    }
    found = [("fault.unwatched", 0, INCIDENT, {"reason": TRANSCEIVER_OUT})]
    assert told(stored, HOME) == (found * 2, ["incident.0.line.lost", "incident.0.line.misread"])
    assert told(stored, InUse([DOOR], [DOOR], True, [], True)) == ([], [])


def test_states_are_told_in_the_order_of_their_keys():
    stored = {
        "incident.99." + kind: INCIDENT for kind in ("water.detected", "gas.detected", "smoke.detected")
    }
    found, gone = told(stored, HOME)
    assert gone == sorted(stored) and len(found) == 3


def test_a_storm_that_is_left_behind_is_named_by_the_state_that_toggled_and_its_part():
    assert named("device.flapping", "door.night_exit") == {"state": "door.night_exit"}
    assert named("device.flapping", "door.opened.door_2") == {"state": "door.opened", "part": "door_2"}
    assert named("door.opened", "door_2") == {"part": "door_2"} and named("smoke.detected", "") == {}
