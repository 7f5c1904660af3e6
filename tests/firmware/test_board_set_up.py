"""A board enrols on real MicroPython, over real TLS, at the municipality's own server: once, and with nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from gateway.core import cbor
from gateway.daemon.enrolment import name_of
from gateway.daemon.tls_identity import public
from tests.tools.authority_bench import PASSPHRASE, Town
from tools.authority.register import Register
from tools.evidence.figure import UnavailableError
from tools.flash.esp32_district import FILES
from tools.platform.parties import read_registry
from tools.rig.flash_figures import micropython

GATEWAY = "board-1"
pytestmark = pytest.mark.timeout(90)  # keys and signatures in Python, on a machine that others use


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path).made()


class BoardOf:
    """A board on a desk: what it was told, and what it made of it."""

    def __init__(self, folder: Path, town: Town, url: str, token: str, *, ca: bytes | None = None) -> None:
        self.folder = folder / "trygg"
        self.folder.mkdir(parents=True)
        self.storage = folder / "nvs.json"
        authority = town.folder.authority(PASSPHRASE).certificate
        tree = {
            "hub": {"id": GATEWAY, "tenant": town.tenant},
            "uplink": {"brokers": ["mqtts://broker.example"], **FILES},
            "platform": {"root_public_key": "ab" * 32},
        }
        told = {
            "gateway": GATEWAY.encode(),
            "tenant": town.tenant.encode(),
            "token": token.encode(),
            "enrol": url.encode(),
            "ca": authority.public_bytes(Encoding.DER) if ca is None else ca,
            "config": cbor.encode(tree),
            "wifi_name": b"Stue",
            "wifi_password": b"hemmelig ord",
        }
        self.storage.write_text(json.dumps({name: value.hex() for name, value in told.items()}))

    def live(self, seconds: int = 40) -> dict[str, Any]:
        try:
            return dict(
                micropython("tests.firmware.board_set_up", str(self.folder), str(seconds), heap="heapsize=8M")
            )
        except UnavailableError as error:
            pytest.skip(str(error))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def told(self) -> dict[str, str]:
        return dict(json.loads(self.storage.read_text()))


def test_a_board_that_was_told_a_token_makes_its_key_enrols_and_starts_anew(
    town: Town, tmp_path: Path
) -> None:
    token = town.token(GATEWAY)
    with town.server() as url:
        board = BoardOf(tmp_path / "board", town, url, token)
        found = board.live()
    assert (found["ended"], found["joined"]) == (True, "Stue"), found
    assert board.files() == ["ca.der", "certificate.der", "key.der"]
    certificate = x509.load_der_x509_certificate((board.folder / "certificate.der").read_bytes())
    key = load_der_private_key((board.folder / "key.der").read_bytes(), None)
    assert public(certificate.public_key()) == public(key.public_key())
    assert name_of(certificate.subject) == GATEWAY
    certificate.verify_directly_issued_by(
        x509.load_der_x509_certificate((board.folder / "ca.der").read_bytes())
    )
    assert "token" not in board.told() and "identity" in board.told()
    assert [name for _, name in read_registry(town.folder.path("registry.json"))] == [GATEWAY]
    assert town.log == [("enrolled", GATEWAY, "")]
    assert token not in json.dumps(found) and "hemmelig" not in json.dumps(found)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(town: Town, tmp_path: Path) -> None:
    with town.server() as url:
        board = BoardOf(tmp_path / "board", town, url, town.token(GATEWAY))
        before = board.storage.read_text()
        assert board.live()["ended"] is True
        first = (board.folder / "certificate.der").read_bytes()
        told = json.loads(board.storage.read_text()) | {"token": json.loads(before)["token"]}
        board.storage.write_text(json.dumps(told))  # the power went before the certificate was in its place
        (board.folder / "certificate.der").unlink()
        assert board.live()["ended"] is True
    assert (board.folder / "certificate.der").read_bytes() == first


def test_a_token_that_counts_no_more_is_said_and_the_board_waits(town: Town, tmp_path: Path) -> None:
    token = town.token(GATEWAY, "--hours", 1)
    with Register(town.folder) as register, register.commit():
        register.store.execute("UPDATE token SET until_ms = 1")
    with town.server() as url:
        board = BoardOf(tmp_path / "board", town, url, token)
        found = board.live()
    assert not found["ended"] and "the token has expired: ask for a new one" in found["causes"][-1]
    assert board.files() == ["key.der"] and "token" in board.told()


def test_a_token_that_was_left_beside_a_certificate_goes_at_the_next_start(
    town: Town, tmp_path: Path
) -> None:
    board = BoardOf(tmp_path / "board", town, "https://enrol.example", "AAAA")
    for name in ("ca.der", "certificate.der", "key.der"):
        (board.folder / name).write_bytes(b"as it was stored")
    board.live(3)
    assert "token" not in board.told() and "gateway" in board.told()


def test_control_a_server_of_another_authority_is_told_nothing(town: Town, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Town(tmp_path / "other").made()
    foreign = other.folder.authority(PASSPHRASE).certificate.public_bytes(Encoding.DER)
    with town.server() as url:
        board = BoardOf(tmp_path / "board", town, url, town.token(GATEWAY), ca=foreign)
        found = board.live()
    assert not found["ended"] and "is not from our authority" in found["causes"][-1]
    assert town.log == [] and board.files() == ["key.der"]
