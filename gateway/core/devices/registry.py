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


def blood_pressure() -> "type[Driver]":
    """Cuffs of the Bluetooth Blood Pressure Service."""
    from gateway.core.devices.cuff import Cuff

    return Cuff


def thermometer() -> "type[Driver]":
    """Thermometers of the Bluetooth Health Thermometer Service."""
    from gateway.core.devices.thermometer import Thermometer

    return Thermometer


def weight_scale() -> "type[Driver]":
    """Scales of the Bluetooth Weight Scale Service."""
    from gateway.core.devices.scale import Scale

    return Scale


def heart_rate() -> "type[Driver]":
    """Sensors of the Bluetooth Heart Rate Service."""
    from gateway.core.devices.heart_rate_sensor import HeartRateSensor

    return HeartRateSensor


def glucose() -> "type[Driver]":
    """Meters of the Bluetooth Glucose Service."""
    from gateway.core.devices.glucose_meter import GlucoseMeter

    return GlucoseMeter


def nonin_ble() -> "type[Driver]":
    """Oximeters of Nonin over their maker's own service."""
    from gateway.core.devices.nonin import NoninOximeter

    return NoninOximeter


def nonin_serial() -> "type[Driver]":
    """Oximeters of Nonin on a serial line."""
    from gateway.core.devices.nonin_serial import NoninSerial

    return NoninSerial


def enocean() -> "type[Driver]":
    """Sensors of EnOcean, heard by a transceiver on a serial line."""
    from gateway.core.devices.enocean import Enocean

    return Enocean


DRIVERS = {
    "blood_pressure": blood_pressure,
    "bthome": bthome,
    "dispenser": dispenser,
    "enocean": enocean,
    "glucose": glucose,
    "heart_rate": heart_rate,
    "nonin_ble": nonin_ble,
    "nonin_serial": nonin_serial,
    "plx": plx,
    "thermometer": thermometer,
    "weight_scale": weight_scale,
}


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
