"""The agent of a board over a pseudo-terminal: what it answers, what it leaves alone, and that it outlives bad lines."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from hal.errors import LinkLostError
from hal.interfaces import Uplink
from hal.sim.clock import SimClock
from hal.types import NetworkPath
from tools.mpy.interpreter import MissingToolError
from tools.rig.board import Board, BoardError


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    try:
        spawned = Board.spawn("tests.contract.board_agent")
    except MissingToolError as error:
        pytest.skip(str(error))
    spawned.faces.update({"SimClock": SimClock, "MqttUplink": Uplink})
    with spawned:
        yield spawned


def test_it_runs_on_micropython_and_not_here(board: Board) -> None:
    assert board.make("implementation") == "micropython"
    clock = board.make("SimClock", 7)
    assert clock.uptime_ms() == 7
    with pytest.raises(AttributeError):
        board.call(object.__getattribute__(clock, "_name"), "there_is_no_such", (), {})


def test_values_pass_as_they_are(board: Board) -> None:
    network = board.make("SimNetwork", [NetworkPath("wlan0", "wifi", True, "192.0.2.1", True)])
    board.faces["SimNetwork"] = object
    paths = board.call(object.__getattribute__(network, "_name"), "paths", (), {})
    assert [(path.name, path.kind, path.up, path.address, path.routed) for path in paths] == [
        ("wlan0", "wifi", True, "192.0.2.1", True)
    ]
    chip = board.make("nvs")
    name = object.__getattribute__(chip, "_name")
    board.call(name, "set_blob", ("x", bytes(range(256))), {})
    assert board.get(name, "chip") == {}
    board.call(name, "commit", (), {})
    assert board.get(name, "chip") == {"x": bytes(range(256))}


def test_an_error_of_the_interface_comes_back_as_itself(board: Board) -> None:
    async def work() -> None:
        with pytest.raises(LinkLostError, match="not connected"):
            await board.make("uplink", "mqtt://127.0.0.1:1", "hub-1").receive()

    asyncio.run(work())


@pytest.mark.parametrize(
    "noise",
    [b"\n", b"garbage\n", b"{\n", b'{"id"}\n', b"[1]\n", b'{"cancel": 99999}\n', b"\xff\xfe{}\n", b"{}\n"],
)
def test_lines_that_are_no_requests_are_borne(board: Board, noise: bytes) -> None:
    os.write(board._fd, noise)
    assert board.make("SimClock", 1).uptime_ms() == 1


def test_a_line_without_an_end_costs_no_more_than_a_limit(board: Board) -> None:
    for _ in range(80):
        board._out += b"x" * 4096
        board._writable()
        board._until(lambda: not board._out, 10)
    board._out += b"\n"
    board._writable()
    assert board.make("SimClock", 2).uptime_ms() == 2


def test_an_object_that_is_forgotten_is_gone(board: Board) -> None:
    clock = board.make("SimClock", 3)
    name = object.__getattribute__(clock, "_name")
    board.ask({"forget": name})
    with pytest.raises(KeyError):
        board.call(name, "uptime_ms", (), {})


def test_a_board_that_goes_away_ends_every_wait() -> None:
    try:
        board = Board.spawn("tests.contract.board_agent")
    except MissingToolError as error:
        pytest.skip(str(error))
    board.faces["SimClock"] = SimClock

    async def work() -> None:
        clock = board.make("SimClock")
        sleeping = asyncio.create_task(clock.sleep_ms(1000))
        await asyncio.sleep(0)
        assert board._process is not None
        board._process.kill()
        with pytest.raises(BoardError, match="went away"):
            await sleeping

    with board:
        asyncio.run(work())
