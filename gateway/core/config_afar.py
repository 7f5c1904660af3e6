"""Configuration from afar (DESIGN.md 4, `config`): a layer as deterministic CBOR, and what may not stand in it.

It is a layer like those on the gateway and wins over them; only what an installation added in the home comes after it. Who a
gateway is, whom it believes, and the files it proves itself with stay what they were where it was provisioned: with another of
those nobody could take a mistake back from afar. So do the ways in and out of the home: which radio, who serves a page and when,
ports that are another machine's, which packages bring drivers, how much of the disk is the journal's, and whether rules judge
measurements. A key with the role `config` is no key to any of those.
"""

from gateway.core import cbor
from gateway.core.config_layers import leaves
from gateway.core.errors import ConfigError, DecodeError, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config_layers import Tree

SOURCE = "down/config"  # named in errors
LOCAL = {
    "hub": ("id", "tenant", "data_directory", "medical_device_functions"),
    "uplink": ("ca", "certificate", "key"),
    "platform": ("root_public_key",),
    "storage": ("path", "capacity_mb"),
    "radio": ("backend", "transport", "bonds"),
    "keys": ("directory",),
    "page": ("listen", "open_at_start", "access_point"),
}
LOCAL_LISTS = ("driver",)  # a row replaces the one of its name, and with it the version that was approved
NETWORK = "://"  # of a port that is a URL: another machine's


def read(data: bytes) -> "Tree":
    """The layer that a configuration message holds; `config.validate` checks what comes of it.

    Raises:
        ConfigError: no tables.
        RefusedError: a key that may not come from afar.
    """
    try:
        tree = cbor.decode(data)
    except DecodeError as error:
        raise ConfigError("(file)", str(error), "a configuration that trygg-kit config compiled", SOURCE)
    if not isinstance(tree, dict) or not is_named(tree):
        raise ConfigError("(file)", "no tables", "a configuration that trygg-kit config compiled", SOURCE)
    refuse_local(tree)
    return tree


def is_named(value: object) -> bool:
    """Whether every key of a table, and of what is in it, is text, as in a file: whoever looks at a layer sorts its keys."""
    if isinstance(value, dict):
        return all([isinstance(key, str) and is_named(item) for key, item in value.items()])
    return not isinstance(value, list) or all([is_named(item) for item in value])


def refuse_local(tree: "Tree") -> None:
    """Raises RefusedError for the first key that may not come from afar; it names no device (N7)."""
    found = [name for name in LOCAL_LISTS if name in tree]
    for section in sorted(LOCAL):
        table = tree.get(section)
        found += [section + "." + key for key in LOCAL[section] if isinstance(table, dict) and key in table]
    if found:
        raise RefusedError(found[0] + " may not come from afar; it is given where the gateway is provisioned")
    devices = tree.get("device")
    for key, rows in (("enocean.port", [tree.get("enocean")]), ("device[].port", devices)):
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and NETWORK in str(row.get("port")):
                raise RefusedError(
                    "a port of the network ("
                    + key
                    + ") may not come from afar; give it to the gateway itself"
                )


def compiled(tree: "Tree") -> bytes:
    """A layer as bytes; what may not come from afar is refused, not left out. Raises ConfigError, RefusedError."""
    refuse_local(tree)
    try:
        return cbor.encode(tree)
    except (DecodeError, ValueError, TypeError) as error:
        raise ConfigError("(file)", str(error), "tables of text, whole numbers, true and false", SOURCE)


def changes(layer: "Tree", before: "Tree") -> "list[str]":
    """Keys that a layer says otherwise than what was merged before it, or adds; in order."""
    said, known = leaves(layer), leaves(before)
    return [key for key in sorted(said) if known.get(key) != said[key] or key not in known]
