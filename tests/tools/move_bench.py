"""A gateway that leaves its home, stopped wherever a test wants it, and what is lost or left of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.core import wire
from tools.move import scan
from tools.move.erase import Eraser
from tools.move.export import split
from tools.move.moving import Around, Asked, FoundError, Moving
from tools.move.scan import Hit, Trace
from tools.rig.rehome_homes import Home


class KillError(BaseException):
    """The process is gone: nothing catches it."""


class Points:
    """Where the work may be stopped: each place is told with its number; the `last`th ends the process."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        if len(self.names) == self.last:
            raise KillError(name)
        self.names.append(name)


class Machine:
    """The programs of a gateway: NetworkManager and journald do as they are told, or are not there."""

    def __init__(self, there: Sequence[str] = ("nmcli", "journalctl"), status: int = 0) -> None:
        self.there = there
        self.status = status
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> tuple[int, str]:
        self.asked.append(tuple(command))
        return (self.status, "") if command[0] in self.there else (127, "")


def moving(
    home: Home,
    asked: Asked | None = None,
    pause: Callable[[str], None] = lambda _name: None,
    eraser: Callable[[Callable[[Path], None]], Eraser] = Eraser,
    kind: type[Moving] = Moving,
    **places: Any,
) -> Moving:
    """The work on a home, as a new process begins it."""
    loaded = home.load()
    around = Around(
        programs=Machine(), say=lambda _line: None, pause=pause, eraser=eraser, etc=home.folder / "etc"
    )
    made = home.places(loaded)
    for name, value in places.items():
        object.__setattr__(made, name, value)
    return kind(loaded.config, made, asked or Asked(), around)


def finished(home: Home, asked: Asked | None = None, **options: Any) -> dict[str, Any]:
    """Run it to its end. Raises AssertionError where it found something."""
    work = moving(home, asked, **options)
    try:
        return work.run()
    except FoundError:
        raise AssertionError(work.progress.facts["found"]) from None


def left(home: Home, images: Sequence[Path] = (), traces: Sequence[Trace] | None = None) -> list[Hit]:
    """What the home's own list finds, without asking who wiped."""
    places = home.places()
    known = home.truth if traces is None else traces
    return scan.look_everywhere(known, places.folders(), places.flat(), images).hits


def exported(path: Path) -> list[bytes]:
    """The events of an export."""
    found: list[bytes] = []
    for message in split(path.read_bytes()):
        found += wire.parse("bundle", message).fields["events"]  # type: ignore[arg-type]
    return found


def contents(home: Home) -> dict[str, bytes]:
    """Every file of a home, but for SQLite's own bookkeeping of who has it open."""
    files = [each for each in home.folder.rglob("*") if each.is_file() and not each.is_relative_to(home.away)]
    skipped = (".lock", "-shm", "-wal", ".reserve", ".db")
    return {
        str(each.relative_to(home.folder)): each.read_bytes()
        for each in files
        if not each.name.endswith(skipped)
    }
