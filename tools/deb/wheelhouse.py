"""A folder of wheels, held against the lock file: every one that a gateway needs is there, with a hash of the lock, and no other."""

import hashlib
import re
from pathlib import Path

from tools.deb.archive import PackageError

PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# What of the lock no gateway installs: other systems and interpreters.
ELSEWHERE = re.compile(
    r"sys_platform == '(?:win32|darwin)'|platform_python_implementation == 'PyPy'|os_name == 'nt'"
)


class Pin:
    """One line of a lock: a version and the hashes of its files."""

    def __init__(self, name: str, version: str, needed: bool) -> None:
        self.name = normal(name)
        self.version = version
        self.needed = needed
        self.hashes: set[str] = set()


def normal(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> list[Pin]:
    """Raises PackageError: a line without a version or hashes."""
    pins: list[Pin] = []
    for line in text.splitlines():
        found = PINNED.match(line)
        if found:
            choices = (found[3] or "").split(" or ")
            pins.append(Pin(found[1], found[2], not all(ELSEWHERE.search(each) for each in choices)))
        for digest in HASH.findall(line):
            if not pins:
                raise PackageError("the lock begins with a hash")
            pins[-1].hashes.add(digest)
    if not pins or not all(pin.hashes for pin in pins):
        raise PackageError("the lock pins nothing, or something without a hash")
    return pins


def gather(folder: Path, lock: str) -> dict[str, bytes]:
    """The wheels by name. Raises PackageError: one is missing, strange, or not what the lock says."""
    pins = read_lock(lock)
    known = {digest: pin for pin in pins for digest in pin.hashes}
    found: dict[str, bytes] = {}
    held: set[str] = set()
    for path in sorted(folder.glob("*.whl")):
        data = path.read_bytes()
        pin = known.get(hashlib.sha256(data).hexdigest())
        if pin is None or normal(path.name.split("-")[0]) != pin.name:
            raise PackageError(f"{path.name} is no file of the lock: fetch the wheels again")
        found[path.name] = data
        held.add(pin.name)
    missing = sorted(pin.name for pin in pins if pin.needed and pin.name not in held)
    if missing:
        raise PackageError("wheels are missing: " + ", ".join(missing))
    return found


def architecture(names: list[str]) -> str:
    """Which Debian machines the wheels are for. Raises PackageError: for none, or for several."""
    machines = {
        debian
        for name in names
        for wheel, debian in (("x86_64", "amd64"), ("aarch64", "arm64"), ("armv7l", "armhf"))
        if name.endswith(f"{wheel}.whl")
    }
    if len(machines) > 1:
        raise PackageError("wheels for several machines: " + ", ".join(sorted(machines)))
    return machines.pop() if machines else "all"
