"""The scanner of frames without a delimiter: pieces, garbage, a beginning that never goes on, and no byte lost unseen."""

from gateway.core.devices import nonin_seconds, nonin_spot, nonin_stream
from gateway.core.errors import DecodeError
from gateway.core.framing import esp3
from gateway.core.framing.scan import MORE, NONE, Scanner
from hal.sim.faults import SeededNumbers
from tools.simulators import enocean_air, nonin_serial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STAMP = bytes.fromhex("2026112807153042")
SENDER = "01:82:5D:AB"


def stream(number: int) -> "list[bytes]":
    """Frames of a Nonin stream."""
    data = b"".join(
        [
            nonin_serial.packet(number, nonin_serial.places(97, 72 + turn, 97, 72), pleth=40 * turn)
            for turn in range(3)
        ]
    )
    return [data[at : at + 5] for at in range(0, len(data), 5)]


FAMILIES = (
    ("nonin 2", nonin_stream.FORMAT_2.measure, 10, stream(2)),
    ("nonin 7", nonin_stream.FORMAT_7.measure, 10, stream(7)),
    (
        "nonin 8",
        nonin_seconds.measure,
        8,
        [nonin_serial.second(90 + turn % 10, 60 + turn) for turn in range(30)],
    ),
    (
        "nonin 13",
        nonin_spot.measure,
        nonin_spot.MOST_SPOT,
        [nonin_serial.spot(STAMP, 90 + turn % 10, 60 + turn) for turn in range(20)],
    ),
    (
        "esp3",
        esp3.measure,
        esp3.MOST_PACKET,
        [
            enocean_air.telegram(SENDER, enocean_air.multisensor(turn % 40, turn % 16))
            if turn % 2
            else enocean_air.telegram(SENDER, enocean_air.smoke(enocean_air.SMOKE))
            for turn in range(30)
        ],
    ),
)


def frames(items: "list[bytes | DecodeError]") -> "list[bytes]":
    return [item for item in items if isinstance(item, bytes)]


def test_frames_come_whole_however_the_stream_is_cut() -> None:
    for name, measure, limit, sent in FAMILIES:
        data = b"".join(sent)
        for size in (1, 2, 3, 7, 64, len(data)):
            scanner = Scanner(measure, limit)
            found: "list[bytes]" = []
            for at in range(0, len(data), size):
                items = scanner.push(data[at : at + size])
                assert len(frames(items)) == len(items), (name, size)
                found += frames(items)
            assert found == sent and not scanner.waiting, (name, size)
            assert (scanner.frames, scanner.skipped) == (len(sent), 0)


def lost_behind_garbage(
    measure: "Callable[[bytearray, int], int]", limit: int, sent: "list[bytes]", seed: int, look: bool
) -> int:
    """How many whole frames behind random bytes did not come."""
    numbers = SeededNumbers(seed)
    garbage = numbers.take(1 + numbers.below(40))
    scanner = Scanner(measure, limit)
    found = frames(scanner.push(garbage + b"".join(sent)))
    if look:
        found += frames(scanner.look_past())
    return len(sent) - len([frame for frame in sent if frame in found])


def test_behind_garbage_at_most_one_frame_is_lost() -> None:
    for name, measure, limit, sent in FAMILIES:
        some = sent[:6]
        for seed in range(150):
            assert lost_behind_garbage(measure, limit, some, seed, True) <= 1, (name, seed)


class Hasty(Scanner):
    """The control: throws everything away that is held where a frame turns out to be none."""

    def search(self, at: int, found: "list[bytes | DecodeError]") -> int:
        while at < len(self.held):
            size = self.measure(self.held, at)
            if size == MORE:
                return at
            if size == NONE:
                return len(self.held)
            found.append(bytes(self.held[at : at + size]))
            at += size
        return at


def test_the_check_of_garbage_sees_a_scanner_that_throws_away() -> None:
    name, measure, limit, sent = FAMILIES[0]
    lost = []
    for seed in range(20):
        scanner = Hasty(measure, limit)
        found = frames(scanner.push(SeededNumbers(seed).take(9) + b"".join(sent[:2])))
        lost.append(2 - len(found))
    assert max(lost) > 1, name


def test_a_frame_behind_a_false_beginning_comes_when_the_line_is_quiet() -> None:
    head = bytes([0x55, 0x01, 0x00, 0x07, 0x01])
    false = head + bytes([esp3.crc8(head[1:])])  # announces 256 bytes that never come
    alarm = enocean_air.telegram(SENDER, enocean_air.smoke(enocean_air.SMOKE))
    scanner = esp3.scanner()
    assert frames(scanner.push(false + alarm)) == []
    assert frames(scanner.look_past()) == [alarm]
    assert scanner.skipped == len(false) and not scanner.waiting


def test_the_rest_of_a_frame_may_be_late() -> None:
    alarm = enocean_air.telegram(SENDER, enocean_air.smoke(enocean_air.SMOKE))
    for cut in range(1, len(alarm)):
        scanner = esp3.scanner()
        assert scanner.push(alarm[:cut]) == [] and scanner.look_past() == []
        assert scanner.push(alarm[cut:]) == [alarm], cut


def test_what_is_passed_over_is_said_once_and_nothing_more_is_held_than_the_largest_frame() -> None:
    for name, measure, limit, sent in FAMILIES:
        scanner = Scanner(measure, limit)
        said = 0
        for seed in range(60):
            items = scanner.push(SeededNumbers(seed).take(100))
            said += len([item for item in items if isinstance(item, DecodeError)])
            assert len(scanner.held) <= limit, name
        assert 0 < said <= 6_000 // limit + scanner.frames + 1, name
        scanner.reset()
        assert not scanner.waiting
        assert scanner.push(sent[0]) == [sent[0]]
