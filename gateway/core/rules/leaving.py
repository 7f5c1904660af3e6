"""States whose end nobody will tell any more, because their device or rule was taken out of use.

Their own clearing kinds would claim what nobody knows: that the smoke is gone, that somebody came back. Each lane has
a kind of its own for it (`safety.unwatched`, ...), which carries the incident of the state and says why.
"""

from gateway.core import cbor, registry
from gateway.core.rules.dose import STATE as DOSE
from gateway.core.rules.dose import UNCONFIRMED, as_number
from gateway.core.rules.follower import STATE as RULE
from gateway.core.rules.follower import read_state
from gateway.core.rules.incidents import ANY, dose_incident
from gateway.core.rules.incidents import PREFIX as INCIDENT
from gateway.core.rules.night_window import STATE as NIGHT
from gateway.core.rules.storm import FLAPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEVICE = "device."  # what drivers, and the hub about a device, keep: device.<placement>.<key>
PREFIXES = (DEVICE, NIGHT, DOSE, INCIDENT, RULE)
NIGHT_EXIT, ADAPTER_LOST = "door.night_exit", "adapter.lost"
OF_LINES = ("line.lost", "line.misread")  # of the hub where they are said of the transceiver
UNWATCHED = {row[1]: name for name, row in registry.KINDS.items() if row[2] == ANY}


class InUse:
    """What follows states: placements in use, those with a rule of the night, and whether any device needs the radio.

    rules: state keys of the rules that are in use. transceiver: whether the home has one.
    """

    def __init__(
        self,
        placements: "list[int]",
        nights: "list[int]",
        radio: bool,
        rules: "list[str] | None" = None,
        transceiver: bool = False,
    ) -> None:
        self.transceiver = transceiver
        self.placements = placements
        self.nights = nights
        self.radio = radio
        self.rules = rules or []

    def why_not(self, placement: int, kind: str, rule: str = "") -> str:
        """Why nobody follows the state that `kind` begins (or what is kept of a placement, for ""); empty: it is followed.

        rule: the state key of the rule that tells the state, where it has one.
        """
        if placement and placement not in self.placements:
            return "the device was taken out of use"
        if placement and kind == NIGHT_EXIT and placement not in self.nights:
            return "the rule was taken out of use"
        if rule and rule not in self.rules:
            return "the rule was taken out of use"
        if kind == ADAPTER_LOST and not self.radio:
            return "no device needs the radio any more"
        if not placement and kind in OF_LINES and not self.transceiver:
            return "no device needs the transceiver any more"
        return ""


class Unwatched:
    """An open state that nobody follows; `kind` is the word for it in its lane."""

    __slots__ = ("incident", "kind", "placement", "values")

    def __init__(self, opened: str, placement: int, incident: bytes, values: "dict[str, object]") -> None:
        self.kind = UNWATCHED[registry.KINDS[opened][1]]
        self.placement = placement
        self.incident = incident
        self.values = values


def left_behind(stored: "dict[str, bytes]", in_use: InUse) -> "tuple[list[Unwatched], list[str]]":
    """Open states that nobody follows, and the keys of all that is stored for what is not in use."""
    found: "list[Unwatched]" = []
    gone: "list[str]" = []
    for key in sorted(stored):
        prefix, number, rest = parted(key)
        if number.isdigit():
            placement = int(number)
            for opened, incident, values in open_states(prefix, placement, rest, stored[key]):
                kind = NIGHT_EXIT if prefix == NIGHT else opened
                reason = in_use.why_not(placement, kind, key if prefix == RULE else "")
                if reason and key not in gone:
                    gone.append(key)
                if reason and opened in registry.KINDS:
                    values["reason"] = reason
                    found.append(Unwatched(opened, placement, incident, values))
    return found, gone


def open_states(
    prefix: str, placement: int, rest: str, item: bytes
) -> "list[tuple[str, bytes, dict[str, object]]]":
    """All that `open_state` says of a stored key; a rule that waits may have told several, or none yet."""
    if prefix != RULE:
        return [open_state(prefix, placement, rest, item)]
    told: "Any" = read_state(item)[1]
    rows = [(row[0], row[2], {"part": row[1]} if row[1] else {}) for row in told]
    return rows or [("", b"", {})]


def parted(key: str) -> "tuple[str, str, str]":
    """Prefix, placement and rest of a state key; no placement where the key belongs to none."""
    for prefix in PREFIXES:
        if key.startswith(prefix):
            number, _, rest = key[len(prefix) :].partition(".")
            return prefix, number, rest
    return "", "", ""


def open_state(prefix: str, placement: int, rest: str, item: bytes) -> "tuple[str, bytes, dict[str, object]]":
    """Kind, incident and values of the open state that a stored key stands for; the kind is empty where it is none."""
    if prefix == INCIDENT:
        thing, _, told = rest.partition(".")
        happening, _, part = told.partition(".")
        return thing + "." + happening, item, named(thing + "." + happening, part)
    if prefix == DOSE:
        row = cbor.decode(item)
        if row[1] == UNCONFIRMED:  # type: ignore[index]
            dose_id = as_number(rest)
            return "dose.unconfirmed", dose_incident(placement, dose_id), {"dose_id": dose_id}
    return "", b"", {}


def named(kind: str, rest: str) -> "dict[str, object]":
    """What tells apart states of one kind, as their events say it: the part, and of a storm the state that it is of."""
    values: "dict[str, object]" = {}
    if kind == FLAPPING:
        thing, _, rest = rest.partition(".")
        happening, _, rest = rest.partition(".")
        values["state"] = thing + "." + happening
    if rest:
        values["part"] = rest
    return values
