"""Single lines of `trygg status`."""

from typing import Any

import pytest

from gateway.daemon.commands.status import self_test
from gateway.daemon.texts import Texts


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (None, ""),
        ({"result": "running", "ago_ms": 1_000, "reason": ""}, ""),
        ({"result": "passed", "ago_ms": 7_200_000, "reason": ""}, "Selvtest: kom frem (for 2 t siden)"),
        ({"result": "passed", "ago_ms": None, "reason": ""}, "Selvtest: kom frem (ukjent når)"),
        (
            {"result": "failed", "ago_ms": 7_200_000, "reason": "no_receipt"},
            "Selvtest: kom ikke frem (for 2 t siden): ingen kvittering",
        ),
    ],
)
def test_the_last_self_test_is_told(test: dict[str, Any] | None, said: str) -> None:
    assert self_test({"self_test": test}, Texts("nb")) == ([said] if said else [])
