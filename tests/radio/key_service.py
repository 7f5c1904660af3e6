"""What systemd does for the service that sees keys: a socket whose connections it answers. And homes of bluetoothd for it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.conftest import ROOT

KEY = "5A293A509BBABE0026B0B6A3F059F2A5"
PROGRAM = "hal.linux.bond_service"

# As BlueZ 5.66 writes it after LE Secure Connections, read in the virtual machine.
INFO = """[General]
Name={name}
AddressType=static
SupportedTechnologies=LE;
Trusted=true
Blocked=false
Services=00001800-0000-1000-8000-00805f9b34fb;00001822-0000-1000-8000-00805f9b34fb;

[IdentityResolvingKey]
Key=00000000000000000000000000000000

[PeripheralLongTermKey]
Key={key}
Authenticated={kind}
EncSize={size}
EDiv=0
Rand=0

[SlaveLongTermKey]
Key={key}
Authenticated={kind}
EncSize={size}
EDiv=0
Rand=0
"""


def info(*, kind: int = 2, size: int = 16, name: str = "Oximeter") -> str:
    return INFO.format(key=KEY, kind=kind, size=size, name=name)


def keep(folder: Path, adapter: str, device: str, text: str) -> Path:
    """bluetoothd's file of a device."""
    path = folder / adapter / device / "info"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


Answer = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def answering(socket: Path, answer: Answer) -> AsyncIterator[None]:
    """A socket on which each line is answered by `answer`; b"" ends the connection."""

    served: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        with contextlib.suppress(OSError):  # whoever asked has hung up
            while said := await answer(await reader.readline()):
                writer.write(said)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, socket)
    try:
        yield
    finally:
        server.close()
        await asyncio.gather(*(each for each in served if each is not None))
        await asyncio.to_thread(socket.unlink)


def over(folder: Path) -> Answer:
    """The program itself, as a process, over bluetoothd's files in `folder`."""

    async def answer(question: bytes) -> bytes:
        if not question:
            return b""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-s", "-m", PROGRAM, str(folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        said, _ = await process.communicate(question)
        return said

    return answer
