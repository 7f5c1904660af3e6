"""A question and an answer of HTTP/1.0, as bytes: as far as a server goes that answers once and hangs up. Pure, and portable.

What is larger than any answer that is meant is refused at its head, before memory is taken for it.
"""

from hal.errors import LinkLostError, UnavailableError

LONGEST_HEAD, LONGEST_BODY = 2_048, 8_192
NO_ANSWER = "the server's answer cannot be read: check that this is its address"
BROKEN_OFF = "the answer broke off: check the network, and try again"


def asked(host: str, path: str, body: bytes) -> bytes:
    """A POST of JSON."""
    head = (
        "POST " + path + " HTTP/1.0\r\nHost: " + host + "\r\nContent-Type: application/json\r\n"
        "Connection: close\r\nContent-Length: " + str(len(body)) + "\r\n\r\n"
    )  # fmt: skip
    return head.encode() + body


class Answer:
    """Takes an answer as it comes. `status` and `body` are there when the connection has ended."""

    def __init__(self) -> None:
        self.status = 0
        self._held = bytearray()
        self._size = 0  # of the body, as announced
        self._is_body = False

    def push(self, data: "bytes | memoryview") -> bool:
        """Whether it is whole. Raises UnavailableError: it is no such answer, or longer than any."""
        self._held.extend(data)
        if not self._is_body:
            end = self._held.find(b"\r\n\r\n")
            if end < 0 and len(self._held) <= LONGEST_HEAD:
                return False
            self.status, self._size = head_of(bytes(self._held[: max(end, 0)]))
            self._held = bytearray(memoryview(self._held)[end + 4 :])
            self._is_body = True
        if len(self._held) > self._size:
            raise UnavailableError(NO_ANSWER, "more than was announced")
        return len(self._held) == self._size

    def body(self) -> bytes:
        """All of it. Raises LinkLostError: it broke off."""
        if not self._is_body or len(self._held) != self._size:
            raise LinkLostError(BROKEN_OFF)
        return bytes(self._held)


def head_of(data: bytes) -> "tuple[int, int]":
    """(status, length of the body). Raises UnavailableError."""
    lines = data.split(b"\r\n")
    first = lines[0].split(b" ")
    lengths = [line[15:].strip() for line in lines[1:] if line[:15].lower() == b"content-length:"]
    numbers = first[1:2] + lengths
    if (
        first[0] not in (b"HTTP/1.0", b"HTTP/1.1")
        or len(numbers) != 2
        or not all([number and len(number) <= 5 and not number.strip(b"0123456789") for number in numbers])
    ):
        raise UnavailableError(NO_ANSWER, "no head of HTTP with a length")
    status, size = int(numbers[0]), int(numbers[1])
    if size > LONGEST_BODY:
        raise UnavailableError(NO_ANSWER, "a body of " + str(size) + " bytes")
    return status, size
