"""Pairing as a table: a person opens a window, one expected device is paired in it, or it ends with a reason.

    closed -> open -> heard -> pairing -> bonded | taught | refused | expired | cancelled

Nothing pairs outside a window. What bond will do is decided before anything is sent (`least_bond`) and judged again
when it is made: a weaker one is refused, never taken in silence (Core 5.4, Vol 3, Part H, 2.3.5.1). No I/O here;
`gateway.hub.pairing` moves the radio, tells each step as an event, and asks the person.
"""

import binascii

from gateway.core.errors import ConfigError
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.types import Advertisement

WINDOW_MS = 180_000
WRONG_CODES = 3  # then the window closes: each try of a code that stays the same tells a listener more of it
MOST_CANDIDATES = 8  # addresses that are kept apart: one more than the right one is too many already
PASSKEY_DIGITS = 6
OOB_DIGITS = 64  # hexadecimal: confirmation value, then random value (Core 5.4, Vol 3, Part H, 2.3.5.6.4)
SETTLE_MS = 2_000  # an advertiser is paired only after it was the only one for so long

CLOSED, OPEN, HEARD, PAIRING = "closed", "open", "heard", "pairing"
BONDED, REFUSED, EXPIRED, CANCELLED = "bonded", "refused", "expired", "cancelled"
TAUGHT = "taught"  # a sender without bonds has said who it is
OVER = (BONDED, TAUGHT, REFUSED, EXPIRED, CANCELLED)

# What happens, beside the words for the ends above.
OPENED, BEGUN, LOST, WRONG_CODE = "opened", "begun", "lost", "wrong_code"

TABLE = {
    (CLOSED, OPENED): OPEN,
    (OPEN, HEARD): HEARD,
    (HEARD, BEGUN): PAIRING,
    (PAIRING, LOST): OPEN,  # out of reach on the way: the window goes on
    (PAIRING, WRONG_CODE): OPEN,  # another code is asked for
    (PAIRING, BONDED): BONDED,
    (PAIRING, TAUGHT): TAUGHT,
    (OPEN, REFUSED): REFUSED,
    (HEARD, REFUSED): REFUSED,
    (PAIRING, REFUSED): REFUSED,
    (OPEN, EXPIRED): EXPIRED,
    (HEARD, EXPIRED): EXPIRED,
    (PAIRING, EXPIRED): EXPIRED,
    (OPEN, CANCELLED): CANCELLED,
    (HEARD, CANCELLED): CANCELLED,
    (PAIRING, CANCELLED): CANCELLED,
}

# The event of each happening; the end of a pairing that went well has one for each strength.
KINDS = {
    OPENED: "pairing.opened",
    HEARD: "pairing.heard",
    BEGUN: "pairing.begun",
    TAUGHT: "pairing.taught",
    REFUSED: "pairing.refused",
    EXPIRED: "pairing.expired",
    CANCELLED: "pairing.cancelled",
}
BONDED_KINDS = {BOND_WEAK: "pairing.bonded_weak", BOND_AUTHENTICATED: "pairing.bonded"}

# Why a pairing was refused: cause and next action.
REASONS = {
    "weak": "the device pairs only without protection, and more is asked for: give the code on its label, or use another device",
    "passkey": "the code was wrong three times: read the label again, wait a moment, and open a new time for pairing",
    "oob": "the data is not that of this device: read the label or tag of this very device, and see that no other is in pairing mode nearby",
    "no_oob": "the device does not pair by data on a label or tag: pair it with its code or by comparing numbers",
    "no_way": "this gateway's Bluetooth takes no data of a label or tag: pair with the code on the label (--code) or by comparing numbers",
    "key": "the device knows only old pairing or short keys, which can be broken: use another device",
    "number": "nobody confirmed that both show the same number: pair again, and compare the numbers",
    "several": "more than one such device is heard: switch off the others, or enter the address of the right one",
    "unstored": "the device kept no bond, or it could not be stored: put it in pairing mode and try again",
    "refused": "the device refused: put it in pairing mode, and give the code if it has one on its label",
}


# What a radio that can see keys may say of one: made by old pairing, seen by nobody, or stored and too short. Such a bond
# is shown as weak, and used as what it was paired as: a hub takes no device out of service by itself
# (docs/adr/0047-key-size.md). One that was refused as it was made, and could not be deleted, is not used.
LEGACY, UNSEEN, SHORT = "legacy", "unseen", "short"
IN_DOUBT = (LEGACY, UNSEEN, SHORT)
STUCK = "refused"

# Why a stored bond is told: cause and next action.
KEY_REASONS = {
    SHORT: "the key of this bond is shorter than 16 bytes and can be broken: have another device ready, delete the bond, and pair anew",
    STUCK: "a bond with a short key was refused and could not be deleted: restart bluetoothd (systemctl restart bluetooth)",
}


def shown_bond(level: "int | None", key_word: str) -> "int | None":
    """The level of a bond that is shown, after what is known of its key; None stays None."""
    return BOND_WEAK if key_word in IN_DOUBT and (level or BOND_NONE) > BOND_WEAK else level


def passkey_of(code: str) -> "int | None":
    """Six digits as a number, or None for none. Raises ConfigError."""
    if not code:
        return None
    if len(code) != PASSKEY_DIGITS or not all([digit in "0123456789" for digit in code]):
        raise ConfigError("code", "something else", "six digits")
    return int(code)


def oob_of(data: str, code: str = "") -> "bytes | None":
    """The 32 bytes of a label or NFC tag, or None for none: confirmation value, then random value, each as on the tag.

    Of the Supplement to the Core Specification that is the data of types 0x22 and 0x23, least significant byte first. Raises ConfigError.
    """
    if not data:
        return None
    if code:
        raise ConfigError("oob", "a code as well", "the code or the data of the label, not both")
    if len(data) != OOB_DIGITS or not all([digit in "0123456789abcdefABCDEF" for digit in data]):
        raise ConfigError("oob", "something else", "64 hexadecimal digits, without spaces")
    return binascii.unhexlify(data)


def least_bond(pairing: str, has_code: bool, held: int) -> int:
    """The weakest bond that will do: 0 none, 1 weak, 2 authenticated.

    `pairing` is what the driver asks for ("none", "weak", "authenticated"). A code means that an impostor can be told
    from the device, so it must be; `held` is the strongest bond that there was, and a weaker one never follows it.
    """
    asked = {"none": BOND_NONE, "weak": BOND_WEAK, "authenticated": BOND_AUTHENTICATED}[pairing]
    return max(BOND_AUTHENTICATED if has_code else asked, held)


class Expected:
    """The one device that a window is for: addresses of devices in use, or where there are none whoever offers `service`.

    `others` are addresses that it is not, because they belong to devices of other names.
    """

    __slots__ = ("addresses", "device", "driver", "others", "service")

    def __init__(
        self,
        device: str,
        driver: str,
        addresses: "tuple[str, ...]" = (),
        service: str = "",
        others: "tuple[str, ...]" = (),
    ) -> None:
        self.device = device
        self.driver = driver
        self.addresses = addresses
        self.service = service
        self.others = others

    def is_it(self, advertisement: "Advertisement") -> bool:
        """Whether this advertiser may be the device."""
        if self.addresses:
            return advertisement.address in self.addresses
        return self.service in advertisement.service_uuids and advertisement.address not in self.others


class Window:
    """One opening, from a person's wish to its end. All times are uptime in ms.

    `story` lists [happening, detail] in order, `told` counts those that were made into events.
    `question` is what the person is asked meanwhile: "", "code" or "number". `oob` is the data of a label, in place of a code.
    """

    def __init__(
        self, number: int, expected: Expected, code: "int | None", now_ms: int, oob: "bytes | None" = None
    ) -> None:
        self.number = number
        self.expected = expected
        self.code = code
        self.oob = oob
        self.has_code = code is not None or oob is not None  # stays, also while another one is asked for
        self.floor = BOND_NONE  # of a bond that was deleted in this window: no weaker one follows it
        self.until_ms = now_ms + WINDOW_MS
        self.state = CLOSED
        self.story: "list[list[object]]" = []
        self.told = 0
        self.kinds: "list[str]" = []  # events that were made: each once, however often the link breaks on the way
        self.candidates: "dict[str, str]" = {}  # address => name, in the order in which they were heard
        self.heard_ms: "int | None" = None
        self.address = ""
        self.level = BOND_NONE  # as it is shown
        self.key_word = ""  # what is known of its key
        self.reason = ""
        self.wrong = 0
        self.question = ""
        self.compare = 0  # the number that both must show, while that is the question
        self.happens(OPENED)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER

    def happens(self, happening: str, detail: object = "") -> bool:
        """Go on along the table. False for what comes too late to count, and then nothing changes."""
        after = TABLE.get((self.state, happening))
        if after is None:
            return False
        self.state = after
        self.story.append([happening, detail])
        if self.over:
            self.question, self.code, self.oob = "", None, None
        return True

    def hear(self, advertisement: "Advertisement") -> bool:
        """An advertisement; whether it is news. The expected device is heard, or one that may be it."""
        if self.state not in (OPEN, HEARD) or self.question or not self.expected.is_it(advertisement):
            return False
        address, name = advertisement.address, advertisement.name or ""
        known = self.candidates.get(address)
        if known is None and len(self.candidates) >= MOST_CANDIDATES:
            return False
        if known is None or (name and not known):
            self.candidates[address] = name
        if self.state != OPEN:
            return known is None
        self.address, self.heard_ms = address, advertisement.received_ms
        return self.happens(HEARD, self.candidates[address])

    def begins_ms(self) -> int:
        """When the device that was heard may be paired: at once where its address is known, else after a look around."""
        return (self.heard_ms or 0) + (0 if self.expected.addresses else SETTLE_MS)

    def begin(self) -> bool:
        """Pair now; False where it is not clear with whom, and the window has ended with that."""
        if not self.expected.addresses and len(self.candidates) > 1:
            self.refuse("several")
            return False
        return self.happens(BEGUN)

    def bonded(self, level: int, least: int, key_word: str = "") -> bool:
        """A bond of `level` was made where `least` was asked for; False where it does not count: it must be deleted."""
        if level < least or level == BOND_NONE:
            self.refuse("weak")
            return False
        shown = shown_bond(level, key_word) or level
        if not self.happens(BONDED, shown):
            return False
        self.level, self.key_word = shown, key_word
        return True

    def wrong_code(self) -> None:
        """The device did not take the code: another is asked for, three times at most."""
        self.wrong += 1
        self.code = None
        if self.wrong >= WRONG_CODES:
            self.refuse("passkey")
        elif self.happens(WRONG_CODE, self.wrong):
            self.question = "code"

    def take_code(self, code: int) -> bool:
        """Another code from the person; False where none was asked for."""
        if self.question != "code" or self.over:
            return False
        self.code, self.question = code, ""
        self.has_code = True
        return True

    def refuse(self, reason: str) -> None:
        """End with a reason, a key of `REASONS`."""
        if self.happens(REFUSED, reason):
            self.reason = reason

    def untold(self) -> "list[tuple[str, dict[str, object]]]":
        """Kinds and values of events for what has happened since this was last asked."""
        events = []
        for happening, detail in self.story[self.told :]:
            values: "dict[str, object]" = {"driver": self.expected.driver}
            if happening == REFUSED:
                values["reason"] = REASONS[str(detail)]
            if self.wrong and happening in OVER:
                values["wrong_codes"] = self.wrong
            if happening == BONDED:
                values["bond"] = self.level
                events.append((BONDED_KINDS[self.level], values))
            elif happening in KINDS and KINDS[str(happening)] not in self.kinds:
                self.kinds.append(KINDS[str(happening)])
                events.append((self.kinds[-1], values))
        self.told = len(self.story)
        return events
