"""What is read of evidence: the table, the page and its plots, and how numbers are said."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.tools.evidence_bench import Bench
from tools.evidence import page, plots, svg, words
from tools.evidence.figure import Outcome
from tools.evidence.figures import Skipped
from tools.evidence.table import COLUMNS, table


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_table_has_its_columns_and_fits_its_width(bench: Bench) -> None:
    bench.collect(bench.figure(release=500))
    skipped = Skipped(("F4",), "m", "a tool is not here")
    lines = table(bench.evidence(bench.figure(release=500), skipped=(skipped,)), 120).splitlines()
    assert tuple(cell.strip() for cell in lines[0].split("|")) == COLUMNS
    assert max(map(len, lines)) <= 120
    columns = list(zip(*(line.split(" | ") for line in lines if line.count(" | ") == 4), strict=True))
    whole = [" ".join(" ".join(cells).split()) for cells in columns]
    assert "F1 A journal & its cuts" in whole[0]
    assert "reached: 500 crash images, 0 bad" in whole[2]
    assert "it forgets: 3 bad in" in whole[4]
    assert "skipped: a tool is not here" in " ".join(lines)


VOID = {"meta"}


class Reader(HTMLParser):
    """What is nested how, and everything that would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and not value.startswith("#")
        ]
        self.fetched += [tag] if tag in ("script", "link", "img", "iframe") else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_holds_every_figure_is_well_formed_and_fetches_nothing(bench: Bench) -> None:
    def run(trials: int, seed: int) -> Outcome:
        series = {
            "latency_us_by_permille": [(0, 900), (500, 4_000), (1000, 90_000)],
            "receipted_by_ms": [(0, 0), (1_000, 400)],
            "recovered_ms": [(0, 12), (1, 9_000)],
        }
        return Outcome(trials, 1, {"limit_us": 10_000}, ("seed 1: <b>lost</b> & gone",), series)

    figures = [bench.figure(id=each, release=500, run=run) for each in ("F1", "F8a", "F10")]
    bench.collect(figures[0])
    text = page.page(
        bench.evidence(*figures, skipped=(Skipped(("F4", "F5"), "m", "not here"),)),
        datetime(2026, 1, 2, tzinfo=UTC),
    )
    reader = read(text)
    assert reader.ids == ["F1", "F8a", "F10"]
    assert reader.fetched == []
    assert reader.count["svg"] == 3
    assert "F4, F5" in text and "Skipped: not here" in text and "2026-01-02 00:00 UTC" in text
    assert "seed 1: &lt;b&gt;lost&lt;/b&gt; &amp; gone" in text
    assert "url(" not in text and "@import" not in text


def test_a_page_that_is_not_well_formed_is_found() -> None:
    with pytest.raises(AssertionError):
        read("<p><b>a</p></b>")


def test_what_is_asked_is_drawn_and_words_tell_what_a_plot_shows() -> None:
    series = {"latency_us_by_permille": [(0, 900), (1000, 90_000)], "noticed_ms": [(0, 5), (1, 80)]}
    drawn = [
        svg.draw(each)
        for each in plots.plots_of(Outcome(2, 0, {"limit_us": 10_000, "limit_ms": 90}, (), series))
    ]
    assert "asked 10 ms" in drawn[0] and "2 points; latency 900 µs to 90 ms" in drawn[0]
    assert "asked 90 ms" in drawn[1] and "<circle" in drawn[1]
    places = [float(value) for value in re.findall(r'points="([\d.]+),[\d.]+ ([\d.]+)', drawn[0])[0]]
    assert svg.LEFT <= places[0] < places[1] <= svg.WIDTH - svg.RIGHT


def test_the_three_plots_of_a_release_have_their_axes() -> None:
    series = {
        "latency_us_by_permille": [(0, 900), (500, 4_000), (1_000, 90_000)],
        "receipted_by_ms": [(0, 0), (430_000, 60_000)],
        "recovered_ms": [(1, 400), (2, 900)],
    }
    latency, drain, recovery = plots.plots_of(Outcome(3, 0, {"limit_us": 10_000}, (), series))
    assert latency.x.log and latency.x_limit == 10_000 and latency.y.words(990) == "99 %"
    assert not drain.x.log and drain.x_limit is None and drain.x.words(430_000) == "430 s"
    assert recovery.dots and recovery.y.words(400) == "400 ms"


@pytest.mark.parametrize("points", [((0, 0),), ((0, 0), (1, 0)), ((3, 7),), ((0, 10**9), (1, 1))])
def test_a_plot_of_hardly_anything_can_be_drawn(points: tuple[tuple[int, int], ...]) -> None:
    for name in ("noticed_ms", "receipted_by_ms", "latency_us_by_permille"):
        read(svg.draw(plots.plot_of(name, points, Outcome(1, 0))))


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0, 60_000, False, [0, 20_000, 40_000, 60_000]),
        (0, 3, False, [0, 1, 2, 3]),
        (7, 900, True, [1, 10, 100, 1_000]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low: int, high: int, log: bool, expected: list[int]) -> None:
    assert svg.ticks(low, high, log=log) == expected


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_text_reaches_the_contrast_of_wcag() -> None:
    for ground in (page.GROUND, page.PANEL):
        for colour in (page.TEXT, page.MUTED, page.LINE, page.LIMIT, page.GOOD):
            assert contrast(colour, ground) >= 4.5, (colour, ground)
    assert contrast("#999999", page.GROUND) < 4.5


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("p99_us", 7_304, "p99 7.30 ms"),
        ("drained_ms", 430_000, "drained 7.2 min"),
        ("drained_ms", "not in time", "drained: not in time"),
        ("listening_p50_us", 422_000, "listening p50 422 ms"),
        ("centibytes_an_event", 4_321, "bytes an event 43.21"),
        ("resident_most_kib", 55_501, "resident most 54.2 MiB"),
        ("worst_us", 12, "worst 12 µs"),
        ("gave way", 246_221, "gave way 246,221"),
    ],
)
def test_units_are_read_from_names(name: str, value: int | str, said: str) -> None:
    assert words.value_words(name, value) == said


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("crash image", "crash images"),
        ("image after a fault", "images after a fault"),
        ("life of 1,000 appends", "lives of 1,000 appends"),
        ("forgery", "forgeries"),
        ("day", "days"),
        ("home whose broker begins to lie", "homes whose broker begins to lie"),
    ],
)
def test_trials_are_counted_in_their_plural(noun: str, said: str) -> None:
    assert words.plural(noun, 2) == said
    assert words.plural(noun, 1) == noun
