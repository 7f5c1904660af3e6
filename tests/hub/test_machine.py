"""What the machine beneath does to a hub: its clock jumps, its disk is filled by others."""

from tests.hub.bench import DAY_UTC_MS, Bench, play


def count(bench: Bench, kind: str) -> int:
    """How many events of a kind were stored, delivered or not."""
    return [fields["kind"] for _, message, fields in bench.logged if message == "stored"].count(kind)


def test_a_clock_that_jumps_is_told_of_and_nothing_else_moves():
    async def scene(bench: Bench):
        twenty_years_ms = 20 * 365 * 86_400_000
        for jump_ms in (twenty_years_ms, -twenty_years_ms, 3_600_000):
            bench.clock.set_utc(bench.clock.utc_ms() + jump_ms)
            bench.door(jump_ms > 0, jump_ms % 251)
            await bench.clock.advance(6_000)
        jumps = [
            event.values["jump_ms"] for _, _, event in bench.platform.order if event.kind == "clock.jumped"
        ]
        assert jumps == [twenty_years_ms, -twenty_years_ms, 3_600_000]
        bench.clock.set_utc(bench.clock.utc_ms() + 30_000)
        await bench.clock.advance(6_000)
        assert count(bench, "clock.jumped") == 3, "half a minute is a correction"

    play(scene)


def test_a_disk_that_others_fill_is_a_fault_with_an_end_and_alarms_are_stored_in_it():
    async def scene(bench: Bench):
        await bench.platform.stop()
        bench.broker.stop()
        bench.medium.cramped_bytes = 24 * 1024
        for number in range(400):
            bench.door(number % 2 == 0, number % 256)
            if number % 20 == 0:
                bench.smoke(number % 40 == 0, number // 20)
            await bench.clock.advance(1_000)
        assert count(bench, "disk.full") == 1 and "disk.full" in bench.app.supervise.faults()
        assert bench.indicator.state == "fault"
        mark = bench.journal.mark(0)
        assert (mark.first, mark.last) == (1, 20), "every alarm"
        assert {gone.lane for gone in bench.journal.given_up()} == {4}
        bench.medium.cramped_bytes = None
        await bench.clock.advance(6_000)
        assert count(bench, "disk.freed") == 1 and bench.app.supervise.faults() == []

    play(scene, utc_ms=DAY_UTC_MS)
