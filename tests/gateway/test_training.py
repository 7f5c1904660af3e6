"""A hub whose clock is shifted for training: whoever asks it is told, and it is not called well."""

from gateway.daemon.commands.status import show
from gateway.daemon.texts import Texts
from gateway.hub.status import status
from tests.gateway.test_cli import STATUS
from tests.hub.bench import Bench, play


def test_the_status_says_that_the_clock_is_shifted() -> None:
    for language, words in (("nb", "forskjøvet med 11557 s, for opplæring"), ("en", "shifted by 11557 s")):
        lines = show({**STATUS, "clock_offset_ms": 11_557_000}, Texts(language))
        assert any(words in line for line in lines)
        assert lines[0] != show(STATUS, Texts(language))[0], "not all is well"


def test_control_a_clock_as_it_is_has_no_such_line() -> None:
    assert not any("shifted" in line for line in show({**STATUS, "clock_offset_ms": None}, Texts("en")))


def test_the_hub_says_by_how_much() -> None:
    async def scene(bench: Bench) -> None:
        assert status(bench.app)["clock_offset_ms"] is None
        bench.app.started = {"clock_offset_ms": 5}
        assert status(bench.app)["clock_offset_ms"] == 5

    play(scene)
