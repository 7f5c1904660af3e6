"""A board serves a phone: what it may before its link is encrypted, and what else is under way at that moment."""

from hal.errors import LinkLostError, UnavailableError
from hal.esp32.ble_events import GUEST_WROTE
from hal.esp32.ble_guests import Guests
from hal.esp32.ble_packets import LARGEST, advertising, fields, naming, uuid_bytes, uuid_text
from hal.esp32.ble_radio import MOST_OF_ONE
from hal.esp32.gatt_server import LARGEST as MOST_VALUE
from hal.esp32.gatt_server import STRANGER_MS, BoardGattServer
from hal.sim.ble_link import SimUuid
from hal.sim.ble_server import SimPhone
from hal.types import BOND_WEAK, Served
from tests.esp32.ble_bench import OXIMETER, SMOKE, VALUE, held, raised, run

SERVICE = "00467768-6228-2272-4663-277478268000"
STATE, COMMAND = SERVICE[:-1] + "1", SERVICE[:-1] + "3"
ON_AIR = {"4677": bytes(6)}


def table():
    return [Served(STATE, b"one", reads=True, notifies=True), Served(COMMAND, writes=True)]


async def served(bench, make=BoardGattServer):
    """A board that serves, and a phone that is connected and has paired."""
    server = make(bench.radio, SimUuid)
    await bench.expire(server.serve(SERVICE, table(), "Trygg gw-1"))
    await server.advertise(ON_AIR)
    phone = SimPhone(bench.stack.server)
    phone.connect()
    await bench.settle()
    phone.pair()
    await bench.settle()
    return server, phone


def heard(bench):
    found = bench.stack.server.service_data()
    return None if found is None else {uuid_text(uuid): value for uuid, value in found.items()}


def test_a_phone_is_paired_without_a_bond_and_forgotten():
    async def scene(bench):
        server, phone = await served(bench)
        assert phone.read(uuid_bytes(STATE)) == b"one" and phone.bonded == 0
        assert bench.bonds.levels() == {} and "bonds" not in bench.chip
        await server.stop()
        assert phone.handle is None and heard(bench) is None
        assert bench.chip == {} and bench.stack.broken == ""

    run(scene)


def test_a_long_command_comes_whole_and_a_value_after_it():
    async def scene(bench):
        server, phone = await served(bench)
        for piece in (b"x" * 200, b"", b"y"):
            phone.write(uuid_bytes(COMMAND), piece)
        for piece, fresh in ((b"x" * 200, True), (b"", False), (b"y", False)):
            written = await server.receive()
            assert (written.uuid, written.value, written.fresh) == (COMMAND, piece, fresh)

    run(scene)


def test_nothing_is_told_before_the_link_is_encrypted_and_a_short_key_is_hung_up_on():
    async def scene(bench):
        server, phone = await served(bench)
        phone.leave()
        await bench.settle()
        phone.connect()
        phone.subscribe(uuid_bytes(STATE))
        await bench.settle()
        await server.put(STATE, b"two")
        assert phone.told == []
        phone.pair(key_size=7)
        await bench.settle()
        assert phone.handle is None and heard(bench) == ON_AIR

    run(scene)


def test_one_phone_at_a_time_and_the_next_is_heard_when_it_has_gone():
    async def scene(bench):
        server, phone = await served(bench)
        assert heard(bench) is None
        await server.advertise({"4677": b"\x03\x07\0\0\0\0"})
        assert heard(bench) is None, "not while somebody is there"
        phone.leave()
        await bench.settle()
        assert heard(bench) == {"4677": b"\x03\x07\0\0\0\0"}

    run(scene)


def test_the_home_is_heard_while_a_phone_is_there():
    async def scene(bench):
        await bench.expire(bench.scanner.start())
        _, phone = await served(bench)
        bench.world.advertise(SMOKE, {"fcd2": b"\x44\x29\x01"})
        await bench.settle()
        assert phone.is_encrypted and await held(bench.scanner) == [b"\x44\x29\x01"]

    run(scene)


def test_a_connection_to_a_device_is_begun_anew_when_a_service_is_taken():
    async def scene(bench):
        bench.place(OXIMETER)
        connection = await bench.expire(bench.central.connect(OXIMETER))
        await served(bench)
        await raised(LinkLostError, connection.read(VALUE))
        again = await bench.expire(bench.central.connect(OXIMETER))
        assert again.characteristics() == [VALUE, "2a9f"]

    run(scene)


def test_a_phone_that_comes_in_the_midst_of_a_pairing_is_hung_up_on():
    async def scene(bench):
        server, phone = await served(bench)
        phone.leave()
        await bench.settle()
        async with bench.radio.pairing:
            phone.connect()
            await bench.settle()
            assert phone.handle is None or phone.handle not in bench.stack.server.phones
        assert heard(bench) == ON_AIR
        phone.connect()
        await bench.settle()
        assert phone.handle in bench.stack.server.phones
        assert server is bench.radio.host

    run(scene)


def test_a_device_that_is_paired_afterwards_has_its_bond():
    async def scene(bench):
        server, _ = await served(bench)
        await server.stop()
        bench.place(OXIMETER, secure=True)
        await bench.expire(bench.central.connect(OXIMETER, pair=True))
        assert bench.bonds.levels() == {OXIMETER: BOND_WEAK}

    run(scene)


class Sharing(Guests):
    """The control: what a guest writes counts as the home's, as a board did before."""

    radio = None

    def wrote(self, guest, handle, events):
        if len(events) < MOST_OF_ONE:
            events.append((GUEST_WROTE, (guest, handle, bytes(self._ble.gatts_read(handle)))))
        else:
            self.radio._is_full = True

    def took(self, value):
        pass


async def flooded(bench, make=None):
    """A connected oximeter, and a phone that writes while the loop stands still; the bytes that are held of it."""
    bench.place(OXIMETER)
    server, phone = await served(bench)
    if make is not None:
        bench.radio.guests = make(bench.stack, bench.clock)
        bench.radio.guests.radio = bench.radio
    connection = await bench.expire(bench.central.connect(OXIMETER))
    for _ in range(2 * MOST_OF_ONE):
        phone.write(uuid_bytes(COMMAND), 600 * b"x")
    size = sum([len(data[2]) for event, data in bench.radio._events if event == GUEST_WROTE])
    await bench.settle()
    return server, phone, connection, size


def test_a_phone_that_writes_more_than_there_is_room_for_goes_and_no_connection_of_the_home_does():
    async def scene(bench):
        server, phone, connection, size = await flooded(bench)
        assert size == 3 * MOST_VALUE and phone.handle is None
        assert await connection.read(VALUE) == b"" and bench.radio.short == 0
        for _ in range(3):
            assert (await server.receive()).value == MOST_VALUE * b"x"
        assert bench.radio.host is server and heard(bench) == ON_AIR
        phone.connect()
        await bench.settle()
        phone.pair()
        for _ in range(3):  # the room is there again
            phone.write(uuid_bytes(COMMAND), b"again")
        await bench.settle()
        assert (await server.receive()).fresh and phone.handle is not None

    run(scene)


def test_a_command_in_the_smallest_packets_finds_room_while_the_loop_stands_still():
    async def scene(bench):
        server, phone = await served(bench)
        for _ in range(13):
            phone.write(uuid_bytes(COMMAND), 20 * b"x")
        await bench.settle()
        assert phone.handle is not None and len(server._writes) == 13

    run(scene)


def test_what_a_phone_writes_without_memory_for_it_costs_the_home_nothing():
    async def scene(bench):
        bench.place(OXIMETER)
        _, phone = await served(bench)
        connection = await bench.expire(bench.central.connect(OXIMETER))
        read, bench.radio.guests._ble = bench.radio.guests._ble, Empty()
        phone.write(uuid_bytes(COMMAND), b"x")
        bench.radio.guests._ble = read
        await bench.settle()
        assert phone.handle is None and await connection.read(VALUE) == b""

    run(scene)


class Empty:
    """A stack whose values find no memory."""

    def gatts_read(self, handle):
        raise MemoryError


def test_control_a_phone_that_shares_the_homes_room_takes_its_connections():
    async def scene(bench):
        _, _, connection, size = await flooded(bench, Sharing)
        assert size == MOST_OF_ONE * MOST_VALUE
        assert "memory" in (await raised(LinkLostError, connection.read(VALUE))).detail

    run(scene)


def test_a_phone_that_does_not_encrypt_its_link_is_hung_up_on_and_one_that_has_stays():
    async def scene(bench):
        _, phone = await served(bench)
        await bench.expire(bench.clock.sleep_ms(STRANGER_MS + 1_000))
        assert phone.handle is not None
        phone.leave()
        await bench.settle()
        phone.connect()
        await bench.settle()
        await bench.expire(bench.clock.sleep_ms(STRANGER_MS - 1_000))
        assert phone.handle is not None and heard(bench) is None
        await bench.expire(bench.clock.sleep_ms(2_000))
        assert phone.handle is None and heard(bench) == ON_AIR

    run(scene)


def test_a_service_that_is_served_again_or_is_refused_again_ends_no_connection():
    async def scene(bench):
        bench.place(OXIMETER)
        server, _ = await served(bench)
        connection = await bench.expire(bench.central.connect(OXIMETER))
        await bench.expire(server.serve(SERVICE, table(), "Trygg gw-1"))
        await server.advertise(ON_AIR)
        assert await connection.read(VALUE) == b"" and heard(bench) == ON_AIR
        await server.stop()
        bench.radio.guests.forget()  # a stack that refuses the table
        bench.stack.gatts_register_services = refusing
        server = BoardGattServer(bench.radio, SimUuid)
        await raised(UnavailableError, bench.expire(server.serve(SERVICE, table(), "x")))
        connection = await bench.expire(bench.central.connect(OXIMETER))
        for _ in range(100):
            await bench.expire(bench.clock.sleep_ms(5_000))
            await raised(UnavailableError, bench.expire(server.serve(SERVICE, table(), "x")))
        assert await connection.read(VALUE) == b""

    run(scene)


def refusing(services):
    raise OSError(12)


def test_without_a_radio_it_says_so():
    async def scene(bench):
        bench.world.lose_adapter()
        server = BoardGattServer(bench.radio, SimUuid)
        assert "adapter" in str(await raised(UnavailableError, server.serve(SERVICE, table(), "x")))

    run(scene)


def test_control_a_service_that_tells_whoever_has_subscribed_is_seen_to():
    class Open(BoardGattServer):
        def taken(self, event, data):
            super().taken(event, data)
            self._is_encrypted = True

    async def scene(bench):
        server, phone = await served(bench, Open)
        phone.leave()
        await bench.settle()
        phone.connect()
        phone.subscribe(uuid_bytes(STATE))
        await bench.settle()
        await server.put(STATE, b"two")
        assert phone.told == [(uuid_bytes(STATE), b"two")]

    run(scene)


def test_an_advertisement_of_improv_fills_the_packet_and_one_byte_more_does_not_fit():
    packet = advertising(SERVICE, ON_AIR)
    assert len(packet) == LARGEST and [sort for sort, _ in fields(packet)] == [1, 7, 0x16]
    told = ""
    try:
        advertising(SERVICE, {"4677": bytes(7)})
    except ValueError as error:
        told = str(error)
    assert "31 bytes" in told
    assert fields(naming("Trygg gw-1")) == [(9, b"Trygg gw-1")]
    cut = fields(naming("æ" * 40))[0][1]
    assert cut == ("æ" * 14).encode()
