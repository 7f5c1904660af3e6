"""The gateway's half of the dispenser line: frames of ours, and the one request that waits for its answer."""

from gateway.core.devices.dispenser_messages import (
    ACK,
    FROM_DEVICE,
    HELLO,
    LOG_FROM,
    VERSION,
    Frame,
    encode_frame,
    encode_payload,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.dispenser_log import Cursor, Turn

FIRST_RETRY_MS, LAST_RETRY_MS = 500, 8000


class Request:
    """What waits for an answer; each sending has a number of its own, so that a late answer is known as late."""

    __slots__ = ("at_ms", "command", "delay_ms", "seq")

    def __init__(self, command: int, now_ms: int) -> None:
        self.command = command
        self.seq = -1  # none until it has been sent
        self.delay_ms = FIRST_RETRY_MS
        self.at_ms = now_ms + FIRST_RETRY_MS


class Requests:
    """Numbers our frames and keeps at most one request, HELLO or LOG_FROM, under way.

    boot: the device's boot id once it has described itself, else None.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.boot: "int | None" = None
        self.pending: "Request | None" = None
        self.sent_ms: "dict[int, int]" = {}

    def reset(self) -> None:
        """The line was opened again: nothing is known of who is there."""
        self.boot = None
        self.pending = None
        self.sent_ms = {}

    @property
    def asking_hello(self) -> bool:
        """Whether a hello is under way: until it is answered nothing the device says can be placed."""
        return self.pending is not None and self.pending.command == HELLO

    def frame(
        self, command: int, fields: "dict[str, object]", flags: int = 0, seq: "int | None" = None
    ) -> bytes:
        """A frame of ours; an answer carries the number of what it answers."""
        if seq is None:
            self.seq = (self.seq + 1) & 0xFFFF
            seq = self.seq
        return encode_frame(
            Frame(command, seq, self.boot or 0, flags & ~FROM_DEVICE, encode_payload(command, fields))
        )

    def acknowledgement(self, cursor: "Cursor") -> bytes:
        """The frame that says: everything up to the cursor is stored."""
        return self.frame(ACK, {"log_id": cursor.log_id, "number": cursor.number})

    def ask(self, command: int, turn: "Turn") -> None:
        """Send HELLO or LOG_FROM; a new request takes the place of another, the same one keeps its pace.

        Each is sent at most once in half a second, whatever a device says: while nothing can be stored, or where its
        messages contradict each other, the two sides must not talk as fast as the line goes.
        """
        if self.pending is not None and self.pending.command == command:
            return
        self.pending = Request(command, turn.now_ms)
        sent_ms = self.sent_ms.get(command)
        if sent_ms is not None and turn.now_ms - sent_ms < FIRST_RETRY_MS:
            self.pending.at_ms = sent_ms + FIRST_RETRY_MS
        else:
            self.send(self.pending, turn)

    def start_over(self, turn: "Turn") -> None:
        """The device knows another log than we do: ask who it is, a request under way at its own pace."""
        if self.pending is not None:
            self.pending.command = HELLO
        else:
            self.ask(HELLO, turn)

    def repeat(self, turn: "Turn") -> None:
        """No answer came in time: send again and wait twice as long, at most 8 s, for ever."""
        request = self.pending
        if request is not None and turn.now_ms >= request.at_ms:
            request.delay_ms = min(2 * request.delay_ms, LAST_RETRY_MS)
            request.at_ms = turn.now_ms + request.delay_ms
            self.send(request, turn)

    def send(self, request: Request, turn: "Turn") -> None:
        """Put the request to the line, as of now."""
        cursor = turn.cursor
        fields: "dict[str, object]" = {"versions": [VERSION, VERSION]}
        if request.command == LOG_FROM and cursor is not None:
            fields = {"log_id": cursor.log_id, "number": cursor.number + 1}
        else:
            request.command = HELLO  # without a stored cursor there is nothing to read from yet
        self.sent_ms[request.command] = turn.now_ms
        turn.send.append(self.frame(request.command, fields))
        request.seq = self.seq

    def answered(self, command: int, answer: Frame) -> bool:
        """Whether `answer` is the one to the last sending of `command`; the request is then over."""
        request = self.pending
        if request is None or request.command != command or not answer.is_answer or answer.seq != request.seq:
            return False
        self.pending = None
        return True
