"""Time server, Wi-Fi, watchdog and start of a board, each with the other party that a board has: drivers as they behave."""

import asyncio

from hal.esp32 import sntp
from hal.esp32.start import confirm
from hal.esp32.watchdog import BoardWatchdog
from hal.esp32.wifi import LOOK_MS, TRY_MS, WifiNetwork
from hal.sim.clock import SimClock
from tests.esp32.numbers import Numbers

STAMP = bytes(range(1, 9))


def said(first=0x24, stratum=2, stamp=STAMP, seconds=0xEE9A_0000, fraction=1 << 31):
    """An answer of a time server."""
    data = bytes([first, stratum]) + bytes(22) + stamp + bytes(8)
    return data + seconds.to_bytes(4, "big") + fraction.to_bytes(4, "big")


def refused(data):
    try:
        sntp.answer(data, STAMP, 0)
    except sntp.SntpError:
        return True
    return False


def test_a_question_is_a_client_of_version_4_with_its_stamp():
    asked = sntp.question(STAMP)
    assert len(asked) == 48 and asked[0] == 0x23 and asked[40:] == STAMP and not any(asked[1:40])


def test_an_answer_says_the_time_to_the_millisecond_in_both_eras():
    # 1_000_000_000 s after 1970 is 3_208_988_800 s after 1900
    assert sntp.answer(said(seconds=3_208_988_800), STAMP, 0) == 1_000_000_000_500
    assert sntp.answer(said(seconds=3_208_988_800), STAMP, 40) == 1_000_000_000_520
    # 2036-02-07 06:28:16 is second 0 of era 1
    assert sntp.answer(said(seconds=0), STAMP, 0) == 2_085_978_496_500


def test_what_is_no_answer_to_our_question_is_refused():
    assert not refused(said())  # the control
    for data in (
        b"",
        said()[:47],
        said(first=0x23),  # a client
        said(first=0xE4),  # a clock that is not synchronised
        said(first=0x0C),  # version 1
        said(stratum=0),  # a kiss of death
        said(stratum=16),
        said(stamp=bytes(8)),
        said(seconds=0, fraction=0),
    ):
        assert refused(data), data.hex()


def test_any_bytes_are_an_answer_or_are_refused():
    for seed in range(200):
        numbers = Numbers(seed)
        data = bytearray(said())
        for _ in range(1 + numbers.below(6)):
            data[numbers.below(48)] = numbers.below(256)
        refused(bytes(data[: numbers.below(50)]))
        refused(bytes(data))


class Wlan:
    """`network.WLAN` of the port: joins after a while, refuses to join twice, and has no address before."""

    def __init__(self, password):
        self.password = password
        self.calls = []
        self.present = True
        self.failing = False
        self._wanted = False

    def active(self, value):
        self.calls.append("active")

    def isconnected(self):
        return self._wanted and self.present

    def ifconfig(self):
        return ("192.0.2.7" if self.isconnected() else "0.0.0.0", "255.255.255.0", "192.0.2.1", "192.0.2.1")

    def connect(self, name, password):
        self.calls.append("connect")
        if self.failing or self._wanted:
            raise OSError("Wifi Internal Error")
        self._wanted = password == self.password

    def disconnect(self):
        self.calls.append("disconnect")
        self._wanted = False


def kept(wlan, script):
    """Run `script` beside a network that is kept up."""

    async def work():
        clock = SimClock()
        network = WifiNetwork(wlan, clock)
        task = asyncio.create_task(network.keep("home", "secret"))
        await script(network, clock)
        task.cancel()
        await clock.settle()

    asyncio.run(work())


def test_wifi_joins_says_its_address_and_joins_again_when_it_was_lost():
    wlan = Wlan("secret")

    async def script(network, clock):
        path = network.paths()[0]
        assert (path.name, path.kind, path.up, path.address, path.routed) == (
            "wlan0",
            "wifi",
            False,
            None,
            False,
        )
        await clock.advance(1)
        path = network.paths()[0]
        assert (path.up, path.address, path.routed) == (True, "192.0.2.7", True)
        wlan.present = False
        await clock.advance(60_000)
        assert not network.paths()[0].up
        wlan.present = True
        await clock.advance(TRY_MS)
        assert network.paths()[0].up

    kept(wlan, script)


def test_an_attempt_to_join_has_its_time_and_a_driver_that_refuses_is_asked_again():
    wlan = Wlan("another")

    async def script(network, clock):
        await clock.advance(10 * TRY_MS)
        assert 8 <= network.joined <= 10
        wlan.failing, wlan.password = True, "secret"
        await clock.advance(3 * TRY_MS)
        assert not network.paths()[0].up
        wlan.failing = False
        await clock.advance(TRY_MS + 2 * LOOK_MS)
        assert network.paths()[0].up

    kept(wlan, script)


def test_the_watchdog_starts_with_its_first_feeding():
    made = []

    class Wdt:
        def __init__(self, timeout):
            self.timeout, self.fed = timeout, 0
            made.append(self)

        def feed(self):
            self.fed += 1

    watchdog = BoardWatchdog(Wdt, 60_000)
    assert made == []
    watchdog.feed()
    watchdog.feed()
    assert len(made) == 1 and (made[0].timeout, made[0].fed) == (60_000, 2)


def test_a_start_is_confirmed_or_says_why_not():
    class Partition:
        error = None
        marked = 0

        @classmethod
        def mark_app_valid_cancel_rollback(cls):
            if cls.error is not None:
                raise cls.error
            cls.marked += 1

    assert confirm(Partition) and Partition.marked == 1
    Partition.error = OSError(-261)
    assert not confirm(Partition)
    Partition.error = OSError(0x1503)
    try:
        confirm(Partition)
    except OSError:
        return
    raise AssertionError("a start that was not confirmed passed for one that was")
