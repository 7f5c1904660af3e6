"""What every backend's primitives promise (`hal.interfaces.Crypto`), judged by published vectors."""

import asyncio
import hmac
import random
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hal.errors import DeniedError
from tests.contract.backends import KEYS
from tests.contract.machine_hosts import KeyHost
from tests.core.test_sim_crypto import CCM, CCM_KEY, ED25519
from tools.rig.forgery.mutations import ORDER, SMALL


@pytest.fixture(params=KEYS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> KeyHost:
    return KEYS[request.param](tmp_path)


def test_packets_of_rfc_3610_open(host: KeyHost) -> None:
    keystore, crypto = host.open()
    keystore.add_key("rfc", CCM_KEY)
    for nonce, head, size, ciphertext, tag in CCM:
        packet = bytes(range(size))
        parts = (bytes.fromhex(nonce), bytes.fromhex(ciphertext), bytes.fromhex(tag))
        assert crypto.aes_ccm_open("rfc", *parts, packet[:head]) == packet[head:]


def test_frames_sealed_by_another_implementation_open(host: KeyHost) -> None:
    keystore, crypto = host.open()
    numbers = random.Random(3610)
    for tag_size in (4, 8, 16):
        for size in (0, 1, 15, 16, 17, 31, 64):
            key, nonce, plaintext = numbers.randbytes(16), numbers.randbytes(13), numbers.randbytes(size)
            aad = numbers.randbytes(numbers.choice([0, 1, 20]))
            sealed = AESCCM(key, tag_length=tag_size).encrypt(nonce, plaintext, aad or None)
            keystore.add_key("sensor", key)  # replaced each time, and used at once
            assert crypto.aes_ccm_open("sensor", nonce, sealed[:size], sealed[size:], aad) == plaintext


def test_what_does_not_hold_is_denied(host: KeyHost) -> None:
    keystore, crypto = host.open()
    key, nonce = bytes(range(16)), bytes(13)
    keystore.add_key("door", key)
    keystore.add_key("smoke", bytes(16))
    sealed = AESCCM(key, tag_length=4).encrypt(nonce, b"open", b"aad")
    ciphertext, tag = sealed[:4], sealed[4:]
    assert crypto.aes_ccm_open("door", nonce, ciphertext, tag, b"aad") == b"open"
    for arguments in (
        ("smoke", nonce, ciphertext, tag, b"aad"),
        ("door", nonce, ciphertext, tag, b""),
        ("door", bytes(12) + b"\x01", ciphertext, tag, b"aad"),
        ("door", nonce, b"opem", tag, b"aad"),
        ("door", nonce, ciphertext, bytes(4), b"aad"),
    ):
        with pytest.raises(DeniedError, match="wrong key, or not from this device"):
            crypto.aes_ccm_open(*arguments)


def test_an_unknown_key_is_denied_with_what_to_do(host: KeyHost) -> None:
    _, crypto = host.open()
    for key_ref in ("missing", "../identity", ""):
        with pytest.raises(DeniedError, match="device's key"):
            crypto.aes_ccm_open(key_ref, bytes(13), b"", bytes(4))
        with pytest.raises(DeniedError, match="device's key"):
            crypto.hmac_sha256(key_ref, b"x")


def test_signatures_of_rfc_8032_hold_and_altered_ones_do_not(host: KeyHost) -> None:
    _, crypto = host.open()
    for _, public_hex, message_hex, signature_hex in ED25519:
        public, message, signature = (
            bytes.fromhex(part) for part in (public_hex, message_hex, signature_hex)
        )
        assert asyncio.run(crypto.ed25519_verify(public, message, signature))
        assert not asyncio.run(crypto.ed25519_verify(public, message + b"\0", signature))
        for bit in (0, 255, 256, 511):
            flipped = bytearray(signature)
            flipped[bit // 8] ^= 1 << bit % 8
            assert not asyncio.run(crypto.ed25519_verify(public, message, bytes(flipped)))


def test_what_is_no_key_or_no_signature_is_false_and_no_error(host: KeyHost) -> None:
    keystore, crypto = host.open()
    signature = asyncio.run(keystore.sign(b"x"))
    for public, candidate in (
        (b"", signature),
        (keystore.public_key[:31], signature),
        (b"\xff" * 32, signature),
        (keystore.public_key, b""),
        (keystore.public_key, signature[:63]),
        (keystore.public_key, signature + b"\0"),
    ):
        assert asyncio.run(crypto.ed25519_verify(public, b"x", candidate)) is False


def test_signatures_by_another_implementation_hold_and_altered_ones_do_not(host: KeyHost) -> None:
    _, crypto = host.open()
    numbers = random.Random(8032)

    async def holds(*parts: bytes) -> bool:
        return await crypto.ed25519_verify(*parts)

    for size in (0, 1, 64, 111, 128, 300, 2048):
        private = Ed25519PrivateKey.from_private_bytes(numbers.randbytes(32))
        public, message = private.public_key().public_bytes_raw(), numbers.randbytes(size)
        signature = private.sign(message)
        assert asyncio.run(holds(public, message, signature))
        altered = bytearray(signature)
        altered[numbers.randrange(64)] ^= 1 << numbers.randrange(8)
        assert not asyncio.run(holds(public, message, bytes(altered)))


def test_forms_of_a_signature_count_the_same_everywhere(host: KeyHost) -> None:
    """Scalars beyond the order, and points of small order in every encoding: nobody may take what another refuses.

    OpenSSL holds to that but for keys of small order, and under those a signature holds for every message.
    """
    _, crypto = host.open()
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, good = private.public_key().public_bytes_raw(), private.sign(b"x")
    scalar = int.from_bytes(good[32:], "little")
    tried = [(public, good[:32] + (scalar + n * ORDER).to_bytes(32, "little")) for n in range(9)]
    for point in SMALL:
        tried += [(point, other + bytes([scalar]) + bytes(31)) for other in SMALL for scalar in (0, 1)]
        tried += [(public, point + good[32:]), (point, good)]
    answers = []
    for key, signature in tried:
        answer = asyncio.run(crypto.ed25519_verify(key, b"x", signature))
        assert answer == (key not in SMALL and oracle(key, signature)), (key.hex(), signature.hex())
        answers.append(answer)
    assert answers.count(True) == 1 and answers[0]
    assert any(oracle(key, signature) for key, signature in tried if key in SMALL), "control"


def oracle(public: bytes, signature: bytes) -> bool:
    """What OpenSSL says of a signature of b"x"."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, b"x")
    except (InvalidSignature, ValueError):
        return False
    return True


def test_hmac_of_an_imported_key_is_that_of_rfc_4231(host: KeyHost) -> None:
    keystore, crypto = host.open()
    keystore.add_key("device", b"\xaa" * 32)
    assert crypto.hmac_sha256("device", b"message") == hmac.digest(b"\xaa" * 32, b"message", "sha256")
    assert len(crypto.hmac_sha256("identity", b"message")) == 32


def test_random_bytes_have_the_size_asked_for_and_differ(host: KeyHost) -> None:
    _, crypto = host.open()
    assert crypto.random(0) == b""
    assert len({crypto.random(16) for _ in range(100)}) == 100
