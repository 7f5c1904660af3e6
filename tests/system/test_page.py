"""The page as a process of its own, over real TLS: how it starts, what it tells, and that it ends with its window and its hub."""

import asyncio
import contextlib
import hashlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from gateway.daemon.configuration import LAST_GOOD
from gateway.daemon.control import ControlServer
from gateway.daemon.page.process import FOLDER, PageProcess
from gateway.daemon.page.words import Words
from tests.conftest import ROOT
from tests.gateway.page.installation import Installation

PATIENCE_S = 60.0
LEAST_KB, MOST_KB = 10_000, 100_000  # of memory: a floor, so that the look is known to look


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configure(data: Path, **page: object) -> Path:
    """The configuration that a running hub has kept."""
    (data / "root-key.pub").write_text("ab" * 32)
    lines = ["[hub]", 'id = "hub-1"', 'tenant = "oslo"', f'data_directory = "{data}"', "[uplink]"]
    lines += ['brokers = ["mqtt://127.0.0.1:1"]', "[platform]", f'root_public_key = "{data}/root-key.pub"']
    lines += ["[radio]", 'backend = "none"', "[page]"]
    lines += [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
        for name, value in page.items()
    ]
    (data / LAST_GOOD).write_text("\n".join(lines) + "\n")
    return data / LAST_GOOD


async def until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(0.05)


def resident_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


class Client:
    """A browser that checks the fingerprint and nothing else of the certificate."""

    def __init__(self, address: str, fingerprint: str) -> None:
        parts = urlsplit(address)
        self.address, self.fingerprint = address.rstrip("/"), fingerprint
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.cookie = ""

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=40, context=tls)
        try:
            connection.connect()
            assert isinstance(connection.sock, ssl.SSLSocket)
            shown = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").digest()
            assert shown.hex(":").upper() == self.fingerprint
            assert connection.sock.version() in ("TLSv1.2", "TLSv1.3")
            headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, path, urlencode(fields) or None, headers)
            answer = connection.getresponse()
            set_cookie = answer.getheader("Set-Cookie")
            self.cookie = set_cookie.partition(";")[0] if set_cookie else self.cookie
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    async def get(self, path: str) -> tuple[int, str]:
        return await asyncio.to_thread(self.ask, "GET", path)

    async def sign_in(self, code: str) -> int:
        status, _ = await asyncio.to_thread(lambda: self.ask("POST", "/sign-in", code=code, name="Kari"))
        return status


class Bench:
    """A simulated hub with the page as its part."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.home = Installation()
        self.said: list[str] = []
        self.page = PageProcess(data, lambda _level, message, **_fields: self.said.append(message))

    @property
    def pid(self) -> int:
        process = self.page._process
        assert process is not None
        return process.pid

    @property
    def proc(self) -> Path:
        return Path("/proc") / str(self.pid)

    async def client(self) -> Client:
        await until(lambda: bool(self.page.facts()["address"]), "the page serves")
        facts = self.page.facts()
        return Client(str(facts["address"]), str(facts["fingerprint"]))


@contextlib.asynccontextmanager
async def hub(bench: Bench) -> AsyncIterator[None]:
    async with ControlServer(bench.data / "control.sock", bench.home.handlers()), bench.page.beside():
        yield


def benched(data: Path, work: Callable[[Bench], Awaitable[Any]]) -> None:
    configure(data, listen="127.0.0.1", port=free_port())
    asyncio.run(asyncio.wait_for(work(Bench(data)), 3 * PATIENCE_S))


@pytest.mark.timeout(300)
def test_it_starts_with_the_window_lets_in_by_the_code_and_ends_with_it(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with hub(bench):
            assert bench.page.facts() == {"is_wanted": False, "address": "", "fingerprint": ""}
            code = bench.page.code()
            bench.page.follow(True)
            client = await bench.client()
            assert LEAST_KB < resident_kb(bench.pid) < MOST_KB
            assert int((bench.proc / "oom_score_adj").read_text()) >= 500
            assert oct((tmp_path / FOLDER).stat().st_mode)[-3:] == "700"
            assert (await client.get("/"))[0] == 303
            assert await client.sign_in("0000-0000") == 403
            pid = bench.pid
            bench.page.follow(False)
            await until(lambda: not Path(f"/proc/{pid}").exists(), "the process ends")
            await until(lambda: not (tmp_path / FOLDER).exists(), "nothing is left")
            assert code not in "".join(bench.said)
            (tmp_path / FOLDER).mkdir()  # as a hub leaves it that was cut off while its window was open
            bench.page.follow(False)  # and this one's start finds it closed
            await until(lambda: not (tmp_path / FOLDER).exists(), "nothing of it is taken up")

    benched(tmp_path, work)


@pytest.mark.timeout(300)
def test_the_plug_may_be_pulled_certificate_and_session_outlive_it(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with hub(bench):
            code = bench.page.code()
            bench.page.follow(True)
            client = await bench.client()
            assert await client.sign_in(code) == 303
            assert await client.sign_in(code) == 303  # already in: on to the checklist
            first = bench.pid
            os.kill(first, signal.SIGKILL)
            await until(
                lambda: bench.page.facts()["address"] != "" and bench.pid != first, "it is started anew"
            )
            assert (await client.get("/"))[0] == 200  # the same certificate and cookie
            assert "The page has ended before its window; it is started anew." in bench.said
        again = Bench(tmp_path)
        again.home = bench.home
        async with hub(again):
            again.page.follow(True)  # the hub's window was kept, too
            assert (await again.client()).fingerprint == client.fingerprint
            assert (await client.get("/"))[0] == 200
            another = again.page.code()  # `trygg install --open` for a second person
            other = await again.client()
            assert await other.sign_in(another) == 303

    benched(tmp_path, work)


@pytest.mark.timeout(300)
def test_it_is_served_at_an_access_point_too_and_there_alone_until_the_home_has_a_network(
    tmp_path: Path,
) -> None:
    async def work(bench: Bench) -> None:
        async with hub(bench):
            bench.page.code()
            bench.page.also("127.0.0.2")
            bench.page.follow(True)
            client = await bench.client()
            assert client.host == "127.0.0.1"
            other = Client(f"https://127.0.0.2:{client.port}/", client.fingerprint)
            await until(lambda: is_listened_at(other), "it is served there, too")
            assert (await other.get("/"))[0] == 303
            assert await other.sign_in("0000-0000") == 403  # with whom nobody is in, it ends at once
            bench.page.also("127.0.0.3")  # one that comes later
            third = Client(f"https://127.0.0.3:{client.port}/", client.fingerprint)
            await until(lambda: is_listened_at(third), "it is served there, too")
            first = bench.pid
            os.kill(first, signal.SIGKILL)
            await until(
                lambda: bench.page.facts()["address"] != "" and bench.pid != first, "it is started anew"
            )
            await until(lambda: is_listened_at(third), "where it was")
            bench.page.follow(False)
            await until(
                lambda: not is_listened_at(client) and not is_listened_at(third), "it ends everywhere"
            )
        nowhere = Bench(tmp_path)
        configure(tmp_path, listen="nosuch0", port=client.port)
        async with hub(nowhere):
            nowhere.page.code()
            nowhere.page.follow(True)
            await asyncio.sleep(1)
            nowhere.page.also("127.0.0.2")
            assert (await nowhere.client()).host == "127.0.0.2"

    benched(tmp_path, work)


def is_listened_at(client: Client) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((client.host, client.port)) == 0


@pytest.mark.timeout(300)
def test_no_page_outlives_a_hub_that_was_killed(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with ControlServer(tmp_path / "control.sock", bench.home.handlers()):
            options = [
                "-m",
                "gateway.daemon",
                "page",
                "--attached",
                "--json",
                "-c",
                str(tmp_path / LAST_GOOD),
            ]
            process = await asyncio.create_subprocess_exec(
                sys.executable, *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
            )
            assert process.stdin is not None
            assert process.stdout is not None
            assert b"fingerprint" in await process.stdout.readline()
            process.stdin.close()  # as the kernel does for a hub that is gone
            assert await process.wait() == 0
            assert (tmp_path / FOLDER / "page.key").exists()  # for the next start

    benched(tmp_path, work)


@pytest.mark.timeout(300)
def test_a_window_that_the_hub_closes_ends_a_page_that_was_started_by_hand(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with ControlServer(tmp_path / "control.sock", bench.home.handlers()):
            process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "gateway.daemon",
                    "page",
                    "-c",
                    str(tmp_path / LAST_GOOD),
                    "--language",
                    "en",
                ),
                stdout=subprocess.PIPE,
                cwd=ROOT,
            )
            assert process.stdout is not None
            lines = [(await process.stdout.readline()).decode() for _ in range(4)]
            assert lines[0].startswith("The page is open at https://127.0.0.1:")
            assert lines[1].startswith("One-time code: ") and lines[2].startswith(
                "The certificate's SHA-256: "
            )
            bench.home.is_open = False
            assert await process.wait() == 0
            assert not (tmp_path / FOLDER).exists()

    benched(tmp_path, work)


def page(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.daemon", "page", "-c", str(data / LAST_GOOD), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT)


@pytest.mark.timeout(300)
def test_what_keeps_it_from_serving_is_said_with_what_to_do(tmp_path: Path) -> None:
    configure(tmp_path, port=8443)
    for language in ("nb", "en"):
        done = page(tmp_path, "--language", language)
        assert done.returncode == 2 and Words(language)("command.no_listen") in done.stderr
    configure(tmp_path, listen="127.0.0.1", port=free_port())
    done = page(tmp_path)
    assert done.returncode == 1 and "Start den" in done.stderr  # no hub

    async def work() -> None:
        home = Installation()
        async with ControlServer(tmp_path / "control.sock", home.handlers()):
            home.is_open = False
            done = await asyncio.to_thread(page, tmp_path, "--language", "en")
            assert done.returncode == 1 and "trygg install --open" in done.stderr
            home.is_open = True
            configure(tmp_path, listen="nosuch0", port=free_port())
            done = await asyncio.to_thread(page, tmp_path, "--language", "en")
            assert done.returncode == 1 and "nosuch0" in done.stderr and "Traceback" not in done.stderr

    asyncio.run(work())


def test_the_hubs_own_process_loads_nothing_of_the_page() -> None:
    code = (
        "import sys; import gateway.daemon.commands.run, gateway.daemon.wiring, gateway.daemon.page.process;"
        "print([name for name in ('starlette', 'uvicorn', 'jinja2', 'segno') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
    code = code.replace("gateway.daemon.page.process", "gateway.daemon.page.app")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "starlette" in done.stdout  # the control: this look sees them


@pytest.mark.timeout(300)
def test_a_hub_that_starts_anew_for_a_device_is_waited_for(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with bench.page.beside():
            async with ControlServer(tmp_path / "control.sock", bench.home.handlers()):
                code = bench.page.code()
                bench.page.follow(True)
                client = await bench.client()
                assert await client.sign_in(code) == 303
            asked = asyncio.create_task(client.get("/"))
            await asyncio.sleep(1.5)
            assert not asked.done()
            async with ControlServer(tmp_path / "control.sock", bench.home.handlers()):
                assert (await asked)[0] == 200

    benched(tmp_path, work)


@pytest.mark.timeout(300)
def test_a_window_that_follows_at_once_has_a_page_of_its_own(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with hub(bench):
            code = bench.page.code()
            bench.page.follow(True)
            client = await bench.client()
            assert await client.sign_in(code) == 303
            bench.page.follow(False)
            another = bench.page.code()
            bench.page.follow(True)
            await until(
                lambda: bench.page.facts()["fingerprint"] not in ("", client.fingerprint), "a page anew"
            )
            again = await bench.client()
            again.cookie = client.cookie
            assert (await again.get("/"))[0] == 303  # who was in before is not in now
            assert await again.sign_in(another) == 303

    benched(tmp_path, work)
