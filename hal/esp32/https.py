"""One question over HTTPS, and its answer: HTTP/1.0 as far as an answer that ends with the connection goes. For MicroPython's streams.

The server must be known to the authority that is given, and be of the name that was asked for; nothing is said before that is sure.
"""

import asyncio

from hal.errors import LinkLostError, TimedOutError
from hal.esp32 import tcp
from hal.esp32.http_answer import BROKEN_OFF, Answer, asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TIMEOUT_MS = 60_000  # name, handshake and answer: a board checks a certificate in seconds


async def post(
    host: str, port: int, path: str, body: bytes, ca: bytes, timeout_ms: int = TIMEOUT_MS
) -> "tuple[int, bytes]":
    """Ask, and the status and body of the answer. ca: DER.

    Raises:
        UnavailableError, DeniedError, TimedOutError, LinkLostError.
    """
    name = host + ":" + str(port)
    try:
        found: "tuple[int, bytes]" = await asyncio.wait_for(
            exchanged(host, port, name, asked(host, path, body), ca), timeout_ms / 1000
        )
        return found
    except asyncio.TimeoutError:
        raise TimedOutError(name + " does not answer: check the network and firewalls")


async def exchanged(host: str, port: int, name: str, question: bytes, ca: bytes) -> "tuple[int, bytes]":
    """The same without a limit of time."""
    stream: "Any" = await tcp.dial(host, port, name, tcp.trusting(ca), question)
    answer = Answer()
    try:
        while True:
            data = await stream.read()
            if not data or answer.push(data):
                return answer.status, answer.body()
    except OSError as error:
        raise LinkLostError(BROKEN_OFF, str(error))
    finally:
        stream.close()
