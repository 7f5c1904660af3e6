"""Record access control point 0x2A52: what to ask for, what the answers mean, and when a transfer has failed.

Sources: Pulse Oximeter Service 1.0.1, 3.4; Glucose Service 1.0.1, 3.4. A procedure is begun by a write and ended by an
indication of the control point; records come in between, oldest first. More than 5 s without a word of either sort, or a
lost link, is a failure: there is no resume, the request is made anew. Pure: times are handed in, bytes come out.
"""

from gateway.core.errors import DecodeError
from gateway.core.model import require_bytes

CONTROL_POINT = "2a52"
REPORT, ABORT, COUNT_ANSWER, ANSWER = 1, 3, 5, 6
NULL, ALL, AT_LEAST = 0, 1, 3
BY_SEQUENCE = 1  # filter type
SUCCESS, NO_RECORDS = 1, 6
# Response codes, of which 2 to 5 and 9 say that this request is not understood, and 8 that it broke off.
CODES = {
    SUCCESS: "success",
    2: "opcode not supported",
    3: "invalid operator",
    4: "operator not supported",
    5: "invalid operand",
    NO_RECORDS: "no records found",
    7: "abort unsuccessful",
    8: "procedure not completed",
    9: "operand not supported",
}
NOT_UNDERSTOOD = (2, 3, 4, 5, 9)
SILENCE_MS = 5_000

REPORT_ALL = bytes([REPORT, ALL])
ABORT_REQUEST = bytes([ABORT, NULL])

# What became of a request.
RUNNING, AGAIN, DONE, NONE_FOUND, UNKNOWN, FAILED = (
    "running",
    "again",
    "done",
    "none found",
    "not understood",
    "failed",
)


def report_from(sequence: int) -> bytes:
    """Report the records whose sequence number is `sequence` or greater."""
    return bytes([REPORT, AT_LEAST, BY_SEQUENCE]) + sequence.to_bytes(2, "little")


class Answer:
    """An indication of the control point: `request` and `code`, or a `count` of records."""

    __slots__ = ("code", "count", "request")

    def __init__(self, request: int = 0, code: int = 0, count: "int | None" = None) -> None:
        self.request = request
        self.code = code
        self.count = count


def decode_answer(value: bytes) -> Answer:
    """What the control point says. Bytes behind it are not read.

    Raises:
        DecodeError: too short, no answer but a request, or with an operator where none belongs.
    """
    require_bytes(value, 0, 4, "answer of the record access control point")
    if value[0] not in (COUNT_ANSWER, ANSWER):
        raise DecodeError("opcode " + str(value[0]) + " is no answer, expected 5 or 6", 0)
    if value[1] != NULL:
        raise DecodeError("operator " + str(value[1]) + " in an answer, expected 0", 1)
    if value[0] == COUNT_ANSWER:
        return Answer(count=value[2] | value[3] << 8)
    return Answer(value[2], value[3])


class RecordAccess:
    """One procedure at a time: `begin`, then `heard` for each record, and `answered`, `denied` or `is_silent` for its end.

    records: how many came since `begin`. code: the response code that ended it, 0 where none did.
    """

    __slots__ = ("aborted", "code", "heard_ms", "records", "request", "running")

    def __init__(self) -> None:
        self.request = b""
        self.running = 0  # the opcode under way
        self.heard_ms = 0
        self.records = 0
        self.code = 0
        self.aborted = False

    def begin(self, request: bytes, now_ms: int) -> bytes:
        """What to write to the control point, its indications and those of the records being on."""
        self.request = request
        self.aborted = False
        return self.ask(request, now_ms)

    def ask(self, request: bytes, now_ms: int) -> bytes:
        """Write this now."""
        self.running = request[0]
        self.heard_ms = now_ms
        self.records = 0
        self.code = 0
        return request

    def heard(self, now_ms: int) -> None:
        """A record came."""
        self.records += 1
        self.heard_ms = max(self.heard_ms, now_ms)

    def answered(self, value: bytes, now_ms: int) -> str:
        """What an indication of the control point means: one of the words above. AGAIN: write `request` once more.

        RUNNING where it changes nothing.

        Raises:
            DecodeError: as `decode_answer`; the procedure goes on.
        """
        answer = decode_answer(value)
        if not self.running or answer.count is not None or answer.request != self.running:
            return RUNNING  # of a request that is none of ours, or over
        self.heard_ms = max(self.heard_ms, now_ms)
        if self.running == ABORT:
            self.ask(self.request, now_ms)  # successful or not: only asking again tells
            return AGAIN
        self.running = 0
        self.code = answer.code
        if answer.code == SUCCESS:
            return DONE
        if answer.code == NO_RECORDS:
            return NONE_FOUND
        return UNKNOWN if answer.code in NOT_UNDERSTOOD else FAILED

    def denied(self, now_ms: int) -> bytes:
        """The write was refused. What to write instead: once an abort, since a procedure may still be under way; or nothing."""
        if self.running == ABORT or self.aborted:
            self.running = 0
            return b""
        self.aborted = True
        return self.ask(ABORT_REQUEST, now_ms)

    def is_silent(self, now_ms: int) -> bool:
        """Whether the procedure has failed by silence; it is over then."""
        if not self.running or now_ms - self.heard_ms <= SILENCE_MS:
            return False
        self.running = 0
        return True

    def due_ms(self) -> "int | None":
        """When to ask `is_silent`, or None."""
        return self.heard_ms + SILENCE_MS + 1 if self.running else None
