"""What may not leave a home in an export: its secrets, its names; how names are replaced, and how what is left over is found.

A secret is found in any of the forms it is usually written in, a name as a whole word. The search knows nothing of how an export
is made: it reads the finished files, and an export in which it finds anything is not handed out.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.core.config import Config
from gateway.daemon.install_home import reference_of

SHORTEST_SECRET = 8  # bytes that are searched for wherever they stand; shorter ones (passkeys) as whole words
# Keys of a configuration whose values are names of this home, or lead to it.
NAMES = ("name", "room", "address", "sender", "port", "key", "passkey_ref", "device", "serial_number")
WORD = r"[\w]"


class Known:
    """What is searched for. names: name to what stands for it. secrets: bytes.

    vocabulary: words of ours that a home may have taken for a name, too, such as a kind or a driver; a text that is such a word and
    nothing else stays, and is no leak.
    """

    def __init__(
        self, names: Mapping[str, str], secrets: Iterable[bytes], vocabulary: frozenset[str] = frozenset()
    ) -> None:
        self.vocabulary = vocabulary
        self.names = {name: names[name] for name in sorted(names, key=len, reverse=True) if name.strip()}
        self.secrets = sorted({each for each in secrets if each})
        ordered = "|".join(re.escape(name) for name in self.names)
        self._names = re.compile(f"(?<!{WORD})(?:{ordered})(?!{WORD})") if ordered else None

    def without_names(self, text: str) -> str:
        """A text with what stands for each name."""
        if self._names is None or text in self.vocabulary:
            return text
        return self._names.sub(lambda met: self.names[met[0]], text)

    def scrubbed(self, value: Any) -> Any:
        """The same of every text in a value of JSON, keys of tables included."""
        if isinstance(value, str):
            return self.without_names(value)
        if isinstance(value, dict):
            return {self.without_names(str(key)): self.scrubbed(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.scrubbed(item) for item in value]
        return value

    def names_in(self, text: str) -> bool:
        """Whether a name stands in a text."""
        return (
            self._names is not None and text not in self.vocabulary and self._names.search(text) is not None
        )


def leaks(files: Mapping[str, bytes], known: Known) -> list[tuple[str, str]]:
    """(file, `secret` or `name`) of everything that should not be there. What it is, is not repeated."""
    found = []
    for name, data in sorted(files.items()):
        if any(form in data for secret in known.secrets for form in forms(secret)) or any(
            re.search(rb"(?<!\w)" + re.escape(short) + rb"(?!\w)", data)
            for short in known.secrets
            if len(short) < SHORTEST_SECRET
        ):
            found.append((name, "secret"))
        if any(known.names_in(text) for text in texts_of(data)):
            found.append((name, "name"))
    return found


def forms(secret: bytes) -> Iterator[bytes]:
    """A secret as it may be written: itself, in hex, in base 64 at each of its three places."""
    if len(secret) < SHORTEST_SECRET:
        return
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret)
        inner = encoded[-(-shift * 8 // 6) : len(encoded) - (4 if (shift + len(secret)) % 3 else 0)]
        if len(inner) >= SHORTEST_SECRET:
            yield inner
            yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def texts_of(data: bytes) -> Iterator[str]:
    """Every text of a JSON file; of another file all of it."""
    text = data.decode("utf-8", "replace")
    try:
        tree = json.loads(text)
    except ValueError:
        yield text
        return
    yield from leaves(tree)


def leaves(value: Any) -> Iterator[str]:
    """Texts of a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)


# --- what a gateway knows ---------------------------------------------------------------------------------------------


def known_of(
    config: Config, trees: Iterable[Any], placements: Mapping[str, int], vocabulary: frozenset[str]
) -> Known:
    """All secrets and names of a gateway. trees: what its configuration files say, good or bad. Raises OSError."""
    names: dict[str, str] = {}
    for number, device in enumerate(config.devices, 1):
        placement = placements.get(device.name)
        stands = f"device #{number}" if placement is None else f"device {placement}"
        names[device.name] = stands
        names.setdefault(reference_of(device.name), f"({stands})")  # advice on its key names the file
        for value in (device.address, device.sender, device.port, device.key, device.passkey_ref):
            if value is not None:
                names.setdefault(value, f"({stands})")
                names.setdefault(value.lower(), f"({stands})")
    rooms = dict.fromkeys(device.room for device in config.devices if device.room is not None)
    for number, room in enumerate(rooms, 1):
        names.setdefault(room, f"room {number}")
    for number, rule in enumerate(config.rules, 1):
        names.setdefault(rule.name, f"rule {number}")
    for tree in trees:
        for value in named(tree):
            names.setdefault(value, "(name)")
    if config.enocean.port is not None:
        names.setdefault(config.enocean.port, "(transceiver)")
    names.setdefault(str(Path(config.hub.data_directory)), "(data)")
    files = (
        config.source,
        config.uplink.ca,
        config.uplink.certificate,
        config.uplink.key,
        config.storage.path,
        config.radio.bonds,
        config.keys.directory,
    )
    for file in files:
        folder = Path(file or "/").absolute().parent
        if len(folder.parts) > 2:  # a folder of somebody's home may bear a name
            names.setdefault(str(folder), "(files)")
    return Known(names, secrets_of(config), vocabulary)


def named(tree: Any, key: str = "") -> Iterator[str]:
    """What a tree that may be wrong in any way says under keys that hold names."""
    if isinstance(tree, dict):
        for name, item in tree.items():
            if name != "uplink":  # whose `key` is a file
                yield from named(item, str(name))
    elif isinstance(tree, list):
        for item in tree:
            yield from named(item, key)
    elif isinstance(tree, str) and key in NAMES and tree.strip():
        yield tree


def secrets_of(config: Config) -> Iterator[bytes]:
    """Every secret in files: the key folder, the TLS key, bonds. Raises OSError where one may not be read."""
    folder = Path(config.keys.directory)
    if folder.exists():
        for path in sorted(folder.iterdir()):
            if path.is_file():
                yield from secrets_in(path.read_bytes())
    if config.uplink.key is not None and Path(config.uplink.key).exists():
        yield from secrets_in(Path(config.uplink.key).read_bytes())
    bonds = Path(config.radio.bonds)
    if bonds.exists():
        for text in leaves(json.loads(bonds.read_bytes() or b"{}")):
            if re.fullmatch(r"[0-9a-fA-F]{16,}", text):
                yield bytes.fromhex(text[: len(text) // 2 * 2])


def secrets_in(data: bytes) -> Iterator[bytes]:
    """The secrets of one file: its text, the bytes that it is hex of, each line of PEM and what they decode to."""
    text = data.strip()
    if not text.startswith(b"-----"):
        yield text
        if re.fullmatch(rb"(?:[0-9a-fA-F]{2}){8,}", text):
            yield bytes.fromhex(text.decode())
        return
    body = [line.strip() for line in text.splitlines() if line and not line.startswith(b"-----")]
    yield from (line for line in body if len(line) >= SHORTEST_SECRET)
    der = base64.b64decode(b"".join(body) + b"==")
    # PKCS #8 of P-256 (RFC 5915) has the private number behind this head, of Ed25519 (RFC 8410) at its end
    for head in (bytes.fromhex("0201010420"), bytes.fromhex("04220420")):
        at = der.find(head)
        if at >= 0:
            yield der[at + len(head) : at + len(head) + 32]
