"""Behind the guard of a driver of another package: a fault stands beside an alarm, and never in its place."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.core.devices.driver import FAILED, AdvertisingDriver, Context, Reading
from gateway.core.model import Observation
from gateway.daemon.plugin_guard import guarded
from hal.types import Advertisement

CONTEXT = Context("", {}, None, lambda key: None)  # type: ignore[arg-type]


class Detector(AdvertisingDriver):
    """A smoke detector of another package. `beside` is what it gives wrong beside its alarm."""

    name, contract, kinds, safety = "detector", 1, ("smoke.detected", "battery.low"), True
    beside: Callable[[Reading], object] = staticmethod(lambda reading: reading)

    def advertised(self, advertisement: Advertisement) -> Reading:
        reading = Reading(
            [Observation("battery.low", {}), Observation("smoke.detected", {}, provenance=1)],
            send_after=[b"forget it"],
        )
        type(self).beside(reading)
        return reading


def told_beside(beside: Callable[[Reading], object], kind: type[AdvertisingDriver] = Detector) -> Reading:
    driver: Any = guarded(type("Wrong", (kind,), {"beside": staticmethod(beside)}))(CONTEXT)
    reading: Reading = driver.advertised(Advertisement("A", -60, 5, {}))
    return reading


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        (lambda reading: reading.observations.append(Observation("water.detected", {})), "not declare"),
        (
            lambda reading: reading.observations.insert(0, Observation("battery.low", {"x": 1})),
            "no such name",
        ),
        (lambda reading: reading.observations.insert(0, None), "no observation"),
        (lambda reading: reading.observations.extend(reading.observations * 128), "more than 256"),
        (lambda reading: reading.state.update({"Hub": b""}), "its state has the key 'Hub'"),
        (lambda reading: setattr(reading, "heard", 1), "neither true nor false"),
        (lambda reading: setattr(reading, "steps", None), "steps"),
        (lambda reading: setattr(reading, "refused", "no"), "a refusal"),
    ],
)
def test_an_alarm_is_delivered_whatever_is_wrong_beside_it(
    beside: Callable[[Reading], object], said: str
) -> None:
    reading = told_beside(beside)
    kinds = [each.kind for each in reading.observations]
    assert set(kinds[:-1]) == {"smoke.detected"} and kinds[-1] == "driver.failed"
    assert reading.observations[0].provenance == 1 and len(kinds) <= 257
    assert reading.heard and reading.refused is not None and said in reading.refused[1]
    assert reading.state == {} and reading.send_after == [], "nothing else of it is believed"


def test_an_alarm_that_is_wrong_itself_is_not_delivered() -> None:
    def forge(reading: Reading) -> None:
        reading.observations[1].provenance = 99

    reading = told_beside(forge)
    assert [each.kind for each in reading.observations] == ["driver.failed"] and not reading.heard


def test_what_took_too_long_and_is_whole_is_taken_whole_with_the_failure_beside_it() -> None:
    driver: Any = guarded(Detector)(CONTEXT)
    driver.slowest_s = -1
    heard = [driver.advertised(Advertisement("A", -60, now_ms, {})) for now_ms in (5, 6)]
    for reading, behind in zip(heard, (["driver.failed"], []), strict=True):
        assert [each.kind for each in reading.observations] == ["battery.low", "smoke.detected", *behind]
        assert reading.heard and reading.send_after == [b"forget it"]
        assert reading.refused == (FAILED, "driver.advertised: took more than -1 s of the processor")
    driver.slowest_s = 5
    assert driver.advertised(Advertisement("A", -60, 7, {})).refused is None
