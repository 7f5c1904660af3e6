"""What a dispenser's log lost is said, once, and the log goes on."""

from gateway.core.devices.dispenser_messages import decode_payload
from tests.core.dispenser_talk import LOG, OTHER_LOG, Device, reopened, settled


def losses(device: Device) -> "list[dict[str, object]]":
    return [event.values for event in device.hub.events if event.kind == "device.log_lost"]


def with_entries(count: int) -> Device:
    device = settled(newest=count)
    device.say(*[device.entry(number) for number in range(1, count + 1)])
    device.acknowledged = count
    assert losses(device) == []
    return device


def test_the_first_contact_begins_after_what_another_gateway_has_acknowledged() -> None:
    device = settled(newest=9, first=3, acknowledged=6)
    assert decode_payload(device.sent[-1])["number"] == 7
    assert losses(device) == []
    fresh = settled(newest=9, first=3)
    assert decode_payload(fresh.sent[-1])["number"] == 3
    assert losses(fresh) == []


def test_a_new_log_is_reported_once_and_read_from_its_beginning() -> None:
    device = with_entries(3)
    device.log_id, device.newest, device.acknowledged = OTHER_LOG, 1, 0
    reopened(device)
    assert losses(device) == [{"reason": "log_replaced", "log_number": 3}]
    device.say(device.entry(1))
    assert device.hub.numbers()[-1] == 1
    reopened(device)
    assert len(losses(device)) == 1


def test_another_device_in_the_same_place_is_told_from_a_new_log() -> None:
    device = with_entries(3)
    device.log_id, device.newest, device.acknowledged, device.serial_number = OTHER_LOG, 0, 0, "2"
    reopened(device)
    assert losses(device) == [{"reason": "device_replaced", "log_number": 3}]


def test_entries_that_were_overwritten_are_reported_by_number() -> None:
    device = with_entries(3)
    device.newest, device.first = 20, 11
    reopened(device)
    assert losses(device) == [{"reason": "overwritten", "first_seq": 4, "last_seq": 10, "count": 7}]
    device.say(device.entry(11))
    assert device.hub.numbers()[-1] == 11


def test_a_log_that_went_back_is_reported_and_read_again_from_what_it_holds() -> None:
    device = with_entries(5)
    before = [event.record for event in device.hub.events]
    device.newest = device.acknowledged = 2
    reopened(device)
    assert losses(device) == [{"reason": "log_went_back", "log_number": 2, "last_seq": 5}]
    device.say(device.entry(1))
    assert device.hub.events[-1].record in before  # the same identity: a receiver removes the copy


def test_a_loss_is_stored_in_one_append_with_the_cursor_that_passes_it() -> None:
    device = with_entries(3)
    device.newest, device.first = 20, 11
    device.sent = device.heard_by_us(device.hub.driver.opened(device.now_ms, None))
    device.say(device.description(device.sent[0].seq))
    reading = device.last()
    assert [event.kind for event in reading.observations] == ["device.log_lost"]
    assert reading.state["cursor"] == LOG + (10).to_bytes(8, "big")
    records = [event.record for event in device.hub.events if event.kind == "device.log_lost"]
    assert records[0] is not None and len(records) == 1
