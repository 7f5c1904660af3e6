"""When starting the program anew does not help: how often it ended for a failed part, and whether the machine should start anew.

A part is started again, then the process, then the machine. The last step is for what a process cannot mend: a hung radio, a
memory card that answers no more. It is counted without a clock, by the boot of the machine and the uptime since, in a small
file of the gateway's data; a count that cannot be kept asks for nothing, so nothing restarts for ever.

A process that hangs writes no such word: whoever watches it (systemd) kills it. So one that is watched says when it begins, and
takes that back when it ends; where the next one still finds it, in the same boot, the one before was killed, and that counts.

A machine that has just started is not started again: it would find the same. `LEAST_UPTIME_S` therefore is also the least time
between two restarts of ours, whatever else happens.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = "restarts.json"
REBOOT = 3  # exit status that asks for it; the unit's ExecStopPost= acts on it
LIMIT, WITHIN_S = 5, 3_600  # so many ends within so long
LEAST_UPTIME_S = 6 * 3_600
LONGEST_TEXT = 200  # characters of a cause
KILLED_PART, KILLED_REASON = "process", "it hung or was killed, and ended without a word"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random, made at each start of the kernel (random(4))
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_id() -> str:
    """Which boot of the machine this is, or "" where the system does not say."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""


def uptime_s() -> int:
    """Since the machine started, suspends included."""
    return int(time.clock_gettime(CLOCK))


class Restarts:
    """`path` holds the count.

    asked: the boot in which a restart of the machine was asked for, or "". runs: the boot in which a watched process began
    that has not said how it ended, or "".
    """

    def __init__(self, path: Path, boot: str, uptime: Callable[[], int] = uptime_s) -> None:
        self._path = path
        self._boot = boot
        self._uptime = uptime
        self._is_watched = False  # this process; another may be, and only it speaks of itself
        row = read(path)
        here = row.get("boot") == boot
        self.ends: list[int] = [int(at) for at in row.get("ends", [])][-LIMIT:] if here else []
        self.asked = str(row.get("asked", ""))
        self.runs = str(row.get("runs", ""))
        self.count = int(row.get("count", 0))  # ends that led to `asked`
        self.part, self.reason = str(row.get("part", "")), str(row.get("reason", ""))

    def why(self) -> dict[str, object]:
        """Why the process before this one ended, for `hub.started`; empty where it did not for a failed part."""
        return {"part": self.part, "reason": self.reason} if self.part else {}

    def of_machine(self) -> dict[str, object] | None:
        """Why the machine was restarted, where that was ours and has happened since; values of `machine.restarted`."""
        if not self.asked or self.asked == self._boot:
            return None
        return {"part": self.part, "reason": self.reason, "count": self.count}

    def told(self) -> None:
        """Both were stored as events. Raises OSError: then they are told again at the next start."""
        if not self.part and not self.asked:
            return
        self.part = self.reason = ""
        if self.asked != self._boot:
            self.asked, self.count = "", 0
        self._keep()

    def begun(self) -> bool:
        """A process begins that is killed where it hangs; True where the machine should be started anew, and it should not go on.

        Raises:
            OSError: the count could not be kept, and nothing is asked for.
        """
        was_killed = bool(self._boot) and self.runs == self._boot
        self._is_watched = True
        if was_killed and self.ended(KILLED_PART, KILLED_REASON):
            return True
        self.runs = self._boot
        self._keep()
        return False

    def stopped(self) -> None:
        """That process ends by itself. Raises OSError: then the next one takes it for killed."""
        if self._is_watched and self.runs:
            self.runs = ""
            self._keep()

    def ended(self, part: str, reason: str) -> bool:
        """The process ends because `part` failed for good; True where the machine should be started anew.

        Raises:
            OSError: the count could not be kept, and nothing is asked for.
        """
        now_s = self._uptime()
        if self._is_watched:
            self.runs = ""
        self.part, self.reason = part[:LONGEST_TEXT], reason[:LONGEST_TEXT]
        self.ends = [*(at for at in self.ends if 0 <= now_s - at < WITHIN_S), now_s][-LIMIT:]
        wanted = len(self.ends) >= LIMIT and now_s >= LEAST_UPTIME_S and bool(self._boot)
        if wanted:
            self.asked, self.count = self._boot, len(self.ends)
        self._keep()
        return wanted

    def _keep(self) -> None:
        """Whole or not at all, and on the medium: the machine may be gone next."""
        row = {
            "boot": self._boot,
            "ends": self.ends,
            "asked": self.asked,
            "runs": self.runs,
            "count": self.count,
            "part": self.part,
            "reason": self.reason,
        }
        temporary = self._path.with_name(self._path.name + ".new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(row, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


def read(path: Path) -> dict[str, Any]:
    """What is kept; empty where there is nothing that can be read."""
    try:
        row = json.loads(path.read_text(encoding="utf-8")[:4096])
        [int(at) for at in row.get("ends", [])], int(row.get("count", 0))
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return dict(row)
