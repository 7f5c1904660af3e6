"""Lamp, button, mains, battery, UART and time server of the board, over simulated pins."""

import asyncio

from hal.errors import LinkLostError, TimedOutError
from hal.esp32.button import HELD_MS, BoardButton
from hal.esp32.clock import BoardClock, LastTime
from hal.esp32.indicator import PATTERNS, BoardIndicator
from hal.esp32.power import BoardPower
from hal.esp32.time_server import AGAIN_MS, OFFLINE_MS, TimeServer
from hal.esp32.uart import BoardSerialPorts, Line
from hal.sim.ble_stack import SimFlag
from hal.sim.clock import SimClock
from hal.sim.line import SerialLine
from hal.sim.pins import SimAdc, SimPin
from hal.sim.uart import SimUart

UTC_MS = 1_795_309_800_000


def lamp(script):
    async def life():
        clock = SimClock()
        pin = SimPin(0, clock.uptime_ms)
        indicator = BoardIndicator(pin, clock)
        task = asyncio.create_task(indicator.run())
        await script(indicator, pin, clock)
        task.cancel()

    asyncio.run(life())


def test_the_lamp_is_lit_in_the_rhythm_of_the_state():
    async def script(indicator, pin, clock):
        indicator.show("fault")
        await clock.advance(4_500)
        assert pin.shown == [(0, 1), (200, 0), (2_000, 1), (2_200, 0), (4_000, 1), (4_200, 0)]
        indicator.show("offline")
        await clock.advance(10_000)
        assert pin.level == 1 and clock.sleepers == 0, "a steady light: nothing blinks at night"
        indicator.show("quiet")
        await clock.advance(10_000)
        assert pin.level == 0 and clock.sleepers == 0

    lamp(script)


def test_a_board_that_is_asked_which_it_is_does_not_look_like_a_fault():
    async def script(indicator, pin, clock):
        indicator.show("identify")
        await clock.advance(420)
        assert pin.shown == [(0, 1), (50, 0), (200, 1), (250, 0), (400, 1)]

    lamp(script)


def test_a_lamp_that_fails_is_no_error_and_an_unknown_state_looks_like_a_fault():
    async def script(indicator, pin, clock):
        pin.failing = True
        indicator.show("ok")
        await clock.advance(1_000)
        pin.failing = False
        indicator.show("no such state")
        await clock.advance(500)
        assert [level for _, level in pin.shown] == [1, 0]

    lamp(script)


def test_every_state_has_a_rhythm_of_its_own():
    shown = [PATTERNS[state] for state in PATTERNS if state not in ("ok", "quiet")]
    assert len(set(shown)) == len(shown) and PATTERNS["ok"] == PATTERNS["quiet"] == ()


def button(script, level=1):
    async def life():
        clock, pin = SimClock(), SimPin(level)
        await script(BoardButton(pin, clock, SimFlag()), pin, clock)

    asyncio.run(life())


def test_a_button_counts_when_it_is_held_and_once_for_each_time():
    async def script(hand, pin, clock):
        pressing = asyncio.create_task(hand.pressed())
        for duration_ms in (10, 60, HELD_MS - 200):
            await clock.advance(100)
            pin.put(0)
            await clock.advance(duration_ms)
            pin.put(1)
        await clock.advance(5_000)
        assert not pressing.done(), "bumps"
        pin.put(0)
        await clock.advance(HELD_MS + 100)
        assert pressing.done()
        again = asyncio.create_task(hand.pressed())
        await clock.advance(60_000)
        assert not again.done(), "it is still held"
        again.cancel()

    button(script)


def test_a_button_that_stays_down_is_told_from_one_that_is_let_go_of():
    async def script(hand, pin, clock):
        for more_ms, stays in ((8_100, True), (7_000, False)):
            pressing = asyncio.create_task(hand.pressed())
            await clock.advance(100)
            pin.put(0)
            await clock.advance(HELD_MS + 100)
            assert pressing.done()
            staying = asyncio.create_task(hand.stays(8_000))
            await clock.advance(more_ms)
            pin.put(1)
            await clock.advance(2_000)
            assert staying.done() and await staying == stays

    button(script)


def test_control_a_button_without_a_time_to_be_held_takes_a_spark_for_a_finger():
    async def script(hand, pin, clock):
        hand._held_ms = 0
        pressing = asyncio.create_task(hand.pressed())
        await clock.advance(100)
        pin.put(0)
        await clock.settle()
        pin.put(1)
        await clock.settle()
        assert pressing.done()

    button(script)


def test_a_pin_that_fails_is_nobodys_finger():
    async def script(hand, pin, clock):
        pressing = asyncio.create_task(hand.pressed())
        await clock.advance(100)
        pin.failing = True
        pin.put(0)
        await clock.advance(60_000)
        assert not pressing.done()
        pressing.cancel()

    button(script)


def test_mains_is_gone_when_it_is_read_so_three_times():
    pin = SimPin(1)
    power = BoardPower(pin)
    assert [power.mains() for _ in range(4)] == [None, None, True, True]
    pin.level = 0
    assert power.mains() and power.mains()
    pin.level = 1
    assert power.mains(), "a dip"
    pin.level = 0
    assert [power.mains() for _ in range(3)] == [True, True, False]
    pin.failing = True
    assert power.mains() is False
    assert BoardPower().mains() is None


def test_the_battery_is_read_through_its_divider():
    adc = SimAdc(1_850_000)
    assert BoardPower(battery=adc).battery_mv() == 3_700
    assert BoardPower(battery=adc, divider=(3, 1)).battery_mv() == 5_550
    adc.failing = True
    assert BoardPower(battery=adc).battery_mv() is None and BoardPower().battery_mv() is None


def test_a_uart_without_a_pin_that_tells_waits_and_goes_on_when_the_cable_is_back():
    async def life():
        cable = SerialLine("uart1")
        ports = BoardSerialPorts({"uart1": Line(lambda **how: SimUart(cable, **how))}, SimClock(), SimFlag)
        port = await ports.open("uart1", baud=9_600, parity="E")
        assert (cable.baud, cable.parity) == (9_600, "E")
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        cable.send(b"x")
        assert await reading == b"x"
        await port.close()
        told = ""
        try:
            await port.read()
        except LinkLostError as error:
            told = error.message
        assert "open it again" in told

    asyncio.run(life())


class Server:
    """A time server that says what it is told to, later or never."""

    def __init__(self, clock):
        self.clock = clock
        self.offset_ms = UTC_MS
        self.silent = False
        self.is_online = True
        self.slow_ms = 0
        self.asked = []

    async def ask(self, server, question):
        self.asked.append(server)
        if self.silent:
            raise TimedOutError("no answer")
        await self.clock.sleep_ms(self.slow_ms)
        utc_ms = self.offset_ms + self.clock.uptime_ms()
        seconds = (utc_ms // 1000 + 2_208_988_800) & 0xFFFFFFFF
        stamp = seconds.to_bytes(4, "big") + ((utc_ms % 1000 << 32) // 1000).to_bytes(4, "big")
        return b"\x24\x02" + bytes(22) + question[40:48] + bytes(8) + stamp


class Kept:
    def __init__(self):
        self.value = 0

    def read(self):
        return self.value

    def write(self, value):
        self.value = value


def asking(script):
    async def life():
        ticks = SimClock()
        clock = BoardClock(ticks.uptime_ms, lambda later, earlier: later - earlier)
        clock.sleep_ms = ticks.sleep_ms
        server, kept = Server(ticks), Kept()
        time = TimeServer(clock, server.ask, bytes, LastTime(kept), ("a", "b"), lambda: server.is_online)
        task = asyncio.create_task(time.run())
        await script(time, server, clock, ticks, kept)
        task.cancel()

    asyncio.run(life())


def test_the_clock_learns_from_a_server_and_keeps_what_it_believed():
    async def script(time, server, clock, ticks, kept):
        await ticks.advance(100)
        assert abs(clock.utc_ms() - UTC_MS - 100) < 5 and kept.value == UTC_MS
        await ticks.advance(2 * AGAIN_MS)
        assert server.asked == ["a", "b", "a"]

    asking(script)


def test_servers_take_turns_until_one_answers_and_slow_ones_are_not_believed():
    async def script(time, server, clock, ticks, kept):
        server.silent = True
        await ticks.advance(60_000)
        assert clock.utc_ms() is None and server.asked[:3] == ["a", "b", "a"] and time.refused == time.asked
        server.silent, server.slow_ms = False, 6_000
        await ticks.advance(400_000)
        assert clock.utc_ms() is None
        server.slow_ms = 100
        await ticks.advance(600_000)
        assert abs(clock.utc_ms() - UTC_MS - ticks.uptime_ms()) < 200

    asking(script)


def test_without_a_way_out_nobody_is_asked_once_the_time_is_known():
    async def script(time, server, clock, ticks, kept):
        server.is_online, server.silent = False, True
        await ticks.advance(60_000)
        assert len(server.asked) > 3, "the time is not known"
        server.silent = False
        await ticks.advance(300_000)
        assert clock.utc_ms() is not None
        asked = len(server.asked)
        await ticks.advance(10 * AGAIN_MS)
        assert len(server.asked) == asked
        server.is_online = True
        await ticks.advance(OFFLINE_MS)
        assert len(server.asked) == asked + 1

    asking(script)


def test_a_server_that_lies_for_a_while_moves_nothing():
    async def script(time, server, clock, ticks, kept):
        await ticks.advance(1_000)
        server.offset_ms = UTC_MS + 20 * 365 * 86_400_000
        await ticks.advance(AGAIN_MS + 60_000)
        assert abs(clock.utc_ms() - UTC_MS - ticks.uptime_ms()) < 200 and time.refused

    asking(script)
