"""The page before the real hub, as processes: opened by `trygg install`, a device added by a form, a pulled plug, undone, closed."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.configuration import INSTALLED
from gateway.daemon.page.process import FOLDER
from tests.conftest import ROOT
from tests.gateway.page.browser import Document
from tests.system.test_page import Client, free_port, until

HUB = """
[hub]
id = "hub-1"
tenant = "oslo"
language = "nb"
data_directory = "data"
[uplink]
brokers = ["mqtt://127.0.0.1:1"]
[platform]
root_public_key = "{root}"
[radio]
backend = "none"
[page]
listen = "127.0.0.1"
port = {port}
window_min = 30
"""
TRYGG = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]


@contextmanager
def hub(file: Path) -> Iterator["subprocess.Popen[str]"]:
    child = subprocess.Popen(
        [*TRYGG, "run", "--log-json", "-c", str(file)], stderr=subprocess.DEVNULL, cwd=ROOT, text=True
    )
    try:
        yield child
    finally:
        child.terminate()
        child.wait(timeout=60)


def trygg(file: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [*TRYGG, *arguments, "-c", str(file), "--json"],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def post(client: Client, page: str, action: str, **fields: str) -> tuple[int, str]:
    """A form of a page, filled in; the page behind it."""
    form = next(each for each in Document(page).forms if each.action == action)
    status, text = await asyncio.to_thread(lambda: client.ask("POST", action, **(form.fields | fields)))
    return status, text


@pytest.mark.timeout(240)
def test_a_technician_adds_a_device_pulls_the_plug_takes_it_back_and_leaves(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(HUB.format(root="ab" * 32, port=free_port()))
    data = tmp_path / "data"

    async def work() -> None:
        with hub(file) as first:
            await until((data / "control.sock").exists, "the hub runs")
            opened = await asyncio.to_thread(trygg, file, "install", "--open")
            client = Client(opened["address"], opened["fingerprint"])
            assert await client.sign_in(opened["code"]) == 303
            status, page = await client.get("/")
            assert status == 200 and "Enheter er lagt til" in page
            assert "Åpen i 30 minutter" in page, re.findall("Åpen.*", page)
            _, page = await client.get("/add?port=loop%3A%2F%2Fdispenser")
            status, _ = await post(client, page, "/add", name="Medisin", room="Kjøkken", driver="dispenser")
            assert status == 303  # the hub has started anew, and uses it
            status, page = await client.get("/device?name=Medisin")
            assert status == 200 and "Kjøkken" in page and "Medisindispenser" in page
            for path in ("/status", "/nearby", "/walk", "/plug", "/centre", "/finish", "/undo", "/several"):
                status, page = await client.get(path)
                assert status == 200, (path, page)
                assert not re.search(r"\b(the|is not|was not|wait|begin)\b", page.partition("<main")[2]), (
                    path,
                    page,
                )
            first.send_signal(signal.SIGKILL)
            first.wait()
        with hub(file):
            await until(lambda: served(data), "the page is back")
            status, page = await client.get("/")
            assert status == 200 and "Medisin" in page and "Åpen i" in page
            _, page = await client.get("/undo")
            status, _ = await post(client, page, "/undo")
            assert status == 303
            assert "Medisin" not in (await client.get("/"))[1]
            assert "Medisin" not in (data / INSTALLED).read_text()
            await asyncio.to_thread(trygg, file, "install", "--close")
            status, page = await client.get("/")
            assert status == 410 and "lukket" in page
            assert (data / FOLDER).exists()  # for a minute

    asyncio.run(asyncio.wait_for(work(), 200))


def served(data: Path) -> bool:
    """Whether the hub that keeps its data there says that its page is served."""
    from gateway.daemon.control import ask

    try:
        return bool(ask(data / "control.sock", "page")["address"])
    except (OSError, ValueError):
        return False
