"""One running virtual machine: its commands, its message bus, and the line that its Bluetooth controller is on.

    machine = Machine(build())
    machine.start()
    machine.run("bluetoothctl show")                # as root, in the machine
    ... # machine.bus_address is its system bus; machine.line the socket of its controller, H4
    machine.stop()

QEMU translates every instruction (there is no hardware help on the machines that we test on), at low priority. There is
one virtual machine at a time for each user of a cache: a lock waits for the other.
"""

import base64
import fcntl
import os
import secrets
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tools.rig.vm.image import Image, cache_folder, find_program

ROOT = Path(__file__).resolve().parents[3]
BOOT_S = 300.0  # 6 s on an idle computer
COMMAND_S = 30.0
STOP_S = 5.0
LOCK_S = 900.0  # what another run of the same tests may take
READY = b"ready"
BUS_PORT = 7001  # within the machine; see init.sh
OPTIONS = (
    "-nodefaults -no-user-config -display none -no-reboot -machine q35 -cpu max -smp 2 -m 1024 "
    "-accel tcg,thread=multi,tb-size=256 -device virtio-rng-pci -device virtio-serial-pci"
)
# No mitigations: nobody attacks a processor that is a program.
KERNEL_LINE = "console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr tsc=reliable"


class MachineError(Exception):
    """It did not start, did not answer or crashed; the message ends with what its console showed."""


class Machine:
    """A virtual machine that boots `image`, with the files of `packages` and of this tree readable in it."""

    def __init__(self, image: Image, packages: Path) -> None:
        self.image = image
        self._packages = packages
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._port = 0

    @property
    def running(self) -> bool:
        """Whether it is up: a crash ends it."""
        return self._process is not None and self._process.poll() is None

    @property
    def line(self) -> Path:
        """Unix socket behind which the machine's HCI line waits for a controller."""
        return self._path("hci")

    @property
    def control(self) -> Path:
        """Unix socket of its commands: one client at a time."""
        return self._path("control")

    @property
    def bus_address(self) -> str:
        """D-Bus address of its system bus."""
        return f"tcp:host=127.0.0.1,port={self._port}"

    def start(self) -> None:
        """Boot; returns when it answers. Raises MachineError."""
        self._lock = take_lock(cache_folder() / "vm.lock")
        self._folder = tempfile.TemporaryDirectory(prefix="trygg-vm-")
        self._port = free_port()
        with self._path("console").open("wb") as console:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
            )
        try:
            with first_connection(self.control, self.check) as control:
                self._answer(control, READY, BOOT_S)
        except MachineError:
            self.stop()
            raise

    def stop(self) -> None:
        """End it at once, and let the next one begin; no error where it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def run(self, command: str, *, limit_s: float = COMMAND_S) -> str:
        """Output of a shell command in the machine, run by root. Raises MachineError where it fails.

        A program that it leaves running must have its output sent elsewhere.
        """
        with self._connected() as control:
            number, line = encode_command(command)
            control.sendall(line)
            return decode_answer(command, self._answer(control, number, limit_s))

    def check(self) -> None:
        """Raises MachineError where it has crashed."""
        if not self.running:
            raise MachineError(f"the machine crashed:\n{self.console()}")

    def console(self) -> str:
        """The end of what its console showed."""
        return self._path("console").read_text("utf-8", errors="replace")[-3000:]

    def _connected(self) -> socket.socket:
        return connected(self.control)

    def _answer(self, control: socket.socket, beginning: bytes, limit_s: float) -> bytes:
        """The line that begins so. Others answer commands that somebody gave up."""
        until = time.monotonic() + limit_s
        answer = b""
        while not (answer.endswith(b"\n") and answer.splitlines()[-1].startswith(beginning)):
            self.check()
            if time.monotonic() > until:
                raise MachineError(f"the machine did not answer within {limit_s:.0f} s:\n{self.console()}")
            if select.select([control], [], [], 0.2)[0]:
                answer += control.recv(65536)
        return answer.splitlines()[-1]

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise MachineError("the machine does not run")
        return Path(self._folder.name) / name

    def _command(self) -> list[str]:
        # Whoever started it may be killed: then it ends too.
        command = [
            "nice",
            "-n",
            "5",
            "setpriv",
            "--pdeathsig",
            "KILL",
            find_program("qemu-system-x86_64") or "",
        ]
        command += [*OPTIONS.split(), "-serial", "stdio", "-kernel", str(self.image.kernel)]
        command += ["-initrd", str(self.image.files), "-append", f"{KERNEL_LINE} trygg.user={os.getuid()}"]
        for name in ("hci", "control"):
            command += ["-chardev", f"socket,id={name},path={self._path(name)},server=on,wait=off"]
            command += ["-device", f"virtconsole,chardev={name}"]
        forward = f"hostfwd=tcp:127.0.0.1:{self._port}-:{BUS_PORT}"
        command += [
            "-netdev",
            f"user,id=net,restrict=on,{forward}",
            "-device",
            "virtio-net-pci,netdev=net,romfile=",
        ]
        for tag, folder in (("tree", ROOT), ("packages", self._packages)):
            command += ["-virtfs", f"local,path={folder},mount_tag={tag},security_model=none,readonly=on"]
        return command


def encode_command(command: str) -> tuple[bytes, bytes]:
    """How its answer begins, and the line that makes the machine run `command`."""
    number = secrets.token_hex(4).encode()
    return number, number + b" " + base64.b64encode(command.encode()) + b"\n"


def decode_answer(command: str, line: bytes) -> str:
    """Output of a command. Raises MachineError where it failed."""
    _, status, output = (line.decode().rstrip("\r\n") + " ").split(" ")[:3]
    text = base64.b64decode(output).decode("utf-8", errors="replace")
    if status != "0":
        raise MachineError(f"in the machine, {command!r} ended with {status}: {text}")
    return text


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connected(path: Path) -> socket.socket:
    """A connection to the socket of that name. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def first_connection(path: Path, check: Callable[[], None]) -> socket.socket:
    """As soon as QEMU takes one: the socket has its name a moment before anybody listens at it.

    Raises MachineError, as `check` does where the machine has ended.
    """
    until = time.monotonic() + BOOT_S
    while True:
        try:
            return connected(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            check()
            if time.monotonic() > until:
                raise MachineError(f"QEMU takes no connection at {path.name}: {error.strerror}") from error
            time.sleep(0.05)


def take_lock(path: Path) -> IO[str]:
    """Hold the lock until the file is closed. Raises MachineError where another keeps it for too long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    until = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                file.close()
                raise MachineError(f"another virtual machine holds {path}") from None
            time.sleep(0.5)
        else:
            return file
