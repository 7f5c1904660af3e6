"""What every backend's primitives promise (`hal.interfaces.Crypto`), judged by published vectors."""

import asyncio
import hmac
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hal.errors import DeniedError
from tests.contract.backends import KEYS
from tests.contract.machine_hosts import KeyHost
from tests.core.test_sim_crypto import CCM, CCM_KEY, ED25519


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
        assert crypto.ed25519_verify(public, message, signature)
        assert not crypto.ed25519_verify(public, message + b"\0", signature)
        for bit in (0, 255, 256, 511):
            flipped = bytearray(signature)
            flipped[bit // 8] ^= 1 << bit % 8
            assert not crypto.ed25519_verify(public, message, bytes(flipped))


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
        assert crypto.ed25519_verify(public, b"x", candidate) is False


def test_hmac_of_an_imported_key_is_that_of_rfc_4231(host: KeyHost) -> None:
    keystore, crypto = host.open()
    keystore.add_key("device", b"\xaa" * 32)
    assert crypto.hmac_sha256("device", b"message") == hmac.digest(b"\xaa" * 32, b"message", "sha256")
    assert len(crypto.hmac_sha256("identity", b"message")) == 32


def test_random_bytes_have_the_size_asked_for_and_differ(host: KeyHost) -> None:
    _, crypto = host.open()
    assert crypto.random(0) == b""
    assert len({crypto.random(16) for _ in range(100)}) == 100
