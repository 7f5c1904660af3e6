"""Training (N27): the same program with a virtual home, all of whose events bear the mark of an exercise. What it runs with is its own for ever.

Three things keep training and operation apart, each without the others:

    the tenant      `training`, or `training-...`: no real platform has it, and a message of another tenant is refused there
    the keys        made in the training's own folder, which is marked; a folder that holds keys or a store and no mark is a real one's
    the mark        event key 8 on everything that is made, which every receiver shows

A tenant of training runs in no other way, so that nobody forgets the switch; what is marked never runs for real.
"""

from pathlib import Path

from gateway.core.config import Config
from gateway.core.errors import ConfigError
from hal.key_references import IDENTITY

TENANT = "training"
MARK = "training"
MARK_TEXT = "The keys and the store in this folder are for training. A gateway in operation refuses them.\n"


def is_tenant(tenant: str) -> bool:
    """Whether a tenant is one of training."""
    return tenant == TENANT or tenant.startswith(TENANT + "-")


def folders(config: Config) -> list[Path]:
    """Where a hub of this configuration keeps what is its own."""
    named = (config.hub.data_directory, config.keys.directory, str(Path(config.storage.path).parent))
    return list(dict.fromkeys(Path(name) for name in named))


def is_marked(folder: Path) -> bool:
    """Whether a folder is of training."""
    return (folder / MARK).exists()


def in_use(config: Config) -> Path | None:
    """A folder without mark in which there are keys or a store: those of a gateway in operation."""
    held = (Path(config.keys.directory) / f"{IDENTITY}.key", Path(config.storage.path))
    return next((path.parent for path in held if path.exists() and not is_marked(path.parent)), None)


def mark(folder: Path) -> None:
    """Let a folder be of training. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / MARK
    path.touch(mode=0o600)
    path.write_text(MARK_TEXT, encoding="ascii")


def check(config: Config, *, training: bool) -> None:
    """Refuse what belongs to the other side, and mark what is new to this one. Raises ConfigError, OSError."""
    if training and not is_tenant(config.hub.tenant):
        expected = "a tenant for training: training, or training- and more"
        raise ConfigError("hub.tenant", repr(config.hub.tenant), expected, config.source)
    if not training:
        marked = [folder for folder in folders(config) if is_marked(folder)]
        if marked or is_tenant(config.hub.tenant):
            found = f"{marked[0]}, a folder for training" if marked else "a tenant for training"
            expected = "--training beside it, or a tenant and folders of operation"
            raise ConfigError(
                "hub.data_directory" if marked else "hub.tenant", found, expected, config.source
            )
        return
    real = in_use(config)
    if real is not None:
        expected = "a folder of its own for training, empty or of an earlier one"
        raise ConfigError(
            "hub.data_directory", f"{real}, with the keys or the store of a gateway", expected, config.source
        )
    for folder in folders(config):
        mark(folder)
