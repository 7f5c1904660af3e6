"""The time for installing: opened, kept over a power cut, ended in time; nothing of it is left when it is over."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.daemon.install_window import NAME, InstallWindow
from hal.errors import UnavailableError
from hal.sim.clock import SimClock


class Home:
    """A folder, a clock, and what the followers were told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SimClock(utc_ms=1_795_309_800_000)
        self.told: list[bool] = []
        self.warned: list[str] = []
        self.files = ThreadPoolExecutor(1)  # one thread: what is asked of it last is done last

    def window(self) -> InstallWindow:
        """That of a fresh process."""
        asyncio.get_running_loop().set_default_executor(self.files)
        made = InstallWindow(self.folder, self.clock, self.log)
        made.followers.append(self.told.append)
        made.codes = lambda: "7KQ2-M9DX"
        return made

    def log(self, level: str, message: str, **_fields: object) -> None:
        self.warned += [message] if level == "warning" else []

    def spoil(self) -> None:
        """From now on the disk takes nothing under this name: nothing is written there, and nothing removed."""
        (self.folder / NAME).unlink(missing_ok=True)
        (self.folder / NAME).mkdir()

    async def wait(self, seconds: int) -> None:
        """Second by second, with what runs in threads."""
        for _ in range(seconds):
            await self.clock.advance(1_000)
            await asyncio.sleep(0)
            await asyncio.to_thread(lambda: None)


def test_it_is_opened_for_a_time_and_ends_by_itself(tmp_path: Path) -> None:
    async def scene() -> None:
        home = Home(tmp_path)
        window = home.window()
        await window.resume(is_installed=False)
        assert home.told == [False]
        opened = await window.open("5", "Kari")
        assert opened == {
            "window": {"is_open": True, "left_s": 300, "opened_by": "Kari"},
            "code": "7KQ2-M9DX",
        }
        part = asyncio.create_task(window.run())
        while window.is_open():
            await home.wait(1)
        await home.wait(3)
        assert home.told == [False, True, False]
        assert window.facts() == {"is_open": False, "left_s": 0, "opened_by": ""}
        assert not (tmp_path / NAME).exists()
        part.cancel()
        await asyncio.gather(part, return_exceptions=True)

    asyncio.run(scene())


def test_a_power_cut_leaves_what_was_left_and_no_code(tmp_path: Path) -> None:
    async def scene() -> None:
        home = Home(tmp_path)
        await home.window().open("60", "Kari")
        assert "7KQ2" not in (tmp_path / NAME).read_text("utf-8")
        assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
        after = home.window()
        assert not after.is_open()
        await after.resume(is_installed=False)
        assert after.facts() == {"is_open": True, "left_s": 3600, "opened_by": "Kari"}
        await after.close()
        assert home.told == [True, True, False]
        third = home.window()
        await third.resume(is_installed=False)
        assert not third.is_open()

    asyncio.run(scene())


@pytest.mark.parametrize("is_installed", [False, True])
def test_it_opens_by_itself_only_where_that_is_wanted_and_nobody_has_installed(
    tmp_path: Path, is_installed: bool
) -> None:
    async def scene() -> None:
        home = Home(tmp_path)
        plain = home.window()
        await plain.resume(is_installed=is_installed)
        assert not plain.is_open(), "not unless it is wanted"
        window = home.window()
        window.opens_by_itself = True
        await window.resume(is_installed=is_installed)
        assert window.is_open() is not is_installed

    asyncio.run(scene())


def test_what_cannot_be_meant_or_kept_opens_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        home = Home(tmp_path / "gone")
        window = home.window()
        for minutes in ("0", "4", "481", "-5", "soon", "6" * 99):
            with pytest.raises(ConfigError, match="from 5 to 480"):
                await window.open(minutes)
        with pytest.raises(UnavailableError, match="free space"):
            await window.open("60")
        assert not window.is_open() and home.told == []

    asyncio.run(scene())


def test_a_disk_that_takes_nothing_ends_neither_the_time_nor_the_hub(tmp_path: Path) -> None:
    async def scene() -> None:
        home = Home(tmp_path)
        window = home.window()
        await window.open("15", "Kari")
        part = asyncio.create_task(window.run())
        home.spoil()
        await home.wait(13 * 60)
        assert window.is_open() and not part.done()
        assert len(home.warned) == 1 and "could not be kept" in home.warned[0]
        with pytest.raises(UnavailableError, match="free space"):
            await window.open("480", "Ola")
        facts = window.facts()
        assert facts["opened_by"] == "Kari" and 0 < int(str(facts["left_s"])) < 180, (
            "what was refused changes nothing"
        )
        await home.wait(3 * 60)
        assert not window.is_open() and home.told == [True, False] and not part.done()
        (tmp_path / NAME).rmdir()
        (tmp_path / NAME).write_text('{"left_s": 600, "by": "Kari"}', "utf-8")
        await home.wait(120)
        assert not (tmp_path / NAME).exists(), "a time that is over is removed as soon as the disk lets it"
        assert len(home.warned) == 1 and not part.done()
        part.cancel()
        await asyncio.gather(part, return_exceptions=True)

    asyncio.run(scene())


def test_a_hub_starts_whatever_its_disk_takes(tmp_path: Path) -> None:
    async def scene() -> None:
        home = Home(tmp_path)
        home.spoil()
        window = home.window()
        window.opens_by_itself = True
        await window.resume(is_installed=False)
        assert window.is_open() and home.told == [True] and len(home.warned) == 1
        await window.close()
        assert not window.is_open() and home.told == [True, False]
        (tmp_path / NAME).rmdir()
        await window.open("5", "Kari")
        assert (tmp_path / NAME).is_file()

    asyncio.run(scene())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"left_s": "x", "by": ""}', '{"left_s": -5, "by": ""}', "\xff"]
)
def test_a_file_that_does_not_read_is_no_window(tmp_path: Path, text: str) -> None:
    async def scene() -> None:
        (tmp_path / NAME).write_bytes(text.encode("latin-1"))
        window = Home(tmp_path).window()
        await window.resume(is_installed=True)
        assert not window.is_open()

    asyncio.run(scene())
