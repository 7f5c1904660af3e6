"""The BTHome driver with a key: what is refused, and how an alarm is delivered all the same.

`!1` is provenance unauthenticated, `!2` replay suspected.
"""

from gateway.core.devices.driver import MALFORMED, REPEATED, REPLAYED, UNAUTHENTICATED_FRAME
from gateway.core.model import Observation
from tests.core.bthome_sensor import OTHER_KEY, Hub, encrypted, plain

LANE_0 = [("29", "smoke"), ("17", "carbon_monoxide"), ("1c", "gas"), ("20", "water")]
SUSPECTED, UNAUTHENTICATED = "device.replay_suspected", "device.unauthenticated"


def keyed(**options: int) -> Hub:
    """A hub that holds the sensor's key."""
    return Hub(keyed=True, **options)


def test_an_encrypted_frame_of_the_right_key_is_as_good_as_a_plain_one() -> None:
    hub = keyed()
    assert hub.hear(encrypted("1a01", 7)) == ["door.opened"]
    assert hub.hear(encrypted("2901", 8)) == ["smoke.detected"]
    assert hub.hear(encrypted("2900", 9)) == ["smoke.cleared"]
    assert hub.refused == []


def test_a_counter_that_does_not_rise_is_refused_and_proves_no_life() -> None:
    hub = keyed()
    assert hub.hear(encrypted("1a01", 1000)) == ["door.opened"]
    for counter in (999, 50, 0, 1000):
        reading = hub.read(encrypted("1a00", counter))
        assert reading.refused is not None and reading.refused[0] == REPLAYED
        assert not reading.heard and "counter" not in reading.state
    assert hub.hear(encrypted("1a00", 1001)) == ["door.closed"]


def test_the_sequence_that_bthome_ble_accepts_is_refused() -> None:
    hub = keyed()
    taken = []
    for counter in (1000, 1000, 999, 50, 50, 40):
        reading = hub.read(encrypted("2101", counter))
        if reading.refused is None:
            taken.append(counter)
    assert taken == [1000] and hub.journal["counter"] == b"\x00\x00\x03\xe8"


def test_the_counter_is_kept_across_a_restart() -> None:
    hub = keyed()
    hub.hear(encrypted("1a01", 1000))
    for uptime_ms in (0, 1_000, 500_000):
        hub.restart(uptime_ms)
        for counter in (1000, 999, 1):
            reading = hub.read(encrypted("1a00", counter))
            assert reading.refused is not None and reading.refused[0] == REPLAYED
            assert [o for o in reading.observations if o.kind != SUSPECTED] == [] and not reading.heard
    assert hub.hear(encrypted("1a00", 1001)) == ["door.closed"]


def test_a_journal_that_forgets_the_counter_shows_what_the_test_above_would_miss() -> None:
    hub = keyed()
    hub.hear(encrypted("1a01", 1000))
    del hub.journal["counter"]
    hub.restart()
    assert hub.hear(encrypted("1a00", 50)) == ["door.closed"]


def test_a_counter_that_brings_no_news_is_stored_every_ten_minutes() -> None:
    hub = keyed()
    stored = [bool(hub.read(encrypted("1a00", counter), 60_000).state) for counter in range(1, 32)]
    assert [index for index, wrote in enumerate(stored) if wrote] == [0, 10, 20, 30]


def test_the_same_frame_is_a_copy_for_a_minute_and_then_a_replay() -> None:
    hub = keyed()
    frame = encrypted("2101", 5)
    hub.hear(frame)
    for gap_ms in (10, 30_000, 29_000):
        reading = hub.read(frame, gap_ms)
        assert reading.heard and reading.refused is not None and reading.refused[0] == REPEATED
    reading = hub.read(frame, 2_000)
    assert not reading.heard and reading.refused is not None and reading.refused[0] == REPLAYED
    assert reading.observations == []
    assert hub.hear(encrypted("2100", 6)) == ["motion.cleared"]


def test_copies_that_each_raise_the_counter_are_one_press() -> None:
    hub = keyed()
    heard = [hub.hear(encrypted("00073a01", counter)) for counter in range(10, 15)]
    assert heard == [["button.pressed"], [], [], [], []]
    assert hub.hear(encrypted("00083a01", 15)) == ["button.pressed"]


def test_a_replayed_alarm_is_delivered_as_suspected_with_a_fault_beside_it() -> None:
    for number, thing in LANE_0:
        hub = keyed()
        alarm = encrypted(number + "01", 5)
        assert hub.hear(alarm) == [thing + ".detected"]
        assert hub.hear(encrypted(number + "00", 6)) == [thing + ".cleared"]
        assert hub.hear(alarm, 100_000) == [thing + ".detected!2", SUSPECTED]
        assert hub.refused == [REPLAYED]
        assert hub.hear(alarm) == [] and hub.hear(encrypted(number + "01", 4)) == []
        assert hub.hear(encrypted(number + "00", 7)) == [thing + ".cleared"]


def test_a_replayed_press_is_delivered_as_suspected_and_its_copies_are_not() -> None:
    hub = keyed()
    press = encrypted("3a01", 5)
    assert hub.hear(press) == ["button.pressed"]
    assert hub.hear(encrypted("3a00", 6)) == []
    assert hub.hear(press, 100_000) == ["button.pressed!2", SUSPECTED]
    assert [hub.hear(press, 500) for _ in range(5)] == [[]] * 5
    assert hub.hear(press, 30_000) == ["button.pressed!2"]


def test_a_fault_says_both_counters_and_is_told_once_in_ten_minutes() -> None:
    hub = keyed()
    hub.hear(encrypted("2101", 100))
    fault = hub.read(encrypted("2101", 3)).observations
    assert fault == [Observation(SUSPECTED, {"counter": 3, "last_counter": 100})]
    assert [hub.hear(encrypted("2101", 3 + n), 60_000) for n in range(1, 10)] == [[]] * 9
    assert hub.hear(encrypted("2101", 40), 60_000) == [SUSPECTED]


def test_a_plain_frame_of_a_sensor_with_a_key_is_refused() -> None:
    hub = keyed()
    hub.hear(encrypted("1a00", 5))
    reading = hub.read(plain("1a01"))
    assert reading.refused is not None and reading.refused[0] == UNAUTHENTICATED_FRAME
    assert reading.observations == [Observation(UNAUTHENTICATED, {"reason": "plain"})]
    assert not reading.heard and reading.state == {}
    copy = hub.read(plain("1a01"))
    assert copy.refused == reading.refused and copy.observations == [] and not copy.heard
    assert hub.hear(plain("1a00")) == []


def test_a_plain_alarm_of_a_sensor_with_a_key_is_delivered_unverified_and_nothing_else_of_it() -> None:
    for number, thing in LANE_0:
        hub = keyed()
        frame = plain("0105" + "1a01" + number + "01")
        assert hub.hear(frame) == [thing + ".detected!1", UNAUTHENTICATED]
        assert hub.hear(plain(number + "00"), 10_000) == [], "an unverified frame must not end an alarm"
    assert keyed().hear(plain("3a01")) == ["button.pressed!1", UNAUTHENTICATED]


def test_a_verified_alarm_after_an_unverified_one_is_news() -> None:
    hub = keyed()
    assert hub.hear(plain("2901")) == ["smoke.detected!1", UNAUTHENTICATED]
    hub.restart()
    assert hub.hear(plain("2901"))[:1] != ["smoke.detected!1"]
    assert hub.hear(encrypted("2901", 5)) == ["smoke.detected"]
    assert hub.hear(plain("2901"), 100_000) == []
    assert hub.hear(encrypted("2900", 6)) == ["smoke.cleared"]


def test_a_tag_that_does_not_hold_is_a_fault_and_cannot_be_read() -> None:
    hub = keyed()
    forged = encrypted("2901", 5, OTHER_KEY)
    reading = hub.read(forged)
    assert reading.observations == [Observation(UNAUTHENTICATED, {"reason": "tag"})]
    assert reading.refused is not None and reading.refused[0] == UNAUTHENTICATED_FRAME
    assert not reading.heard and reading.state == {}
    assert hub.hear(forged) == []
    assert hub.hear(encrypted("2901", 5)) == ["smoke.detected"]


def test_every_flipped_bit_of_an_encrypted_frame_is_refused() -> None:
    frame = encrypted("1a01", 0x01020304)
    for bit in range(8 * len(frame)):
        hub = keyed()
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        reading = hub.read(bytes(flipped))
        assert reading.refused is not None and not reading.heard, bit
        assert [o.kind for o in reading.observations if o.kind != UNAUTHENTICATED] == [], bit


def test_an_encrypted_frame_without_a_key_is_a_fault_that_says_so() -> None:
    hub = Hub()
    assert hub.read(encrypted("2901", 5)).observations == [Observation(UNAUTHENTICATED, {"reason": "no_key"})]
    assert hub.refused == [UNAUTHENTICATED_FRAME]


def test_a_frame_too_short_to_be_encrypted_is_malformed() -> None:
    hub = keyed()
    whole = encrypted("1a01", 5)
    for length in range(10):
        reading = hub.read(whole[:length])
        assert reading.refused is not None and reading.refused[0] == MALFORMED


def test_an_authentic_frame_of_broken_objects_is_malformed_and_moves_no_counter() -> None:
    hub = keyed()
    assert hub.hear(encrypted("29", 9)) == []
    assert hub.refused == [MALFORMED] and hub.hear(encrypted("2901", 8)) == ["smoke.detected"]


def test_a_press_stored_before_a_restart_is_not_suspected_at_once_and_is_later() -> None:
    hub = keyed()
    press = encrypted("3a01", 5)
    assert hub.hear(press) == ["button.pressed"]
    hub.restart(uptime_ms=0)
    reading = hub.read(press, 60_000)
    assert reading.observations == [] and reading.refused is not None and reading.refused[0] == REPLAYED
    hub.restart(uptime_ms=1)
    assert hub.hear(press, 60_000) == ["button.pressed!2", SUSPECTED]
    hub.restart(uptime_ms=0)
    assert hub.hear(encrypted("3a01", 4)) == ["button.pressed!2", SUSPECTED]


def test_an_equal_counter_with_other_words_is_a_fault_at_once() -> None:
    hub = keyed()
    hub.hear(encrypted("2101", 5))
    assert hub.hear(encrypted("2100", 5)) == [SUSPECTED]
    assert hub.hear(encrypted("3a01", 5)) == ["button.pressed!2"]


def test_a_copy_ends_exactly_with_its_minute() -> None:
    for after_ms, word in ((60_000, REPEATED), (60_001, REPLAYED)):
        hub = keyed()
        frame = encrypted("2101", 5)
        hub.hear(frame)
        reading = hub.read(frame, after_ms)
        assert reading.refused is not None and reading.refused[0] == word


def test_every_detector_of_a_refused_frame_is_heard() -> None:
    reading = keyed().read(plain("2900290120012001"))
    found = [(o.kind, o.values.get("part")) for o in reading.observations]
    assert found == [
        ("smoke.detected", "smoke_2"),
        ("water.detected", None),
        ("water.detected", "moisture_2"),
        (UNAUTHENTICATED, None),
    ]


def test_an_alarm_that_was_verified_is_not_told_again_by_a_frame_that_is_not() -> None:
    hub = keyed()
    assert hub.hear(encrypted("2901", 5)) == ["smoke.detected"]
    assert hub.hear(plain("2901")) == [UNAUTHENTICATED]
    assert hub.hear(encrypted("2901", 6), 10_000) == []
