"""A real Mosquitto as a child process on the loopback interface, to be stopped, killed and started again."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.simulators.certificates import Credentials
from tools.simulators.lifetime import with_parent

HOST = "127.0.0.1"
PORT_ATTEMPTS = 5
STOP_LIMIT_S = 5.0
# Debian keeps it where a user's search path may not lead.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


class MosquittoError(Exception):
    """It did not start; the message is its own."""


def find_mosquitto() -> str | None:
    """Path of the program, or None where it is not installed."""
    return shutil.which("mosquitto", path=SEARCH_PATH)


class Mosquitto:
    """One broker with its own folder. Use as a context manager, or `start` and `stop`.

    Args:
        directory: its configuration and its store; made where missing.
        tls: its own certificate; then clients need one of the same authority and are named by it.
        persistence: keep retained messages in the folder across `stop` and `start`.
        acl: text of an access list; without it every client may do everything.
        port: a fixed port; without it a free one, which stays the same across restarts.
        options: further lines of the configuration.
    """

    def __init__(
        self,
        directory: Path,
        *,
        tls: Credentials | None = None,
        persistence: bool = False,
        acl: str | None = None,
        port: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._directory = directory
        self._tls = tls
        self._persistence = persistence
        self._acl = acl
        self._fixed_port = port is not None
        self.port = port if port is not None else free_port()
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None  # of its log: a full pipe would stop it

    @property
    def url(self) -> str:
        """As `[uplink] brokers` names it."""
        return f"{'mqtts' if self._tls else 'mqtt'}://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start and return once it listens. Raises MosquittoError with its own words where it does not."""
        program = find_mosquitto()
        if program is None:
            raise MosquittoError("mosquitto is not installed: apt-get install mosquitto")
        self._directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(PORT_ATTEMPTS):
            said = self._launch(program)
            if self._process is not None:
                self._fixed_port = True
                return
            if "in use" not in said or self._fixed_port or attempt == PORT_ATTEMPTS - 1:
                raise MosquittoError(f"mosquitto did not start on port {self.port}: {said.strip()}")
            self.port = free_port()

    def stop(self) -> None:
        """SIGTERM, so that it writes its store; no error where it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what it had not written is lost."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stand and nothing answers."""
        assert self._process is not None, "not running"
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None, "not running"
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _launch(self, program: str) -> str:
        """Start the process and read its log until it runs; returns what it said where it ended instead."""
        path = self._directory / "mosquitto.conf"
        path.write_text("\n".join(self._configuration()) + "\n")
        process = subprocess.Popen(
            with_parent([program, "-c", str(path)]), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert process.stderr is not None
        said = b""
        for line in process.stderr:
            said += line
            if line.rstrip().endswith(b"running"):
                self._process = process
                self._reader = threading.Thread(target=process.stderr.read, name="mosquitto-log", daemon=True)
                self._reader.start()
                return ""
        process.stderr.close()
        process.wait()
        return said.decode(errors="replace")

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stderr is not None, "it has a pipe"
        assert self._reader is not None, "it runs"
        self._reader.join()
        process.stderr.close()

    def _configuration(self) -> list[str]:
        # It logs little: what it says once it runs is read and thrown away.
        lines = [
            f"user {getpass.getuser()}",
            f"listener {self.port} {HOST}",
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type information",
            "connection_messages false",
            f"persistence {'true' if self._persistence else 'false'}",
            f"persistence_location {self._directory}/",
            f"allow_anonymous {'false' if self._tls else 'true'}",
        ]
        if self._tls is not None:
            lines += [
                f"cafile {self._tls.ca}",
                f"certfile {self._tls.certificate}",
                f"keyfile {self._tls.key}",
                "require_certificate true",
                "use_identity_as_username true",
            ]
        if self._acl is not None:
            path = self._directory / "acl"
            path.write_text(self._acl)
            path.chmod(0o600)
            lines.append(f"acl_file {path}")
        return lines + self._options


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
