"""Records of a glucose meter: asked for by number, all of them once, also where its numbers begin anew."""

from gateway.core.devices.glucose_meter import AGAIN_MS, GlucoseMeter
from tests.hub.fetches import REPORT_ALL, Fetch
from tests.hub.small import play
from tests.hub.storing_peripherals import GlucoseMeterPeripheral


def meter(*readings: int, **options: object) -> Fetch:
    """A meter with these readings in mg/dL."""
    home = Fetch(GlucoseMeter, GlucoseMeterPeripheral, **options)
    for mg_per_dl in readings:
        home.peripheral.measure(mg_per_dl)  # type: ignore[attr-defined]
    return home


def test_a_meter_is_asked_from_its_last_record_on() -> None:
    async def scene() -> None:
        home = meter(101, 102, 103)
        await home.fetch()
        home.peripheral.measure(104)  # type: ignore[attr-defined]
        await home.fetch(2)
        from_3, from_4 = bytes.fromhex("0103010300"), bytes.fromhex("0103010400")
        assert home.peripheral.requests() == [REPORT_ALL, from_3, from_4]
        assert home.judged() == ([], []) and len(home.told()) == 4
        assert home.told()[3].values["sequence_number"] == 4

    play(scene)


def test_a_meter_whose_memory_began_anew_is_asked_for_everything() -> None:
    async def scene(again: "tuple[int, ...]") -> None:
        home = meter(101, 102, 103)
        await home.fetch()
        home.peripheral.begin_anew()  # type: ignore[attr-defined]
        await home.small.clock.advance(3_600_000)
        for mg_per_dl in again:
            home.peripheral.measure(mg_per_dl)  # type: ignore[attr-defined]
        await home.fetch()
        assert home.judged() == ([], []), again
        assert home.peripheral.requests() == [REPORT_ALL, bytes.fromhex("0103010300"), REPORT_ALL]

    for again in ((), (111,), (111, 112, 113), (111, 112, 113, 114, 115)):
        play(scene, again)


def test_a_meter_that_cannot_begin_at_a_number_is_asked_for_everything_each_time() -> None:
    async def scene() -> None:
        home = meter(101, 102, by_number=False)
        await home.fetch()
        home.peripheral.measure(103)  # type: ignore[attr-defined]
        await home.fetch()
        assert home.judged() == ([], []) and len(home.told()) == 3
        assert home.peripheral.requests() == [REPORT_ALL, bytes.fromhex("0103010200"), REPORT_ALL]

    play(scene)


def test_a_meter_that_drops_the_link_loses_nothing() -> None:
    async def scene(after: int) -> None:
        home = meter(*range(100, 112))
        home.peripheral.drop_after = after
        await home.fetch(2)
        assert home.judged() == ([], []) and len(home.told()) == 12, after

    for after in (0, 1, 7, 11):
        play(scene, after)


def test_a_meter_that_stays_connected_is_asked_again() -> None:
    async def scene() -> None:
        home = meter(101)
        task = await home.come()
        home.peripheral.measure(102)  # type: ignore[attr-defined]
        await home.small.clock.advance(AGAIN_MS)
        assert home.judged() == ([], [])
        await home.go(task)

    play(scene)


def test_numbers_that_run_out_are_not_asked_beyond_their_end() -> None:
    async def scene() -> None:
        home = meter()
        box: "GlucoseMeterPeripheral" = home.peripheral  # type: ignore[assignment]
        box.next_number = 0xFFFF
        box.measure(101)
        await home.fetch()
        box.next_number = 0
        box.measure(102)
        await home.fetch()
        assert home.judged() == ([], []) and home.peripheral.requests() == [REPORT_ALL, REPORT_ALL]

    play(scene)


def test_control_solution_is_no_reading_of_a_person() -> None:
    async def scene() -> None:
        home = meter()
        home.peripheral.measure(120, 0x1A)  # type: ignore[attr-defined]
        await home.fetch()
        event = home.told()[0]
        assert event.kind == "measurement.failed" and event.values["reason"] == "control_solution"
        assert "glucose_kg_per_l" not in event.values
        assert str(event.values["control_solution_kg_per_l"]) == "0.00120"

    play(scene)
