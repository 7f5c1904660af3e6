"""The block function of SHA-512 in MicroPython's viper code. Source: FIPS 180-4, 6.4.2.

Only MicroPython with a native emitter can import this; `hal.esp32.sha512` asks, and checks what it computes. A word of 64
bits is two of 32, the low one first. Viper integers have the machine's width, so every result is cut to 32 bits, and
additions carry by 16: what comes out is the same on 32 and on 64 bits.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, F821
# pyright: basic, reportUndefinedVariable=false, reportInvalidTypeForm=false, reportIndexIssue=false, reportMissingImports=false

import micropython


@micropython.viper
def extend(words_in, block):
    """The message schedule of a block of 128 bytes, into 640 bytes."""
    words, data = ptr32(words_in), ptr8(block)
    t: int = 0
    while t < 16:
        o: int = 8 * t
        words[2 * t + 1] = (data[o] << 24) | (data[o + 1] << 16) | (data[o + 2] << 8) | data[o + 3]
        words[2 * t] = (data[o + 4] << 24) | (data[o + 5] << 16) | (data[o + 6] << 8) | data[o + 7]
        t += 1
    all32: uint = uint(0xFFFF) * uint(0x10001)
    low16: uint = uint(0xFFFF)
    while t < 80:
        low: uint = uint(words[2 * t - 30]) & all32
        high: uint = uint(words[2 * t - 29]) & all32
        s0l: uint = (
            ((low >> 1) | (high << 31)) ^ ((low >> 8) | (high << 24)) ^ ((low >> 7) | (high << 25))
        ) & all32
        s0h: uint = (((high >> 1) | (low << 31)) ^ ((high >> 8) | (low << 24)) ^ (high >> 7)) & all32
        low = uint(words[2 * t - 4]) & all32
        high = uint(words[2 * t - 3]) & all32
        s1l: uint = (
            ((low >> 19) | (high << 13)) ^ ((high >> 29) | (low << 3)) ^ ((low >> 6) | (high << 26))
        ) & all32
        s1h: uint = (((high >> 19) | (low << 13)) ^ ((low >> 29) | (high << 3)) ^ (high >> 6)) & all32
        low = uint(words[2 * t - 32]) & all32
        high = uint(words[2 * t - 14]) & all32
        part: uint = (low & low16) + (high & low16) + (s0l & low16) + (s1l & low16)
        rest: uint = (low >> 16) + (high >> 16) + (s0l >> 16) + (s1l >> 16) + (part >> 16)
        words[2 * t] = int(((rest << 16) | (part & low16)) & all32)
        low = uint(words[2 * t - 31]) + uint(words[2 * t - 13]) + s0h + s1h + (rest >> 16)
        words[2 * t + 1] = int(low & all32)
        t += 1


@micropython.viper
def turn(working, words_in, rounds):
    """80 rounds over the working variables, 64 bytes: variable v stands in slot (v - round) modulo 8."""
    state, words, constants = ptr32(working), ptr32(words_in), ptr32(rounds)
    all32: uint = uint(0xFFFF) * uint(0x10001)
    low16: uint = uint(0xFFFF)
    t: int = 0
    while t < 80:
        # t1 = h + S1(e) + Ch(e, f, g) + K + W
        at: int = 2 * ((4 - t) & 7)
        low: uint = uint(state[at]) & all32
        high: uint = uint(state[at + 1]) & all32
        sl: uint = (
            ((low >> 14) | (high << 18)) ^ ((low >> 18) | (high << 14)) ^ ((high >> 9) | (low << 23))
        ) & all32
        sh: uint = (
            ((high >> 14) | (low << 18)) ^ ((high >> 18) | (low << 14)) ^ ((low >> 9) | (high << 23))
        ) & all32
        at = 2 * ((6 - t) & 7)
        gl: uint = uint(state[at]) & all32
        gh: uint = uint(state[at + 1]) & all32
        at = 2 * ((5 - t) & 7)
        cl: uint = (gl ^ (low & (uint(state[at]) ^ gl))) & all32
        ch: uint = (gh ^ (high & (uint(state[at + 1]) ^ gh))) & all32
        at = 2 * ((7 - t) & 7)
        low = uint(state[at]) & all32
        gl = uint(constants[2 * t]) & all32
        high = uint(words[2 * t]) & all32
        part: uint = (low & low16) + (gl & low16) + (high & low16) + (sl & low16) + (cl & low16)
        rest: uint = (low >> 16) + (gl >> 16) + (high >> 16) + (sl >> 16) + (cl >> 16) + (part >> 16)
        t1l: uint = ((rest << 16) | (part & low16)) & all32
        t1h: uint = uint(state[at + 1]) + uint(constants[2 * t + 1]) + uint(words[2 * t + 1])
        t1h = (t1h + sh + ch + (rest >> 16)) & all32
        # d + t1, the next e, in the slot of d
        at = 2 * ((3 - t) & 7)
        low = uint(state[at]) & all32
        part = (low & low16) + (t1l & low16)
        rest = (low >> 16) + (t1l >> 16) + (part >> 16)
        state[at] = int(((rest << 16) | (part & low16)) & all32)
        state[at + 1] = int((uint(state[at + 1]) + t1h + (rest >> 16)) & all32)
        # t1 + S0(a) + Maj(a, b, c), the next a, in the slot of h
        at = 2 * ((0 - t) & 7)
        low = uint(state[at]) & all32
        high = uint(state[at + 1]) & all32
        sl = (((low >> 28) | (high << 4)) ^ ((high >> 2) | (low << 30)) ^ ((high >> 7) | (low << 25))) & all32
        sh = (((high >> 28) | (low << 4)) ^ ((low >> 2) | (high << 30)) ^ ((low >> 7) | (high << 25))) & all32
        at = 2 * ((1 - t) & 7)
        gl = uint(state[at]) & all32
        gh = uint(state[at + 1]) & all32
        at = 2 * ((2 - t) & 7)
        cl = uint(state[at]) & all32
        ch = uint(state[at + 1]) & all32
        cl = (low & gl) ^ (low & cl) ^ (gl & cl)
        ch = (high & gh) ^ (high & ch) ^ (gh & ch)
        part = (t1l & low16) + (sl & low16) + (cl & low16)
        rest = (t1l >> 16) + (sl >> 16) + (cl >> 16) + (part >> 16)
        at = 2 * ((7 - t) & 7)
        state[at] = int(((rest << 16) | (part & low16)) & all32)
        state[at + 1] = int((t1h + sh + ch + (rest >> 16)) & all32)
        t += 1


@micropython.viper
def add(state_in, working):
    """The hash value after a block: each word of 64 bits plus its working variable."""
    state, more = ptr32(state_in), ptr32(working)
    all32: uint = uint(0xFFFF) * uint(0x10001)
    low16: uint = uint(0xFFFF)
    i: int = 0
    while i < 16:
        low: uint = uint(state[i]) & all32
        other: uint = uint(more[i]) & all32
        part: uint = (low & low16) + (other & low16)
        rest: uint = (low >> 16) + (other >> 16) + (part >> 16)
        state[i] = int(((rest << 16) | (part & low16)) & all32)
        state[i + 1] = int((uint(state[i + 1]) + uint(more[i + 1]) + (rest >> 16)) & all32)
        i += 2
