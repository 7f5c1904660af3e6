"""P-256 and a request for a certificate: known answers of RFC 6979, A.2.5, and the shapes of DER."""

import hashlib

from hal.esp32 import p256, pkcs10

PRIVATE = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
PUBLIC = bytes.fromhex(
    "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
    "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"
)
SAMPLE = (
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
)
TEST = (
    "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
    "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
)


def drawn(size):
    """Stands for the hardware's generator; what blinds is in no result."""
    return hashlib.sha256(b"blind").digest()[:size]


def done(work):
    """All steps, and what came of them; none weighs more than a slice may take."""
    costs = []
    while True:
        try:
            costs.append(next(work))
        except StopIteration as end:
            assert max(costs) <= 19
            return end.value


def refuses(private):
    try:
        done(p256.public_key(private, drawn))
    except ValueError:
        return True
    return False


def test_the_known_key_has_its_known_public_key():
    assert done(p256.public_key(PRIVATE, drawn)) == PUBLIC
    assert done(p256.multiple(1, drawn)) == (p256.GX, p256.GY)
    assert done(p256.multiple(p256.N - 1, drawn)) == (p256.GX, p256.P - p256.GY)
    assert done(p256.multiple(2, drawn))[0] == int(
        "7CF27B188D034F7E8A52380304B51AC3C08969E277F21B35A60B48FC47669978", 16
    )


def test_known_messages_have_their_known_signatures_whatever_blinds_them():
    for message, expected in ((b"sample", SAMPLE), (b"test", TEST)):
        for random in (drawn, lambda size: b"\x07" * size):
            found = done(p256.sign(PRIVATE, message, random))
            assert ["%064X" % number for number in found] == list(expected)


def test_the_number_of_a_signature_is_that_of_the_source_and_a_control_with_another_digest_is_seen():
    digest = hashlib.sha256(b"sample").digest()
    known = int("A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60", 16)
    assert p256.Nonces(PRIVATE, digest).next() == known
    assert p256.Nonces(PRIVATE, bytes(32)).next() != known


def test_a_key_is_made_of_what_is_drawn_and_never_out_of_range():
    given = [bytes(32), p256.N.to_bytes(32, "big"), b"\xff" * 32, PRIVATE]
    assert p256.private_key(lambda size: given.pop(0)) == PRIVATE and not given
    assert all(
        [refuses(each) for each in (bytes(32), b"\xff" * 32, b"\x01" * 31, p256.N.to_bytes(32, "big"))]
    )


def test_a_number_takes_as_few_bytes_as_it_can_and_is_never_negative():
    assert pkcs10.whole(0) == b"\x02\x01\x00"
    assert pkcs10.whole(0x7F) == b"\x02\x01\x7f"
    assert pkcs10.whole(0x80) == b"\x02\x02\x00\x80"
    assert pkcs10.whole(1 << 255) == b"\x02\x21\x00\x80" + bytes(31)


def test_a_private_key_reads_back_and_a_foreign_one_does_not():
    der = pkcs10.private_der(PRIVATE, PUBLIC)
    assert pkcs10.private_of(der) == (PRIVATE, PUBLIC)
    for wrong in (der[:-1], b"", der + b"\0", b"\x30\x03\x02\x01\x00"):
        told = ""
        try:
            pkcs10.private_of(wrong)
        except ValueError as error:
            told = str(error)
        assert told, wrong


def test_a_request_is_the_same_each_time_and_names_the_gateway():
    first = done(pkcs10.request(PRIVATE, PUBLIC, "gw-1", drawn))
    assert first == done(pkcs10.request(PRIVATE, PUBLIC, "gw-1", drawn))
    assert pkcs10.common_name("gw-1") in first and PUBLIC in first and first[0] == 0x30
    assert int.from_bytes(first[1:3], "big") & 0xFF == len(first) - 3, "the length is its own"
