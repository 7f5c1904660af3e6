"""Some tests of this folder need the virtual machine with BlueZ."""

import pytest

from tests import bluez_machine


def pytest_configure(config: pytest.Config) -> None:
    bluez_machine.register(config)
