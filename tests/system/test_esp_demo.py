"""The board's firmware as a whole: killed in the middle nothing is lost, and no broker that is not ours gets a byte."""

import json
import subprocess
import sys

import pytest

from tools.mpy.interpreter import MissingToolError, find_interpreter
from tools.rig.esp.demo import is_well
from tools.simulators.mosquitto import find_mosquitto


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_board_that_is_killed_loses_nothing_and_believes_no_foreign_broker() -> None:
    try:
        find_interpreter()
    except MissingToolError as error:
        pytest.skip(str(error))
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    command = [sys.executable, "-m", "tools.rig.esp.demo", "--json", "--seconds", "16"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=230, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    facts = json.loads(ran.stdout)
    delivered = facts["delivered"]
    assert delivered["lost"] == 0 and delivered["verified"] == delivered["sent"] > 40
    assert delivered["stored_before_kill"] > 5
    assert "is not from our authority" in facts["refused"]["authority"]["en"]
    assert "is not for 127.0.0.1" in facts["refused"]["host"]["en"]
    assert "is not valid at this time" in facts["refused"]["expired"]["en"]
    assert "er ikke fra vår utsteder" in facts["refused"]["authority"]["nb"]


def test_the_judge_of_the_demonstration_sees_each_thing_that_is_wrong() -> None:
    delivered = {
        "sent": 9,
        "verified": 9,
        "stored_before_kill": 4,
        "lost": 0,
        "out_of_order": 0,
        "held": 0,
        "missing_kinds": [],
    }
    row = {"connections": 1, "application_records": 0, "en": "no", "nb": "nei"}
    well = {"delivered": delivered, "refused": {"host": row}}
    assert is_well(well)
    for key, value in (
        ("verified", 8),
        ("stored_before_kill", 0),
        ("lost", 1),
        ("out_of_order", 1),
        ("held", None),
        ("missing_kinds", ["smoke.detected"]),
    ):
        assert not is_well({**well, "delivered": {**delivered, key: value}}), key
    for key, value in (("connections", 0), ("application_records", 1), ("en", ""), ("nb", "no")):
        assert not is_well({**well, "refused": {"host": {**row, key: value}}}), key
