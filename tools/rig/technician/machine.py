"""A machine that stands for a Raspberry Pi: this one's system seen through an overlay, with a disk, a boot partition and starts of its own.

Programs in it see every file of this machine, and write to `disk` alone (overlayfs, in a mount namespace of its own), so a package is
installed, a configuration stands at its real path, and what is left on the disk after a wipe can be looked through. It shares network,
processes and kernel with this machine: that is what it does not stand for. Each `boot` has an id of its own, as the kernel gives it.
"""

import os
import shutil
import subprocess
import sysconfig
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

BOOT = Path("/boot/firmware")
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# Where the packages of this environment are seen in it: a checkout may lie in a folder that is closed to the gateway's user.
BENCH = "/opt/bench"
TOOLS = ("unshare", "nsenter", "mount", "chroot", "dpkg", "runuser")

# What holds the namespace: the mounts are there when it has said so, and it ends with its input. Its arguments are the folder, our packages, and where those are seen.
HOLDER = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/disk,workdir=$1/work" "$1/root"
for each in /proc /dev /sys; do mount --rbind "$each" "$1/root$each"; done
mkdir -p "$1/root/boot/firmware" && mount --bind "$1/boot" "$1/root/boot/firmware"
mkdir -p "$1/root$3" && mount --bind "$2" "$1/root$3"
mount --bind "$1/boot_id" "$1/root/proc/sys/kernel/random/boot_id"
echo ready
cat >/dev/null
"""

# systemd does not run here. What a first boot asks of it is written down, and the service that it starts is started by the rig.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/var/log/systemctl
"""


class MissingMachineError(Exception):
    """This machine cannot stand for another one; says what is missing."""


class PiMachine:
    """`folder` gets disk, boot partition and mounts; it must lie on a disk, not in an overlay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk, self.boot = folder / "disk", folder / "boot"
        self.root = folder / "root"
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if os.geteuid() != 0 or missing:
            raise MissingMachineError(
                "mounts need root" if os.geteuid() else f"not installed: {', '.join(missing)}"
            )
        for name in ("disk", "work", "root", "boot"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.start_anew()
        line = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            HOLDER,
            "sh",
            str(self.folder),
            sysconfig.get_path("purelib"),
            BENCH,
        ]
        self._holder = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            reason = self._holder.communicate()[1].strip()
            raise MissingMachineError(f"no overlay can be mounted here: {reason}")
        self._stand_in("systemctl", SYSTEMCTL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holder is not None:
            self._holder.communicate()  # its input ends, it ends, and with it the namespace and its mounts

    def _stand_in(self, name: str, text: str) -> None:
        path = self.disk / "usr/local/sbin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start_anew(self) -> None:
        """The power was gone: the kernel gives a boot another id."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")

    def line(self, command: Sequence[object]) -> list[str]:
        """What runs a command in there."""
        assert self._holder is not None, "enter it first"
        inside = ["chroot", str(self.root), *(str(word) for word in command)]
        return ["nsenter", "-t", str(self._holder.pid), "-m", *inside]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """As a system starts its services: nothing of whoever runs the rig."""
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOME": "/", "PYTHONUNBUFFERED": "1", **kept, **(more or {})}

    def run(
        self, *command: object, stdin: str = "", timeout_s: float = 300
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; whoever asks looks at its status."""
        return subprocess.run(
            self.line(command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=self.environment(),
        )

    def written(self, path: str) -> Path:
        """Where on this machine lies what a program in there calls `path`, where it was written there."""
        return self.disk / path.lstrip("/")
