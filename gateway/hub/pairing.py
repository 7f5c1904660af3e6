"""Pairing by a person's leave: keeps the one window, moves the radio in it, and tells each step as an event.

The rules are those of `gateway.core.pairing`. Commands come from the control socket (`trygg pair`); nothing else opens
a window. A passkey, or the data of a label, is held while the window is open, and goes into no event, no log and no answer.
"""

import asyncio

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.pairing import (
    CANCELLED,
    EXPIRED,
    HEARD,
    LOST,
    REASONS,
    Expected,
    Window,
    least_bond,
    oob_of,
    passkey_of,
    shown_bond,
)
from gateway.hub.waking import Wake, ended, stop
from hal.errors import HalError, PairingError
from hal.types import BOND_NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from gateway.core.devices.driver import Driver, GattDriver
    from gateway.hub.air import Visitor
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Log, Recorder
    from hal.interfaces import BleCentral
    from hal.types import Advertisement

PAIR_TIMEOUT_MS = 45_000  # connecting, and the 30 s that a peripheral waits for each answer
COMPARE_MS = 25_000  # in which a person says that the numbers are the same: less than the peripheral waits
AGAIN_MS = 2_000  # after a link that was lost on the way


class Pairing:
    """`visitors` (by placement) keep the links of devices in use; `listen(service)` sees to it that somebody hears strangers with it."""

    def __init__(
        self,
        devices: "list[Device]",
        central: "BleCentral | None",
        recorder: "Recorder",
        driver_of: "Callable[[str], type[Driver]]",
        log: "Log",
        listen: "Callable[[str], Awaitable[None]]",
        changed: "Callable[[], None]",
    ) -> None:
        self.devices = devices
        self.central = central
        self.recorder = recorder
        self.clock = recorder.clock
        self.driver_of = driver_of
        self.log = log
        self.listen = listen
        self.changed = changed
        self.visitors: "dict[int, Visitor]" = {}
        self.window: "Window | None" = None
        self.count = 0
        self.listening = False
        self.trying = False
        self.yes = False
        self.compare_ms = COMPARE_MS
        self.key_words: "dict[str, str]" = {}  # address => what a radio that sees keys says of that bond's
        self.wake, self.answered = Wake(self.clock), Wake(self.clock)

    # --- what a person asks ---------------------------------------------------------------------------------------

    def open(self, device: str = "", driver: str = "", code: str = "", oob: str = "") -> "dict[str, object]":
        """Open the window for a device by its name, or for any of a driver; `oob` is the data of its label, in place of a code.

        Raises:
            ConfigError: no such device or driver, or what is no code and no such data.
            RefusedError: it cannot be opened now, or the radio takes no such data.
        """
        number, data = passkey_of(code), oob_of(oob, code)
        if self.is_open():
            raise RefusedError("a time for pairing is open already: end it, or wait until it runs out")
        expected = self.expected(device, driver, bool(code or oob))
        if not self.radio().takes_oob and data is not None:
            raise RefusedError(REASONS[PairingError.NO_WAY])
        self.count += 1
        self.window = Window(self.count, expected, number, self.clock.uptime_ms(), data)
        self.wake.call()
        return self.facts()

    def answer(self, yes: bool = False, code: str = "") -> "dict[str, object]":
        """The person's answer to the question of the window: another code, or whether the numbers are the same.

        Raises:
            ConfigError: what is no code.
            RefusedError: nothing of that sort was asked.
        """
        number, window = passkey_of(code), self.window
        if window is not None and number is not None and window.take_code(number):
            self.wake.call()
        elif window is not None and number is None and window.question == "number":
            self.yes = yes is True
            self.answered.call()
        else:
            raise RefusedError("nothing of that sort was asked: the time for it may be over")
        return self.facts()

    def cancel(self) -> "dict[str, object]":
        """Close the window; no error where none is open."""
        if self.window is not None and self.window.happens(CANCELLED):
            self.wake.call()
        return self.facts()

    def facts(self) -> "dict[str, object]":
        """The window that is open, or the last one; empty where there was none."""
        window = self.window
        if window is None:
            return {}
        device = self.device_at(window.address)
        return {
            "number": window.number,
            "state": window.state,
            "story": list(window.story),
            "question": window.question,
            "compare": window.compare,
            "wrong_codes": window.wrong,
            "left_ms": max(0, window.until_ms - self.clock.uptime_ms()),
            "device": window.expected.device if device is None else device.config.name,
            "driver": window.expected.driver,
            "address": window.address,
            "advertised_name": window.candidates.get(window.address, ""),
            "bond": window.level,
            "key": window.key_word,
            "reason": window.reason,
            "why": REASONS.get(window.reason, ""),
            "configured": device is not None,
        }

    def is_open(self) -> bool:
        """Whether somebody may be paired now."""
        return self.window is not None and not self.window.over

    async def bonds(self) -> "list[dict[str, object]]":
        """Every stored bond, with the device it belongs to, where there is one. Raises RefusedError, HalError."""
        rows: "list[dict[str, object]]" = []
        for address, bond in sorted((await self.radio().bonds()).items()):
            device = self.device_at(address)
            name, word = None if device is None else device.config.name, self.key_words.get(address, "")
            rows.append({"address": address, "bond": shown_bond(bond, word), "key": word, "device": name})
        return rows

    async def forget(self, device: str = "") -> "dict[str, object]":
        """Delete the bond with a device, by its name or an address; a weaker one may follow then.

        Raises:
            ConfigError: no such device, and no bond with such an address.
            RefusedError, HalError: there is nothing to delete, or the radio is not there.
        """
        found = next((each for each in self.devices if each.config.name == device), None)
        address = device.upper() if found is None else found.config.address or ""
        found = self.device_at(address)
        bond = (await self.radio().bonds()).get(address, BOND_NONE)
        if found is None and bond == BOND_NONE:
            raise ConfigError("device", repr(device), "the name of a device, or an address with a bond")
        if found is not None and bond == BOND_NONE and found.floor == BOND_NONE:
            raise RefusedError("there is no bond with this device")
        if found is not None:
            found.hold(BOND_NONE)
            found.floor = BOND_NONE
            await self.leave(found)
        await self.radio().forget(address)
        await self.recorder.note(
            "bond.forgotten", 0 if found is None else found.placement, {"bond": bond} if bond else None
        )
        self.changed()
        return {"address": address, "bond": bond, "device": None if found is None else found.config.name}

    # --- the part -------------------------------------------------------------------------------------------------

    def heard(self, advertisement: "Advertisement") -> None:
        """Listener side: somebody advertises."""
        if self.window is not None and self.window.hear(advertisement):
            self.wake.call()

    async def run(self) -> None:
        """Follow the windows that are opened."""
        while True:
            await self.wake.wait(self.due_ms())
            if self.window is not None:
                await self.follow(self.window)

    def due_ms(self) -> "int | None":
        """When time alone brings something: a look around is over, or the window is."""
        window = self.window
        if window is None or window.over:
            return None
        return min(window.until_ms, window.begins_ms()) if window.state == HEARD else window.until_ms

    async def follow(self, window: Window) -> None:
        """Whatever is due now."""
        await self.tell(window)
        now_ms = self.clock.uptime_ms()
        if not window.over and not self.listening:
            self.listening = True
            await self.reserve(window)
            await self.listen("" if window.expected.addresses else window.expected.service)
        if now_ms >= window.until_ms:
            window.happens(EXPIRED)
        if window.state == HEARD and now_ms >= window.begins_ms() and window.begin():
            await self.tell(window)
            await self.attempt(window)
        await self.tell(window)
        if window.over and self.listening:
            self.listening = False
            await self.listen("")
            for device in self.devices:
                device.is_waited_for = False

    async def attempt(self, window: Window) -> None:
        """Pair, as long as the window is open. What came of it and does not count is not kept."""
        before = await self.bond_of(window.address)
        self.trying = True
        task = asyncio.create_task(self.pair(window, before))
        try:
            while self.trying and not window.over:
                await self.wake.wait(window.until_ms)
                if self.clock.uptime_ms() >= window.until_ms:
                    window.happens(EXPIRED)
        finally:
            await (stop(task) if self.trying else ended(task))
            self.trying = False
        try:
            if window.level == BOND_NONE and before != await self.bond_of(window.address):
                await self.radio().forget(window.address)
        except HalError as error:  # the window is over all the same, and devices wait for that
            self.log("warning", "A bond that does not count could not be deleted.", cause=str(error))

    async def pair(self, window: Window, before: int) -> None:
        """One try, to its end."""
        try:
            await self.bind(window, before)
        except PairingError as error:
            self.log("info", "Pairing failed.", part="pairing", reason=error.reason, cause=str(error))
            await self.fail(window, error.reason, before)
        except HalError as error:
            self.log("info", "Pairing did not come to an end.", part="pairing", cause=str(error))
            await self.clock.sleep_ms(AGAIN_MS)
            window.happens(LOST)
        finally:
            self.trying = False
            self.wake.call()

    async def fail(self, window: Window, reason: str, before: int) -> None:
        """A refusal: another code may help, or the bond that the device has forgotten is in the way, once."""
        if reason == PairingError.PASSKEY:
            window.wrong_code()
        elif reason == PairingError.STALE and window.floor == BOND_NONE:
            window.floor = before
            await self.drop(window.address)
            window.happens(LOST)
        else:
            window.refuse(reason if reason in REASONS else "refused")

    async def bind(self, window: Window, before: int) -> None:
        """Connect with a bond that will do, and keep it. Raises HalError."""
        device = self.device_at(window.address)
        least, code = self.terms(window, device, before)
        if BOND_NONE < before < least:
            await self.drop(window.address)
        connection = await self.radio().connect(
            window.address,
            pair=True,
            passkey=code,
            oob=window.oob,
            least=least,
            compare=self.compare,
            timeout_ms=PAIR_TIMEOUT_MS,
        )
        level = connection.bond
        await connection.disconnect()
        if self.judge(window, level, least) and device is not None:
            device.hold(level)
            device.is_stale = False
            self.changed()
            visitor = self.visitors.get(device.placement)
            if visitor is not None:
                visitor.looked = True
                visitor.near.set()

    def judge(self, window: Window, level: int, least: int) -> bool:
        """The last look at a bond that was made."""
        return window.bonded(level, least, self.key_words.get(window.address, ""))

    def terms(self, window: Window, device: "Device | None", before: int) -> "tuple[int, int | None]":
        """The weakest bond that will do, and the code to enter."""
        code = window.code if window.has_code or device is None else device.passkey
        asked: "type[GattDriver]" = self.driver_of(window.expected.driver)  # type: ignore[assignment]
        held = max(window.floor, before if device is None else device.floor)
        has_code = window.has_code or code is not None
        return least_bond(asked.pairing, has_code, held), code

    async def compare(self, number: int) -> bool:
        """Ask the person whether the device shows `number`; no answer in time means no."""
        window = self.window
        if window is None or window.over:
            return False
        self.yes = False
        window.question, window.compare = "number", number
        self.answered.event.clear()
        await self.answered.wait(self.clock.uptime_ms() + self.compare_ms)
        window.question = ""
        return self.yes

    # --- small things -----------------------------------------------------------------------------------------------

    def radio(self) -> "BleCentral":
        """The central. Raises RefusedError where the gateway has none."""
        if self.central is None:
            raise RefusedError("this gateway has no Bluetooth radio: look at [radio] in the configuration")
        return self.central

    def device_at(self, address: str) -> "Device | None":
        """The device in use with that address."""
        return next((each for each in self.devices if address and each.config.address == address), None)

    async def bond_of(self, address: str) -> int:
        """Level of the bond that is stored now; none where the radio does not say."""
        try:
            return (await self.radio().bonds()).get(address, BOND_NONE)
        except HalError as error:
            self.log("info", "The radio does not tell its bonds.", part="pairing", cause=str(error))
            return BOND_NONE

    async def reserve(self, window: Window) -> None:
        """Nobody else connects to the devices that may be meant, and links that stand end."""
        for device in self.devices:
            device.is_waited_for = device.config.address in window.expected.addresses
            if device.is_waited_for:
                await self.leave(device)

    async def leave(self, device: "Device") -> None:
        """End the link of a device whose bond is about to go."""
        visitor = self.visitors.get(device.placement)
        if visitor is not None:
            await visitor.leave()

    async def drop(self, address: str) -> None:
        """Delete a bond that is too weak or that the device no longer knows; the strength it had stays the least."""
        device = self.device_at(address)
        if device is not None:
            device.hold(BOND_NONE)
            await self.leave(device)
            self.changed()
        await self.radio().forget(address)

    async def tell(self, window: Window) -> None:
        """Events for what has happened."""
        device = self.device_at(window.address) or self.named(window.expected.device)
        for kind, values in window.untold():
            await self.recorder.note(kind, 0 if device is None else device.placement, values)

    def named(self, name: str) -> "Device | None":
        """The device in use with that name."""
        return next((each for each in self.devices if each.config.name == name), None)

    def expected(self, device: str, driver: str, has_code: bool) -> Expected:
        """Whom a window is for. Raises ConfigError, RefusedError."""
        if bool(device) == bool(driver):
            raise ConfigError("device", "both or neither", "a device, or a driver")
        found = self.named(device)
        if device and found is None:
            names = [each.config.name for each in self.devices if each.driver.transport == "ble-gatt"]
            raise ConfigError("device", repr(device), "one of " + ", ".join(sorted(names)))
        driver = driver if found is None else found.config.driver
        asked: "Any" = self.driver_of(driver)
        if asked.transport != "ble-gatt" or (asked.pairing == "none" and not has_code):
            raise RefusedError("devices of the driver " + driver + " are not paired")
        if found is not None:
            least = least_bond(asked.pairing, has_code, found.floor)
            if found.is_paired and not found.is_stale and (found.bond or BOND_NONE) >= least:
                raise RefusedError("the device is paired already: to pair it anew, delete the bond first")
            return Expected(device, driver, (found.config.address or "",))
        unpaired = [
            each
            for each in self.devices
            if each.config.driver == driver and (each.is_stale or not each.is_paired)
        ]
        if unpaired:
            return Expected("", driver, tuple([each.config.address or "" for each in unpaired]))
        others = tuple([each.config.address or "" for each in self.devices])
        return Expected("", driver, (), asked.service, others)
