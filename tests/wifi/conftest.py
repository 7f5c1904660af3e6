"""The machine of these tests: booted when the first test needs it, ended with the run."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wifi.air import Air
from tools.rig.vm.image import ImageError, find, missing
from tools.rig.vm.machine import Machine
from tools.rig.vm.recipes import WIFI


@pytest.fixture(scope="session")
def air() -> Iterator[Air]:
    """Skips where this computer cannot have a virtual machine."""
    try:
        machine = Machine(find(WIFI), Path(sysconfig.get_path("purelib")))
    except ImageError as error:
        pytest.skip(missing() or str(error))
    machine.start()
    try:
        yield Air(machine)
    finally:
        machine.stop()
