"""The BTHome driver: what becomes an event, what is a copy, and what a restart remembers."""

from gateway.core.devices.bthome import Bthome
from gateway.core.devices.driver import MALFORMED, REPEATED, Context
from gateway.core.model import Decimal, Observation
from gateway.core.registry import KINDS, VALUES
from hal.types import Advertisement
from tests.core.bthome_sensor import ADDRESS, Hub, plain

# object, kind when it is 1, kind when it is 0 after that, kind when 0 is the first heard
STATES = [
    ("29", "smoke.detected!1", "smoke.cleared!1", None),
    ("17", "carbon_monoxide.detected!1", "carbon_monoxide.cleared!1", None),
    ("1c", "gas.detected!1", "gas.cleared!1", None),
    ("20", "water.detected!1", "water.cleared!1", None),
    ("1a", "door.opened", "door.closed", "door.closed"),
    ("11", "door.opened", "door.closed", "door.closed"),
    ("2d", "door.opened", "door.closed", "door.closed"),
    ("1b", "door.opened", "door.closed", "door.closed"),
    ("2b", "tamper.detected", "tamper.cleared", None),
    ("21", "motion.detected", "motion.cleared", None),
    ("26", "problem.detected", "problem.cleared", None),
]


def values_of(hub: Hub, objects: str, after_ms: int = 100) -> "list[dict[str, object]]":
    """Values of each observation of one frame."""
    return [observation.values for observation in hub.read(plain(objects), after_ms).observations]


def test_a_state_is_told_when_it_changes_and_not_in_between() -> None:
    for number, begins, ends, _ in STATES:
        hub = Hub()
        heard = [hub.hear(plain(number + state)) for state in ("01", "01", "00", "00", "01")]
        assert heard == [[begins], [], [ends], [], [begins]], number
        assert hub.refused == [REPEATED, REPEATED]


def test_what_is_heard_first_is_told_where_it_claims_nothing_else() -> None:
    for number, _, _, first in STATES:
        assert Hub().hear(plain(number + "00")) == ([first] if first else []), number


def test_a_restart_invents_no_change_and_notices_one_that_was_missed() -> None:
    for number, begins, ends, _ in STATES:
        hub = Hub()
        assert hub.hear(plain(number + "01")) == [begins]
        hub.restart()
        assert hub.hear(plain(number + "01")) == [], number
        hub.restart()
        assert hub.hear(plain(number + "00")) == [ends], number
        hub.restart(uptime_ms=10_000_000)
        assert hub.hear(plain(number + "00")) == [], number


def test_a_journal_without_state_shows_what_the_test_above_would_miss() -> None:
    hub = Hub()
    hub.hear(plain("1a01"))
    hub.journal.clear()
    hub.restart()
    assert hub.hear(plain("1a01")) == ["door.opened"]


def test_a_sign_of_life_far_apart_is_no_event() -> None:
    hub = Hub()
    hub.hear(plain("00051a00"))
    for packet_id in range(6, 60):
        reading = hub.read(plain("00%02x1a00" % packet_id), 600_000)
        assert reading.observations == [] and reading.heard and not reading.state


def test_copies_of_one_packet_are_one_event_and_prove_life() -> None:
    hub = Hub()
    assert hub.hear(plain("00093a01")) == ["button.pressed!1"]
    for gap_ms in (20, 1_000, 30_000, 60_000):
        reading = hub.read(plain("00093a01"), gap_ms)
        assert reading.observations == [] and reading.heard
        assert reading.refused is not None and reading.refused[0] == REPEATED
    assert hub.hear(plain("000a3a01")) == ["button.pressed!1"]


def test_a_button_that_starts_its_packet_ids_again_is_not_muted() -> None:
    hub = Hub()
    assert hub.hear(plain("00003a01")) == ["button.pressed!1"]
    assert hub.hear(plain("00003a01"), 61_000) == ["button.pressed!1"]


def test_without_a_packet_id_a_pause_or_a_release_makes_a_new_press() -> None:
    hub = Hub()
    heard = [hub.hear(plain("3a01"), gap_ms) for gap_ms in (100, 200, 3_900, 4_100)]
    assert heard == [["button.pressed!1"], [], [], ["button.pressed!1"]]
    assert hub.hear(plain("3a00"), 200) == []
    assert hub.hear(plain("3a01"), 200) == ["button.pressed!1"]


def test_frames_that_take_turns_do_not_multiply_a_press() -> None:
    hub = Hub()
    heard = []
    for _ in range(5):
        heard += hub.hear(plain("00073a01")) + hub.hear(plain("0007015d"))
    assert heard == ["button.pressed!1", "battery.measured"]


def test_a_press_says_which_button_and_how() -> None:
    hub = Hub()
    assert values_of(hub, "3a003a013a80") == [
        {"part": "button_2", "press": "press"},
        {"part": "button_3", "press": "hold_press"},
    ]
    assert values_of(hub, "3a02") == [{"press": "double_press"}]
    assert values_of(hub, "3afe") == [{"press": "unknown_254"}]
    assert values_of(hub, "3a81") == []


def test_a_press_that_was_stored_before_the_restart_is_not_told_again() -> None:
    hub = Hub()
    assert hub.hear(plain("00523a01")) == ["button.pressed!1"]
    hub.restart()
    assert hub.hear(plain("00523a01"), 1_500) == []
    assert hub.hear(plain("00533a01"), 1_500) == ["button.pressed!1"]
    hub.restart(uptime_ms=90_000)
    assert hub.hear(plain("00533a01")) == ["button.pressed!1"]


def test_each_contact_of_a_sensor_has_its_own_state_and_name() -> None:
    hub = Hub()
    assert values_of(hub, "1a001a01") == [{}, {"part": "door_2"}]
    assert values_of(hub, "1a011a01") == [{}]
    assert values_of(hub, "1a011a00") == [{"part": "door_2"}]
    assert values_of(hub, "2d01") == [{"part": "window"}]


def test_climate_is_told_for_each_packet_and_for_each_change() -> None:
    hub = Hub()
    warm: "dict[str, object]" = {"temperature_c": Decimal(2500, -2), "humidity_pct": Decimal(5055, -2)}
    assert values_of(hub, "000102c40903bf13") == [warm]
    assert values_of(hub, "000202c40903bf13", 10_000) == [warm]
    assert values_of(hub, "02c40903bf13", 10_000) == []
    assert values_of(hub, "02c50903bf13", 10_000) == [
        {"temperature_c": Decimal(2501, -2), "humidity_pct": Decimal(5055, -2)}
    ]
    assert values_of(hub, "05010000", 10_000) == [{"illuminance_lx": Decimal(1, -2)}]


def test_two_thermometers_in_one_sensor_are_two_readings() -> None:
    assert values_of(Hub(), "45110145120103ffff") == [
        {
            "temperature_c": Decimal(273, -1),
            "humidity_pct": Decimal(65535, -2),
            "implausible": "humidity_pct",
        },
        {"temperature_c": Decimal(274, -1), "part": "2"},
    ]


def test_climate_heard_before_a_restart_is_not_told_twice() -> None:
    hub = Hub()
    hub.hear(plain("000102c409"))
    hub.restart()
    assert hub.hear(plain("000102c409")) == []
    assert hub.hear(plain("000202c409")) == ["climate.measured"]


def test_the_battery_is_told_in_steps_and_remembered() -> None:
    hub = Hub()
    assert hub.hear(plain("0164")) == ["battery.measured"]
    assert hub.hear(plain("0160")) == []
    assert hub.hear(plain("015f")) == ["battery.measured"]
    hub.restart()
    assert hub.hear(plain("015e")) == []
    assert hub.hear(plain("010f")) == ["battery.measured", "battery.low"]
    hub.restart()
    assert hub.hear(plain("010f")) == []
    assert hub.hear(plain("0164")) == ["battery.measured", "battery.restored"]
    assert values_of(hub, "1501") == [{"battery_pct": 100, "battery_low": True}]


def test_what_has_no_kind_of_its_own_claims_nothing() -> None:
    hub = Hub()
    for objects in ("2301", "2501", "2201", "1d01", "2800", "2c01", "0c020c", "0a138a14", "53024142", "1601"):
        assert hub.hear(plain(objects)) == [], objects


def test_the_sensor_s_own_time_is_kept_raw() -> None:
    observation = Hub().read(plain("1a01505d396164")).observations[0]
    assert observation.device_time is not None
    assert observation.device_time.raw == "2023-05-14T19:41:17+00:00"
    assert observation.device_time.utc_ms is None


def test_what_stands_before_a_cut_or_an_unknown_object_is_delivered() -> None:
    hub = Hub()
    cut = hub.read(plain("29013e0102"))
    assert [observation.kind for observation in cut.observations] == ["smoke.detected"]
    assert cut.refused is not None and cut.refused[0] == MALFORMED
    unknown = hub.read(plain("2900ee01"))
    assert [observation.kind for observation in unknown.observations] == ["smoke.cleared"]
    assert unknown.refused is None


def test_a_frame_that_does_not_decode_is_counted_and_proves_nothing() -> None:
    hub = Hub()
    for frame in (b"", b"\x00", b"\x20\x01\x61", plain("29"), b"\x42\x01"):
        reading = hub.read(frame)
        assert reading.refused is not None and reading.refused[0] == MALFORMED
        assert not reading.heard and reading.observations == [] and reading.state == {}


def test_an_advertisement_of_another_service_is_nothing() -> None:
    driver = Bthome(Context(ADDRESS, {}, Hub().crypto, lambda key: None))
    reading = driver.advertised(Advertisement(ADDRESS, -60, 5, {"fe95": b"\x40\x29\x01"}))
    assert not reading.heard and reading.refused is None and reading.observations == []


def test_a_stored_state_that_does_not_read_is_left_out() -> None:
    hub = Hub()
    hub.journal["states"] = b"door=1;smoke=\xff;;=4;battery=x;packet"
    hub.restart()
    assert hub.hear(plain("1a00")) == ["door.closed"]


def test_every_observation_can_be_put_on_the_wire() -> None:
    found: "list[Observation]" = []
    for number in range(256):
        hub = Hub(keyed=False)
        for states in ("01", "00"):
            found += hub.read(plain("%02x" % number + states * 5)).observations
    assert len({observation.kind for observation in found}) > 15
    for observation in found:
        assert observation.kind in KINDS
        assert [name for name in observation.values if name not in VALUES] == []


def test_a_copy_ends_exactly_with_its_gap() -> None:
    for objects, gap_ms in (("3a01", 4_000), ("00073a01", 60_000)):
        for after_ms, told in ((gap_ms, []), (gap_ms + 1, ["button.pressed!1"])):
            hub = Hub()
            hub.hear(plain(objects))
            assert hub.hear(plain(objects), after_ms) == told
            # The same with other objects around the press, so that the frame is no copy and the press still is.
            hub = Hub()
            hub.hear(plain(objects))
            assert [
                kind for kind in hub.hear(plain(objects + "6001"), after_ms) if kind != "battery.measured"
            ] == told


def test_a_packet_heard_after_a_restart_is_a_copy_for_exactly_a_minute() -> None:
    for uptime_ms, told in ((60_000, []), (60_001, ["button.pressed!1"])):
        hub = Hub()
        hub.hear(plain("00073a01"))
        hub.restart(uptime_ms=0)
        assert hub.hear(plain("00073a01"), uptime_ms) == told


def test_full_humidity_is_plausible() -> None:
    assert values_of(Hub(), "2e64") == [{"humidity_pct": 100}]
    assert values_of(Hub(), "2e65") == [{"humidity_pct": 101, "implausible": "humidity_pct"}]


def test_nothing_is_stored_where_nothing_changed() -> None:
    hub = Hub()
    assert hub.read(plain("2501")).state == {}
    assert hub.read(plain("1a01")).state == {"states": b"door=1"}
    assert hub.read(plain("1a012501")).state == {}
    assert hub.read(plain("2900")).state == {"states": b"door=1;smoke=0"}  # known now, though it is no news


def test_a_frame_says_whether_something_triggered_it_copies_and_refused_ones_too() -> None:
    hub = Hub()
    for info, triggered in (
        ("40", False),
        ("44", True),
        ("44", True),
        ("45", True),
        ("41", False),
        ("c0", False),
    ):
        assert hub.read(bytes.fromhex(info + "0164" + 9 * "00")).triggered == triggered, info
    assert not hub.driver.advertised(Advertisement(ADDRESS, -60, 1, {"fcd2": b""})).triggered
