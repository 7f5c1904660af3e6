"""A question over UDP: the look-up of a name, which holds up everything, is made as seldom as may be."""

import asyncio

from hal.errors import HalError, TimedOutError, UnavailableError
from hal.esp32.udp import FAILURES, Udp
from hal.sim.clock import SimClock

OLD, NEW = ("192.0.2.1", 123), ("192.0.2.2", 123)


class Line:
    """A socket towards the address that it is connected to."""

    def __init__(self, net):
        self.net = net
        self.said = []

    def setblocking(self, value):
        assert not value, "who waits in a socket holds up the loop"

    def connect(self, address):
        self.address = address

    def send(self, data):
        if self.net.is_down:
            raise OSError(101)
        if self.address in self.net.alive:
            self.said.append(b"answer to " + data)

    def recv(self, size):
        if not self.said:
            raise OSError(11)
        return self.said.pop()

    def close(self):
        self.net.closed += 1


class Net:
    """`socket`, with a name server and servers. `names`: the address of each; `alive`: addresses that answer."""

    AF_INET, SOCK_DGRAM = 2, 2

    def __init__(self):
        self.names = {"a": OLD, "b": OLD}
        self.alive = [OLD, NEW]
        self.is_down = False
        self.looked_up = []
        self.lines = self.closed = 0

    def getaddrinfo(self, host, port):
        self.looked_up.append((host, port))
        if self.is_down:
            raise OSError(-2)
        return [(2, 2, 0, "", self.names[host])]

    def socket(self, family, kind):
        self.lines += 1
        return Line(self)


def asking(script, make=Udp):
    async def life():
        clock, net = SimClock(), Net()
        udp = make(clock, net)

        async def ask(server="a"):
            """The answer, or the class of the error."""
            asked = asyncio.create_task(udp.exchange(server, b"?"))
            while not asked.done():
                await clock.advance(100)
            try:
                return await asked
            except HalError as error:
                return type(error)

        await script(ask, net)
        assert net.lines == net.closed

    asyncio.run(life())


def test_a_name_is_looked_up_once_and_its_port_may_stand_with_it():
    async def script(ask, net):
        for server in ("a", "a", "b:1123", "a", "b:1123"):
            assert await ask(server) == b"answer to ?"
        assert net.looked_up == [("a", 123), ("b", 1123)]

    asking(script)


async def outage(ask, net):
    """Look-ups that were made in twelve questions without a way out."""
    assert await ask() == b"answer to ?"
    net.is_down = True
    for _ in range(12):
        assert await ask() is UnavailableError
    looked_up = len(net.looked_up) - 1
    net.is_down = False
    assert await ask() == b"answer to ?"
    return looked_up


def test_while_there_is_no_way_out_few_questions_look_up_a_name():
    async def script(ask, net):
        assert await outage(ask, net) == 12 // FAILURES - 1

    asking(script)


def test_control_one_that_forgets_looks_it_up_with_every_question():
    class Forgetful(Udp):
        def _address(self, server):
            self._known.pop(server, None)
            return super()._address(server)

    async def script(ask, net):
        assert await outage(ask, net) == 12

    asking(script, Forgetful)


def test_a_server_that_has_moved_is_found_again():
    async def script(ask, net):
        await ask()
        net.names["a"], net.alive = NEW, [NEW]
        for _ in range(FAILURES):
            assert await ask() is TimedOutError
        assert await ask() == b"answer to ?"
        assert len(net.looked_up) == 2

    asking(script)


def test_a_name_that_leads_nowhere_is_an_error_that_says_what_to_do():
    async def script(ask, net):
        net.is_down = True
        assert await ask() is UnavailableError
        net.is_down = False
        assert await ask() == b"answer to ?"

    asking(script)
