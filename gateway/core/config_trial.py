"""Which configuration from afar is in use, and whether a new one stays: rules without I/O, kept in one state of the journal.

A configuration is on trial from when it is taken until the platform was reached with it. Where that does not come about within
`TRIAL_MS` of a run, or the program started `STARTS` times without it, the one before comes back. Whichever way it ends, that
revision has been dealt with: it is not tried again, and only a higher one is.
"""

import hashlib

from gateway.core import cbor
from gateway.core.errors import DecodeError, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STATE = "config.afar"  # state key
TRIAL_MS = 300_000  # connecting over every way out takes two minutes at worst; a receipt a few seconds
STARTS = 3
NONE, TRIAL, APPLIED, REFUSED = 0, 1, 2, 3
UNREACHED = "the platform was not reached with it"
STARTED_IN_VAIN = "the program ended again and again with it"
NOT_STARTED = "the gateway did not start with it"


class Standing:
    """revision: the highest that was dealt with or is on trial, 0 where none ever came. used: the one in use, 0 for none."""

    def __init__(self, stored: "bytes | None" = None) -> None:
        self.revision = 0
        self.digest = b""
        self.verdict = NONE
        self.used = 0
        self.before = 0
        self.starts = 0
        self.reason = ""
        row: "list[Any]" = read(stored)
        if row:
            self.revision, self.digest, self.verdict, self.used, self.before, self.starts, self.reason = row

    def encode(self) -> bytes:
        """As it is kept."""
        row: "list[object]" = [self.revision, self.digest, self.verdict, self.used, self.before, self.starts]
        return cbor.encode(row + [self.reason])

    def examine(self, revision: int, data: bytes) -> bool:
        """Whether a configuration is new; False for the one that was dealt with, which a broker hands out at each connection.

        Raises:
            RefusedError: an older one, or another of the same revision.
        """
        if revision < self.revision or revision == 0:
            raise RefusedError("the configuration is older than the one held")
        if revision > self.revision:
            return True
        if digest_of(data) != self.digest:
            raise RefusedError("the configuration differs from the one held and has not a higher revision")
        return self.verdict == NONE

    def turn_down(self, revision: int, data: bytes, reason: str) -> None:
        """It cannot be used."""
        self.revision, self.digest, self.verdict, self.reason = revision, digest_of(data), REFUSED, reason

    def begin(self, revision: int, data: bytes) -> None:
        """It is tried from the next start on. Where one is on trial already, the one before it stays what is gone back to."""
        if not self.on_trial:
            self.before = self.used
        self.revision, self.digest, self.verdict, self.reason = revision, digest_of(data), TRIAL, ""
        self.used, self.starts = revision, 0

    def renumber(self, revision: int) -> None:
        """The one on trial came again under a higher revision: the trial goes on, and its end is said of this one."""
        self.revision = self.used = revision

    @property
    def on_trial(self) -> bool:
        """Whether the one in use may be taken back."""
        return self.verdict == TRIAL

    def at_start(self, in_use: "bytes | None", refusal: str) -> str:
        """A start with `in_use` as configuration from afar; `refusal` is why another was not. What speaks against the trial, or empty.

        One that never came onto the disk, or is there no more, is taken again when the broker hands it out. `used` is what runs.
        One that was in use and for which the one before runs now is `NONE`, too: it is tried once more, and why is to be said.
        """
        is_here = in_use is not None and digest_of(in_use) == self.digest
        before = 0 if in_use is None else self.before
        is_replaced = (
            in_use is not None or refusal == STARTED_IN_VAIN
        )  # else the last good one of everything runs
        if self.verdict == APPLIED and not is_here and refusal and is_replaced:
            self.verdict, self.used = NONE, before
            return refusal
        if self.verdict == APPLIED and not is_here and in_use is not None:
            self.used = before
        if in_use is None and not refusal:
            self.used = 0
        if not is_here and not refusal and self.verdict in (APPLIED, TRIAL):
            self.verdict, self.used = NONE, before
        if not self.on_trial:
            return ""
        if not is_here:
            return refusal
        self.starts += 1
        return STARTED_IN_VAIN if self.starts > STARTS else ""

    def is_refused(self, in_use: "bytes | None") -> bool:
        """Whether what is in use was taken back."""
        return self.verdict == REFUSED and in_use is not None and digest_of(in_use) == self.digest

    def is_applied(self, in_use: "bytes | None") -> bool:
        """Whether what is in use stays."""
        return self.verdict == APPLIED and in_use is not None and digest_of(in_use) == self.digest

    def keep(self) -> None:
        """The trial ended well."""
        self.verdict = APPLIED

    def take_back(self, reason: str) -> None:
        """The trial failed; the one before is in use from the next start on."""
        self.verdict, self.reason, self.used = REFUSED, reason, self.before


def digest_of(data: bytes) -> bytes:
    """What a configuration is known by."""
    return hashlib.sha256(data).digest()[:16]


def read(stored: "bytes | None") -> "list[object]":
    """The row that was kept, or nothing."""
    try:
        row = cbor.decode(stored or b"\x80")
    except DecodeError:
        return []
    shape = [int, bytes, int, int, int, int, str]
    return row if isinstance(row, list) and [type(item) for item in row] == shape else []
