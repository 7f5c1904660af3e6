"""A message bus of a test's own, for stand-ins of the system's services."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>"""


@asynccontextmanager
async def bus_process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The bus and its address. Skips where this computer has no dbus-daemon."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("no dbus-daemon on this computer")
    configuration = folder / "bus.conf"
    configuration.write_text(CONFIGURATION.format(socket=folder / "bus"))
    bus = await asyncio.create_subprocess_exec(
        "dbus-daemon",
        f"--config-file={configuration}",
        "--nofork",
        "--print-address=1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert bus.stdout is not None
    try:
        async with asyncio.timeout(45):
            address = (await bus.stdout.readline()).decode().strip()
        yield bus, address
    finally:
        if bus.returncode is None:
            bus.terminate()
        await bus.wait()


@asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[str]:
    """Address of a bus that goes on until the end. Skips as `bus_process`."""
    async with bus_process(folder) as (_, address):
        yield address
