"""One transceiver, many sensors: who is told of what, what is said of the line, and who is taught in when."""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.model import UNAUTHENTICATED
from gateway.core.pairing import WINDOW_MS
from hal.types import SAFETY, TECHNICAL
from tests.hub.bench import GATEWAY, TENANT, Bench
from tests.hub.small import play as run_scene
from tools.simulators import enocean_air as air
from tools.simulators.noisy_bytes import NoisyBytes
from tools.simulators.nonin_serial import NoninDevice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from gateway.core.model import Event

PORT = "/dev/serial/by-id/usb-EnOcean"
HALL, KITCHEN, STRANGER = "01:82:5D:01", "01:82:5D:02", "05:11:22:33"
ROOT = "00" * 32

HOME = {
    "hub": {"id": GATEWAY, "tenant": TENANT},
    "platform": {"root_public_key": ROOT},
    "radio": {"backend": "none"},
    "enocean": {"port": PORT},
    "device": [
        {"name": "Hall detector", "driver": "enocean", "sender": HALL, "options": {"profile": "F6-05-02"}},
        {"name": "Kitchen door", "driver": "enocean", "sender": KITCHEN, "options": {"profile": "D5-00-01"}},
    ],
}


class Room:
    """A bench with a transceiver plugged in, which answers whenever time passes."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.line = bench.world.serial_line(PORT)
        self.transceiver = air.TransceiverDevice()
        self.noise = NoisyBytes(1)

    async def passes(self, duration_ms: int, step_ms: int = 250) -> None:
        """Time, in which the transceiver answers."""
        for _ in range(0, duration_ms, step_ms):
            self.say(self.transceiver.received(self.line.received()))
            await self.bench.clock.advance(step_ms)

    def say(self, data: bytes) -> None:
        """Bytes towards the hub."""
        for piece in self.noise.carry(data):
            self.line.send(piece)

    async def hear(self, sender: str, said: "tuple[int, bytes]", level: int = 0) -> None:
        """A sensor sends."""
        self.say(self.transceiver.hears(sender, said, level))
        await self.passes(500)

    def told(self, lane: int) -> "list[tuple[str, int]]":
        """Kinds and placements that arrived in a lane."""
        return [(event.kind, event.placement) for event in self.events(lane)]

    def events(self, lane: int) -> "list[Event]":
        """What arrived in a lane, in order."""
        return [event for number, _, event in self.bench.platform.order if number == lane]

    def placement(self, name: str) -> int:
        found: int = next(each.placement for each in self.bench.app.devices if each.config.name == name)
        return found


def play(
    scene: "Callable[[Room], Coroutine[object, object, None]]", tree: "dict[str, object]" = HOME
) -> None:
    """Run `scene(room)` on a started bench with its transceiver."""

    async def scene_of_bench() -> None:
        bench = Bench(tree)
        room = Room(bench)
        await bench.start()
        try:
            await room.passes(12_000)  # nobody answered while the bench started: it is asked again
            await scene(room)
        finally:
            await bench.end()

    run_scene(scene_of_bench)


def refusal_of(call: "Callable[[], object]") -> str:
    """Why a call is refused."""
    try:
        call()
    except (ConfigError, RefusedError) as error:
        return str(error)
    return ""


def test_each_telegram_is_an_event_of_its_sender_s_own_placement():
    async def scene(room: Room) -> None:
        assert room.transceiver.asked[0] == air.READ_VERSION and air.READ_BASE_ID in room.transceiver.asked
        await room.hear(HALL, air.smoke(air.SMOKE))
        await room.hear(KITCHEN, air.contact(False))
        await room.hear(STRANGER, air.smoke(air.SMOKE))
        await room.passes(2_000)
        events = room.events(SAFETY)
        assert [(event.kind, event.placement) for event in events] == [
            ("smoke.detected", room.placement("Hall detector"))
        ]
        assert events[0].provenance == UNAUTHENTICATED, "anybody near can send that"
        assert ("door.opened", room.placement("Kitchen door")) in room.told(4)
        line = room.bench.app.telegrams
        assert (line.heard_ever, line.strangers) == (3, 1)
        facts = room.bench.app.devices[0]
        assert facts.frames == 1 and facts.link == "open" and facts.heard_ms is not None

    play(scene)


def test_what_the_transceiver_has_authenticated_is_not_marked():
    async def scene(room: Room) -> None:
        await room.hear(HALL, air.smoke(air.SMOKE), level=4)
        await room.passes(2_000)
        assert [event.provenance for event in room.events(SAFETY)] == [0]

    play(scene)


def test_a_detector_that_misses_three_of_its_own_beats_is_silent_and_comes_back():
    async def scene(room: Room) -> None:
        await room.hear(HALL, air.smoke(air.NO_SMOKE))
        hall = room.placement("Hall detector")
        for _ in range(5):
            await room.passes(1_200_000, 300_000)
            await room.hear(HALL, air.smoke(air.NO_SMOKE))
        assert ("device.silent", hall) not in room.told(TECHNICAL)
        await room.passes(3_720_000, 60_000)
        assert ("device.silent", hall) in room.told(TECHNICAL), "an hour: three of its own intervals"
        await room.hear(HALL, air.smoke(air.NO_SMOKE))
        await room.passes(5_000)
        assert ("device.back", hall) in room.told(TECHNICAL)

    play(scene)


def test_a_port_that_stays_away_is_said_of_the_hub_and_so_is_its_return():
    async def scene(room: Room) -> None:
        room.line.pull()
        await room.passes(5_000)
        assert ("line.lost", 0) not in room.told(TECHNICAL), "a cable put in again is no fault"
        await room.passes(15_000)
        assert room.told(TECHNICAL).count(("line.lost", 0)) == 1
        assert room.bench.app.devices[0].link != "open"
        room.line.put_back()
        await room.passes(10_000)
        assert room.told(TECHNICAL).count(("line.restored", 0)) == 1
        await room.hear(HALL, air.smoke(air.SMOKE))
        await room.passes(1_000)
        assert [kind for kind, _ in room.told(SAFETY)] == ["smoke.detected"]

    play(scene)


def test_a_transceiver_that_does_not_answer_is_a_fault_that_ends():
    async def scene(room: Room) -> None:
        room.transceiver.hangs = True
        await room.passes(80_000)
        found = [event for event in room.events(TECHNICAL) if event.kind == "line.misread"]
        assert [event.values for event in found] == [{"port": PORT, "reason": "no_answer"}]
        room.transceiver.hangs = False
        await room.passes(80_000)
        assert room.told(TECHNICAL).count(("line.understood", 0)) == 1

    play(scene)


def test_another_device_on_the_line_is_recognised():
    async def scene(room: Room) -> None:
        room.transceiver.hangs = True
        oximeter = NoninDevice(2)
        oximeter.finger(97, 72)
        for second in range(16):
            room.say(oximeter.due(1_000 * second))
            await room.passes(1_000)
        found = [event for event in room.events(TECHNICAL) if event.kind == "line.misread"]
        assert [event.values for event in found] == [
            {"port": PORT, "reason": "other_device", "driver": "nonin_serial 2"}
        ]
        room.transceiver.hangs = False
        await room.hear(HALL, air.smoke(air.SMOKE))
        await room.passes(80_000)
        assert room.told(TECHNICAL).count(("line.understood", 0)) == 1
        assert [kind for kind, _ in room.told(SAFETY)] == ["smoke.detected"]

    play(scene)


def test_an_alarm_behind_garbage_comes_through():
    async def scene(room: Room) -> None:
        room.line.send(b"\x55\x01\x00\x07\x01\x52\x55\x55\x00\x07")
        await room.hear(HALL, air.smoke(air.SMOKE))
        await room.passes(1_000)
        assert [kind for kind, _ in room.told(SAFETY)] == ["smoke.detected"]

    play(scene)


def test_no_alarm_is_lost_or_doubled_on_a_line_that_damages_what_does_not_matter():
    async def scene(room: Room) -> None:
        room.noise = NoisyBytes(5, burst=150, piece=3)
        for _ in range(20):
            await room.hear(HALL, air.smoke(air.SMOKE))
            await room.hear(HALL, air.smoke(air.NO_SMOKE))
        await room.passes(5_000)
        kinds = [kind for kind, _ in room.told(SAFETY)]
        assert room.noise.faults > 5
        assert kinds[:2] == ["smoke.detected", "smoke.cleared"]
        assert [kinds[at] != kinds[at + 1] for at in range(len(kinds) - 1)] == [True] * (len(kinds) - 1)

    play(scene)


# --- teach-in -------------------------------------------------------------------------------------------------------


def test_a_teach_in_outside_the_time_for_it_changes_nothing():
    async def scene(room: Room) -> None:
        before = [event.kind for event in room.events(TECHNICAL)]
        await room.hear(STRANGER, air.four_bs_teach_in(0x30, 3, 13))
        await room.hear(KITCHEN, air.contact_teach_in())
        await room.passes(5_000)
        assert room.bench.app.admission.facts() == {}
        assert [event.kind for event in room.events(TECHNICAL)] == before
        assert not [kind for kind, _ in room.told(4)]

    play(scene)


def test_in_the_time_for_it_one_new_sender_is_told_with_its_profile():
    async def scene(room: Room) -> None:
        admission = room.bench.app.admission
        assert admission.open(driver="enocean")["state"] == "open" and admission.is_open()
        await room.hear(HALL, air.smoke(air.SMOKE))
        assert admission.facts()["state"] == "open", (
            "a sensor in use is not the new one, and its alarm counts"
        )
        await room.hear(STRANGER, air.four_bs_teach_in(0x30, 3, 13))
        assert admission.facts()["state"] == "heard"
        await room.passes(3_000)
        facts = admission.facts()
        assert (facts["state"], facts["address"], facts["profile"]) == ("taught", STRANGER, "A5-30-03")
        await room.passes(3_000)
        kinds = [kind for kind, _ in room.told(TECHNICAL) if kind.startswith("pairing.")]
        assert kinds == ["pairing.opened", "pairing.heard", "pairing.begun", "pairing.taught"]
        assert [kind for kind, _ in room.told(SAFETY)] == ["smoke.detected"]
        assert len(room.bench.app.devices) == 2, "a person enters it"

    play(scene)


def test_two_new_senders_are_one_too_many():
    async def scene(room: Room) -> None:
        admission = room.bench.app.admission
        admission.open(driver="enocean")
        await room.hear(STRANGER, air.contact_teach_in())
        await room.hear("05:11:22:44", air.smoke(air.NO_SMOKE))
        await room.passes(3_000)
        assert (admission.facts()["state"], admission.facts()["reason"]) == ("refused", "several")

    play(scene)


def test_a_sender_without_a_teach_in_telegram_is_heard_and_its_profile_is_not_claimed():
    async def scene(room: Room) -> None:
        admission = room.bench.app.admission
        admission.open(driver="enocean")
        await room.hear(STRANGER, air.multisensor(20, 0))
        assert admission.facts()["state"] == "open", "a measurement of a neighbour is no teach-in"
        await room.hear(STRANGER, air.smoke(air.NO_SMOKE))
        await room.passes(3_000)
        assert (admission.facts()["state"], admission.facts()["profile"]) == ("taught", "")

    play(scene)


def test_the_time_runs_out_is_called_off_and_is_one_at_once():
    async def scene(room: Room) -> None:
        admission = room.bench.app.admission
        admission.open(driver="enocean")
        assert "open already" in refusal_of(lambda: admission.open(driver="enocean"))
        assert "open already" in refusal_of(lambda: admission.open(driver="plx"))
        await room.passes(WINDOW_MS + 1_000, 1_000)
        assert admission.facts()["state"] == "expired" and not admission.is_open()
        await room.hear(STRANGER, air.contact_teach_in())
        assert admission.facts()["state"] == "expired"
        admission.open(driver="enocean")
        assert admission.cancel()["state"] == "cancelled"
        assert "no code" in refusal_of(lambda: admission.open(driver="enocean", code="123456"))
        assert "no code" in refusal_of(lambda: admission.open(driver="enocean", oob="5a" * 32))

    play(scene)


def test_without_a_transceiver_nobody_is_taught_in():
    async def scene(room: Room) -> None:
        room.line.pull()
        await room.passes(2_000)
        admission = room.bench.app.admission
        assert "cannot be reached" in refusal_of(lambda: admission.open(driver="enocean"))
        admission.teaching.line = None
        assert "no EnOcean transceiver" in refusal_of(lambda: admission.open(driver="enocean"))

    play(scene)
