"""The log: one event a line, in one of three shapes, never a secret.

    json      {"time": ..., "level": ..., "part": ..., "message": ..., field: value, ...}    for programs
    journald  <6>part: message field=value ...                                               under systemd
    text      12:00:00.000 info part: message field=value ...                                at a terminal

The portable hub logs through a callable `log(level, message, **fields)`; a `Log` is one. Levels are debug, info,
warning and error. What libraries say through `logging` from warning upwards comes out in the same shape.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
# sd-daemon(3): the priority journald gives a line
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}
HUB = "hub"
RESERVED = ("time", "level", "message")
# A field of one of these names, or of one that ends so, is not written out, whoever passes it.
SECRET = ("key", "secret", "password", "passkey", "private", "token", "pin")
HIDDEN = "(hidden)"
LONGEST_FIELD = 2_000


def shape_for(stream: TextIO, *, as_json: bool, environment: Mapping[str, str]) -> str:
    """How to write: as asked, else as the reader of the stream understands it."""
    if as_json:
        return "json"
    if environment.get("JOURNAL_STREAM"):
        return "journald"
    return "text" if stream.isatty() else "json"


class Log:
    """Writes events to a stream; calling it logs one. `part` names who speaks where the caller does not say."""

    def __init__(self, stream: TextIO, shape: str, *, least: str = "info", part: str = HUB) -> None:
        self._stream = stream
        self._write = {"json": as_json, "journald": as_journald, "text": as_text}[shape]
        self._least = LEVELS.index(least)
        self._part = part

    def __call__(self, level: str, message: str, /, **fields: object) -> None:
        """Log one event. A field that is an exception is written with its traceback at level debug."""
        if LEVELS.index(level) < self._least:
            return
        part = str(fields.pop("part", self._part))
        shown = {name + "_" if name in RESERVED else name: clean(name, item) for name, item in fields.items()}
        line = self._write(time.time_ns() // 1_000_000, level, part, message, shown)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # whoever read the log is gone; the hub goes on without


def clean(name: str, value: object) -> object:
    """A field as it may be written: no secrets, no binary, nothing endless."""
    if name.rpartition("_")[2] in SECRET and value not in (None, ""):
        return HIDDEN
    if isinstance(value, BaseException):
        return "".join(traceback.format_exception(value))[-LONGEST_FIELD:]
    if isinstance(value, (bytes, bytearray)):
        return value.hex()[:LONGEST_FIELD]
    if isinstance(value, dict):
        return {str(key): clean(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean("", item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)[:LONGEST_FIELD]


def as_json(utc_ms: int, level: str, part: str, message: str, fields: dict[str, object]) -> str:
    """One JSON object."""
    head = {"time": timestamp(utc_ms), "level": level, "part": part, "message": message}
    return json.dumps({**head, **fields}, ensure_ascii=False)


def as_journald(_utc_ms: int, level: str, part: str, message: str, fields: dict[str, object]) -> str:
    """A line with its priority; journald adds the time."""
    return f"<{PRIORITIES[level]}>{words(part, message, fields)}"


def as_text(utc_ms: int, level: str, part: str, message: str, fields: dict[str, object]) -> str:
    """A line for people at a terminal, in local time."""
    clock = time.strftime("%H:%M:%S", time.localtime(utc_ms // 1000))
    return f"{clock}.{utc_ms % 1000:03d} {level:<7} {words(part, message, fields)}"


def words(part: str, message: str, fields: dict[str, object]) -> str:
    """`part: message field=value`, on one line whatever the values hold."""
    said = [f"{part}: {message}", *(f"{name}={quoted(item)}" for name, item in fields.items())]
    return " ".join(said).replace("\n", "\\n").replace("\r", "\\r")


def quoted(value: object) -> str:
    """A value as one word where it is one, else as JSON."""
    if isinstance(value, str) and value and not set(value) & set(" \"'=\n\r\t"):
        return value
    return json.dumps(value, ensure_ascii=False)


def timestamp(utc_ms: int) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(utc_ms // 1000)) + f".{utc_ms % 1000:03d}Z"


class Bridge(logging.Handler):
    """Passes on what libraries log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        fields: dict[str, object] = {"part": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields["trace"] = record.exc_info[1]
        self._log(level, record.getMessage(), **fields)


def open_log(*, as_json: bool = False, least: str = "info") -> Log:
    """The log of this process on standard error, libraries included."""
    log = Log(sys.stderr, shape_for(sys.stderr, as_json=as_json, environment=os.environ), least=least)
    root = logging.getLogger()
    root.handlers = [Bridge(log)]
    root.setLevel(logging.WARNING)
    return log
