"""`trygg check` on serial lines: what sits on each port, over pseudo-terminals."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.core.config import validate
from gateway.daemon.findings import FAULT, NOTE, OK, check_serial
from gateway.daemon.findings_lines import check_lines
from gateway.daemon.texts import Texts
from hal.errors import UnavailableError
from hal.linux.serial_names import path_of
from hal.linux.serial_ports import PyserialPorts
from hal.sim.faults import SeededNumbers
from tools.simulators import enocean_air as air
from tools.simulators.nonin_serial import NoninDevice
from tools.simulators.pty_line import PtyLine

EN, NB = Texts("en"), Texts("nb")
Far = Callable[[PtyLine], None]


def config_of(port: str, driver: str, **more: object) -> object:
    tree: dict[str, object] = {
        "hub": {"id": "hub-1", "tenant": "oslo"},
        "uplink": {"brokers": ["mqtt://localhost"]},
        "platform": {"root_public_key": "ab" * 32},
        "radio": {"backend": "none"},
    }
    if driver == "enocean":
        tree["enocean"] = {"port": port}
    else:
        tree["device"] = [{"name": "Thing", "driver": driver, "port": port, **more}]
    return validate(tree, "hub.toml")


@contextlib.contextmanager
def plugged(path: Path, answer: Callable[[bytes], bytes], unasked: bytes = b"") -> Iterator[None]:
    """A device at the far end of `path`, living in a thread of its own; it says `unasked` again and again."""
    over = threading.Event()
    ready = threading.Event()

    async def live() -> None:
        line = PtyLine(path)
        line.put_back()
        ready.set()
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    line.send(answer(await line.read()))
            line.send(unasked)
        line.pull()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


def nothing(_data: bytes) -> bytes:
    return b""


def stream(number: int) -> bytes:
    device = NoninDevice(number)
    device.finger(97, 72)
    return device.due(700)


def look(
    config: object, listen_s: float = 1.5, hub: dict[str, object] | None = None
) -> list[tuple[str, str, str]]:
    findings = check_lines(config, EN, hub, PyserialPorts(), listen_s)  # type: ignore[arg-type]
    return [(finding.level, finding.code, finding.text) for finding in findings]


def test_the_device_of_the_configuration_is_named(tmp_path: Path) -> None:
    path = tmp_path / "line"
    with plugged(path, air.TransceiverDevice().received):
        (row,) = look(config_of(str(path), "enocean"))
        assert row[:2] == (OK, "understood") and "an EnOcean transceiver is sending" in row[2]
    with plugged(path, nothing, stream(2)):
        (row,) = look(config_of(str(path), "nonin_serial", options={"format": 2}))
        assert row[:2] == (OK, "understood") and "an oximeter of Nonin" in row[2]


def test_another_device_is_recognised_by_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "line"
    with plugged(path, nothing, stream(2)):
        (row,) = look(config_of(str(path), "enocean"))
        assert row[:2] == (FAULT, "other")
        assert "an oximeter of Nonin with data format 2" in row[2] and "not an EnOcean transceiver" in row[2]


def test_what_nobody_knows_and_what_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.daemon.findings_lines.OTHER_SPEED_S", 0.2)
    path = tmp_path / "line"
    with plugged(path, nothing, SeededNumbers(1).take(40)):
        (row,) = look(config_of(str(path), "enocean"), 0.5)
        assert row[:2] == (FAULT, "unknown") and "57600 bit/s" in row[2]
    with plugged(path, nothing):
        assert look(config_of(str(path), "enocean"), 0.3)[0][:2] == (FAULT, "silent")
        assert look(config_of(str(path), "nonin_serial"), 0.3)[0][:2] == (NOTE, "unused")


def test_a_port_in_use_and_one_that_is_gone_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "line"

    async def held() -> None:
        port = await PyserialPorts().open(str(path))
        (row,) = await asyncio.to_thread(look, config_of(str(path), "enocean"), 0.2)
        assert row[:2] == (FAULT, "denied") and "stop the other program" in row[2]
        await port.close()

    with plugged(path, nothing):
        asyncio.run(held())
    assert look(config_of(str(path), "enocean"), 0.2)[0][:2] == (FAULT, "unopened")
    assert look(config_of(str(path), "enocean"), 0.2, {"x": 1})[0][:2] == (NOTE, "running")


# --- names of ports -------------------------------------------------------------------------------------------------


def adapter(device: str, serial_number: str | None, vid: int | None = 0x0403) -> SimpleNamespace:
    return SimpleNamespace(device=device, vid=vid, pid=0x6001, serial_number=serial_number)


def test_an_adapter_is_found_by_what_it_is_and_again_under_another_name(tmp_path: Path) -> None:
    name = "usb:0403:6001/FT1"
    here = [adapter("/dev/ttyS0", None, None), adapter("/dev/ttyUSB0", "FT1"), adapter("/dev/ttyUSB1", "FT2")]
    assert path_of(name, lambda: here) == "/dev/ttyUSB0"
    here[1].device = "/dev/ttyUSB7"
    assert path_of(name, lambda: here) == "/dev/ttyUSB7"
    assert path_of("/dev/ttyUSB1", lambda: here) == "/dev/ttyUSB1"
    with pytest.raises(UnavailableError, match="check the cable and the name"):
        path_of("usb:0403:6015", lambda: here)
    with pytest.raises(UnavailableError, match="put the serial number"):
        path_of("usb:0403:6001", lambda: here)

    def gone(url: str) -> str:
        return path_of(url, list)

    (finding,) = check_serial(config_of(name, "enocean"), NB, gone)  # type: ignore[arg-type]
    assert finding.level == FAULT and finding.code == "unclear" and "se på kabelen" in finding.text


def test_a_port_named_by_its_adapter_is_opened_wherever_it_is_now(tmp_path: Path) -> None:
    async def swap() -> None:
        here = [adapter("", "FT1")]
        ports = PyserialPorts(lambda: here)
        for name in ("ttyUSB0", "ttyUSB3"):
            line = PtyLine(tmp_path / name)
            line.put_back()
            here[0].device = str(line.path)
            port = await ports.open("usb:0403:6001/FT1", baud=57_600)
            line.send(b"x")
            assert await port.read() == b"x"
            line.pull()
            await port.close()

    asyncio.run(swap())
