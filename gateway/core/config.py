"""The configuration of a gateway, from a plain tree of tables (TOML on Linux, CBOR on the ESP32) to checked objects.

Unknown keys and sections are refused: a misspelt key that is silently ignored is a setting that somebody
believes in. Secrets are names of files or of keys in the key store, never values. `docs/configuration.md` is
the operator's page; the tables below and that page are compared by a test.
"""

from gateway.core import config_fields as fields
from gateway.core import config_rules as rules_of_config
from gateway.core.config_devices import WAYS, check_driver, check_transceiver, check_way
from gateway.core.config_drivers import DRIVER, DRIVERS_LIMIT, DriverConfig, load_drivers
from gateway.core.config_fields import Broker, WrongValueError, describe, suggestion
from gateway.core.config_tables import DEVICE, SECTIONS
from gateway.core.devices.registry import driver
from gateway.core.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.config_drivers import Loader
    from gateway.core.config_fields import Check
    from gateway.core.devices.driver import Driver

    Row = tuple[str, Check, object]
    Table = dict[str, Any]

DEVICES_LIMIT = 64
RULES_LIMIT = 64
NEEDED = rules_of_config.NEEDED

RULE, RULE_TYPES = rules_of_config.RULE, rules_of_config.RULE_TYPES
# Sections that are lists of tables, `[[device]]`, `[[driver]]` and `[[rule]]`.
LISTS = ("device", "driver", "rule")


class Section:
    """Checked keys of one table as attributes."""

    def __init__(self, values: "Table") -> None:
        for name in values:
            setattr(self, name, values[name])


class HubConfig(Section):
    """`[hub]`: who this gateway is, what it says to people, and whether rules may judge measurements.

    self_test_at: minute of the local day; None: by its id.
    """

    id: str
    tenant: str
    language: str
    time_zone: str
    state_interval_s: int
    self_test_at: "int | None"
    data_directory: str
    medical_device_functions: bool


class QuietConfig(Section):
    """`[quiet]`: begin and end of the hours of quiet as minutes of the local day, the lamp in them, and when it lights all the same."""

    light: str
    offline_min: int

    def __init__(self, values: "Table") -> None:
        super().__init__(values)
        self.begin: int = values["from"]
        self.end: int = values["to"]


class UplinkConfig(Section):
    """`[uplink]`: brokers in the order in which they are tried, and TLS files for those that need them."""

    brokers: "list[Broker]"
    ca: "str | None"
    certificate: "str | None"
    key: "str | None"


class PlatformConfig(Section):
    """`[platform]`: the municipality's root key: 64 hex digits, or the path of a `.pub` file that holds them."""

    root_public_key: str


class StorageConfig(Section):
    """`[storage]`: where the journal lies and how large it may grow."""

    path: str
    capacity_mb: int


class RadioConfig(Section):
    """`[radio]`: `bluez` with `adapter` (None: the first that is on), `bumble` with `transport` (and its bonds in a file), or `none`."""

    backend: str
    adapter: "str | None"
    transport: "str | None"
    bonds: str


class KeysConfig(Section):
    """`[keys]`: the folder of the key store."""

    directory: str


class EnoceanConfig(Section):
    """`[enocean]`: where the transceiver is that hears the home's EnOcean sensors, or None."""

    port: "str | None"


class PageConfig(Section):
    """`[page]`: where the gateway's own page is served while an installation window is open, or None; how windows open, for how long, and whether with an access point."""

    listen: "str | None"
    port: int
    open_at_start: bool
    access_point: bool
    window_min: int


class DeviceConfig(Section):
    """One `[[device]]`. Exactly one of `address`, `port` and `sender` is set. record: `all`, `every_s:N` or `stable`."""

    name: str
    driver: str
    address: "str | None"
    port: "str | None"
    sender: "str | None" = None
    room: "str | None"
    key: "str | None"
    passkey_ref: "str | None"
    interval_s: "int | None"
    record: str
    maker: "str | None"
    model: "str | None"
    options: "dict[str, object]"


class RuleConfig(Section):
    """One `[[rule]]`. options: the keys of its type; times of day as minutes of the local day."""

    name: str
    type: str
    device: str
    options: "dict[str, object]"


class Config:
    """A whole configuration. source: where it was read. fault: why another one was not used, or empty.

    plugged: drivers of other packages by name, as they were loaded.
    """

    def __init__(
        self,
        sections: "dict[str, Table]",
        devices: "list[DeviceConfig]",
        rules: "list[RuleConfig]",
        source: str,
        plugged: "dict[str, type[Driver]]",
    ) -> None:
        self.hub = HubConfig(sections["hub"])
        self.quiet = QuietConfig(sections["quiet"])
        self.uplink = UplinkConfig(sections["uplink"])
        self.platform = PlatformConfig(sections["platform"])
        self.storage = StorageConfig(sections["storage"])
        self.radio = RadioConfig(sections["radio"])
        self.keys = KeysConfig(sections["keys"])
        self.enocean = EnoceanConfig(sections["enocean"])
        self.page = PageConfig(sections["page"])
        self.devices = devices
        self.rules = rules
        self.source = source
        self.plugged = plugged
        self.fault = ""

    def driver_of(self, name: str) -> "type[Driver]":
        """The driver class that devices call so. Raises ConfigError: there is none."""
        return self.plugged[name] if name in self.plugged else driver(name)


def validate(tree: "Table", source: str, loader: "Loader | None" = None) -> Config:
    """Check a tree of tables and return the configuration with every default filled in.

    `loader` loads drivers of other packages, where the gateway has packages.

    Raises:
        ConfigError: the first key that cannot be used, with what was found and what is expected.
    """
    reader = Reader(source)
    if not isinstance(tree, dict):
        raise ConfigError("(file)", describe(tree), "sections such as [hub]", source)
    reader.known(tree, "", sorted(SECTIONS) + list(LISTS), "section")
    sections = {}
    for name in sorted(SECTIONS):
        table = tree.get(name, {})
        if not isinstance(table, dict):
            raise ConfigError(name, describe(table), "a section [" + name + "]", source)
        sections[name] = reader.table(table, SECTIONS[name], name + ".")
    directory = sections["hub"]["data_directory"]
    for section, key, file in (
        ("storage", "path", "journal.db"),
        ("keys", "directory", "keys"),
        ("radio", "bonds", "bonds.json"),
    ):
        if sections[section][key] is None:
            sections[section][key] = directory + "/" + file
    check_uplink(sections["uplink"], source)
    tables = reader.rows(tree, "driver", DRIVERS_LIMIT)
    labels = [row_label("driver", tables[index], index) for index in range(len(tables))]
    rows = [DriverConfig(reader.table(tables[index], DRIVER, labels[index])) for index in range(len(tables))]
    plugged = load_drivers(rows, loader, source)
    devices = read_devices(reader, tree, plugged)
    check_radio(sections["radio"], devices, source)
    check_page(sections["page"], source)
    check_transceiver(sections["enocean"]["port"], devices, source)
    rules = read_rules(reader, tree, devices, sections["hub"]["medical_device_functions"])
    return Config(sections, devices, rules, source, plugged)


class Reader:
    """Reads tables by their rows and puts key and file to what is wrong."""

    def __init__(self, source: str) -> None:
        self.source = source

    def known(self, table: "Table", prefix: str, names: "list[str]", what: str = "key") -> None:
        """Refuse what is in the table and not among the names."""
        for key in sorted([str(item) for item in table]):
            if key not in names:
                expected = "one of " + ", ".join(sorted(names)) + suggestion(key, names)
                raise ConfigError(prefix + key, "an unknown " + what, expected, self.source)

    def table(self, table: "Table", rows: "list[Row]", prefix: str) -> "Table":
        """Checked values of one table, defaults filled in."""
        self.known(table, prefix, [row[0] for row in rows])
        return {name: self.value(table, name, check, default, prefix) for name, check, default in rows}

    def value(self, table: "Table", name: str, check: "Check", default: object, prefix: str) -> object:
        """One checked value."""
        if name not in table and default is not NEEDED:
            return default
        found = table.get(name)
        try:
            return check(found)
        except WrongValueError as error:
            shown = error.found if name in table and error.found else describe(found)
            raise ConfigError(prefix + name, shown, error.expected, self.source)

    def rows(self, tree: "Table", name: str, limit: int) -> "list[Table]":
        """The tables of a list section."""
        found = tree.get(name, [])
        if not isinstance(found, (list, tuple)):
            raise ConfigError(name, describe(found), "tables headed [[" + name + "]]", self.source)
        if len(found) > limit:
            raise ConfigError(name, str(len(found)) + " tables", "at most " + str(limit), self.source)
        for table in found:
            if not isinstance(table, dict):
                raise ConfigError(name, describe(table), "a table headed [[" + name + "]]", self.source)
        return list(found)


def row_label(kind: str, table: "Table", index: int) -> str:
    """`device[Front door].`, or by its place in the file while it has no usable name."""
    name = table.get("name")
    return kind + "[" + (name if isinstance(name, str) and name else "#" + str(index + 1)) + "]."


def check_uplink(uplink: "Table", source: str) -> None:
    """A broker reached by TLS needs all three files: both ends prove who they are."""
    if any(broker.tls for broker in uplink["brokers"]):
        for name in ("ca", "certificate", "key"):
            if uplink[name] is None:
                raise ConfigError(
                    "uplink." + name, "nothing", "the path of a file; mqtts:// needs it", source
                )


def check_radio(radio: "Table", devices: "list[DeviceConfig]", source: str) -> None:
    """The backend has what it needs, and the devices have a radio."""
    if radio["backend"] == "bumble" and radio["transport"] is None:
        raise ConfigError(
            "radio.transport",
            "nothing",
            "where the controller is, such as usb:0 or serial:/dev/ttyACM0",
            source,
        )
    for device in devices:
        if device.address is not None and radio["backend"] == "none":
            raise ConfigError(
                "radio.backend", "'none'", "bluez or bumble, which device '" + device.name + "' needs", source
            )


def check_page(page: "Table", source: str) -> None:
    """An access point is for the page, and for nothing else. Raises ConfigError."""
    if page["access_point"] and page["listen"] is None:
        raise ConfigError(
            "page.listen", "nothing", "where the page is served, since page.access_point is true", source
        )


def read_devices(reader: Reader, tree: "Table", plugged: "dict[str, type[Driver]]") -> "list[DeviceConfig]":
    """All devices; names, addresses and ports are each used once."""
    devices = []
    taken: "dict[str, str]" = {}
    tables = reader.rows(tree, "device", DEVICES_LIMIT)
    for index in range(len(tables)):
        label = row_label("device", tables[index], index)
        values = reader.table(tables[index], DEVICE, label)
        values["options"] = values["options"] or {}
        for key in ("name",) + WAYS:
            place = key + " " + str(values[key])
            if values[key] is not None and place in taken:
                found = describe(values[key]) + ", which " + taken[place] + " has too"
                raise ConfigError(
                    label + key, found, "a " + key + " of its own for each device", reader.source
                )
            taken[place] = label[:-1]
        check_way(values, label, reader.source)
        check_driver(values, label, reader.source, plugged)
        devices.append(DeviceConfig(values))
    return devices


def rule_name(table: "Table") -> str:
    """A rule's own name, or its type and device."""
    return str(table.get("name") or str(table.get("type")) + " " + str(table.get("device")))


def read_rules(
    reader: Reader, tree: "Table", devices: "list[DeviceConfig]", medical: bool
) -> "list[RuleConfig]":
    """All rules; each names devices that are there. `medical`: those that judge measurements are asked for, too."""
    rules: "list[RuleConfig]" = []
    tables = reader.rows(tree, "rule", RULES_LIMIT)
    drivers = {device.name: device.driver for device in devices}
    for index in range(len(tables)):
        table = tables[index]
        label = row_label("rule", table, index)
        try:
            kind = reader.value(table, "type", fields.choice(*sorted(RULE_TYPES)), NEEDED, label)
            rules_of_config.refuse_muting(table, label)
            values = reader.table(table, RULE + RULE_TYPES[str(kind)], label)
            rules_of_config.check_rule(values, label, drivers, medical)
        except ConfigError as error:
            error.source = reader.source
            raise
        name = rule_name(values)
        if name in [rule.name for rule in rules]:
            raise ConfigError(label + "name", describe(name) + " twice", "a name of its own", reader.source)
        options = {key: values[key] for key, _, _ in RULE_TYPES[str(kind)]}
        rules.append(RuleConfig({"name": name, "type": kind, "device": values["device"], "options": options}))
    try:
        rules_of_config.check_together([(rule.type, rule.device, rule.name) for rule in rules])
    except ConfigError as error:
        error.source = reader.source
        raise
    return rules
