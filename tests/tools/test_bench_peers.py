"""The pure parts of `make bench-peers`: what is carried, what is counted, what is said of it."""

import json
import math
from pathlib import Path

import pytest

from tools.bench.peers import decode, frames
from tools.bench.peers.events import ALARMS, LARGE, SMALL, gateway_message, number_of, payload, telemetry
from tools.bench.peers.receiver import Count
from tools.bench.peers.report import Figure, lost_line, quantile, ratio, spread, table
from tools.bench.peers.spans import members, spans
from tools.bench.peers.thingsboard import ThingsBoardPeer
from tools.bench.peers.worker import holding, run, taking


def test_an_event_carries_its_number_in_either_size():
    for size in (LARGE, SMALL):
        for number in (0, 1, 65_536, ALARMS + 7):
            assert number_of(payload(number, size)) == number
    assert len(payload(5)) == LARGE
    assert payload(5)[:10] == payload(6)[:10]


def test_thingsboard_gets_as_many_bytes_and_the_same_number():
    assert len(json.dumps(telemetry(12_345), separators=(",", ":"))) == LARGE
    assert json.loads(gateway_message(7))["telemetry"][0]["values"]["n"] == 7


def test_what_is_published_is_read_again_in_both_versions():
    for version in (4, 5):
        sent = frames.publish("t", b"x" * 300, mid=77, version=version)
        first, start, end = frames.take(sent, 0)
        assert end == len(sent)
        assert frames.read_publish(first, sent[start:end], version) == ("t", 77, b"x" * 300)


def test_a_frame_in_parts_is_waited_for():
    sent = frames.publish("t", b"x" * 300, mid=1)
    assert all(frames.take(sent[:cut], 0) is None for cut in range(len(sent)))
    assert frames.take(sent + b"\xd0", 0)[2] == len(sent)


def test_an_event_that_comes_twice_is_counted_once():
    count = Count()
    count.take([1, 2, 2, 3])
    count.take([3])
    assert (count.numbers, count.repeated) == ({1, 2, 3}, 2)


def test_spans_are_undone_by_members():
    numbers = {1, 2, 3, 7, 9, 10}
    assert spans(numbers) == [[1, 3], [7, 7], [9, 10]]
    assert members(spans(numbers)) == numbers


def test_a_ratio_above_one_means_that_trygg_is_better_whichever_way_is_better():
    assert ratio([100], [50], more=True) == "2.00"
    assert ratio([50], [100], more=False) == "2.00"
    assert ratio([50], [100], more=True) == "0.50"
    assert ratio([7], [7], more=True) == "equal"
    assert ratio([0], [81], more=False) == "no ratio: one is 0"


def test_what_never_came_is_no_number_and_its_ratio_is_a_bound():
    assert quantile([3.0, None, 1.0], 0.5) == 3.0
    assert quantile([3.0, None], 0.99) == math.inf
    assert spread([5.0, math.inf, math.inf], 1000) == "over 1,000 (5.00 to over 1,000)"
    assert ratio([10], [math.inf], more=False, limit=1000) == "over 100"
    assert ratio([math.inf], [10], more=False, limit=1000) == "under 0.01"
    assert ratio([10], [math.inf], more=False) == "beyond measure"


def test_a_table_has_the_spread_of_each_party_its_ratio_and_who_is_missing():
    figure = Figure("drained", "events/s", more=True, missing={"Mosquitto": "not installed"})
    for ours, theirs in ((100.0, 10.0), (300.0, 30.0), (200.0, 20.0)):
        figure.add("Trygg", ours)
        figure.add("paho", theirs, "with 7 held")
    title, trygg, paho, missing = table(figure)
    assert "events/s" in title
    assert trygg.split() == ["Trygg", "200", "(100", "to", "300)"]
    assert paho.split() == ["paho", "20.0", "(10.0", "to", "30.0)", "10.0", "with", "7", "held"]
    assert missing.strip() == "Mosquitto                         -  (not installed)"


def test_losses_are_summed_and_their_spread_kept():
    assert lost_line([(100, 0), (200, 30)]) == "30 of 300 (10.0 %), in 1 of 2; each 15.0 (0 to 30.0)"
    assert lost_line([(0, 0)]) == "0 of 0 (none accepted), in 0 of 1; each 0 (0 to 0)"


def test_a_peer_without_its_environment_is_skipped_with_the_reason(tmp_path):
    peer = ThingsBoardPeer("sqlite", python=tmp_path / "python")
    assert peer.missing() == "no .venv-peers: make bench-peers makes it"
    (tmp_path / "python").touch()
    assert peer.missing() is None


class Shelf:
    """Takes and holds, and sends nothing, as the stores of two parties do."""

    def __init__(self):
        self.numbers = []

    def offer(self, numbers, size, window):
        self.numbers += numbers

    def settle(self):
        return True

    def held(self):
        return self.numbers

    def forget(self):
        self.numbers.clear()


def test_a_worker_holds_what_it_took_until_it_is_told_to_forget(capfd):
    shelf = Shelf()
    run(
        {**taking(shelf), **holding(shelf)}, ["rate 5 3 200 1", "pace 8 1 1000 200", "held", "forget", "held"]
    )
    said = capfd.readouterr().out.splitlines()
    replies = [json.loads(line) for line in said if line.startswith("{")]
    assert [reply["reply"] for reply in replies] == ["start", "rate", "held", "forget", "held"]
    assert said[2] == "8"
    assert (replies[2]["numbers"], replies[4]["numbers"]) == ([[5, 8]], [])


def test_a_worker_refuses_what_its_store_cannot_do_and_says_what_it_can():
    shelf = Shelf()
    with pytest.raises(ValueError, match="open: this worker can only forget, held, pace, rate"):
        run({**taking(shelf), **holding(shelf)}, ["open 1883"])


def test_decoders_are_given_the_same_frames_and_each_takes_all_of_them(tmp_path: Path):
    pytest.importorskip("bthome_ble", reason="bthome-ble is not installed: make setup")
    plain, encrypted = decode.measure(tmp_path, 2, 600, 1)
    for figure in (plain, encrypted):
        assert [len(figure.rounds[name]) for name in ("Trygg", decode.PEER)] == [2, 2]
        assert figure.missing == {}
    assert len(set(decode.frames(600, 1, encrypted=False))) == 600


@pytest.mark.parametrize("encrypted", [False, True])
def test_control_a_decoder_that_takes_nothing_is_no_fast_one(tmp_path: Path, encrypted: bool):
    given = decode.frames(3, 1, encrypted=encrypted)
    party = decode.Ours(tmp_path, encrypted=encrypted)
    party.take([party.heard(data, decode.APART_MS * number) for number, data in enumerate(given)])
    with pytest.raises(RuntimeError, match="not taken"):
        party.take([party.heard(given[-1], decode.APART_MS * 2)])
