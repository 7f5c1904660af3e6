"""The virtual machine of this test run: booted when the first test needs it, ended with the run."""

import asyncio
import atexit
import sys
import sysconfig
from pathlib import Path

import pytest

from tools.rig.vm.image import ImageError, find, missing
from tools.rig.vm.machine import Machine, MachineError, decode_answer, encode_command

MARK = "bluez"
LIMIT_S = 150  # of a test: the first one boots the machine
ANSWER_S = 40.0
DAEMON = "/usr/libexec/bluetooth/bluetoothd"
POWERED = (
    "dbus-send --system --print-reply --dest=org.bluez /org/bluez/hci0 org.freedesktop.DBus.Properties.Get "
    "string:org.bluez.Adapter1 string:Powered"
)

SET_POWER = (
    "dbus-send --system --print-reply --dest=org.bluez /org/bluez/hci0 org.freedesktop.DBus.Properties.Set "
    "string:org.bluez.Adapter1 string:Powered variant:boolean:"
)

# What BlueZ itself rules out, of the contract, and whether it is seen in less time than a test has (ADR 27).
BEYOND_BLUEZ = {
    "test_receptions_keep_their_order_and_the_same_one_twice_is_two": (
        "a passive scan is told of changes only",
        False,
    ),
    "test_values_behind_security_are_denied_without_a_bond": (
        "what needs a bond is never answered without one",
        False,
    ),
    "test_less_than_the_least_that_is_asked_for_is_not_made": (
        "bluetoothd asks nobody before Just Works that we began: the bond is made, and removed at once",
        True,
    ),
}

machines: list[Machine] = []


def register(config: pytest.Config) -> None:
    """Let the hooks below be called; more than one folder asks for them."""
    if not config.pluginmanager.has_plugin(MARK):
        config.pluginmanager.register(sys.modules[__name__], MARK)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the machine: the contract of the radio on backend `linux`, and what says so itself."""
    for item in items:
        call = getattr(item, "callspec", None)
        if call is not None and call.params.get("live") == "linux":
            item.add_marker(MARK)
            beyond = BEYOND_BLUEZ.get(getattr(item, "originalname", ""))
            if beyond is not None:
                item.add_marker(pytest.mark.xfail(reason=beyond[0], run=beyond[1]))
        if item.get_closest_marker(MARK):
            item.add_marker(pytest.mark.timeout(LIMIT_S))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Boot before the first test, whose time is limited."""
    if session.config.option.collectonly or missing() is not None:
        return
    if any(item.get_closest_marker(MARK) for item in session.items):
        try:
            machines.append(Machine(find(), Path(sysconfig.get_path("purelib"))))
        except ImageError:
            return
        atexit.register(machines[0].stop)
        machines[0].start()


def pytest_report_collectionfinish() -> list[str]:
    """Kernel and daemon stand beside the results that they gave."""
    return ["virtual machine: " + ", ".join(each.image.versions.splitlines()) for each in machines]


def running_machine() -> Machine:
    """The one machine; booted again where a test crashed it. Skips where this computer cannot have one."""
    if not machines:
        pytest.skip(missing() or "the virtual machine's image is not made: make radio makes it")
    if not machines[0].running:
        machines[0].stop()
        machines[0].start()
    return machines[0]


class Daemon:
    """bluetoothd and the serial line of its controller, in the machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def run(self, command: str) -> str:
        """Output of a shell command, run by root. Raises MachineError where it fails."""
        reader, writer = await asyncio.open_unix_connection(str(self.machine.control))
        number, line = encode_command(command)
        answer = b""
        try:
            writer.write(line)
            async with asyncio.timeout(ANSWER_S):
                while not answer.startswith(number):
                    answer = await reader.readline()
                    if not answer:
                        raise MachineError(f"the machine crashed:\n{self.machine.console()}")
        finally:
            writer.close()
            await writer.wait_closed()
        return decode_answer(command, answer)

    async def start(self, options: str = "--experimental") -> None:
        """Start the daemon; no error where it runs."""
        await self.run(
            f"pidof bluetoothd >/dev/null || setsid {DAEMON} -n {options} >>/run/bluetoothd.log 2>&1 &"
        )

    async def kill(self) -> None:
        """SIGKILL."""
        await self.run("kill -9 $(pidof bluetoothd); while pidof bluetoothd >/dev/null; do sleep 0.1; done")

    async def powered(self, on: bool = True) -> None:
        """Wait until the adapter is on."""
        await self.run(
            f"until {POWERED} 2>/dev/null | grep -q 'boolean {str(on).lower()}'; do sleep 0.2; done"
        )

    async def power(self, *, on: bool) -> None:
        """Switch the adapter, as a person does with bluetoothctl."""
        await self.run(f"{SET_POWER}{str(on).lower()}")
        await self.powered(on)

    async def attach(self) -> None:
        """Give the line to the kernel, which finds an adapter on it; returns when that is on."""
        await self.start()
        await self.run("setsid btattach -B /dev/hvc0 -P h4 >/run/btattach.log 2>&1 &")
        await self.powered()

    async def detach(self) -> None:
        """Take it back: the adapter is gone."""
        await self.run("kill $(pidof btattach); while [ -e /sys/class/bluetooth/hci0 ]; do sleep 0.1; done")
