"""The board's radio where it may go wrong: floods, memory that is missing, connections that come too late."""

import asyncio

from hal.errors import LinkLostError, TimedOutError
from hal.esp32.ble_radio import MOST_EVENTS, MOST_OF_ONE, MOST_SHORT, BoardRadio
from hal.esp32.ble_scanner import RAW, BoardScanner
from hal.receptions import STRANGERS
from hal.sim.ble_stack import DISCONNECTED, SCAN_RESULT, SimBle
from tests.esp32.ble_bench import CONTROL, DOOR, OTHER, OXIMETER, SMOKE, VALUE, held, raised, run


def strangers(count):
    return ["C5:00:00:00:%02X:%02X" % (number >> 8, number & 0xFF) for number in range(count)]


def test_a_flood_of_strangers_takes_no_memory_and_no_frame_of_ours():
    async def script(bench):
        await bench.scanner.start(known=[DOOR, SMOKE])
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        for address in strangers(2_000):
            bench.world.advertise(address, {"fcd2": b"noise"})
        assert len(bench.scanner._raw) == 1 and not bench.scanner._raw_strangers
        await bench.settle()
        assert bench.scanner.heard_ms == 0
        assert await held(bench.scanner) == [b"alarm"] and bench.scanner.dropped == 0

    run(script)


def test_while_one_is_looked_for_strangers_have_a_room_of_their_own():
    async def script(bench):
        await bench.scanner.start(known=[SMOKE], offering="1822", active=True)
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        for address in strangers(500):
            bench.world.advertise(address, {"fcd2": b"noise"}, service_uuids=("1822",))
        assert len(bench.scanner._raw_strangers) == STRANGERS and len(bench.scanner._raw) == 1
        await bench.settle()
        found = await held(bench.scanner)
        assert found[0] == b"alarm" and len(found) <= STRANGERS + 1

    run(script)


def test_a_restless_device_of_ours_loses_its_own_frames_while_the_loop_stands_still():
    async def script(bench):
        await bench.scanner.start(known=[DOOR, SMOKE])
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        for number in range(3 * RAW):
            bench.world.advertise(DOOR, {"fcd2": bytes([number])})
        assert len(bench.scanner._raw) == RAW and bench.scanner.dropped == 2 * RAW + 1
        await bench.settle()
        found = await held(bench.scanner)
        assert found[0] == b"alarm" and found[-1] == bytes([3 * RAW - 1])

    run(script)


def test_a_scan_that_is_begun_again_and_again_is_told_once_of_a_change():
    async def script(bench):
        stack, events = SimBle(bench.world), []
        stack.active(True)
        stack.irq(lambda event, data: events.append(event))
        for _ in range(100):
            stack.gap_scan(0, 30_000, 30_000, False)
            stack.gap_scan(None)
        stack.gap_scan(0, 30_000, 30_000, False)
        del events[:]
        bench.place(OXIMETER)
        assert events == [SCAN_RESULT], "told once, however often it asked"
        bench.place(OTHER)
        assert events == [SCAN_RESULT] * 3, "and again at the next change, of both that are there now"
        stack.active(False)

    run(script)


class Scarce(BoardRadio):
    """Memory is missing for one event of the driver."""

    missing = 0

    def _told(self, event, data):
        if self.missing:
            self.missing -= 1
            raise MemoryError
        return BoardRadio._told(self, event, data)


class Raising(Scarce):
    """The negative control: a handler that lets the error out."""

    def _interrupt(self, event, data):
        return self._told(event, data)


async def short_of_memory(bench):
    """A connected oximeter; then memory is missing once, and then it burns."""
    peripheral = bench.place()
    connection = await bench.central.connect(OXIMETER)
    await connection.subscribe(VALUE)
    await bench.scanner.start(known=[SMOKE])
    bench.radio.missing = 1
    bench.world.advertise(SMOKE, {"fcd2": b"lost"})
    await bench.settle()
    bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
    await bench.settle()
    return peripheral, connection, await held(bench.scanner)


def test_missing_memory_ends_connections_and_the_next_frame_is_heard():
    async def script(bench):
        peripheral, connection, found = await short_of_memory(bench)
        assert found == [b"alarm"] and bench.radio.short == 1 and not bench.stack.broken
        assert not peripheral.connected
        assert "memory" in (await raised(LinkLostError, connection.receive())).detail

    run(script, radio=Scarce)


def test_a_frame_for_which_the_loop_has_no_memory_is_taken_when_it_has():
    async def script(bench):
        await bench.scanner.start(known=[SMOKE])
        buffer = bench.scanner._buffer
        put, calls = buffer.put, []

        def scarce(found):
            calls.append(found)
            if len(calls) == 1:
                raise MemoryError
            put(found)

        buffer.put = scarce
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        await bench.settle()
        assert bench.radio.short == 1
        bench.world.advertise(OTHER, {"fcd2": b"a stranger"})  # whatever wakes the loop
        await bench.settle()
        assert await held(bench.scanner) == [b"alarm"]

    run(script)


class Patient(BoardRadio):
    """The control: it tries for ever."""

    async def _run(self):
        while True:
            await self._flag.wait()
            try:
                self._take()
            except MemoryError:
                self.short += 1


class Early(BoardScanner):
    """The control of those who watch for silence: what was not taken counts as heard."""

    def take(self):
        self._heard_ms = self._radio.clock.uptime_ms()
        super().take()


def too_large(found):
    raise MemoryError


async def starved(bench, frames):
    """So many frames are heard, and memory is never enough for the first."""
    await bench.scanner.start(known=[DOOR, SMOKE])
    bench.scanner._buffer.put = too_large
    for _ in range(frames):
        await bench.expire(bench.clock.sleep_ms(1_000))
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        await bench.settle()


def test_a_frame_for_which_memory_is_never_enough_ends_the_scan_as_a_lack_of_memory():
    async def script(bench):
        await starved(bench, MOST_SHORT)
        await raised(MemoryError, bench.scanner.receive())
        assert bench.radio.short == MOST_SHORT and bench.radio._task.done()

    run(script)


def test_one_lack_of_memory_fewer_ends_nothing_and_the_frames_are_taken():
    async def script(bench):
        put = bench.scanner._buffer.put
        await starved(bench, MOST_SHORT - 1)
        bench.scanner._buffer.put = put
        bench.world.advertise(SMOKE, {"fcd2": b"the last"})
        await bench.settle()
        assert await held(bench.scanner) == (MOST_SHORT - 1) * [b"alarm"] + [b"the last"]

    run(script, limit=MOST_SHORT)


def test_what_finds_no_memory_is_not_heard_so_that_who_watches_for_silence_acts():
    async def script(bench):
        await starved(bench, 3)
        assert bench.scanner.heard_ms is None

    run(script)


def test_control_a_radio_that_tries_for_ever_is_deaf_and_says_nothing():
    async def script(bench):
        await starved(bench, 5 * MOST_SHORT)
        assert bench.radio.short == 5 * MOST_SHORT and not bench.scanner._buffer.ended

    run(script, radio=Patient)


def test_control_a_scanner_that_counts_what_it_did_not_take_seems_to_hear():
    async def script(bench):
        bench.scanner = Early(bench.radio)
        await starved(bench, 3)
        assert bench.scanner.heard_ms == bench.clock.uptime_ms()

    run(script)


def test_control_a_handler_that_raises_once_hears_nothing_any_more():
    async def script(bench):
        _, _, found = await short_of_memory(bench)
        assert found == [] and bench.stack.broken

    run(script, radio=Raising)


def test_a_handler_that_the_driver_forgot_is_given_to_it_again_with_the_next_start():
    async def script(bench):
        await short_of_memory(bench)
        await bench.scanner.start(known=[SMOKE])
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        await bench.settle()
        assert await held(bench.scanner) == [b"alarm"]

    run(script, radio=Raising)


def test_one_peripheral_that_floods_loses_its_own_link_and_no_other():
    async def script(bench):
        noisy, calm = bench.place(OXIMETER), bench.place(OTHER)
        links = [await bench.central.connect(OXIMETER), await bench.central.connect(OTHER)]
        for link in links:
            await link.subscribe(VALUE)
        for number in range(MOST_EVENTS):
            noisy.notify(VALUE, bytes([number & 0xFF]))
        assert len(bench.radio._events) == MOST_OF_ONE
        calm.notify(VALUE, b"calm")
        await bench.settle()
        assert not noisy.connected and calm.connected
        assert (await links[1].receive()).value == b"calm"

    run(script)


def test_a_peripheral_that_serves_without_end_is_let_go():
    async def script(bench):
        peripheral = bench.place(served={"%04x" % number: b"" for number in range(0x1000, 0x1000 + 100)})
        await raised(LinkLostError, bench.central.connect(OXIMETER))
        assert not peripheral.connected

    run(script)


def test_a_connection_that_comes_too_late_is_let_go_and_the_next_one_is_made():
    async def script(bench):
        peripheral = bench.place()
        peripheral.leave()
        error = await raised(TimedOutError, bench.expire(bench.central.connect(OXIMETER, timeout_ms=500)))
        assert "is it near" in error.message
        peripheral.return_()
        bench.stack.gap_connect(1, b"\xc1\x00\x00\x00\x00\x01")  # one that nobody waits for
        await bench.settle()
        assert not peripheral.connected and not bench.stack.links
        connection = await bench.central.connect(OXIMETER)
        assert connection.characteristics() == [VALUE, CONTROL]

    run(script)


def test_nobody_is_dialled_who_is_not_heard_so_that_the_scan_goes_on():
    async def script(bench):
        await bench.scanner.start(known=[SMOKE])
        work = bench.clock.run(bench.central.connect(OXIMETER, timeout_ms=60_000), 60_001)
        error = await raised(TimedOutError, work)
        assert "is it near" in error.message
        bench.world.advertise(SMOKE, {"fcd2": b"alarm"})
        assert bench.stack.scans and not bench.stack._dials
        await bench.settle()
        assert await held(bench.scanner) == [b"alarm"]

    run(script)


def test_a_connection_that_fails_is_tried_again_and_the_scan_runs_in_between():
    async def script(bench):
        await bench.scanner.start(known=[SMOKE])
        peripheral = bench.place()
        real, failed = bench.stack.gap_connect, []

        def refusing(address_type, *rest):
            if address_type is not None and len(failed) < 3:
                bench.stack.gap_scan(None) if bench.stack.scans else None
                failed.append(address_type)
                bench.stack.tell(DISCONNECTED, (0, 0xFF), bytes(6))
            else:
                real(address_type, *rest)

        bench.stack.gap_connect = refusing
        connecting = asyncio.create_task(bench.central.connect(OXIMETER))
        for _ in range(5):
            await bench.settle()
            bench.world.wake()  # it advertises again
        await connecting
        assert len(failed) == 3 and peripheral.connected
        assert bench.stack.scans, "it listens again"

    run(script)


def test_an_answer_that_never_comes_ends_the_wait_and_the_link():
    async def script(bench):
        peripheral = bench.place()
        connection = await bench.central.connect(OXIMETER)
        bench.stack.gattc_read = lambda handle, value: None
        error = await raised(TimedOutError, bench.expire(connection.read(VALUE)))
        assert "30 s" in error.message and not peripheral.connected

    run(script)
