"""Folders that a command line or the environment names: looked at before the work that is to be written there begins."""

import tempfile
from pathlib import Path

from tools.evidence.figure import UnavailableError


class FolderError(UnavailableError):
    """Nothing can be written there; the text says why, and what to do."""


def writable(folder: Path, remedy: str) -> Path:
    """The folder, made where it is not there yet. Raises FolderError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(
            dir=folder
        ):  # the only question that root, quotas and full disks answer too
            return folder
    except FileExistsError:
        raise FolderError(f"{folder} is a file and no folder; {remedy}") from None
    except OSError as error:
        raise FolderError(f"{folder} cannot be written ({error.strerror}); {remedy}") from error
