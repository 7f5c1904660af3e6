"""The gateway of the day: what its card brought runs at its real paths, started as its own unit says, by a stand-in of systemd."""

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tools.rig.technician.machine import BENCH, PiMachine
from tools.rig.technician.office import FailedCommandError
from tools.simulators.lifetime import with_parent

UNIT = "/lib/systemd/system/trygg.service"
CONFIG = "/etc/trygg/hub.toml"
DATA = "/var/lib/trygg"
TRYGG = "/opt/trygg/bin/trygg"
FIRST_BOOT = "/boot/firmware/trygg/first-boot.sh"
PATIENCE_S = 60.0


class Gateway:
    """One machine with its card in."""

    def __init__(self, machine: PiMachine) -> None:
        self.machine = machine
        self.log = machine.folder / "hub.log"
        self._hub: subprocess.Popen[bytes] | None = None

    def first_boot(self) -> str:
        """What cloud-init starts; what it says for whoever looks at the card. Raises FailedCommandError."""
        done = self.machine.run("sh", FIRST_BOOT, "apply")
        report = self.machine.boot / "trygg/first-boot.txt"
        said = report.read_text().strip() if report.exists() else ""
        if done.returncode != 0:
            log = self.machine.written("/var/log/trygg-first-boot.log")
            words = log.read_text() if log.exists() else ""
            raise FailedCommandError(
                f"the first boot ended with {done.returncode}: {said} {done.stderr} {words}"
            )
        return said

    def give_radio(self, transport: str) -> None:
        """There is no Bluetooth on this machine: the one setting that differs from a gateway in a home, and the stack it needs."""
        home = self.machine.written(CONFIG)
        text = home.read_text()
        home.write_text(
            f'{text}\n[radio]\nbackend = "bumble"\ntransport = "{transport}"\nbonds = "{DATA}/bonds.json"\n'
        )
        packages = next(self.machine.written("/opt").glob("trygg-*/lib/python3*/site-packages"))
        (packages / "bench.pth").write_text(BENCH + "\n")  # behind its own

    def trygg(self, *words: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """`trygg` as whoever is logged in on the gateway types it."""
        return self.machine.run("runuser", "-u", "trygg", "--", TRYGG, *words, stdin=stdin)

    def facts(self, *words: object) -> Any:
        """What `trygg ... --json` prints. Raises FailedCommandError."""
        done = self.trygg(*words, "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise FailedCommandError(
                f"trygg {shlex.join(map(str, words))}: {done.stderr.strip() or done.stdout}"
            ) from None

    # --- the service ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """As the unit says: its program, its user."""
        unit = self.machine.written(UNIT)
        text = (unit if unit.exists() else self.machine.written("/usr" + UNIT)).read_text()
        program = next(line for line in text.splitlines() if line.startswith("ExecStart=")).partition("=")[2]
        # Nobody sets this machine's clock by the network, perhaps: believe it, as a demonstration does.
        line = ["runuser", "-u", "trygg", "--", *shlex.split(program), "--log-json", "--clock-offset-s", "0"]
        with self.log.open("ab") as log:
            self._hub = subprocess.Popen(
                with_parent(self.machine.line(line)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.machine.environment(),
                start_new_session=True,
            )
        self.until(lambda: self.trygg("status").returncode == 0, "the hub answers")

    def stop(self) -> None:
        """As an order to stop; no error where it does not run."""
        self._signal(signal.SIGTERM)

    def lose_power(self) -> None:
        """Nothing is said any more by anything on it; the next start is another boot."""
        self._signal(signal.SIGKILL)
        self.machine.start_anew()

    def _signal(self, number: signal.Signals) -> None:
        if self._hub is None:
            return
        # runuser hands signals on, but SIGKILL to the whole session: page and hub go at once.
        pids = self.pids()
        for pid in pids:
            subprocess.run(["kill", f"-{int(number)}", str(pid)], check=False, capture_output=True)
        try:
            self._hub.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._hub.kill()
            self._hub.wait()
        self._hub = None

    def pids(self) -> list[int]:
        """Every process of the service's session."""
        assert self._hub is not None
        found = subprocess.run(
            ["pgrep", "-s", str(self._hub.pid)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]

    def until(self, is_so: Any, what: str, limit_s: float = PATIENCE_S) -> None:
        """Wait for something that a person would wait for. Raises FailedCommandError."""
        end = time.monotonic() + limit_s
        while not is_so():
            if time.monotonic() > end:
                raise FailedCommandError(f"not within {limit_s:.0f} s: {what}. {self.last_words()}")
            time.sleep(0.3)

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-6:]) if self.log.exists() else ""

    def root_of(self, path: str) -> Path:
        """A file of the gateway, as this machine sees it."""
        return self.machine.written(path)
