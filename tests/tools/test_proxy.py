"""The simulated path: what it lets through, holds back, cuts and swallows. How exactly it keeps time: tests/system."""

import asyncio
import contextlib
import gc
import json
import socket
import sys
from collections.abc import AsyncIterator

import pytest

from tools.simulators.proxy import HOST, REFUSE, RESET, SILENT, Proxy
from tools.simulators.tcp_line import SEGMENT

KERNEL = 64 * 1024  # more than the small buffers on a path hold, with the kernel's own rounding


class Far:
    """The party at the far end: what each of its connections brought, and how it ended."""

    def __init__(self) -> None:
        self.streams: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams.put_nowait((reader, writer))
        self.writers.append(writer)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Far"]:
        server = await asyncio.start_server(self.take, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self.writers:
                writer.transport.abort()
            await asyncio.gather(*[writer.wait_closed() for writer in self.writers], return_exceptions=True)


@contextlib.asynccontextmanager
async def path(**conditions: int) -> AsyncIterator[tuple[Far, Proxy]]:
    async with asyncio.timeout(45), Far().open() as far, Proxy(far.port, **conditions) as proxy:
        yield far, proxy


@contextlib.asynccontextmanager
async def near(proxy: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def test_bytes_and_ends_pass_in_both_directions() -> None:
    async def work() -> None:
        async with path(delay_ms=1) as (far, proxy), near(proxy) as (reader, writer):
            there, back = await far.streams.get()
            sent = bytes(range(256)) * 1000
            writer.write(sent)
            assert await there.readexactly(len(sent)) == sent
            back.write(sent)
            assert await reader.readexactly(len(sent)) == sent
            writer.write_eof()
            assert await there.read() == b""
            back.write(b"last")
            back.close()
            assert await reader.read() == b"last"
            await proxy.change.until(lambda: proxy.open == 0)
            assert proxy.up.given == len(sent) and proxy.down.given == len(sent) + 4
            assert proxy.up.held == proxy.down.held == 0

    asyncio.run(work())


def test_nothing_arrives_before_its_delay_nor_faster_than_the_line() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        async with path(delay_ms=30, bits_per_s=80_000) as (far, proxy), near(proxy) as (_, writer):
            began_s = loop.time()
            writer.write(b"x")
            there, _ = await far.streams.get()
            assert await there.readexactly(1) == b"x"
            assert loop.time() - began_s >= 0.09, "the handshake's round trip, and one way"
            began_s = loop.time()
            writer.write(bytes(2000))
            await there.readexactly(2000)
            assert loop.time() - began_s >= 0.2 + 0.03 - 0.015, "2,000 bytes at 10,000 a second"

    asyncio.run(work())


def test_back_pressure_reaches_the_sender() -> None:
    async def work() -> None:
        async with path(bits_per_s=8, queue_bytes=10_000) as (far, proxy):
            with socket.socket() as sender:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
                sender.setblocking(False)
                await asyncio.get_running_loop().sock_connect(sender, (HOST, proxy.port))
                await far.streams.get()
                written = 0
                with contextlib.suppress(BlockingIOError):
                    while written < 10 * KERNEL:
                        written += sender.send(bytes(1000))
                        due = min(written, 10_000 - SEGMENT)
                        await proxy.change.until(lambda due=due: proxy.up.taken >= due)
                assert 10_000 < written <= 10_000 + KERNEL
                assert 10_000 - SEGMENT <= proxy.up.most_held <= 10_000

    asyncio.run(work())


def test_without_a_bound_the_same_sender_would_not_wait() -> None:
    # Negative control: what held the sender back was the line.
    async def work() -> None:
        async with path() as (far, proxy), near(proxy) as (_, writer):
            there, _ = await far.streams.get()
            writer.write(bytes(10_000 + 4 * KERNEL))
            await there.readexactly(10_000 + 4 * KERNEL)

    asyncio.run(work())


def test_a_stall_stops_both_directions_and_ends() -> None:
    async def work() -> None:
        async with path() as (far, proxy), near(proxy) as (reader, writer):
            there, back = await far.streams.get()
            proxy.stall()
            writer.write(b"up")
            back.write(b"down")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await there.read(1)
            assert proxy.up.given == proxy.down.given == 0
            proxy.resume()
            assert await there.readexactly(2) == b"up"
            assert await reader.readexactly(4) == b"down"

    asyncio.run(work())


def test_a_reset_reaches_both_sides() -> None:
    async def work() -> None:
        async with path() as (far, proxy), near(proxy) as (reader, _):
            there, _ = await far.streams.get()
            await proxy.reset()
            for stream in (reader, there):
                with pytest.raises(ConnectionResetError):
                    await stream.read()
            assert proxy.open == 0

    asyncio.run(work())


def test_a_reset_of_one_side_is_passed_on() -> None:
    async def work() -> None:
        async with path() as (far, proxy), near(proxy) as (reader, _):
            _, back = await far.streams.get()
            back.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            back.transport.abort()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            await proxy.change.until(lambda: proxy.open == 0)

    asyncio.run(work())


def test_half_open_swallows_and_says_nothing_while_new_connections_work() -> None:
    async def work() -> None:
        async with path() as (far, proxy), near(proxy) as (reader, writer):
            _, back = await far.streams.get()
            proxy.half_open()
            writer.write(b"never seen")
            back.write(b"nor this")
            await proxy.change.until(lambda: proxy.up.swallowed == 10 and proxy.down.swallowed == 8)
            back.close()  # not even the end is told
            writer.write(b"still taken")
            await proxy.change.until(lambda: proxy.up.swallowed == 21)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read()
            assert proxy.open == 1
            async with near(proxy) as (_, other):
                again, _ = await far.streams.get()
                other.write(b"seen")
                assert await again.readexactly(4) == b"seen"

    asyncio.run(work())


def test_half_open_swallows_what_is_already_on_its_way() -> None:
    async def work() -> None:
        async with path() as (far, proxy), near(proxy) as (_, writer):
            await far.streams.get()
            proxy.stall()
            writer.write(b"on its way")
            proxy.half_open()
            await proxy.change.until(lambda: proxy.up.swallowed == 10)

    asyncio.run(work())


def test_refuse_is_a_refusal_of_the_kernel_and_can_be_taken_back() -> None:
    async def work() -> None:
        async with path() as (far, proxy):
            port = proxy.port
            await proxy.set_mode(REFUSE)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(HOST, port)
            await proxy.set_mode("forward")
            assert proxy.port == port
            async with near(proxy):
                await far.streams.get()

    asyncio.run(work())


def test_a_silent_path_accepts_and_never_answers() -> None:
    async def work() -> None:
        async with path() as (far, proxy):
            await proxy.set_mode(SILENT)
            async with near(proxy) as (_, writer):
                writer.write(b"hello?")
                await proxy.change.until(lambda: proxy.up.swallowed == 6)
                assert far.streams.empty() and proxy.open == 1

    asyncio.run(work())


def test_a_target_that_is_not_there_resets_the_connection() -> None:
    async def work() -> None:
        async with path() as (far, proxy):
            with socket.create_server((HOST, 0)) as gone:
                proxy.target = gone.getsockname()
            async with near(proxy) as (reader, _):
                with pytest.raises(ConnectionResetError):
                    await reader.read()
            assert far.streams.empty()

    asyncio.run(work())


def test_conditions_change_while_it_runs_and_unknown_ones_are_refused() -> None:
    async def work() -> None:
        async with path(bits_per_s=8) as (far, proxy), near(proxy) as (_, writer):
            there, _ = await far.streams.get()
            proxy.set(bits_per_s=0)
            writer.write(bytes(5000))
            await there.readexactly(5000)
            with pytest.raises(ValueError, match="delay_ms"):
                proxy.set(delay_s=1)
            with pytest.raises(ValueError, match="forward"):
                await proxy.set_mode("backward")

    asyncio.run(work())


def test_leaving_it_closes_everything() -> None:
    async def work() -> None:
        async with Far().open() as far:
            async with Proxy(far.port, bits_per_s=100) as proxy:
                reader, writer = await asyncio.open_connection(HOST, proxy.port)
                await far.streams.get()
                writer.write(bytes(5000))
                await proxy.change.until(lambda: proxy.up.taken > 0)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            assert proxy.open == 0 and proxy.up.held == 0
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(HOST, proxy.port)

    asyncio.run(work())  # the guards of all tests look for tasks and threads that stay


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 10])
def test_a_connection_that_arrives_while_it_stops_is_closed(turns: int, refuses: bool) -> None:
    """It waits for somebody already, so that stopping may come between the connection and its acceptance."""

    async def work() -> None:
        async with asyncio.timeout(45), Far().open() as far, Proxy(far.port) as proxy:
            for _ in range(3):
                await asyncio.sleep(0)
            client = socket.create_connection((HOST, proxy.port))
            for _ in range(turns):
                await asyncio.sleep(0)
            if refuses:
                await proxy.set_mode(REFUSE)
        with client, contextlib.suppress(ConnectionResetError):
            client.settimeout(20)
            assert client.recv(1) == b""

    asyncio.run(work())
    gc.collect()


def test_the_program_obeys_its_input_and_ends_with_it() -> None:
    async def work() -> None:
        async with asyncio.timeout(45), Far().open() as far:
            program = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tools.simulators.proxy", "--target-port", str(far.port)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert program.stdin is not None and program.stdout is not None
            port = json.loads(await program.stdout.readline())["port"]
            reader, writer = await asyncio.open_connection(HOST, port)
            await far.streams.get()
            for command, expected in (
                ({"delay_ms": 5}, {"open": 1}),
                ({"mode": "refuse"}, {"mode": "refuse"}),
                ({"do": "explode"}, {"error": "explode: one of reset, stall, resume, half_open"}),
                ({"do": "reset"}, {"open": 0}),
            ):
                program.stdin.write(json.dumps(command).encode() + b"\n")
                answer = json.loads(await program.stdout.readline())
                assert {key: answer[key] for key in expected} == expected
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            program.stdin.close()
            assert await program.wait() == 0

    asyncio.run(work())
