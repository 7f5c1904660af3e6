"""What the telegrams of each profile say (EnOcean Equipment Profiles 2.6.7), as the values that `Observer` follows.

A row of `PROFILES` is one profile: the sort of its telegrams, how often a healthy device is heard where the profile itself says
so, whether it can be a lane 0 alarm, and a function from payload to `Frame`. No name here claims more than its bit: an input of a
multisensor is what the installer connected to it, and the configuration says what that is.
"""

from gateway.core.devices.bthome_frame import Frame
from gateway.core.devices.bthome_observer import STATES
from gateway.core.devices.enocean_telegram import FOUR_BS, NU, ONE_BS, RPS, Telegram
from gateway.core.errors import DecodeError
from gateway.core.model import Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Inputs = dict[str, object]

INPUTS = ("di0", "di1", "di2", "di3")
LOW_ACTIVE = "not_"  # before the name of an input that says it when it is low
BUTTONS = ("AI", "AO", "BI", "BO")
SMOKE_OFF, SMOKE_ON, ENERGY_LOW = 0x00, 0x10, 0x30
WAKE = 0x10


class ProfileRow:
    """One profile that is read."""

    __slots__ = ("interval_s", "read", "rorg", "safety", "takes_inputs")

    def __init__(
        self,
        rorg: int,
        read: "Callable[[Telegram], Frame]",
        interval_s: int = 0,
        safety: bool = False,
        takes_inputs: bool = False,
    ) -> None:
        self.rorg = rorg
        self.read = read
        self.interval_s = interval_s
        self.safety = safety
        self.takes_inputs = takes_inputs


def contact(telegram: Telegram) -> Frame:
    """D5-00-01: bit 0 is 1 where the contact is closed."""
    frame = Frame()
    frame.add("door", not telegram.payload[0] & 1)
    return frame


def handle(telegram: Telegram) -> Frame:
    """F6-10-00: 1111xxxx down, 11x0xxxx to the side, 1101xxxx up; the low bits say nothing.

    Raises:
        DecodeError: none of them.
    """
    high = telegram.payload[0] >> 4
    positions = {0xF: "closed", 0xE: "open", 0xC: "open", 0xD: "tilted"}
    if high not in positions:
        raise DecodeError("position " + str(telegram.payload[0]) + " of a window handle is not defined", 0)
    frame = Frame()
    frame.add("window", high != 0xF)
    frame.add("position", positions[high])
    return frame


def smoke(telegram: Telegram) -> Frame:
    """F6-05-02: smoke or not, or that its energy is low; that one says nothing of smoke.

    Raises:
        DecodeError: none of them.
    """
    frame = Frame()
    code = telegram.payload[0]
    if code == ENERGY_LOW:
        frame.add("battery", True)
    elif code in (SMOKE_OFF, SMOKE_ON):
        frame.add("smoke", code == SMOKE_ON)
    else:
        raise DecodeError("state " + str(code) + " of a smoke detector is not defined", 0)
    return frame


def rocker(telegram: Telegram) -> Frame:
    """F6-02-01 and -02: which buttons go down; a telegram of none is the release."""
    frame = Frame()
    frame.buttons = 1
    value = telegram.payload[0]
    if value & 0x10 and telegram.status & NU:
        frame.presses.append(("button_" + button(value >> 5), "press"))
        if value & 1:  # a second one with it
            frame.presses.append(("button_" + button(value >> 1 & 7), "press"))
    return frame


def button(code: int) -> str:
    """The name on the rocker; codes 4 to 7 are those of a third and fourth rocker, which these profiles have not."""
    return BUTTONS[code].lower() if code < len(BUTTONS) else str(code)


def multisensor(telegram: Telegram) -> Frame:
    """A5-30-03: temperature 40 to 0 °C in 0 to 255, wake, and four inputs."""
    frame = Frame()
    frame.add("temperature_c", temperature(255 - telegram.payload[1], 0, 40))
    frame.add("wake", bool(telegram.payload[2] & WAKE))
    for number, name in enumerate(INPUTS):
        frame.add(name, bool(telegram.payload[2] & 1 << number))
    return frame


def with_uses(frame: Frame, inputs: "Inputs") -> Frame:
    """The same, with what each input is for in its place: `not_` before the word where it says so when it is low."""
    used = Frame()
    for name in frame.names:
        use = str(inputs.get(name) or "") if name in INPUTS else ""
        if use.startswith(LOW_ACTIVE):
            used.add(use[len(LOW_ACTIVE) :], not frame.values[name])
        else:
            used.add(use or name, frame.values[name])
    return used


def thermometer(telegram: Telegram) -> Frame:
    """A5-02-05: temperature 40 to 0 °C in 0 to 255."""
    frame = Frame()
    frame.add("temperature_c", temperature(255 - telegram.payload[2], 0, 40))
    return frame


def temperature(steps: int, least: int, most: int) -> Decimal:
    """`steps` of 255 between two temperatures, to hundredths: a step is 0.16 °C."""
    return Decimal(100 * least + (200 * (most - least) * steps + 255) // 510, -2)


PROFILES = {
    "A5-02-05": ProfileRow(FOUR_BS, thermometer),
    "A5-30-03": ProfileRow(FOUR_BS, multisensor, takes_inputs=True),
    "D5-00-01": ProfileRow(ONE_BS, contact),
    "F6-02-01": ProfileRow(RPS, rocker, safety=True),
    "F6-02-02": ProfileRow(RPS, rocker, safety=True),
    "F6-05-02": ProfileRow(RPS, smoke, interval_s=1200, safety=True),
    "F6-10-00": ProfileRow(RPS, handle),
}


def input_words() -> "list[str]":
    """What an input may be said to be for, sorted."""
    return sorted(list(STATES) + [LOW_ACTIVE + name for name in STATES])


def is_lane_0(inputs: "Inputs") -> bool:
    """Whether one of the inputs is for something of lane 0."""
    uses = [str(inputs.get(name) or "") for name in INPUTS]
    return any(
        [STATES[use[len(LOW_ACTIVE) :] if use.startswith(LOW_ACTIVE) else use][2] for use in uses if use]
    )
