"""Whether this gateway is being taken out of its home: then no hub starts over what is half wiped. Who wipes: `tools/move`."""

from pathlib import Path

from gateway.core.errors import ConfigError

FOLDER = "rehome"  # in the folder of the gateway's data, while the work is going on
PROGRESS = "progress.json"
MARK = (
    "left.json"  # beside it, and for longer: what a finished move says of itself, until the next one begins
)


def is_begun(data: Path) -> bool:
    """Whether somebody has begun, and not ended. The folder may be root's alone, and the hub is not root."""
    return (data / FOLDER).is_dir()


def is_seen_begun(data: Path) -> bool:
    """The same for whoever may not look into the folder of the data: then it is not known, and not said."""
    try:
        return is_begun(data)
    except OSError:
        return False


def refuse_begun(data: Path) -> None:
    """Raises ConfigError where somebody has begun: exit status 2, after which systemd does not start the hub again."""
    if is_begun(data):
        raise ConfigError(
            "(gateway)",
            "a move to another home that is not finished",
            "trygg rehome, with the same options, to finish it",
            str(data / FOLDER),
        )
