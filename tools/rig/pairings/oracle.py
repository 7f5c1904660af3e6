"""What may come of a combination, from the specification alone: no word of the product's own rules is asked.

Source: Core 5.4, Vol 3, Part H, table 2.7 (out of band goes before all else), table 2.8 (which method two sets of capabilities give)
and 2.3.5.1 (what it is worth).
"""

from dataclasses import dataclass

from tools.rig.pairings.combinations import Combination
from tools.simulators.pairing import Io

WHOLE_KEY_BYTES = 16
NONE, WEAK, AUTHENTICATED = 0, 1, 2
JUST_WORKS, PASSKEY, COMPARISON, WE_SHOW = "Just Works", "passkey", "comparison", "we show a number"

# The gateway has keys where it was given a code, else a display and somebody who says yes or no.
WITH_CODE = {Io.NO_OUTPUT_NO_INPUT: JUST_WORKS}
WITHOUT_CODE = {
    Io.NO_OUTPUT_NO_INPUT: JUST_WORKS,
    Io.DISPLAY_OUTPUT_ONLY: JUST_WORKS,
    Io.DISPLAY_OUTPUT_AND_YES_NO_INPUT: COMPARISON,
    Io.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT: COMPARISON,
    Io.KEYBOARD_INPUT_ONLY: WE_SHOW,
}


@dataclass(frozen=True)
class Expected:
    """The level of bond that a gateway may end with, at most and at least, and the least that was asked for."""

    level: int
    least: int


def least(combination: Combination) -> int:
    """The weakest bond that driver, code and history together allow."""
    asked = AUTHENTICATED if combination.demand == "authenticated" else WEAK
    return max(asked, AUTHENTICATED if combination.protected else NONE, combination.stored)


def worth(combination: Combination) -> int:
    """What a pairing made now is worth: 0 where none can or may be made."""
    if not combination.secure or combination.key_bytes < WHOLE_KEY_BYTES:
        return NONE
    if combination.data != "none":
        return AUTHENTICATED if combination.data == "right" else NONE
    if combination.code == "none":
        method = WITHOUT_CODE[combination.io]
    else:
        method = WITH_CODE.get(combination.io, PASSKEY)
    if method == JUST_WORKS:
        return NONE if combination.insists else WEAK
    if method == PASSKEY:
        return AUTHENTICATED if combination.code == "right" else NONE
    if method == COMPARISON:
        return AUTHENTICATED if combination.person == "says yes" else NONE
    return NONE


def expected(combination: Combination) -> Expected:
    """What must come of it. A stored bond that both know and that is good enough is used; nobody pairs then."""
    asked = least(combination)
    if combination.known and combination.stored >= asked:
        return Expected(combination.stored, asked)
    made = worth(combination)
    return Expected(made if made >= asked else NONE, asked)
