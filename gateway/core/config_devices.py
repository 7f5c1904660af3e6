"""What a `[[device]]` must be to its driver: reached the way that it needs, with options that it knows and can use."""

from gateway.core.config_fields import describe, suggestion
from gateway.core.devices.registry import driver, driver_names
from gateway.core.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.devices.driver import Driver

    Table = dict[str, Any]

WAYS = ("address", "port", "sender")
NEEDED_WAY = {
    "ble-adv": "address",
    "ble-gatt": "address",
    "enocean": "sender",
    "serial": "port",
}  # by transport


def check_way(values: "Table", label: str, source: str) -> None:
    """It is reached in one way.

    Raises:
        ConfigError: in none, or in two.
    """
    ways = [way for way in WAYS if values[way] is not None]
    if not ways:
        raise ConfigError(label + "address", "no address, port or sender", "one of them", source)
    if len(ways) > 1:
        raise ConfigError(label + "address", "both " + ways[0] + " and " + ways[1], "one of them", source)


def check_driver(values: "Table", label: str, source: str, plugged: "dict[str, type[Driver]]") -> None:
    """The driver exists, the device is reached the way it needs, and its options are ones it knows.

    Of a driver that could not be loaded (`plugged`, without a transport) nothing is known, and nothing is refused.

    Raises:
        ConfigError: it does not, or they are not.
    """
    known = sorted(driver_names() + list(plugged))
    if values["driver"] not in known:
        expected = "one of " + ", ".join(known) + suggestion(values["driver"], known)
        raise ConfigError(label + "driver", describe(values["driver"]), expected, source)
    kind = plugged[values["driver"]] if values["driver"] in plugged else driver(values["driver"])
    if not kind.transport:
        return
    needed = NEEDED_WAY[kind.transport]
    if values[needed] is None:
        expected = "a value: driver " + values["driver"] + " is reached by its " + needed
        raise ConfigError(label + needed, "nothing", expected, source)
    options = values["options"]
    for key in sorted(options):
        if key not in kind.option_names:
            expected = (
                "one of " + ", ".join(kind.option_names)
                if kind.option_names
                else "no options for this driver"
            )
            expected += suggestion(key, kind.option_names)
            raise ConfigError(label + "options." + key, "an unknown key", expected, source)
    wrong = kind.wrong_option(options)
    if wrong is not None:
        found = describe(options.get(wrong[0]))
        raise ConfigError(label + "options." + wrong[0], found, wrong[1], source)


def check_transceiver(port: "str | None", devices: "list[Any]", source: str) -> None:
    """Devices with a sender have a transceiver to hear them, on a line of its own.

    Raises:
        ConfigError: there is none, or a device has its line.
    """
    taken = {device.port: "device[" + device.name + "]" for device in devices}
    for device in devices:
        if device.sender is not None and port is None:
            expected = "the serial port of the transceiver, which device '" + device.name + "' needs"
            raise ConfigError("enocean.port", "nothing", expected, source)
        if device.port is not None and device.port == port:
            found = describe(port) + ", which " + taken[port] + " has too"
            raise ConfigError("enocean.port", found, "a port of its own", source)
