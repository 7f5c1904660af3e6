"""The portable primitives against published vectors, on both interpreters."""

import asyncio
import hashlib

from hal.aes import ccm_open, ccm_seal, cipher, pure_cipher
from hal.errors import DeniedError
from hal.hmac_sha256 import hmac_sha256
from hal.sha512 import PureSha512, sha512
from hal.sim.crypto import SimCrypto
from hal.sim.ed25519 import ORDER, Ed25519, P
from hal.sim.keystore import SimKeyStore

# FIPS 197, appendix C.1
AES_KEY = bytes(range(16))
AES_PLAIN = bytes.fromhex("00112233445566778899aabbccddeeff")
AES_CIPHER = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")

# RFC 3610, 8: packet vectors 1, 2, 3 and 7: nonce, bytes of the packet that are only authenticated, packet, result
CCM_KEY = bytes.fromhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
CCM = (
    (
        "00000003020100a0a1a2a3a4a5",
        8,
        31,
        "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384",
        "17e8d12cfdf926e0",
    ),
    (
        "00000004030201a0a1a2a3a4a5",
        8,
        32,
        "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3b",
        "a091d56e10400916",
    ),
    (
        "00000005040302a0a1a2a3a4a5",
        8,
        33,
        "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da859657",
        "4adaa76fbd9fb0c5",
    ),
    (
        "00000009080706a0a1a2a3a4a5",
        8,
        31,
        "0135d1b2c95f41d5d1d4fec185d166b8094e999dfed96c",
        "048c56602c97acbb7490",
    ),
)

# RFC 8032, 7.1: private key, public key, message, signature
ED25519 = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
)

# RFC 4231, cases 1, 2, 3 and 6: key, data, HMAC-SHA-256
HMAC = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
)

# FIPS 180-4 examples (abc, two blocks) and the empty message
SHA512 = (
    (
        b"",
        (
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
            "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
        ),
    ),
    (
        b"abc",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ),
    (
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        (
            "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
            "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"
        ),
    ),
)


def test_aes_encrypts_the_block_of_the_standard() -> None:
    assert pure_cipher(AES_KEY)(AES_PLAIN) == AES_CIPHER
    assert cipher(AES_KEY)(AES_PLAIN) == AES_CIPHER


def test_ccm_seals_and_opens_the_packets_of_the_rfc() -> None:
    for nonce_hex, head, size, ciphertext, tag in CCM:
        nonce, packet = bytes.fromhex(nonce_hex), bytes(range(size))
        aad, plaintext = packet[:head], packet[head:]
        sealed = (bytes.fromhex(ciphertext), bytes.fromhex(tag))
        assert ccm_seal(CCM_KEY, nonce, plaintext, aad, len(sealed[1])) == sealed
        assert ccm_open(CCM_KEY, nonce, sealed[0], sealed[1], aad) == plaintext


def test_ccm_refuses_every_flipped_bit() -> None:
    nonce = bytes(13)
    ciphertext, tag = ccm_seal(CCM_KEY, nonce, b"door", b"ad", 4)
    whole = nonce + ciphertext + tag + b"ad"
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        data = bytes(flipped)
        assert ccm_open(CCM_KEY, data[:13], data[13:17], data[17:21], data[21:]) is None, bit
    assert ccm_open(CCM_KEY, nonce, ciphertext, tag, b"ad") == b"door"


def test_ccm_refuses_parameters_that_the_rfc_does_not_allow() -> None:
    for nonce, tag in ((bytes(6), bytes(4)), (bytes(14), bytes(4)), (bytes(13), bytes(3)), (bytes(13), b"")):
        try:
            ccm_open(CCM_KEY, nonce, b"", tag)
        except ValueError:
            continue
        raise AssertionError((nonce, tag))


def test_sha512_of_the_standard_and_around_the_padding() -> None:
    pure = PureSha512()
    for message, digest in SHA512:
        assert pure.digest(message) == bytes.fromhex(digest)
        assert sha512()(message) == bytes.fromhex(digest)
    native = getattr(hashlib, "sha512", None)
    if native is not None:
        for size in (110, 111, 112, 113, 127, 128, 129, 239, 240):
            assert pure.digest(bytes(size)) == native(bytes(size)).digest(), size


def test_ed25519_signs_and_verifies_as_the_rfc_does() -> None:
    ed25519 = Ed25519()
    for private, public, message, signature in ED25519:
        seed, text = bytes.fromhex(private), bytes.fromhex(message)
        assert ed25519.public_key(seed) == bytes.fromhex(public)
        assert ed25519.sign(seed, text) == bytes.fromhex(signature)
        assert ed25519.verify(bytes.fromhex(public), text, bytes.fromhex(signature))


def test_ed25519_refuses_what_was_altered() -> None:
    ed25519 = Ed25519()
    public, text, signature = (bytes.fromhex(part) for part in ED25519[2][1:])
    assert not ed25519.verify(public, text + b"\0", signature)
    assert not ed25519.verify(bytes.fromhex(ED25519[0][1]), text, signature)
    for bit in (0, 7, 100, 255, 256, 300, 511):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not ed25519.verify(public, text, bytes(flipped)), bit
    assert not ed25519.verify(public, text, signature[:63])
    assert not ed25519.verify(public[:31], text, signature)


def test_ed25519_refuses_a_second_form_of_the_same_signature() -> None:
    public, text, signature = (bytes.fromhex(part) for part in ED25519[2][1:])
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not Ed25519().verify(public, text, signature[:32] + scalar.to_bytes(32, "little"))
    assert not Ed25519().verify((P + 1).to_bytes(32, "little"), text, signature)


def test_hmac_of_the_rfc() -> None:
    for key, data, digest in HMAC:
        assert hmac_sha256(key, data) == bytes.fromhex(digest)


def test_a_simulated_gateway_signs_what_another_verifies() -> None:
    async def program() -> None:
        keystore = SimKeyStore(b"\x07" * 32)
        crypto = SimCrypto(keystore)
        signature = await SimKeyStore(b"\x07" * 32).sign(b"bundle")
        assert await crypto.ed25519_verify(keystore.public_key, b"bundle", signature)
        another = SimKeyStore(b"\x08" * 32).public_key
        assert not await crypto.ed25519_verify(another, b"bundle", signature)

    asyncio.run(program())


def test_an_unknown_key_is_denied() -> None:
    keystore = SimKeyStore(b"\x07" * 32, {"front-door": AES_KEY})
    crypto = SimCrypto(keystore)
    assert keystore.has("front-door") and keystore.has("identity") and not keystore.has("smoke")
    for key_ref in ("smoke", "front-door"):  # not known; known, but the tag does not hold
        try:
            crypto.aes_ccm_open(key_ref, bytes(13), b"x", bytes(4))
        except DeniedError:
            continue
        raise AssertionError(key_ref)


def test_what_is_no_name_or_no_key_is_not_imported() -> None:
    keystore = SimKeyStore(b"\x07" * 32)
    for key_ref, key in (
        ("identity", bytes(32)),
        ("../x", AES_KEY),
        ("", AES_KEY),
        ("Door", AES_KEY),
        ("d", b""),
    ):
        try:
            keystore.add_key(key_ref, key)
        except ValueError:
            continue
        raise AssertionError(key_ref)
