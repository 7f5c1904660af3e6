"""A changed configuration in use: the hub runs anew with it, or with the one before where it does not start."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.core import config_afar
from gateway.core.config_trial import STARTED_IN_VAIN, STARTS
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.applying import Applying, write_layer
from gateway.daemon.commands import run as run_command
from gateway.daemon.configuration import INSTALLED, LAST_GOOD, PUBLISHED, Loaded, load, load_or_last_good
from gateway.daemon.publishing import BEFORE, COUNT, Publishing, counted_start, keep_good
from gateway.hub.parts import PartFailedError
from hal.errors import UnavailableError

HUB = """
[hub]
id = "hub-1"
tenant = "oslo"
language = "{}"
data_directory = "data"
[uplink]
brokers = ["mqtt://localhost"]
[platform]
root_public_key = "{}"
[radio]
backend = "none"
"""
FRENCH = config_afar.compiled({"hub": {"language": "fr"}})
ENGLISH = config_afar.compiled({"hub": {"language": "en"}})
NORWEGIAN = config_afar.compiled({"hub": {"language": "nb"}})


class Life:
    """One process: its runs, each with what the hub does in it. `fails` are languages with which it does not start."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hub.toml"
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        self.write("nb")
        self.logged: list[str] = []
        self.applying = Applying(lambda: load([self.file]), self.log, soon_s=0)
        self.stop = asyncio.Event()
        self.halt = asyncio.Event()
        self.ran: list[str] = []
        self.faults: list[str] = []
        self.fails: tuple[str, ...] = ()
        self.error: type[Exception] = UnavailableError
        self.acts: list[Callable[[Loaded], Coroutine[Any, Any, None]]] = []
        self.status = 0

    def log(self, _level: str, message: str, **_fields: object) -> None:
        self.logged.append(message)

    def write(self, language: str) -> None:
        self.file.write_text(HUB.format(language, "ab" * 32))

    async def run(self, loaded: Loaded, halt: asyncio.Event) -> int:
        language = loaded.config.hub.language
        if language in self.fails:
            raise self.error(f"nothing starts with {language}")
        self.ran.append(language)
        self.faults.append(loaded.config.fault)
        self.halt = halt
        self.applying.started()
        if not self.acts:
            self.stop.set()
        else:
            await self.acts.pop(0)(loaded)
        await halt.wait()
        return self.status

    def play(self, *acts: Callable[[Loaded], Coroutine[Any, Any, None]]) -> int:
        async def life() -> int:
            self.acts = list(acts)
            return await self.applying.run(load([self.file]), self.stop, self.run)

        return asyncio.run(life())


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def test_the_hub_runs_anew_with_what_the_files_say(life: Life) -> None:
    async def change(_loaded: Loaded) -> None:
        await asyncio.to_thread(life.write, "en")
        await life.applying.apply()

    assert life.play(change) == 0
    assert (life.ran, life.faults, life.applying.failure) == (["nb", "en"], ["", ""], "")


def test_a_fault_is_said_before_anything_stops(life: Life) -> None:
    async def change(_loaded: Loaded) -> None:
        await asyncio.to_thread(life.write, "fr")
        with pytest.raises(ConfigError, match="language"):
            await life.applying.apply()
        life.stop.set()

    assert life.play(change) == 0 and life.ran == ["nb"]


def test_where_it_does_not_start_the_one_before_runs_on_and_its_files_are_put_back(life: Life) -> None:
    life.fails = ("en",)

    async def change(_loaded: Loaded) -> None:
        await asyncio.to_thread(life.write, "en")
        await life.applying.apply(lambda: life.write("nb"))

    assert life.play(change) == 0
    assert (life.ran, life.faults) == (
        ["nb", "nb"],
        ["", ""],
    ) and "nothing starts with en" in life.applying.failure
    assert load([life.file]).config.hub.language == "nb"


def test_files_that_nobody_puts_back_are_a_fault_that_stands(life: Life) -> None:
    life.fails = ("en",)

    async def change(_loaded: Loaded) -> None:
        await asyncio.to_thread(life.write, "en")
        await life.applying.apply()

    def broken() -> None:
        raise OSError("the disk is gone")

    async def change_again(_loaded: Loaded) -> None:
        await life.applying.apply(broken)

    assert life.play(change, change_again) == 0
    assert life.faults[0] == "" and all("nothing starts with en" in fault for fault in life.faults[1:])
    assert len(life.ran) == 3


def test_what_has_started_and_ends_by_itself_ends_the_process(life: Life) -> None:
    async def change(_loaded: Loaded) -> None:
        await life.applying.apply()

    async def fail(_loaded: Loaded) -> None:
        raise PartFailedError("radio")

    with pytest.raises(PartFailedError):
        life.play(change, fail)
    assert life.ran == ["nb", "nb"]


def test_the_first_start_and_the_one_before_have_nothing_to_fall_back_on(life: Life) -> None:
    life.fails = ("nb", "en")
    with pytest.raises(UnavailableError):
        life.play()
    life.fails = ("en",)

    async def change(_loaded: Loaded) -> None:
        life.fails = ("nb", "en")
        await life.applying.apply()

    with pytest.raises(UnavailableError, match="with nb"):
        life.play(change)


def test_an_exit_status_is_handed_on(life: Life) -> None:
    life.status = 3
    assert life.play() == 3


def test_a_layer_is_written_whole_private_and_not_where_it_cannot_be(tmp_path: Path) -> None:
    write_layer(tmp_path / INSTALLED, "[hub]\n")
    assert (tmp_path / INSTALLED).stat().st_mode & 0o777 == 0o600
    with pytest.raises(UnavailableError, match="nothing has changed"):
        write_layer(tmp_path / "none" / INSTALLED, "[hub]\n")


# --- the layer from afar ------------------------------------------------------------------------------------------


def published(life: Life, used: Loaded) -> Publishing:
    return Publishing([life.file], life.applying, used)


def test_layers_are_the_files_what_came_from_afar_and_what_was_installed(life: Life) -> None:
    write_layer(life.data / PUBLISHED, ENGLISH)
    loaded = load([life.file])
    assert loaded.config.hub.language == "en" and loaded.published == ENGLISH
    write_layer(life.data / INSTALLED, '[hub]\nlanguage = "nb"\n')
    loaded = load([life.file])
    assert loaded.config.hub.language == "nb" and published(life, loaded).local == ["hub.language"]
    write_layer(life.data / PUBLISHED, FRENCH)
    write_layer(life.data / INSTALLED, "")
    with pytest.raises(ConfigError) as caught:
        load([life.file])
    assert (caught.value.source, caught.value.key) == (str(life.data / PUBLISHED), "hub.language")
    for broken in (b"\xff", config_afar.cbor.encode({"hub": {"id": "x"}})):
        write_layer(life.data / PUBLISHED, broken)
        with pytest.raises(ConfigError) as caught:
            load([life.file])
        assert caught.value.source == str(life.data / PUBLISHED)


def test_one_from_afar_is_used_and_the_one_before_kept_until_it_stays(life: Life) -> None:
    async def take(loaded: Loaded) -> None:
        await published(life, loaded).use(ENGLISH)

    async def stays(loaded: Loaded) -> None:
        shelf = published(life, loaded)
        assert shelf.in_use == ENGLISH and (life.data / BEFORE).read_bytes() == b""
        await shelf.confirm()
        await shelf.confirm()
        life.stop.set()

    assert life.play(take, stays) == 0
    assert life.ran == ["nb", "en"] and not (life.data / BEFORE).exists()


def test_one_that_is_taken_back_leaves_what_was_before(life: Life) -> None:
    async def take(loaded: Loaded) -> None:
        await published(life, loaded).use(ENGLISH)

    async def stays(loaded: Loaded) -> None:
        await published(life, loaded).confirm()
        await published(life, loaded).use(NORWEGIAN)

    async def goes(loaded: Loaded) -> None:
        await published(life, loaded).put_back()

    async def goes_again(loaded: Loaded) -> None:
        assert published(life, loaded).in_use == ENGLISH
        await published(life, loaded).put_back()  # nothing to put back: nothing starts anew
        life.stop.set()

    assert life.play(take, stays, goes, goes_again) == 0
    assert life.ran == ["nb", "en", "nb", "en"]


def test_one_with_which_nothing_starts_is_put_back_and_the_next_run_knows_why(life: Life) -> None:
    life.fails = ("en",)

    async def take(loaded: Loaded) -> None:
        await published(life, loaded).use(ENGLISH)

    async def look(loaded: Loaded) -> None:
        shelf = published(life, loaded)
        assert shelf.in_use is None and "nothing starts with en" in shelf.refusal
        life.stop.set()

    assert life.play(take, look) == 0
    assert not (life.data / PUBLISHED).exists() and not (life.data / BEFORE).exists()


def test_what_cannot_be_used_is_said_and_changes_nothing(life: Life) -> None:
    async def check(loaded: Loaded) -> None:
        shelf = published(life, loaded)
        with pytest.raises(ConfigError, match=r"hub\.language"):
            await shelf.check(FRENCH)
        with pytest.raises((ConfigError, RefusedError), match="may not come from afar"):
            await shelf.check(config_afar.cbor.encode({"keys": {"directory": "x"}}))
        await shelf.check(ENGLISH)
        life.stop.set()

    assert life.play(check) == 0
    assert not (life.data / PUBLISHED).exists() and not (life.data / LAST_GOOD).exists()


def test_one_that_is_taken_back_while_the_files_are_half_edited_leaves_the_last_good_one_with_its_fault(
    life: Life,
) -> None:
    async def take(loaded: Loaded) -> None:
        keep_good(loaded)
        await published(life, loaded).use(ENGLISH)

    async def goes(loaded: Loaded) -> None:
        keep_good(loaded)  # on trial: the last good one stays what it was
        await asyncio.to_thread(life.file.write_text, '[hub]\ndata_directory = "data"\nid = ', "utf-8")
        await published(life, loaded).put_back()

    async def last(loaded: Loaded) -> None:
        assert "no TOML" in loaded.config.fault and published(life, loaded).in_use is None
        life.stop.set()

    assert life.play(take, goes, last) == 0
    assert life.ran == ["nb", "en", "nb"] and not (life.data / PUBLISHED).exists()


def test_a_start_from_the_last_good_one_puts_back_what_was_tried_and_stays_with_it(life: Life) -> None:
    keep_good(load([life.file]))
    write_layer(life.data / BEFORE, b"")
    write_layer(life.data / PUBLISHED, ENGLISH)
    life.file.write_text('[hub]\ndata_directory = "data"\nid = ', "utf-8")

    async def scene() -> None:
        used = load_or_last_good([life.file])
        await published(life, used).put_back()
        assert used.config.hub.language == "nb" and not (life.data / PUBLISHED).exists()

    asyncio.run(scene())


def test_what_is_tried_is_the_last_good_one_when_it_stays(life: Life) -> None:
    async def take(loaded: Loaded) -> None:
        keep_good(loaded)
        await published(life, loaded).use(ENGLISH)

    async def stays(loaded: Loaded) -> None:
        keep_good(loaded)
        assert '"nb"' in (life.data / LAST_GOOD).read_text()
        await published(life, loaded).confirm()
        assert '"en"' in (life.data / LAST_GOOD).read_text()
        life.stop.set()

    assert life.play(take, stays) == 0


def test_a_layer_that_the_disk_no_longer_gives_is_said_and_nothing_changes(life: Life) -> None:
    async def take(loaded: Loaded) -> None:
        (life.data / PUBLISHED).mkdir()  # what reading a damaged block comes to: OSError
        with pytest.raises(UnavailableError, match="nothing has changed"):
            await published(life, loaded).use(ENGLISH)
        life.stop.set()

    assert life.play(take) == 0 and not (life.data / BEFORE).exists()


def test_what_runs_is_not_started_anew_where_the_change_did_not_come_about(life: Life) -> None:
    async def take(loaded: Loaded) -> None:
        shelf = published(life, loaded)
        write_layer(life.data / BEFORE, b"")
        write_layer(life.data / PUBLISHED, ENGLISH)
        await shelf.put_back()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not life.halt.is_set()
        life.stop.set()

    assert life.play(take) == 0 and life.ran == ["nb"] and not (life.data / PUBLISHED).exists()


def test_a_bug_that_shows_with_it_at_the_start_puts_it_back_and_one_without_a_change_ends_the_process(
    life: Life,
) -> None:
    life.fails, life.error = ("en",), KeyError

    async def take(loaded: Loaded) -> None:
        await published(life, loaded).use(ENGLISH)

    async def look(loaded: Loaded) -> None:
        assert "KeyError" in published(life, loaded).refusal
        life.stop.set()

    assert life.play(take, look) == 0 and life.ran == ["nb", "nb"] and not (life.data / PUBLISHED).exists()
    life.fails = ("nb",)
    with pytest.raises(KeyError):
        life.play()


def test_starts_that_end_before_the_hub_runs_are_counted_and_the_one_before_comes_back(life: Life) -> None:
    async def take(loaded: Loaded) -> None:
        write_layer(life.data / COUNT, "3")  # of a trial that is over
        await published(life, loaded).use(ENGLISH)

    async def dies(_loaded: Loaded) -> None:
        life.stop.set()

    assert counted_start(life.data) == ""
    life.play(take, dies)
    for number in range(STARTS):
        assert counted_start(life.data) == "", number
    assert (life.data / PUBLISHED).read_bytes() == ENGLISH
    assert counted_start(life.data) == STARTED_IN_VAIN
    assert [path.name for path in life.data.iterdir()] == []
    applying = Applying(lambda: load([life.file]), life.log, failure=STARTED_IN_VAIN)
    assert Publishing([life.file], applying, load([life.file])).refusal == STARTED_IN_VAIN


def test_the_process_counts_before_it_reads_anything(life: Life) -> None:
    write_layer(life.data / BEFORE, b"")
    write_layer(life.data / PUBLISHED, b"what nothing can be made of")
    parser = argparse.ArgumentParser()
    run_command.add_parser(parser.add_subparsers())
    options = parser.parse_args(["run", "-c", str(life.file)])
    for number in range(STARTS):
        assert run_command.run(options) == 2
        assert (life.data / COUNT).read_text() == str(number + 1)
    life.file.write_text("[hub]\n" + f'data_directory = "{life.data}"\n')
    assert run_command.run(options) == 2 and not (life.data / PUBLISHED).exists()
