"""`[[driver]]`: a driver that a package of somebody else brings, and which package that is.

Nothing is loaded but what is named here. Loading is not this module's: whoever has packages hands in how (`Loader`); where
there are none, as on a board whose software is one piece, each row is refused with that reason.
"""

from gateway.core import config_fields as fields
from gateway.core.config_fields import WrongValueError
from gateway.core.config_rules import NEEDED
from gateway.core.devices.registry import driver_names
from gateway.core.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.config_fields import Check
    from gateway.core.devices.driver import Driver

    Loader = Callable[[list["DriverConfig"]], dict[str, type[Driver]]]

DRIVERS_LIMIT = 16
NAME = "abcdefghijklmnopqrstuvwxyz0123456789_"
PACKAGE = "abcdefghijklmnopqrstuvwxyz0123456789-_."


def name(value: object) -> object:
    """What devices call the driver; none that the hub has itself."""
    text = value if isinstance(value, str) else ""
    if not 0 < len(text) <= 32 or not all([each in NAME for each in text]):
        raise WrongValueError("1 to 32 of a-z, 0-9 and _")
    if value in driver_names():
        raise WrongValueError("another name: the hub has a driver of this one itself")
    return value


def package(value: object) -> object:
    """A package as it is installed, not a file and not an address."""
    text = value if isinstance(value, str) else ""
    if not 0 < len(text) <= 64 or not all([each in PACKAGE for each in text.lower()]):
        raise WrongValueError("the name of an installed package, such as trygg-example-roll")
    return value


DRIVER: "list[tuple[str, Check, object]]" = [
    ("name", name, NEEDED),
    ("package", package, NEEDED),
    ("version", fields.text(32), None),
]


class DriverConfig:
    """One `[[driver]]`. version: the one that was approved, no other is loaded; None: any."""

    def __init__(self, values: "dict[str, object]") -> None:
        self.name = str(values["name"])
        self.package = str(values["package"])
        self.version = None if values["version"] is None else str(values["version"])


def load_drivers(
    rows: "list[DriverConfig]", loader: "Loader | None", source: str
) -> "dict[str, type[Driver]]":
    """The drivers of these rows by name.

    Raises:
        ConfigError: two rows of one name, or no way to load any.
    """
    names = [row.name for row in rows]
    for row in rows:
        if names.count(row.name) > 1:
            raise ConfigError(
                "driver[" + row.name + "].name", repr(row.name) + " twice", "a name of its own", source
            )
    if rows and loader is None:
        expected = "nothing: this gateway has the drivers of its own software, and no packages"
        raise ConfigError("driver[" + rows[0].name + "].package", repr(rows[0].package), expected, source)
    return loader(rows) if rows and loader is not None else {}
