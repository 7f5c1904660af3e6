"""SHA-512 for a board: viper code where it is there and computes rightly, else big integers.

Work is handed out as generators: each `yield` names what was just done, in multiplications modulo 2^255 - 19, the unit
of `hal.esp32.turns`. The weights come from docs/adr/0030-signing-on-a-microcontroller.md: on an ESP32 a block is estimated
at 3 ms in viper and at 60 ms in big integers, which is too long for one piece.
"""

from hal.sha512 import BLOCK, ROUNDS, constants, extend, padding, sums, turn, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from typing import Any, Protocol

    class Blocks(Protocol):
        """The block function: `state` is its own kind of hash value."""

        def start(self) -> Any:
            """The hash value before the first block."""
            ...

        def steps(self, state: Any, block: bytes) -> Generator[int, None, Any]:
            """The hash value after a block."""
            ...

        def digest(self, state: Any) -> bytes:
            """64 bytes."""
            ...


VIPER_COST = 11  # of a block
EXTEND_COST, TURN_COST = 7, 16  # of 8 words of the schedule and of 8 rounds, in big integers: 216 a block
PIECE = 8

# FIPS 180-4 examples: one block and two.
KNOWN = (
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


class BigBlocks:
    """In big integers, a few rounds at a time."""

    def __init__(self, start: "list[int]", rounds: "list[int]") -> None:
        self._start = start
        self._rounds = rounds

    def start(self) -> "list[int]":
        return self._start

    def steps(self, state: "list[int]", block: bytes) -> "Generator[int, None, list[int]]":
        words, working = words_of(block), state
        for _ in range((ROUNDS - 16) // PIECE):
            extend(words, PIECE)
            yield EXTEND_COST
        for first in range(0, ROUNDS, PIECE):
            working = turn(working, words, self._rounds, first, PIECE)
            yield TURN_COST
        return sums(state, working)

    def digest(self, state: "list[int]") -> bytes:
        return b"".join([word.to_bytes(8, "big") for word in state])


class ViperBlocks:
    """In viper code, a block at a time; `code` is `hal.esp32.sha512_viper` or what stands for it."""

    def __init__(self, code: "Any", start: "list[int]", rounds: "list[int]") -> None:
        self._code = code
        self._start = b"".join([word.to_bytes(8, "little") for word in start])
        self._rounds = b"".join([word.to_bytes(8, "little") for word in rounds])
        self._words = bytearray(8 * ROUNDS)  # one for all: no block is left half done

    def start(self) -> bytearray:
        return bytearray(self._start)

    def steps(self, state: bytearray, block: bytes) -> "Generator[int, None, bytearray]":
        working = bytearray(state)
        self._code.extend(self._words, block)
        self._code.turn(working, self._words, self._rounds)
        self._code.add(state, working)
        yield VIPER_COST
        return state

    def digest(self, state: bytearray) -> bytes:
        words = [int.from_bytes(state[i : i + 8], "little") for i in range(0, 64, 8)]
        return b"".join([word.to_bytes(8, "big") for word in words])


class Sha512:
    """Hashes in steps, with one block function."""

    def __init__(self, blocks: "Blocks") -> None:
        self.blocks = blocks

    def steps(self, parts: "Sequence[bytes]") -> "Generator[int, None, bytes]":
        """The digest of `parts` one after the other; no copy of all of them is made."""
        state = self.blocks.start()
        for block in cut(parts):
            state = yield from self.blocks.steps(state, block)
        return self.blocks.digest(state)

    def knows(self) -> bool:
        """Whether it gives the answers of the standard: the known-answer test."""
        return all([finished(self.steps((message,))) == bytes.fromhex(digest) for message, digest in KNOWN])


def cut(parts: "Sequence[bytes]") -> "Iterator[bytes]":
    """The padded blocks of a message that comes in parts."""
    rest, size = b"", 0
    for part in parts:
        size += len(part)
        taken = 0
        if rest:
            taken = BLOCK - len(rest)
            rest += part[:taken]
            if len(rest) < BLOCK:
                continue
            yield rest
        while len(part) - taken >= BLOCK:
            yield part[taken : taken + BLOCK]
            taken += BLOCK
        rest = part[taken:]
    rest += padding(size)
    for start in range(0, len(rest), BLOCK):
        yield rest[start : start + BLOCK]


def finished(steps: "Generator[int, None, Any]") -> "Any":
    """The result of a piece of work that is done at one go."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def viper_code() -> "Any":
    """The viper block function, or None where the interpreter has none."""
    try:
        from hal.esp32 import sha512_viper
    except (ImportError, SyntaxError, ValueError, NotImplementedError):
        return None  # CPython; a port without native emitter; a file compiled for another machine
    return sha512_viper


def choose(code: "Any") -> Sha512:
    """The fastest that gives known answers; `code` is what `viper_code` found.

    Raises:
        RuntimeError: not even big integers compute rightly here.
    """
    start, rounds = constants()
    if code is not None:
        fast = Sha512(ViperBlocks(code, start, rounds))
        if fast.knows():
            return fast
    slow = Sha512(BigBlocks(start, rounds))
    if not slow.knows():
        raise RuntimeError("SHA-512 gives wrong answers on this interpreter: no signature can be made")
    return slow
