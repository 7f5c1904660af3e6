"""Parties that several tests of the tools share."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.tools.authority_bench import Town
from tests.tools.platform_parties import Bench, SimGateway
from tools.evidence.figures import Harness
from tools.rig.rehome_homes import Home, made

DELIVERED, WAITING = 2, 3  # seeds of homes: a cut log lies in the second


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


@pytest.fixture(scope="session")
def made_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """An authority that was made once: sealing keys is slow on purpose."""
    return Town(tmp_path_factory.mktemp("town")).made()


@pytest.fixture
def town(made_town: Town, tmp_path: Path) -> Town:
    """An authority of one's own, with one role for receipts."""
    shutil.copytree(made_town.files, tmp_path, dirs_exist_ok=True)
    return Town(tmp_path)


@pytest.fixture(scope="session")
def made_homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Home]:
    """A home whose events are delivered, and one in which some wait."""
    folder = tmp_path_factory.mktemp("homes")
    return {
        "delivered": made(folder / "delivered", DELIVERED, waiting=False),
        "waiting": made(folder / "waiting", WAITING, waiting=True),
    }


@pytest.fixture
def delivered(made_homes: dict[str, Home], tmp_path: Path) -> Home:
    return made_homes["delivered"].copy(tmp_path / "home")


@pytest.fixture
def waiting(made_homes: dict[str, Home], tmp_path: Path) -> Home:
    return made_homes["waiting"].copy(tmp_path / "home")
