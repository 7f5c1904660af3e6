"""When the machine is asked to start anew: counted without a clock, bounded, never in a loop, and told afterwards."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.daemon.restarts import LEAST_UPTIME_S, LIMIT, NAME, REBOOT, WITHIN_S, Restarts, boot_id, uptime_s
from tests.conftest import ROOT

BOOT, NEXT_BOOT = "b5c0", "77aa"
LATE_S = 10 * LEAST_UPTIME_S


def ends(path: Path, times: list[int], boot: str = BOOT, part: str = "uplink") -> list[bool]:
    """One process after another that ends at these uptimes; whether each asked for a restart of the machine."""
    return [Restarts(path, boot, lambda at=at: at).ended(part, "always") for at in times]  # type: ignore[misc]


def test_the_fifth_end_within_an_hour_asks_for_the_machine(tmp_path: Path) -> None:
    path = tmp_path / NAME
    assert ends(path, [LATE_S + 60 * number for number in range(LIMIT)]) == [False] * (LIMIT - 1) + [True]


def test_ends_that_lie_apart_ask_for_nothing(tmp_path: Path) -> None:
    times = [LATE_S + (WITHIN_S // (LIMIT - 1) + 1) * number for number in range(200)]
    assert not any(ends(tmp_path / NAME, times))
    assert len(json.loads((tmp_path / NAME).read_text())["ends"]) <= LIMIT


def test_control_a_machine_that_has_just_started_is_not_started_again(tmp_path: Path) -> None:
    """Without the least uptime this would ask at each fifth end, for ever."""
    path = tmp_path / NAME
    asked = 0
    for boot in range(3):
        now_s = 30
        while now_s < LEAST_UPTIME_S + WITHIN_S:
            if Restarts(path, f"boot-{boot}", lambda at=now_s: at).ended("radio", "gone"):  # type: ignore[misc]
                asked += 1
                assert now_s >= LEAST_UPTIME_S
                break
            now_s += 600
    assert asked == 3, "once in each six hours"


def test_another_boot_begins_the_count_anew(tmp_path: Path) -> None:
    path = tmp_path / NAME
    ends(path, [LATE_S] * (LIMIT - 1))
    assert ends(path, [LATE_S + 1], NEXT_BOOT) == [False]
    assert ends(path, [LATE_S + 2] * (LIMIT - 1), NEXT_BOOT)[-1]


def test_an_uptime_that_goes_backwards_counts_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / NAME
    ends(path, [LATE_S + WITHIN_S] * (LIMIT - 1))
    assert ends(path, [LATE_S]) == [False]


def test_after_the_restart_it_is_said_once_with_part_and_reason(tmp_path: Path) -> None:
    path = tmp_path / NAME
    assert ends(path, [LATE_S] * LIMIT)[-1]
    same = Restarts(path, BOOT)
    assert same.of_machine() is None, "it has not happened"
    assert same.why() == {"part": "uplink", "reason": "always"}
    after = Restarts(path, NEXT_BOOT)
    assert after.of_machine() == {"part": "uplink", "reason": "always", "count": LIMIT}
    assert Restarts(path, NEXT_BOOT).of_machine() is not None, "not stored yet"
    after.told()
    again = Restarts(path, NEXT_BOOT)
    assert (again.of_machine(), again.why()) == (None, {})


def test_a_restart_that_was_asked_for_and_did_not_come_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / NAME
    ends(path, [LATE_S] * LIMIT)
    Restarts(path, BOOT).told()
    assert ends(path, [LATE_S + 100]) == [True]
    assert Restarts(path, NEXT_BOOT).of_machine() is not None


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"ends": 7}', b'{"ends": ["x"]}', b"{" * 9_000]
)
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    assert Restarts(path, BOOT).of_machine() is None
    assert ends(path, [LATE_S]) == [False]


def test_a_count_that_cannot_be_kept_asks_for_nothing(tmp_path: Path) -> None:
    for _ in range(2 * LIMIT):
        with pytest.raises(OSError):
            Restarts(tmp_path / "none" / NAME, BOOT, lambda: LATE_S).ended("uplink", "always")


def test_without_a_boot_to_count_by_nothing_is_asked_for(tmp_path: Path) -> None:
    assert not any(ends(tmp_path / NAME, [LATE_S] * 20, boot=""))


def test_this_machine_says_boot_and_uptime() -> None:
    assert len(boot_id()) >= 32
    assert uptime_s() > 0


HUB = """
import asyncio, sys
from pathlib import Path
from gateway.core.config import validate
from gateway.daemon import wiring
from gateway.hub.parts import PartFailedError
from gateway.hub.uplink import Delivery

class Broken(Delivery):
    async def run(self):
        raise PartFailedError("the radio hangs")

def log(level, message, **fields):
    if message == "stored" and fields["kind"] in ("hub.started", "machine.restarted"):
        print(fields["kind"])

tree = {
    "hub": {"id": "hub-1", "tenant": "oslo", "data_directory": sys.argv[1]},
    "uplink": {"brokers": ["mqtt://127.0.0.1:1"]},
    "platform": {"root_public_key": "ab" * 32},
    "radio": {"backend": "none"},
}

async def main():
    stop = asyncio.Event()
    whole = sys.argv[3] == "whole"
    if whole:
        asyncio.get_running_loop().call_later(0.2, stop.set)
    return await wiring.run(validate(tree, "hub.toml"), log=log, stop=stop, clock_offset_ms=0,
        delivery=Delivery if whole else Broken, machine_uptime_s=lambda: int(sys.argv[2]))

sys.exit(asyncio.run(main()))
"""


def hub(data: Path, uptime: int, how: str) -> tuple[int, list[str]]:
    """One process of the hub; its exit status, and what it stored."""
    ran = subprocess.run(
        [sys.executable, "-c", HUB, str(data), str(uptime), how],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode in (0, 1, REBOOT), ran.stderr
    return ran.returncode, ran.stdout.split()


def test_a_hub_whose_part_fails_for_good_ends_with_the_status_that_asks_for_the_machine(
    tmp_path: Path,
) -> None:
    statuses = [hub(tmp_path, LATE_S + number, "broken")[0] for number in range(LIMIT)]
    assert statuses == [1] * (LIMIT - 1) + [REBOOT]
    path = tmp_path / NAME
    path.write_text(path.read_text().replace(boot_id(), "the boot before"))
    assert hub(tmp_path, 60, "whole") == (0, ["hub.started", "machine.restarted"])
    assert hub(tmp_path, 90, "whole") == (0, ["hub.started"]), "said once"
