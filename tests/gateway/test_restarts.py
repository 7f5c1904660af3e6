"""When the machine is asked to start anew: counted without a clock, bounded, never in a loop, and told afterwards."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from gateway.daemon.restarts import (
    KILLED_PART,
    KILLED_REASON,
    LEAST_UPTIME_S,
    LIMIT,
    NAME,
    REBOOT,
    WITHIN_S,
    Restarts,
    boot_id,
    uptime_s,
)
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


def killed(path: Path, times: list[int], boot: str = BOOT) -> list[bool]:
    """One watched process after another that begins at these uptimes and never says how it ended."""
    return [Restarts(path, boot, lambda at=at: at).begun() for at in times]  # type: ignore[misc]


def test_a_process_that_was_killed_where_it_hung_counts_as_an_end(tmp_path: Path) -> None:
    path = tmp_path / NAME
    assert killed(path, [LATE_S + number for number in range(LIMIT + 1)]) == [False] * LIMIT + [True]
    assert Restarts(path, BOOT).why() == {"part": KILLED_PART, "reason": KILLED_REASON}
    assert Restarts(path, NEXT_BOOT).of_machine() == {
        "part": KILLED_PART,
        "reason": KILLED_REASON,
        "count": LIMIT,
    }
    assert killed(path, [LATE_S + LIMIT + 1]) == [False], (
        "it asked, and where nobody acts it just starts again"
    )


def test_ends_of_both_kinds_are_one_count(tmp_path: Path) -> None:
    path = tmp_path / NAME
    ends(path, [LATE_S] * (LIMIT - 1))
    assert killed(path, [LATE_S + 1, LATE_S + 2]) == [False, True]


def test_control_what_ends_by_itself_or_with_the_machine_was_not_killed(tmp_path: Path) -> None:
    path = tmp_path / NAME
    for _ in range(3 * LIMIT):
        restarts = Restarts(path, BOOT, lambda: LATE_S)
        assert not restarts.begun(), "stopped as told"
        restarts.stopped()
    assert not any(Restarts(path, f"boot-{number}", lambda: LATE_S).begun() for number in range(3 * LIMIT))
    assert Restarts(path, BOOT).why() == {}


def test_a_process_that_nobody_watches_says_nothing_of_one_that_is_watched(tmp_path: Path) -> None:
    path = tmp_path / NAME
    Restarts(path, BOOT, lambda: LATE_S).begun()
    by_hand = Restarts(path, BOOT, lambda: LATE_S)
    by_hand.ended("start", "the port is taken")
    by_hand.stopped()
    assert Restarts(path, BOOT).runs == BOOT


def test_a_mark_that_cannot_be_kept_keeps_nobody_from_starting(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Restarts(tmp_path / "none" / NAME, BOOT, lambda: LATE_S).begun()


def test_without_a_boot_to_count_by_nothing_is_asked_for(tmp_path: Path) -> None:
    assert not any(ends(tmp_path / NAME, [LATE_S] * 20, boot=""))
    assert not any(killed(tmp_path / NAME, [LATE_S] * 20, boot=""))


def test_this_machine_says_boot_and_uptime() -> None:
    assert len(boot_id()) >= 32
    assert uptime_s() > 0


HUB = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.core.config import validate
from gateway.daemon import wiring
from gateway.hub.parts import PartFailedError
from gateway.hub.uplink import Delivery
from hal.errors import HalError

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
    whole = sys.argv[3] != "broken"
    if sys.argv[3] == "whole":
        asyncio.get_running_loop().call_later(0.2, stop.set)
    if sys.argv[3] == "hung":
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGKILL)
    if sys.argv[3] == "no card":
        tree["storage"] = {"path": sys.argv[1] + "/file/journal.sqlite"}
    return await wiring.run(validate(tree, "hub.toml"), log=log, stop=stop, clock_offset_ms=0,
        delivery=Delivery if whole else Broken, machine_uptime_s=lambda: int(sys.argv[2]))

try:
    sys.exit(asyncio.run(main()))
except HalError as error:
    sys.exit(1)
"""
WATCHED = {"WATCHDOG_USEC": "60000000"}


def hub(
    data: Path, uptime: int, how: str, variables: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, list[str]]:
    """One process of the hub; its exit status, and what it stored."""
    ran = subprocess.run(
        [sys.executable, "-c", HUB, str(data), str(uptime), how],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**os.environ, **variables},
    )
    assert ran.returncode in (0, 1, REBOOT, -signal.SIGKILL), ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout.split()


@contextlib.contextmanager
def another_hub(data: Path) -> Iterator[None]:
    """Somebody has the journal."""
    with (data / "journal.db.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_hub_whose_part_fails_for_good_ends_with_the_status_that_asks_for_the_machine(
    tmp_path: Path,
) -> None:
    statuses = [hub(tmp_path, LATE_S + number, "broken")[0] for number in range(LIMIT)]
    assert statuses == [1] * (LIMIT - 1) + [REBOOT]
    path = tmp_path / NAME
    path.write_text(path.read_text().replace(boot_id(), "the boot before"))
    assert hub(tmp_path, 60, "whole") == (0, ["hub.started", "machine.restarted"])
    assert hub(tmp_path, 90, "whole") == (0, ["hub.started"]), "said once"


def test_a_card_that_does_not_open_asks_for_the_machine_too_and_the_next_start_says_why(
    tmp_path: Path,
) -> None:
    path = tmp_path / NAME
    (tmp_path / "file").write_text("what is there instead of a folder")
    ends(path, [LATE_S] * (LIMIT - 2), boot_id())
    assert [hub(tmp_path, LATE_S + number, "no card")[0] for number in (1, 2)] == [1, REBOOT]
    row = json.loads(path.read_text())
    assert row["part"] == "start" and "the journal's medium failed" in row["reason"]
    path.write_text(path.read_text().replace(boot_id(), "the boot before"))
    assert hub(tmp_path, 60, "whole") == (0, ["hub.started", "machine.restarted"])


def test_control_a_journal_that_another_hub_has_is_a_persons_to_mend_and_not_counted(tmp_path: Path) -> None:
    path = tmp_path / NAME
    ends(path, [LATE_S] * (LIMIT - 1), boot_id())
    before = path.read_text()
    with another_hub(tmp_path):
        assert hub(tmp_path, LATE_S + 1, "whole")[0] == 1
    assert path.read_text() == before


def test_a_hub_that_hangs_and_is_killed_asks_for_the_machine_where_it_is_watched(tmp_path: Path) -> None:
    path = tmp_path / NAME
    killed(path, [LATE_S] * (LIMIT - 1), boot_id())
    statuses = [hub(tmp_path, LATE_S + number, "hung", WATCHED)[0] for number in (1, 2)]
    assert statuses == [-signal.SIGKILL, REBOOT]
    path.write_text(path.read_text().replace(boot_id(), "the boot before"))
    assert hub(tmp_path, 60, "whole", WATCHED) == (0, ["hub.started", "machine.restarted"])
    assert json.loads(path.read_text())["runs"] == ""


def test_control_a_hub_that_nobody_watches_may_be_killed_as_often_as_one_likes(tmp_path: Path) -> None:
    path = tmp_path / NAME
    ends(path, [LATE_S] * (LIMIT - 1), boot_id())
    assert [hub(tmp_path, LATE_S + number, "hung")[0] for number in (1, 2)] == [-signal.SIGKILL] * 2
    assert len(json.loads(path.read_text())["ends"]) == LIMIT - 1
