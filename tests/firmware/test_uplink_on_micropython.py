"""The board's uplink on the real interpreter, against Mosquitto: whom it refuses, what it says then, and what has left it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.daemon.wording import norwegian
from hal.errors import DeniedError, HalError, LinkLostError, UnavailableError
from hal.interfaces import Uplink
from tests.gateway.english import english_in
from tools.mpy.interpreter import MissingToolError
from tools.rig.board import Board
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto, find_mosquitto
from tools.simulators.proxy import Proxy
from tools.simulators.tls_records import APPLICATION, HANDSHAKE, RecordCounter

ID = "hub-1"
Der = tuple[bytes, bytes, bytes]


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    try:
        spawned = Board.spawn("tests.contract.board_agent")
    except MissingToolError as error:
        pytest.skip(str(error))
    spawned.faces["MqttUplink"] = Uplink
    with spawned:
        yield spawned


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return tmp_path_factory.mktemp("uplink")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder / "ca")


def client(authority: Authority) -> Der:
    return authority.client(ID).der()


def other_authority(authority: Authority, folder: Path) -> Der:
    own = client(authority)
    return (Authority(folder / "other").client(ID).der()[0], own[1], own[2])


def other_client(authority: Authority, folder: Path) -> Der:
    return (client(authority)[0], *Authority(folder / "other").client(ID).der()[1:])


async def attempt(
    board: Board, mosquitto: Mosquitto, der: Der, host: str = "127.0.0.1", **named: object
) -> tuple[HalError | None, RecordCounter]:
    """Connect and publish through a counter; what came of it."""
    async with RecordCounter(mosquitto.port) as counter:
        uplink: Uplink = board.make("uplink", f"mqtts://{host}:{counter.port}", ID, *der, 5_000, **named)
        try:
            await uplink.connect(["down/#"])
            await uplink.publish("up/0", b"an alarm")
        except HalError as error:
            return error, counter
        await uplink.close()
        return None, counter


def test_a_broker_that_is_ours_gets_the_message(board: Board, folder: Path, authority: Authority) -> None:
    """The control: the counter sees what goes."""
    with Mosquitto(folder / "ours", tls=authority.server("127.0.0.1")) as mosquitto:
        error, counter = asyncio.run(attempt(board, mosquitto, client(authority)))
    assert error is None
    assert counter.records[APPLICATION] >= 2 and counter.records[HANDSHAKE] >= 3


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("authority", "is not from our authority"),
        ("host", "is not for 127.0.0.1"),
        ("expired", "is not valid at this time"),
        ("client", "refuses our certificate"),
    ],
)
def test_a_wrong_certificate_is_refused_in_plain_words_and_nothing_is_sent(
    board: Board, folder: Path, authority: Authority, case: str, said: str
) -> None:
    der, hosts, days = client(authority), ("127.0.0.1",), 30
    if case == "authority":
        der = other_authority(authority, folder)
    elif case == "client":
        der = other_client(authority, folder)
    elif case == "host":
        hosts = ("broker.example",)
    else:
        days = -1
    tls = authority.server(*hosts, valid_days=days)
    with Mosquitto(folder / case, tls=tls) as mosquitto:
        error, counter = asyncio.run(attempt(board, mosquitto, der))
    assert isinstance(error, DeniedError) and said in error.message
    assert counter.opened == 1 and counter.records[HANDSHAKE] and not counter.records[APPLICATION]
    spoken = norwegian(error.message)
    assert spoken != error.message and not english_in(spoken)


def test_before_the_clock_is_set_no_connection_is_made(
    board: Board, folder: Path, authority: Authority
) -> None:
    with Mosquitto(folder / "undated", tls=authority.server("127.0.0.1")) as mosquitto:
        error, counter = asyncio.run(attempt(board, mosquitto, client(authority), dated=False))
    assert isinstance(error, UnavailableError) and "the clock is not set yet" in error.message
    assert counter.opened == 0
    assert not english_in(norwegian(error.message))


def test_credentials_that_are_no_der_are_said_before_anything_goes(
    board: Board, folder: Path, authority: Authority
) -> None:
    own = client(authority)
    with Mosquitto(folder / "pem", tls=authority.server("127.0.0.1")) as mosquitto:
        for der in ((b"-----BEGIN", *own[1:]), (own[0], own[1], b"\x30\x03"), (own[0], own[0], b"")):
            error, counter = asyncio.run(attempt(board, mosquitto, der))
            assert isinstance(error, DeniedError) and "cannot be read as DER" in error.message
            assert counter.opened == 0 and not english_in(norwegian(error.message))


def test_a_probe_touches_no_connection_and_says_what_a_connection_would(
    board: Board, folder: Path, authority: Authority
) -> None:
    async def work(mosquitto: Mosquitto) -> None:
        url = f"mqtts://127.0.0.1:{mosquitto.port}"
        uplink: Uplink = board.make("uplink", url, ID, *client(authority))
        await uplink.connect(["echo"])
        await uplink.probe()
        await uplink.publish("echo", b"still here")
        assert (await uplink.receive()).payload == b"still here"
        wrong: Uplink = board.make("uplink", url, ID, *other_authority(authority, folder))
        with pytest.raises(DeniedError, match="not from our authority"):
            await wrong.probe()
        assert uplink.connected
        await uplink.close()

    with Mosquitto(folder / "probed", tls=authority.server("127.0.0.1")) as mosquitto:
        asyncio.run(work(mosquitto))


@pytest.mark.parametrize("trouble", ["half_open", "stall"])
def test_a_path_that_swallows_everything_is_given_up_in_time(
    board: Board, folder: Path, authority: Authority, trouble: str
) -> None:
    async def work(mosquitto: Mosquitto) -> float:
        async with Proxy(mosquitto.port) as proxy:
            uplink: Uplink = board.make(
                "uplink",
                f"mqtts://127.0.0.1:{proxy.port}",
                ID,
                *client(authority),
                5_000,
                keepalive_s=1,
                answer_ms=500,
                look_ms=100,
            )
            await uplink.connect(["down/#"])
            getattr(proxy, trouble)()
            began = time.monotonic()
            with pytest.raises(LinkLostError):
                await uplink.receive()
            proxy.resume()
            return time.monotonic() - began

    with Mosquitto(folder / trouble, tls=authority.server("127.0.0.1")) as mosquitto:
        assert 1.0 <= asyncio.run(work(mosquitto)) <= 1.0 + 0.5 + 2 * 0.1 + 1.0


def test_a_name_that_is_not_found_is_said_so(board: Board, authority: Authority) -> None:
    async def work() -> None:
        uplink: Uplink = board.make("uplink", "mqtts://nothing.invalid:1", ID, *client(authority))
        with pytest.raises(UnavailableError, match=r"the name nothing\.invalid is not found"):
            await uplink.connect([])

    asyncio.run(work())
