"""What the radio sees of the keys of bonds (docs/adr/0047-key-size.md), kept at the devices and told.

A stored bond by a short key is read, shown as weak and told once, with what to do; one that was refused as it was made and
could not be deleted is not read, and told as well.
"""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.core.pairing import KEY_REASONS, SHORT, STUCK, UNSEEN
from gateway.hub.app import App
from hal.errors import HalError
from hal.types import BOND_NONE, BOND_WEAK

LOOK_MS = 3_600_000  # another program may have paired a device meanwhile
AGAIN_MS = 60_000  # while the radio is not there
UNSEEN_MS = 600_000  # while a key cannot be seen, or a bond cannot be deleted
GONE = ""

Log = Callable[..., None]


class BondWatch:
    """`tell` is for the radio; `look` and `run` are parts of the hub."""

    def __init__(self, app: App, log: Log, survey: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._log = log
        self._survey = survey
        self._news: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def tell(self, address: str, word: str, key_bytes: int) -> None:
        """What was seen of a bond's key: shown from now on, and by whoever pairs at this moment."""
        words = self._app.pairing.key_words
        was = words.get(address, GONE)
        if word == GONE:
            words.pop(address, None)
        else:
            words[address] = word
        for device in self._app.devices:
            if device.config.address == address:
                device.key_word, device.key_bytes = word, key_bytes
        if word != was:
            if word in KEY_REASONS:
                self._news.put_nowait((address, word))
            self._app.manifest_changed()

    async def look(self) -> None:
        """The part that has each key looked at: at the start, each hour, and sooner while something is missing."""
        clock = self._app.machine.clock
        while True:
            pause_ms = LOOK_MS
            try:
                await self._survey()
            except HalError as error:
                self._log("info", "The radio does not tell its bonds.", part="bonds", cause=str(error))
                pause_ms = AGAIN_MS
            until_ms = clock.uptime_ms() + pause_ms
            while (left_ms := until_ms - clock.uptime_ms()) > 0:
                await clock.sleep_ms(min(left_ms, UNSEEN_MS))
                if {UNSEEN, STUCK} & set(self._app.pairing.key_words.values()):
                    break

    async def run(self) -> None:
        """The part that tells of bonds with a short key."""
        while True:
            await self._told(*await self._news.get())

    async def _told(self, address: str, word: str) -> None:
        """One bond has a short key, and is read; or it was refused, and is not."""
        app = self._app
        device = app.pairing.device_at(address)
        values: dict[str, object] = {"reason": KEY_REASONS[word]}
        if device is not None:
            values["driver"] = device.config.driver
        if word == SHORT:
            values["bond"] = BOND_WEAK
        elif device is not None:
            device.hold(BOND_NONE)
            app.manifest_changed()
        kind = "pairing.bonded_weak" if word == SHORT else "pairing.refused"
        self._log("warning", "A bond has a short key.", part="bonds", what=word)
        await app.recorder.note(kind, 0 if device is None else device.placement, values)
