"""One combination of peripheral, history, person and demand, drawn from a seed."""

import random
from dataclasses import dataclass, replace

from tools.simulators.pairing import Io

CODE, WRONG_CODE = 314_159, 271_828

# What a peripheral has, what it tells of itself, and whether it insists on protection.
MODELS = {
    "nothing": (Io.NO_OUTPUT_NO_INPUT, False),
    "nothing, insisting": (Io.NO_OUTPUT_NO_INPUT, True),  # can never be paired
    "label": (Io.DISPLAY_OUTPUT_ONLY, True),
    "label, not insisting": (Io.DISPLAY_OUTPUT_ONLY, False),
    "display": (Io.DISPLAY_OUTPUT_AND_YES_NO_INPUT, True),
    "display, not insisting": (Io.DISPLAY_OUTPUT_AND_YES_NO_INPUT, False),
    "keys": (Io.KEYBOARD_INPUT_ONLY, True),
    "keys and display": (Io.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT, True),
}
# Bonds from before: what the gateway has stored, and whether the peripheral still knows it.
BONDS = {
    "none": (0, False),
    "weak": (1, True),
    "authenticated": (2, True),
    "weak, forgotten by the peripheral": (1, False),
    "authenticated, forgotten by the peripheral": (2, False),
}
# How often each is drawn, so that what can come to a bond is tried as often as what cannot.
BOND_WEIGHTS = (8, 3, 3, 3, 3)
# What is given of a label's data, in place of a code; "of another" to a device that pairs in other ways.
DATA = {"none": 6, "right": 3, "wrong": 2, "of another": 2}
CODES = {"none": 5, "right": 4, "wrong": 2}
PERSONS = {"says yes": 4, "says no": 1, "is not there": 1}
DEMANDS = {"weak": 3, "authenticated": 2}


@dataclass(frozen=True)
class Combination:
    """One of them; `key_bytes` is the longest key that the peripheral takes, `secure` whether it knows Secure Connections."""

    model: str
    key_bytes: int
    secure: bool
    bond: str
    code: str
    person: str
    demand: str
    data: str = "none"

    @property
    def out_of_band(self) -> bool:
        """Whether it has data on its label."""
        return self.data in ("right", "wrong")

    @property
    def protected(self) -> bool:
        """Whether the person gives something by which the device is told from others."""
        return self.code != "none" or self.data != "none"

    @property
    def io(self) -> Io:
        """What the peripheral tells that it has."""
        return MODELS[self.model][0]

    @property
    def insists(self) -> bool:
        """Whether it pairs with protection only."""
        return MODELS[self.model][1]

    @property
    def stored(self) -> int:
        """Level of the bond that the gateway has from before."""
        return BONDS[self.bond][0]

    @property
    def known(self) -> bool:
        """Whether the peripheral knows it, too."""
        return BONDS[self.bond][1]

    def said(self) -> str:
        """In words, for whoever looks into a failure."""
        pairing = "Secure Connections" if self.secure else "legacy pairing"
        return (
            f"{self.model}, {pairing}, {self.key_bytes} bytes; bond {self.bond}; code {self.code}; data {self.data}; "
            f"the person {self.person}; the driver asks for {self.demand}"
        )


def draw(seed: int) -> Combination:
    """The combination of a seed. Half of the peripherals take whole keys, most know Secure Connections."""
    chance = random.Random(f"pairing {seed}")
    drawn = Combination(
        model=chance.choice(list(MODELS)),
        key_bytes=16 if chance.random() < 0.7 else chance.randrange(7, 16),
        secure=chance.random() < 0.85,
        bond=chance.choices(list(BONDS), BOND_WEIGHTS)[0],
        code=chance.choices(list(CODES), list(CODES.values()))[0],
        person=chance.choices(list(PERSONS), list(PERSONS.values()))[0],
        demand=chance.choices(list(DEMANDS), list(DEMANDS.values()))[0],
    )
    if drawn.code == "none":
        return replace(drawn, data=chance.choices(list(DATA), list(DATA.values()))[0])
    return drawn
