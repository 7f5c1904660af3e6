"""What happened on a gateway, as its technical events and its own warnings: kept by the hub since its start, read from a log before that.

No values, no alarms, no measurements: a line has when, what (a kind of lane 2, or a sentence of ours without what was filled in), the
number in its lane, and which placement.
"""

import json
import re
import shlex
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gateway.core.registry import KINDS
from hal.errors import UnavailableError
from hal.types import TECHNICAL

KEPT = 500  # entries a hub remembers
STORED = "stored"  # how gateway/hub/writing.py says that an event is in the journal
LOUD = ("warning", "error")
LOG_LIMIT = 20_000  # lines of a log that are looked through
JOURNALCTL = ("journalctl", "--unit=trygg", "--output=json", "--no-pager", f"--lines={LOG_LIMIT}")
JOURNALCTL_S = 15.0

MOMENT = re.compile(r"[0-9T:.-]{19,23}Z", re.ASCII)
STAMP = re.compile(r"[0-9]{1,16}", re.ASCII)
FIELD = re.compile(r" [a-z_]+=")

Log = Callable[..., None]
Entry = dict[str, Any]


class Timeline:
    """Stands between the hub and its log, and remembers what is technical."""

    def __init__(self, log: Log, uptime_s: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._uptime_s = uptime_s
        self._kept: deque[tuple[float, Entry]] = deque(maxlen=KEPT)

    def __call__(self, level: str, message: str, /, **fields: object) -> None:
        """Log, and remember."""
        entry = entry_of(level, message, fields)
        if entry is not None:
            self._kept.append((self._uptime_s(), entry))
        self._log(level, message, **fields)

    def entries(self) -> list[Entry]:
        """What is remembered, the oldest first, each with how long ago it was."""
        now_s = self._uptime_s()
        return [{"ago_ms": int((now_s - at) * 1000), **entry} for at, entry in self._kept]


def entry_of(level: str, message: str, fields: dict[str, object]) -> Entry | None:
    """What is kept of a line of the log, or None."""
    if message == STORED:
        kind = str(fields.get("kind"))
        if fields.get("lane") != TECHNICAL or kind not in KINDS:
            return None
        numbers = {name: fields[name] for name in ("seq", "placement") if isinstance(fields.get(name), int)}
        return {"kind": kind, **numbers}
    return {"level": level, "message": message} if level in LOUD else None


def read_system_log() -> Iterator[str]:
    """The service's lines in journald, as JSON. Raises OSError (it is not there), UnavailableError."""
    try:
        done = subprocess.run(  # noqa: S603  a fixed command line
            JOURNALCTL,
            capture_output=True,
            text=True,
            timeout=JOURNALCTL_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError("journalctl does not answer") from error
    if done.returncode:
        raise UnavailableError("journalctl shows nothing to this user")
    yield from done.stdout.splitlines()


def of_log(lines: Iterable[str]) -> list[Entry]:
    """Entries of a log: of `trygg run --log-json`, or of `journalctl -o json`. What is neither is passed over.

    What a library says (its part has a dot) is told as its level alone: it may hold an address.
    """
    found = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict):
            continue
        read = of_journald(record) if "MESSAGE" in record else of_json(record)
        if read is None:
            continue
        when, part, entry = read
        if "message" in entry and "." in part:
            entry["message"] = ""
        found.append({"utc": when, **entry})
    return found[-LOG_LIMIT:]


def of_json(record: dict[str, Any]) -> tuple[str, str, Entry] | None:
    """A line of `--log-json`: when, whose, what."""
    message, level = record.get("message"), record.get("level")
    if not isinstance(message, str) or not isinstance(level, str):
        return None
    entry = entry_of(level, message, record)
    moment = str(record.get("time", ""))
    if entry is None or MOMENT.fullmatch(moment) is None:
        return None
    return moment, str(record.get("part", "")), entry


def of_journald(record: dict[str, Any]) -> tuple[str, str, Entry] | None:
    """A line of journald: `part: message field=value ...`, and its time in microseconds."""
    text, stamp = record.get("MESSAGE"), str(record.get("__REALTIME_TIMESTAMP", ""))
    if not isinstance(text, str) or not STAMP.fullmatch(stamp):
        return None
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(stamp) // 1_000_000))
    part, _, message = text.partition(": ")
    if message.startswith(STORED + " "):
        entry = entry_of("info", STORED, fields_of(message[len(STORED) :]))
    else:
        priority = str(record.get("PRIORITY", ""))
        level = {"3": "error", "4": "warning"}.get(priority, "info")
        entry = entry_of(level, FIELD.split(message, maxsplit=1)[0], {})
    return None if entry is None else (moment, part, entry)


def fields_of(text: str) -> dict[str, object]:
    """`kind=device.silent lane=2 seq=7`."""
    try:
        pairs = [word.partition("=") for word in shlex.split(text)]
    except ValueError:
        return {}
    return {name: int(value) if value.isdecimal() else value for name, _, value in pairs}
