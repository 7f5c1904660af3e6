"""Ed25519 as a board has it, against published vectors, on both interpreters."""

import asyncio

from hal.esp32.comb import NEUTRAL_ENTRY, double, made
from hal.esp32.ed25519 import (
    BASE_Y,
    MOST_KEYS,
    ORDER,
    ROOT_OF_MINUS_1,
    Ed25519,
    decode,
)
from hal.esp32.field import D, P, inverse, root_power
from hal.esp32.sha512 import choose, finished, viper_code
from hal.esp32.signing import Signing
from hal.esp32.turns import SLICE_UNITS, Slices, Turns
from hal.public_keys import SMALL_ORDER, is_usable
from hal.sim.ed25519 import Ed25519 as SimEd25519
from tests.core.rfc8032 import LONG
from tests.core.test_esp32_sha512 import Wrong
from tests.core.test_sim_crypto import ED25519

LONGEST_STEP = 16  # units; `hal.esp32.turns` states what follows from it
BLINDS = (bytes(32), b"\xff" * 32, b"\x11" * 32)


def zeros(size: int) -> bytes:
    return bytes(size)


def ready(random=zeros, code=None) -> Ed25519:
    """Ed25519 with its table, made at one go."""
    ed25519 = Ed25519(choose(code if code is not None else viper_code()), random)
    finished(ed25519.start())
    return ed25519


READY = []


def shared() -> Ed25519:
    """One for the tests that only use it."""
    if not READY:
        READY.append(ready())
    return READY[0]


def holds(public: bytes, message: bytes, signature: bytes) -> bool:
    return finished(shared().verify(public, message, signature))


# --- field and comb ------------------------------------------------------------------------------------------------


def test_constants_are_what_they_are_defined_as():
    assert D * 121_666 % P == P - 121_665
    assert ROOT_OF_MINUS_1 * ROOT_OF_MINUS_1 % P == P - 1
    assert 5 * BASE_Y % P == 4
    x, y, _, _ = finished(decode(BASE_Y.to_bytes(32, "little")))
    assert y == BASE_Y and x % 2 == 0


def test_inverses_and_roots():
    for value in (1, 2, 19, P - 1, P - 2, 2**254, 2**255 - 20, 3**150 % P):
        assert finished(inverse(value)) * value % P == 1
        assert finished(root_power(value)) == pow(value, (P - 5) // 8, P)


def test_a_comb_gives_every_multiple_and_its_entry_of_nothing_is_neutral():
    sim = SimEd25519()
    base = finished(decode(BASE_Y.to_bytes(32, "little")))
    for teeth in (1, 4, 5):
        comb = finished(made(base, teeth))
        assert comb.teeth * comb.spacing >= 256
        assert comb.entry(bytes(comb.size), 0) == NEUTRAL_ENTRY
        assert comb.entry(b"\x01" + bytes(comb.size - 1), 0) != NEUTRAL_ENTRY
    ed25519 = shared()
    for number in (0, 1, 2, 255, ORDER - 1, 2**252 + 2**128 + 7):
        expected = sim_multiple(sim, number)
        assert finished(ed25519._times_base(number)) == expected, number


def sim_multiple(sim, number):
    from hal.sim.ed25519 import encode, times

    return encode(times(sim._base, number))


# --- signatures ----------------------------------------------------------------------------------------------------


def test_every_signature_of_the_rfc_is_made_and_holds():
    ed25519 = shared()
    for private, public, message, signature in ED25519 + LONG:
        text = bytes.fromhex(message)
        pair = finished(ed25519.key_pair(bytes.fromhex(private)))
        assert pair.public.hex() == public
        assert finished(ed25519.sign(pair, text)).hex() == signature
        assert holds(pair.public, text, bytes.fromhex(signature))
        assert not holds(pair.public, text + b"\0", bytes.fromhex(signature))


def test_a_signature_does_not_depend_on_the_blinding():
    private, public, message, signature = ED25519[2]
    for blind in BLINDS:
        ed25519 = ready(lambda size, blind=blind: blind[:size])
        pair = finished(ed25519.key_pair(bytes.fromhex(private)))
        assert pair.public.hex() == public
        assert finished(ed25519.sign(pair, bytes.fromhex(message))).hex() == signature


def test_two_portable_implementations_agree():
    sim, ed25519 = SimEd25519(), shared()
    for number in range(12):
        seed, message = bytes([number]) * 32, bytes(range(number)) * 31
        pair = finished(ed25519.key_pair(seed))
        signature = finished(ed25519.sign(pair, message))
        assert pair.public == sim.public_key(seed) and signature == sim.sign(seed, message)
        assert holds(pair.public, message, signature)
        assert sim.verify(pair.public, message, signature)


def test_every_flipped_bit_of_a_signature_or_key_is_refused():
    public, text, signature = (bytes.fromhex(part) for part in ED25519[2][1:])
    whole = public + signature
    for bit in range(0, 8 * len(whole), 5):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not holds(bytes(flipped[:32]), text, bytes(flipped[32:])), bit
    assert holds(public, text, signature)


def test_a_signature_has_one_form():
    public, text, signature = (bytes.fromhex(part) for part in ED25519[2][1:])
    scalar = int.from_bytes(signature[32:], "little")
    for more in (ORDER, 2 * ORDER, 7 * ORDER):
        assert not holds(public, text, signature[:32] + (scalar + more).to_bytes(32, "little"))
    for strange in (b"", public[:31], public + b"\0"):
        assert not holds(strange, text, signature)
    for strange in (b"", signature[:63], signature + b"\0"):
        assert not holds(public, text, strange)


def test_points_that_are_not_in_their_shortest_form_are_none():
    for number in (P, P + 1, 2**255 - 1):
        for sign in (0, 1 << 255):
            assert finished(decode((number | sign).to_bytes(32, "little"))) is None
    assert finished(decode((1 | 1 << 255).to_bytes(32, "little"))) is None, "x is 0 and has no sign"
    assert finished(decode((1).to_bytes(32, "little"))) == (0, 1, 1, 0)
    assert finished(decode((2).to_bytes(32, "little"))) is None, "no point has this y"


def test_under_a_key_of_small_order_nothing_holds():
    """One signature would hold for every message; and such points have more than one encoding."""
    for number in SMALL_ORDER:
        point = finished(decode(number.to_bytes(32, "little")))
        for _ in range(3):
            point = double(point)
        assert point[0] == 0 and point[1] == point[2], "control: eight times it is neutral"
        for sign in (0, 1 << 255):
            key = (number | sign).to_bytes(32, "little")
            assert not is_usable(key)
            assert not holds(key, b"", (1).to_bytes(32, "little") + bytes(32))
    for number in (P, P + 1, 2**255 - 1):
        assert not is_usable(number.to_bytes(32, "little"))
    assert is_usable(BASE_Y.to_bytes(32, "little")) and not is_usable(bytes(31))


def test_only_the_keys_used_last_are_kept_and_every_key_works():
    ed25519 = ready()
    pairs = [finished(ed25519.key_pair(bytes([number]) * 32)) for number in range(MOST_KEYS + 2)]
    for _ in range(2):
        for pair in pairs + pairs[-1:]:
            signature = finished(ed25519.sign(pair, b"receipt"))
            assert finished(ed25519.verify(pair.public, b"receipt", signature))
            assert sorted(ed25519._keys) == sorted(ed25519._order) and len(ed25519._order) <= MOST_KEYS
    assert ed25519._order == [pair.public for pair in pairs[-MOST_KEYS:]]
    assert not finished(ed25519.verify((2).to_bytes(32, "little"), b"", bytes(64)))
    assert len(ed25519._order) == MOST_KEYS, "what is no point is not kept"


# --- slices --------------------------------------------------------------------------------------------------------


def works(ed25519: Ed25519):
    """Everything long, by name."""
    pair = finished(ed25519.key_pair(b"k" * 32))
    bundle = bytes(2048)
    signature = finished(ed25519.sign(pair, bundle))
    return {
        "start": ed25519.start,
        "key pair": lambda: ed25519.key_pair(b"k" * 32),
        "sign": lambda: ed25519.sign(pair, bundle),
        "check": lambda: ed25519.verify(pair.public, bundle, signature),
    }


def test_no_step_is_longer_than_stated_in_either_way_of_hashing():
    for code in (None, viper_code()):
        ed25519 = Ed25519(choose(code), zeros)
        finished(ed25519.start())
        for name, work in works(ed25519).items():
            assert max(list(work())) <= LONGEST_STEP, name


def test_a_slice_ends_as_soon_as_it_is_full_and_the_parameter_says_when():
    ed25519 = shared()
    for slice_units in (1, SLICE_UNITS, 500):
        for name, work in works(ed25519).items():
            spent = [0]

            def counted(steps, spent=spent):
                while True:
                    try:
                        units = next(steps)
                    except StopIteration as end:
                        return end.value
                    spent[-1] += units
                    yield units

            slices = Slices(counted(work()), slice_units)
            while not slices.next():
                spent.append(0)
            assert all([slice_units <= units < slice_units + LONGEST_STEP for units in spent[:-1]]), name
            assert sum(spent) > 400 and len(spent) >= sum(spent) // (slice_units + LONGEST_STEP), name


class Loop:
    """Counts what is computed between two turns of a task that is always ready."""

    def __init__(self):
        self.since, self.most, self.turns = 0, 0, 0
        self.was_checked = False  # before the signatures were made

    def counted(self, steps):
        while True:
            try:
                units = next(steps)
            except StopIteration as end:
                return end.value
            self.since += units
            yield units

    async def watch(self):
        while True:
            self.most, self.since = max(self.most, self.since), 0
            self.turns += 1
            await asyncio.sleep(0)


def test_a_signature_and_a_check_at_once_keep_no_other_task_waiting_longer_than_one_slice():
    async def scene(turns):
        ed25519, loop = shared(), Loop()
        named = works(ed25519)
        watching = asyncio.create_task(loop.watch())
        await asyncio.sleep(0)
        check = asyncio.create_task(turns.beside(loop.counted(named["check"]())))
        await asyncio.sleep(0)
        signatures = [asyncio.create_task(turns.first(loop.counted(named["sign"]()))) for _ in range(2)]
        found = [await signatures[0]]
        found.append(await signatures[1])
        loop.was_checked = check.done()
        assert found[0] == found[1] and len(found[0]) == 64
        assert await check is True
        watching.cancel()
        return loop

    loop = asyncio.run(scene(Turns()))
    assert loop.most < SLICE_UNITS + LONGEST_STEP and loop.turns > 60, (loop.most, loop.turns)
    assert not loop.was_checked, "a signature does not wait for a check that began before it"
    loop = asyncio.run(scene(Turns(100_000)))
    assert loop.most > 10 * SLICE_UNITS, "control: work in one piece keeps others waiting, and this sees it"


def test_work_that_is_cancelled_leaves_the_turns_free_for_others():
    async def scene():
        turns, named = Turns(), works(shared())
        for begin in (turns.first, turns.beside):
            task = asyncio.create_task(begin(named["sign"]()))
            for _ in range(3):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
        assert len(await turns.first(named["sign"]())) == 64
        return await turns.beside(named["check"]())

    assert asyncio.run(scene()) is True


def test_memory_that_runs_out_at_any_step_leaves_all_usable():
    ed25519 = ready()
    pairs = [finished(ed25519.key_pair(bytes([number]) * 32)) for number in range(MOST_KEYS + 1)]
    made_of = [(pair, finished(ed25519.sign(pair, b"x"))) for pair in pairs]
    point, was_done = 0, False
    while not was_done:
        pair, signature = made_of[point % len(made_of)]
        check = ed25519.verify(pair.public, b"x", signature)
        for work in (ed25519.sign(pair, b"x"), check):
            try:
                for _ in range(point):
                    next(work)
                work.throw(MemoryError())
            except MemoryError:
                pass
            except StopIteration:
                was_done = work is check
        assert len(ed25519._keys) <= MOST_KEYS
        point += 7
    assert point > 200
    for pair, signature in made_of:
        assert finished(ed25519.sign(pair, b"x")) == signature
        assert finished(ed25519.verify(pair.public, b"x", signature))


def test_memory_that_runs_out_between_two_slices_leaves_the_turns_free():
    async def scene(at):
        count = [0]

        async def pause():
            count[0] += 1
            if count[0] == at:
                raise MemoryError
            await asyncio.sleep(0)

        turns, named = Turns(pause=pause), works(shared())
        failed = 0
        for begin, name in ((turns.first, "sign"), (turns.beside, "check")):
            try:
                await begin(named[name]())
            except MemoryError:
                failed += 1
        assert len(await turns.first(named["sign"]())) == 64
        assert await turns.beside(named["check"]()) is True
        return failed

    assert [asyncio.run(scene(at)) for at in (1, 2, 20, 40, 10_000)] == [1, 1, 1, 1, 0]


def test_signing_starts_with_known_answers_and_goes_on_in_big_integers_where_viper_is_wrong():
    async def scene(code_of):
        signing = Signing(zeros, code_of=code_of)
        await signing.start()
        pair = await signing.key_pair(bytes.fromhex(ED25519[0][0]))
        signature = await signing.sign(pair, b"")
        assert signature.hex() == ED25519[0][3]
        assert await signing.verify(pair.public, b"", signature)
        assert not await signing.verify(pair.public, b"x", signature)
        return signing.fast

    assert asyncio.run(scene(Wrong)) is False
    assert asyncio.run(scene(viper_code)) is (viper_code() is not None)


def test_signing_does_not_start_on_a_machine_that_computes_wrongly():
    async def scene():
        signing = Signing(zeros)
        signing._ed25519._times_base = lambda factor: steps_to(b"\x01" * 32)
        await signing.start()

    def steps_to(result):
        yield 1
        return result

    try:
        asyncio.run(scene())
    except RuntimeError as error:
        reason = str(error)
    else:
        reason = "it started"
    assert "wrong answers" in reason
