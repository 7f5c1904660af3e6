"""A counter that began anew: a person who knows why (a new battery) confirms it, and the device is believed again from there.

Meanwhile its alarms of lane 0 come through, marked; everything else that it says is refused. Commands come from the control
socket (`trygg devices --confirm-reset`); nothing else moves a counter down. docs/adr/0028-counter-reset.md says why.
"""

from gateway.core.errors import ConfigError, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import AdvertisingDriver
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Log, Recorder

COUNTED_ON = 256  # frames that a sensor may send while a person reads what the first one said


def counters(device: "Device") -> "tuple[int, int] | None":
    """As `AdvertisingDriver.counters`, of any device."""
    driver: "AdvertisingDriver" = device.driver  # type: ignore[assignment]
    return driver.counters() if device.driver.transport == "ble-adv" else None


class Resets:
    """Confirms resets of the counters of `devices`."""

    def __init__(self, devices: "list[Device]", recorder: "Recorder", log: "Log") -> None:
        self.devices = devices
        self.recorder = recorder
        self.log = log

    def heard(self, device: str = "") -> "dict[str, object]":
        """What there is to confirm of a device: the counter that was heard, and the last one that was accepted.

        Raises:
            ConfigError: no such device.
            RefusedError: nothing was heard that could be a reset.
        """
        _, heard, last = self.pending(device)
        return {"device": device, "counter": str(heard), "last_counter": str(last)}

    async def confirm(self, device: str = "", counter: str = "") -> "dict[str, object]":
        """The person has seen `counter` and says that it began anew: it counts from the last one heard since.

        Raises:
            ConfigError: no such device.
            RefusedError: nothing was heard that could be a reset, or something else than the person saw.
        """
        found, heard, last = self.pending(device)
        seen = int(counter) if counter.isdigit() else -1
        if not seen <= heard <= seen + COUNTED_ON:
            raise RefusedError("another counter was heard meanwhile: look at it, and confirm again")
        driver: "AdvertisingDriver" = found.driver  # type: ignore[assignment]
        reading = driver.confirm_reset(self.recorder.clock.uptime_ms())
        is_stored = await self.recorder.offer(self.recorder.reading(found.placement, reading))
        self.log("info", "A reset of a counter was confirmed.", device=device, counter=heard, last=last)
        return {"device": device, "counter": str(heard), "last_counter": str(last), "stored": is_stored}

    def pending(self, name: str) -> "tuple[Device, int, int]":
        """The device of that name, with what may be a reset. Raises ConfigError, RefusedError."""
        device = next((each for each in self.devices if each.config.name == name), None)
        if device is None:
            names = ", ".join([each.config.name for each in self.devices])
            raise ConfigError("--confirm-reset", repr(name), "one of " + names)
        found = counters(device)
        if found is None:
            raise RefusedError(
                "no counter that began anew was heard from this device: make it send something, and try again"
            )
        return device, found[0], found[1]
