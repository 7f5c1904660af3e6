"""Drivers by name."""

from gateway.core.devices.driver import AdvertisingDriver, GattDriver, SerialDriver, TelegramDriver
from gateway.core.devices.registry import driver, driver_names
from gateway.core.errors import ConfigError


def test_every_name_gives_the_driver_of_that_name() -> None:
    assert driver_names() == [
        "blood_pressure",
        "bthome",
        "dispenser",
        "enocean",
        "glucose",
        "heart_rate",
        "nonin_ble",
        "nonin_serial",
        "plx",
        "thermometer",
        "weight_scale",
    ]
    for name in driver_names():
        assert driver(name).name == name
    assert issubclass(driver("bthome"), AdvertisingDriver) and driver("bthome").safety
    assert issubclass(driver("plx"), GattDriver) and issubclass(driver("dispenser"), SerialDriver)
    assert issubclass(driver("nonin_serial"), SerialDriver) and issubclass(driver("enocean"), TelegramDriver)


def test_an_unknown_name_is_told_the_known_ones() -> None:
    try:
        driver("thermomix")
    except ConfigError as error:
        text = str(error)
    else:
        raise AssertionError("a driver that does not exist was found")
    assert "thermomix" in text and "blood_pressure, bthome, dispenser" in text
