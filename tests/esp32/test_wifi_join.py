"""Another network for a board: tried beside the one before, which comes back; kept only where it let us in."""

import asyncio

from hal.errors import DeniedError, HalError, TimedOutError, UnavailableError
from hal.esp32.wifi import LOOK_MS, TRY_MS, WifiNetwork
from hal.esp32.wifi_join import FOR_EVER, BoardWifi, refusal
from hal.sim.clock import SimClock
from hal.sim.wlan import SimWlan

HOME, OTHER, SECRET = "Stua", "Naboens", "hemmelig-1234"


class Bench:
    """A board that is in its network, another one in reach, and what is kept for the next start."""

    def __init__(self, network=WifiNetwork):
        self.clock = SimClock()
        self.wlan = SimWlan()
        self.wlan.add(HOME, SECRET, -60)
        self.wlan.add(OTHER, "annet-passord", -70)
        self.network = network(self.wlan, self.clock)
        self.kept = []
        self.is_broken = False
        self.wifi = BoardWifi(self.network, self.keep)

    def keep(self, name, password):
        if self.is_broken:
            raise OSError(28)
        self.kept.append((name, password))

    async def join(self, name, password):
        """What came of it: an error, or nothing."""
        try:
            await self.clock.run(self.wifi.join(name, password))
        except HalError as error:
            return error
        return None


def run(scene, network=WifiNetwork):
    async def life():
        bench = Bench(network)
        keeping = asyncio.create_task(bench.network.keep(HOME, SECRET))
        await bench.clock.advance(4 * LOOK_MS)
        try:
            await scene(bench)
        finally:
            keeping.cancel()
            await bench.clock.settle()

    asyncio.run(life())


def test_a_network_that_lets_us_in_is_the_one_for_every_start():
    async def scene(bench):
        assert bench.wlan.joined == HOME
        assert await bench.join(OTHER, "annet-passord") is None
        assert (bench.wlan.joined, bench.kept) == (OTHER, [(OTHER, "annet-passord")])
        assert bench.wlan.reconnects == FOR_EVER
        bench.wlan.disconnect()
        await bench.clock.advance(TRY_MS + 4 * LOOK_MS)
        assert bench.wlan.joined == OTHER, "it is joined again where it was lost"

    run(scene)


def test_what_fails_is_not_kept_and_the_one_before_comes_back():
    async def scene(bench):
        bench.wlan.muted.append("Stum")
        tries = (
            (OTHER, "feil-passord", DeniedError),
            (OTHER, "kort", DeniedError),
            ("Finnes ikke", SECRET, UnavailableError),
            ("x" * 33, SECRET, UnavailableError),
            ("Stum", SECRET, TimedOutError),
        )
        for name, password, sort in tries:
            error = await bench.join(name, password)
            assert isinstance(error, sort), name
            assert name not in str(error) + error.detail and password not in str(error) + error.detail
            await bench.clock.advance(4 * LOOK_MS)
            assert bench.wlan.joined == HOME and bench.kept == [], name
            assert bench.wlan.reconnects == FOR_EVER

    run(scene)


def test_a_network_that_the_flash_does_not_take_is_left_again():
    async def scene(bench):
        bench.is_broken = True
        assert "could not be kept" in str(await bench.join(OTHER, "annet-passord"))
        await bench.clock.advance(4 * LOOK_MS)
        assert bench.wlan.joined == HOME

    run(scene)


def test_nothing_else_is_joined_while_one_is_tried():
    async def scene(bench):
        bench.wlan.muted.append("Stum")
        before = bench.network.joined
        error = await bench.join("Stum", SECRET)
        assert isinstance(error, TimedOutError) and bench.network.joined <= before + 1

    run(scene)


def test_control_a_network_that_is_not_lent_breaks_in_on_the_one_that_is_tried():
    class Greedy(WifiNetwork):
        @property
        def is_lent(self):
            return False

        @is_lent.setter
        def is_lent(self, value):
            pass

    async def scene(bench):
        bench.wlan.muted.append("Stum")
        await bench.join("Stum", SECRET)
        assert bench.wlan.joined == HOME and bench.kept == [("Stum", SECRET)], (
            "kept, though another one let us in"
        )

    run(scene, Greedy)


def test_a_board_without_a_network_waits_until_one_is_given():
    async def scene():
        bench = Bench()
        keeping = asyncio.create_task(bench.network.keep())
        await bench.clock.advance(3 * TRY_MS)
        assert bench.network.joined == 0 and not bench.network.paths()[0].up
        assert await bench.join(HOME, SECRET) is None
        bench.wlan.disconnect()
        await bench.clock.advance(TRY_MS + 4 * LOOK_MS)
        assert bench.wlan.joined == HOME
        keeping.cancel()
        await bench.clock.settle()

    asyncio.run(scene())


def test_a_search_gives_each_name_once_and_leaves_out_what_has_none():
    async def scene(bench):
        seen = await bench.wifi.scan()
        assert [(each.ssid, each.rssi_dbm, each.protected) for each in seen] == [
            (HOME, -60, True),
            (OTHER, -70, True),
        ]

    run(scene)


def test_numbers_of_the_driver_become_words():
    assert isinstance(refusal(15), DeniedError) and isinstance(refusal(202), DeniedError)
    assert "no such network" in str(refusal(201)) and "no such network" in str(refusal(211))
    assert "did not let us in" in str(refusal(8)) and refusal(8).detail == "8"
