"""Improv as a service: who may do what and when, over a cable and over the air, and what nobody gets to see. Both interpreters."""

from gateway.core import improv
from gateway.core.improv import Message, Packet
from gateway.hub.improv import AUTHORISED_MS, CLOSED, WINDOW_MS, Improv, strings_of, together
from hal.errors import DeniedError
from hal.types import WifiSeen
from tests.hub.improv_room import INFO, PASSWORD, SSID, WRONG, Room, live

GOOD = improv.wifi_data(SSID, PASSWORD)


def results(packets: "list[Packet]") -> "list[list[str]]":
    """Strings of each result, in order."""
    found = [improv.decode_message(each.data) for each in packets if each.sort == improv.SORT_RESULT]
    return [improv.decode_strings(message.data) for message in found]


def states(packets: "list[Packet]") -> "list[int]":
    """States that were told."""
    return [each.data[0] for each in packets if each.sort == improv.SORT_STATE]


def errors(packets: "list[Packet]") -> "list[int]":
    """Errors that were told."""
    return [each.data[0] for each in packets if each.sort == improv.SORT_ERROR]


# --- when -----------------------------------------------------------------------------------------------------------


def test_without_a_window_nothing_is_done_and_the_button_opens_none() -> None:
    async def scene(room: Room) -> None:
        assert not room.service.press()
        for command in (improv.WIFI, improv.INFO, improv.SCAN, improv.IDENTIFY):
            assert await room.service.ask(Message(command, GOOD if command == improv.WIFI else b"")) is None
            assert room.service.error == improv.NOT_AUTHORISED
        assert room.wifi.tries == 0 and room.shown == 0

    live(scene)


def test_in_the_window_wifi_is_taken_only_for_a_minute_after_the_button() -> None:
    async def scene(room: Room) -> None:
        await room.opened(pressed=False)
        service = room.service
        assert service.state == improv.UNAUTHORISED
        assert (
            await service.ask(Message(improv.WIFI, GOOD)) is None and service.error == improv.NOT_AUTHORISED
        )
        assert await service.ask(Message(improv.SCAN, b"")) is None and service.error == improv.NOT_AUTHORISED
        assert await service.ask(Message(improv.INFO, b"")) == [INFO] and service.error == improv.NO_ERROR
        assert await service.ask(Message(improv.IDENTIFY, b"")) == [] and room.shown == 1
        assert service.press() and service.state == improv.AUTHORISED
        await room.clock.advance(AUTHORISED_MS - 1)
        assert service.state == improv.AUTHORISED
        await room.clock.advance(1)
        assert service.state == improv.UNAUTHORISED
        assert await service.ask(Message(improv.WIFI, GOOD)) is None and room.wifi.tries == 0
        service.press()
        await room.clock.advance(AUTHORISED_MS // 2)
        service.press()  # again: the minute begins anew
        await room.clock.advance(AUTHORISED_MS - 1)
        assert service.state == improv.AUTHORISED

    live(scene)


class Endless(Improv):
    """What must be caught: once authorised, always authorised."""

    def look(self) -> None:
        return


def test_control_a_service_whose_authorisation_never_ends_takes_wifi_from_whoever_comes_later() -> None:
    async def scene(room: Room) -> None:
        room.service = Endless(room.wifi, room.clock, list(INFO), room.log, room.identify)
        room.service.open()
        room.service.press()
        room.clock.set_utc(0)
        await room.clock.advance(10 * AUTHORISED_MS)
        assert await room.clock.run(room.service.ask(Message(improv.WIFI, GOOD))) == []
        assert room.wifi.joined == SSID

    live(scene)


def test_the_window_ends_by_itself_however_often_the_button_is_pressed() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        for _ in range(WINDOW_MS // 30_000):
            await room.clock.advance(30_000)
            room.service.press()
        assert room.service.state == CLOSED
        assert await room.service.ask(Message(improv.WIFI, GOOD)) is None
        assert room.tasks[0].done()

    live(scene)


def test_a_network_that_let_us_in_ends_the_window_soon() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        assert await room.clock.run(room.service.ask(Message(improv.WIFI, GOOD))) == []
        assert (
            room.service.state == improv.PROVISIONED
            and room.wifi.joined == SSID
            and room.service.finished == 1
        )
        assert not room.service.press(), "who comes now comes too late"
        assert await room.service.ask(Message(improv.WIFI, GOOD)) is None
        await room.clock.advance(15_000)
        assert room.service.state == CLOSED

    live(scene)


def test_a_password_that_is_not_taken_may_be_typed_again_and_is_in_no_log() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        data = improv.wifi_data(SSID, WRONG)
        for number in range(3):
            assert await room.clock.run(room.service.ask(Message(improv.WIFI, data))) is None
            assert room.service.error == improv.NO_CONNECTION and room.service.state == improv.AUTHORISED, (
                number
            )
        room.wifi.muted.append("Gjest")
        await room.clock.run(room.service.ask(Message(improv.WIFI, improv.wifi_data("Gjest", ""))))
        assert room.service.error == improv.NO_CONNECTION
        assert await room.clock.run(room.service.ask(Message(improv.WIFI, GOOD))) == []
        said = " ".join(room.logged)
        assert "type it again" in said
        for secret in (SSID, PASSWORD, WRONG, "Gjest"):
            assert secret not in said

    live(scene)


def test_a_window_that_is_closed_while_a_network_is_joined_stays_closed() -> None:
    async def scene(room: Room) -> None:
        for data in (GOOD, improv.wifi_data(SSID, WRONG)):
            await room.opened()
            task = room.begin(room.service.ask(Message(improv.WIFI, data)))  # type: ignore[arg-type]
            await room.clock.advance(100)
            assert room.service.state == improv.PROVISIONING
            room.service.close()
            await room.clock.advance(10_000)
            assert task.done() and room.service.state == CLOSED

    live(scene)


def test_bytes_that_are_no_command_are_an_error_and_nothing_more() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        for message, error in (
            (Message(improv.WIFI, b""), improv.INVALID),
            (Message(improv.WIFI, b"\x05abc"), improv.INVALID),
            (Message(improv.SCAN, b"x"), improv.INVALID),
            (Message(improv.HOSTNAME, b""), improv.UNKNOWN_COMMAND),
            (Message(99, b"abc"), improv.UNKNOWN_COMMAND),
        ):
            assert await room.service.ask(message) is None
            assert room.service.error == error and room.service.state == improv.AUTHORISED
        room.wifi.there = False
        assert (
            await room.service.ask(Message(improv.SCAN, b"")) is None and room.service.error == improv.UNKNOWN
        )
        assert await room.service.ask(Message(improv.WIFI, GOOD)) is None
        assert room.service.error == improv.NO_CONNECTION

    live(scene)


# --- over a cable -----------------------------------------------------------------------------------------------------


def test_a_technician_at_the_cable_asks_scans_and_gives_the_gateway_its_network() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        await room.wired()
        assert states(await room.heard()) == []
        assert states(await room.say(improv.CURRENT_STATE, before=b"trygg login: ")) == [improv.AUTHORISED]
        assert results(await room.say(improv.INFO)) == [INFO]
        found = results(await room.say(improv.SCAN))
        assert found == [[SSID, "-50", "YES"], ["Gjest", "-60", "NO"], ["Naboens", "-80", "YES"], []]
        answered = await room.say(improv.WIFI, GOOD)
        assert states(answered) == [improv.PROVISIONING, improv.PROVISIONED] and results(answered) == [[]]
        assert errors(answered) == [] and room.wifi.joined == SSID
        again = await room.say(improv.CURRENT_STATE)
        assert states(again) == [improv.PROVISIONED] and results(again) == [[]]

    live(scene)


def test_each_command_at_the_cable_has_its_answer_the_same_error_twice_too() -> None:
    async def scene(room: Room) -> None:
        await room.opened(pressed=False)
        await room.wired()
        await room.heard()
        for _ in range(2):
            assert errors(await room.say(improv.WIFI, GOOD)) == [improv.NOT_AUTHORISED]
        broken = improv.encode_packet(improv.SORT_COMMAND, b"\x01\x09abc")
        room.far.send(broken)
        assert errors(await room.heard()) == [improv.INVALID]
        assert errors(await room.say(improv.INFO)) == [improv.NO_ERROR]
        room.far.send(improv.encode_packet(improv.SORT_STATE, b"\x02"))  # an echo of a device: nothing
        assert await room.heard() == []
        room.far.send(
            improv.HEADER + bytes([1, 3, 200]) + b"\n"
        )  # seems to begin a packet, and never goes on
        assert results(await room.say(improv.INFO)) == [INFO]

    live(scene)


def test_a_cable_that_is_pulled_ends_the_line_and_not_the_window() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        await room.wired()
        room.far.pull()
        await room.clock.advance(1_000)
        assert "line ended: LinkLostError" in room.logged
        assert room.service.state == improv.AUTHORISED and room.service.on_change == []

    live(scene)


# --- over the air -----------------------------------------------------------------------------------------------------


def test_a_phone_gives_the_gateway_its_network_in_pieces_of_any_size() -> None:
    async def scene(room: Room) -> None:
        await room.opened(pressed=False)
        await room.on_air()
        assert room.phone.service == improv.SERVICE
        assert room.phone.on_air == {improv.SERVICE_DATA: bytes([1, 7, 0, 0, 0, 0])}
        assert room.phone.read(improv.STATE) == bytes([improv.UNAUTHORISED])
        assert room.phone.read(improv.CAPABILITIES) == b"\x07"
        assert (improv.ERROR, bytes([improv.NOT_AUTHORISED])) in await room.write(improv.WIFI, GOOD)
        room.service.press()
        await room.clock.settle()
        assert room.phone.on_air == {improv.SERVICE_DATA: bytes([2, 7, 0, 0, 0, 0])}
        told = await room.write(improv.SCAN, size=1)
        found = [improv.unseal(value) for uuid, value in told if uuid == improv.RESULT]
        assert [improv.decode_strings(each.data) for each in found] == [
            [SSID, "-50", "YES", "Gjest", "-60", "NO", "Naboens", "-80", "YES"]
        ]
        told = await room.write(improv.WIFI, GOOD, size=7)
        assert [value[0] for uuid, value in told if uuid == improv.STATE] == [3, 4]
        assert (improv.RESULT, bytes.fromhex("010001")) in told and room.wifi.joined == SSID
        await room.clock.advance(15_000)
        assert [room.phone.service, room.phone.on_air] == ["", None], "nothing is left running"
        assert room.tasks[1].done() and not any("air ended" in line for line in room.logged)

    live(scene)


def test_a_link_that_is_not_encrypted_reads_and_writes_nothing() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        await room.on_air()
        room.phone.connect(encrypted=False)
        refused = 0
        try:
            room.phone.read(improv.STATE)
        except DeniedError:
            refused += 1
        try:
            room.phone.write(improv.COMMAND, GOOD)
        except DeniedError:
            refused += 1
        assert refused == 2 and room.wifi.tries == 0

    live(scene)


def test_what_one_client_left_half_said_is_not_finished_by_the_next() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        await room.on_air()
        whole = improv.seal(improv.encode_message(improv.WIFI, GOOD))
        room.phone.write(improv.COMMAND, whole[:10])
        room.phone.connect()
        told = await room.write(improv.INFO)
        assert [
            improv.decode_strings(improv.unseal(value).data) for uuid, value in told if uuid == improv.RESULT
        ] == [INFO]
        room.phone.write(
            improv.COMMAND, whole[10:]
        )  # begins with bytes that are no command: nothing comes of it
        await room.clock.advance(1_000)
        assert room.wifi.tries == 0

    live(scene)


def test_a_broken_checksum_is_told_and_the_next_command_is_done() -> None:
    async def scene(room: Room) -> None:
        await room.opened()
        await room.on_air()
        room.phone.write(improv.COMMAND, b"\x03\x00\x04")
        await room.clock.advance(100)
        assert room.phone.read(improv.ERROR) == bytes([improv.INVALID])
        told = await room.write(improv.INFO)
        assert (improv.ERROR, bytes([improv.NO_ERROR])) in told

    live(scene)


def test_as_many_networks_are_told_in_one_answer_as_fit() -> None:
    seen = [strings_of(WifiSeen("x" * 30 + str(number), -number - 30, True)) for number in range(10, 30)]
    fitting = together(seen)
    assert fitting == [text for row in seen[:6] for text in row]
    assert improv.encode_strings(fitting) and together([]) == []
