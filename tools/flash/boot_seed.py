"""What a card brings along for its gateway: the package, its configuration, the root's public key, a token and a code. Never a private key."""

import hashlib
import importlib.resources
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core import wire
from gateway.core.config import validate
from gateway.core.config_layers import merge
from gateway.core.errors import ConfigError
from gateway.daemon.enrolment_client import check_token
from gateway.daemon.page.process import CODE_BYTES
from gateway.daemon.toml_text import dump
from gateway.daemon.typed_codes import decode
from tools.authority import profile
from tools.authority.given import unreadable
from tools.deb.archive import PackageError, read_control
from tools.flash import boot_systems
from tools.flash.boot_media import BootMedium
from tools.flash.boot_systems import Wifi
from tools.flash.errors import DifferentError, FlashError

FOLDER = "trygg/"
REPORT = FOLDER + "first-boot.txt"
SUMS = FOLDER + "SHA256SUMS"
PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
WHERE_UPLINK = {
    "ca": "/etc/trygg/ca.pem",
    "certificate": "/var/lib/trygg/tls/hub.pem",
    "key": "/var/lib/trygg/tls/hub.key",
}


@dataclass(frozen=True)
class Seed:
    """Files by their name in the folder, and what goes to the system itself. `mark` differs where anything differs."""

    gateway: str
    files: dict[str, bytes]
    wifi: Wifi | None
    rules_left: int

    @property
    def code(self) -> str:
        """The one-time code of the page, empty without one."""
        return self.files.get("code", b"").decode().strip()

    @property
    def mark(self) -> str:
        """For whoever asks whether this is the same card."""
        return hashlib.sha256(sums(self.files)).hexdigest()[:16]


def gather(
    *,
    gateway: str,
    profile_path: Path,
    root_key: Path,
    package: Path,
    token: str = "",
    enrol: str = "",
    code: str = "",
    wifi: Wifi | None = None,
) -> Seed:
    """Everything read and checked before a card is touched.

    Raises:
        ConfigError: the first thing that cannot be used, by its option.
        FlashError: something that looks like a private key.
    """
    if not wire.is_id(gateway):
        raise ConfigError(
            "--gateway", repr(gateway), "small letters, digits and -, at most 32", "command line"
        )
    if enrol and not token:
        raise ConfigError("--enrol", "no token", "--token with it", "command line")
    if enrol and not re.fullmatch(r"https://[\w.-]+(:\d+)?/?", enrol):
        raise ConfigError("--enrol", repr(enrol), "https://host:port", "command line")
    if code and decode(code, CODE_BYTES) is None:
        raise ConfigError(
            "--code", "something else", "new, or the eight letters of such a code", "command line"
        )
    root = text_of(root_key, "--root-key").strip()
    if not re.fullmatch("[0-9a-fA-F]{64}", root):
        raise ConfigError(
            "--root-key",
            "something else",
            "the public root key of trygg-kit ca, 64 digits in hex",
            str(root_key),
        )
    text, district, authority, rules = configuration(gateway, profile_path)
    files = {
        "gateway": gateway.encode() + b"\n",
        "hub.toml": text,
        "district.toml": district,
        "root.pub": root.lower().encode() + b"\n",
        "first-boot.sh": importlib.resources.files("tools.flash").joinpath("first-boot.sh").read_bytes(),
        **of_package(package),
    }
    optional = {
        "ca.pem": authority,
        "token": check_token(token) if token else "",
        "enrol": enrol.rstrip("/"),
        "code": code,
    }
    files.update(
        {name: said.encode() + b"\n" * (name != "ca.pem") for name, said in optional.items() if said}
    )
    for name, data in files.items():
        if PRIVATE.search(data):
            raise FlashError(f"{name} holds a private key: none goes onto a card; a gateway makes its own")
    return Seed(gateway, files, wifi, rules)


def configuration(gateway: str, profile_path: Path) -> tuple[bytes, bytes, str, int]:
    """hub.toml of a home without devices, the district's layer, its authority, and how many rules wait for devices."""
    _, body, authority = profile.read(text_of(profile_path, "--profile"), str(profile_path))
    district: dict[str, Any] = tomllib.loads(body)
    if authority:
        district.setdefault("uplink", {})["ca"] = WHERE_UPLINK["ca"]
    home: dict[str, Any] = {
        "hub": {"id": gateway},
        "uplink": {name: path for name, path in WHERE_UPLINK.items() if name != "ca" or authority},
        "platform": {"root_public_key": "/etc/trygg/root.pub"},
    }
    rules = len(district.get(profile.RULES, []))
    shared = {name: table for name, table in district.items() if name != profile.RULES}
    tree = merge([("profile", shared), ("home", home)])
    validate(tree, str(profile_path))
    head = f"# Gateway {gateway}, as its card was prepared. Devices come at the installation; rules of the district: district.toml.\n"
    return (head + dump(tree)).encode(), dump(district).encode(), authority, rules


def of_package(path: Path) -> dict[str, bytes]:
    """The package and its version. Raises ConfigError."""
    try:
        data = path.read_bytes()
        about = read_control(data)
    except OSError as error:
        raise unreadable("--package", error, path) from error
    except PackageError as error:
        raise ConfigError("--package", str(error), "the .deb of make deb", str(path)) from error
    if about.get("Package") != "trygg" or not about.get("Version"):
        raise ConfigError("--package", "another package", "the .deb of make deb", str(path))
    return {"trygg.deb": data, "version": about["Version"].encode() + b"\n"}


def text_of(path: Path, option: str) -> str:
    """A small text. Raises ConfigError."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        detail = getattr(error, "strerror", None) or "no text"
        raise ConfigError(option, detail, "a file that can be read", str(path)) from error


def sums(files: dict[str, bytes]) -> bytes:
    """What `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def prepare(medium: BootMedium, seed: Seed) -> str:
    """Write everything, the files that make it run last, and read all of it back. Returns the system's sort.

    Raises:
        FlashError: a system that is not known, no room, or what reads back is not what was written.
    """
    system = boot_systems.detect(medium)
    ours = {FOLDER + name: data for name, data in seed.files.items()} | {SUMS: sums(seed.files)}
    starting = boot_systems.files(system, medium, seed.wifi, seed.mark)
    before = boot_systems.kept(medium, starting)
    for name in ("token", "code", "enrol", "ca.pem"):  # of an earlier gateway
        if name not in seed.files:
            medium.remove(FOLDER + name)
    medium.remove(REPORT)
    for group in (ours, before, starting):
        for name, data in group.items():
            medium.write(name, data)
        medium.sync()
    for name, data in {**ours, **before, **starting}.items():
        if medium.read(name) != data:
            raise DifferentError(
                f"{name} does not read back from the card as it was written: prepare it again", 0
            )
    return system


def outcome(medium: BootMedium) -> tuple[bool, str]:
    """Whether the first boot was applied, and its own words; False and nothing where there was none yet.

    Raises:
        FlashError: the card was never prepared.
    """
    if medium.read(SUMS) is None:
        raise FlashError("this card was not prepared: trygg-kit flash pi --boot-partition")
    report = (medium.read(REPORT) or b"").decode("utf-8", "replace").strip()
    return report.startswith("OK: "), report
