"""What `trygg doctor` looks at, in turn; each look that cannot be had is said, with whose rights it takes."""

import contextlib
import os
import pwd
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core.config import Config
from gateway.core.errors import ConfigError
from gateway.daemon.commands.ask import control_path
from gateway.daemon.configuration import Loaded
from gateway.daemon.control import ask
from gateway.daemon.doctor import Unseen
from gateway.daemon.findings import FAULT, NOTE, OK, WARNING, Checker, Finding
from gateway.daemon.texts import Texts
from hal.errors import HalError

READ_LIMIT_S = (
    5.0  # a store of 256 MB on a slow card takes longer: then it is said that it was not read to its end
)
# What somebody without the hub's rights meets everywhere, and is no fault of the gateway.
CLOSED = ("unreadable", "key_closed", "read_only", "denied", "unopened")
# Looks that do something in the hub's place: they are left to whoever may be the hub.
ACTING = ("lines", "broker")

Look = Callable[[], list[Finding]]


class Seen:
    """What came of looking: findings, the hub's own words (None: no answer), and what was not seen."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.status: dict[str, Any] | None = None
        self.devices: list[dict[str, Any]] | None = None
        self.timeline: list[dict[str, Any]] | None = None
        self.unseen: list[Unseen] = []
        self.silent = ""  # why nobody answers at the control socket: the hub does not run

    def leave_other(self, loaded: Loaded, texts: Texts) -> None:
        """Where the hub that answered is of another gateway: say so, and let nothing that it said count."""
        from gateway.daemon.commands.check import check_other

        other = check_other(loaded, texts, self.status)
        if other:
            self.findings += other
            self.status = self.devices = self.timeline = None


def owner_of(directory: Path) -> str | None:
    """Whose the hub's data is, where that is somebody else than who asks, and who asks is not root."""
    try:
        owner = directory.stat().st_uid
    except OSError:
        return None
    if os.geteuid() in (0, owner):
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def look(loaded: Loaded, texts: Texts, owner: str | None) -> Seen:
    """Everything. owner: the user whose rights it takes, None where whoever asks has them."""
    seen = Seen()
    ask_hub(control_path(loaded.config.hub.data_directory), texts, seen)
    runs = seen.status
    seen.leave_other(loaded, texts)
    if owner is not None:
        seen.unseen.append(Unseen("rights", texts.say("doctor.other_user", user=owner)))
    for name, work in looks(loaded, texts, seen.status, runs):
        if owner is not None and name in ACTING:
            continue
        try:
            found = work()
        except ConfigError as error:  # the root key cannot be read, and without it no hub starts
            found = [Finding("configuration", FAULT, texts.reword(error), "no_root")]
        except (OSError, HalError) as error:
            seen.unseen.append(
                Unseen(name, texts.say("doctor.unseen", what=title(name, texts), cause=texts.reword(error)))
            )
            continue
        for item in found:
            if owner is not None and item.code in CLOSED:
                seen.unseen.append(
                    Unseen(name, texts.say("doctor.unseen", what=title(name, texts), cause=item.text))
                )
            else:
                seen.findings.append(item)
    return seen


def title(name: str, texts: Texts) -> str:
    """What a look is called."""
    return texts.say(f"check.{name}.title")


def looks(
    loaded: Loaded, texts: Texts, hub: dict[str, Any] | None, runs: dict[str, Any] | None
) -> list[tuple[str, Look]]:
    """Every look by name, in the order of `trygg check`. hub: status of this gateway's; runs: of whichever hub runs."""
    from gateway.daemon import findings, findings_lines, findings_uplink, wiring
    from gateway.daemon.commands.check import check_configuration

    config = loaded.config
    trusted = wiring.clock_is_trusted

    def configuration() -> list[Finding]:
        with loaded.blaming():
            wiring.root_key(config)
        return check_configuration(loaded, texts, hub)

    return [
        ("configuration", configuration),
        ("keys", lambda: findings.check_keys(config, texts)),
        ("tls", lambda: findings_uplink.check_tls(config, texts)),
        ("storage", lambda: findings.check_storage(config, texts)),
        ("journal", lambda: check_journal(config, texts)),
        ("serial", lambda: findings.check_serial(config, texts, wiring.serial_path)),
        ("lines", lambda: findings_lines.check_lines(config, texts, runs, wiring.serial_ports())),
        ("radio", lambda: findings.check_radio(config, texts, wiring.adapters)),
        ("bonds", lambda: findings.check_bonds(config, texts, wiring.see_keys)),
        ("page", lambda: findings.check_page(config, texts)),
        ("clock", lambda: findings.check_clock(trusted(Path(config.hub.data_directory)), texts, hub)),
        ("broker", lambda: findings_uplink.check_brokers(config, texts, hub)),
    ]


def ask_hub(path: Path, texts: Texts, seen: Seen) -> None:
    """Status, devices and timeline of the running hub, or why there are none."""
    try:
        seen.status = ask(path, "status")
        seen.devices = ask(path, "devices")
        seen.timeline = ask(path, "timeline")
    except PermissionError:
        seen.unseen.append(Unseen("hub", texts.say("hub.denied", path=path)))
    except OSError as error:
        if seen.status is None:
            seen.silent = texts.say(
                "hub.not_running", path=path, detail=texts.reword(error.strerror or error)
            )
        else:
            seen.unseen.append(Unseen("hub", texts.say("hub.refused", detail=texts.reword(error))))
    except ValueError as error:
        seen.unseen.append(Unseen("hub", texts.say("hub.refused", detail=texts.reword(error))))


def check_journal(config: Config, texts: Texts, limit_s: float = READ_LIMIT_S) -> list[Finding]:
    """The store's file read through, without writing; and stores that were set aside. Raises OSError."""
    found = Checker("journal", texts)
    path = Path(config.storage.path)
    aside = sorted(
        each.name for each in path.parent.glob(path.name + ".aside-*") if each.suffix[7:].isdigit()
    )
    findings = []
    if aside:
        findings.append(found(WARNING, "aside", names=", ".join(aside), directory=path.parent))
    if not path.exists():
        return [*findings, found(OK, "fresh", path=path)]
    with path.open("rb"):  # whoever may not read it learns that, and not that it is no database
        pass
    ends = time.monotonic() + limit_s
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
            store.set_progress_handler(lambda: int(time.monotonic() > ends), 10_000)
            (said,) = store.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return [*findings, found(NOTE, "large", path=path)]
        raise OSError(str(error)) from error
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        return [*findings, found(FAULT, "damaged", path=path, detail=said)]
    return [*findings, found(OK, "good", path=path)]
