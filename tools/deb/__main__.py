"""`make deb`: the gateway as a Debian package, the same bytes from the same commit.

    python -m tools.deb [--wheelhouse DIR] [--out dist] [--json]

With a wheelhouse the package holds all that a gateway installs and needs no network; without one its first configuration fetches what
requirements/gateway.lock pins. Nothing is fetched here: docs/operator-guide.md says how a wheelhouse is filled.
"""

import argparse
import hashlib
import importlib.resources
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.deb import wheelhouse
from tools.deb.archive import Entry, PackageError, build

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = "requirements/gateway.lock"
UNIT = "gateway/daemon/trygg.service"
UNITS = (UNIT, "gateway/daemon/trygg-bonds.socket", "gateway/daemon/trygg-bonds@.service")
RULES, SHARED = "gateway/daemon/access-point.rules", "gateway/daemon/access-point.conf"
PROGRAMS = ("trygg", "trygg-kit")  # the kit: `profile import`, and what `trygg rehome` and `trygg check` name
WRAPPER = '#!/bin/sh\nexec /opt/trygg/bin/{} "$@"\n'
DEPENDS = "python3 (>= 3.11), python3-venv | python3-pip, passwd"
DESCRIPTION = """home gateway for municipal welfare technology
 Hears the devices of a home, keeps what they say through power cuts, and delivers it signed.
 The environment is made at installation, in /opt/trygg, from wheels with known hashes.
 Keys and undelivered events in /var/lib/trygg stay when the package is removed."""


def epoch_of(root: Path) -> int:
    """SOURCE_DATE_EPOCH, or the time of the commit. Seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        given = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return int(given)


def make_wheel(root: Path, epoch: int) -> tuple[str, bytes]:
    """Our own wheel, of what is committed. Raises PackageError."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "source"), Path(folder, "out")
        source.mkdir()
        packed = subprocess.run(
            ["git", "-C", str(root), "archive", "HEAD"], capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", str(source)], input=packed, check=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--disable-pip-version-check",
            "--quiet",
            "--no-deps",
            "--no-index",
        ]
        command += ["--no-build-isolation", "--wheel-dir", str(out), str(source)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        made = sorted(out.glob("trygg_hub-*.whl"))
        if ran.returncode or len(made) != 1:
            raise PackageError("the wheel was not built: " + (ran.stderr.strip() or "nothing came out"))
        return made[0].name, made[0].read_bytes()


def contents(root: Path, wheel: tuple[str, bytes], bundled: dict[str, bytes]) -> dict[str, Entry]:
    """The files of the package."""
    version = version_of(root)
    files = {
        **{f"usr/bin/{name}": Entry(WRAPPER.format(name).encode(), 0o755) for name in PROGRAMS},
        **{f"usr/lib/systemd/system/{Path(each).name}": Entry((root / each).read_bytes()) for each in UNITS},
        "usr/share/polkit-1/rules.d/60-trygg.rules": Entry((root / RULES).read_bytes()),
        "etc/NetworkManager/dnsmasq-shared.d/trygg.conf": Entry((root / SHARED).read_bytes()),
        "usr/lib/trygg/gateway.lock": Entry((root / LOCK).read_bytes()),
        "usr/lib/trygg/version": Entry(f"{version}\n".encode()),
        f"usr/lib/trygg/wheels/{wheel[0]}": Entry(wheel[1]),
        "usr/share/doc/trygg/copyright": Entry((root / "LICENSE").read_bytes()),
        "usr/share/doc/trygg/CHANGELOG.md": Entry((root / "CHANGELOG.md").read_bytes()),
    }
    if bundled:
        files["usr/lib/trygg/bundled"] = Entry(b"")
        files.update({f"usr/lib/trygg/wheels/{name}": Entry(data) for name, data in bundled.items()})
    return files


def version_of(root: Path) -> str:
    """As pyproject.toml says."""
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def package(root: Path, wheel: tuple[str, bytes], bundled: dict[str, bytes], epoch: int) -> tuple[str, bytes]:
    """The name of the package's file, and its bytes."""
    machine = wheelhouse.architecture(list(bundled))
    control = {
        "Package": "trygg",
        "Version": version_of(root),
        "Architecture": machine,
        "Maintainer": "Trygg",
        "Depends": DEPENDS,
        "Recommends": "bluez",
        "Suggests": "network-manager, polkitd, wpasupplicant, dnsmasq-base",
        "Section": "net",
        "Priority": "optional",
        "Description": DESCRIPTION,
    }
    here = importlib.resources.files("tools.deb")
    scripts = {name: here.joinpath(f"{name}.sh").read_bytes() for name in ("postinst", "prerm", "postrm")}
    return f"trygg_{control['Version']}_{machine}.deb", build(
        control, scripts, contents(root, wheel, bundled), epoch
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 built, 1 not."""
    parser = argparse.ArgumentParser(prog="python -m tools.deb", description=__doc__)
    parser.add_argument(
        "--wheelhouse", type=Path, help="a folder with the wheels of requirements/gateway.lock"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    try:
        epoch = epoch_of(ROOT)
        bundled = (
            wheelhouse.gather(options.wheelhouse, (ROOT / LOCK).read_text("utf-8"))
            if options.wheelhouse
            else {}
        )
        name, data = package(ROOT, make_wheel(ROOT, epoch), bundled, epoch)
    except (PackageError, subprocess.CalledProcessError) as error:
        print(f"deb: {error}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / name
    path.write_bytes(data)
    facts = {
        "file": str(path),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "wheels": len(bundled) + 1,
    }
    print(
        json.dumps(facts)
        if options.json
        else f"deb: {path}, {len(data)} bytes, {len(bundled) + 1} wheels, SHA-256 {facts['sha256']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
