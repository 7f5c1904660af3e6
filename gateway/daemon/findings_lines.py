"""What `trygg check` finds on serial lines: it opens each port as the hub would, listens, and says what sits there.

A hub that runs has its ports for itself: then there is nothing to listen to, and the hub says how its lines are. What a driver
asks at the opening of a line is asked here, too; nothing else is sent.
"""

import asyncio
import contextlib
import os
import time
from typing import Any

from gateway.core.config import Config
from gateway.core.devices.driver import Context, SerialDriver
from gateway.core.devices.enocean_transceiver import Transceiver
from gateway.core.line_sense import recognise
from gateway.daemon.findings import FAULT, NOTE, OK, Checker, Finding
from gateway.daemon.texts import Texts
from hal.errors import DeniedError, HalError
from hal.interfaces import SerialPort, SerialPorts

LISTEN_S = 2.5
OTHER_SPEED_S = 1.2
SPEEDS = (9_600, 19_200, 57_600, 115_200)
ANSWERING = (
    "dispenser",
    "enocean",
)  # drivers whose device answers when it is asked; others speak when somebody uses them


class WithoutKeys:
    """The cryptography of a command that only listens: nothing on a line of today is signed or encrypted."""

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Nothing holds."""
        return False

    def aes_ccm_open(
        self, key_ref: str, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b""
    ) -> bytes:
        """No key is known."""
        raise DeniedError("nothing is signed or encrypted on this line")

    def hmac_sha256(self, key_ref: str, message: bytes) -> bytes:
        """No key is known."""
        raise DeniedError("nothing is signed or encrypted on this line")

    def random(self, size: int) -> bytes:
        """Random bytes."""
        return os.urandom(size)


class Listened:
    """What came of a line: the bytes, and whether the driver took something whole from them."""

    def __init__(self) -> None:
        self.data = b""
        self.understood = False


def drivers_of(config: Config) -> list[tuple[str, str, SerialDriver]]:
    """(port, who is there, driver) of each line."""
    lines: list[tuple[str, str, SerialDriver]] = []
    for device in config.devices:
        kind = config.driver_of(device.driver)
        if device.port is not None and issubclass(kind, SerialDriver):
            lines.append(
                (device.port, device.name, kind(Context("", device.options, WithoutKeys(), lambda key: None)))
            )
    if config.enocean.port is not None:
        lines.append((config.enocean.port, "EnOcean", Transceiver()))
    return lines


def check_lines(
    config: Config,
    texts: Texts,
    hub: dict[str, Any] | None,
    ports: SerialPorts,
    listen_s: float = LISTEN_S,
) -> list[Finding]:
    """Each line in turn; a port that is not there was said before."""
    found = Checker("lines", texts)
    lines = drivers_of(config)
    if hub is not None:
        return [found(NOTE, "running")] if lines else []
    findings = []
    for url, name, reader in lines:
        findings += asyncio.run(look(found, texts, ports, url, name, reader, listen_s))
    return findings


async def look(
    found: Checker,
    texts: Texts,
    ports: SerialPorts,
    url: str,
    name: str,
    reader: SerialDriver,
    listen_s: float,
) -> list[Finding]:
    """One line."""
    values: dict[str, object] = {"port": url, "device": name, "baud": reader.baud}
    values["expected"] = family_word(texts, reader.name)
    try:
        heard = await listen(ports, url, reader, reader.baud, listen_s)
        if heard.understood:
            return [found(OK, "understood", **values)]
        if not heard.data:
            if reader.name in ANSWERING:
                return [found(FAULT, "silent", **values)]
            return [found(NOTE, "unused", **values)]
        family, baud = recognise(heard.data), reader.baud
        for other in SPEEDS:
            if not family and other != reader.baud:
                family, baud = recognise((await listen(ports, url, None, other, OTHER_SPEED_S)).data), other
    except DeniedError as error:
        return [found(FAULT, "denied", cause=found.reword(error.message), **values)]
    except HalError as error:
        return [found(FAULT, "unopened", cause=found.reword(error.message), **values)]
    if not family:
        return [found(FAULT, "unknown", **values)]
    return [found(FAULT, "other", found=family_word(texts, family), at=baud, **values)]


def family_word(texts: Texts, family: str) -> str:
    """A driver, and its format where it has several, as people say it."""
    return texts.say_or("family." + family.replace(" ", "_"), "{family}", family=family)


async def listen(
    ports: SerialPorts, url: str, reader: SerialDriver | None, baud: int, listen_s: float
) -> Listened:
    """What comes within `listen_s`, or until the reader has taken something whole. Raises HalError."""
    heard = Listened()
    port = await ports.open(url, baud=baud, parity=reader.parity if reader is not None else "N")
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(listen_s):
                await follow(port, reader, heard)
    finally:
        await port.close()
    return heard


async def follow(port: SerialPort, reader: SerialDriver | None, heard: Listened) -> None:
    """Ask what the driver asks, and hear."""
    if reader is not None:
        for data in reader.opened(now_ms(), None).send:
            await port.write(data)
    while not heard.understood:
        data = await port.read()
        heard.data = (heard.data + data)[-4096:]
        if reader is not None:
            heard.understood = reader.received(data, now_ms(), None).heard


def now_ms() -> int:
    """Uptime of this command."""
    return int(time.monotonic() * 1000)
