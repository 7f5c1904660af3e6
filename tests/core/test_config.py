"""Configuration: what is taken, what each refusal says, layers and their differences."""

from gateway.core.config import LISTS, RULE, RULE_TYPES, validate
from gateway.core.config_fields import Broker, describe, distance, suggestion
from gateway.core.config_tables import DEVICE, SECTIONS
from gateway.core.errors import ConfigError

ROOT = "0123456789abcdef" * 4


def smallest() -> dict:
    """The least that a gateway needs."""
    return {
        "hub": {"id": "hub-1", "tenant": "oslo"},
        "uplink": {"brokers": ["mqtt://localhost"]},
        "platform": {"root_public_key": ROOT},
    }


def home() -> dict:
    """A home with one device of each way to reach it."""
    tree = smallest()
    tree["device"] = [
        {"name": "Front door", "driver": "bthome", "address": "aa:bb:cc:00:00:01", "key": "door-1"},
        {"name": "Oximeter", "driver": "plx", "address": "AA:BB:CC:00:00:02", "record": "every_s:5"},
        {"name": "Dispenser", "driver": "dispenser", "port": "/dev/ttyUSB0", "room": "Kitchen"},
    ]
    tree["rule"] = [
        {"type": "night_window", "device": "Front door", "from": "22:00", "to": "06:00"},
        {"type": "dose", "device": "Dispenser", "name": "Doses"},
    ]
    return tree


def changed(tree: dict, path: str, value: object) -> dict:
    """The tree with one value set; `path` as in `device.0.key`."""
    at = tree
    steps = path.split(".")
    for step in steps[:-1]:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if isinstance(at, list):
        at[int(steps[-1])] = value
    else:
        at[steps[-1]] = value
    return tree


def refusal(tree: object) -> "ConfigError | None":
    """What validation says against a tree, or None where it is taken."""
    try:
        validate(tree, "hub.toml")  # type: ignore[arg-type]
    except ConfigError as error:
        return error
    return None


def test_the_least_is_taken_and_defaults_are_filled_in() -> None:
    config = validate(smallest(), "hub.toml")
    assert (config.hub.id, config.hub.tenant, config.hub.language) == ("hub-1", "oslo", "nb")
    assert config.hub.time_zone == "Europe/Oslo"
    assert config.hub.state_interval_s == 60
    assert config.uplink.brokers == [Broker("localhost", 1883, False)]
    assert config.uplink.ca is None
    assert config.platform.root_public_key == ROOT
    assert config.storage.path == "/var/lib/trygg/journal.db"
    assert config.storage.capacity_mb == 256
    assert config.keys.directory == "/var/lib/trygg/keys"
    assert (config.radio.backend, config.radio.adapter) == ("bluez", None)
    assert config.radio.bonds == "/var/lib/trygg/bonds.json"
    assert config.devices == [] and config.rules == []
    assert (config.source, config.fault) == ("hub.toml", "")


def test_devices_and_rules_become_objects() -> None:
    config = validate(home(), "hub.toml")
    door, oximeter, dispenser = config.devices
    assert (door.address, door.port, door.key, door.record) == ("AA:BB:CC:00:00:01", None, "door-1", "all")
    assert oximeter.record == "every_s:5"
    assert (dispenser.port, dispenser.room, dispenser.address) == ("/dev/ttyUSB0", "Kitchen", None)
    assert dispenser.options == {}
    night, doses = config.rules
    assert (night.type, night.name, night.device) == ("night_window", "night_window Front door", "Front door")
    assert night.options == {"from": 1320, "to": 360}
    assert (doses.type, doses.name, doses.options) == ("dose", "Doses", {})


def test_paths_that_are_not_set_lie_in_the_data_directory() -> None:
    config = validate(changed(smallest(), "hub.data_directory", "/data"), "")
    assert config.storage.path == "/data/journal.db"
    config = validate(changed(smallest(), "storage.path", "/other/journal.db"), "")
    assert config.storage.path == "/other/journal.db"


# Path, value, key that the error names, what it must say was found, what it must say is expected.
REFUSED = (
    ("hub.id", "Hub-1", "hub.id", "'Hub-1'", "a-z"),
    ("hub.id", "-hub", "hub.id", "'-hub'", "not beginning"),
    ("hub.id", "h" * 33, "hub.id", "'hhh", "1 to 32"),
    ("hub.id", "", "hub.id", "''", "1 to 32"),
    ("hub.id", None, "hub.id", "nothing", "1 to 32"),
    ("hub.id", 7, "hub.id", "7", "1 to 32"),
    ("hub.tenant", "a/b", "hub.tenant", "'a/b'", "a-z"),
    ("hub.langauge", "nb", "hub.langauge", "an unknown key", "did you mean language?"),
    ("hub.language", "no", "hub.language", "'no'", "nb, en"),
    ("hub.time_zone", "Europe/Olso", "hub.time_zone", "'Europe/Olso'", "did you mean Europe/Oslo?"),
    ("hub.state_interval_s", 60.5, "hub.state_interval_s", "the fraction", "5 to 3600"),
    ("hub.state_interval_s", True, "hub.state_interval_s", "true", "5 to 3600"),
    ("hub.state_interval_s", "60", "hub.state_interval_s", "'60'", "5 to 3600"),
    ("hub.state_interval_s", 4, "hub.state_interval_s", "4", "5 to 3600"),
    ("hub", "hub-1", "hub", "'hub-1'", "[hub]"),
    ("hbu", {}, "hbu", "an unknown section", "did you mean hub?"),
    ("uplink.brokers", "mqtt://localhost", "uplink.brokers", "a single text", "[ ]"),
    ("uplink.brokers", [], "uplink.brokers", "a list", "1 to 4"),
    ("uplink.brokers", ["mqtt://localhost"] * 5, "uplink.brokers", "a list", "1 to 4"),
    ("uplink.brokers", ["mqtt://broker.example"], "uplink.brokers", "another machine", "mqtts://"),
    ("uplink.brokers", ["mqtt://localhost.example"], "uplink.brokers", "another machine", "mqtts://"),
    ("uplink.brokers", ["mqtt://127.evil.example"], "uplink.brokers", "another machine", "mqtts://"),
    ("uplink.brokers", ["http://localhost"], "uplink.brokers", "'http://localhost'", "mqtts://host"),
    ("uplink.brokers", ["mqtts://user:pass@b.example"], "uplink.brokers", "a user name", "certificate"),
    (
        "uplink.brokers",
        ["mqtts://b.example/path"],
        "uplink.brokers",
        "'mqtts://b.example/path'",
        "nothing behind",
    ),
    ("uplink.brokers", ["mqtts://b.example:0"], "uplink.brokers", "'mqtts://b.example:0'", "1 to 65535"),
    (
        "uplink.brokers",
        ["mqtts://b.example:65536"],
        "uplink.brokers",
        "'mqtts://b.example:65536'",
        "1 to 65535",
    ),
    ("uplink.brokers", ["mqtts://b.example:"], "uplink.brokers", "'mqtts://b.example:'", "mqtts://host"),
    ("uplink.brokers", ["mqtts://"], "uplink.brokers", "'mqtts://'", "mqtts://host"),
    ("uplink.brokers", ["mqtts://[::1"], "uplink.brokers", "'mqtts://[::1'", "mqtts://host"),
    ("uplink.brokers", ["http://u:hunter2@b"], "uplink.brokers", "a URL with a user name", "mqtts://host"),
    ("uplink.brokers", [7], "uplink.brokers", "7", "mqtts://host"),
    ("uplink.brokers", ["mqtts://b.example"], "uplink.ca", "nothing", "mqtts:// needs it"),
    ("uplink.key", "-----BEGIN\nPRIVATE", "uplink.key", "several lines", "path of a file"),
    ("platform.root_public_key", ROOT[1:], "platform.root_public_key", "63 hexadecimal digits", "64"),
    ("platform.root_public_key", "root.pem", "platform.root_public_key", "'root.pem'", ".pub"),
    ("storage.capacity_mb", 0, "storage.capacity_mb", "0", "1 to"),
    ("radio.backend", "bluetooth", "radio.backend", "'bluetooth'", "bluez, bumble, none"),
    ("radio.backend", "bumble", "radio.transport", "nothing", "usb:0"),
    ("radio.backend", "none", "radio.backend", "'none'", "Front door"),
    ("device", {}, "device", "a table", "[[device]]"),
    ("device", ["door"], "device", "'door'", "[[device]]"),
    ("device.0", {}, "device[#1].name", "nothing", "1 to 64"),
    ("device.0.name", "x" * 65, "device[" + "x" * 65 + "].name", "65 characters", "1 to 64"),
    ("device.0.name", "Door\x07", "device[Door\x07].name", "control", "without"),
    ("device.0.name", "Oximeter", "device[Oximeter].name", "which device[Oximeter] has too", "its own"),
    ("device.0.driver", "bthom", "device[Front door].driver", "'bthom'", "did you mean bthome?"),
    ("device.0.driver", "dispenser", "device[Front door].port", "nothing", "reached by its port"),
    ("device.0.port", "/dev/x", "device[Front door].address", "both address and port", "one of them"),
    ("device.0.sender", "01825DAB", "device[Front door].address", "both address and sender", "one of them"),
    ("device.0.sender", "01825DA", "device[Front door].sender", "'01825DA'", "01:82:5D:AB"),
    ("device.0.driver", "enocean", "device[Front door].sender", "nothing", "reached by its sender"),
    ("device.0.port", "usb:403:6001", "device[Front door].port", "'usb:403:6001'", "usb:0403:6001/FT1ABCDE"),
    ("device.0.port", "usb:0403:6001/", "device[Front door].port", "'usb:0403:6001/'", "usb:VID:PID"),
    ("device.0.port", "sokcet://h:1", "device[Front door].port", "'sokcet://h:1'", "did you mean socket?"),
    ("enocean.port", "", "enocean.port", "''", "1 to 256"),
    ("device.0.address", None, "device[Front door].address", "nothing", "AA:BB"),
    ("device.0.address", "aa:bb:cc:00:00", "device[Front door].address", "'aa:bb", "AA:BB"),
    ("device.0.address", "aa:bb:cc:00:00:0g", "device[Front door].address", "'aa:bb", "AA:BB"),
    ("device.0.address", "aa:bb:cc:00:00:02", "device[Oximeter].address", "has too", "its own"),
    (
        "device.0.key",
        "231d39c1d7cc1ab1aee224cd096db932",
        "device[Front door].key",
        "the key itself",
        "[keys]",
    ),
    ("device.0.key", "23:1d:39:c1:d7:cc:1a:b1:ae", "device[Front door].key", "the key itself", "[keys]"),
    ("device.0.key", "../../etc/passwd", "device[Front door].key", "'../../etc/passwd'", "letters"),
    ("device.0.key", "Door", "device[Front door].key", "'Door'", "small letters"),
    ("device.0.key", "identity", "device[Front door].key", "'identity'", "not 'identity'"),
    ("device.1.passkey_ref", "123456", "device[Oximeter].passkey_ref", "the passkey itself", "[keys]"),
    ("device.1.record", "every_s:0", "device[Oximeter].record", "'every_s:0'", "1 to 86400"),
    ("device.1.record", "every_s:", "device[Oximeter].record", "'every_s:'", "every_s:N"),
    ("device.1.record", "some", "device[Oximeter].record", "'some'", "stable"),
    ("device.1.interval_s", 0, "device[Oximeter].interval_s", "0", "1 to"),
    ("device.1.options", {"x": 1}, "device[Oximeter].options.x", "an unknown key", "no options"),
    ("device.1.options", {"x": [1]}, "device[Oximeter].options", "a list for x", "whole number"),
    ("device.1.options", {"x": ROOT}, "device[Oximeter].options", "looks like a key", "`key`"),
    ("rule.0.type", "night", "rule[#1].type", "'night'", "night_window"),
    ("rule.0.device", "Fornt door", "rule[#1].device", "'Fornt door'", "did you mean Front door?"),
    ("rule.0.from", "24:00", "rule[#1].from", "'24:00'", "23:59"),
    ("rule.0.from", "6:00", "rule[#1].from", "'6:00'", "22:00"),
    ("rule.0.to", 6, "rule[#1].to", "6", "22:00"),
    ("rule.0.until", "06:00", "rule[#1].until", "an unknown key", "from"),
    ("rule.1.from", "06:00", "rule[Doses].from", "an unknown key", "device, name, type"),
    ("rule.0.name", "Doses", "rule[Doses].name", "'Doses' twice", "its own"),
)


def test_every_refusal_names_key_finding_and_expectation() -> None:
    assert refusal(home()) is None
    for path, value, key, found, expected in REFUSED:
        error = refusal(changed(home(), path, value))
        assert error is not None, (path, value)
        assert error.key == key, (path, value, error.key)
        assert found in error.found, (path, value, error.found)
        assert expected in error.expected, (path, value, error.expected)
        assert error.source == "hub.toml"
        assert str(error).startswith("hub.toml: " + key + ": found ")


def test_no_refusal_repeats_what_may_be_a_secret() -> None:
    secrets = (
        ("device.0.key", "231d39c1d7cc1ab1aee224cd096db932"),
        ("device.1.passkey_ref", "493817"),
        ("device.1.options", {"bindkey": "231d39c1d7cc1ab1aee224cd096db932"}),
        ("uplink.brokers", ["mqtts://user:hunter2@b.example"]),
        ("uplink.key", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n"),
        ("hub.time_zone", "231d39c1d7cc1ab1aee224cd096db932"),
    )
    for path, value in secrets:
        error = refusal(changed(home(), path, value))
        for secret in ("231d39c1", "493817", "hunter2", "MC4CAQ"):
            assert secret not in str(error), path


def test_a_tree_that_is_no_tree_is_refused() -> None:
    for tree in (None, [], "hub", 1):
        error = refusal(tree)
        assert error is not None and error.key == "(file)"


def test_there_is_a_limit_to_devices_and_rules() -> None:
    many = smallest()
    many["device"] = [
        {"name": "D" + str(n), "driver": "bthome", "address": "AA:BB:CC:00:00:" + hex(0x100 + n)[3:]}
        for n in range(65)
    ]
    error = refusal(many)
    assert error is not None and (error.key, error.found, error.expected) == (
        "device",
        "65 tables",
        "at most 64",
    )
    many["device"].pop()
    assert refusal(many) is None
    many["rule"] = [{"type": "dose", "device": "D1", "name": "R" + str(n)} for n in range(65)]
    error = refusal(many)
    assert error is not None and error.key == "rule"


def test_broker_urls_are_read() -> None:
    table = (
        ("mqtts://broker.example", "broker.example", 8883, True),
        ("mqtts://broker.example:8884", "broker.example", 8884, True),
        ("mqtts://[2001:db8::1]", "2001:db8::1", 8883, True),
        ("mqtts://[::1]:1", "::1", 1, True),
        ("mqtt://127.0.0.1:65535", "127.0.0.1", 65535, False),
        ("mqtt://[::1]", "::1", 1883, False),
    )
    for url, host, port, tls in table:
        tree = changed(smallest(), "uplink.brokers", [url])
        for name in ("ca", "certificate", "key"):
            tree["uplink"][name] = "/etc/trygg/" + name
        broker = validate(tree, "").uplink.brokers[0]
        assert (broker.host, broker.port, broker.tls) == (host, port, tls)
        assert Broker(host, port, tls) == broker
        tree["uplink"]["brokers"] = [str(broker)]
        assert validate(tree, "").uplink.brokers == [broker]


def test_the_nearest_known_word_is_suggested() -> None:
    for found, known, best in (
        ("tenent", ("tenant", "id"), "tenant"),
        ("hbu", ("hub", "keys"), "hub"),
        ("zzz", ("hub", "keys"), ""),
        ("", ("hub",), ""),
        ("brokers_list", ("brokers",), ""),
    ):
        assert suggestion(found, known) == (" (did you mean " + best + "?)" if best else ""), found
    assert (
        distance("", "abc"),
        distance("abc", "abc"),
        distance("ab", "ba"),
        distance("kitten", "sitting"),
    ) == (
        3,
        0,
        1,
        3,
    )
    assert suggestion(7, ("hub",)) == ""


def test_enocean_sensors_share_the_transceiver_and_each_has_a_sender_of_its_own() -> None:
    def sensors() -> dict:
        tree = smallest()
        tree["enocean"] = {"port": "usb:0403:6001/FT1ABCDE"}
        tree["device"] = [
            {"name": "A", "driver": "enocean", "sender": "01:82:5d:01", "options": {"profile": "F6-05-02"}},
            {"name": "B", "driver": "enocean", "sender": "01825d02", "options": {"profile": "D5-00-01"}},
            {"name": "O", "driver": "nonin_serial", "port": "/dev/x", "options": {"format": 2}},
        ]
        return tree

    config = validate(sensors(), "hub.toml")
    assert config.enocean.port == "usb:0403:6001/FT1ABCDE"
    assert [device.sender for device in config.devices] == ["01:82:5D:01", "01:82:5D:02", None]
    for path, value, key, found in (
        ("enocean", {}, "enocean.port", "nothing"),
        ("enocean.port", "/dev/x", "enocean.port", "which device[O] has too"),
        ("device.1.sender", "01825D01", "device[B].sender", "which device[A] has too"),
        ("device.1.options.profile", "F6-05-03", "device[B].options.profile", "'F6-05-03'"),
        ("device.1.options", {}, "device[B].options.profile", "nothing"),
        ("device.2.options.format", 3, "device[O].options.format", "3"),
        ("device.2.options.fromat", 2, "device[O].options.fromat", "an unknown key"),
    ):
        error = refusal(changed(sensors(), path, value))
        assert error is not None and (error.key, found in error.found) == (key, True), (path, str(error))


def test_values_are_described_by_their_sort() -> None:
    table = (
        (None, "nothing"),
        (True, "true"),
        (5, "5"),
        ("x", "'x'"),
        ("ab" * 16, "32 hexadecimal digits"),
        ("a\nb", "text of several lines"),
        ({}, "a table"),
        ([], "a list"),
    )
    for value, words in table:
        assert describe(value) == words


def test_tables_name_no_key_twice() -> None:
    tables = (
        [SECTIONS[name] for name in SECTIONS] + [DEVICE] + [RULE + RULE_TYPES[kind] for kind in RULE_TYPES]
    )
    for rows in tables:
        names = [row[0] for row in rows]
        assert len(names) == len(set(names))
    assert not [name for name in LISTS if name in SECTIONS]


def test_the_page_is_served_at_an_address_or_an_interface_and_nowhere_unless_it_is_named() -> None:
    page = validate(smallest(), "hub.toml").page
    assert page.listen is None and page.port == 8443 and not page.open_at_start and page.window_min == 60
    for listen in ("192.168.1.20", "0.0.0.0", "::", "fd00::20", "eth0", "wlan0", "enp3s0", "br-lan"):
        tree = smallest()
        tree["page"] = {"listen": listen, "port": 9443, "open_at_start": True, "window_min": 5}
        assert validate(tree, "hub.toml").page.listen == listen
    tree["page"] = {"listen": "lo", "access_point": True}
    assert validate(tree, "hub.toml").page.access_point
    tree["page"] = {"access_point": True}
    error = refusal(tree)
    assert error is not None and error.key == "page.listen" and error.found == "nothing"
    for listen in (
        "",
        "x",
        "Eth0",
        "eth 0",
        "host.example",
        "https://x",
        "an-interface-too-long",
        8443,
        True,
        "a/b",
    ):
        tree = smallest()
        tree["page"] = {"listen": listen}
        key, expected = "", ""
        try:
            validate(tree, "hub.toml")
        except ConfigError as error:
            key, expected = error.key, error.expected
        assert key == "page.listen" and "an interface such as eth0" in expected, listen
