"""`trygg-kit flash pi` as it is typed: one card, a batch, a file that stands for a card."""

import argparse
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from tests.tools.authority_bench import Said, run
from tests.tools.flash_bench import MadeMachine, card_content, packed
from tests.tools.flash_cards import TRIXIE, HandedOut, card_image
from tools.flash import pi_command
from tools.flash.boot_media import fat_of
from tools.flash.disks import Disk, Disks
from tools.flash.errors import FlashError
from tools.flash.pi_command import PiCommand
from tools.kit.__main__ import main as kit_main
from tools.simulators.card import Card

SIZE = 300_000
DATA = card_content(SIZE)


def pi(*arguments: object) -> Said:
    return run(kit_main, ["flash", "pi", *arguments])


class Bench:
    """A machine with a reader, and whoever sits at it: `answers` are typed one by one, then nobody is there."""

    def __init__(self, folder: Path, cards: list[Card], answers: list[str | Callable[[], str]]) -> None:
        self.machine = MadeMachine(folder / "machine")
        self.image = packed(folder, DATA, ".xz")
        self.cards = cards
        self.answers = answers
        self.asked: list[str] = []

    @contextlib.contextmanager
    def opened(self, disks: Disks, name: str) -> Iterator[tuple[Disk, Card]]:
        yield disks.judged(name), self.cards[0]

    def ask(self, question: str) -> str:
        self.asked.append(question)
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        return answer if isinstance(answer, str) else answer()

    def command(self, *arguments: str) -> PiCommand:
        parser = argparse.ArgumentParser()
        pi_command.add_options(parser)
        options = parser.parse_args([str(self.image), *arguments])
        return PiCommand(options, self.machine.disks(), self.opened, self.ask)  # type: ignore[arg-type]

    def next_card(self) -> str:
        self.cards.pop(0)
        return ""


def test_the_only_card_is_written_after_it_was_shown_and_agreed_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(tmp_path, [Card(1 << 20)], ["yes"])
    bench.machine.card(size=16 * 10**9, model="SD Reader")
    assert bench.command().run() == 0
    assert bytes(bench.cards[0].content[:SIZE]) == DATA
    assert "/dev/sdb 16.0 GB SD Reader" in bench.asked[0]
    assert "done: /dev/sdb, 0.3 MB, every byte read back past the cache" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "no", "nei", "sdb"])
def test_whoever_does_not_say_yes_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    bench = Bench(tmp_path, [Card(1 << 20)], [answer])
    bench.machine.card()
    assert bench.command().run() == 1
    assert bench.cards[0].written == 0 and "nothing was written" in capsys.readouterr().out


def test_a_card_that_was_swapped_behind_the_question_is_not_written(tmp_path: Path) -> None:
    def swapped() -> str:
        (bench.machine.sysfs / "block/sdb/size").write_text(str((8 << 30) // 512))
        return "yes"

    bench = Bench(tmp_path, [Card(1 << 20)], [swapped])
    bench.machine.card()
    with pytest.raises(FlashError, match="another card is in"):
        bench.command().run()
    assert bench.cards[0].written == 0


def test_without_anybody_to_ask_a_card_is_written_only_by_name_and_yes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [Card(1 << 20)], [])
    bench.machine.card()
    with pytest.raises(ConfigError, match="--yes"):
        bench.command().run()
    assert bench.command("--device", "/dev/sdb", "--yes").run() == 0


def test_several_cards_none_and_the_disk_of_the_machine_are_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [Card(1 << 20)], ["yes"] * 3)
    with pytest.raises(FlashError, match="no card"):
        bench.command().run()
    with pytest.raises(FlashError, match="runs from"):
        bench.command("--device", "/dev/sda", "--yes").run()
    bench.machine.card()
    bench.machine.card("sdc", "8:32")
    with pytest.raises(FlashError, match="several cards are in"):
        bench.command().run()
    assert bench.cards[0].written == 0 and bench.asked == []


def test_a_batch_goes_from_card_to_card_tries_again_and_counts_what_is_not_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, pulled, weak, last = (Card(1 << 20) for _ in range(4))
    pulled.pull_at = 1000
    weak.weak = {5}

    def again() -> str:
        bench.cards[0].put_back()
        return ""

    bench = Bench(tmp_path, [good, pulled, weak, last], [])
    bench.answers = ["", bench.next_card, again, bench.next_card, "", "q", bench.next_card, "q"]
    bench.machine.card()
    assert bench.command("--batch").run() == 1
    written = [bytes(card.content[:SIZE]) == DATA for card in (good, pulled, last)]
    assert written == [True, True, True]
    out, err = capsys.readouterr()
    assert out.count("done: /dev/sdb") == 3 and out.count("NOT done") == 3
    assert "cards done 3, not done 1" in out and "write it again" in err and "is gone" in err


def test_a_batch_without_anybody_ends_and_is_not_called_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(tmp_path, [Card(1 << 20)], [])
    bench.machine.card()
    assert bench.command("--batch").run() == 1
    assert "cards done 0, not done 0" in capsys.readouterr().out
    bench.answers = [""]
    assert bench.command("--batch", "--json").run() == 0
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert facts[-1] == {"done": 1, "not_done": 0}
    assert facts[0]["sha256"] == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("where", ["/", "/boot", "/usr"])
def test_the_boot_partition_of_the_machine_itself_is_not_prepared(tmp_path: Path, where: str) -> None:
    said = pi("--boot-partition", where, *HandedOut(tmp_path).options())
    assert said.status == 1 and "a part of this machine itself" in said.err


def test_cards_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(tmp_path, [], [])
    command = bench.command()
    command.options.image, command.options.list = None, True
    assert command.run() == 1 and "no card" in capsys.readouterr().out
    bench.machine.card()
    assert command.run() == 0 and capsys.readouterr().out.startswith("/dev/sdb 17.1 GB SD Reader")
    command.options.json = True
    assert command.run() == 0
    assert json.loads(capsys.readouterr().out) == [
        {"device": "/dev/sdb", "bytes": 16 << 30, "model": "SD Reader", "in_use": []}
    ]


# --- a file that stands for a card --------------------------------------------------------------------------------


def test_a_file_goes_the_whole_way_image_to_prepared_card(tmp_path: Path) -> None:
    given = HandedOut(tmp_path)
    image = card_image(tmp_path / "os.img", TRIXIE)
    (tmp_path / "os.img.sha256").write_text(hashlib.sha256(image.read_bytes()).hexdigest() + "  os.img\n")
    card = tmp_path / "card.img"
    said = pi(image, "--to-file", card, *given.options())
    assert said.status == 0, said.err
    assert (
        "SHA-256 checked" in said.out
        and "every byte read back" in said.out
        and "prepared for gateway home-1" in said.out
    )
    assert fat_of(card).read("trygg/gateway") == b"home-1\n"
    said = pi(image, "--to-file", card, "--json")
    facts = json.loads(said.out)
    assert facts["sha256"] == hashlib.sha256(card.read_bytes()).hexdigest() and facts["gateway"] is None
    assert "100 % done" not in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("os.img", "--list"),
        ("--boot-partition", "."),
        ("os.img", "--token", "x"),
        ("os.img", "--gateway", "home-1"),
        ("os.img", "--batch", "--device", "sdb"),
        ("os.img", "--batch", "--gateway", "home-1"),
        ("--batch",),
    ],
)
def test_options_that_make_no_sense_together_end_with_2(arguments: tuple[str, ...]) -> None:
    said = pi(*arguments)
    assert said.status == 2 and "expected" in said.err, said.err


def test_what_fails_is_told_in_one_line_and_ends_with_1(tmp_path: Path) -> None:
    image = packed(tmp_path, DATA, ".gz")
    small = tmp_path / "card.img"
    small.write_bytes(bytes(1000))
    for arguments in (
        (image, "--to-file", small),
        (image, "--device", "/dev/null", "--yes"),
        ("--check", tmp_path),
    ):
        said = pi(*arguments)
        assert said.status == 1 and said.err.count("\n") == 1 and said.err.startswith("trygg-kit flash: "), (
            said.err
        )
        assert "done" not in said.out
    assert small.read_bytes() == bytes(1000)


def test_an_image_that_is_not_there_ends_with_2_and_one_that_is_another_with_1(tmp_path: Path) -> None:
    image, other = packed(tmp_path, DATA, ".gz"), tmp_path / "other.img"
    other.write_bytes(b"Sheet of the home\n" * 400)
    for arguments, status in (
        ((tmp_path / "none.img",), 2),
        ((image, "--sha256", "0" * 64), 1),
        ((other,), 1),
    ):
        said = pi(*arguments, "--to-file", tmp_path / "new")
        assert said.status == status and said.err.count("\n") == 1, said.err
        assert "done" not in said.out and not (tmp_path / "new").exists()
