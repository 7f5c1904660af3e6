"""A BTHome counter that began anew: refused until a person confirms it, and no recording of before passes after it.

`!2` is provenance replay suspected.
"""

from gateway.core.devices.bthome_counter import AHEAD, Counter
from gateway.core.devices.driver import REPEATED, REPLAYED, AdvertisingDriver, Context
from gateway.core.model import Observation
from tests.core.bthome_sensor import ADDRESS, Hub, encrypted, plain

SUSPECTED, CONFIRMED = "device.replay_suspected", "device.counter_reset"
OLD, NEW = 48_211, 17


def with_a_new_battery(**options: int) -> Hub:
    """A hub that has accepted `OLD`, and then heard its sensor begin anew at `NEW`."""
    hub = Hub(keyed=True, **options)
    assert hub.hear(encrypted("1a00", OLD)) == ["door.closed"]
    assert hub.hear(encrypted("1a01", NEW), 60_000) == [SUSPECTED]
    return hub


def confirmed() -> Hub:
    """The same, confirmed."""
    hub = with_a_new_battery()
    hub.confirm()
    return hub


def refused(hub: Hub, frame: bytes, after_ms: int = 1_000) -> bool:
    """Whether a frame is taken for a replay, and nothing of it but faults is told."""
    reading = hub.read(frame, after_ms)
    assert [each for each in reading.observations if each.kind != SUSPECTED] == []
    return reading.refused is not None and reading.refused[0] == REPLAYED and not reading.heard


def test_nothing_but_a_person_makes_a_counter_begin_anew() -> None:
    hub = with_a_new_battery()
    assert hub.driver.counters() == (NEW, OLD)
    for counter in range(NEW + 1, NEW + 200):
        assert refused(hub, encrypted("1a01", counter), 60_000)
    assert hub.driver.counters() == (NEW + 199, OLD)


def test_a_confirmed_reset_is_told_with_both_counters_and_stored_with_its_words() -> None:
    hub = with_a_new_battery()
    reading = hub.confirm()
    assert reading.observations == [Observation(CONFIRMED, {"counter": NEW, "last_counter": OLD})]
    assert set(reading.state) == {"counter", "peak"} and not reading.heard
    assert hub.driver.counters() is None
    assert hub.hear(encrypted("1a01", NEW + 1)) == ["door.opened"]


def test_the_frame_that_was_confirmed_is_itself_not_taken() -> None:
    hub = with_a_new_battery()
    frame = encrypted("1a01", NEW)
    hub.confirm()
    reading = hub.read(frame)
    assert reading.refused is not None and reading.refused[0] == REPEATED and reading.observations == []
    assert refused(hub, frame, 61_000) and refused(hub, encrypted("1a01", NEW - 1))


def test_what_was_recorded_before_a_reset_is_refused_after_it_also_across_restarts() -> None:
    recorded = [encrypted("1a01", counter) for counter in (OLD, OLD - 1, 30_000, 10_000, NEW - 1, 1)]
    hub = confirmed()
    for restart in (False, True, True):
        if restart:
            hub.restart()
        for frame in recorded:
            assert refused(hub, frame), frame.hex()
    assert hub.hear(encrypted("1a01", NEW + 1)) == ["door.opened"]
    for frame in recorded:
        assert refused(hub, frame)


def test_control_a_hub_that_forgets_the_highest_counter_takes_a_recording() -> None:
    hub = confirmed()
    del hub.journal["peak"]
    hub.restart()
    assert hub.hear(encrypted("1a01", 30_000)) == ["door.opened"]


def test_after_a_reset_a_counter_may_rise_as_far_as_a_sensor_counts_and_no_farther() -> None:
    for after_s, ahead in ((0, AHEAD), (0, 1), (60, AHEAD + 60), (3_600, AHEAD + 3_600)):
        hub = confirmed()
        assert hub.hear(encrypted("1a01", NEW + ahead), 1_000 * after_s) == ["door.opened"]
        hub = confirmed()
        assert refused(hub, encrypted("1a01", NEW + AHEAD + after_s + 1), 1_000 * after_s)


def test_a_sensor_that_was_away_for_longer_is_confirmed_once_more_and_the_peak_stays() -> None:
    hub = confirmed()
    assert refused(hub, encrypted("1a01", 9_000))
    assert hub.driver.counters() == (9_000, NEW)
    hub.confirm()
    assert hub.hear(encrypted("1a01", 9_001)) == ["door.opened"]
    assert refused(hub, encrypted("1a00", OLD))


def test_above_the_highest_counter_of_before_all_is_as_it_was() -> None:
    hub = confirmed()
    assert hub.hear(encrypted("1a01", OLD + 1)) == ["door.opened"]
    assert "peak" not in hub.journal
    assert hub.hear(encrypted("1a00", OLD + 100_000)) == ["door.closed"]
    hub.restart()
    assert refused(hub, encrypted("1a01", OLD))


def test_a_sensor_that_counts_on_shows_that_what_was_refused_was_a_recording() -> None:
    hub = with_a_new_battery()
    assert hub.hear(encrypted("1a01", OLD + 1)) == ["door.opened"]
    assert hub.driver.counters() is None
    reading = hub.confirm()
    assert reading.observations == [] and reading.state == {}
    assert refused(hub, encrypted("1a00", NEW + 1))


def test_what_cannot_be_shown_to_be_the_sensor_is_no_reset() -> None:
    hub = Hub(keyed=True)
    frame = encrypted("1a00", OLD)
    hub.hear(frame)
    hub.read(encrypted("1a01", NEW, bytes(16)))
    hub.read(plain("1a01"))
    hub.read(frame, 61_000)
    hub.read(encrypted("2100", OLD))
    assert hub.driver.counters() is None and hub.confirm().state == {}


def test_a_replay_right_after_a_confirmation_is_told_at_once() -> None:
    hub = confirmed()
    assert hub.hear(encrypted("1a01", OLD)) == [SUSPECTED]


def test_a_counter_of_two_resets_is_the_greater_number_in_every_store() -> None:
    stored = []
    hub = Hub(keyed=True)
    for counter in (OLD, NEW, 9, 5):
        if stored:
            hub.read(encrypted("1a01", counter))
            hub.confirm()
        else:
            hub.hear(encrypted("1a01", counter))
        stored.append(int.from_bytes(hub.journal["counter"], "big"))
        hub.restart()
        assert hub.driver.counter.last == counter
    assert stored == sorted(stored) and len(set(stored)) == 4
    assert hub.driver.counter.resets == 3 and hub.driver.counter.peak == OLD


def test_a_counter_that_never_began_anew_is_stored_as_ever() -> None:
    counter = Counter(b"\x00\x00\xbc\x53", None)
    assert (counter.last, counter.resets, counter.peak) == (OLD, 0, -1)
    counter.take(0xFFFFFFFF, 5)
    assert counter.state() == {"counter": b"\xff\xff\xff\xff"}
    odd = Counter(b"\xff" * 12, b"\xff" * 12)  # a damaged store may give back anything
    odd.reset(5, 0)
    assert len(odd.state()["counter"] or b"") == 8 and not odd.is_new(5, 0)
    assert Counter(None, None).is_new(0, 0) and not Counter(b"\0\0\0\0", None).is_new(0, 0)


def test_a_driver_without_a_counter_has_nothing_to_confirm() -> None:
    hub = Hub()
    driver = AdvertisingDriver(Context(ADDRESS, {}, hub.crypto, hub.journal.get))
    assert driver.counters() is None and driver.confirm_reset(5).state == {}


# --- lane 0 meanwhile -------------------------------------------------------------------------------------------


def test_a_fire_is_told_before_and_after_the_confirmation_whatever_its_counter() -> None:
    for number, thing in (("29", "smoke"), ("17", "carbon_monoxide"), ("1c", "gas"), ("20", "water")):
        alarm = thing + ".detected"
        hub = with_a_new_battery()
        assert hub.hear(encrypted(number + "01", NEW + 1), 1_000) == [alarm + "!2"]
        hub = confirmed()
        assert hub.hear(encrypted(number + "01", NEW + 1)) == [alarm]
        hub = confirmed()
        assert hub.hear(encrypted(number + "01", NEW)) == [alarm + "!2", SUSPECTED]
        hub = confirmed()
        assert hub.hear(encrypted(number + "01", 30_000)) == [alarm + "!2", SUSPECTED]


def test_control_a_door_is_not_told_under_such_a_counter() -> None:
    hub = with_a_new_battery()
    assert hub.hear(encrypted("1a01", NEW + 1)) == []
    hub.confirm()
    assert hub.hear(encrypted("1a01", 30_000)) == [SUSPECTED]


def test_a_second_fire_is_told_again_though_no_reset_was_confirmed() -> None:
    hub = with_a_new_battery()
    assert hub.hear(encrypted("2901", NEW + 1)) == ["smoke.detected!2"]
    assert hub.hear(encrypted("2900", NEW + 2), 100_000) == [], "it ends nothing"
    assert hub.hear(encrypted("2901", NEW + 3), 100_000) == ["smoke.detected!2"]
    assert [hub.hear(encrypted("2901", NEW + n), 100_000) for n in (4, 5)] == [[], []]


def test_a_detector_whose_battery_was_torn_out_while_it_sounded_is_heard_again() -> None:
    for restart in (False, True):
        hub = Hub(keyed=True)
        assert hub.hear(encrypted("2901", OLD)) == ["smoke.detected"]
        assert hub.hear(encrypted("2900", NEW), 100_000) == [SUSPECTED]
        if restart:
            hub.restart()
        assert hub.hear(encrypted("2901", NEW + 1), 100_000)[:1] == ["smoke.detected!2"]
        hub.confirm()
        assert hub.hear(encrypted("2900", NEW + 2)) == ["smoke.cleared"]


def test_frames_that_take_turns_do_not_multiply_an_alarm() -> None:
    hub = with_a_new_battery()
    told = [hub.hear(encrypted("290" + str(n % 2), NEW + n), 1_000) for n in range(1, 122)]
    assert [kinds for kinds in told if kinds] == [["smoke.detected!2"]] * 3


def test_a_verified_fire_after_one_in_doubt_is_news() -> None:
    hub = with_a_new_battery()
    hub.hear(encrypted("2901", NEW + 1))
    hub.hear(encrypted("2900", NEW + 2))
    hub.confirm()
    assert hub.hear(encrypted("2901", NEW + 3)) == ["smoke.detected"]
