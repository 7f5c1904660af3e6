"""Asks the service of the package that may read bluetoothd's files how long the keys of bonds are (docs/adr/0047-key-size.md)."""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from hal.errors import UnavailableError
from hal.linux.bond_file import BondKey

SOCKET = Path("/run/trygg-bonds/socket")
ANSWER_S = 10.0  # the service is started for each connection; on a small, busy machine that takes a second
ANSWER = re.compile(rb"([0-9]|1[0-6]) ([01]) ([01])\n")
OTHER_ANSWERS = (b"none\n", b"unreadable\n")
LONGEST_ANSWER = 32
NOBODY = "00:00:00:00:00:00"
ABSENT = (
    "the sizes of keys cannot be seen: start the service that sees them (systemctl start trygg-bonds.socket)"
)
UNCLEAR = "the service that sees the sizes of keys gives no answer that is one: install it and the hub from one package"
UNREADABLE = (
    "the service that sees the sizes of keys cannot read what bluetoothd keeps: look at /var/lib/bluetooth"
)


class BondKeys:
    """The service at a socket. Each call is a connection of its own: a service that was not there may be by then."""

    def __init__(self, socket: Path = SOCKET, *, answer_s: float = ANSWER_S) -> None:
        self._socket = socket
        self._answer_s = answer_s

    async def of(
        self, adapter: str, devices: Sequence[str], *, within_s: float = ANSWER_S
    ) -> dict[str, BondKey]:
        """Address and key of each device whose LE key bluetoothd has and the service can read.

        A device that somebody waits for cannot be kept waiting: `within_s` is all that is spent.

        Raises:
            UnavailableError: it is not there, or does not answer as it should.
        """
        found: dict[str, BondKey] = {}
        answers = await self._asked(adapter, devices, min(within_s, self._answer_s))
        for device, said in zip(devices, answers, strict=True):
            match = ANSWER.fullmatch(said)
            if match is not None:
                size, authenticated, secure = (int(each) for each in match.groups())
                found[device] = BondKey(size, bool(authenticated), bool(secure))
        return found

    async def check(self) -> None:
        """See that it is there, answers and can read. Raises UnavailableError."""
        (said,) = await self._asked(NOBODY, [NOBODY], self._answer_s)
        if said != OTHER_ANSWERS[0]:
            raise UnavailableError(UNREADABLE)

    async def _asked(self, adapter: str, devices: Sequence[str], within_s: float) -> list[bytes]:
        """An answer for each device, one at a time. Raises UnavailableError."""
        try:
            async with asyncio.timeout(within_s):
                reader, writer = await asyncio.open_unix_connection(self._socket, limit=LONGEST_ANSWER)
                try:
                    return [await _ask(reader, writer, f"{adapter} {device}\n") for device in devices]
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:  # builtin TimeoutError is an OSError
            raise UnavailableError(ABSENT, repr(error)) from error


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: str) -> bytes:
    """One answer. Raises OSError, EOFError, LimitOverrunError, UnavailableError."""
    writer.write(question.encode("ascii"))
    await writer.drain()
    said = await reader.readuntil(b"\n")
    if said not in OTHER_ANSWERS and ANSWER.fullmatch(said) is None:
        raise UnavailableError(UNCLEAR, repr(said))
    return said
