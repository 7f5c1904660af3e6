"""A municipality with an authority, and gateways that ask it; through the command lines that people type."""

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.daemon import enrolment, tls_identity
from gateway.daemon.__main__ import main as trygg_main
from tools.authority.folder import Folder
from tools.authority.server import EnrolmentServer
from tools.kit.__main__ import main as kit_main

PASSPHRASE = "correct horse battery staple"
TENANT = "oslo"
HUB = """
[hub]
id = "{name}"
tenant = "{tenant}"
language = "{language}"
data_directory = "data"
[uplink]
brokers = ["mqtts://127.0.0.1:{port}"]
ca = "tls/ca.pem"
certificate = "tls/hub.pem"
key = "tls/hub.key"
[platform]
root_public_key = "{root}"
[radio]
backend = "none"
"""


class Said:
    """What a command said, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


def run(main: object, arguments: list[object]) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(word) for word in arguments])  # type: ignore[operator]
    return Said(status, out.getvalue(), err.getvalue())


class Town:
    """An authority in a folder; `made` with one role for receipts."""

    def __init__(self, directory: Path, tenant: str = TENANT) -> None:
        self.directory = directory / "authority"
        self.files = directory
        self.tenant = tenant
        self.passphrase = directory / "passphrase"
        self.write_passphrase(PASSPHRASE)
        self.folder = Folder(self.directory)
        self.sheet = directory / "sheet.txt"

    def write_passphrase(self, text: str) -> None:
        self.passphrase.touch(0o600)
        self.passphrase.write_text(text + "\n")

    def ca(self, verb: str, *words: object, secret: bool = True, status: int = 0) -> Said:
        options: list[object] = ["--passphrase-file", self.passphrase] if secret else []
        said = run(kit_main, ["ca", verb, self.directory, *words, *options])
        assert said.status == status, (verb, said.status, said.out, said.err)
        return said

    def made(self) -> "Town":
        self.ca("init", "--tenant", self.tenant, "--backup", self.sheet)
        self.role("platform", "receipt")
        return self

    def role(self, name: str, *roles: str, status: int = 0) -> Said:
        asked = [word for role in roles for word in ("--role", role)]
        return self.ca(
            "role", "add", name, *asked, "--out", self.files / f"{name}.pem", secret=False, status=status
        )

    def keyset(self, name: str = "keyset.cbor", *words: object, status: int = 0) -> bytes:
        path = self.files / name
        self.ca("keyset", "--out", path, *words, status=status)
        return path.read_bytes() if status == 0 else b""

    def token(self, gateway: str, *words: object) -> str:
        return self.ca("token", gateway, *words, secret=False).out.strip()

    @contextlib.contextmanager
    def server(self) -> Iterator[str]:
        """The enrolment server, and its address."""
        if not (self.files / "enrol.pem").exists():
            self.ca("issue", "enrol", "--host", "127.0.0.1", "--out", self.files)
        self.log: list[tuple[str, str, str]] = []
        made = EnrolmentServer(
            ("127.0.0.1", 0),
            self.folder,
            self.folder.authority(PASSPHRASE),
            (self.files / "enrol.pem", self.files / "enrol.key"),
            lambda *line: self.log.append(line),
        )
        self.running = made
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{made.server_address[1]}"
        finally:
            made.shutdown()
            thread.join()
            made.server_close()


class Gateway:
    """A gateway's folder, and `trygg identity` on it."""

    def __init__(
        self, directory: Path, town: Town, name: str = "hub-1", *, language: str = "en", port: int = 1
    ) -> None:
        directory.mkdir()
        self.directory = directory
        self.name = name
        self.town = town
        self.config = directory / "hub.toml"
        root = town.folder.root_public_key().hex()
        values = {"name": name, "tenant": town.tenant, "language": language, "root": root, "port": port}
        self.config.write_text(HUB.format(**values))

    def identity(self, *words: object, status: int = 0) -> Said:
        said = run(trygg_main, ["identity", "-c", self.config, *words])
        assert said.status == status, (said.status, said.out, said.err)
        return said

    def facts(self) -> dict[str, str]:
        facts: dict[str, str] = json.loads(self.identity("--json").out)
        return facts

    def trust(self) -> None:
        """The authority's certificate, as a district profile brings it."""
        (self.directory / "tls").mkdir(exist_ok=True)
        (self.directory / "tls" / "ca.pem").write_bytes(self.town.folder.path("ca.pem").read_bytes())

    def request(self) -> Path:
        path = self.directory / "request.txt"
        self.identity("--request", path)
        return path

    def certified(self) -> "Gateway":
        """Request, certificate, installed: the way by files."""
        answer = self.directory / "answer.pem"
        self.town.ca("sign-request", self.request(), "--out", answer)
        self.identity("--install", answer)
        return self


class Forger:
    """Makes requests that are wrong in one way."""

    def __init__(self, town: Town, name: str = "hub-1") -> None:
        self.town = town
        self.name = name
        self.identity = Ed25519PrivateKey.generate()
        self.key: object = ec.generate_private_key(ec.SECP256R1())

    def public(self, key: Ed25519PrivateKey | None = None) -> bytes:
        return (key or self.identity).public_key().public_bytes_raw()

    def csr(self, name: str | None = None) -> bytes:
        return tls_identity.csr_for(self.key, name or self.name)  # type: ignore[arg-type]

    def message(
        self, *, csr: bytes | None = None, names: bytes | None = None, tenant: str | None = None
    ) -> bytes:
        """A request signed by `identity`. names: the identity it names instead."""

        async def sign(message: bytes) -> bytes:
            return self.identity.sign(message)

        return asyncio.run(
            enrolment.make(
                tenant or self.town.tenant, self.name, names or self.public(), csr or self.csr(), sign
            )
        )

    def file(self, message: bytes) -> Path:
        path = self.town.files / "forged.txt"
        path.write_text(enrolment.to_text(message))
        return path
