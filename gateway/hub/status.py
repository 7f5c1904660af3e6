"""What `trygg status` and `trygg devices` show: facts by name, for people to be worded by the catalogue."""

from gateway.hub.resets import counters
from hal.types import BOND_WEAK, LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.hub.app import App
    from gateway.hub.devices import Device

LANE_NAMES = ("safety", "alarm", "technical", "measurement", "info")


def status(app: "App") -> "dict[str, object]":
    """The hub as a whole. Times in ms; `since` values are durations until now."""
    now_ms = app.machine.clock.uptime_ms()
    journal, delivery = app.machine.journal, app.delivery
    lanes = []
    for lane in LANES:
        mark = journal.mark(lane)
        lanes.append(
            {"lane": lane, "name": LANE_NAMES[lane], "held": mark.last - mark.first + 1, "last": mark.last}
        )
    waiting = delivery.waiting_since_ms()
    return {
        "gateway": app.config.hub.id,
        "tenant": app.config.hub.tenant,
        "software": app.outward.software,
        "public_key": app.machine.keystore.public_key.hex(),
        "boot": app.boot,
        "uptime_ms": now_ms,
        "utc_ms": app.machine.clock.utc_ms(),
        "clock_offset_ms": app.started.get("clock_offset_ms"),
        "training": app.recorder.training,
        "epoch": journal.epoch.hex(),
        "connected": delivery.uplink.connected,
        "way": delivery.way_facts(),
        "way_is_first": delivery.first,
        "last_error": delivery.last_error,
        "lost_ms": None if delivery.lost_ms is None else now_ms - delivery.lost_ms,
        "unreceipted_ms": 0 if waiting is None else now_ms - waiting,
        "last_receipt_ms": now_ms - app.inward.progress_ms,
        "keyset": None if app.trust.held is None else app.trust.version,
        "lanes": lanes,
        "given_up": [
            {"lane": gone.lane, "first": gone.first, "last": gone.last} for gone in journal.given_up()
        ],
        "storage_full": app.recorder.full,
        "lost_in_memory": {
            LANE_NAMES[lane]: count for lane, count in app.recorder.waiting.overrun.lost.items()
        },
        "messages_refused": dict(app.inward.refused),
        "frames_refused": {d.config.name: sum(d.refused.values()) for d in app.devices if d.refused},
        "devices_unpaired": [d.config.name for d in app.devices if not d.is_paired],
        "devices_weak": [d.config.name for d in app.devices if d.shown_bond == BOND_WEAK],
        "devices_silent": [d.config.name for d in app.devices if is_silent(app, d)],
        "alarms": app.dispositions.facts({d.placement: d.config.name for d in app.devices}),
        "lamp": app.supervise.lamp(),
        "faults": app.supervise.faults(),
        "self_test": app.supervise.self_test.facts(),
        "configuration_fault": app.fault,
        "configuration": None if app.configured is None else app.configured.facts(),
        "advertisements_dropped": 0 if app.machine.scanner is None else app.machine.scanner.dropped,
    }


def devices(app: "App") -> "list[dict[str, object]]":
    """Each device in use."""
    return [device_facts(app, device) for device in app.devices]


def device_facts(app: "App", device: "Device") -> "dict[str, object]":
    """One device: what it is, when it was heard, what was refused and why."""
    now_ms = app.machine.clock.uptime_ms()
    watched = app.supervision.devices.get(device.placement)
    link = app.supervision.links.get(device.placement)
    behind = counters(device)
    return {
        "name": device.config.name,
        "driver": device.config.driver,
        "room": device.config.room,
        "reached": device.config.address or device.config.port or device.config.sender,
        "placement": device.placement,
        "heard_ms": None if device.heard_ms is None else now_ms - device.heard_ms,
        "interval_ms": device.interval_ms,
        "learned_interval_ms": 0 if watched is None else watched.learned_ms,
        "silent": is_silent(app, device),
        "rssi_dbm": None if link is None else link.rssi_dbm,
        "link_weak": link is not None and link.weak,
        "link": device.link,
        "bond": device.shown_bond,
        "key": {"word": device.key_word, "bytes": device.key_bytes} if device.key_word else None,
        "paired": device.is_paired,
        "frames": device.frames,
        "repeated": device.repeated,
        "refused": dict(device.refused),
        "last_refusal": device.last_refusal,
        "counter_behind": None if behind is None else {"heard": behind[0], "last": behind[1]},
        "described": dict(device.described),
        "can": device.driver.can(device.described),
    }


def is_silent(app: "App", device: "Device") -> bool:
    """Whether the device has been reported silent and not been heard since."""
    return app.recorder.engine.incidents.is_open(device.placement, "device.silent")
