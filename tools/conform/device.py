"""What the checks know of the device under test, and how they read its log without acknowledging anything."""

from typing import Any

from gateway.core.devices.dispenser_messages import (
    ACK,
    CAN_SET_TIME,
    CAPABILITIES,
    DESCRIPTION,
    DONE,
    HELLO,
    LOG_FROM,
    LOG_STATE,
    SET_TIME,
    VERSION,
)
from tools.conform.line import Line
from tools.conform.talk import Heard, Talk, numbers_of

WINDOW = 4
PAGE_MS = 450  # less than the first repetition, so that what comes is what was asked for
NEEDED = 6  # entries that nobody has acknowledged: a full window and what comes after it
READ_AT_MOST = 400
UNCERTAINTY_MS = 1000


class FailedError(Exception):
    """The device does not do what it must. `reason` is the name of a text, filled with `values`."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


class UntestedError(Exception):
    """It cannot be told here whether the device does it; `reason` says what would be needed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Device:
    """The device at the far end of a line."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.talk = Talk(line)
        self.described: dict[str, Any] = {}
        self.log: dict[int, dict[str, Any]] | None = None
        self.row: list[Heard] = []  # every sending of one entry, as one check saw it

    # --- who it is ----------------------------------------------------------------------------------------------

    def hello(self) -> Heard | None:
        """The description that answers; also learns the boot id."""
        answer = self.talk.ask(HELLO, {"versions": [VERSION, VERSION]})
        if answer is None or answer.frame.type != DESCRIPTION:
            return None
        if answer.fields:
            self.described = answer.fields
        self.talk.boot = self.talk.boot or answer.frame.boot
        return answer

    def can(self, capability: str) -> bool:
        """Whether it says so."""
        return bool(self.described.get("capabilities", 0) >> CAPABILITIES.index(capability) & 1)

    @property
    def log_id(self) -> bytes:
        """Of the log it has now."""
        found: bytes = self.described["log_id"]
        return found

    # --- its log ------------------------------------------------------------------------------------------------

    def stand(self) -> dict[str, Any]:
        """Keys 1 to 7 as they are now. Raises FailedError where it no longer says who it is."""
        answer = self.hello()
        if answer is None or not answer.fields:
            raise FailedError("no_description")
        return answer.fields

    def ask_from(self, number: int) -> Heard | None:
        """Let the log be sent from there."""
        return self.talk.ask(LOG_FROM, {"log_id": self.log_id, "number": number})

    def acknowledge(self, number: int) -> None:
        """Say that everything up to there is stored."""
        self.talk.command(ACK, {"log_id": self.log_id, "number": number})

    def page(self, number: int, wait_ms: int = PAGE_MS) -> list[int]:
        """Numbers that come when the log is asked from there on, in their order, before anything is repeated."""
        before = len(self.talk.heard)
        if self.ask_from(number) is None:
            raise FailedError("no_log_state")
        self.talk.listen(wait_ms)
        heard = self.talk.heard[before:]
        began = next(at for at, one in enumerate(heard) if one.frame.type == LOG_STATE)
        return numbers_of(heard[began:])

    def fill(self) -> int:
        """The first of at least `NEEDED` entries that nobody has acknowledged. Raises UntestedError.

        A device whose clock can be set logs each setting: so the kit makes entries without a hand on the device.
        """
        standing = self.stand()
        lacking = NEEDED - (standing["newest"] - standing["acknowledged"])
        for _ in range(max(0, lacking)):
            self.set_time()
        standing = self.stand()
        if standing["newest"] - standing["acknowledged"] < NEEDED:
            raise UntestedError("few_entries")
        return int(max(standing["acknowledged"] + 1, standing["first"]))

    def set_time(self) -> Heard | None:
        """Offer the time where it can be set."""
        if not self.described.get("capabilities", 0) & CAN_SET_TIME:
            return None
        fields = {"utc_ms": self.line.utc_ms(), "uncertainty_ms": UNCERTAINTY_MS}
        answer = self.talk.ask(SET_TIME, fields)
        return answer if answer is not None and answer.frame.type == DONE else None

    def read_log(self) -> dict[int, dict[str, Any]]:
        """Entries by number, as far as they can be read; the newest `READ_AT_MOST`. Read once, then remembered."""
        if self.log is None:
            standing = self.stand()
            at = max(standing["first"], standing["newest"] - READ_AT_MOST + 1)
            last = 0
            while at <= standing["newest"] and last < standing["newest"]:
                last = max(self.page(at), default=0)
                at = max(at + 1, last)  # the last one again: what it asks twice a device tells alike
            self.log = self.remembered()
        return self.log

    def remembered(self) -> dict[int, dict[str, Any]]:
        """Entries of the log it has now that ever came, in the order of their numbers."""
        found: dict[int, dict[str, Any]] = {}
        for one in self.talk.heard:
            if "event" in one.fields and one.fields["log_id"] == self.log_id:
                found.setdefault(one.fields["number"], one.fields)
        return {number: found[number] for number in sorted(found)}
