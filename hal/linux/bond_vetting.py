"""Which of bluetoothd's bonds may be believed: what was seen of each key, and what to say of it (docs/adr/0047-key-size.md)."""

import logging
import time
from collections.abc import Callable, Sequence

from hal.errors import UnavailableError
from hal.linux.bond_file import BondKey
from hal.linux.bond_keys import ANSWER_S, BondKeys
from hal.types import BOND_WEAK

log = logging.getLogger(__name__)

# What is told of a bond: its key is whole; whole and made by old pairing; nobody sees it; too short; refused for that, and
# it could not be deleted; gone.
WHOLE, LEGACY, UNSEEN, SHORT, REFUSED, GONE = "whole", "legacy", "unseen", "short", "refused", ""

UNSEEN_S = 600.0  # a key that could not be seen is asked for no sooner on the way of a connection

Told = Callable[[str, str, int], None]


def word_of(key: BondKey | None) -> str:
    """What to say of a key that was seen or not."""
    if key is None:
        return UNSEEN
    if not key.is_whole:
        return SHORT
    return WHOLE if key.secure else LEGACY


class BondVetting:
    """Remembers what was seen of each bond, by adapter and device, and tells it to `tell`: device, word, bytes (0: not known)."""

    def __init__(self, keys: BondKeys, now_s: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._cause = ""
        self._unseen: dict[tuple[str, str], float] = {}  # when it was last asked for in vain
        self.now_s = now_s
        self.seen: dict[tuple[str, str], BondKey] = {}
        self.tell: Told = _to_nobody

    async def look(self, adapter: str, devices: Sequence[str], *, within_s: float = ANSWER_S) -> None:
        """Look anew at the keys of bonds of one adapter.

        What was seen stays seen while the service that sees it is away: a key changes only where somebody pairs.
        """
        try:
            found = await self._keys.of(adapter, devices, within_s=within_s)
        except UnavailableError as error:
            if str(error) != self._cause:  # once for each reason, not at each bond and hour
                self._cause = str(error)
                log.warning("%s", error)
        else:
            self._cause = ""
            for device in devices:
                self.seen.pop((adapter, device), None)
            self.seen.update({(adapter, device): key for device, key in found.items()})
        for device in devices:
            if (adapter, device) in self.seen:
                self._unseen.pop((adapter, device), None)
            else:
                self._unseen[adapter, device] = self.now_s()

    def say(self, adapter: str, device: str) -> None:
        """Tell what is known of the key of one bond."""
        key = self.seen.get((adapter, device))
        self.tell(device, word_of(key), 0 if key is None else key.key_bytes)

    def is_settled(self, adapter: str, device: str) -> bool:
        """Whether there is no use in asking now: it was seen, or was asked for in vain a short while ago."""
        asked_s = self._unseen.get((adapter, device))
        return (adapter, device) in self.seen or (asked_s is not None and self.now_s() - asked_s < UNSEEN_S)

    def level(self, adapter: str, device: str, noted: int) -> int:
        """Level of a bond that was noted as `noted`: no better than its key."""
        key = self.seen.get((adapter, device))
        return min(noted, BOND_WEAK) if key is not None and not key.authenticated else noted

    def drop(self, device: str) -> None:
        """Whatever was seen of the device's keys counts no more."""
        self.seen = {each: key for each, key in self.seen.items() if each[1] != device}
        self._unseen = {each: asked_s for each, asked_s in self._unseen.items() if each[1] != device}

    def forget(self, device: str) -> None:
        """The bond is gone."""
        self.drop(device)
        self.tell(device, GONE, 0)


def _to_nobody(_device: str, _word: str, _key_bytes: int) -> None:
    """Nobody wants to know."""
