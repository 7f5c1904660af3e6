"""What may stand in a configuration: the keys of each section, how each is checked, and what it is where nobody says."""

from gateway.core import config_fields as fields
from gateway.core.config_rules import NEEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config_fields import Check

    Row = tuple[str, Check, object]

# Section -> rows of (key, check, default). None as default: not set.
SECTIONS: "dict[str, list[Row]]" = {
    "hub": [
        ("id", fields.identifier, NEEDED),
        ("tenant", fields.identifier, NEEDED),
        ("language", fields.choice("nb", "en"), "nb"),
        ("time_zone", fields.zone, "Europe/Oslo"),
        ("state_interval_s", fields.whole(5, 3600), 60),
        ("self_test_at", fields.time_of_day, None),
        ("data_directory", fields.path, "/var/lib/trygg"),
        ("medical_device_functions", fields.flag, False),
    ],
    "uplink": [
        ("brokers", fields.brokers, NEEDED),
        ("ca", fields.path, None),
        ("certificate", fields.path, None),
        ("key", fields.path, None),
    ],
    "quiet": [
        ("from", fields.time_of_day, 22 * 60),
        ("to", fields.time_of_day, 7 * 60),
        ("light", fields.choice("off", "on"), "off"),
        ("offline_min", fields.whole(1, 1440), 15),
    ],
    "platform": [("root_public_key", fields.public_key, NEEDED)],
    "storage": [("path", fields.path, None), ("capacity_mb", fields.whole(1, 1_000_000), 256)],
    "radio": [
        ("backend", fields.choice("bluez", "bumble", "none"), "bluez"),
        ("adapter", fields.adapter, None),
        ("transport", fields.text(256), None),
        ("bonds", fields.path, None),
    ],
    "keys": [("directory", fields.path, None)],
    "enocean": [("port", fields.port, None)],
    "page": [
        ("listen", fields.listen, None),
        ("port", fields.whole(1024, 65_535), 8443),
        ("open_at_start", fields.flag, False),
        ("access_point", fields.flag, False),
        ("window_min", fields.whole(5, 480), 60),
    ],
}
DEVICE: "list[Row]" = [
    ("name", fields.text(), NEEDED),
    ("driver", fields.text(32), NEEDED),
    ("address", fields.address, None),
    ("port", fields.port, None),
    ("sender", fields.sender, None),
    ("room", fields.text(), None),
    ("key", fields.reference, None),
    ("passkey_ref", fields.reference, None),
    ("interval_s", fields.whole(1, 604_800), None),
    ("record", fields.record, "all"),
    ("maker", fields.text(), None),
    ("model", fields.text(), None),
    ("options", fields.options, None),
]
