"""Drivers by the name that a configuration gives.

A driver is imported when it is first asked for: a gateway holds only the decoders of the devices in its home.
"""

from gateway.core.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Driver


def bthome() -> "type[Driver]":
    """Sensors that broadcast BTHome v2."""
    from gateway.core.devices.bthome import Bthome

    return Bthome


def dispenser() -> "type[Driver]":
    """Medicine dispensers on a serial line."""
    from gateway.core.devices.dispenser import Dispenser

    return Dispenser


def plx() -> "type[Driver]":
    """Pulse oximeters of the Bluetooth Pulse Oximeter Service."""
    from gateway.core.devices.oximeter import Oximeter

    return Oximeter


DRIVERS = {"bthome": bthome, "dispenser": dispenser, "plx": plx}


def driver_names() -> "list[str]":
    """Every name that `driver` knows, sorted."""
    return sorted(DRIVERS)


def driver(name: str) -> "type[Driver]":
    """The driver class of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in DRIVERS:
        raise ConfigError("driver", repr(name), "one of " + ", ".join(driver_names()))
    return DRIVERS[name]()
