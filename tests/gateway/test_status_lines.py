"""Single lines of `trygg status`."""

from typing import Any

import pytest

from gateway.daemon.commands.status import ALARMS_SHOWN, alarms, configuration, self_test
from gateway.daemon.texts import Texts


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (None, ""),
        ({"result": "running", "ago_ms": 1_000, "reason": ""}, ""),
        ({"result": "passed", "ago_ms": 7_200_000, "reason": ""}, "Selvtest: kom frem (for 2 t siden)"),
        ({"result": "passed", "ago_ms": None, "reason": ""}, "Selvtest: kom frem (ukjent når)"),
        (
            {"result": "failed", "ago_ms": 7_200_000, "reason": "no_receipt"},
            "Selvtest: kom ikke frem (for 2 t siden): ingen kvittering",
        ),
    ],
)
def test_the_last_self_test_is_told(test: dict[str, Any] | None, said: str) -> None:
    assert self_test({"self_test": test}, Texts("nb")) == ([said] if said else [])


NOW_MS = 10_000_000
ALARM: dict[str, Any] = {
    "kind": "smoke.detected",
    "device": "Smoke",
    "placement": 7,
    "exercise": False,
    "utc_ms": NOW_MS - 240_000,
    "open": True,
    "became": None,
    "note": "",
}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "Alarm 4 min ago: Smoke detected, Smoke: the platform has not told what was done"),
        ({"open": False}, ""),
        (
            {"open": False, "became": "handled", "note": "burnt toast"},
            "Alarm 4 min ago: Smoke detected, Smoke: dealt with (“burnt toast”)",
        ),
        (
            {"exercise": True, "utc_ms": None, "device": None, "became": "accepted"},
            "Exercise, unknown when: Smoke detected, 7: somebody has taken it",
        ),
    ],
)
def test_what_became_of_an_alarm_is_told(row: dict[str, Any], said: str) -> None:
    facts = {"utc_ms": NOW_MS, "alarms": [ALARM | row] * 9}
    lines = alarms(facts, Texts("en"))
    assert lines == ([said] * ALARMS_SHOWN if said else [])
    assert alarms({"utc_ms": NOW_MS}, Texts("en")) == [], "a hub of before the update"


def test_what_came_from_afar_is_told() -> None:
    said: dict[str, Any] = {"revision": 0, "on_trial": False, "refused": None, "reason": "", "local": []}
    texts = Texts("nb")
    assert configuration({}, texts) == configuration({"configuration": said}, texts) == []
    said |= {"revision": 4, "refused": 5, "reason": "the platform was not reached with it"}
    said["local"] = ["device[Seng].room", "hub.language"]
    assert configuration({"configuration": said}, texts) == [
        "Konfigurasjon: revisjon 5 fra kommunen ble ikke tatt i bruk: mottakeren ble ikke nådd med den",
        "Konfigurasjon: revisjon 4 fra kommunen er i bruk",
        "Konfigurasjon: endret i hjemmet: device[Seng].room, hub.language",
    ]
    assert "prøves" in configuration({"configuration": said | {"on_trial": True}}, texts)[1]
