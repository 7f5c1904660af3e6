"""Configuration files: reading layers, and the last good configuration that a hub falls back to."""

import contextlib
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.core import config_afar
from gateway.core.config import Config, validate
from gateway.core.config_layers import merge, source_of
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.toml_text import dump

if TYPE_CHECKING:
    from gateway.core.config_drivers import DriverConfig
    from gateway.core.config_layers import Layer
    from gateway.core.devices.driver import Driver

DEFAULT = Path("/etc/trygg/hub.toml")
DEFAULT_DATA = Path("/var/lib/trygg")
LAST_GOOD = "last-good.toml"
PUBLISHED = (
    "published.cbor"  # in the gateway's data: the layer from afar, behind the files of the command line
)
INSTALLED = (
    "installed.toml"  # in the gateway's data: the layer that an installation writes, behind all others
)
LARGEST = 256 * 1024
# Keys that name files: relative ones count from the folder of the layer that says them.
PATHS = {
    "hub": ("data_directory",),
    "uplink": ("ca", "certificate", "key"),
    "platform": ("root_public_key",),
    "storage": ("path",),
    "radio": ("bonds",),
    "keys": ("directory",),
}
FIRST_LINES = (
    "# Written by trygg when this configuration had started well. The hub uses it when its own is bad.\n"
)


class Loaded:
    """A checked configuration, with the layers and the tree it came from; `published` is the one from afar among them, or None."""

    def __init__(
        self, config: Config, layers: "list[Layer]", tree: dict[str, Any], published: bytes | None = None
    ) -> None:
        self.config = config
        self.layers = layers
        self.tree = tree
        self.published = published

    @contextlib.contextmanager
    def blaming(self) -> Iterator[None]:
        """While inside, a fault of this configuration names the file that says the key, and not the one that was read last."""
        try:
            yield
        except ConfigError as error:
            if error.source in ("", self.config.source):
                error.source = blamed(self.layers, error.key)
            raise


def load(paths: Sequence[Path]) -> Loaded:
    """Read layers, the later wins: the files, what came from afar, what an installation added; and check what comes out.

    Raises:
        ConfigError: a file that cannot be read, or the first key that cannot be used, with the file that holds it.
    """
    return load_with(paths, published(data_directory(paths)))


def load_with(paths: Sequence[Path], from_afar: bytes | None) -> Loaded:
    """As `load`, with another layer from afar. Raises ConfigError."""
    layers, data = layers_of(paths), data_directory(paths)
    if from_afar is not None:
        layers.append((str(data / PUBLISHED), read_published(from_afar, data / PUBLISHED)))
    installed = data / INSTALLED
    if os.access(installed, os.R_OK):
        layers.append((str(installed), read(installed)))
    loaded = checked(layers)
    loaded.published = from_afar
    return loaded


def published(data: Path) -> bytes | None:
    """The layer from afar that is kept there, or None, also for whoever may not look there. Raises ConfigError."""
    try:
        return (data / PUBLISHED).read_bytes()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        raise ConfigError(
            "(file)",
            f"nothing that can be read ({error.strerror})",
            "a configuration that trygg-kit config compiled",
            str(data / PUBLISHED),
        ) from error


def read_published(data: bytes, path: Path) -> dict[str, Any]:
    """The tree of a layer from afar. Raises ConfigError."""
    try:
        return config_afar.read(data)
    except RefusedError as error:
        raise ConfigError("(file)", error.reason, "no such key", str(path)) from error
    except ConfigError as error:
        error.source = str(path)
        raise


def layers_of(paths: Sequence[Path]) -> "list[Layer]":
    """The files as layers. Raises ConfigError."""
    return [(str(path), read(path)) for path in paths]


def checked(layers: "list[Layer]") -> Loaded:
    """What comes out of layers. Raises ConfigError, with the file that holds the key."""
    tree = merge(layers)
    try:
        return Loaded(validate(tree, last_written(layers), plugged), layers, tree)
    except ConfigError as error:
        error.source = blamed(layers, error.key)
        raise


def blamed(layers: "list[Layer]", key: str) -> str:
    """The file to mend: the last that says the key, or the list that it is a place in; where none does the last that a person writes."""
    nobody: list[Layer] = [*layers, ("", {})]
    return source_of(nobody, key) or source_of(nobody, key.partition("[")[0]) or last_written(layers)


def last_written(layers: "list[Layer]") -> str:
    """The last file that a person writes: not what came from afar, and not what the hub itself keeps of an installation."""
    return (by_hand(layers) or [source for source, _ in layers])[-1]


def by_hand(layers: "list[Layer]") -> list[str]:
    """The files that a person writes."""
    return [source for source, _ in layers if Path(source).name not in (PUBLISHED, INSTALLED)]


def plugged(rows: "list[DriverConfig]") -> "dict[str, type[Driver]]":
    """Drivers of other packages; what loads them is imported only where one is named."""
    from gateway.daemon import plugins

    return plugins.load(rows)


def read(path: Path) -> dict[str, Any]:
    """One TOML file with its paths made absolute. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            "(file)", f"nothing that can be read ({error.strerror})", "a TOML file: check the path", str(path)
        ) from error
    if len(data) > LARGEST:
        raise ConfigError("(file)", f"more than {LARGEST} bytes", "a configuration", str(path))
    try:
        tree = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            "(file)", f"byte {error.start} that is no UTF-8", "text in UTF-8", str(path)
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise no_toml(path, data, error) from error
    make_absolute(tree, path.absolute().parent)
    return tree


def no_toml(path: Path, data: bytes, error: tomllib.TOMLDecodeError) -> ConfigError:
    """The fault of a file that is no TOML: our words with its line, those of the parser as a detail."""
    said, _, place = str(error).rpartition(" (at ")
    number = re.match(r"line (\d+)", place)  # else "end of document"
    line = int(number.group(1)) if number else max(1, len(data.decode("utf-8-sig").splitlines()))
    found = f"what is no TOML on line {line} or just before it ({said or error})"
    return ConfigError("(file)", found, "key = value, text in quotes: mend the line", str(path))


def make_absolute(tree: dict[str, Any], folder: Path) -> None:
    """Let relative paths in a tree count from `folder`."""
    for section, keys in PATHS.items():
        table = tree.get(section)
        if not isinstance(table, dict):
            continue
        for key in keys:
            value = table.get(key)
            if isinstance(value, str) and value and (key != "root_public_key" or value.endswith(".pub")):
                table[key] = str(folder / value)


def load_or_last_good(paths: Sequence[Path]) -> Loaded:
    """What `load` gives, or where that fails the last good configuration with `config.fault` set.

    Raises:
        ConfigError: the fault of the given files, where there is no last good configuration either.
    """
    try:
        return load(paths)
    except ConfigError as error:
        return last_good(paths, error)


def last_good(paths: Sequence[Path], fault: ConfigError) -> Loaded:
    """The last good configuration, its fault set. Raises `fault` where there is none that can be used."""
    try:
        loaded = checked(layers_of([data_directory(paths) / LAST_GOOD]))
    except ConfigError:
        raise fault from None
    loaded.config.fault = str(fault)
    return loaded


def save_last_good(loaded: Loaded) -> None:
    """Keep a configuration that has started well; whole or not at all. Raises OSError."""
    path = Path(loaded.config.hub.data_directory) / LAST_GOOD
    text = FIRST_LINES + dump(loaded.tree)
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    replace_private(path, text)


def replace_private(path: Path, text: str | bytes) -> None:
    """Write a file that only its owner reads; whole or not at all, and still there after a power cut. Raises OSError."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Let what was named or removed in a folder survive a power cut. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def data_directory(paths: Sequence[Path]) -> Path:
    """Where the hub of these files keeps its data, however bad the files are."""
    found = salvage(paths, "data_directory")
    return Path(found) if found is not None else DEFAULT_DATA


def key_folder(paths: Sequence[Path]) -> Path:
    """Where the hub of these files keeps keys: as the last readable file says, else in its data."""
    found = None
    for path in paths:
        with contextlib.suppress(ConfigError, KeyError, TypeError):
            found = read(path)["keys"]["directory"]
    return Path(found) if isinstance(found, str) and found else data_directory(paths) / "keys"


def salvage(paths: Sequence[Path], key: str) -> str | None:
    """What the last readable file says of a key of `[hub]`, by its text alone where it is no TOML."""
    found = None
    for path in paths:
        try:
            value = read(path)["hub"][key]
        except (ConfigError, KeyError, TypeError):
            value = find_text(path, key)
        if isinstance(value, str) and value:
            found = value
    return found


def find_text(path: Path, key: str) -> str | None:
    """The value on the first line `key = "value"` of a file that does not parse."""
    try:
        text = path.read_bytes()[:LARGEST].decode("utf-8", "replace")
    except OSError:
        return None
    line = re.search(rf"""^[ \t]*{re.escape(key)}[ \t]*=[ \t]*["']([^"'\n]+)["']""", text, re.MULTILINE)
    if line is None:
        return None
    return str(path.absolute().parent / line.group(1)) if key in PATHS["hub"] else line.group(1)
