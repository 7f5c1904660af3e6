"""`trygg devices --confirm-reset` as a process, at a hub's own devices: what it asks, what it says, what it exits with."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.devices.bthome import Bthome
from gateway.daemon.commands.devices import how_key
from gateway.daemon.control import ControlServer
from gateway.daemon.texts import Texts
from gateway.hub.resets import Resets
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from hal.types import Advertisement
from tests.core.bthome_sensor import ADDRESS, KEY, encrypted
from tests.hub.small import Small

CONFIGURATION = '[hub]\nid = "hub-1"\ntenant = "oslo"\nlanguage = "{}"\ndata_directory = "data"\n'
OLD, NEW = 48_211, 17
WARNING = "another counter was heard meanwhile"


class Desk:
    """A hub with one sensor; `meanwhile` is the counter of a frame that comes while the person reads."""

    def __init__(self, folder: Path, language: str = "en", meanwhile: int | None = None) -> None:
        self.file = folder / "hub.toml"
        self.file.write_text(CONFIGURATION.format(language))
        self.small = Small()
        self.small.crypto = SimCrypto(SimKeyStore(b"g" * 32, {"sensor": KEY}), random=self.small.random)
        self.small.restart()
        self.device = self.small.device(Bthome, "Front door", address=ADDRESS, key="sensor")
        self.resets = Resets([self.device], self.small.recorder, self.small.log)
        self.meanwhile = meanwhile

    async def hear(self, *counters: int) -> None:
        for counter in counters:
            advertisement = Advertisement(
                ADDRESS, -60, self.small.clock.uptime_ms(), {"fcd2": encrypted("1a00", counter)}
            )
            await self.small.intake.take(self.device, self.device.driver.advertised(advertisement))

    async def confirm(self, device: str = "", counter: str = "") -> dict[str, object]:
        if self.meanwhile is not None:
            await self.hear(self.meanwhile)
        return await self.resets.confirm(device, counter)

    def run(self, *arguments: str, says: str = "") -> "subprocess.CompletedProcess[str]":
        return asyncio.run(self.serve(arguments, says))

    async def serve(self, arguments: tuple[str, ...], says: str) -> "subprocess.CompletedProcess[str]":
        handlers: dict[str, Callable[..., object]] = {
            "reset_heard": self.resets.heard,
            "reset_confirm": self.confirm,
        }
        command = [sys.executable, "-X", "utf8", "-m", "gateway.daemon", "devices", "-c", str(self.file)]
        async with ControlServer(self.file.parent / "data" / "control.sock", handlers):
            await self.hear(OLD, NEW)
            return await asyncio.to_thread(
                subprocess.run,
                [*command, *arguments],
                input=says,
                capture_output=True,
                text=True,
                timeout=60,
            )

    @property
    def confirmed(self) -> bool:
        return "device.counter_reset" in self.small.kinds()


def test_a_person_sees_both_counters_and_says_yes(tmp_path: Path) -> None:
    for language, yes, asked, said in (
        ("en", "yes\n", "The counter of Front door is 17 now; 48211 was accepted last.", "is believed again"),
        ("nb", "ja\n", "Telleren til Front door er nå 17; sist godtatt var 48211.", "tros igjen"),
    ):
        folder = tmp_path / language
        folder.mkdir()
        desk = Desk(folder, language)
        done = desk.run("--confirm-reset", "Front door", says=yes)
        assert done.returncode == 0 and asked in done.stderr and said in done.stdout
        assert desk.confirmed


def test_without_a_yes_nothing_is_changed(tmp_path: Path) -> None:
    for number, says in enumerate(("no\n", "", "\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        desk = Desk(folder)
        done = desk.run("--confirm-reset", "Front door", says=says)
        assert (done.returncode, done.stdout) == (1, "") and "Nothing was changed" in done.stderr
        assert not desk.confirmed and desk.resets.heard("Front door")["counter"] == str(NEW)


def test_what_comes_while_the_person_reads_is_confirmed_only_where_it_counts_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, meanwhile=NEW + 3)
    done = desk.run("--confirm-reset", "Front door", "--yes", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["counter"] == str(NEW + 3)
    other = tmp_path / "other"
    other.mkdir()
    desk = Desk(other, meanwhile=30_000)
    done = desk.run("--confirm-reset", "Front door", "--yes")
    assert done.returncode == 1 and WARNING in done.stderr and not desk.confirmed


def test_a_device_that_is_not_there_is_a_wrong_command_line(tmp_path: Path) -> None:
    done = Desk(tmp_path).run("--confirm-reset", "Nobody", "--yes")
    assert done.returncode == 2 and "one of Front door" in done.stderr


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("name", ["Røykvarsler soverom 2. etasje øst 1", 'A "B" $(reboot)', "Identity"])
def test_the_advised_command_writes_a_key_and_none_over_one_that_is_there(
    tmp_path: Path, language: str, name: str
) -> None:
    said = how_key(name, Texts(language), tmp_path)
    command = said.split("sh -c '", 1)[1].split("'", 1)[0]
    for typed, status in ((b"one\n", 0), (b"two\n", 2)):
        done = subprocess.run(["sh", "-c", command], input=typed, capture_output=True, check=False)
        assert done.returncode == status, done.stderr
    (key,) = tmp_path.iterdir()
    assert key.read_bytes() == b"one\n" and key.stat().st_mode & 0o777 == 0o600
    assert key.name != "identity.key", "the gateway's own"
