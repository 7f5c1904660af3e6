"""`trygg-kit rehome leave` on the command line: what it asks, says, writes down, and what the stock learns of it."""

import errno
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.commands import rehome as on_gateway
from gateway.daemon.rehome import is_begun
from tests.gateway.english import english_in
from tests.tools.move_bench import KillError, contents, moving
from tools.authority.folder import write
from tools.kit.__main__ import main as kit
from tools.move.moving import FoundError, Moving
from tools.rig.rehome_homes import Home, made
from tools.stock.book import Book, new


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return made(tmp_path_factory.mktemp("command") / "home", 2, waiting=False)


@pytest.fixture
def home(made_home: Home, tmp_path: Path) -> Home:
    return made_home.copy(tmp_path / "home")


def leave(home: Home, *words: object) -> int:
    layers = [word for path in home.layers for word in ("-c", path)]
    line = ["rehome", "leave", *layers, "--network", home.network, "--bluetooth", home.bluetooth, *words]
    return kit([str(word) for word in line])


def test_it_says_in_norwegian_what_was_done_and_what_is_left_to_do(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(home, "--yes") == 0
    said = capsys.readouterr().out
    for words in (
        "0 spor er igjen",
        "plattformen må ennå få vite",
        "emnene dens må ennå tømmes",
        "ny identitet, kortkode",
    ):
        assert words in said
    assert not english_in(said.replace("trygg-kit rehome clear --own-topics", "")), said


def test_it_says_the_same_in_english(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(home, "--yes", "--language", "en") == 0
    assert "0 traces are left" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "status"), [("", 1), ("oslo/hub-0\n", 1), ("{}\n", 0)])
def test_only_whoever_types_its_name_wipes_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    hub = home.load().config.hub
    monkeypatch.setattr("sys.stdin", io.StringIO(typed.format(f"{hub.tenant}/{hub.id}")))
    assert leave(home) == status
    assert (home.data / "journal.db").exists() == (status == 1)


def test_facts_are_json_and_go_into_a_report_and_the_stock(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    stock, report = home.away / "stock.db", home.away / "report.json"
    hub = home.load().config.hub
    with Book(stock, make=True) as book:
        book.add(new(hub.id, "gateway", state="in_home"), "kari", "", 0)
    assert leave(home, "--yes", "--json", "--report", report, "--stock", stock, "--by", "ola") == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert json.loads(report.read_text()) == facts
    assert (facts["gateway"], facts["tenant"], facts["found"], facts["stock"]) == (hub.id, "oslo", [], hub.id)
    with Book(stock) as book:
        item = book.find(facts["label"])
        assert (item.code, item.state, book.changes(item.code)[-1].who) == (hub.id, "returned", "ola")
    said = report.read_text()
    assert not any(name in said for name in ("Inngangsdør", "Oksymeter", "C0:")), (
        "nothing of the home stands in it"
    )


def test_a_stock_that_does_not_take_it_is_said_and_the_gateway_is_wiped_all_the_same(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    stock = home.away / "stock.db"
    hub = home.load().config.hub
    with Book(stock, make=True) as book:
        book.add(new(hub.id, "gateway", state="scrapped"), "kari", "knust", 0)
    assert leave(home, "--yes", "--stock", stock, "--language", "en") == 0
    said = capsys.readouterr()
    assert "what is scrapped stays scrapped" in said.err and "0 traces are left" in said.out


def test_what_was_found_is_named_by_its_place_and_the_status_is_1(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = home.etc / "hub.toml.bak"
    copy.write_bytes(home.layers[1].read_bytes())
    assert leave(home, "--yes", "--language", "en") == 1
    said = capsys.readouterr().out
    assert f"address of a device: {copy} @" in said and "not ended: delete what was found" in said
    assert "C0:" not in said, "what was found is not shown itself"
    copy.unlink()
    assert leave(home, "--yes") == 0


# --- a report that cannot be written, and a move that is over --------------------------------------------------------


@pytest.mark.parametrize("option", ["--report", "--export"])
@pytest.mark.parametrize(
    ("where", "cause"),
    [
        ("stick/nowhere/file", "filen eller mappen finnes ikke"),
        ("stick", "er en mappe"),
        ("full", "ingen plass igjen på disken"),
    ],
)
def test_a_file_that_cannot_be_written_is_found_before_anything_is_wiped(
    home: Home,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    where: str,
    cause: str,
) -> None:
    if where == "full":
        where = "stick/file"
        monkeypatch.setattr("tools.move.report.probe", full)
    before = contents(home)
    assert leave(home, "--yes", option, home.folder / where) == 1
    said = capsys.readouterr()
    assert cause in said.err and "ingenting er slettet" in said.err and option in said.err, said.err
    assert not english_in(said.err.replace("trygg-kit", "")), said.err
    assert contents(home) == before and not is_begun(home.data)
    assert not list(home.away.rglob("*.new")), "what was tried is gone again"


@pytest.mark.parametrize(
    ("where", "language", "said"),
    [
        ("stick/none.img", "nb", "finnes ikke): ingenting er slettet"),
        ("stick/none.img", "en", "no such file or folder): nothing was wiped"),
        ("stick", "nb", "ingenting er slettet. Oppgi et avbilde"),
    ],
)
def test_an_image_that_is_not_there_is_found_before_anything_is_wiped(
    home: Home, capsys: pytest.CaptureFixture[str], where: str, language: str, said: str
) -> None:
    (home.folder / "stick").mkdir(exist_ok=True)
    before = contents(home)
    assert leave(home, "--yes", "--language", language, "--scan", home.folder / where) == 1
    found = capsys.readouterr().err
    assert said in found and "--scan" in found, found
    assert language == "en" or not english_in(found.replace("trygg-kit", "")), found
    assert contents(home) == before and not is_begun(home.data)


@pytest.mark.parametrize("option", ["--report", "--scan"])
def test_of_a_move_that_is_not_over_nobody_says_that_nothing_was_wiped(
    home: Home, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    def pause(name: str) -> None:
        if name == "after journal":
            raise KillError(name)

    with pytest.raises(KillError):
        moving(home, pause=pause).run()
    assert leave(home, "--yes", option, home.away / "nowhere" / "file") == 1
    said = capsys.readouterr().err
    assert "slettingen var begynt før" in said and "ingenting er slettet" not in said, said
    assert not english_in(said.replace("trygg-kit", "")), said
    assert leave(home, "--yes") == 0
    assert leave(home, "--report", home.away / "nowhere" / "file") == 1
    said = capsys.readouterr().err
    assert "gatewayen er slettet før" in said and not english_in(said.replace("trygg-kit", "")), said


def full(path: Path) -> None:
    """A stick without room."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_a_file_of_somebody_else_beside_the_report_stays(home: Home) -> None:
    other = home.away / "report.json.new"
    other.write_text("of somebody else")
    assert leave(home, "--yes", "--report", home.away / "report.json") == 0
    assert other.read_text() == "of somebody else"
    assert {path.name for path in home.away.iterdir() if path.name.startswith(("report", "."))} == {
        "report.json",
        "report.json.new",
    }


def test_what_stays_of_a_report_names_no_file_and_no_device_and_is_told_all_the_same(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    device = {"driver": "plx", "serial": "SN-5012345"}
    (home.data / "history.json").write_text(
        json.dumps({"version": 1, "now": {"starts": 1, "devices": [device]}, "homes": []})
    )
    copy = home.layers[1].parent / "kari-nordmann.toml"
    shutil.copy(home.layers[1], copy)
    export = home.away / "kari-nordmann.cbor"
    assert leave(home, "--yes", "--export", export, "--end-all-the-same") == 1
    mark = (home.data / "left.json").read_text()
    assert "kari" not in mark and "SN-5012345" not in mark, mark
    capsys.readouterr()
    assert leave(home) == 1, "something is left, and still is"
    assert "eksportert og bekreftet" in capsys.readouterr().out
    assert leave(home, "--json") == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["devices"] == [{"serial": "SN-5012345"}] and "path" not in told["export"]
    assert {tuple(row) for row in told["found"]} == {("what",)}


def test_a_report_among_what_is_wiped_is_a_wrong_command_line(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(home)
    assert leave(home, "--yes", "--report", home.data / "report.json", "--language", "en") == 2
    assert contents(home) == before and "--report" in capsys.readouterr().err


def test_a_report_whose_stick_was_pulled_meanwhile_is_written_by_the_same_command_and_nothing_is_wiped_again(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = home.away / "report.json"
    with monkeypatch.context() as pulled:
        pulled.setattr("tools.move.report.write", lambda path, *_rest: full(path))
        assert leave(home, "--yes", "--report", report, "--json") == 1
    said = capsys.readouterr()
    first: dict[str, Any] = json.loads(said.out)
    assert "rapporten kunne ikke skrives" in said.err and not report.exists()
    wiped = contents(home)
    assert leave(home, "--report", report, "--json") == 0, "nobody is asked: nothing is wiped"
    second: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert second.pop("finished_before") is True and first.pop("took_ms") >= 0
    assert second == first, "what it tells is the move that was finished, and no other"
    assert json.loads(report.read_text())["label"] == first["label"]
    assert contents(home) == wiped, "the identity on the label is the one that it has"


def test_a_finished_move_says_so_and_claims_no_other_wipe(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(home, "--yes") == 0
    wiped = contents(home)
    capsys.readouterr()
    assert leave(home, "--yes") == 0
    said = capsys.readouterr().out
    assert said.startswith("det er ingenting igjen å flytte") and "slettet på" not in said
    assert not english_in(said.replace("trygg-kit rehome clear --own-topics", "")), said
    assert contents(home) == wiped
    assert leave(home, "--yes", "--fill") == 1 and contents(home) == wiped


def after_its_hub_left(home: Home, kind: type[Moving] = Moving) -> Moving:
    """The work as it is when the hub was sent away before: facts are kept, and no step is over (tools/move/farewell.py)."""
    work = moving(home, kind=kind)
    work.progress.know(told=True, cleared=True)
    return work


def of_the_next_home(home: Home, layer: bytes) -> None:
    home.layers[-1].write_bytes(layer)
    assert home.places().mark.exists(), "the move before is over, and has said so"


def test_a_gateway_leaves_its_second_home_as_it_left_its_first(home: Home) -> None:
    layer = home.layers[-1].read_bytes()
    labels = []
    for _ in range(3):
        labels.append(after_its_hub_left(home).run()["label"])
        of_the_next_home(home, layer)
    assert len(set(labels)) == 3, "each home had an identity of its own"


class Keeping(Moving):
    """Leaves what the move before said of itself where it lies."""

    def run(self) -> dict[str, Any]:
        mark = self.places.mark.read_bytes()
        self.around.pause = lambda where: write(self.places.mark, mark) if where == "before scan" else None
        return super().run()


def test_control_what_the_move_before_said_of_itself_is_found_where_it_stays(home: Home) -> None:
    layer = home.layers[-1].read_bytes()
    after_its_hub_left(home).run()
    of_the_next_home(home, layer)
    work = after_its_hub_left(home, Keeping)
    with pytest.raises(FoundError):
        work.run()
    assert {Path(each["path"]).name for each in work.progress.facts["found"]} == {"left.json"}
    assert leave(home, "--yes") == 0, "and a gateway that stands so comes out of it with the same command"


def test_a_gateway_that_never_left_a_home_has_no_report_to_write(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(home, "--yes") == 0
    (home.data / "left.json").unlink()  # as one that came from the workshop
    report = home.away / "report.json"
    assert leave(home, "--yes", "--report", report, "--language", "en") == 1
    assert "nothing was wiped, and there is no report" in capsys.readouterr().err and not report.exists()


@pytest.mark.parametrize("of_home", ["journal.db", "keys/door.key", "indicator", "bonds.json"])
def test_control_what_came_since_is_wiped_as_ever(home: Home, of_home: str) -> None:
    assert leave(home, "--yes") == 0
    label = json.loads((home.data / "left.json").read_text())["label"]
    path = home.data / of_home
    if of_home == "journal.db":
        shutil.rmtree(home.data)  # the next home's hub has run
        fresh = made(home.folder / "next", 3, waiting=False)
        shutil.copytree(fresh.data, home.data)
        shutil.copy(fresh.layers[1], home.layers[1])
        home.layers[1].write_text(home.layers[1].read_text().replace(str(fresh.folder), str(home.folder)))
    else:
        path.write_text("1f" * 16)
        path.chmod(0o600)
    assert path.exists() and leave(home, "--yes") == 0 and not path.exists()
    assert json.loads((home.data / "left.json").read_text())["label"] != label


@pytest.mark.parametrize("last", ["erased the list", "kept the facts", "looked once more"])
def test_a_move_that_was_cut_at_its_end_is_gone_on_with(home: Home, last: str) -> None:
    def pause(name: str) -> None:
        if name == last:
            raise KillError(name)

    with pytest.raises(KillError):
        moving(home, pause=pause).run()
    report = home.away / "report.json"
    assert leave(home, "--yes", "--report", report) == 0
    facts = json.loads(report.read_text())
    assert "finished_before" not in facts and facts["found"] == [] and not is_begun(home.data)


def test_without_the_kit_the_gateway_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert on_gateway.start([], needed=("no.such.module",)) == 1
    assert "not installed here" in capsys.readouterr().err


def test_who_is_not_root_is_told_to_take_sudo_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: became.append(command))
    assert on_gateway.start(["--yes"], uid=1000) == 1 and became == []
    assert "run it with sudo (sudo trygg rehome). Nothing was done" in capsys.readouterr().err
    on_gateway.start(["--help"], uid=1000)
    on_gateway.start(["--yes"], uid=0)
    assert [command[-1] for command in became] == ["--help", "--yes"], "anybody may read what it does"
