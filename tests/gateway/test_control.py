"""The control socket: who may open it, what it answers, and what is left of a hub that was killed."""

import asyncio
import contextlib
import json
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.control import ControlServer, WrongArgumentError, ask, bind_private, short_path
from hal.errors import UnavailableError


def tell(device: str = "", yes: bool = False) -> dict[str, object]:
    if device == "nobody":
        raise ConfigError("device", "'nobody'", "one of Oximeter")
    if device == "busy":
        raise RefusedError("a time for pairing is open already")
    return {"device": device, "yes": yes}


async def later(device: str = "") -> str:
    await asyncio.sleep(0)
    if device == "gone":
        raise UnavailableError("no Bluetooth adapter")
    return device


HANDLERS: dict[str, Callable[..., object]] = {
    "status": lambda: {"gateway": "hub-1", "lanes": [{"held": 3}], "utc_ms": None},
    "devices": list,
    "tell": tell,
    "later": later,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "control.sock"


def serving(path: Path, client: Callable[[], Any]) -> Any:
    """What `client` returns in a thread while the handlers are served."""

    async def work() -> Any:
        async with ControlServer(path, HANDLERS):
            return await asyncio.to_thread(client)

    return asyncio.run(work())


def raw(path: Path, *lines: bytes) -> list[Any]:
    """Answers to raw request lines on one connection."""
    with socket.socket(socket.AF_UNIX) as client, short_path(path) as short:
        client.settimeout(20)
        client.connect(short)
        client.sendall(b"".join(lines))
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answers:
            return [json.loads(line) for line in answers]


def test_a_running_hub_answers_each_command(path: Path) -> None:
    assert serving(path, lambda: ask(path, "status")) == {
        "gateway": "hub-1",
        "lanes": [{"held": 3}],
        "utc_ms": None,
    }
    assert serving(path, lambda: ask(path, "devices")) == []


def test_one_connection_may_ask_several_times(path: Path) -> None:
    answers = serving(path, lambda: raw(path, b'{"command": "status"}\n', b'{"command": "devices"}\n'))
    assert [answer["ok"] for answer in answers] == [True, True]


def test_what_is_no_request_is_answered_with_the_reason(path: Path) -> None:
    lines = [
        b"status\n",
        b"[]\n",
        b"{}\n",
        b'{"command": "open_door"}\n',
        b'{"command": ["status"]}\n',
        b"\xff\n",
    ]
    answers = serving(path, lambda: raw(path, *lines))
    assert [answer["ok"] for answer in answers] == [False] * len(lines)
    assert "unknown command open_door; known: devices, later, status, tell" in answers[3]["error"]
    with pytest.raises(ValueError, match="unknown command open_door"):
        serving(path, lambda: ask(path, "open_door"))


def test_arguments_go_by_their_names(path: Path) -> None:
    def client() -> list[Any]:
        return [
            ask(path, "tell", arguments={"device": "Oximeter", "yes": True}),
            ask(path, "tell"),
            ask(path, "later", arguments={"device": "Scale"}),
        ]

    assert serving(path, client) == [
        {"device": "Oximeter", "yes": True},
        {"device": "", "yes": False},
        "Scale",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        "Oximeter",
        ["Oximeter"],
        {"device": 7},
        {"device": None},
        {"name": "Oximeter"},
        {"yes": "yes"},
        {"device": {}},
    ],
)
def test_arguments_that_a_command_does_not_take_are_refused(path: Path, arguments: object) -> None:
    request = json.dumps({"command": "tell", "arguments": arguments}).encode() + b"\n"
    (answer,) = serving(path, lambda: raw(path, request))
    assert answer == {"ok": False, "wrong": True, "error": "the command does not take these arguments"}
    (answer,) = serving(path, lambda: raw(path, b'{"command": "status", "arguments": {"a": "b"}}\n'))
    assert not answer["ok"]


def test_a_refusal_says_whether_the_question_was_wrong_or_the_moment(path: Path) -> None:
    def client() -> None:
        with pytest.raises(WrongArgumentError, match="one of Oximeter"):
            ask(path, "tell", arguments={"device": "nobody"})
        for command, name, said in (("tell", "busy", "open already"), ("later", "gone", "no Bluetooth")):
            with pytest.raises(ValueError, match=said) as refused:
                ask(path, command, arguments={"device": name})
            assert not isinstance(refused.value, WrongArgumentError)

    serving(path, client)


def test_an_endless_request_ends_the_connection_and_nothing_else(path: Path) -> None:
    def client() -> Any:
        with pytest.raises(OSError):
            raw(path, b"x" * 1_000_000 + b"\n")
        return ask(path, "devices")

    assert serving(path, client) == []


def test_only_its_owner_may_open_it(path: Path) -> None:
    modes = serving(path, lambda: (path.stat().st_mode, path.parent.stat().st_mode))
    assert [stat.S_IMODE(mode) for mode in modes] == [0o600, 0o700]


def test_it_is_gone_when_the_hub_has_stopped(path: Path) -> None:
    serving(path, lambda: None)
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        ask(path, "status")


def test_what_a_killed_hub_left_is_replaced(path: Path) -> None:
    bind_private(path).close()
    assert path.is_socket()
    with pytest.raises(ConnectionRefusedError):
        ask(path, "status")
    assert serving(path, lambda: ask(path, "devices")) == []


def test_a_second_hub_in_the_same_folder_is_refused(path: Path) -> None:
    async def work() -> None:
        async with ControlServer(path, HANDLERS):
            with pytest.raises(UnavailableError, match="another hub runs"):
                async with ControlServer(path, HANDLERS):
                    pass
            assert await asyncio.to_thread(ask, path, "devices") == []

    asyncio.run(work())


def test_a_file_in_its_place_is_not_removed(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(UnavailableError, match="no socket"):
        serving(path, lambda: None)
    assert path.read_text() == "mine"


def test_a_folder_however_deep_will_do(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 60) / ("e" * 60) / "control.sock"
    assert len(str(path)) > 108
    assert serving(path, lambda: ask(path, "devices")) == []
    assert not path.exists()


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 10])
def test_stopping_does_not_wait_for_a_client_that_says_nothing(path: Path, turns: int, waits: bool) -> None:
    """`waits`: the server waits for somebody already, so that stopping may come between the connection and its acceptance."""

    async def work() -> None:
        async with asyncio.timeout(20):
            async with ControlServer(path, HANDLERS):
                for _ in range(3 * waits):
                    await asyncio.sleep(0)
                client = socket.socket(socket.AF_UNIX)
                with short_path(path) as short:
                    client.connect(short)
                client.sendall(b'{"command"')
                for _ in range(turns):
                    await asyncio.sleep(0)
            with client, contextlib.suppress(ConnectionResetError):
                client.settimeout(20)
                assert client.recv(1) == b""

    asyncio.run(work())


def test_a_hub_that_hangs_is_given_up_in_time(path: Path) -> None:
    listener = bind_private(path)
    listener.listen()
    with pytest.raises(TimeoutError):
        ask(path, "status", timeout_s=0.05)
    listener.close()


def test_an_answer_that_breaks_off_is_no_answer(path: Path) -> None:
    listener = bind_private(path)
    listener.listen()
    listener.setblocking(True)

    def half() -> None:
        peer, _ = listener.accept()
        peer.recv(100)
        peer.sendall(b'{"ok": true, "result"')
        peer.close()

    thread = threading.Thread(target=half)
    thread.start()
    with pytest.raises(ConnectionResetError):
        ask(path, "status")
    thread.join()
    listener.close()
