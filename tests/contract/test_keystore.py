"""What every key store promises (`hal.interfaces.KeyStore`), and what one in files does about modes."""

import asyncio
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hal.errors import CorruptDataError, DeniedError, UnavailableError
from hal.linux.keystore import FileKeyStore
from tests.contract.backends import KEYS
from tests.contract.machine_hosts import KeyHost


@pytest.fixture(params=KEYS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> KeyHost:
    return KEYS[request.param](tmp_path)


def test_the_identity_signs_what_anybody_can_verify(host: KeyHost) -> None:
    keystore, crypto = host.open()
    signature = asyncio.run(keystore.sign(b"bundle"))
    assert len(keystore.public_key) == 32
    assert len(signature) == 64
    oracle = Ed25519PublicKey.from_public_bytes(keystore.public_key)
    oracle.verify(signature, b"bundle")
    with pytest.raises(InvalidSignature):
        oracle.verify(signature, b"bundlf")
    assert asyncio.run(crypto.ed25519_verify(keystore.public_key, b"bundle", signature))
    assert not asyncio.run(crypto.ed25519_verify(keystore.public_key, b"bundlf", signature))


def test_the_identity_is_the_same_at_every_start(host: KeyHost) -> None:
    first, crypto = host.open()
    second, crypto_again = host.open()
    assert first.public_key == second.public_key
    assert crypto.hmac_sha256("identity", b"reading") == crypto_again.hmac_sha256("identity", b"reading")
    assert asyncio.run(first.sign(b"x")) == asyncio.run(second.sign(b"x"))  # RFC 8032 is deterministic


def test_two_gateways_have_two_identities(host: KeyHost, tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    other = type(host)(tmp_path / "another")  # type: ignore[call-arg]
    (one, crypto), (two, other_crypto) = host.open(), other.open()
    assert one.public_key != two.public_key
    assert crypto.hmac_sha256("identity", b"x") != other_crypto.hmac_sha256("identity", b"x")


def test_an_imported_key_is_there_from_now_on(host: KeyHost) -> None:
    keystore, _ = host.open()
    assert keystore.has("identity")
    assert not keystore.has("front-door")
    keystore.add_key("front-door", bytes(range(16)))
    assert keystore.has("front-door")
    again, _ = host.open()
    assert again.has("front-door")


@pytest.mark.parametrize(
    ("key_ref", "size"),
    [
        ("identity", 32),
        ("", 16),
        ("../etc", 16),
        ("a/b", 16),
        ("Door", 16),
        ("x" * 65, 16),
        ("door", 15),
        ("door", 0),
    ],
)
def test_what_is_no_name_or_no_key_is_refused_and_nothing_stored(
    host: KeyHost, key_ref: str, size: int
) -> None:
    keystore, crypto = host.open()
    before = crypto.hmac_sha256("identity", b"x")
    with pytest.raises(ValueError, match="expected"):
        keystore.add_key(key_ref, bytes(size))
    assert keystore.has(key_ref) == (key_ref == "identity")
    assert crypto.hmac_sha256("identity", b"x") == before


def test_no_method_hands_out_a_key_to_the_hub(host: KeyHost) -> None:
    keystore, _ = host.open()
    keystore.add_key("door", b"\xab" * 16)
    assert "ab" * 8 not in repr(keystore)


# --- files ---------------------------------------------------------------------------------------------------------


def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    keystore = FileKeyStore(tmp_path / "keys")
    keystore.add_key("door", bytes(16))
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    names = sorted(file.name for file in (tmp_path / "keys").iterdir())
    assert names == ["door.key", "identity.hmac", "identity.key"]
    for file in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.mark.parametrize("name", ["", "identity.key", "identity.hmac"])
def test_what_others_may_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, name: str) -> None:
    keys = tmp_path / "keys"
    FileKeyStore(keys)
    path = keys / name
    for mode in (0o640, 0o604, 0o610) if name else (0o750, 0o701):
        path.chmod(mode)
        with pytest.raises(DeniedError, match=rf"mode {mode:o}\): chmod {'600' if name else '700'} {path}"):
            FileKeyStore(keys)
    path.chmod(0o600 if name else 0o700)
    FileKeyStore(keys)


def test_an_imported_key_that_others_may_read_is_refused_when_it_is_used(tmp_path: Path) -> None:
    FileKeyStore(tmp_path / "keys").add_key("door", bytes(16))
    (tmp_path / "keys" / "door.key").chmod(0o644)
    with pytest.raises(DeniedError, match="chmod 600"):
        FileKeyStore(tmp_path / "keys").secret("door")


@pytest.mark.parametrize("text", ["", "no hex", "ab" * 31])
def test_a_damaged_identity_is_an_error_and_not_a_new_identity(tmp_path: Path, text: str) -> None:
    FileKeyStore(tmp_path / "keys")
    file = tmp_path / "keys" / "identity.key"
    file.write_text(text)
    with pytest.raises(CorruptDataError, match=r"identity\.key.*: "):
        FileKeyStore(tmp_path / "keys")
    assert file.read_text() == text


def test_a_folder_that_cannot_be_is_an_error_of_the_seam(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError, match="check the disk"):
        FileKeyStore(tmp_path / "file" / "keys")
