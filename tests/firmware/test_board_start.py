"""A board that does not start: whatever stood in the way, it starts anew, after a pause, and says why."""

import asyncio

from firmware import live
from firmware.wiring import patience_of
from gateway.core.errors import ConfigError
from gateway.hub.parts import PartFailedError
from hal.errors import HalError, UnavailableError
from hal.sim.clock import SimClock
from hal.sim.natives import SimNatives
from hal.sim.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FOLDER = "/nothing is provisioned here"


class Reset:
    """What a board has around its life: the reset, the pause before it, and the console. `order` is how they came."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.causes: list[str] = []
        self.ended_with: BaseException | None = None

    def restart(self) -> None:
        self.order.append("reset")

    def pause(self, seconds: int) -> None:
        self.order.append("pause " + str(seconds))

    def write(self, line: "dict[str, Any]") -> None:
        self.order.append(line["level"])
        self.causes.append(line["cause"])


def ended(board: Reset, error: "BaseException | None", life: "Callable[..., None]" = live.run) -> None:
    """One life of a board whose drivers answer with `error`; None: they do, and nothing is provisioned."""

    def make() -> "Any":
        if error is not None:
            raise error
        return SimNatives(World(SimClock()), {}, None)

    try:
        life(make, board.restart, folder=FOLDER, write=board.write, pause=board.pause)
    except BaseException as raised:  # noqa: BLE001  the interpreter ends here; what was done before is what counts
        board.ended_with = raised


ERRORS = (
    ImportError("no module named bluetooth"),
    MemoryError("memory allocation failed"),
    OSError(5),
    ValueError("non-hex number found"),
    KeyError("platform"),
    PartFailedError("the journal takes nothing any more"),
    UnavailableError("the flash failed: try again"),
)


def test_whatever_stands_in_the_way_the_board_starts_anew_after_a_pause_and_says_why():
    for error in ERRORS:
        board = Reset()
        ended(board, error)
        assert board.order == ["error", "pause 5", "pause 5", "reset"] and board.ended_with is None, error
        is_named = board.causes[0].startswith(type(error).__name__)
        assert is_named != isinstance(error, HalError), "a fault of ours is known by its class"


def test_a_board_that_nobody_provisioned_says_so_and_starts_anew():
    board = Reset()
    ended(board, None)
    assert board.order == ["error", "pause 1", "reset"] and "flash esp32 --profile" in board.causes[0]


class Chip:
    """A board that outlives its resets, and lives that end after some seconds: as told, or not."""

    def __init__(self) -> None:
        self.chip: dict[str, bytes] = {}
        self.natives = SimNatives(World(SimClock()), self.chip, None)

    def waits_s(self, as_told: bool = False, run: "Callable[..., None]" = live.run) -> int:
        """One life, and how long the board waits before it starts anew."""
        waited: list[int] = []

        async def life(*_: object) -> bool:
            return as_told

        run(lambda: self.natives, lambda: None, folder=FOLDER, write=print, pause=waited.append, life=life)
        return sum(waited)


def test_lives_that_give_up_are_further_and_further_apart_until_the_hub_ran_steadily():
    board = Chip()
    assert [board.waits_s() for _ in range(10)] == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert board.waits_s(as_told=True) == 0 and board.waits_s() == 120
    patience_of(board.natives).steady()
    assert [board.waits_s() for _ in range(2)] == [1, 2]


def test_a_count_that_does_not_read_back_is_a_wait_all_the_same():
    board = Chip()
    board.chip["ended_in_vain"] = b"?"
    assert board.waits_s() == 10


def test_control_a_board_that_counts_nothing_starts_anew_each_second():
    board = Chip()
    waits = []
    for _ in range(5):
        waits.append(board.waits_s())
        board.chip.clear()
    assert waits == [1] * 5


def test_an_interrupt_on_the_console_is_a_start_anew_too():
    board = Reset()
    ended(board, KeyboardInterrupt())
    assert board.order == ["reset"]


def test_control_a_board_that_knows_two_sorts_of_errors_stays_dead_of_the_others():
    def life(
        make: "Any", restart: "Any", *, folder: str, write: "Any", pause: "Callable[[int], None]"
    ) -> None:
        try:
            asyncio.run(live.live(make(), live.PROFILE, folder, write, asyncio.Event()))
        except (ConfigError, HalError):
            pass
        restart()

    dead = []
    for error in ERRORS:
        board = Reset()
        ended(board, error, life)
        if "reset" not in board.order:
            dead.append(error)
    assert len(dead) == 6


def test_a_root_key_that_stands_elsewhere_is_refused_in_plain_words():
    assert live.root_of({"platform": {"root_public_key": "0a" * 32}}) == b"\x0a" * 32
    for wrong in ("/trygg/root.pub", "0a" * 31, "0a" * 33, ""):
        told = ""
        try:
            live.root_of({"platform": {"root_public_key": wrong}})
        except ConfigError as error:
            told = str(error)
        assert "platform.root_public_key" in told and "64 hex digits" in told, wrong
