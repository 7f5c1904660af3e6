"""Keys in a board's storage: made once, kept whole, and never made anew over something that does not read."""

import asyncio

from hal.errors import CorruptDataError, DeniedError, UnavailableError
from hal.esp32.clock import LastTime
from hal.esp32.keystore import NvsKeyStore, place
from hal.esp32.nvs import Nvs, NvsNumber
from hal.esp32.signing import Signing
from hal.sim.nvs import SimNvs

NOW = 1_795_000_000_000


class Random:
    """Bytes that differ each time, for keys of a test."""

    calls = 0

    def draw(self, size):
        Random.calls += 1
        return (Random.calls.to_bytes(4, "big") * size)[:size]


def opened(native):
    async def work():
        signing = Signing(Random().draw)
        await signing.start()
        return await NvsKeyStore.open(Nvs(native), signing, Random().draw)

    return asyncio.run(work())


def raised(kind, call):
    try:
        call()
    except kind:
        return True
    return False


def test_an_identity_is_made_once_and_outlives_the_power():
    chip = {}
    first = opened(SimNvs(chip))
    assert len(first.public_key) == 32 and len(chip["identity"]) == 64
    again = opened(SimNvs(chip))
    assert again.public_key == first.public_key and again.secret("identity") == first.secret("identity")
    assert opened(SimNvs({})).public_key != first.public_key
    assert first.secret("identity") == chip["identity"][32:]


def test_an_identity_that_does_not_read_is_not_replaced():
    chip = {"identity": b"short"}
    assert raised(CorruptDataError, lambda: opened(SimNvs(chip)))
    assert chip == {"identity": b"short"}


def test_a_storage_that_fails_is_said_to_fail():
    native = SimNvs({})
    native.failing = True
    assert raised(UnavailableError, lambda: opened(native))
    assert native.chip == {}
    native.failing = False
    store = opened(native)
    native.failing = True
    assert raised(UnavailableError, lambda: store.add_key("door", bytes(16)))
    native.failing = False
    assert not store.has("door")


def test_a_key_is_there_after_the_power_went_only_when_it_was_told_so():
    chip = {}
    store = opened(SimNvs(chip))
    longest = "x" * 64
    store.add_key("front-door", bytes(range(16)))
    store.add_key(longest, bytes(range(32)))
    again = opened(SimNvs(chip))
    assert again.secret("front-door") == bytes(range(16)) and again.secret(longest) == bytes(range(32))
    assert not again.has("back-door") and raised(DeniedError, lambda: again.secret("back-door"))


def test_what_no_key_may_be_is_refused():
    store = opened(SimNvs({}))
    for key_ref, key in (("identity", bytes(32)), ("Door", bytes(16)), ("door", bytes(15)), ("", bytes(16))):
        assert raised(ValueError, lambda: store.add_key(key_ref, key)), key_ref  # noqa: B023  called at once


def test_a_place_that_another_key_has_is_neither_read_nor_written():
    chip = {}
    store = opened(SimNvs(chip))
    name, _ = place("door")
    chip[name] = b"\x05other" + bytes(16)
    assert not store.has("door")
    assert raised(ValueError, lambda: store.add_key("door", bytes(16)))
    assert chip[name] == b"\x05other" + bytes(16)


def test_a_number_is_kept_and_one_that_does_not_read_is_said():
    chip = {}
    number = NvsNumber(Nvs(SimNvs(chip)), "last-time")
    assert number.read() == 0
    number.write(NOW)
    assert NvsNumber(Nvs(SimNvs(chip)), "last-time").read() == NOW
    assert LastTime(NvsNumber(Nvs(SimNvs(chip)), "last-time")).utc_ms == NOW
    for broken in (b"", b"1", b"\xff" * 8):
        chip["last-time"] = broken
        assert raised(CorruptDataError, number.read)


def test_names_and_values_that_the_driver_cannot_take_are_refused_here():
    nvs = Nvs(SimNvs({}))
    assert raised(ValueError, lambda: nvs.write("a-name-of-16-cha", b""))
    assert raised(ValueError, lambda: nvs.write("name", bytes(161)))
