"""SHA-512 as a board has it, on both interpreters."""

import hashlib

from hal.esp32.sha512 import BigBlocks, Sha512, ViperBlocks, choose, finished, viper_code
from hal.sha512 import constants, sha512


class Wrong:
    """Viper code of a machine that computes something else."""

    def extend(self, words, block):
        words[0] = block[0]

    def turn(self, working, words, rounds):
        working[0] ^= words[0]

    def add(self, state, working):
        state[0] = working[0]


def test_what_computes_wrongly_is_not_used():
    assert isinstance(choose(Wrong()).blocks, BigBlocks)
    assert not Sha512(ViperBlocks(Wrong(), *constants())).knows(), "control: the known answers tell"


def test_viper_code_is_used_where_there_is_some():
    code = viper_code()
    assert isinstance(choose(code).blocks, BigBlocks if code is None else ViperBlocks)
    native = getattr(hashlib, "sha512", None)
    assert native is None or code is None, "CPython has one and no viper"


def test_both_ways_give_the_same_for_every_length_around_the_padding_and_every_cut():
    own, big, expected = choose(viper_code()), Sha512(BigBlocks(*constants())), sha512()
    data = bytes([(7 * number) & 255 for number in range(400)])
    for size in (0, 1, 63, 110, 111, 112, 113, 127, 128, 129, 239, 240, 241, 255, 256, 257, 400):
        whole = data[:size]
        assert finished(own.steps((whole,))) == expected(whole), size
        for first in (0, 1, 32, 127, 128, 129, 200):
            parts = (whole[:first], b"", whole[first : first + 64], whole[first + 64 :])
            assert finished(big.steps(parts)) == expected(whole), (size, first)
