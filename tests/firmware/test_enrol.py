"""A board asks for its certificate: whichever file operation the power goes in, it is enrolled once, with one key, or asks again."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.enrol import AUTHORITY, CERTIFICATE, KEY, enrol
from firmware.told import Told, drop_token
from gateway.core import enrolling
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon import enrolment
from hal.errors import DeniedError, LinkLostError, UnavailableError
from hal.esp32.nvs import Nvs
from hal.esp32.tls_key import TlsKey
from hal.sim.keystore import SimKeyStore
from hal.sim.nvs import SimNvs
from tests.firmware.test_published_starts import CutError, Flash

CA = b"\x30\x03\x02\x01\x07"
TOLD = {
    "gateway": b"gw-1",
    "tenant": b"oslo",
    "token": b"AAAA",
    "enrol": b"https://enrol.example",
    "ca": CA,
}


def pem(der: bytes) -> str:
    text = base64.b64encode(der).decode()
    return f"{enrolling.PEM_BEGIN}\n{text}\n{enrolling.PEM_END}\n"


class Server:
    """The municipality's, as far as a board sees it: the same request has the same answer, another one none."""

    def __init__(self) -> None:
        self.taken: bytes | None = None
        self.changes: dict[str, Any] = {}
        self.is_cut = False
        self.asked = 0

    async def post(self, host: str, port: int, path: str, body: bytes, ca: bytes) -> tuple[int, bytes]:
        assert (host, port, path, ca) == ("enrol.example", 8443, enrolling.PATH, CA)
        self.asked += 1
        request = enrolment.read(enrolment.from_text(json.loads(body)["request"]))
        if self.taken not in (None, request.message):
            return 403, b'{"error": "used"}'
        self.taken = request.message
        if self.is_cut:
            raise LinkLostError("the answer broke off")
        public = request.csr.public_bytes(Encoding.DER)
        answer = {"certificate": pem(b"certificate of " + public), "ca": pem(CA)} | self.changes
        return 200, json.dumps(answer).encode()


class Board:
    """What outlives the power: its files, and what it was told."""

    def __init__(self) -> None:
        self.chip = dict(TOLD)
        self.flash = Flash({})
        self.keystore = SimKeyStore(b"s" * 32)
        self.numbers = self.drawn()
        self.lines: list[dict[str, Any]] = []

    def drawn(self) -> Iterator[int]:
        yield from range(1, 250)

    def random(self, size: int) -> bytes:
        return bytes([next(self.numbers)]) * size

    def told(self) -> Told:
        return Told(Nvs(SimNvs(self.chip)))

    def enrol(self, server: Server) -> None:
        told = self.told()
        files: Any = self.flash
        asyncio.run(enrol(told, files, self.keystore, TlsKey(self.random), server.post))
        drop_token(told, self.lines.append)


def test_the_certificate_comes_last_and_the_token_goes() -> None:
    board, server = Board(), Server()
    board.enrol(server)
    assert sorted(board.flash.files) == [AUTHORITY, CERTIFICATE, KEY] and "token" not in board.chip
    assert board.flash.files[AUTHORITY] == CA


def test_wherever_the_power_goes_the_same_key_asks_again_and_is_answered() -> None:
    for cut in range(20):
        board, server = Board(), Server()
        board.flash.cut = cut
        try:
            board.enrol(server)
            done = True
        except CutError:
            done = False
        assert (CERTIFICATE in board.flash.files) <= (
            KEY in board.flash.files and AUTHORITY in board.flash.files
        )
        board.flash.cut = -1
        if done:
            assert cut >= 12
            return
        board.enrol(server)
        assert sorted(name for name in board.flash.files if not name.endswith(".new")) == [
            AUTHORITY,
            CERTIFICATE,
            KEY,
        ]
    raise AssertionError("it never came through")


class Stuck(Nvs):
    """A storage that erases nothing."""

    def erase(self, name: str) -> None:
        raise UnavailableError("the board's storage takes nothing: try again")


def test_a_token_that_cannot_be_erased_is_a_line_of_the_log_and_goes_at_a_later_start() -> None:
    board, lines = Board(), list[dict[str, Any]]()
    drop_token(Told(Stuck(SimNvs(board.chip))), lines.append)
    assert [line["level"] for line in lines] == ["error"] and "token" in board.chip
    for _ in range(2):  # and where there is none, nothing is said or written
        drop_token(board.told(), lines.append)
        assert "token" not in board.chip and len(lines) == 1


def test_a_lost_answer_is_asked_for_again() -> None:
    board, server = Board(), Server()
    server.is_cut = True
    with pytest.raises(LinkLostError):
        board.enrol(server)
    server.is_cut = False
    board.enrol(server)
    assert server.asked == 2 and CERTIFICATE in board.flash.files


def test_control_a_board_that_forgets_its_key_is_refused_by_the_server() -> None:
    board, server = Board(), Server()
    server.is_cut = True
    with pytest.raises(LinkLostError):
        board.enrol(server)
    server.is_cut = False
    del board.flash.files[KEY]
    with pytest.raises(RefusedError, match="has been used for another request"):
        board.enrol(server)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"certificate": pem(b"of nobody")}, "not for this gateway's TLS key"),
        ({"certificate": pem(b"one") + pem(b"two")}, "with others above it"),
        ({"ca": pem(b"another")}, "another authority"),
        ({"certificate": "nothing"}, "cannot be read"),
    ],
)
def test_an_answer_that_is_for_somebody_else_leaves_nothing(changes: dict[str, str], cause: str) -> None:
    board, server = Board(), Server()
    server.changes = changes
    with pytest.raises(RefusedError, match=cause):
        board.enrol(server)
    assert sorted(board.flash.files) == [KEY] and "token" in board.chip


def test_a_certificate_for_another_name_is_refused() -> None:
    board, server = Board(), Server()
    board.chip["gateway"] = b"gw-1"
    key = TlsKey(board.random)
    asyncio.run(key.make())
    board.flash.files[KEY] = key.der
    server.changes = {"certificate": pem(b"x" + key.der[-65:])}
    with pytest.raises(RefusedError, match="for another gateway"):
        board.enrol(server)


def test_a_key_of_somebody_elses_and_a_server_that_is_none_are_said() -> None:
    board, server = Board(), Server()
    board.flash.files[KEY] = b"\x30\x00"
    with pytest.raises(DeniedError, match=r"key\.der is no key"):
        board.enrol(server)
    board, server = Board(), Server()
    board.chip["enrol"] = b"ftp://x"
    with pytest.raises(ConfigError, match="https://host:port"):
        board.enrol(server)
    assert server.asked == 0


def test_a_key_reads_back_and_knows_its_certificate() -> None:
    board = Board()
    key, again = TlsKey(board.random), TlsKey(board.random)
    asyncio.run(key.make())
    again.load(key.der)
    assert asyncio.run(again.request("gw-1")) == asyncio.run(key.request("gw-1"))
