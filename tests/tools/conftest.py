"""Parties that several tests of the tools share."""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.tools.platform_parties import Bench, SimGateway
from tools.evidence.figures import Harness


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A ledger over a store in memory."""
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def gateway() -> SimGateway:
    """A gateway with thirty measurements."""
    made = SimGateway()
    made.append(30)
    return made


@pytest.fixture
def harness(request: pytest.FixtureRequest) -> Callable[..., Harness]:
    """A harness module of figures that can be imported until the test ends."""

    def make(name: str, ids: tuple[str, ...], **members: object) -> Harness:
        made = ModuleType(name)
        vars(made).update(members)
        sys.modules[name] = made
        request.addfinalizer(lambda: sys.modules.pop(name, None))
        return Harness(name, ids)

    return make
