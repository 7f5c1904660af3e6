"""Packets of SNTP (RFC 4330), and what of an answer is to be believed. Pure; whole milliseconds, no float.

A time server is not authenticated here. An answer that does not repeat the random stamp of our question is somebody else's;
what the clock then makes of a server that lies is `BoardClock.learn`'s.
"""

SIZE = 48
UNIX_S = 2_208_988_800  # 1970 in seconds since 1900
ERA_S = 1 << 32  # the next era begins in February 2036 (RFC 4330, 3)
STAMP_SIZE = 8
ALARM, SERVER, MOST_STRATUM = 3, 4, 15


class SntpError(Exception):
    """An answer that tells no time, and why."""


def question(stamp: bytes) -> bytes:
    """A request, version 4, that carries eight random bytes where its own time would stand (RFC 4330, 5)."""
    return b"\x23" + bytes(SIZE - 1 - STAMP_SIZE) + stamp


def answer(data: bytes, stamp: bytes, took_ms: int) -> int:
    """The time of day when the answer came, utc_ms; `took_ms` between question and answer is halved.

    Raises:
        SntpError: not an answer to this question, or one that says it does not know.
    """
    if len(data) < SIZE:
        raise SntpError("an answer of " + str(len(data)) + " bytes")
    if data[0] & 7 != SERVER or data[0] >> 3 & 7 not in (3, 4):
        raise SntpError("not an answer of a time server")
    if data[24:32] != stamp:
        raise SntpError("an answer to a question that was not asked")
    if data[0] >> 6 == ALARM or not 1 <= data[1] <= MOST_STRATUM:
        raise SntpError("a time server that does not know the time")
    seconds = int.from_bytes(data[40:44], "big")
    fraction = int.from_bytes(data[44:48], "big")
    if seconds == fraction == 0:
        raise SntpError("a time server that says no time")
    if not seconds & 1 << 31:
        seconds += ERA_S
    return (seconds - UNIX_S) * 1000 + (fraction * 1000 >> 32) + took_ms // 2
