"""Starts that end before the hub runs: counted before anything is made of a layer, whichever file operation the power goes in."""

import asyncio

from firmware.published import BEFORE, COUNT, NAME, Published, counted_start, sealed
from gateway.core import config_afar
from gateway.core.config_trial import NONE, STARTED_IN_VAIN, STARTS, Standing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BASE: "dict[str, Any]" = {
    "hub": {"id": "hub-1", "tenant": "oslo"},
    "uplink": {"brokers": ["mqtt://127.0.0.1:1883"]},
    "platform": {"root_public_key": "00" * 32},
}
ENGLISH = config_afar.compiled({"hub": {"language": "en"}})
NORWEGIAN = config_afar.compiled({"hub": {"language": "nb"}})
MOST_STARTS = 40  # a board that has not gone back by then never does


class CutError(Exception):
    """The power goes."""


class Flash:
    """A board's files as its file system has them: written beside, and renamed. The power goes before the operation numbered `cut`."""

    def __init__(self, files: "dict[str, bytes]") -> None:
        self.files = files
        self.cut = -1
        self.is_broken = False
        self.done = 0

    def change(self) -> None:
        if self.is_broken:
            raise OSError(28)
        if self.cut == 0:
            raise CutError
        self.cut -= 1
        self.done += 1

    def read(self, name: str) -> "bytes | None":
        return self.files.get(name)

    def write(self, name: str, data: bytes) -> None:
        for written in (b"", data[: len(data) // 2], data):
            self.change()
            self.files[name + ".new"] = written
        self.change()
        self.files[name] = self.files.pop(name + ".new")

    def rename(self, name: str, other: str) -> None:
        self.change()
        self.files[other] = self.files.pop(name)

    def remove(self, name: str) -> None:
        if name in self.files:
            self.change()
            del self.files[name]


def nothing() -> None:
    """Whoever starts anew."""


def published(flash: Flash, make: "type[Published]" = Published, by_power: bool = False) -> Published:
    return make(flash, BASE, nothing, by_power)  # type: ignore[arg-type]


def on_trial(before: "bytes | None") -> Flash:
    """A board that has just written a layer to be tried, over `before`."""
    flash = Flash({} if before is None else {NAME: sealed(before)})
    asyncio.run(published(flash).use(NORWEGIAN))
    return flash


def starts_until(flash: Flash, wanted: "bytes | None", make: "type[Published]" = Published) -> int:
    """Starts that die before the hub runs, until one runs with `wanted`; that one included."""
    for number in range(1, MOST_STARTS):
        if published(flash, make).in_use == wanted:
            return number
    return MOST_STARTS


def test_the_board_goes_back_after_three_starts_in_which_the_hub_did_not_run():
    for before in (None, ENGLISH):
        flash = on_trial(before)
        assert starts_until(flash, before) == STARTS + 1
        found = published(flash)
        assert (found.in_use, found.refusal) == (before, STARTED_IN_VAIN), "said until the hub has run"
        found.started()
        assert published(flash).refusal == "" and COUNT not in flash.files and BEFORE not in flash.files


def test_a_start_in_which_the_hub_runs_is_not_counted_here():
    flash = on_trial(ENGLISH)
    for _ in range(3 * STARTS):
        found = published(flash)
        assert (found.in_use, found.refusal) == (NORWEGIAN, "")
        found.started()


def test_what_is_not_tried_is_not_counted_and_costs_no_write():
    flash = Flash({NAME: sealed(ENGLISH)})
    for _ in range(3 * STARTS):
        assert published(flash).in_use == ENGLISH
    assert flash.done == 0


def test_wherever_the_power_goes_the_board_goes_back_and_one_of_the_two_is_in_use():
    for before in (None, ENGLISH):
        for start in range(1, STARTS + 2):
            for cut in range(8):
                flash = on_trial(before)
                for number in range(1, start + 1):
                    flash.cut = cut if number == start else -1
                    try:
                        assert published(flash).in_use in (before, NORWEGIAN)
                    except CutError:
                        pass
                flash.cut = -1
                left = starts_until(flash, before)
                assert left <= STARTS + 2, (start, cut)
                assert published(flash).in_use == before and published(flash).refusal == STARTED_IN_VAIN


def test_power_that_goes_at_every_start_hides_no_start():
    """Each start is cut once, behind the count or in it: it is those behind it that count."""
    for cut in range(4, 8):
        flash = on_trial(ENGLISH)
        for _ in range(MOST_STARTS):
            flash.cut = cut
            try:
                published(flash)
            except CutError:
                pass
        flash.cut = -1
        assert published(flash).in_use == ENGLISH, cut


def test_the_hub_says_that_it_was_not_started_and_takes_the_same_revision_no_more():
    flash, standing = on_trial(ENGLISH), Standing()
    standing.begin(1, ENGLISH)
    standing.keep()
    standing.begin(2, NORWEGIAN)
    starts_until(flash, ENGLISH)
    found = published(flash)
    assert standing.at_start(found.in_use, found.refusal) == STARTED_IN_VAIN
    standing.take_back(STARTED_IN_VAIN)
    found.started()
    again = published(flash)
    assert standing.at_start(again.in_use, again.refusal) == ""
    assert (standing.used, standing.revision) == (1, 2) and not standing.examine(2, NORWEGIAN)


def test_power_that_comes_again_and_again_takes_no_layer_back_and_the_boards_own_starts_still_do():
    flash = on_trial(ENGLISH)
    for _ in range(3 * STARTS):
        found = published(flash, by_power=True)
        assert (found.in_use, found.refusal) == (NORWEGIAN, "")
    assert COUNT not in flash.files
    for _ in range(STARTS):  # each time somebody pulls the plug in between
        assert published(flash).in_use == NORWEGIAN and published(flash, by_power=True).in_use == NORWEGIAN
    assert published(flash).in_use == ENGLISH


def test_what_a_cut_left_to_be_put_back_is_put_back_by_a_start_of_power_too():
    flash = on_trial(ENGLISH)
    flash.files[COUNT] = bytes([STARTS + 1])
    found = published(flash, by_power=True)
    assert (found.in_use, found.refusal) == (ENGLISH, STARTED_IN_VAIN)


def test_control_a_board_that_counts_power_as_well_takes_a_good_one_back():
    class Blind(Published):
        def __init__(self, files: "Any", base: "Any", restart: "Callable[[], None]", by_power: bool) -> None:
            super().__init__(files, base, restart, False)

    flash = on_trial(ENGLISH)
    found = [published(flash, Blind, by_power=True).in_use for _ in range(STARTS + 1)]
    assert found == STARTS * [NORWEGIAN] + [ENGLISH]


def test_one_that_stays_and_is_put_back_all_the_same_is_said_and_taken_again():
    """It was confirmed, the one before could not be removed, and then the board did not come to run."""
    flash, standing = on_trial(ENGLISH), Standing()
    standing.begin(1, ENGLISH)
    standing.keep()
    standing.begin(2, NORWEGIAN)
    standing.keep()
    starts_until(flash, ENGLISH)
    found = published(flash)
    assert standing.at_start(found.in_use, found.refusal) == STARTED_IN_VAIN
    assert (standing.used, standing.verdict) == (1, NONE) and standing.examine(2, NORWEGIAN)
    assert standing.at_start(found.in_use, found.refusal) == "", "said once"


def test_a_flash_that_takes_no_count_still_starts_a_hub():
    flash = on_trial(ENGLISH)
    flash.is_broken = True
    assert published(flash).in_use == NORWEGIAN
    published(flash).started()


def test_a_count_that_does_not_read_back_is_begun_anew():
    flash = on_trial(ENGLISH)
    flash.files[COUNT] = b"\x02\x00"
    assert counted_start(flash) == "" and flash.files[COUNT] == b"\x01"  # type: ignore[arg-type]


class Late(Published):
    """The control: it counts where the hub runs, as a board did before, and never where it does not."""

    def __init__(
        self, files: "Any", base: "Any", restart: "Callable[[], None]", by_power: bool = False
    ) -> None:
        super().__init__(files, base, restart, by_power)
        files.files.pop(COUNT, None)


def test_control_a_board_that_counts_only_where_the_hub_runs_never_goes_back():
    assert starts_until(on_trial(ENGLISH), ENGLISH, Late) == MOST_STARTS
