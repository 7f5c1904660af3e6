"""EnOcean: packets, telegrams, profiles, trust, and the transceiver's own talk."""

from gateway.core.crc import crc8
from gateway.core.devices.driver import MALFORMED, UNAUTHENTICATED_FRAME, Context
from gateway.core.devices.enocean import WELL_AFTER_MS, Enocean
from gateway.core.devices.enocean_profiles import PROFILES
from gateway.core.devices.enocean_telegram import Telegram, decode_telegram, is_teach_in, profile_of
from gateway.core.devices.enocean_transceiver import AGAIN_MS, LOOK_MS, TRIES, Transceiver
from gateway.core.errors import DecodeError
from gateway.core.framing import esp3
from gateway.core.model import UNAUTHENTICATED, Decimal
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from tests.core.vectors import refusal
from tools.simulators import enocean_air as air

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Observation

SENDER = "01:82:5D:AB"
AUTHENTICATED = 4


def heard(said: "tuple[int, bytes]", level: int = 0) -> Telegram:
    """A telegram as the transceiver hands it out."""
    return decode_telegram(esp3.decode(air.telegram(SENDER, said, level)))


class Sensor:
    """A driver, what it told, and its stored state."""

    def __init__(self, profile: str, **options: object) -> None:
        self.options: "dict[str, object]" = dict(options)
        self.options["profile"] = profile
        self.state: "dict[str, bytes]" = {}
        self.told: "list[Observation]" = []
        self.restart()

    def restart(self) -> None:
        crypto = SimCrypto(SimKeyStore(b"k" * 32))
        self.driver = Enocean(Context(SENDER, self.options, crypto, self.state.get))

    def hear(self, said: "tuple[int, bytes]", now_ms: int = 0, level: int = 0) -> "list[str]":
        """Kinds of what one telegram tells."""
        self.reading = self.driver.heard(heard(said, level), now_ms)
        for key, item in self.reading.state.items():
            assert item is not None
            self.state[key] = item
        self.told += self.reading.observations
        return [observation.kind for observation in self.reading.observations]


# --- packets --------------------------------------------------------------------------------------------------------


def test_the_crc_is_that_of_the_catalogue() -> None:
    assert crc8(b"123456789") == 0xF4
    assert [crc8(bytes.fromhex(text)) for text in ("00", "0001", "020407", "00010005")] == [0, 7, 0x97, 0x70]


def test_a_packet_goes_and_comes_back_and_any_damage_is_refused() -> None:
    whole = air.telegram(SENDER, air.contact(True))
    packet = esp3.decode(whole)
    assert (packet.type, packet.data.hex(), packet.optional.hex()) == (1, "d50901825dab00", "01ffffffff3e00")
    assert esp3.encode(packet) == whole
    for at in range(len(whole)):
        for bit in range(8):
            damaged = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
            assert isinstance(refusal(esp3.decode, damaged), DecodeError)
    for size in range(len(whole)):
        assert isinstance(refusal(esp3.decode, whole[:size]), DecodeError)
    assert refusal(esp3.decode, whole + b"\x00").reason == "1 bytes behind the packet"


def test_a_telegram_says_who_sent_it_and_how_strong_it_was() -> None:
    telegram = heard(air.contact(False), AUTHENTICATED)
    assert (telegram.sender, telegram.rssi_dbm, telegram.level) == (SENDER, -62, 4)
    assert telegram.destination == "FF:FF:FF:FF" and telegram.is_verified
    bare = decode_telegram(esp3.Packet(esp3.RADIO_ERP1, bytes.fromhex("d50901825dab00")))
    assert bare.rssi_dbm is None and not bare.is_verified
    for data in ("", "d5", "d509010203", "d5090901825dab00", "a50901825dab00"):
        assert isinstance(refusal(decode_telegram, esp3.Packet(1, bytes.fromhex(data))), DecodeError), data
    assert isinstance(refusal(decode_telegram, esp3.Packet(4, bytes.fromhex("d50901825dab00"))), DecodeError)


def test_a_teach_in_names_its_profile() -> None:
    assert is_teach_in(heard(air.contact_teach_in())) and not is_teach_in(heard(air.contact(True)))
    assert profile_of(heard(air.contact_teach_in())).name == "D5-00-01"
    named = profile_of(heard(air.four_bs_teach_in(0x30, 0x03, 0x12D)))
    assert (named.name, named.maker) == ("A5-30-03", 0x12D)
    unnamed = heard((air.FOUR_BS, b"\x00\x00\x00\x00"))
    assert is_teach_in(unnamed) and profile_of(unnamed).name == ""
    assert not is_teach_in(heard(air.smoke(air.SMOKE)))
    universal = Telegram(0xD4, bytes.fromhex("80ff61000050d2"), SENDER, 0)
    assert is_teach_in(universal) and profile_of(universal).name == "D2-50-00"
    assert isinstance(refusal(profile_of, Telegram(0xD4, b"\x80", SENDER, 0)), DecodeError)


# --- profiles -------------------------------------------------------------------------------------------------------


def test_a_contact_opens_and_closes_and_repeats_nothing() -> None:
    sensor = Sensor("D5-00-01")
    assert sensor.hear(air.contact(True)) == ["door.closed"]
    assert sensor.hear(air.contact(True), 60_000) == [] and not sensor.reading.triggered
    assert sensor.hear(air.contact(False), 61_000) == ["door.opened"] and sensor.reading.triggered
    sensor.restart()
    assert sensor.hear(air.contact(False), 62_000) == [], "a restart invents nothing"
    assert sensor.hear(air.contact(True), 63_000) == ["door.closed"]


def test_a_handle_has_three_positions_and_its_low_bits_say_nothing() -> None:
    sensor = Sensor("F6-10-00")
    assert sensor.hear(air.handle("closed")) == ["door.closed"]
    assert sensor.hear(air.handle("tilted")) == ["door.opened"]
    assert sensor.told[-1].values == {"part": "window", "state": "tilted"}
    assert sensor.hear(air.handle("open")) == []
    assert sensor.hear((air.RPS, b"\xf7")) == ["door.closed"]
    assert sensor.hear((air.RPS, b"\xc1")) == ["door.opened"] and sensor.told[-1].values == {"part": "window"}
    assert sensor.hear((air.RPS, b"\x10")) == [] and sensor.reading.refused[0] == MALFORMED


def test_smoke_is_told_once_and_its_end_and_its_sign_of_life_is_its_interval() -> None:
    sensor = Sensor("F6-05-02")
    assert sensor.driver.interval_s == 1200 and sensor.driver.safety
    assert sensor.hear(air.smoke(air.NO_SMOKE)) == [], "no smoke was said before"
    assert sensor.hear(air.smoke(air.SMOKE), 1_000) == ["smoke.detected"]
    assert sensor.told[-1].provenance == UNAUTHENTICATED
    for at_ms in range(11_000, 61_000, 10_000):
        assert sensor.hear(air.smoke(air.SMOKE), at_ms) == []
    assert sensor.hear(air.smoke(air.NO_SMOKE), 61_000) == ["smoke.cleared"]
    assert sensor.hear((air.RPS, b"\x20")) == [] and sensor.reading.refused[0] == MALFORMED


def test_low_energy_says_nothing_of_smoke_and_is_over_after_a_day_without_the_word() -> None:
    sensor = Sensor("F6-05-02")
    sensor.hear(air.smoke(air.SMOKE))
    assert sensor.hear(air.smoke(air.LOW), 1_000) == ["battery.low"]
    assert sensor.hear(air.smoke(air.NO_SMOKE), 2_000) == ["smoke.cleared"]
    sensor.restart()
    assert sensor.hear(air.smoke(air.NO_SMOKE), 3_000) == []
    assert sensor.hear(air.smoke(air.LOW), 4_000) == []
    assert sensor.hear(air.smoke(air.NO_SMOKE), WELL_AFTER_MS) == []
    assert sensor.hear(air.smoke(air.NO_SMOKE), 4_000 + WELL_AFTER_MS) == ["battery.restored"]


def test_a_rocker_is_a_button_for_each_side_and_a_release_is_none() -> None:
    sensor = Sensor("F6-02-02")
    assert sensor.hear(air.rocker(2)) == ["button.pressed"]
    assert sensor.told[-1].values == {"part": "button_bi", "press": "press"}
    assert sensor.hear(air.rocker(2), 200) == [], "a repeater's copy"
    assert sensor.hear(air.rocker(-1), 400) == [] and sensor.reading.triggered
    assert sensor.hear(air.rocker(2), 800) == ["button.pressed"]
    assert sensor.hear((air.RPS, bytes([0x10 | 3 << 1 | 1])), 900) == ["button.pressed", "button.pressed"]


def test_a_multisensor_says_what_its_inputs_are_for_and_its_temperature() -> None:
    sensor = Sensor("A5-30-03", di0="moisture", di1="not_smoke", di3="window")
    assert sensor.driver.safety and sensor.driver.interval_s == 0
    assert sensor.hear(air.multisensor(20, 0b0010)) == ["door.closed", "climate.measured"]
    assert sensor.told[-1].values == {"temperature_c": Decimal(1992, -2)}
    assert sensor.hear(air.multisensor(20, 0b0011)) == ["water.detected"]
    assert sensor.hear(air.multisensor(20, 0b0001)) == ["smoke.detected"]
    assert sensor.hear(air.multisensor(20, 0b1110)) == ["water.cleared", "smoke.cleared", "door.opened"]
    assert not Sensor("A5-30-03", di2="door").driver.safety
    plain = Sensor("A5-30-03")
    assert plain.hear(air.multisensor(20, 0b1111)) == ["climate.measured"], (
        "an input without a use tells nothing"
    )


def test_a_thermometer_measures() -> None:
    sensor = Sensor("A5-02-05")
    assert sensor.hear((air.FOUR_BS, bytes([0, 0, 0x55, 8]))) == ["climate.measured"]
    assert sensor.told[-1].values == {"temperature_c": Decimal(2667, -2)}
    for raw, hundredths in ((255, 0), (0, 4000), (254, 16)):
        sensor.hear((air.FOUR_BS, bytes([0, 0, raw, 8])))
        assert sensor.told[-1].values == {"temperature_c": Decimal(hundredths, -2)}


def test_what_is_not_of_the_profile_is_refused_and_a_teach_in_says_nothing() -> None:
    sensor = Sensor("D5-00-01")
    assert sensor.hear(air.smoke(air.SMOKE)) == [] and sensor.reading.refused[0] == MALFORMED
    assert sensor.hear(air.contact_teach_in()) == [] and sensor.state == {}
    assert sensor.reading.heard and sensor.reading.refused is None


def test_a_profile_is_one_that_is_read_and_inputs_are_for_something() -> None:
    for options, key in (
        ({}, "profile"),
        ({"profile": "A5-20-01"}, "profile"),
        ({"profile": "D5-00-01", "di0": "smoke"}, "di0"),
        ({"profile": "A5-30-03", "di0": "fire"}, "di0"),
        ({"profile": "A5-30-03", "secure": "yes"}, "secure"),
    ):
        wrong = Enocean.wrong_option(options)
        assert wrong is not None and wrong[0] == key, options
    assert Enocean.wrong_option({"profile": "A5-30-03", "di3": "not_door", "secure": True}) is None
    assert Enocean.interval_with({"profile": "F6-05-02"}) == 1200
    assert Enocean.interval_with({"profile": "D5-00-01"}) == 0
    assert sorted(PROFILES) == sorted(set(PROFILES))


# --- whom to believe ------------------------------------------------------------------------------------------------


def test_what_the_transceiver_has_authenticated_carries_no_mark() -> None:
    sensor = Sensor("F6-05-02")
    assert sensor.hear(air.smoke(air.SMOKE), 0, AUTHENTICATED) == ["smoke.detected"]
    assert sensor.told[-1].provenance == 0


def test_a_plain_alarm_of_a_secure_device_is_delivered_marked_and_ends_nothing() -> None:
    sensor = Sensor("F6-05-02", secure=True)
    assert sensor.hear(air.smoke(air.SMOKE)) == ["smoke.detected", "device.unauthenticated"]
    assert sensor.told[0].provenance == UNAUTHENTICATED and not sensor.reading.heard
    assert sensor.reading.refused[0] == UNAUTHENTICATED_FRAME
    assert sensor.hear(air.smoke(air.SMOKE), 10_000) == []
    assert sensor.hear(air.smoke(air.NO_SMOKE), 20_000) == []
    assert sensor.hear(air.smoke(air.SMOKE), 30_000, AUTHENTICATED) == ["smoke.detected"], (
        "a verified one is news"
    )
    assert sensor.hear(air.smoke(air.NO_SMOKE), 40_000) == [], "nobody forges the end of an alarm"
    assert sensor.hear(air.smoke(air.NO_SMOKE), 50_000, AUTHENTICATED) == ["smoke.cleared"]


def test_an_encrypted_telegram_that_nobody_can_open_is_a_fault_once_in_ten_minutes() -> None:
    sensor = Sensor("F6-05-02")
    encrypted = (0x30, b"\x12\x34\x56\x78")
    assert sensor.hear(encrypted) == ["device.unauthenticated"] and not sensor.reading.heard
    assert sensor.hear(encrypted, 599_000) == []
    assert sensor.hear(encrypted, 600_000) == ["device.unauthenticated"]


# --- the transceiver ------------------------------------------------------------------------------------------------


def test_the_transceiver_is_asked_for_version_and_base_id_and_then_once_a_minute() -> None:
    driver, far = Transceiver(), air.TransceiverDevice()
    answer = b"".join(driver.opened(0, None).send)
    for _ in range(3):
        reading = driver.received(far.received(answer), 0, None)
        answer = b"".join(reading.send)
    assert far.asked == [air.READ_VERSION, air.READ_BASE_ID]
    assert driver.base_id == "FF:87:CA:00" and driver.version is not None
    assert (driver.version.name, driver.version.application) == ("GATEWAYCTRL", "2.11.1.0")
    assert driver.next_due_ms(0) == LOOK_MS
    answer = b"".join(driver.due(LOOK_MS, None).send)
    driver.received(far.received(answer), LOOK_MS, None)
    assert far.asked[2:] == [air.READ_VERSION] and driver.next_due_ms(LOOK_MS) == 2 * LOOK_MS


def test_a_transceiver_that_hangs_is_noticed_and_so_is_its_return() -> None:
    driver, far = Transceiver(), air.TransceiverDevice()
    far.hangs = True
    sent = [driver.opened(0, None).send]
    now_ms = 0
    while not driver.unanswered:
        due_ms = driver.next_due_ms(now_ms)
        assert due_ms is not None and due_ms < 2 * AGAIN_MS
        now_ms = due_ms
        sent.append(driver.due(now_ms, None).send)
    assert len([one for one in sent if one]) == 2 * TRIES and now_ms >= AGAIN_MS
    reading = driver.received(air.telegram(SENDER, air.contact(True)), now_ms, None)
    assert reading.heard and [item.sender for item in driver.heard_telegrams] == [SENDER]
    assert driver.unanswered
    far.hangs = False
    now_ms = driver.next_due_ms(now_ms) or 0
    driver.received(far.received(b"".join(driver.due(now_ms, None).send)), now_ms, None)
    assert not driver.unanswered


def test_answers_that_nobody_asked_for_and_wrong_ones_change_nothing() -> None:
    driver, far = Transceiver(), air.TransceiverDevice()
    driver.received(far.answer(air.READ_BASE_ID), 0, None)
    assert driver.base_id is None
    driver.opened(0, None)
    reading = driver.received(far.answer(0x7F), 0, None)
    assert driver.version is None and reading.refused is not None and reading.refused[0] == MALFORMED
    assert driver.received(b"\x55\x00", 0, None).heard is False


def test_a_telegram_behind_a_false_beginning_comes_within_the_gap() -> None:
    head = bytes([0x01, 0x00, 0x07, 0x01])
    driver = Transceiver()
    driver.opened(0, None)
    driver.received(
        b"\x55" + head + bytes([crc8(head)]) + air.telegram(SENDER, air.smoke(air.SMOKE)), 50, None
    )
    assert driver.heard_telegrams == [] and driver.next_due_ms(50) == 150
    assert driver.due(150, None).heard
    assert [item.payload for item in driver.heard_telegrams] == [air.SMOKE]
    driver.due(160, None)
    assert driver.heard_telegrams == [], "each telegram once"
