"""The layer from afar on a board: whichever moment the power goes, one of the two is whole."""

import asyncio

from firmware.published import BEFORE, NAME, Published, layer, sealed
from gateway.core import config_afar
from gateway.core.config_trial import NOT_STARTED, Standing
from gateway.core.errors import ConfigError, RefusedError
from hal.errors import UnavailableError

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


class CutError(Exception):
    """The power goes."""


class Flash:
    """A board's files; the power goes before the change numbered `cut`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut = -1
        self.is_broken = False

    def change(self) -> None:
        if self.is_broken:
            raise OSError(28)
        if self.cut == 0:
            raise CutError
        self.cut -= 1

    def read(self, name: str) -> "bytes | None":
        return self.files.get(name)

    def write(self, name: str, data: bytes) -> None:
        self.change()
        self.files[name] = data

    def rename(self, name: str, other: str) -> None:
        self.change()
        self.files[other] = self.files.pop(name)

    def remove(self, name: str) -> None:
        self.change()
        self.files.pop(name, None)


class Board:
    """Started anew with `start`; `restarts` counts what was asked for."""

    def __init__(self) -> None:
        self.flash = Flash()
        self.restarts = 0
        self.start()

    def start(self) -> None:
        self.flash.cut = -1
        self.published = Published(self.flash, BASE, self.restart)  # type: ignore[arg-type]

    def restart(self) -> None:
        self.restarts += 1

    @property
    def language(self) -> object:
        return self.published.tree["hub"].get("language")


def run(work: "Any") -> None:
    asyncio.run(work)


def raised(work: "Callable[[], object]", *errors: "type[Exception]") -> str:
    try:
        work()
    except errors as error:
        return str(error)
    raise AssertionError("nothing was raised")


def test_a_layer_is_used_after_the_start_and_goes_back_or_stays():
    board = Board()
    assert board.language is None and board.published.in_use is None
    run(board.published.use(ENGLISH))
    board.start()
    assert (board.language, board.published.in_use, board.restarts) == ("en", ENGLISH, 1)
    run(board.published.confirm())
    run(board.published.use(NORWEGIAN))
    board.start()
    assert board.language == "nb"
    run(board.published.put_back())
    board.start()
    assert board.language == "en" and BEFORE not in board.flash.files
    run(board.published.put_back())
    assert board.restarts == 3, "there is none before it"


def test_whenever_the_power_goes_one_of_the_two_is_in_use():
    for before in (None, ENGLISH):
        for cut in range(3):
            board = Board()
            if before is not None:
                run(board.published.use(before))
                board.start()
                run(board.published.confirm())
            board.flash.cut = cut
            try:
                run(board.published.use(NORWEGIAN))
                written = True
            except CutError:
                written = False
            board.start()
            assert board.published.in_use in (before, NORWEGIAN)
            assert (board.published.in_use == NORWEGIAN) == written
            run(board.published.put_back())
            board.start()
            assert board.published.in_use == before, "and it still goes back"


def test_a_torn_or_wrong_layer_is_left_and_the_board_starts():
    board = Board()
    run(board.published.use(ENGLISH))
    board.flash.files[NAME] = board.flash.files[NAME][:-1]
    board.start()
    assert board.published.in_use is None and board.language is None and layer(board.flash) is None  # type: ignore[arg-type]
    board.flash.files[NAME] = sealed(config_afar.cbor.encode({"hub": {"language": "fr"}}))
    board.start()
    assert board.published.in_use is None and "language" in board.published.refusal


def torn(board: Board) -> None:
    """The newest layer, on trial over a good one, is torn in the flash, and the board starts."""
    run(board.published.use(ENGLISH))
    board.start()
    run(board.published.confirm())
    run(board.published.use(NORWEGIAN))
    board.flash.files[NAME] = board.flash.files[NAME][:-1]
    board.start()


def test_a_torn_layer_on_trial_leaves_the_one_before_in_use_whatever_the_hub_makes_of_it():
    for ending in ("put_back", "confirm"):
        board = Board()
        torn(board)
        assert (board.published.in_use, board.language) == (ENGLISH, "en")
        assert "torn" in board.published.refusal
        restarts = board.restarts
        run(getattr(board.published, ending)())
        assert board.restarts == restarts, "it runs with it already"
        board.start()
        assert (board.published.in_use, board.published.refusal) == (ENGLISH, ""), ending
        assert BEFORE not in board.flash.files
        run(board.published.use(NORWEGIAN))
        board.start()
        assert board.language == "nb" and board.flash.files[BEFORE] == sealed(ENGLISH)


def test_a_power_cut_at_any_moment_of_that_leaves_the_one_before_too():
    for ending in ("put_back", "confirm"):
        for cut in range(2):
            board = Board()
            torn(board)
            board.flash.cut = cut
            try:
                run(getattr(board.published, ending)())
            except CutError:
                pass
            board.start()
            assert board.published.in_use == ENGLISH, (ending, cut)


def test_the_hub_says_of_a_torn_one_that_it_was_not_started_and_which_is_in_use():
    board = Board()
    standing = Standing()
    standing.begin(1, ENGLISH)
    standing.keep()
    standing.begin(2, NORWEGIAN)
    torn(board)
    assert standing.at_start(board.published.in_use, board.published.refusal) == board.published.refusal
    standing.take_back(NOT_STARTED)
    run(board.published.put_back())
    board.start()
    assert standing.at_start(board.published.in_use, board.published.refusal) == ""
    assert (standing.used, standing.revision, board.language) == (1, 2, "en")


def test_where_both_are_torn_the_board_starts_as_it_was_provisioned():
    board = Board()
    torn(board)
    board.flash.files[BEFORE] = board.flash.files[BEFORE][:-1]
    board.start()
    assert board.published.in_use is None and board.language is None and board.published.refusal
    run(board.published.put_back())
    board.start()
    board.published.started()
    assert board.flash.files == {} and board.published.refusal == ""


def test_what_cannot_be_used_or_written_is_said():
    board = Board()
    wrong = config_afar.cbor.encode({"hub": {"id": "another"}})
    assert "may not come" in raised(lambda: run(board.published.check(wrong)), ConfigError, RefusedError)
    run(board.published.check(ENGLISH))
    board.flash.is_broken = True
    assert "could not be written" in raised(lambda: run(board.published.use(ENGLISH)), UnavailableError)
    assert board.restarts == 0
