"""Parties that several tests of the tools share."""

from collections.abc import Iterator

import pytest

from tests.tools.platform_parties import Bench, SimGateway


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
