"""District profiles: what the homes of a district share, as one file that a mail carries, and back as a layer of configuration.

The file is TOML: the layer itself, the authority's certificate as text, and SHA-256 of both. Only what is listed here goes in;
what looks like a key never does, wherever it stands. The root key is not of a profile either: whoever sends a profile must not say whom a
gateway trusts.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.configuration import LARGEST
from gateway.daemon.toml_text import dump
from tools.authority.given import certificates, certificates_in

Tree = dict[str, Any]
FORMAT = 1
CA_FILE = "{name}-ca.pem"
SHARED: dict[str, tuple[str, ...]] = {
    "hub": ("tenant", "language", "time_zone", "state_interval_s", "self_test_at"),
    "quiet": ("from", "to", "light", "offline_min"),
    "uplink": ("brokers", "ca"),
    "storage": ("capacity_mb",),
    "page": ("listen", "port", "open_at_start", "access_point", "window_min"),
}
RULES = "rule"
ROOT = "platform.root_public_key"  # for everybody to know
# 16 bytes or more in hex, or a PEM block of anything but a certificate
HEX_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}(?:[ :-]?[0-9A-Fa-f]{2}){15,}(?![0-9A-Za-z])")
BASE64_KEY = re.compile(
    r"(?<![\w+/=-])(?=[\w+/]*\d)(?=[\w+/]*[a-z])(?=[\w+/]*[A-Z])[A-Za-z0-9+/]{22,}={0,2}(?![\w+/=])"
)
PEM_KEY = re.compile(r"-----BEGIN (?!CERTIFICATE-----)[A-Z0-9 ]*-----")
REFERENCES = ("key", "passkey_ref")
SECRET_NAMES = (*REFERENCES, "passkey", "password", "secret", "token", "psk", "pin")


def key_places(value: object, where: str, *, references: bool) -> Iterator[str]:
    """Where anything beneath `value` looks like a key, or stands under a name of secrets.

    references: whether what names a file or an entry of the key store, under one of `REFERENCES`, is none.
    """
    if isinstance(value, dict):
        for name, item in value.items():
            if looks_like_key(str(name)):
                yield where
            path = f"{where}.{name}" if where else str(name)
            lowered = str(name).lower()
            if lowered in SECRET_NAMES and not (references and lowered in REFERENCES and is_reference(item)):
                yield path
            yield from key_places(item, path, references=references)
    elif isinstance(value, list):
        for item in value:
            yield from key_places(item, where, references=references)
    elif isinstance(value, str) and looks_like_key(value):
        yield where


def is_reference(value: object) -> bool:
    """Whether it may name a file: a passkey has digits alone, and what looks like a key is found by itself."""
    return isinstance(value, str) and not value.isdecimal()


def refuse_keys(value: object, where: str) -> None:
    """Raises RefusedError where anything beneath `value` looks like a key; it is not repeated."""
    for place in key_places(value, where, references=False):
        refuse(place)


def refuse(where: str) -> None:
    """Raises RefusedError."""
    raise RefusedError(f"{where} looks like a key: a profile never holds one")


def looks_like_key(text: str) -> bool:
    """16 bytes in hex, as many in base 64 with letters and digits mixed, or PEM that is no certificate."""
    return any(pattern.search(text) for pattern in (HEX_KEY, BASE64_KEY, PEM_KEY))


class Left(NamedTuple):
    """What stays behind: a home's own, by name, and of that what looks like a key."""

    names: list[str]
    secrets: list[str]


def export(tree: Tree, name: str) -> tuple[str, Left]:
    """The file of a profile, and what is a home's own and stays behind.

    tree: merged layers, the path of `uplink.ca` absolute.

    Raises:
        ConfigError: no certificate at `uplink.ca`.
        RefusedError: something that would go in looks like a key.
    """
    layer: Tree = {}
    left: dict[str, object] = {}
    for section, table in tree.items():
        if section == RULES:
            layer[RULES] = table
        elif isinstance(table, dict):
            kept = {key: value for key, value in table.items() if key in SHARED.get(section, ())}
            left |= {f"{section}.{key}": {key: value} for key, value in table.items() if key not in kept}
            if kept:
                layer[section] = kept
        else:
            left[f"[[{section}]]"] = table
    authority = ""
    if "ca" in layer.get("uplink", {}):
        _, found = certificates("uplink.ca", Path(layer["uplink"]["ca"]))
        # These and nothing else that may be in the file.
        authority = "".join(each.public_bytes(Encoding.PEM).decode() for each in found)
        layer["uplink"]["ca"] = CA_FILE.format(name=name)
    refuse_keys(layer, "")
    secrets = [
        name for name, value in left.items() if name != ROOT and [*key_places(value, "", references=True)]
    ]
    return whole(name, layer, authority), Left(sorted(left), sorted(secrets))


def whole(name: str, layer: Tree, authority: str) -> str:
    """The file."""
    body = dump(layer)
    head = {
        "format": FORMAT,
        "name": name,
        "sha256": digest(name, body, authority),
        "ca": authority,
        "layer": body,
    }
    return "# A district profile of Trygg: trygg-kit profile import\n" + dump({"profile": head})


def digest(name: str, body: str, authority: str) -> str:
    """What shows that nothing was damaged or cut; it proves nothing of who sent it."""
    return hashlib.sha256("\0".join([name, body, authority]).encode()).hexdigest()


def read(text: str, source: str) -> tuple[str, str, str]:
    """(name, layer as TOML, certificates as PEM) of a profile's file.

    Raises:
        ConfigError: not such a file, damaged, or with what is not of a profile.
        RefusedError: something looks like a key.
    """
    if len(text) > LARGEST:
        raise ConfigError(
            "(file)", f"more than {LARGEST} bytes", "a profile of trygg-kit profile export", source
        )
    try:
        head = tomllib.loads(text)["profile"]
        name, body, authority = str(head["name"]), str(head["layer"]), str(head["ca"])
        layer = tomllib.loads(body)
        is_ours = head["format"] == FORMAT and set(head) == {"format", "name", "sha256", "ca", "layer"}
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        is_ours, name, body, authority, head, layer = False, "", "", "", {}, {}
    if not is_ours:
        raise ConfigError("(file)", "something else", "a profile of trygg-kit profile export", source)
    if head["sha256"] != digest(name, body, authority):
        raise ConfigError("(file)", "a profile that was changed or damaged", "it as it was exported", source)
    check_layer(layer, name, authority, source)
    return name, body, authority


def check_layer(layer: Tree, name: str, authority: str, source: str) -> None:
    """Only what is of a profile, and the file of the authority beside it. Raises ConfigError, RefusedError."""
    refuse_keys(layer, "")
    for section, table in layer.items():
        if section == RULES:
            continue
        allowed = SHARED.get(section, ())
        for key in table if isinstance(table, dict) else [section]:
            if key not in allowed:
                raise ConfigError(
                    f"{section}.{key}", "what is a home's own", "what a district shares", source
                )
    if PEM_KEY.search(authority):
        refuse("uplink.ca")
    ca = layer.get("uplink", {}).get("ca")
    if ca is not None and (ca != CA_FILE.format(name=name) or not authority):
        raise ConfigError("uplink.ca", "another file", "the certificate that comes with the profile", source)
    if authority:
        certificates_in(authority.encode(), "uplink.ca", source)
