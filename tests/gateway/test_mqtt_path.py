"""The uplink over a path that is cut, half-open, reset or silent: each is noticed in its time and said in words.

A short patience stands for the real one; `Patience.notices_s` is the bound of both. What it is in a home, measured with
the whole hub: `make bench ARGS="--only cut"`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.config_fields import Broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from gateway.daemon.patience import Patience
from hal.errors import HalError, LinkLostError, TimedOutError, UnavailableError
from tests.gateway.uplinks import TROUBLE_AT, needs_mosquitto, publish_through_trouble
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import HOST, Mosquitto
from tools.simulators.proxy import REFUSE, SILENT, Proxy

pytestmark = needs_mosquitto

SHORT = Patience(keepalive_s=1, user_timeout_ms=1_000)


@contextlib.asynccontextmanager
async def path(
    tmp_path: Path, patience: Patience = SHORT, tls: bool = False
) -> AsyncIterator[tuple[Proxy, PahoUplink]]:
    """A broker, a path to it, an uplink that is not connected."""
    server, files = None, None
    if tls:
        authority = Authority(tmp_path / "ca")
        own, server = authority.client("hub-1"), authority.server(HOST)
        files = TlsFiles(str(authority.path), str(own.certificate), str(own.key))
    with Mosquitto(tmp_path / "broker", tls=server) as mosquitto:
        async with asyncio.timeout(45), Proxy(mosquitto.port) as proxy:
            uplink = PahoUplink(
                Broker(HOST, proxy.port, tls),
                client_id="hub-1",
                tls=files,
                connect_timeout_ms=1_500,
                patience=patience,
            )
            try:
                yield proxy, uplink
            finally:
                await uplink.close()


def test_the_bound_that_is_documented() -> None:
    assert Patience().notices_s == 70
    assert Patience().keepalive_s == 30 and Patience().user_timeout_ms == 20_000


def test_a_half_open_connection_is_noticed_though_nothing_is_sent(tmp_path: Path) -> None:
    async def work() -> None:
        async with path(tmp_path) as (proxy, uplink):
            await uplink.connect(["down"])
            proxy.half_open()
            with pytest.raises(LinkLostError, match="connect again") as caught:
                async with asyncio.timeout(SHORT.notices_s + 0.5):
                    await uplink.receive()
            assert "Keep alive" in caught.value.detail
            assert not uplink.connected
            await uplink.connect(["down"])  # a new connection works at once
            await uplink.publish("down", b"again")
            assert (await uplink.receive()).payload == b"again"

    asyncio.run(work())


def test_a_path_that_stands_outlives_that_time(tmp_path: Path) -> None:
    # Negative control: what ended the connection was the silence, not the short patience.
    async def work() -> None:
        async with path(tmp_path) as (_, uplink):
            await uplink.connect(["down"])
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT.notices_s + 0.5):
                    await uplink.receive()
            assert uplink.connected

    asyncio.run(work())


def test_a_publish_into_a_half_open_connection_is_told_so(tmp_path: Path) -> None:
    async def work() -> None:
        async with path(tmp_path) as (proxy, uplink):
            await uplink.connect([])
            proxy.half_open()
            with pytest.raises(LinkLostError, match="before the broker acknowledged"):
                async with asyncio.timeout(SHORT.notices_s + 0.5):
                    await uplink.publish("up", b"alarm")
            assert proxy.up.swallowed > 0

    asyncio.run(work())


def test_what_a_path_takes_no_more_ends_the_connection_before_the_keepalive(tmp_path: Path) -> None:
    async def work() -> None:
        async with path(tmp_path, Patience(user_timeout_ms=1_000)) as (proxy, uplink):
            await uplink.connect([])
            proxy.stall()
            with pytest.raises(LinkLostError):
                async with asyncio.timeout(20):  # the keepalive would take half a minute and more
                    await uplink.publish("up", bytes(1_000_000))

    asyncio.run(work())


def test_a_stall_that_ends_in_time_ends_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with path(tmp_path, Patience()) as (proxy, uplink):
            await uplink.connect([])
            proxy.stall()
            publishing = asyncio.create_task(uplink.publish("up", bytes(1_000_000)))
            await proxy.change.until(lambda: proxy.up.held > 0)
            proxy.resume()
            await publishing
            assert uplink.connected and proxy.opened == 1

    asyncio.run(work())


def test_a_reset_in_mid_publish_answers_every_publish(tmp_path: Path) -> None:
    async def work() -> tuple[int, int]:
        async with path(tmp_path) as (proxy, uplink):
            await uplink.connect([])
            outcomes = await publish_through_trouble(uplink, 100, 5_000, proxy.reset)
            assert not uplink.connected
            await uplink.connect([])
            await uplink.publish("up", b"again")
            return len(outcomes), sum(outcomes)

    answered, acknowledged = asyncio.run(work())
    assert answered == 100
    assert TROUBLE_AT <= acknowledged < 100


def refusal(tmp_path: Path, mode: str, *, tls: bool) -> HalError:
    """What `connect` raises over a path in this mode."""

    async def work() -> HalError:
        async with path(tmp_path, Patience(), tls=tls) as (proxy, uplink):
            await proxy.set_mode(mode)
            with pytest.raises(HalError) as caught:
                await uplink.connect(["down"])
            return caught.value

    return asyncio.run(work())


def test_a_broker_that_is_reached_and_stalls_the_handshake_times_out_in_words(tmp_path: Path) -> None:
    error = refusal(tmp_path, SILENT, tls=True)
    assert isinstance(error, TimedOutError)
    assert "does not answer: check the network and firewalls" in str(error)


def test_a_broker_that_takes_connect_and_stays_silent_times_out_in_words(tmp_path: Path) -> None:
    error = refusal(tmp_path, SILENT, tls=False)
    assert isinstance(error, TimedOutError)
    assert "does not answer" in str(error)


def test_a_path_that_refuses_is_unavailable(tmp_path: Path) -> None:
    error = refusal(tmp_path, REFUSE, tls=True)
    assert isinstance(error, UnavailableError)
    assert "nothing listens" in str(error)


def test_a_path_that_is_cut_within_the_handshake_says_that_it_hung_up(tmp_path: Path) -> None:
    async def work() -> HalError:
        async with path(tmp_path, tls=True) as (proxy, uplink):
            await proxy.set_mode(SILENT)
            connecting = asyncio.create_task(uplink.connect([]))
            await proxy.change.until(lambda: proxy.up.swallowed > 0)
            await proxy.reset()
            with pytest.raises(HalError) as caught:
                await connecting
            return caught.value

    error = asyncio.run(work())
    assert isinstance(error, UnavailableError)
    assert "hung up" in str(error)


def test_a_slow_and_far_path_is_no_fault(tmp_path: Path) -> None:
    async def work() -> None:
        async with path(tmp_path, Patience(), tls=True) as (proxy, uplink):
            proxy.set(delay_ms=100, bits_per_s=256_000)
            await uplink.connect(["down"])
            await uplink.publish("down", bytes(3_000))
            assert len((await uplink.receive()).payload) == 3_000

    asyncio.run(work())
