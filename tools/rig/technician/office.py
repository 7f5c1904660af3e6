"""The municipality's office: authority, profile, broker, enrolment server, platform and response centre, by the command lines that people type."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.authority import access
from tools.simulators.certificates import Credentials
from tools.simulators.lifetime import with_parent
from tools.simulators.mosquitto import Mosquitto

KIT = (sys.executable, "-X", "utf8", "-m", "tools.kit")
TENANT, PROFILE = "oslo", "vest"
PASSPHRASE = "correct horse battery staple"  # noqa: S105  of keys that live for a day
START_S = 20.0
DISTRICT = """
[hub]
tenant = "{tenant}"
language = "{language}"
state_interval_s = 5
[uplink]
brokers = ["{url}"]
ca = "{ca}"
"""

Say = Callable[[str], None]


class FailedCommandError(Exception):
    """A command of the day did not end as it should: which, with what, and what it said."""


@contextlib.contextmanager
def process(
    line: Sequence[object], log: Path, environment: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A program that runs beside the others, and ends with this one; what it says of itself goes into `log`."""
    with log.open("a", encoding="utf-8") as errors:
        child = subprocess.Popen(
            with_parent([str(word) for word in line]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
        try:
            yield child
        finally:
            child.terminate()
            child.communicate(timeout=START_S)


def first(child: "subprocess.Popen[str]") -> dict[str, Any]:
    """The first line that a program says, as JSON. Raises FailedCommandError."""
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line.startswith("{"):
        raise FailedCommandError(f"it said {line!r} where its address was expected")
    found: dict[str, Any] = json.loads(line)
    return found


class Office:
    """All of it in `folder`; `say` shows each command line before it runs."""

    def __init__(self, folder: Path, language: str, say: Say) -> None:
        self.folder, self.language, self.say = folder, language, say
        folder.mkdir(mode=0o700)
        self.authority = folder / "authority"
        self.secret = folder / "passphrase"
        self.secret.touch(0o600)
        self.secret.write_text(PASSPHRASE + "\n")
        self.environment = {**os.environ, "LC_ALL": "nb_NO.UTF-8" if language == "nb" else "en_GB.UTF-8"}

    def kit(self, *words: object, secret: bool = False, status: int = 0) -> str:
        """What `trygg-kit` says on standard output, and on the other where it was to fail. Raises FailedCommandError."""
        shown = " ".join(str(word).replace(str(self.folder) + "/", "") for word in words)
        self.say(f"$ trygg-kit {shown}")
        line = [*KIT, *words, *(["--passphrase-file", self.secret] if secret else [])]
        done = subprocess.run(
            [str(word) for word in line],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=self.environment,
        )
        if done.returncode != status:
            raise FailedCommandError(
                f"trygg-kit {shown} ended with {done.returncode}, not {status}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return done.stdout if status == 0 else done.stderr

    def found(self, url: str, port: int) -> None:
        """The root, who may sign what, certificates of the services, and what the district shares. url: of the broker."""
        ca = self.authority
        self.kit(
            "ca", "init", ca, "--tenant", TENANT, "--backup", self.folder / "root-backup.txt", secret=True
        )
        self.kit(
            "ca", "role", ca, "add", "platform", "--role", "receipt", "--out", self.folder / "platform.pem"
        )
        self.kit(
            "ca",
            "role",
            ca,
            "add",
            "centre",
            "--role",
            "disposition",
            "--out",
            self.folder / "disposition.pem",
        )
        self.kit("ca", "keyset", ca, "--out", self.folder / "keyset.cbor", secret=True)
        for name, hosts in (
            ("broker", ("127.0.0.1",)),
            ("enrol", ("127.0.0.1",)),
            ("trygg-platform", ()),
            ("centre", ()),
        ):
            options = [word for host in hosts for word in ("--host", host)]
            self.kit("ca", "issue", ca, name, *options, "--out", self.folder, secret=True)
        layer = self.folder / "district.toml"
        layer.write_text(
            DISTRICT.format(tenant=TENANT, language=self.language, url=url, ca=ca / "ca.pem")
            + f'[page]\nlisten = "lo"\nport = {port}\nopen_at_start = true\n'
        )
        self.kit("profile", "export", layer, "--name", PROFILE, "--out", self.profile)

    @property
    def profile(self) -> Path:
        """What the district shares."""
        return self.folder / f"{PROFILE}.profile"

    @property
    def root_key(self) -> Path:
        """The root's public key."""
        return self.authority / "root.pub"

    def broker(self, port: int) -> Mosquitto:
        """Mosquitto with mutual TLS, and the access list that fits."""
        ca = self.authority / "ca.pem"
        credentials = Credentials(ca, self.folder / "broker.pem", self.folder / "broker.key")
        options = [line for line in access.LISTENER if line.startswith("use_username")]
        acl = self.kit("ca", "acl", self.authority, "--service", "trygg-platform", "--service", "centre")
        return Mosquitto(self.folder / "mosquitto", tls=credentials, acl=acl, options=options, port=port)

    @contextlib.contextmanager
    def enrolment(self) -> Iterator[str]:
        """The enrolment server, for as long as somebody provisions; its address."""
        line: list[object] = [*KIT, "enrol", self.authority, "--port", "0", "--passphrase-file", self.secret]
        line += ["--cert", self.folder / "enrol.pem", "--key", self.folder / "enrol.key"]
        with process(line, self.folder / "enrol.log", self.environment) as child:
            yield str(first(child)["listening"])

    def service(self, name: str, url: str) -> list[object]:
        """How a service reaches the broker."""
        ca, folder = self.authority / "ca.pem", self.folder
        return [
            "--broker",
            url,
            "--ca",
            ca,
            "--cert",
            folder / f"{name}.pem",
            "--key",
            folder / f"{name}.key",
        ]

    @contextlib.contextmanager
    def platform(self, url: str) -> Iterator["subprocess.Popen[str]"]:
        """The platform, which verifies, stores and receipts."""
        line: list[object] = [*KIT, "platform", "--json", *self.service("trygg-platform", url)]
        line += ["--registry", self.authority / "registry.json", "--keyset", self.folder / "keyset.cbor"]
        line += ["--signing-key", self.folder / "platform.pem", "--store", self.store]
        with process(line, self.folder / "platform.log", self.environment) as child:
            yield child

    @property
    def store(self) -> Path:
        """The platform's."""
        return self.folder / "platform.db"
